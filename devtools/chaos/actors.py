"""A program whose children act on the shop at the same moment, or die doing so.

It reads one JSON line for each performance, `{"deeds": [["settle", 12]], "die_at": 3, "ahead": 0}`,
forks a process for each deed, its time so many seconds ahead, lets them begin together, and answers
with their exit statuses: 0 done, 1 an error (its traceback goes to stderr), 2 an expected refusal,
-9 killed.
"""

import json
import os
import sys
import traceback
import uuid
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import django
import time_machine
from django.db import connection
from django.urls import resolve

from devtools.chaos.points import Points, kill_process, watched

DONE, FAILED, REFUSED = 0, 1, 2


def _deeds() -> dict[str, Callable[[int], object]]:
    from payments.cancelling import cancel_by_shop
    from payments.endings import cancel_by_customer
    from payments.refunds import refund_payment
    from payments.settlement import settle
    from shop import clock

    return {
        "settle": lambda attempt_id: settle(attempt_id, by="actor"),
        "cancel": lambda order_id: cancel_by_customer(order_id=order_id),
        "shop-cancel": lambda order_id: cancel_by_shop(order_id=order_id, reason="", by="staff"),
        "refund-part": lambda order_id: refund_payment(
            order_id=order_id,
            amount=Decimal("5.00"),
            reason="",
            by="staff",
            request_id=uuid.uuid4(),
        ),
        "tick": lambda _: clock.tick(),
    }


def _import_everything() -> None:
    """Load before the first fork what is loaded late, or every child would do so by itself."""
    from payments.paypal import PayPal

    _deeds()
    PayPal()
    resolve("/")


def _act(deed: Callable[[int], object], subject: int, die_at: int | None, gate: int) -> int:
    """Wait for the gate, do the deed and return the exit status."""
    from payments.endings import CannotCancel
    from payments.gateway import GatewayError

    points = Points(kill_process)
    points.arm(die_at)
    connection.ensure_connection()
    os.read(gate, 1)  # nothing is ever written: it ends when the parent closes its end
    try:
        with watched(points):
            deed(subject)
    except (CannotCancel, GatewayError):
        return REFUSED
    except Exception:  # noqa: BLE001 - whatever it is, the parent must hear of it
        traceback.print_exc()
        return FAILED
    return DONE


def _perform(deeds: list[tuple[str, int]], die_at: int | None, ahead: float) -> list[int]:
    """Fork a process for each deed, open the gate, and wait for all."""
    known = _deeds()
    gate, gatekeeper = os.pipe()
    children = []
    for name, subject in deeds:
        child = os.fork()
        if not child:
            os.close(gatekeeper)
            time_machine.travel(datetime.now(UTC) + timedelta(seconds=ahead), tick=True).start()
            os._exit(_act(known[name], subject, die_at, gate))
        children.append(child)
    os.close(gatekeeper)
    statuses = [os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) for child in children]
    os.close(gate)
    return statuses


def main() -> None:
    """Perform until there is nothing more to read. This process never opens a connection."""
    django.setup()
    _import_everything()
    for line in sys.stdin:
        asked = json.loads(line)
        answer = _perform(asked["deeds"], asked["die_at"], asked["ahead"])
        print(json.dumps(answer), flush=True)


if __name__ == "__main__":
    main()
