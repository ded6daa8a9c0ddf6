"""Kill every program of a whole stack at random while people buy; then look at what is left."""

import json
import os
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from random import Random

import django
import psutil

from devtools.chaos.shoppers import Crowd
from devtools.kafka.distribution import why_not_runnable
from devtools.throwaway import ThrowawayStack

_PEOPLE = 3
_SCARCE = 40
_BETWEEN_DEATHS = (1.0, 5.0)  # seconds
_SECONDS_TO_HEAL = 420
# Orders end within a minute or two, so that all have ended soon after the storm.
_VARIABLES = {
    "RATE_LIMITS": "off",
    "CLOCK_SECONDS": "1",
    "ORDER_HOLD_MINUTES": "0.5",
    "ORDER_REMINDER_MINUTES": "0.1",
    "ORDER_EXPIRY_MINUTES": "1",
}


@dataclass
class StormReport:
    """What was killed, what people saw, what is left, and what is wrong with it."""

    deaths: Counter[str]
    outcomes: Counter[str]
    counts: dict[str, int] = field(default_factory=dict)
    wrong: list[str] = field(default_factory=list)

    def lines(self) -> list[str]:
        """Return the report as lines of text."""
        killed = ", ".join(f"{name} {n}×" for name, n in sorted(self.deaths.items()))
        return [
            f"{sum(self.deaths.values())} programs killed: {killed}",
            f"{sum(self.outcomes.values())} visits, {len(self.wrong)} things wrong",
            *(f"  {n:6} {outcome}" for outcome, n in self.outcomes.most_common()),
            *(f"  {n:6} {name}" for name, n in self.counts.items()),
            *(f"  WRONG {one}" for one in self.wrong[:20]),
        ]


def rage(*, minutes: float, seed: int) -> StormReport:
    """Let people buy and programs die for so long, wait until all is healed, and judge."""
    with ThrowawayStack(**_VARIABLES) as stack:
        os.environ.update(stack.variables)
        os.environ["DJANGO_SETTINGS_MODULE"] = "shop.settings"
        django.setup()
        skus = _choose_goods()
        crowd = Crowd(stack.shop, stack.paypal.base_url, skus, people=_PEOPLE, seed=seed)
        with crowd:
            deaths = _kill_at_random(stack, minutes * 60, Random(seed))  # noqa: S311
        print(f"{sum(deaths.values())} programs killed; waiting until all is healed …", flush=True)
        report = StormReport(deaths, crowd.outcomes)
        if not _is_healed_in_time():
            report.wrong.append(f"after {_SECONDS_TO_HEAL} s it is not healed")
        _judge(stack, report)
        return report


def _choose_goods() -> list[str]:
    """Choose some SKUs, the last of them scarce."""
    from inventory.holds import set_stock
    from shop.models import Variant

    skus = list(Variant.objects.filter(is_published=True).values_list("sku", flat=True)[:4])
    for sku in skus:
        set_stock(sku=sku, on_hand=1_000_000, by="chaos")
    set_stock(sku=skus[-1], on_hand=_SCARCE, by="chaos")
    return skus


def _kill_at_random(stack: ThrowawayStack, seconds: float, random: Random) -> Counter[str]:
    deaths: Counter[str] = Counter()
    ways: dict[str, Callable[[], object]] = {
        "relay": lambda: stack.control("signal", "KILL", "relay"),
        "consumer": lambda: stack.control("signal", "KILL", "consumer"),
        "clock": lambda: stack.control("signal", "KILL", "clock"),
        "web": lambda: stack.control("signal", "KILL", "web"),
        "web worker": lambda: _kill_web_worker(stack, random),
        "postgres": lambda: stack.control("signal", "QUIT", "postgres"),  # stop -m immediate
    }
    if why_not_runnable() is None:  # the broker in memory would forget what it has taken
        ways["kafka"] = lambda: stack.control("signal", "KILL", "kafka")
    ends = time.monotonic() + seconds
    while time.monotonic() < ends:
        victim = random.choice(list(ways))
        ways[victim]()
        deaths[victim] += 1
        time.sleep(random.uniform(*_BETWEEN_DEATHS))
    return deaths


