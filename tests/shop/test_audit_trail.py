"""Every change in the admin is told with who made it, from what to what; the trail stays."""

from typing import Any

import pytest
from allauth.mfa.models import Authenticator
from allauth.mfa.signals import authenticator_added
from django.contrib import admin
from django.contrib.admin.models import LogEntry
from django.contrib.auth.models import Group, Permission, User
from django.db import DatabaseError, connection, transaction
from django.test import Client
from django.urls import reverse

from inventory.models import Stock
from notifications.admin.audit import AuditedAdmin
from notifications.admin.lists import BigList
from notifications.models import StageSetting
from shop.admin.people import AccessAttemptAdmin, SecondFactorAdmin
from tests.factories import CategoryFactory, VariantFactory
from tests.shop.product_forms import filled_product_form, product_page

pytestmark = pytest.mark.django_db


def told() -> str:
    return LogEntry.objects.latest("pk").get_change_message()


def save(client: Client, thing: Any, **changes: Any) -> None:
    """Send the thing's page back with these changes, as a browser would."""
    meta = thing._meta
    page = reverse(f"admin:{meta.app_label}_{meta.model_name}_change", args=[thing.pk])
    form = client.get(page).context["adminform"].form
    found = {name: form[name].value() for name in form.fields}
    sent = {
        name: value for name, value in found.items() if value is not None and value is not False
    }
    answer = client.post(page, {**sent, **changes})
    assert answer.status_code == 302, answer.context["errors"]


def test_who_changes_anything_is_told_with_both_values(admin_client: Client) -> None:
    category = CategoryFactory.create(name_en="Tea", position=1)
    save(admin_client, category, name_en="Teas")
    entry = LogEntry.objects.latest("pk")
    assert entry.user.get_username() == "admin"
    assert told() == "Changed name_en: Tea → Teas."


def test_a_price_on_its_products_page_is_told(admin_client: Client) -> None:
    variant = VariantFactory.create()
    form = filled_product_form(admin_client, variant.product)
    admin_client.post(product_page(variant.product), form | {"variants-0-price": "13.00"})
    assert f"Changed price: 12.50 → 13.00 for variant “{variant.sku}”." in told()


def test_roles_and_permissions_are_told_one_by_one(admin_client: Client) -> None:
    person = User.objects.create_user("lan", is_staff=True)
    finance, viewer = (Group.objects.get_or_create(name=name)[0] for name in ("finance", "viewer"))
    person.groups.add(viewer)
    page = reverse("admin:auth_user_change", args=[person.pk])
    sent = {"username": "lan", "is_staff": "on", "is_active": "on", "groups": [finance.pk]}
    sent |= {"date_joined_0": "2026-01-01", "date_joined_1": "10:00", "email": "lan@example.com"}
    assert admin_client.post(page, sent).status_code == 302
    assert "groups: + finance; − viewer" in told()
    assert "lan@example.com" not in told()
    right = Permission.objects.get(codename="refund_order")
    save(admin_client, Group.objects.create(name="night shift"), permissions=[right.pk])
    assert f"permissions: + {right}" in told()


def test_a_switched_stage_is_told(admin_client: Client) -> None:
    stage = StageSetting.objects.known().get(type="order.delivered")
    save(admin_client, stage, enabled="on")
    assert told() == "Changed enabled: False → True."


def test_a_threshold_is_told(admin_client: Client) -> None:
    stock = Stock.objects.get(sku=VariantFactory.create().sku)
    page = reverse("admin:inventory_stock_change", args=[stock.pk])
    inline = admin_client.get(page).context["inline_admin_formsets"][0].formset.prefix
    form = {f"{inline}-{name}_FORMS": "0" for name in ("TOTAL", "INITIAL")}
    admin_client.post(page, form | {"low_stock_threshold": "9", "received": "2"})
    assert told() == "Changed low_stock_threshold: 5 → 9 and received: – → 2."


def test_passwords_and_second_factors_are_told_without_secrets(admin_client: Client) -> None:
    person = User.objects.create_user("lan", is_staff=True)
    page = reverse("admin:auth_user_password_change", args=[person.pk])
    admin_client.post(page, {"password1": "a-long-secret-7", "password2": "a-long-secret-7"})
    assert "assword" in told()
    assert "secret" not in told()
    factor = Authenticator.objects.create(user=person, type="totp", data={})
    authenticator_added.send(Authenticator, request=None, user=person, authenticator=factor)
    assert told() == "Set up a second factor (totp)."


def test_the_trail_is_neither_changed_nor_deleted(admin_client: Client) -> None:
    save(admin_client, CategoryFactory.create(), name_en="Teas")
    entry = LogEntry.objects.latest("pk")
    for statement in ("UPDATE django_admin_log SET user_id = 0", "DELETE FROM django_admin_log"):
        with (
            pytest.raises(DatabaseError, match="never changed"),
            transaction.atomic(),
            connection.cursor() as cursor,
        ):
            cursor.execute(statement)
    page = reverse("admin:admin_logentry_change", args=[entry.pk])
    assert admin_client.post(f"{page[:-7]}delete/", {"post": "yes"}).status_code == 403
    assert "Teas" in admin_client.get(reverse("admin:admin_logentry_changelist")).text


def test_whoever_acted_cannot_be_deleted_with_what_they_did(admin_client: Client) -> None:
    owner = User.objects.get(username="admin")
    save(admin_client, CategoryFactory.create(), name_en="Teas")
    page = reverse("admin:auth_user_delete", args=[owner.pk])
    admin_client.post(page, {"post": "yes"})
    assert User.objects.filter(pk=owner.pk).exists()


def test_every_admin_that_changes_rows_tells_of_it() -> None:
    """The others show rows that only the shop writes, or let one be deleted, which Django tells."""
    admin.autodiscover()
    silent = (BigList, AccessAttemptAdmin, SecondFactorAdmin)
    for model, one in admin.site._registry.items():
        assert isinstance(one, (AuditedAdmin, *silent)), model
