"""Placements that ended in an unexpected error: kept for staff, placed again, answered."""

import logging
import traceback
import uuid
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from django.db import transaction
from django.db.models import Exists, OuterRef, Q
from django.utils import timezone

from orders.models import Order
from shop import spool
from shop.answers import Answer, answer, tell
from shop.models import FailedPlacement, PlacementPromise
from shop.placement import Placement, TooOld
from shop.placement_records import FailureStatus, PromiseStatus
from shop.views.errors import DATABASE_AWAY

logger = logging.getLogger(__name__)

_LONGEST_ERROR = 500
_AT_ONCE = 100


def record_failure(placement: Placement, error: BaseException) -> None:
    """Keep what failed, in a transaction of its own; in the spool while PostgreSQL is away.

    Raises SpoolFailed when neither takes it. The log names the error's kind alone: its text may
    hold an address.
    """
    kind = type(error).__name__
    logger.error("Placement %s failed: %s", placement.checkout_key, kind)
    record = {
        "incident": str(uuid.uuid4()),
        "wish": placement.to_json(),
        "error": f"{kind}: {error}"[:_LONGEST_ERROR],
        "traceback": "".join(traceback.format_exception(error)),
        "at": timezone.now().isoformat(),
    }
    try:
        store(record)
    except DATABASE_AWAY:
        _write_to_spool(record)


def _write_to_spool(record: spool.Record) -> None:
    key = record["wish"]["checkout_key"]
    try:
        spool.write(record)
    except spool.SpoolFailed as error:
        logger.critical("Placement %s is kept nowhere: %s", key, error)
        raise
    logger.warning("Placement %s waits in the spool", key)


def store(record: spool.Record) -> None:
    """Enter one failure, once for each incident; a promise that waited for it has FAILED."""
    placement = Placement.from_json(record["wish"])
    incident = uuid.UUID(record["incident"])
    at = datetime.fromisoformat(record["at"])
    told = {"error": record["error"], "traceback": record["traceback"], "failed_again_at": at}
    with transaction.atomic(durable=True):
        promise = _promise(placement)
        row, is_new = FailedPlacement.objects.get_or_create(
            checkout_key=placement.checkout_key,
            fingerprint=placement.fingerprint,
            defaults={
                **told,
                "wish": record["wish"],
                "email": placement.contact.email,
                "incidents": [incident],
                "failed_at": at,
            },
        )
        if not is_new:
            _fail_again(row, incident, told)
        if promise and promise.status == PromiseStatus.WAITING:
            promise.move_to(PromiseStatus.FAILED)


def place_again(failure_id: int) -> FailedPlacement:
    """Answer a failed placement: an order at today's prices and stock, or a refusal.

    Owns its transaction; the customer is told. One that is settled stays as it is. Raises what
    went wrong, having recorded it.
    """
    placement = FailedPlacement.objects.get(pk=failure_id).placement
    try:
        return _place_again(failure_id, placement)
    except Exception as error:
        record_failure(placement, error)
        raise


@dataclass
class Retried:
    """What became of several failures."""

    placed: int = 0
    refused: int = 0
    failed: int = 0


def place_many_again(failure_ids: Iterable[int]) -> Retried:
    """Answer each, oldest first as they are given; one that fails again stops no other."""
    retried = Retried()
    for failure_id in failure_ids:
        try:
            status = place_again(failure_id).status
        except Exception:  # noqa: BLE001 - recorded with its traceback by place_again
            retried.failed += 1
        else:
            retried.placed += status == FailureStatus.PLACED
            retried.refused += status == FailureStatus.REFUSED
    return retried


def _place_again(failure_id: int, placement: Placement) -> FailedPlacement:
    with transaction.atomic(durable=True):
        promise = _promise(placement)
        row = FailedPlacement.objects.select_for_update().get(pk=failure_id)
        if row.status != FailureStatus.OPEN:
            return row
        own = _own_order(row)
        given = Answer(order=own) if own else _answer(row, placement)
        _settle(row, given)
        is_waited_for = promise is not None and _settle_promise(promise, given)
        if own is None or is_waited_for:
            tell(placement, given)
        return row


def close_answered() -> int:
    """Settle failures whose order exists: its customer tried again; return how many."""
    own = Order.objects.filter(
        checkout_key=OuterRef("checkout_key"), fingerprint=OuterRef("fingerprint")
    )
    answered = FailedPlacement.objects.filter(Exists(own), status=FailureStatus.OPEN)
    keys = list(answered.values_list("pk", flat=True)[:_AT_ONCE])
    for key in keys:
        place_again(key)
    return len(keys)


def _answer(row: FailedPlacement, placement: Placement) -> Answer:
    """Place it, unless its customer has long gone on or ordered something since."""
    theirs = Q(email__iexact=row.email) | Q(cart_id=placement.cart_id)
    if Order.objects.filter(theirs, placed_at__gte=row.failed_at).exists():
        return Answer(refusal=TooOld())
    return answer(placement, asked_at=row.failed_at)


def _own_order(row: FailedPlacement) -> Order | None:
    return Order.objects.filter(checkout_key=row.checkout_key, fingerprint=row.fingerprint).first()


def _settle(row: FailedPlacement, given: Answer) -> None:
    row.status = FailureStatus.PLACED if given.order else FailureStatus.REFUSED
    row.order, row.reason, row.settled_at = given.order, given.reason, timezone.now()
    row.save(update_fields=["status", "order", "reason", "settled_at"])


def _settle_promise(promise: PlacementPromise, given: Answer) -> bool:
    """Settle a promise that is still open; return whether it was."""
    if not promise.is_open:
        return False
    status = PromiseStatus.PLACED if given.order else PromiseStatus.REFUSED
    promise.move_to(status, reason=given.reason, order=given.order)
    return True


def _promise(placement: Placement) -> PlacementPromise | None:
    """Lock the promise of this wish, the first lock of all."""
    return (
        PlacementPromise.objects.locked()
        .filter(checkout_key=placement.checkout_key, fingerprint=placement.fingerprint)
        .first()
    )


def _fail_again(row: FailedPlacement, incident: uuid.UUID, told: dict[str, object]) -> None:
    row = FailedPlacement.objects.select_for_update().get(pk=row.pk)
    if incident in row.incidents:
        return
    first_of_its_kind = row.status != FailureStatus.OPEN
    for name, value in told.items():
        setattr(row, name, value)
    row.incidents = [*row.incidents, incident]
    row.attempts = 1 if first_of_its_kind else row.attempts + 1
    if first_of_its_kind:
        row.status, row.failed_at = FailureStatus.OPEN, row.failed_again_at
        row.order, row.reason, row.settled_at = None, "", None
    row.save()
