"""What a stage's email would look like: written from a real order, sent to nobody but its asker."""

import uuid
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

from django.conf import settings
from django.core.mail import EmailMultiAlternatives
from django.db.models import Q
from django.utils import timezone
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from notifications.emails import write_email
from notifications.mime import WrittenEmail
from notifications.models import Event
from notifications.stages import Stage

_RECENT = timedelta(days=30)
_MONEY = {"amount": "27.50", "currency": "USD"}

# What staff can choose between where one stage sends two kinds of email; the first is shown first.
FORMS: dict[str, dict[str, Promise]] = {
    "staff.attention": {
        "now": gettext_lazy("At once"),
        "digest": gettext_lazy("Daily summary"),
    },
}


def chosen_form(stage: Stage, wanted: str) -> str:
    """Return the form of that name, or the stage's first; nothing where it has but one."""
    forms = FORMS.get(stage.type, {"": ""})
    return wanted if wanted in forms else next(iter(forms))


class NothingToShow(Exception):
    """There is no such order, or its customer was forgotten."""


def latest_order_number() -> str:
    """Return the order whose event was recorded last, or nothing."""
    events = Event.objects.filter(type="order.placed").exclude(personal={})
    return events.order_by("-recorded_at").values_list("subject", flat=True).first() or ""


def preview(stage: Stage, *, number: str, language: str, form: str = "") -> WrittenEmail:
    """Write the stage's email about that order, in one of its `FORMS`.

    Raises NothingToShow and `Unwritable`.
    """
    return write_email(
        event_id=uuid.uuid4(),
        event_type=stage.type,
        role=stage.role.value,
        address="preview@example.com",
        name=_("Preview"),
        locale=language,
        message_id="<preview@example.com>",
        data=_facts(stage, number, form, timezone.now()),
    )


def send_test(stage: Stage, *, number: str, language: str, to: str, form: str = "") -> None:
    """Send the preview straight through EMAIL_BACKEND: neither Kafka nor the ledger knows of it."""
    written = preview(stage, number=number, language=language, form=form)
    test = EmailMultiAlternatives(
        subject=f"[{_('Test')}] {written.subject}",
        body=str(written.body),
        to=[to],
        headers={"Auto-Submitted": "auto-generated"},
    )
    test.attach_alternative(str(written.alternatives[0][0]), "text/html")
    test.send()


def _facts(stage: Stage, number: str, form: str, now: datetime) -> dict[str, Any]:
    """Return an event's value: a real one of this type, or the order's with what the type adds."""
    if stage.type in _NOT_OF_AN_ORDER:
        form = chosen_form(stage, form)
        return _latest(stage, form, now) or _NOT_OF_AN_ORDER[stage.type][form]()
    events = Event.objects.filter(subject=number, type__startswith="order.").exclude(personal={})
    same = events.filter(type=stage.type).first()
    known = same or events.order_by("recorded_at").first()
    if known is None:
        raise NothingToShow(number)
    facts = {**known.body, **known.personal}
    return facts if same else _as_if(stage.type, facts, now)


def _latest(stage: Stage, form: str, now: datetime) -> dict[str, Any] | None:
    """Return the value of the latest event of this type, and form, that still says whom it told."""
    recent = Event.objects.filter(type=stage.type, recorded_at__gt=now - _RECENT)
    is_digest = Q(body__attention__has_key="day")
    found = recent.filter(is_digest if form == "digest" else ~is_digest).first()
    return {**found.body, **found.personal} if found and found.personal else None


def _as_if(event_type: str, facts: dict[str, Any], now: datetime) -> dict[str, Any]:
    added = _added(now)[event_type]
    order = {**facts["order"], **added.get("order", {})}
    return {**facts, **added, "order": order}


def _added(now: datetime) -> dict[str, dict[str, Any]]:
    """Return what each type of an order's event has beyond the order, as an example."""
    hold = {"hold": {"until": (now + timedelta(minutes=5)).isoformat()}}
    refund = {"refund": _MONEY}
    return {
        "order.placed": hold,
        "order.ready_to_pay": hold,
        "order.payment_reminder": hold,
        "order.confirmed": {"order": {"status": "SUCCESS"}},
        "order.payment_failed": {
            "payment": {"final": False, "issue": "INSTRUMENT_DECLINED", "reason": "declined"}
        },
        "order.payment_review": {},
        "order.sold_out": {"order": {"status": "FAILED", "reason": "sold_out"}},
        "order.expired": {"order": {"status": "FAILED", "reason": "expired"}},
        "order.shipped": {
            "order": {"status": "SHIPPED"},
            "shipment": {"carrier": "VNPost", "tracking_number": "EE123456789VN"},
        },
        "order.delivered": {"order": {"status": "DELIVERED"}},
        "order.cancelled": {
            "order": {"status": "CANCELLED"},
            "cancellation": {"reason": _("It broke when we packed it."), **refund},
        },
        "payment.refunded": {"order": {"status": "CANCELLED"}, **refund},
    }


def _low_stock() -> dict[str, Any]:
    stock = {"sku": "TEA-LOTUS-50", "available": 4, "on_hand": 7, "held": 3, "threshold": 5}
    return {"stock": stock, "links": {"admin": f"{settings.SHOP_URL}/admin/"}}


def _attention() -> dict[str, Any]:
    case = {"what": "disputed", "subject": "G2345ABCDE", "money": _MONEY, "detail": "PP-D-27803"}
    return {"attention": {"cases": [{**case, "url": f"{settings.SHOP_URL}/admin/"}]}}


def _digest() -> dict[str, Any]:
    case = {"subject": "", "money": None, "detail": "", "url": f"{settings.SHOP_URL}/admin/"}
    counts = {"failed_placements": 3, "wishes_to_cancel": 1, "dead_letters": 2}
    cases = [{**case, "what": what, "count": count} for what, count in counts.items()]
    day = timezone.now().date().isoformat()
    return {
        "attention": {"day": day, "cases": cases},
        "links": {"admin": f"{settings.SHOP_URL}/admin/"},
    }


def _refused_placement() -> dict[str, Any]:
    links = {"cart": f"{settings.SHOP_URL}/cart/", "shop": f"{settings.SHOP_URL}/"}
    key = str(uuid.UUID(int=0))
    placement: dict[str, Any] = {
        "checkout_key": key,
        "reason": "too_old",
        "lines": [],
        "total": None,
    }
    return {"placement": placement, "customer": {"email": "", "name": ""}, "links": links}


# By type and form.
_NOT_OF_AN_ORDER: dict[str, dict[str, Callable[[], dict[str, Any]]]] = {
    "stock.low": {"": _low_stock},
    "staff.attention": {"now": _attention, "digest": _digest},
    "placement.refused": {"": _refused_placement},
}
