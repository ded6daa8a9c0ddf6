"""Kafka → ledger → mail server: the loop of a consumer."""

import logging
import time
from collections.abc import Callable
from types import TracebackType

from django.conf import settings
from django.db import connection

from notifications import kafka
from notifications.addressing import emails_wanted
from notifications.database import DATABASE_AWAY, loss_is_operational
from notifications.dead_letters import Cause, Morgue
from notifications.delivery import Dispatcher
from notifications.events import Unreadable, unseal
from notifications.heartbeat import beat
from notifications.ledger import NewDelivery, Owner
from notifications.mailer import MailServerAway
from notifications.models import EmailDelivery
from notifications.shutdown import Shutdown

logger = logging.getLogger(__name__)

BATCH = 100
IDLE_SECONDS = 0.2
DUE_SECONDS = 1.0
# A batch is put down long before Kafka takes a silent member for dead (max.poll.interval.ms).
LONGEST_BATCH_SECONDS = 30.0
FINISHING_SECONDS = 5.0
LONGEST_PAUSE_SECONDS = 30.0
OTHERS_SECONDS = 60.0


class HeldTooLong(Exception):
    """Another consumer keeps an email in hand for longer than a batch may take."""


class Session:
    """One life of a consumer: a ledger's owner, a place in the group, a mail connection.

    Whatever breaks its database session or its Kafka client ends it; what it had in hand stands
    in the ledger, and the next session, here or elsewhere, takes it up.
    """

    def __init__(self, shutdown: Shutdown) -> None:
        self._shutdown = shutdown
        kafka.ensure_topics()
        self._owner = Owner(settings.KAFKA_EMAIL_GROUP)
        self._name = f"{settings.KAFKA_EMAIL_GROUP}-{self._owner.slot}"
        self._dispatcher = Dispatcher(self._owner, Morgue(), self._pulse)
        self._reader = kafka.Consumer(
            topic=settings.KAFKA_EMAIL_TOPIC,
            group=settings.KAFKA_EMAIL_GROUP,
            # A static member that comes back with another topic would be given its old one.
            instance=f"{self._name}-{settings.KAFKA_EMAIL_TOPIC}",
        )
        self._away_until = 0.0
        self._away_because = ""
        self._pause = 0.0
        self._due_at = 0.0
        self._has_partitions = False
        self._finish_by: float | None = None

    def __enter__(self) -> "Session":
        return self

    def __exit__(
        self,
        _type: type[BaseException] | None,
        _error: BaseException | None,
        _traceback: TracebackType | None,
    ) -> None:
        self._reader.close()
        self._dispatcher.close()
        try:
            self._owner.resign()
        except DATABASE_AWAY:
            connection.close()  # the locks ended with the session

    @property
    def sent(self) -> int:
        return self._dispatcher.progress.sent

    def run(self) -> None:
        """Send until told to end."""
        while not self._shutdown.is_asked:
            self._turn()

    def drain(self) -> None:
        """Send what is on the topic now and what is due; `MailServerAway` if nothing can be."""
        ends = self._reader.unread_ends()
        while not self._shutdown.is_asked:
            was_idle = self._turn()
            if self._is_away:
                raise MailServerAway(self._away_because)
            if was_idle and self._reader.has_reached(ends) and not self._take_up_due():
                return

    def _turn(self) -> bool:
        """Do what there is to do; return whether Kafka had nothing new."""
        self._has_partitions = self._reader.has_partitions  # asked once a batch: it is no mere read
        self._pulse()
        self._knock()
        messages = self._reader.fetch(BATCH, seconds=IDLE_SECONDS)
        if messages:
            self._process(messages)
        if not self._is_away and time.monotonic() >= self._due_at:
            self._take_up_due()
            self._due_at = time.monotonic() + DUE_SECONDS
        self._dispatcher.check_health()
        return not messages

    def _process(self, messages: list[kafka.Incoming]) -> None:
        """Enter a batch in the ledger, send it, and commit its offsets once it is settled there."""
        wanted = [email for message in messages for email in self._read(message)]
        self._send(lambda: self._owner.claim(wanted))
        self._wait_for_others(wanted)
        self._reader.commit(messages)

    def _read(self, message: kafka.Incoming) -> list[NewDelivery]:
        try:
            event = unseal(key=message.key, value=message.value, headers=message.headers)
        except Unreadable as error:
            self._dispatcher.bury_message(message, Cause(error.reason, error.error))
            return []
        return emails_wanted(message, event)

    def _take_up_due(self) -> int:
        return self._send(lambda: self._owner.take_due(BATCH))

    def _send(self, take: Callable[[], list[EmailDelivery]]) -> int:
        """Take emails in hand and send them; return how many were taken."""
        emails = take()
        end = time.monotonic() + LONGEST_BATCH_SECONDS
        try:
            self._dispatcher.dispatch(emails, may_go_on=lambda: self._may_go_on(end))
        except MailServerAway as away:
            self._step_back(away)
        return len(emails)

    def _may_go_on(self, end: float) -> bool:
        if self._shutdown.is_asked and self._finish_by is None:
            self._finish_by = time.monotonic() + FINISHING_SECONDS
        return time.monotonic() < min(end, self._finish_by or end)

    def _wait_for_others(self, wanted: list[NewDelivery]) -> None:
        """Wait until emails of this batch that another owner has in hand are settled.

        That happens after a rebalance; the other one's batch is bounded in time, as ours is.
        """
        end = time.monotonic() + OTHERS_SECONDS
        while wanted and self._owner.held_elsewhere(wanted):
            if time.monotonic() > end:
                raise HeldTooLong("Another consumer keeps emails of this batch in hand.")
            if not self._is_away:
                self._take_up_due()
            self._pulse()
            self._shutdown.wait(IDLE_SECONDS)

    @property
    def _is_away(self) -> bool:
        return self._pause > 0

    def _step_back(self, away: MailServerAway) -> None:
        """Fetch nothing for a while: the mail server takes nothing."""
        self._pause = min(LONGEST_PAUSE_SECONDS, max(1.0, self._pause * 2))
        self._away_until = time.monotonic() + self._pause
        self._away_because = str(away)
        logger.warning("The mail server is away, next try in %.0f s: %s", self._pause, away)

    def _knock(self) -> None:
        """While the mail server is away, see now and then whether it is back."""
        if not self._is_away:
            return
        self._reader.hold()
        if time.monotonic() < self._away_until:
            return
        try:
            self._dispatcher.open()
        except MailServerAway as away:
            self._step_back(away)
        else:
            logger.info("The mail server is back.")
            self._pause = 0.0
            self._reader.go_on()

    def _pulse(self) -> None:
        beat("consumer", instance=self._name, detail=self._detail())
        self._dispatcher.progress.show(time.monotonic(), away=self._is_away)

    def _detail(self) -> str:
        if self._is_away:
            return "the mail server is away"
        return "" if self._has_partitions else "stands by: every partition has its consumer"


