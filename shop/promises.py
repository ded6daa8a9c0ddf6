"""Promises: placements that took longer than a customer should wait for.

A promise is durable before its customer hears of it, and is kept once: by the process that gave
it or, when that one is gone, by the clock. Its row is locked before anything else of a placement.
"""

import logging
from concurrent.futures import Future
from datetime import timedelta

from django.db import connection, transaction
from django.db.models import BooleanField
from django.db.models.expressions import RawSQL
from django.utils import timezone

from notifications.database import ALIVE
from orders.models import Order
from shop.answers import Answer, answer, tell, tell_ready
from shop.checkout import LONGEST_LOCK_WAIT
from shop.failures import record_failure
from shop.models import PlacementPromise
from shop.ownership import ownership
from shop.placement import ForeignCheckoutKey, Placement, PlacementRefused
from shop.placement_records import PromiseQuerySet, PromiseStatus
from shop.views.errors import DATABASE_AWAY

logger = logging.getLogger(__name__)

_KEPT = timedelta(days=7)


def promise(placement: Placement) -> None:
    """Write the promise down; committed when this returns. Raises ForeignCheckoutKey.

    The same wish again changes nothing; another one under the same key takes its place.
    """
    owner = ownership.key()
    with transaction.atomic(durable=True):
        _limit_lock_wait()
        row, is_new = PlacementPromise.objects.get_or_create(
            checkout_key=placement.checkout_key, defaults=_fields(placement, owner)
        )
        if not is_new:
            _give_again(row, placement, owner)


def keep(placement: Placement) -> Order | None:
    """Place what was promised and settle the promise, in one transaction.

    Return None when nothing is left to do here: another wish took its place, or it was refused,
    or is settled already.
    """
    with transaction.atomic(durable=True):
        _limit_lock_wait()
        row = _waiting(placement).locked().first()
        return _settle(row) if row else None


def keep_abandoned() -> int:
    """Keep the oldest promise whose owner is gone; return how many there were (0 or 1).

    Clocks pass by what another holds. An unexpected error leaves it to staff. Owns its
    transactions.
    """
    row = None
    try:
        with transaction.atomic(durable=True):
            _limit_lock_wait()
            row = _abandoned().locked(skip_locked=True).first()
            if row is not None:
                _settle(row)
    except DATABASE_AWAY:
        raise
    except Exception as error:
        if row is None:
            raise
        record_failure(row.placement, error)
    return 0 if row is None else 1


def _abandoned() -> PromiseQuerySet:
    gone = RawSQL(f"owner NOT IN ({ALIVE})", [], BooleanField())  # noqa: S611 - our constant
    return PlacementPromise.objects.filter(gone, status=PromiseStatus.WAITING).order_by(
        "promised_at"
    )


def waiting_before(row: PlacementPromise) -> int:
    """Return how many promises are older and wait, too."""
    waiting = PlacementPromise.objects.filter(status=PromiseStatus.WAITING)
    return waiting.filter(promised_at__lt=row.promised_at).count()


def forget_settled() -> int:
    """Delete promises settled a week ago: nobody comes back to their page; return how many."""
    old = PlacementPromise.objects.filter(settled_at__lt=timezone.now() - _KEPT)
    return old.exclude(status=PromiseStatus.FAILED).delete()[0]


def record_result(placement: Placement, future: Future[Order | None]) -> None:
    """Settle a promise that was given while its placement was being made already.

    A promise that its placement settled itself stays as it is. When it cannot be recorded, this
    process gives its promises up, and the clock keeps them.
    """
    try:
        if not future.cancelled():
            _record_result(placement, future)
    except Exception:
        logger.exception("A promise was not settled; the clock will keep it")
        ownership.resign()
    finally:
        connection.close()


def _record_result(placement: Placement, future: Future[Order | None]) -> None:
    error = future.exception()
    with transaction.atomic(durable=True):
        row = _waiting(placement).locked().first()
        if row is None:
            return
        if error is None:
            _record_order(row, future.result())
        elif isinstance(error, PlacementRefused):
            row.move_to(PromiseStatus.REFUSED, reason=error.reason)
            tell(placement, Answer(refusal=error))
        else:
            row.move_to(PromiseStatus.FAILED)


def _record_order(row: PlacementPromise, placed: Order | None) -> None:
    if placed is not None:
        order = Order.objects.locked().get(pk=placed.pk)
        row.move_to(PromiseStatus.PLACED, order=order)
        tell_ready(order)


def _settle(row: PlacementPromise) -> Order | None:
    given = answer(row.placement, asked_at=row.promised_at)
    status = PromiseStatus.PLACED if given.order else PromiseStatus.REFUSED
    row.move_to(status, reason=given.reason, order=given.order)
    tell(row.placement, given)
    return given.order


def _waiting(placement: Placement) -> PromiseQuerySet:
    return PlacementPromise.objects.filter(
        checkout_key=placement.checkout_key,
        fingerprint=placement.fingerprint,
        status=PromiseStatus.WAITING,
    )


def _give_again(row: PlacementPromise, placement: Placement, owner: int) -> None:
    row = PlacementPromise.objects.locked().get(pk=row.pk)
    if not row.is_of(cart_id=placement.cart_id, user_id=placement.user_id):
        raise ForeignCheckoutKey(str(row.checkout_key))
    if row.status == PromiseStatus.WAITING and row.fingerprint == placement.fingerprint:
        return
    PlacementPromise.objects.filter(pk=row.pk).update(**_fields(placement, owner))


def _fields(placement: Placement, owner: int) -> dict[str, object]:
    return {
        "fingerprint": placement.fingerprint,
        "cart_id": placement.cart_id,
        "user_id": placement.user_id,
        "wish": placement.to_json(),
        "owner": owner,
        "status": PromiseStatus.WAITING,
        "reason": "",
        "order": None,
        "promised_at": timezone.now(),
        "settled_at": None,
    }


def _limit_lock_wait() -> None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT set_config('lock_timeout', %s, true)", [LONGEST_LOCK_WAIT])
