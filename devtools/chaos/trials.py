"""What real processes are put through: settling at the same moment, and `kill -9` anywhere."""

from collections.abc import Callable
from itertools import count

from devtools.chaos.company import KILLED, Company
from devtools.chaos.histories import Chronicle
from devtools.chaos.world import Surroundings, World
from payments.models import GatewayCall
from payments.settlement import settle

_MOST_POINTS = 60
_LATENCY_MS = 15


def settle_at_once(chronicle: Chronicle, around: Surroundings, company: Company, n: int) -> None:
    """Let two processes settle one order at a barrier; every fifth time one of them cancels it.

    Every other time PayPal is slow, so that both have read the same state before either writes.
    """
    world = World.new(around)
    attempt = _approved(world)
    rival = ("cancel", world.order.pk) if n % 5 == 4 else ("settle", attempt)
    if n % 2:
        around.paypal.fault("get", "latency", count=2, delay_ms=_LATENCY_MS)
    statuses = company.perform(("settle", attempt), rival)
    around.paypal.clear_faults()
    story = f"{n}: settle beside {rival[0]}, {statuses}"
    if rival[0] == "settle":
        captures, calls = len(world.remote_captures()), _capture_calls(world)
        if (captures, calls) != (1, 1):
            chronicle.report.wrong.append(f"{story}: {captures} captures, asked for {calls} times")
    chronicle.judge(world, story)


def kill_everywhere(chronicle: Chronicle, around: Surroundings, company: Company, case: str) -> int:
    """Kill one process at the first point of its deed, the next at its second, … each over an order
    of its own, until one survives; return how many were killed.
    """
    for point in count(1):
        world = World.new(around)
        deed, subject = CASES[case](world)
        (status,) = company.perform((deed, subject), die_at=point)
        chronicle.judge(world, f"{case}: killed at {point}", healing=_healing(point))
        if status != KILLED:
            return point - 1
        chronicle.report.deaths += 1
        if point == _MOST_POINTS:
            raise RuntimeError(f"{case} does not come to its end.")
    raise AssertionError


def _capture_calls(world: World) -> int:
    """Count how often PayPal was asked for the order's money."""
    known = [attempt.paypal_order_id for attempt in world.attempts()]
    return GatewayCall.objects.filter(operation="capture_order", about__in=known).count()


def _healing(point: int) -> str:
    return "late" if point % 3 == 0 else "soon"


def _approved(world: World, choice: str = "approve") -> int:
    """Have the customer agree at PayPal, and return the attempt."""
    world.do("start")
    world.do(choice)
    return world.attempts()[-1].pk


def _to_settle(world: World) -> tuple[str, int]:
    return "settle", _approved(world)


def _to_win_back(world: World) -> tuple[str, int]:
    attempt = _approved(world)
    world.do("hold-ends")
    return "settle", attempt


def _to_find_sold_out(world: World) -> tuple[str, int]:
    attempt = _approved(world)
    for deed in ("hold-ends", "tick", "sold-out"):
        world.do(deed)
    return "settle", attempt


def _to_be_refused(world: World) -> tuple[str, int]:
    return "settle", _approved(world, "decline")


def _to_review(world: World) -> tuple[str, int]:
    world.do("capture-reviewed")
    return _to_settle(world)


def _to_find_stray_money(world: World) -> tuple[str, int]:
    attempt = _approved(world)
    for deed in ("cancel", "captured-elsewhere"):
        world.do(deed)
    return "settle", attempt


def _to_refund(world: World) -> tuple[str, int]:
    _, attempt = _to_find_stray_money(world)
    settle(attempt, by="chaos")
    return "tick", 0


def _paid(world: World) -> None:
    settle(_approved(world), by="chaos")


def _to_cancel_paid(world: World) -> tuple[str, int]:
    _paid(world)
    return "shop-cancel", world.order.pk


def _to_refund_a_part(world: World) -> tuple[str, int]:
    _paid(world)
    return "refund-part", world.order.pk


def _to_resume(world: World) -> tuple[str, int]:
    attempt = _approved(world)
    for deed in ("answer-lost", "return"):
        world.do(deed)
    world.around.clocks.advance(65)
    return "settle", attempt


def _to_expire(world: World) -> tuple[str, int]:
    world.do("start")
    world.do("order-ends")
    return "tick", 0


CASES: dict[str, Callable[[World], tuple[str, int]]] = {
    "settle": _to_settle,
    "settle after winning the stock back": _to_win_back,
    "settle, sold out": _to_find_sold_out,
    "settle, refused": _to_be_refused,
    "settle, under review": _to_review,
    "settle, stray money": _to_find_stray_money,
    "settle after a lost answer": _to_resume,
    "refund stray money": _to_refund,
    "refund a part": _to_refund_a_part,
    "cancel a paid order": _to_cancel_paid,
    "expire": _to_expire,
}
