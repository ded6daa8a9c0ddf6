"""Every command of the guide runs as it is written there, with this shop's own numbers put in."""

import shlex
from pathlib import Path

import pytest
from django.core.management import call_command

from devtools.environment import PROJECT
from devtools.mailbox.client import Mailbox
from devtools.paypal.client import Emulator
from notifications.models import EmailDelivery
from orders.fulfilment import ship_order
from orders.models import Order
from payments.settlement import settle
from shop import failures
from shop.demo.seed import seed_demo
from shop.models import FailedPlacement
from tests.documented import shell_lines
from tests.factories import contact, placed_order, placement
from tests.notifications.conftest import publish_and_consume
from tests.paying import approve

GUIDES = sorted((PROJECT / "docs" / "operations").glob("*.md"))


def shipped_order() -> Order:
    order = placed_order(contact=contact(email="lan@example.com"))
    settle(approve(order).pk, by="return")
    ship_order(order_id=order.pk, carrier="VNPost", tracking_number="EE1VN", by="Mai")
    return order


def commands() -> list[str]:
    """Return the lines that call manage.py; each command takes its own words."""
    lines = [line for guide in GUIDES for line in shell_lines(guide)]
    return [line for line in lines if line.startswith("manage.py ")]


@pytest.mark.django_db(transaction=True)
def test_every_documented_command_runs(
    kafka_topic: str, mailbox: Mailbox, paypal: Emulator, tmp_path: Path
) -> None:
    seed_demo()
    order = shipped_order()
    failures.record_failure(
        placement(contact=contact(email="mai@example.com")), ZeroDivisionError()
    )
    publish_and_consume()
    delivery = EmailDelivery.objects.filter(subject=order.number).first()
    assert delivery is not None
    ours = {
        "G2345ABCDE": order.number,
        "resend_email 42": f"resend_email {delivery.pk}",
        "retry_failed_placements --id 7": (
            f"retry_failed_placements --id {FailedPlacement.objects.get().pk}"
        ),
        "check --deploy": "check",  # these are no production settings; `make check` has some
        "--sizes 1-20 --seconds 3": "--sizes 1 --seconds 0.5",
        "curve.svg": str(tmp_path / "curve.svg"),
    }
    lines = commands()
    assert len(lines) > 20

    for line in lines:
        for written, our in ours.items():
            line = line.replace(written, our)  # noqa: PLW2901
        call_command(*shlex.split(line)[1:])

    order.refresh_from_db()
    assert order.email == ""
    assert (tmp_path / "curve.svg").exists()
