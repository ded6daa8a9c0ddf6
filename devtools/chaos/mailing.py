"""Put load on a stack's pipeline, and judge what came of it, in the stack's own environment.

`python -m devtools.chaos.mailing record 300` · `… judge MAILBOX_URL EVENTS`
"""

import json
import sys
import time
import uuid

import django

_SECONDS_TO_HEAL = 90
_EMAILS_AN_ORDER = 3


def _record(count: int) -> None:
    """Record receipts, several for each order, whatever happens to PostgreSQL meanwhile."""
    from django.db import connection

    from devtools.example_events import record_receipt
    from notifications.database import DATABASE_AWAY

    run = uuid.uuid4().hex[:8]
    recorded: list[str] = []
    while len(recorded) < count:
        try:
            event = record_receipt(f"G-{run}-{len(recorded) // _EMAILS_AN_ORDER}")
        except DATABASE_AWAY:
            connection.close()
            time.sleep(0.1)
        else:
            recorded.append(str(event.pk))
    print(json.dumps(recorded))


def _judge(mailbox_url: str, recorded: list[str]) -> None:
    """Wait until every event is accounted for, and print what is wrong."""
    from django.db import connection

    from devtools.chaos.post import email_problems
    from devtools.mailbox.client import Mailbox
    from notifications.database import DATABASE_AWAY

    mailbox = Mailbox(mailbox_url)
    deadline = time.monotonic() + _SECONDS_TO_HEAL
    while True:
        try:
            found = email_problems(mailbox.messages(), only=recorded)
        except DATABASE_AWAY as error:
            connection.close()
            found = [str(error)]
        if not found or time.monotonic() > deadline:
            print(json.dumps(found))
            return
        time.sleep(0.5)


if __name__ == "__main__":
    django.setup()
    if sys.argv[1] == "record":
        _record(int(sys.argv[2]))
    else:
        _judge(sys.argv[2], json.loads(sys.argv[3]))