def run_consumer(shutdown: Shutdown) -> None:
    """Consume until told to end, waiting out Kafka's and PostgreSQL's absence."""
    failures = 0
    while not shutdown.is_asked:
        try:
            with loss_is_operational(), Session(shutdown) as session:
                failures = 0
                session.run()
        except (kafka.KafkaAway, HeldTooLong, *DATABASE_AWAY) as error:
            logger.warning("The consumer starts over: %s", str(error).strip())
            connection.close()
            failures += 1
            if isinstance(error, kafka.KafkaAway):
                _send_meanwhile(shutdown)
            shutdown.wait(min(5.0, 0.2 * 2**failures))


def _send_meanwhile(shutdown: Shutdown) -> None:
    """Send what is due while Kafka is away: nobody waits for a new password until it is back."""
    try:
        with loss_is_operational():
            send_due(shutdown)
    except (kafka.KafkaAway, MailServerAway, *DATABASE_AWAY) as error:
        logger.warning("What is due waits, too: %s", str(error).strip())
        connection.close()


def send_due(shutdown: Shutdown) -> int:
    """Send what the ledger has due, without asking Kafka; return how many were taken in hand.

    A dead letter among it raises KafkaAway and stays due; MailServerAway puts down everything.
    """
    owner = Owner(settings.KAFKA_EMAIL_GROUP)
    name = f"{settings.KAFKA_EMAIL_GROUP}-{owner.slot}"
    dispatcher = Dispatcher(
        owner, Morgue(), lambda: beat("consumer", instance=name, detail="Kafka is away")
    )
    end = time.monotonic() + LONGEST_BATCH_SECONDS
    try:
        emails = owner.take_due(BATCH)
        dispatcher.dispatch(
            emails, may_go_on=lambda: not shutdown.is_asked and time.monotonic() < end
        )
    finally:
        dispatcher.close()
        owner.resign()
    return len(emails)


def drain_topic(shutdown: Shutdown) -> int:
    """Send what is on the topic now and what is due; return how many were sent."""
    with loss_is_operational(), Session(shutdown) as session:
        session.drain()
        return session.sent
