"""Kill the relay and the consumer at named points, again and again; then judge every email.

`python -m devtools.chaos.carriers 300 SEED` prints a report as JSON.
"""

import json
import os
import sys
from collections import Counter
from dataclasses import asdict
from random import Random

import django

from devtools.chaos.dying import POINTS, Dying
from devtools.chaos.report import Report
from devtools.throwaway import ThrowawayStack

_ORDERS = 3
_EMAILS_AN_ORDER = 2
_MOST_PASSES = 4


def main() -> None:
    """Kill so many times, in a stack of its own whose relay and consumer were stopped."""
    runs, random = int(sys.argv[1]), Random(int(sys.argv[2]))  # noqa: S311 - chance, no secret
    with ThrowawayStack(RATE_LIMITS="off") as stack:
        for program in ("relay", "consumer"):
            stack.control("stop", program)
        os.environ |= {**stack.variables, "DJANGO_SETTINGS_MODULE": "shop.settings"}
        django.setup()
        with Dying(os.environ, stack.folder / "dying.log") as dying:
            killed = _kill(dying, runs, random)
            for command in POINTS:
                dying.run(command)
        from devtools.chaos.post import email_problems

        wrong = email_problems(stack.mailbox.messages())
    endings = {f"killed at {point!r}": times for point, times in killed.items()}
    print(json.dumps(asdict(Report(runs, killed.total(), endings, wrong))))


def _kill(dying: Dying, runs: int, random: Random) -> Counter[str]:
    from devtools.example_events import record_receipt

    killed: Counter[str] = Counter()
    for run in range(runs):
        for number in range(_ORDERS * _EMAILS_AN_ORDER):
            record_receipt(f"G-{run}-{number % _ORDERS}")
        command = random.choice(list(POINTS))
        if command == "run_email_consumer":
            dying.run("run_outbox_relay")
        point = random.choice(list(POINTS[command]))
        if dying.run(command, at=point, nth=random.randint(1, _MOST_PASSES)):
            killed[f"{command} {point}"] += 1
    return killed


if __name__ == "__main__":
    main()
