"""What must be true of the emails when everything has come to rest."""

from collections import Counter, defaultdict
from collections.abc import Collection, Iterator, Sequence

from devtools.mailbox.formats import Summary
from notifications.models import UNSETTLED, DeliveryStatus, EmailDelivery, Event, OutboxEntry

_TOLD_WHY = {DeliveryStatus.SKIPPED, DeliveryStatus.FAILED, DeliveryStatus.DEAD}


def email_problems(
    messages: Sequence[Summary], *, only: Collection[str] | None = None
) -> list[str]:
    """Return a sentence for everything that is wrong: lost, doubled, out of order, unfinished.

    `only` these events are looked for, where there were others before.
    """
    checks = (_uncalled_for, _doubled, _out_of_order)
    found = [sentence for check in checks for sentence in check(messages)]
    return [*_unfinished(), *_lost(messages, only), *found]


def _unfinished() -> Iterator[str]:
    waiting = OutboxEntry.objects.count()
    if waiting:
        yield f"{waiting} events are still in the outbox"
    for row in EmailDelivery.objects.filter(status__in=UNSETTLED):
        yield f"email {row.pk} is still {row.status}"


def _lost(messages: Sequence[Summary], only: Collection[str] | None) -> Iterator[str]:
    """Each committed event was mailed to each of its recipients, or the ledger says why not."""
    arrived = {
        (one["headers"].get("X-Event-Id"), address) for one in messages for address in one["to"]
    }
    explained = set(
        EmailDelivery.objects.filter(status__in=_TOLD_WHY).values_list("event_id", "email")
    )
    events = Event.objects.exclude(personal={})
    for event in events if only is None else events.filter(pk__in=list(only)):
        for recipient in event.personal["deliver_to"]:
            address = recipient["email"]
            if (str(event.pk), address) not in arrived and (event.pk, address) not in explained:
                yield f"{event} was not mailed to one of its recipients"


def _uncalled_for(messages: Sequence[Summary]) -> Iterator[str]:
    """Nothing was mailed for an event that was rolled back."""
    known = {str(pk) for pk in Event.objects.values_list("pk", flat=True)}
    for message in messages:
        if message["headers"].get("X-Event-Id") not in known:
            yield f"{message['subject']!r} tells of nothing that happened"


def _doubled(messages: Sequence[Summary]) -> Iterator[str]:
    """An email came more than once only as often as the ledger lists it as unknown."""
    unknown = dict(EmailDelivery.objects.values_list("message_id", "unknown"))
    for written_id, times in Counter(one["message_id"] for one in messages).items():
        if times - 1 > unknown.get(written_id, 0):
            yield f"{written_id} came {times} times, listed as unknown {unknown.get(written_id, 0)}"


def _out_of_order(messages: Sequence[Summary]) -> Iterator[str]:
    """One order's emails came first in the order of its events."""
    came: dict[str, dict[str, None]] = defaultdict(dict)
    for message in messages:
        headers = message["headers"]
        came[headers.get("X-Order-Number", "")][headers.get("X-Event-Id", "")] = None
    for number, ids in came.items():
        recorded = Event.objects.filter(subject=number, pk__in=list(ids)).order_by("recorded_at")
        if [str(pk) for pk in recorded.values_list("pk", flat=True)] != list(ids):
            yield f"the emails of {number} came out of order"