def _kill_web_worker(stack: ThrowawayStack, random: Random) -> None:
    master = stack.control("pid", "web").stdout.strip()
    if master.isdigit() and psutil.pid_exists(int(master)):
        workers = psutil.Process(int(master)).children()
        if workers:
            random.choice(workers).kill()


def _is_healed_in_time() -> bool:
    from django.db import DatabaseError, connection

    deadline = time.monotonic() + _SECONDS_TO_HEAL
    while time.monotonic() < deadline:
        try:
            if not any(_unfinished().values()):
                return True
        except DatabaseError:  # the connection of before the last death
            connection.close()
        time.sleep(1)
    return False


def _unfinished() -> dict[str, int]:
    from notifications.models import UNSETTLED, EmailDelivery, OutboxEntry
    from orders.models import Order
    from payments.models import Refund, WebhookReceipt

    return {
        "orders pending": Order.objects.filter(status="PENDING").count(),
        "events in the outbox": OutboxEntry.objects.count(),
        "emails under way": EmailDelivery.objects.filter(status__in=UNSETTLED).count(),
        "refunds under way": Refund.objects.filter(status__in=["REQUESTED", "PENDING"]).count(),
        "webhooks to work on": WebhookReceipt.objects.filter(try_at__isnull=False).count(),
        "receipts not sent": _receipts_not_sent(),
    }


def _receipts_not_sent() -> int:
    """Count confirmed orders whose email no consumer has taken up yet."""
    from django.db.models import Exists, OuterRef

    from notifications.models import EmailDelivery, Event

    taken_up = EmailDelivery.objects.filter(event_id=OuterRef("pk"))
    return Event.objects.filter(~Exists(taken_up), type="order.confirmed").count()


def _judge(stack: ThrowawayStack, report: StormReport) -> None:
    from django.db.models import Count

    from orders.models import Order

    report.wrong += [f"{name}: {n}" for name, n in _unfinished().items() if n]
    books = json.loads(stack.manage("check_books", "--json").stdout)
    for invariant in books["invariants"]:
        report.wrong += [f"{invariant['name']}: {one}" for one in invariant["examples"]]
    report.wrong += _paid_twice(stack)
    endings = Order.objects.values_list("status", "reason").annotate(Count("pk"))
    for status, reason, count in endings.order_by("status", "reason"):
        report.counts[f"orders {status} {reason}".strip()] = count
    _judge_emails(stack, report)


def _judge_emails(stack: ThrowawayStack, report: StormReport) -> None:
    """Every receipt was mailed, and what was mailed twice is listed as unknown."""
    from django.db.models import Sum

    from notifications.models import EmailDelivery, Event

    messages = stack.mailbox.messages()
    mailed = {message["headers"].get("X-Event-Id") for message in messages}
    confirmed = Event.objects.filter(type="order.confirmed").values_list("pk", "subject")
    lost = [number for pk, number in confirmed if str(pk) not in mailed]
    report.wrong += [f"{number} has no receipt" for number in lost]
    duplicates = len(messages) - len({message["message_id"] for message in messages})
    unknown = EmailDelivery.objects.aggregate(n=Sum("unknown"))["n"] or 0
    if duplicates > unknown:
        report.wrong.append(f"{duplicates} emails came twice, {unknown} are listed as unknown")
    report.counts |= {
        "receipts": len(confirmed),
        "emails": len(messages),
        "emails sent twice": duplicates,
        "emails listed as unknown": unknown,
    }


def _paid_twice(stack: ThrowawayStack) -> list[str]:
    """PayPal keeps one capture of each paid order, and none of any other."""
    from orders.models import Order

    captures = stack.paypal.captures()
    kept = Counter(one["custom_id"] for one in captures if one["status"] == "COMPLETED")
    paid = Order.objects.filter(status="SUCCESS").values_list("transaction_id", flat=True)
    expected = Counter({str(transaction_id): 1 for transaction_id in paid})
    return [
        f"transaction {one}: PayPal keeps {kept[one]} captures, the shop {expected[one]}"
        for one in kept.keys() | expected.keys()
        if kept[one] != expected[one]
    ]
