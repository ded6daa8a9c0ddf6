"""Histories of one order: every order of deeds and deaths up to a depth, and longer ones drawn."""

import logging
from collections.abc import Generator, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from itertools import islice, product
from random import Random

from django.utils import timezone

from devtools.chaos.points import watched
from devtools.chaos.report import Report
from devtools.chaos.verdict import problems
from devtools.chaos.world import COMMON_DEEDS, DEEDS, Surroundings, World
from orders.lifecycle import OrderStatus
from payments.lifecycle import CaptureStatus, RefundStatus
from payments.models import Capture, Payment, PaymentAttempt, Refund, WebhookReceipt
from shop import clock
from shop.books import check_books

# How long the clock is away before each of its ticks, in seconds: it comes soon, or all too late.
HEALINGS = {
    "soon": (65, 20 * 60, 3 * 3600, 3.3 * 3600, 25 * 3600, 65, 25 * 3600, 65),
    "late": (7 * 3600, 65, 65, 25 * 3600, 65, 25 * 3600, 65),
}
_BEGINNINGS: tuple[tuple[str, ...], ...] = (
    (),
    ("start",),
    ("start", "approve"),
    ("start", "approve", "hold-ends", "tick"),
)
# What may come between a return that broke off and its recovery.
RIVALS: tuple[tuple[str, ...], ...] = (
    ("cancel",),
    ("shop-cancels",),
    ("order-ends", "tick", "sold-out"),
    ("hold-ends", "tick", "sold-out", "return"),
    ("captured-elsewhere", "webhook-captured"),
)
# What must have been done before, any of these: anything else need not be tried.
_NEEDS: dict[str, set[str]] = {
    "approve": {"start"},
    "decline": {"start"},
    "return": {"start"},
    "webhook-approved": {"approve", "decline"},
    "webhook-captured": {"return", "webhook-approved", "tick"},
    "webhook-again": {"webhook-approved", "webhook-captured"},
    "sold-out": {"tick", "cancel"},
}
# What a customer does most.
_WEIGHTS = {"start": 2, "approve": 3, "return": 4, "tick": 3}
_OPEN_REFUNDS = (RefundStatus.REQUESTED, RefundStatus.PENDING)
_CHECK_EVERY = 100
_MOST_POINTS = 12


@dataclass(frozen=True)
class History:
    """Deeds, each with the point of it at which the process dies (None: it lives)."""

    deeds: tuple[tuple[str, int | None], ...]
    healing: str = "soon"

    def __str__(self) -> str:
        told = (deed if die_at is None else f"{deed}†{die_at}" for deed, die_at in self.deeds)
        return f"{' → '.join(told)} ⇒ {self.healing}"


class Chronicle:
    """Runs histories one after another, each with an order of its own, and reports."""

    def __init__(self, around: Surroundings) -> None:
        self.report = Report()
        self._around = around
        self._told: dict[str, str] = {}

    def explore(self, depth: int, *, share: int = 0, shares: int = 1) -> None:
        """Run all orders of so many deeds, then each again with a death at each point.

        With `shares`, run only one share of them.
        """
        every = product(_BEGINNINGS, product(COMMON_DEEDS, repeat=depth))
        for beginning, rest in islice(every, share, None, shares):
            deeds = (*beginning, *rest)
            if not _is_thinkable(deeds):
                continue
            plain = History(tuple((deed, None) for deed in deeds))
            points = self.run(plain, may_skip=False)
            if points is not None:
                self.run(replace(plain, healing="late"))
                for mortal in _with_one_death(plain, points, first=len(beginning)):
                    self.run(mortal)

    def interrupt(self, rival: Sequence[str]) -> None:
        """Let the customer's return die at each of its points, and then a rival come."""
        before, deeds = ("start", "approve"), ("start", "approve", "return", *rival)
        plain = History(tuple((deed, None) for deed in deeds))
        points = self.run(plain) or []
        for mortal in _with_one_death(plain, points[: len(before) + 1], first=len(before)):
            self.run(mortal)

    def run(self, history: History, *, may_skip: bool = True) -> list[int] | None:
        """Run one; return how many points each deed passed.

        None when one was not possible and must not be skipped: such a history counts for nothing.
        """
        with _errors() as errors, watched(self._around.points):
            world = World.new(self._around)
            points = _perform(world, history, may_skip=may_skip)
            if points is None:
                heal(world, HEALINGS["late"])
                _lay_to_rest(world)
                return None
            self.judge(world, str(history), healing=history.healing, errors=errors)
        self.report.deaths += sum(die_at is not None for _, die_at in history.deeds)
        return points

    def judge(
        self, world: World, story: str, *, healing: str = "soon", errors: Sequence[str] = ()
    ) -> None:
        """Let the clock heal what has happened, and note what is wrong in the end."""
        heal(world, HEALINGS[healing])
        found = [*problems(world), *errors]
        _lay_to_rest(world)
        self._record(world, story, found)

    def check_books(self) -> None:
        """Check the books of all orders so far."""
        for finding in check_books().findings:
            for example in finding.examples if finding.violations else []:
                told = next((h for name, h in self._told.items() if name in example), "")
                self.report.wrong.append(f"{finding.name}: {example}: {told}")

    def _record(self, world: World, story: str, found: list[str]) -> None:
        report, order = self.report, world.order
        report.histories += 1
        ending = f"{order.status} {order.reason}".strip()
        report.endings[ending] = report.endings.get(ending, 0) + 1
        report.wrong += [f"{order.number} {one}: {story}" for one in found]
        self._told[order.number] = self._told[str(order.transaction_id)] = story
        if report.histories % _CHECK_EVERY == 0:
            self.check_books()
            self._told.clear()


