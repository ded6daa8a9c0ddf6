"""What the operations page mends by a button: each the same as its command, some at a time."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from uuid import UUID

from django.db.models import Model
from django.http import HttpRequest
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from notifications.dead_letters import replay, waiting_letters
from notifications.kafka import KafkaAway
from notifications.models import DeadLetter, QuarantinedEvent
from notifications.refused_events import give_up_refused, publish_refused, refused_events
from shop.failures import place_many_again
from shop.models import FailedPlacement
from shop.placement_records import FailureStatus

_AT_A_TIME = 100  # a page must answer; the command does them all


@dataclass(frozen=True)
class Mending:
    """One button: who may press it, and what it does; `perform` says what came of it.

    One that asks first shows what it is about, and is done to what was shown.
    """

    label: str | Promise
    rows: type[Model]
    perform: Callable[[str, Sequence[UUID]], str]  # by whom, and to what, where it asked
    asks: str | Promise = ""
    is_grave: bool = False

    def is_for(self, request: HttpRequest) -> bool:
        names = self.rows._meta
        return request.user.has_perm(f"{names.app_label}.change_{names.model_name}")


def _place_again(_by: str, _chosen: Sequence[UUID]) -> str:
    waiting = FailedPlacement.objects.filter(status=FailureStatus.OPEN).order_by("failed_at")
    done = place_many_again(list(waiting.values_list("pk", flat=True)[:_AT_A_TIME]))
    figures = {"placed": done.placed, "refused": done.refused, "failed": done.failed}
    return _("%(placed)s placed, %(refused)s refused, %(failed)s failed again.") % figures


def _replay(_by: str, _chosen: Sequence[UUID]) -> str:
    letters = list(waiting_letters()[:_AT_A_TIME])
    try:
        problems = sum(bool(replay(letter.pk)) for letter in letters)
    except KafkaAway:
        return _("Kafka does not answer")
    return _("%(done)s replayed, %(left)s could not be.") % {
        "done": len(letters) - problems,
        "left": problems,
    }


def refused_ones() -> list[QuarantinedEvent]:
    """Return what the question about them shows."""
    return list(refused_events()[:_AT_A_TIME])


def _publish_refused(_by: str, chosen: Sequence[UUID]) -> str:
    return _("%(done)s go to Kafka again.") % {"done": publish_refused(chosen)}


def _give_up_refused(by: str, chosen: Sequence[UUID]) -> str:
    return _("%(done)s given up.") % {"done": give_up_refused(chosen, by=by)}


MENDINGS = {
    "placements": Mending(gettext_lazy("Place again"), FailedPlacement, _place_again),
    "letters": Mending(gettext_lazy("Replay"), DeadLetter, _replay),
    "refused": Mending(
        gettext_lazy("Publish again"),
        QuarantinedEvent,
        _publish_refused,
        gettext_lazy(
            "They go to Kafka once more. It takes them where the topic's max.message.bytes has been"
            " raised (up to 1 MB); otherwise it refuses them again, and they come back here."
        ),
    ),
    "give-up": Mending(
        gettext_lazy("Give up"),
        QuarantinedEvent,
        _give_up_refused,
        gettext_lazy(
            "They are never published, and whoever was to be mailed about them is not. They stay in"
            " their orders' history, with your name. This cannot be undone."
        ),
        is_grave=True,
    ),
}
