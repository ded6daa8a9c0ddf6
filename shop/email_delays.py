"""How long emails take from the commit of their event to the mail server's acceptance."""

from dataclasses import dataclass
from itertools import accumulate

from django.db import connection

from notifications.models import DeliveryStatus, EmailDelivery

BOUNDS = (0.05, 0.1, 0.15, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 300.0, 3600.0)

# An email sent again has an event of long ago: it tells nothing of the pipeline's speed.
_COUNTED = f"""
    SELECT width_bucket(delay, %s), count(*), sum(delay)
    FROM (SELECT greatest(0, extract(epoch FROM settled_at - recorded_at))::float8 AS delay
          FROM {EmailDelivery._meta.db_table} WHERE status = %s AND resend = 0) AS sent
    GROUP BY 1
"""  # noqa: S608 - the name of our own table


@dataclass(frozen=True)
class Delays:
    """A cumulative histogram: how many took at most `bound` seconds, and all seconds together."""

    buckets: list[tuple[str, int]]
    total_seconds: float


def email_delays() -> Delays:
    """Count the ledger's sent emails by their delay."""
    with connection.cursor() as cursor:
        cursor.execute(_COUNTED, [list(BOUNDS), DeliveryStatus.SENT.value])
        rows = cursor.fetchall()
    counts = {bucket: count for bucket, count, _ in rows}
    bounds = [*(str(bound) for bound in BOUNDS), "+Inf"]
    running = accumulate(counts.get(bucket, 0) for bucket in range(len(bounds)))
    return Delays(list(zip(bounds, running, strict=True)), sum(row[2] for row in rows))