def draw(random: Random) -> History:
    """Draw a long history with a death or two."""
    length = random.randint(3, 8)
    beginning = random.choice(_BEGINNINGS)
    weights = [_WEIGHTS.get(deed, 1) for deed in DEEDS]
    deeds = [*beginning, *random.choices(list(DEEDS), weights, k=length)]
    deaths = dict.fromkeys(random.choices(range(len(deeds)), k=random.randint(0, 2)))
    return History(
        tuple(
            (deed, random.randint(1, _MOST_POINTS) if index in deaths else None)
            for index, deed in enumerate(deeds)
        ),
        random.choice(list(HEALINGS)),
    )


def _is_thinkable(deeds: Sequence[str]) -> bool:
    return all(
        deed not in _NEEDS or _NEEDS[deed].intersection(deeds[:index])
        for index, deed in enumerate(deeds)
    )


def _with_one_death(plain: History, points: list[int], *, first: int) -> Iterator[History]:
    """Let it die at each point in turn, healed soon and late by turns."""
    for index in range(first, len(points)):
        for point in range(1, points[index] + 1):
            deeds = list(plain.deeds)
            deeds[index] = (deeds[index][0], point)
            yield History(tuple(deeds), "late" if point % 2 else "soon")


def _perform(world: World, history: History, *, may_skip: bool) -> list[int] | None:
    passed = []
    for deed, die_at in history.deeds:
        if not world.do(deed, die_at=die_at) and not may_skip:
            return None
        passed.append(len(world.around.points.passed))
    return passed


def heal(world: World, waits: tuple[float, ...]) -> None:
    """Let time pass and the clock tick until nothing is left to do."""
    world.around.points.arm(None)
    world.clear_faults()
    for seconds in waits:
        world.around.clocks.advance(seconds)
        clock.tick()
        if is_at_rest(world):
            return


def is_at_rest(world: World) -> bool:
    """Say whether the order has ended and the clock has nothing left to ask PayPal about it."""
    payment = Payment.objects.get(order=world.order)
    world.order.refresh_from_db()
    refunds = Refund.objects.filter(capture__payment=payment)
    return (
        world.order.status != OrderStatus.PENDING
        and not payment.attempts.filter(ask_at__isnull=False).exists()
        and not payment.captures.filter(status=CaptureStatus.PENDING).exists()
        and not refunds.filter(status__in=_OPEN_REFUNDS).exists()
        and not WebhookReceipt.objects.filter(try_at__lte=timezone.now()).exists()
    )


def _lay_to_rest(world: World) -> None:
    """Keep the clock from looking after this order any longer."""
    world.clear_faults()
    PaymentAttempt.objects.filter(payment__order=world.order).update(ask_at=None)
    Capture.objects.filter(payment__order=world.order).update(ask_at=None)
    Refund.objects.filter(capture__payment__order=world.order).update(ask_at=None)
    WebhookReceipt.objects.filter(try_at__isnull=False).update(try_at=None)


class _Errors(logging.Handler):
    """Keeps what was logged with a traceback: nothing that happens here may surprise the shop."""

    def __init__(self) -> None:
        super().__init__(logging.ERROR)
        self.sentences: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        if record.exc_info and record.exc_info[1]:
            self.sentences.append(f"{record.getMessage()}: {record.exc_info[1]!r}")


@contextmanager
def _errors() -> Generator[list[str]]:
    handler = _Errors()
    logging.getLogger().addHandler(handler)
    try:
        yield handler.sentences
    finally:
        logging.getLogger().removeHandler(handler)
