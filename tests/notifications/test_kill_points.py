"""The relay and the consumer killed at each named point: nothing lost, nothing doubled unlisted."""

from collections.abc import Generator
from itertools import count
from pathlib import Path

import pytest

from devtools.chaos.dying import CONSUMER_POINTS, RELAY_POINTS, Dying
from devtools.chaos.post import email_problems
from devtools.mailbox.client import Mailbox
from notifications.models import EmailDelivery
from notifications.resending import resend_email
from tests.notifications.conftest import Programs
from tests.notifications.examples import DECLINED, record

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.usefixtures("real_kafka"),
]
_numbers = count(1)


@pytest.fixture
def dying(programs: Programs, tmp_path: Path) -> Generator[Dying]:
    with Dying(programs.environment, tmp_path / "dying.log") as parent:
        yield parent


def order_with_two_emails() -> None:
    number = f"G-{next(_numbers)}"
    record(number, event_type="order.payment_failed", **DECLINED)
    record(number)


@pytest.mark.timeout(120)
def test_relay_killed_at_each_point_loses_nothing(dying: Dying, mailbox: Mailbox) -> None:
    for point in RELAY_POINTS:
        order_with_two_emails()
        assert dying.run("run_outbox_relay", at=point), point
    dying.run("run_outbox_relay")
    dying.run("run_email_consumer")
    assert email_problems(mailbox.messages()) == []


@pytest.mark.timeout(120)
def test_consumer_killed_at_each_point_loses_nothing(dying: Dying, mailbox: Mailbox) -> None:
    for point in CONSUMER_POINTS:
        order_with_two_emails()
        dying.run("run_outbox_relay")
        if point == "taken up":  # only what did not come from the topic just now is
            resend_email(delivery_id=EmailDelivery.objects.latest("pk").pk)
        assert dying.run("run_email_consumer", at=point), point
    dying.run("run_email_consumer")
    assert email_problems(mailbox.messages()) == []
    unknown = sum(EmailDelivery.objects.values_list("unknown", flat=True))
    assert len(mailbox.messages()) >= 2 * len(CONSUMER_POINTS)
    assert 1 <= unknown <= len(CONSUMER_POINTS)
