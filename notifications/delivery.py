"""Send the emails in hand, one after the other, and record each in the ledger."""

import logging
import random
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from typing import Any

from django.utils import timezone
from opentelemetry.trace import SpanKind

from notifications.addressing import why_skipped
from notifications.dead_letters import Cause, Morgue
from notifications.emails import Unwritable, write_email
from notifications.events import headers_from_json
from notifications.forgetting import forget_suppressed, suppressed
from notifications.kafka import Incoming
from notifications.ledger import Outcome, Owner
from notifications.mailer import Answer, Mailer, MailServerAway, Reply
from notifications.mime import WrittenEmail
from notifications.models import DeliveryStatus, EmailDelivery
from notifications.progress import Progress
from notifications.tracing import name_in_log, traced

logger = logging.getLogger(__name__)

FIRST_PAUSE = timedelta(seconds=30)
LONGEST_PAUSE = timedelta(minutes=30)
GIVE_UP_AFTER = timedelta(hours=24)
FEWEST_ATTEMPTS = 10  # a day of silence, the server being away, is no day of refusals
MOST_DEAD_IN_A_ROW = 50


class TooManyDead(Exception):
    """So many dead letters in a row are a bug, not mail."""


class Dispatcher:
    """Sends what an owner has claimed; knows when it has gone wrong too often."""

    def __init__(self, owner: Owner, morgue: Morgue, pulse: Callable[[], None]) -> None:
        self._owner = owner
        self._morgue = morgue
        self._pulse = pulse
        self._mailer = Mailer()
        self._dead_in_a_row = 0
        self._done: Outcome | None = None
        self.progress = Progress()

    def dispatch(self, emails: Sequence[EmailDelivery], *, may_go_on: Callable[[], bool]) -> None:
        """Send the emails in order; afterwards none of them is in hand.

        What `may_go_on` leaves over is put down for any consumer to take up. The mail server's
        absence puts down everything and raises `MailServerAway`; no attempt is spent.
        """
        held_up: set[tuple[str, str]] = set()
        forgotten = suppressed(emails)
        try:
            for email in emails:
                if not may_go_on():
                    break
                self._pulse()
                if email.pk in forgotten:
                    self._forget(email)
                else:
                    with traced(f"send {email.event_type}", **_trace_of(email)):
                        self._one(email, held_up)
        finally:
            self._record_done()
            self._owner.release(timezone.now())

    def _forget(self, email: EmailDelivery) -> None:
        self._record(Outcome(email.pk, DeliveryStatus.SKIPPED, reason="suppressed"))
        forget_suppressed(email.pk)

    def check_health(self) -> None:
        """Raise `TooManyDead` when this looks like a bug."""
        if self._dead_in_a_row > MOST_DEAD_IN_A_ROW:
            raise TooManyDead(f"{self._dead_in_a_row} dead letters in a row.")

    def bury_message(self, message: Incoming, cause: Cause) -> None:
        """Set a message aside that is no event of ours."""
        if self._morgue.bury_message(message, cause):
            logger.error(
                "Message %s[%s]@%s is a dead letter (%s): %s",
                message.topic,
                message.partition,
                message.offset,
                cause.reason,
                cause.error,
            )
            self._dead_in_a_row += 1

    def open(self) -> None:
        """Have a connection to the mail server, or raise `MailServerAway`."""
        self._mailer.open()

    def close(self) -> None:
        self._mailer.close()

    def _one(self, email: EmailDelivery, held_up: set[tuple[str, str]]) -> None:
        """Send one email, unless something speaks against it; its outcome waits to be recorded."""
        place = (email.subject, email.address_hash)
        if place in held_up:
            self._record(Outcome(email.pk, DeliveryStatus.WAITING))
            return
        name_in_log(transaction_id=email.data.get("order", {}).get("transaction_id", ""))
        skipped = why_skipped(email.data, timezone.now())
        if skipped and not email.resend:  # whoever resends an email means it
            self._record(Outcome(email.pk, DeliveryStatus.SKIPPED, reason=skipped))
            return
        try:
            message = _write(email)
        except Unwritable as error:
            self._bury(email, Cause(error.reason, error.error))
            return
        if self._hand_over(email, message) is DeliveryStatus.DEFERRED:
            held_up.add(place)

    def _hand_over(self, email: EmailDelivery, message: WrittenEmail) -> DeliveryStatus | None:
        self._mailer.open()
        if not self._begin(email):
            return None  # another owner took it: this one had been given up for dead
        try:
            reply = self._mailer.send(message)
        except MailServerAway as away:
            self._done = Outcome(
                email.pk,
                DeliveryStatus.DEFERRED,
                error=str(away),
                next_attempt_at=timezone.now(),
            )
            raise
        self._done = judge(email, reply, timezone.now())
        return self._follow_up(email, self._done)

    def _follow_up(self, email: EmailDelivery, outcome: Outcome) -> DeliveryStatus:
        if outcome.status is not DeliveryStatus.DEAD:
            self.progress.count(outcome.status.value)
        if outcome.status is DeliveryStatus.SENT:
            self._dead_in_a_row = 0
            logger.info("Email %s is sent", email.pk)
        elif outcome.status is DeliveryStatus.DEAD:
            self._done = None
            email.attempts += outcome.attempts
            email.unknown += outcome.unknown
            self._bury(email, Cause(outcome.reason, outcome.error))
        else:
            logger.warning("Email %s is %s: %s", email.pk, outcome.status, outcome.error)
        return outcome.status

    def _bury(self, email: EmailDelivery, cause: Cause) -> None:
        logger.error("Email %s is a dead letter (%s): %s", email.pk, cause.reason, cause.error)
        self._morgue.bury_delivery(email, cause, self._owner.token)
        self.progress.count(DeliveryStatus.DEAD.value)
        # An address is a customer's doing: fifty of them are no bug of ours, and stop nobody.
        self._dead_in_a_row += cause.reason != "address"

    def _begin(self, email: EmailDelivery) -> bool:
        is_ours = self._owner.advance(self._done, email.pk)
        self._done = None
        return is_ours

    def _record(self, outcome: Outcome) -> None:
        self._record_done()
        self.progress.count(outcome.status.value)
        self._owner.advance(outcome, None)

    def _record_done(self) -> None:
        if self._done:
            self._owner.advance(self._done, None)
            self._done = None


