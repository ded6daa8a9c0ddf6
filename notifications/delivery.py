"""Send the emails in hand, a few at once in each turn, and record each in the ledger.

A turn hands one email to each connection. One commit stands between two turns: it records what
became of the last turn's emails, and that this turn's are being sent. While the database commits,
the next turn's are written; while the mail server has one, the others are handed over.
"""

import logging
import random
import time
from collections import deque
from collections.abc import Callable, Collection, Generator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import islice

from django.utils import timezone
from opentelemetry.trace import SpanKind

from notifications.addressing import why_skipped
from notifications.dead_letters import Cause, Morgue
from notifications.emails import Unwritable, write_email
from notifications.events import headers_from_json
from notifications.forgetting import forget_suppressed, suppressed
from notifications.kafka import Incoming
from notifications.ledger import Outcome, Owner
from notifications.mailer import Answer, Mailer, MailServerAway, Reply, open_mailers
from notifications.mime import WrittenEmail
from notifications.models import DeliveryStatus, EmailDelivery
from notifications.progress import Progress
from notifications.tracing import are_spans_recorded, log_scope, note_span, request_id_of

logger = logging.getLogger(__name__)

FIRST_PAUSE = timedelta(seconds=30)
LONGEST_PAUSE = timedelta(minutes=30)
GIVE_UP_AFTER = timedelta(hours=24)
FEWEST_ATTEMPTS = 10  # a day of silence, the server being away, is no day of refusals
MOST_DEAD_IN_A_ROW = 50
_LONGEST_GREETING = 10.0
_NARROW_SECONDS = 60.0


class TooManyDead(Exception):
    """So many dead letters in a row are a bug, not mail."""


_Place = tuple[str, str]  # an order and a recipient, whose emails keep their order


@dataclass(frozen=True, slots=True)
class _Letter:
    """An email about to be handed over by one of the connections."""

    email: EmailDelivery
    message: WrittenEmail
    mailer: Mailer
    began_ns: int


