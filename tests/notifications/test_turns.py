"""A consumer hands an email to each of its connections at once, and keeps each order's in order."""

import re
from collections.abc import Generator, Sequence
from contextlib import contextmanager
from threading import Barrier, BrokenBarrierError

import pytest
from django.utils import timezone
from pytest_django import Settings

from notifications import smtp
from notifications.dead_letters import Morgue
from notifications.delivery import GIVE_UP_AFTER
from notifications.kafka import KafkaAway
from notifications.ledger import Outcome, Owner
from notifications.mailer import open_mailers
from notifications.models import DeliveryStatus, EmailDelivery
from tests.notifications.conftest import consume, publish, publish_and_consume
from tests.notifications.examples import DECLINED, record
from tests.notifications.scripted_smtp import HANG_UP, ScriptedServer, scripted_server

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.usefixtures("kafka_topic"),
]
_CONNECTIONS = 4


@pytest.fixture(autouse=True)
def connections(settings: Settings) -> Generator[None]:
    settings.EMAIL_BACKEND = "notifications.smtp.EmailBackend"
    settings.EMAIL_CONNECTIONS = _CONNECTIONS
    yield
    smtp.hang_up()


@contextmanager
def server(settings: Settings, **script: list[str]) -> Generator[ScriptedServer]:
    with scripted_server({".": script.get("dot", [])}) as found:
        settings.EMAIL_PORT = found.port
        yield found
        smtp.hang_up()


def statuses() -> list[str]:
    return list(EmailDelivery.objects.order_by("pk").values_list("status", flat=True))


def enter_all(settings: Settings, count: int) -> None:
    """Enter so many orders' emails in the ledger, all due: one batch of Kafka's may be fewer."""
    for number in range(count):
        record(f"G-{number}")
    with server(settings, dot=["451 later"] * 1000):
        publish_and_consume()
    emails = EmailDelivery.objects.all()
    emails.update(next_attempt_at=timezone.now(), attempts=0, first_refused_at=None)