def _write(email: EmailDelivery) -> WrittenEmail:
    return write_email(
        event_id=email.event_id,
        event_type=email.event_type,
        role=email.role,
        address=email.email,
        name=email.name,
        locale=email.locale,
        message_id=email.message_id,
        data=email.data,
    )


def _trace_of(email: EmailDelivery) -> dict[str, Any]:
    """Return where an email belongs: its event's trace, and what the log calls it by."""
    headers = dict(headers_from_json(email.headers or []))
    return {
        "after": headers.get("traceparent", b"").decode(errors="replace"),
        "kind": SpanKind.CONSUMER,
        "order": email.subject,
        "event_id": str(email.event_id),
    }


def judge(email: EmailDelivery, reply: Reply, now: datetime) -> Outcome:
    """Decide what the server's reply makes of an email."""
    if reply.answer is Answer.ACCEPTED:
        return Outcome(email.pk, DeliveryStatus.SENT, attempts=1)
    if reply.answer is Answer.NEVER:
        return Outcome(
            email.pk, DeliveryStatus.FAILED, reason="refused", error=reply.text, attempts=1
        )
    return _later(email, reply, now)


def _later(email: EmailDelivery, reply: Reply, now: datetime) -> Outcome:
    attempts = email.attempts + 1
    refused_since = email.first_refused_at or now
    is_spent = now - refused_since >= GIVE_UP_AFTER and attempts >= FEWEST_ATTEMPTS
    unknown = 1 if reply.answer is Answer.NONE else 0
    # A connection that broke may have been idle for too long: once, try again at once.
    pause = timedelta() if unknown and not email.attempts else _pause(attempts)
    return Outcome(
        email.pk,
        DeliveryStatus.DEAD if is_spent else DeliveryStatus.DEFERRED,
        reason="attempts_spent" if is_spent else "",
        error=reply.text,
        attempts=1,
        unknown=unknown,
        next_attempt_at=now + pause,
        refused_at=refused_since,
    )


def _pause(attempts: int) -> timedelta:
    """Full jitter: anything from nothing to a limit that doubles with each attempt."""
    limit = min(LONGEST_PAUSE, FIRST_PAUSE * 2 ** min(attempts - 1, 10))
    return timedelta(seconds=random.uniform(0, limit.total_seconds()))  # noqa: S311 - no secret
