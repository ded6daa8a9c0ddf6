"""An event of every kind, in every form its email can take, as the shop records it."""

from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from django.db import transaction
from django.utils import timezone

from notifications.models import Event
from notifications.outbox import record_event
from notifications.stages import Role
from tests.notifications.examples import MAI, order_body, order_personal

_NUMBER = "G-1"
_SHOP = "http://127.0.0.1:8000"
_ADMIN = f"{_SHOP}/admin/orders/order/1/change/"


@dataclass(frozen=True)
class Sample:
    """One event: what is not personal, and what is."""

    name: str
    type: str
    subject: str
    body: dict[str, Any]
    personal: dict[str, Any]
    role: Role = Role.CUSTOMER

    @property
    def data(self) -> dict[str, Any]:
        """Return what a consumer reads, apart from the envelope."""
        return {**self.body, **self.personal}


def _order(
    event_type: str,
    name: str = "",
    *,
    status: str = "SUCCESS",
    reason: str = "",
    links: dict[str, str] | None = None,
    role: Role = Role.CUSTOMER,
    **extra: Any,
) -> Sample:
    body = order_body(_NUMBER, **extra)
    body["order"] |= {"status": status, "reason": reason}
    personal = order_personal(_NUMBER)
    personal["links"] |= links or {}
    return Sample(name or event_type, event_type, _NUMBER, body, personal, role)


def _refused(reason: str, **changes: Any) -> Sample:
    placement = {
        "checkout_key": "7f1d3a52-9b1e-4a34-8f0e-0d7a3d1b2c4e",
        "reason": reason,
        "lines": [],
        "total": None,
        **changes,
    }
    return Sample(
        f"placement.refused {reason}",
        "placement.refused",
        placement["checkout_key"],
        {"placement": placement},
        {
            "customer": {"email": MAI.email, "name": MAI.name},
            "links": {"cart": f"{_SHOP}/cart/", "shop": f"{_SHOP}/"},
        },
    )


def _stock(available: int, **changes: Any) -> Sample:
    stock = {"sku": "COFFEE-500", "available": available, "on_hand": 7, "held": 3, "threshold": 5}
    links = {"admin": f"{_SHOP}/admin/inventory/stock/COFFEE-500/change/"}
    body = {"stock": {**stock, **changes}, "links": links}
    return Sample(f"stock.low {available}", "stock.low", "COFFEE-500", body, {}, Role.STAFF)


def case(what: str, subject: str = _NUMBER, **changes: Any) -> dict[str, Any]:
    return {
        "what": what,
        "subject": subject,
        "money": {"amount": "27.50", "currency": "USD"},
        "detail": "PP-D-27803: item not received",
        "url": _ADMIN,
        **changes,
    }


def _attention(*cases: dict[str, Any]) -> Sample:
    name = f"staff.attention {len(cases)}"
    order = {"order": {"number": _NUMBER}} if len(cases) == 1 else {}
    body = {"attention": {"cases": list(cases)}, **order}
    return Sample(name, "staff.attention", _NUMBER, body, {}, Role.STAFF)


def _digest(**counts: int) -> Sample:
    cases = [case(what, "", money=None, detail="", count=n) for what, n in counts.items()]
    body = {
        "attention": {"day": "2026-11-25", "cases": cases},
        "links": {"admin": f"{_SHOP}/admin/"},
    }
    name = f"staff.attention digest {len(cases)}"
    return Sample(name, "staff.attention", "digest-2026-11-25", body, {}, Role.STAFF)


def record_sample(sample: Sample) -> Event:
    """Record the event as a caller does."""
    with transaction.atomic():
        return record_event(
            type=sample.type,
            subject=sample.subject,
            customer=MAI if sample.role is Role.CUSTOMER else None,
            body=sample.body,
            personal=sample.personal,
        )


def samples() -> list[Sample]:
    """Return one event for each form of each stage's email."""
    return [*_unpaid(), *_ended(), *_paid(), *_for_staff()]


