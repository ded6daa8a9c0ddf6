"""Our rows against PayPal's: one capture, or all that came and went in a period."""

import logging
from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from itertools import chain
from uuid import UUID

from django.db.models import Q

from payments.calls import concerning
from payments.gateway import RemoteTransaction, Unknown
from payments.lifecycle import CaptureStatus, RefundStatus
from payments.models import Capture, PaymentAttempt, Refund
from payments.paypal import gateway
from payments.recording import record_captures
from payments.refund_recording import record_refund
from payments.settlement import settle

logger = logging.getLogger(__name__)

# PayPal's books tell a transaction up to three hours late.
SETTLED_AFTER = timedelta(hours=4)
_LONGEST_PERIOD = timedelta(days=31)
# Their clock and ours may put one transaction into different periods.
_MARGIN = timedelta(days=1)
_PAID = (CaptureStatus.COMPLETED, CaptureStatus.PARTIALLY_REFUNDED, CaptureStatus.REFUNDED)


def compare_capture(capture_id: int, *, by: str) -> None:
    """Ask PayPal about one capture, and record what it says, refunds made there included.

    Raises GatewayError.
    """
    capture = Capture.objects.select_related("attempt", "payment").get(pk=capture_id)
    with concerning(capture.payment.transaction_id):
        _compare_one(capture, by=by)


def _compare_one(capture: Capture, *, by: str) -> None:
    remote = gateway().get_capture(capture.paypal_id)
    returned = capture.refunds.completed().total()
    if remote.status == CaptureStatus.PARTIALLY_REFUNDED or (
        remote.status == CaptureStatus.REFUNDED and returned < capture.amount
    ):
        _record_refunds(capture, by=by)
    record_captures(capture.attempt_id, [remote], by=by)


def _record_refunds(capture: Capture, *, by: str) -> None:
    """Record every refund that PayPal's order shows of this capture."""
    try:
        remote = gateway().get_order(str(capture.attempt.paypal_order_id))
    except Unknown as error:
        logger.warning("PayPal forgot the order of capture %s: %s", capture.paypal_id, error)
        return
    for refund in remote.refunds:
        if refund.capture_id == capture.paypal_id:
            record_refund(capture, refund, by=by)


@dataclass(frozen=True)
class Difference:
    """One transaction that PayPal and we do not agree about."""

    paypal_id: str
    text: str


@dataclass(frozen=True)
class Comparison:
    """What a period's books say, in PayPal's view and ours."""

    differences: list[Difference]
    compared: int
    fees: Mapping[str, Decimal]  # by currency, as PayPal kept them

    @property
    def agrees(self) -> bool:
        return not self.differences


@dataclass(frozen=True)
class _Ours:
    """A capture or a refund of ours, as PayPal's books would show it."""

    amount: Decimal
    currency: str
    at: datetime
    name: str


def reconcile(since: datetime, until: datetime, *, now: datetime, fix: bool) -> Comparison:
    """Compare what came and went between two moments; the latest hours are no difference yet.

    With `fix`, settle and record what the differences are about, as far as that can, and return
    what still stands. Raises GatewayError.
    """
    until = min(until, now - SETTLED_AFTER)
    theirs = {one.id: one for one in _transactions(since - _MARGIN, min(until + _MARGIN, now))}
    found = _compare(theirs, since, until)
    if not fix or found.agrees:
        return found
    for difference in found.differences:
        _mend(difference.paypal_id, theirs.get(difference.paypal_id))
    return _compare(theirs, since, until)


def _compare(
    theirs: Mapping[str, RemoteTransaction], since: datetime, until: datetime
) -> Comparison:
    ours = _ours(since - _MARGIN, until + _MARGIN)
    times = chain(
        ((key, one.at) for key, one in theirs.items()), ((key, one.at) for key, one in ours.items())
    )
    in_period = sorted({key for key, at in times if since <= at < until})
    fees: defaultdict[str, Decimal] = defaultdict(Decimal)
    for one in theirs.values():
        if one.id in in_period:
            fees[one.currency] -= one.fee
    found = [_difference(key, theirs.get(key), ours.get(key)) for key in in_period]
    return Comparison([one for one in found if one is not None], len(in_period), fees)


def _mend(paypal_id: str, theirs: RemoteTransaction | None) -> None:
    """Ask PayPal about what a difference is about: what we have of it, or what it belongs to."""
    known = Q(paypal_id=paypal_id) | Q(refunds__paypal_id=paypal_id)
    if theirs is not None and theirs.is_refund:
        known |= Q(paypal_id=theirs.capture_id)
    for capture in Capture.objects.filter(known).distinct():
        compare_capture(capture.pk, by="reconciliation")
    if theirs is not None and not theirs.is_refund:
        _take_in(theirs)


def _take_in(theirs: RemoteTransaction) -> None:
    """Settle the payment that a capture at PayPal belongs to, if it is one of ours."""
    try:
        transaction_id = UUID(theirs.transaction_id)
    except ValueError:
        return
    attempts = PaymentAttempt.objects.filter(payment__transaction_id=transaction_id)
    for attempt in attempts.exclude(paypal_order_id=None):
        settle(attempt.pk, by="reconciliation")


def _transactions(since: datetime, until: datetime) -> Iterator[RemoteTransaction]:
    """Read PayPal's books in pieces as long as it answers for."""
    while since < until:
        end = min(since + _LONGEST_PERIOD, until)
        yield from gateway().list_transactions(since, end)
        since = end


def _ours(since: datetime, until: datetime) -> dict[str, _Ours]:
    captures = Capture.objects.filter(status__in=_PAID, recorded_at__range=(since, until))
    refunds = Refund.objects.filter(
        status=RefundStatus.COMPLETED, requested_at__range=(since, until)
    )
    orders = "payment__order__number"
    rows = captures.values_list("paypal_id", "amount", "currency", "recorded_at", orders)
    ours = {key: _Ours(*rest) for key, *rest in rows.iterator()}
    columns = ("amount", "currency", "requested_at", f"capture__{orders}")
    for key, amount, *rest in refunds.values_list("paypal_id", *columns).iterator():
        ours[str(key)] = _Ours(-amount, *rest)
    return ours


def _difference(
    key: str, theirs: RemoteTransaction | None, ours: _Ours | None
) -> Difference | None:
    there = f"{theirs.amount} {theirs.currency}" if theirs else "nothing"
    here = f"{ours.amount} {ours.currency}" if ours else "nothing"
    if there == here:
        return None
    name = f" of order {ours.name}" if ours else ""
    return Difference(key, f"{key}{name}: {here} here, {there} at PayPal")
