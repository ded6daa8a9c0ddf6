"""What staff see: pages about several apps' rows; an app's rows of its own stand in its admin."""

from shop.admin import (
    audit,
    books,
    catalogue,
    dashboard,
    failures,
    operations,
    orders,
    people,
    stock,
)

__all__ = [
    "audit",
    "books",
    "catalogue",
    "dashboard",
    "failures",
    "operations",
    "orders",
    "people",
    "stock",
]
