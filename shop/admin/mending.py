"""What the operations page mends by a button: each the same as its command, some at a time."""

from collections.abc import Callable
from dataclasses import dataclass

from django.http import HttpRequest
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from notifications.dead_letters import replay, waiting_letters
from notifications.kafka import KafkaAway
from shop.failures import place_many_again
from shop.models import FailedPlacement
from shop.placement_records import FailureStatus

_AT_A_TIME = 100  # a page must answer; the command does them all


@dataclass(frozen=True)
class Mending:
    """One button: who may press it, and what it does; `perform` says what came of it."""

    label: str | Promise
    permission: str
    perform: Callable[[], str]

    def is_for(self, request: HttpRequest) -> bool:
        return request.user.has_perm(self.permission)


def _place_again() -> str:
    waiting = FailedPlacement.objects.filter(status=FailureStatus.OPEN).order_by("failed_at")
    done = place_many_again(list(waiting.values_list("pk", flat=True)[:_AT_A_TIME]))
    figures = {"placed": done.placed, "refused": done.refused, "failed": done.failed}
    return _("%(placed)s placed, %(refused)s refused, %(failed)s failed again.") % figures


def _replay() -> str:
    letters = list(waiting_letters()[:_AT_A_TIME])
    try:
        problems = sum(bool(replay(letter.pk)) for letter in letters)
    except KafkaAway:
        return _("Kafka does not answer")
    return _("%(done)s replayed, %(left)s could not be.") % {
        "done": len(letters) - problems,
        "left": problems,
    }


MENDINGS = {
    "placements": Mending(gettext_lazy("Place again"), "shop.change_failedplacement", _place_again),
    "letters": Mending(gettext_lazy("Replay"), "notifications.change_deadletter", _replay),
}
