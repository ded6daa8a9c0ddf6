"""Dates and times as people type them for a command."""

from datetime import datetime

from django.utils import timezone
from django.utils.dateparse import parse_date, parse_datetime


def moment(text: str) -> datetime:
    """Read a time, or a date as its first moment; without a zone it is the shop's."""
    found = parse_datetime(text)
    if found is None:
        day = parse_date(text)
        if day is None:
            raise ValueError(text)
        found = datetime(day.year, day.month, day.day)  # noqa: DTZ001 - made aware below
    return found if timezone.is_aware(found) else timezone.make_aware(found)
