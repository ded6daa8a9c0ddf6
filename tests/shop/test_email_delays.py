"""The histogram of the emails' delays."""

from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest
from django.utils import timezone

from notifications.models import DeliveryStatus, EmailDelivery
from shop.email_delays import email_delays

pytestmark = pytest.mark.django_db


def _sent_after(seconds: float, **changes: Any) -> None:
    now = timezone.now()
    values = {
        "event_id": uuid4(),
        "recorded_at": now,
        "settled_at": now + timedelta(seconds=seconds),
        "status": DeliveryStatus.SENT,
        **changes,
    }
    EmailDelivery.objects.create(**values)


def test_each_bucket_counts_what_took_no_longer() -> None:
    for seconds in (0.12, 0.2, 7200):
        _sent_after(seconds)

    delays = email_delays()

    counts = dict(delays.buckets)
    assert [counts[bound] for bound in ("0.1", "0.15", "0.25", "3600.0", "+Inf")] == [0, 1, 2, 2, 3]
    assert delays.total_seconds == pytest.approx(7200.32)


def test_emails_sent_again_and_emails_not_sent_are_left_out() -> None:
    _sent_after(5, resend=1)
    _sent_after(5, status=DeliveryStatus.SKIPPED)

    assert email_delays().buckets[-1] == ("+Inf", 0)


def test_no_emails_make_an_empty_histogram() -> None:
    delays = email_delays()

    assert (delays.buckets[-1], delays.total_seconds) == (("+Inf", 0), 0)
