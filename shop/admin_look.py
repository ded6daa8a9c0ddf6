"""The admin's name, colours and navigation, in the shape unfold asks for."""

from collections.abc import Callable
from typing import Any

from django.http import HttpRequest
from django.templatetags.static import static
from django.urls import reverse_lazy
from django.utils.translation import gettext_lazy as _

# The shop's paper, ink and green: 600 is the green on light pages, 400 the one on dark.
_GREEN = {
    "50": "#eef8f5",
    "100": "#d7eee7",
    "200": "#b1ded1",
    "300": "#98d8c4",
    "400": "#7fd1b9",
    "500": "#2f8f79",
    "600": "#0b6b57",
    "700": "#095a49",
    "800": "#08493c",
    "900": "#073a30",
    "950": "#04221c",
}
_PAPER = {
    "50": "#faf7f2",
    "100": "#f3eee5",
    "200": "#e6dfd2",
    "300": "#d3cabb",
    "400": "#a3a79f",
    "500": "#69746e",
    "600": "#4d5a54",
    "700": "#3a4a43",
    "800": "#2a3b34",
    "900": "#14201c",
    "950": "#0f1815",
}


def _may_view(model: str) -> Callable[[HttpRequest], bool]:
    app, name = model.split(".")

    def may_view(request: HttpRequest) -> bool:
        return request.user.has_perm(f"{app}.view_{name}")

    return may_view


def _item(title: Any, icon: str, model: str) -> dict[str, Any]:
    return {
        "title": title,
        "icon": icon,
        "link": reverse_lazy(f"admin:{model.replace('.', '_')}_changelist"),
        "permission": _may_view(model),
    }


_NAVIGATION = [
    {
        "title": _("Orders"),
        "items": [
            _item(_("Orders"), "receipt_long", "orders.order"),
            _item(_("Failed placements"), "running_with_errors", "shop.failedplacement"),
            _item(_("Payments"), "payments", "payments.payment"),
            _item(_("Captures"), "account_balance", "payments.capture"),
            _item(_("Refunds"), "currency_exchange", "payments.refund"),
            _item(_("PayPal's webhooks"), "webhook", "payments.webhookreceipt"),
        ],
    },
    {
        "title": _("Catalogue"),
        "items": [
            _item(_("Products"), "shopping_basket", "shop.product"),
            _item(_("Variants and prices"), "sell", "shop.variant"),
            _item(_("Categories"), "category", "shop.category"),
            _item(_("Stock"), "inventory_2", "inventory.stock"),
            _item(_("Stock movements"), "swap_vert", "inventory.stockmovement"),
            _item(_("Delivery methods"), "local_shipping", "shop.deliverymethod"),
            _item(_("Pages"), "article", "shop.shoppage"),
        ],
    },
    {
        "title": _("Emails"),
        "items": [
            _item(_("Stages"), "toggle_on", "notifications.stagesetting"),
            _item(_("Emails"), "mail", "notifications.emaildelivery"),
            _item(_("Events"), "bolt", "notifications.event"),
            _item(_("Waiting for Kafka"), "outbox", "notifications.outboxentry"),
            _item(_("Refused by Kafka"), "block", "notifications.quarantinedevent"),
            _item(_("Dead letters"), "report", "notifications.deadletter"),
        ],
    },
    {
        "title": _("The house"),
        "items": [
            _item(_("Operations"), "monitoring", "shop.intakereport"),
            _item(_("Checks of the books"), "balance", "shop.bookscheck"),
            _item(_("People"), "person", "auth.user"),
            _item(_("Groups"), "group", "auth.group"),
            _item(_("Audit trail"), "history", "admin.logentry"),
            _item(_("Locked out"), "lock", "axes.accessattempt"),
            _item(_("Second factors"), "key", "mfa.authenticator"),
        ],
    },
]


def admin_look(shop_name: str) -> dict[str, Any]:
    """Return unfold's settings for a shop of that name."""
    return {
        "SITE_TITLE": shop_name,
        "SITE_HEADER": shop_name,
        "SITE_URL": "/",
        "SITE_ICON": lambda _request: static("shop/favicon.svg"),
        "SITE_FAVICONS": [
            {
                "rel": "icon",
                "type": "image/svg+xml",
                "href": lambda _request: static("shop/favicon.svg"),
            }
        ],
        "SHOW_BACK_BUTTON": True,
        "DASHBOARD_CALLBACK": "shop.admin.dashboard.add_dashboard",
        "ACCOUNT": {
            "navigation": [{"title": _("Two-factor sign-in"), "link": reverse_lazy("mfa_index")}]
        },
        "STYLES": [lambda _request: static("shop/admin.css")],
        "COLORS": {"primary": _GREEN, "base": _PAPER},
        "SIDEBAR": {"show_search": True, "navigation": _NAVIGATION},
    }