def test_emails_of_different_orders_are_in_the_air_together(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    all_here, answer = Barrier(_CONNECTIONS), ScriptedServer.answer

    def answer_when_all_are_here(self: ScriptedServer, verb: str) -> str:
        if verb == ".":
            try:
                all_here.wait(10)
            except BrokenBarrierError:
                return "451 nobody else came"
        return answer(self, verb)

    count = 2 * _CONNECTIONS
    enter_all(settings, count)
    monkeypatch.setattr(ScriptedServer, "answer", answer_when_all_are_here)
    with server(settings) as found:
        consume()
        assert found.commands.count("EHLO") == _CONNECTIONS
    assert statuses() == ["SENT"] * count


@pytest.mark.usefixtures("long_pauses")
def test_an_orders_later_email_waits_for_the_answer_to_its_earlier_one(settings: Settings) -> None:
    record("G-1", event_type="order.payment_failed", **DECLINED)
    record("G-1")
    with server(settings, dot=["451 later"]) as found:
        publish_and_consume()
        assert len(found.bodies) == 1
    found_of = {email.event_type: email.status for email in EmailDelivery.objects.all()}
    assert found_of == {
        "order.payment_failed": DeliveryStatus.DEFERRED,
        "order.confirmed": DeliveryStatus.WAITING,
    }


def test_emails_of_one_order_come_in_its_order(settings: Settings) -> None:
    for number in range(3):
        for event_type in ("order.payment_failed", "order.confirmed"):
            extra = DECLINED if "failed" in event_type else {}
            record(f"G-{number}", event_type=event_type, **extra)
    with server(settings) as found:
        publish_and_consume()
        came = [
            (re.search(rb"X-Order-Number: (\S+)", body), b"order.payment_failed" in body)
            for body in found.bodies
        ]
    for number in range(3):
        first, last = [failed for name, failed in came if name and name[1] == b"G-%d" % number]
        assert (first, last) == (True, False)


@pytest.mark.parametrize(("answer", "unknown"), [("421 closing", 0), (HANG_UP, 1)])
def test_a_server_that_leaves_one_connection_is_heard_on_the_others(
    settings: Settings, answer: str, unknown: int
) -> None:
    enter_all(settings, _CONNECTIONS)
    with server(settings, dot=["250 kept", answer]):
        consume()
    told = sorted((one.status, one.attempts, one.unknown) for one in EmailDelivery.objects.all())
    left = ("SENT", 1 + unknown, unknown)  # at once, over another connection
    assert told == sorted([left, *[("SENT", 1, 0)] * (_CONNECTIONS - 1)])


def test_a_server_that_allows_fewer_connections_gets_all_emails_over_those(
    settings: Settings,
) -> None:
    count = 3 * _CONNECTIONS
    enter_all(settings, count)
    script = {"CONNECT": ["250 fine"] * 2 + ["421 too many"] * 100}
    with scripted_server(script) as found:
        settings.EMAIL_PORT = found.port
        consume()
        assert len(found.bodies) == count
        assert len(found.script["CONNECT"]) > 90  # it is not asked at each turn
        smtp.hang_up()
    assert statuses() == ["SENT"] * count


def test_whatever_words_a_server_uses_are_recorded(settings: Settings) -> None:
    record("G-1")
    with server(settings, dot=["550 no \0 way"]):
        publish_and_consume()
    (refused,) = EmailDelivery.objects.all()
    assert (refused.status, refused.error) == ("FAILED", "550 no  way")


def test_email_that_another_owner_took_is_left_to_it_and_the_others_are_sent(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    for number in range(_CONNECTIONS):
        record(f"G-{number}")
    publish()
    other, is_alive = Owner("elsewhere"), True
    begin, end = Owner.begin_advance, Owner.end_advance

    def lose_one(self: Owner, done: Sequence[Outcome], following: Sequence[int]) -> None:
        if is_alive:
            EmailDelivery.objects.filter(subject="G-1").update(owner=other.token)
        begin(self, done, following)

    def end_of_the_other(self: Owner) -> set[int]:
        nonlocal is_alive
        begun = end(self)
        if is_alive:
            is_alive = False
            other.resign()
        return begun

    monkeypatch.setattr(Owner, "begin_advance", lose_one)
    monkeypatch.setattr(Owner, "end_advance", end_of_the_other)
    with server(settings) as found:
        consume()
        came = [number for body in found.bodies for number in re.findall(rb"Number: (G-\d)", body)]
    assert sorted(came) == [b"G-%d" % number for number in range(_CONNECTIONS)]
    assert statuses() == ["SENT"] * _CONNECTIONS


def test_what_became_of_the_others_is_recorded_though_one_cannot_be_set_aside(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    enter_all(settings, _CONNECTIONS)
    spent = EmailDelivery.objects.order_by("pk").first()
    assert spent
    long_ago = timezone.now() - GIVE_UP_AFTER
    EmailDelivery.objects.filter(pk=spent.pk).update(attempts=40, first_refused_at=long_ago)

    def no_kafka(*_: object) -> None:
        raise KafkaAway("no broker")

    monkeypatch.setattr(Morgue, "bury_delivery", no_kafka)
    with server(settings, dot=["451 later"] * _CONNECTIONS), pytest.raises(KafkaAway):
        consume()
    others = EmailDelivery.objects.exclude(pk=spent.pk)
    assert {(one.status, one.attempts) for one in others} == {("DEFERRED", 1)}
    with server(settings):
        consume()
    spent.refresh_from_db()
    assert (spent.status, spent.unknown) == ("SENT", 1)


def test_a_backend_without_steps_sends_one_email_at_a_time(settings: Settings) -> None:
    settings.EMAIL_BACKEND = "django.core.mail.backends.locmem.EmailBackend"
    assert len(open_mailers()) == 1
