"""Who on the staff may do what: five groups that every shop has.

A migration makes them; one that adds a model or a permission calls `grant_roles` again. A shop that
needs another mix makes a group of its own.
"""

from collections.abc import Mapping
from typing import Any

from django.apps import apps
from django.contrib.auth.management import create_permissions
from django.contrib.auth.models import Group, Permission
from django.db.models import Q

_SHOP = ("orders", "payments", "inventory", "notifications", "shop")
_PEOPLE = ("auth", "axes", "mfa")
_KEPT = ("product", "productpicture", "variant", "category", "deliverymethod", "shoppage")


def _can(*actions: str) -> Q:
    names = [f"{action}_order" for action in actions]
    return Q(content_type__app_label="orders", codename__in=names)


def _keeps(app: str, *models: str) -> Q:
    names = [f"{verb}_{model}" for model in models for verb in ("view", "add", "change")]
    return Q(content_type__app_label=app, codename__in=names)


_SEES = Q(content_type__app_label__in=_SHOP, codename__startswith="view_")
ROLES: Mapping[str, Q] = {
    "viewer": _SEES,
    "fulfilment": _SEES | _can("ship", "correct", "resend", "note", "return", "export"),
    "finance": _SEES
    | _can("refund", "cancel", "return", "resend", "note", "check", "clear_flag", "export"),
    "catalogue": _keeps("shop", *_KEPT)
    | Q(content_type__app_label="shop", codename__in=("delete_productpicture", "view_pricechange"))
    | Q(content_type__app_label="inventory", codename__startswith="view_")
    | Q(content_type__app_label="inventory", codename="change_stock"),
    "owner": Q(content_type__app_label__in=(*_SHOP, *_PEOPLE))
    | Q(content_type__app_label="admin", codename="view_logentry"),
}


def grant_roles(*_: Any) -> None:
    """Make the groups, and give each exactly its permissions; what a migration runs."""
    for label in (*_SHOP, *_PEOPLE, "admin"):
        create_permissions(apps.get_app_config(label), verbosity=0)
    for name, rule in ROLES.items():
        group, _created = Group.objects.get_or_create(name=name)
        group.permissions.set(Permission.objects.filter(rule))