def _unpaid() -> list[Sample]:
    hold = {"until": (timezone.now() + timedelta(minutes=5)).isoformat()}
    over = {"until": (timezone.now() - timedelta(minutes=5)).isoformat()}
    gone = {"sku": "COFFEE-500", "name": "Đà Lạt coffee · 500 g", "wanted": 3, "available": 1}
    none = {"sku": "TEA-100", "name": "Thái Nguyên tea", "wanted": 2, "available": 0}
    total = {"amount": "29.50", "currency": "USD"}
    return [
        _order("order.placed", status="PENDING"),
        _order("order.placed", "order.placed hold", status="PENDING", hold=hold),
        _order("order.ready_to_pay", status="PENDING", hold=hold),
        _order("order.payment_reminder", status="PENDING", hold=hold),
        _order("order.payment_reminder", "order.payment_reminder late", hold=over),
        _refused("unavailable", lines=[gone, none]),
        _refused("price_changed", total=total),
        _refused("delivery_unavailable"),
        _refused("too_old"),
    ]


def _ended() -> list[Sample]:
    retry = {"final": False, "issue": "INSTRUMENT_DECLINED", "reason": "declined"}
    again = {"reorder": f"{_SHOP}/cart/reorder/G-1/token/"}
    gone = {"skus": ["COFFEE-500"]}
    return [
        _order("order.payment_failed", status="PENDING", payment=retry),
        _order("order.payment_failed", "failed other", payment={**retry, "issue": "OTHER"}),
        _order("order.payment_failed", "failed final", payment={**retry, "final": True}),
        _order(
            "order.payment_failed",
            "failed cancelled",
            payment={"final": True, "issue": None, "reason": "cancelled"},
        ),
        _order("order.sold_out", status="FAILED", reason="sold_out"),
        _order("order.sold_out", "sold_out which", status="FAILED", shortage=gone),
        _order("order.expired", status="FAILED", reason="expired"),
        _order("order.expired", "expired declined", reason="declined", links=again),
    ]


def _paid() -> list[Sample]:
    refund = {"amount": "27.50", "currency": "USD"}
    tracked = {
        "carrier": "Vietnam Post",
        "tracking_number": "EE123456789VN",
        "tracking_url": "https://track.example/EE123456789VN",
    }
    bare = {"carrier": "", "tracking_number": ""}
    reason = "The bowls broke when we packed them."
    return [
        _order("order.confirmed"),
        _order("order.payment_review", status="PENDING"),
        _order("order.shipped", status="SHIPPED", shipment=tracked),
        _order("order.shipped", "shipped bare", status="SHIPPED", shipment=bare),
        _order("order.delivered", status="DELIVERED"),
        _cancelled("CANCELLED", reason, refund),
        _cancelled("CANCELLED", "", None),
        _cancelled("FAILED", reason, None),
        _order("payment.refunded", refund=refund),
        _order("payment.refunded", "refunded stray", refund={**refund, "reason": "stray"}),
        _order(
            "payment.refunded", "refunded late", status="FAILED", reason="expired", refund=refund
        ),
        _order(
            "payment.refunded",
            "refunded mismatch",
            status="FAILED",
            reason="payment_mismatch",
            refund=refund,
        ),
    ]


def _cancelled(status: str, reason: str, refund: dict[str, str] | None) -> Sample:
    name = f"cancelled {status} {'refund' if refund else 'no refund'}"
    cancellation = {"reason": reason, "refund": refund}
    return _order("order.cancelled", name, status=status, cancellation=cancellation)


def _refunded_for_ended(reason: str, refund: dict[str, str]) -> Sample:
    name = f"refunded {reason}"
    return _order("payment.refunded", name, status="FAILED", reason=reason, refund=refund)


def _for_staff() -> list[Sample]:
    failed = case("failed_placements", "3 placements", money=None, detail="")
    several = {"wishes_to_cancel": 1, "dead_letters": 2, "refused_events": 1, "new": 5}
    return [
        _order("order.confirmed", "confirmed copy", role=Role.STAFF, links={"admin": _ADMIN}),
        _stock(4, name="Đà Lạt coffee · 500 g"),
        _stock(0, on_hand=3),
        _attention(case("disputed")),
        _attention(failed, case("capture_unknown"), case("something_new", detail="")),
        _digest(failed_placements=1),
        _digest(failed_placements=3, **several),
    ]
