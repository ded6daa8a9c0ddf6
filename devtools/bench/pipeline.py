"""From the commit of an event to the email accepted, beside a bare produce, consume and send."""

import smtplib
import time
import uuid
from datetime import datetime
from email.message import EmailMessage
from email.policy import SMTP

import confluent_kafka
import confluent_kafka.admin
from confluent_kafka.cimpl import NewTopic
from django.conf import settings
from django.db import transaction

from devtools.bench.figures import Comparison
from devtools.mailbox.client import Mailbox
from orders.events import record_order_event
from orders.models import Order

_WARM_UP = 5
_RUNS = 100


def measure(mailbox: Mailbox) -> Comparison:
    """Send one email after another, in turn through the whole pipeline and through the bare one."""
    order = Order.objects.order_by("-pk").first()
    if order is None:
        raise LookupError("There is no order to tell of.")
    ours, floor = [], []
    with _BarePipeline() as bare:
        for run in range(_WARM_UP + _RUNS):
            whole, least = _through_the_shop(order, mailbox), bare.send(f"bare {run}")
            if run >= _WARM_UP:
                ours.append(whole)
                floor.append(least)
    return Comparison(
        "Commit → email accepted", ours, "bare produce, consume and SMTP", floor, "p50 ≤ 150 ms"
    )


def _through_the_shop(order: Order, mailbox: Mailbox) -> float:
    """Record a receipt, and compare the commit's time with the mailbox's."""
    with transaction.atomic():
        event = record_order_event(order, "order.confirmed")
    committed_at = time.time()
    email = mailbox.wait_for(lambda message: message["headers"]["X-Event-Id"] == str(event.pk))
    accepted_at = datetime.fromisoformat(email["received_at"]).timestamp()
    mailbox.clear()
    return accepted_at - committed_at


class _BarePipeline:
    """The least that goes the same way: one topic, one producer, one consumer, one connection."""

    def __init__(self) -> None:
        servers: dict[str, str | int | float | bool] = {
            "bootstrap.servers": settings.KAFKA_BOOTSTRAP_SERVERS
        }
        self._topic = f"bench-{uuid.uuid4()}"
        self._admin = confluent_kafka.admin.AdminClient(servers)
        self._producer = confluent_kafka.Producer({**servers, "acks": "all"})
        self._consumer = confluent_kafka.Consumer(
            {
                **servers,
                "group.id": self._topic,
                "auto.offset.reset": "earliest",
                "fetch.wait.max.ms": 50,
            }
        )
        self._smtp = smtplib.SMTP(settings.EMAIL_HOST, settings.EMAIL_PORT)

    def __enter__(self) -> "_BarePipeline":
        for made in self._admin.create_topics([NewTopic(self._topic, 1, 1)]).values():
            made.result()
        self._consumer.subscribe([self._topic])
        return self

    def __exit__(self, *_: object) -> None:
        self._smtp.quit()
        self._consumer.close()
        for gone in self._admin.delete_topics([self._topic]).values():
            gone.result()

    def send(self, subject: str) -> float:
        """Produce one message, consume it, mail it; return the seconds until it is accepted."""
        email = EmailMessage()
        email["From"], email["To"], email["Subject"] = "a@example.com", "b@example.com", subject
        email["X-Event-Id"] = subject
        email.set_content(("x" * 70 + "\n") * 280)
        began = time.time()
        self._producer.produce(self._topic, email.as_bytes(policy=SMTP))
        self._producer.flush()
        while (message := self._consumer.poll(1)) is None or message.error():
            pass
        self._smtp.sendmail("a@example.com", ["b@example.com"], message.value() or b"")
        return time.time() - began