class Dispatcher:
    """Sends what an owner has claimed; knows when it has gone wrong too often."""

    def __init__(self, owner: Owner, morgue: Morgue, pulse: Callable[[], None]) -> None:
        self._owner = owner
        self._morgue = morgue
        self._pulse = pulse
        self._mailers = open_mailers()
        self._dead_in_a_row = 0
        self._width = len(self._mailers)
        self._narrow_until = 0.0
        self._done: list[Outcome] = []
        self._ahead: dict[int, WrittenEmail | Exception] = {}
        self.progress = Progress()

    def dispatch(self, emails: Sequence[EmailDelivery], *, may_go_on: Callable[[], bool]) -> None:
        """Send the emails in order; afterwards none of them is in hand.

        What `may_go_on` leaves over is put down for any consumer to take up. The mail server's
        absence puts down everything and raises `MailServerAway`; no attempt is spent.
        """
        line, held_up = deque(emails), set[_Place]()
        forgotten = suppressed(emails)
        try:
            while line and may_go_on():
                self._pulse()
                letters = self._take_turn(line, held_up, forgotten)
                if letters:
                    self._send(letters, line, held_up)
        except MailServerAway:
            self.close()
            raise
        finally:
            self._ahead = {}
            self._record_done()
            self._owner.release(timezone.now())

    def _take_turn(
        self, line: deque[EmailDelivery], held_up: set[_Place], forgotten: Collection[int]
    ) -> list[_Letter]:
        """Take what can be handed over at once: an email for each connection, one for each place.

        What is not to be sent is recorded on the way.
        """
        letters: list[_Letter] = []
        places: set[_Place] = set()
        if time.monotonic() > self._narrow_until:
            self._width = len(self._mailers)
        while line and len(letters) < self._width and _place(line[0]) not in places:
            email = line.popleft()
            if email.pk in forgotten:
                self._forget(email)
            elif _place(email) in held_up:
                self._record(Outcome(email.pk, DeliveryStatus.WAITING))
            else:
                began_ns = time.time_ns()
                with _named_in_log(email):
                    message = self._sendable(email)
                if message:
                    places.add(_place(email))
                    mailer = self._mailers[len(letters)]
                    letters.append(_Letter(email, message, mailer, began_ns))
        return letters

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
        self._mailers[0].open()

    def close(self) -> None:
        for mailer in self._mailers:
            mailer.close()

    def _sendable(self, email: EmailDelivery) -> WrittenEmail | None:
        """Return the email as it is sent, unless something speaks against it."""
        skipped = why_skipped(email.data, timezone.now())
        if skipped and not email.resend:  # whoever resends an email means it
            self._record(Outcome(email.pk, DeliveryStatus.SKIPPED, reason=skipped))
            return None
        written = self._ahead.pop(email.pk, None) or _attempt(email)
        if isinstance(written, Unwritable):
            self._bury(email, Cause(written.reason, written.error))
            return None
        if isinstance(written, Exception):
            raise written
        return written

    def _announce(self, letters: list[_Letter]) -> int:
        """Tell the mail server of the letters; return how many it hears of at once.

        It may allow fewer connections than we want, or be slow to greet: then a turn is narrower
        for a while. `MailServerAway` if it takes not even one.
        """
        began = time.monotonic()
        for count, letter in enumerate(letters):
            is_slow = time.monotonic() - began > _LONGEST_GREETING
            if count and (is_slow or not letters[0].mailer.is_pipelining):
                self._narrow(count)
                return count
            try:
                letter.mailer.announce(letter.message)
            except MailServerAway:
                if not count:
                    raise
                self._narrow(count)
                return count
        return len(letters)

    def _narrow(self, width: int) -> None:
        self._width, self._narrow_until = width, time.monotonic() + _NARROW_SECONDS

    def _send(
        self, letters: list[_Letter], line: deque[EmailDelivery], held_up: set[_Place]
    ) -> None:
        """Hand the letters over and hear what becomes of each; `MailServerAway` at the end."""
        count = self._announce(letters)
        for letter in reversed(letters[count:]):  # they wait for the next turn
            line.appendleft(letter.email)
            self._ahead[letter.email.pk] = letter.message
        letters = letters[:count]
        self._owner.begin_advance(self._done, [letter.email.pk for letter in letters])
        self._ahead = {
            email.pk: self._ahead.get(email.pk) or _attempt(email)
            for email in islice(line, self._width)
        }
        begun = self._owner.end_advance()
        self._done = []
        handed_over = []
        for letter in letters:
            if letter.email.pk in begun:
                letter.mailer.hand_over()
                handed_over.append(letter)
            else:  # another owner took it: this one had been given up for dead
                letter.mailer.close()
        replies = [(letter, letter.mailer.reply()) for letter in handed_over]
        judged = [(letter, judge(letter.email, reply, timezone.now())) for letter, reply in replies]
        # All of them before anything that can fail: what is not recorded is sent again.
        self._done = [each for _, each in judged if each.status is not DeliveryStatus.DEAD]
        held_up |= {
            _place(letter.email)
            for letter, outcome in judged
            if outcome.status is DeliveryStatus.DEFERRED
        }
        for letter, outcome in judged:
            with _named_in_log(letter.email):
                self._follow_up(letter.email, outcome)
            _note_span(letter)
        away = [reply.text for _, reply in replies if reply.answer is Answer.AWAY]
        if away and len(away) == len(replies):
            raise MailServerAway(away[0])
        if away:
            self._narrow(len(replies) - len(away))

    def _follow_up(self, email: EmailDelivery, outcome: Outcome) -> None:
        if outcome.status is DeliveryStatus.DEAD:
            email.attempts += outcome.attempts
            email.unknown += outcome.unknown
            self._bury(email, Cause(outcome.reason, outcome.error))
            return
        self.progress.count(outcome.status.value)
        if outcome.status is DeliveryStatus.SENT:
            self._dead_in_a_row = 0
            logger.info("Email %s is sent", email.pk)
        else:
            logger.warning("Email %s is %s: %s", email.pk, outcome.status, outcome.error)

    def _bury(self, email: EmailDelivery, cause: Cause) -> None:
        logger.error("Email %s is a dead letter (%s): %s", email.pk, cause.reason, cause.error)
        self._morgue.bury_delivery(email, cause, self._owner.token)
        self.progress.count(DeliveryStatus.DEAD.value)
        # An address is a customer's doing: fifty of them are no bug of ours, and stop nobody.
        self._dead_in_a_row += cause.reason != "address"

    def _record(self, outcome: Outcome) -> None:
        self._done.append(outcome)
        self.progress.count(outcome.status.value)
        self._record_done()

    def _record_done(self) -> None:
        if self._done:
            self._owner.advance(self._done)
            self._done = []


def _place(email: EmailDelivery) -> _Place:
    return email.subject, email.address_hash


def _attempt(email: EmailDelivery) -> WrittenEmail | Exception:
    """Write an email; what goes wrong is for its own turn."""
    try:
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
    except Exception as error:  # noqa: BLE001 - raised when it is this email's turn
        return error


@contextmanager
def _named_in_log(email: EmailDelivery) -> Generator[None]:
    """Let the log's lines say which email they are about, and the request it comes from."""
    with log_scope(
        request_id=request_id_of(_traceparent(email)),
        transaction_id=str(email.data.get("order", {}).get("transaction_id", "")),
        **_facts(email),
    ):
        yield


def _note_span(letter: _Letter) -> None:
    if are_spans_recorded():
        note_span(
            f"send {letter.email.event_type}",
            after=_traceparent(letter.email),
            began_ns=letter.began_ns,
            kind=SpanKind.CONSUMER,
            **_facts(letter.email),
        )


def _facts(email: EmailDelivery) -> dict[str, str]:
    return {"order": email.subject, "event_id": str(email.event_id)}


def _traceparent(email: EmailDelivery) -> str:
    headers = dict(headers_from_json(email.headers or []))
    return headers.get("traceparent", b"").decode(errors="replace")


def judge(email: EmailDelivery, reply: Reply, now: datetime) -> Outcome:
    """Decide what the server's reply makes of an email."""
    if reply.answer is Answer.ACCEPTED:
        return Outcome(email.pk, DeliveryStatus.SENT, attempts=1)
    if reply.answer is Answer.AWAY:  # it has refused nothing: no attempt is spent
        return Outcome(email.pk, DeliveryStatus.DEFERRED, error=reply.text, next_attempt_at=now)
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
