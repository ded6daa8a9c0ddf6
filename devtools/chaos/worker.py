"""One of the processes that run histories: `python -m devtools.chaos.worker`, in its own world."""

import argparse
import json
import logging
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from itertools import islice
from pathlib import Path
from random import Random
from typing import TYPE_CHECKING

import django
from django.conf import settings
from django.db import connection

if TYPE_CHECKING:
    from devtools.chaos.histories import Chronicle
    from devtools.chaos.world import Surroundings

_DEPTH = 2


@dataclass(frozen=True)
class Task:
    """One worker's share of the histories, the rounds at the barrier and the killings."""

    share: int
    shares: int
    histories: int
    rounds: int
    seed: int
    log: Path


def _parse() -> Task:
    parser = argparse.ArgumentParser(description=__doc__)
    for name in ("share", "shares", "histories", "rounds", "seed"):
        parser.add_argument(f"--{name}", type=int, required=True)
    parser.add_argument("--log", type=Path, required=True)
    return Task(**vars(parser.parse_args()))


@contextmanager
def _quiet() -> Iterator[None]:
    """Keep warnings that are expected a thousand times out of the output, not out of the run."""
    handlers = logging.getLogger().handlers[:]
    for handler in handlers:
        handler.setLevel(logging.CRITICAL)
    logging.getLogger().setLevel(logging.ERROR)
    yield


def main() -> None:
    """Do the task and print each part's report as it is done, as a line of JSON."""
    task = _parse()
    Path(os.environ["STATIC_ROOT"]).mkdir(exist_ok=True)  # WhiteNoise looks for it
    django.setup()
    from devtools.chaos.clocks import Clocks
    from devtools.chaos.points import Points
    from devtools.chaos.world import Surroundings
    from devtools.paypal.client import Emulator

    emulator = Emulator(settings.PAYPAL_BASE_URL)
    with _quiet(), Clocks(emulator) as clocks:
        around = Surroundings(emulator, clocks, Points())
        for name, chronicle in _run(task, around):
            print(json.dumps({name: asdict(chronicle.report)}), flush=True)
    connection.close()


def _run(task: Task, around: "Surroundings") -> Iterator[tuple[str, "Chronicle"]]:
    from devtools.chaos.company import Company
    from devtools.chaos.histories import RIVALS, Chronicle, draw
    from devtools.chaos.trials import CASES, kill_everywhere, settle_at_once

    histories, rounds, killings = (Chronicle(around) for _ in range(3))
    random = Random(task.seed * 1000 + task.share)  # noqa: S311 - chance that can be repeated
    for rival in islice(RIVALS, task.share, None, task.shares):
        histories.interrupt(rival)
    histories.explore(_DEPTH, share=task.share, shares=task.shares)
    while histories.report.histories < task.histories:
        histories.run(draw(random))
    yield "histories", histories
    with Company(task.log, around.clocks) as company:
        for n in range(task.share, task.rounds, task.shares):
            settle_at_once(rounds, around, company, n)
        yield "rounds", rounds
        for case in islice(CASES, task.share, None, task.shares):
            kill_everywhere(killings, around, company, case)
    killings.check_books()
    yield "killings", killings


if __name__ == "__main__":
    main()
