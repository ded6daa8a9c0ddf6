"""Break everything: `python -m devtools.chaos --minutes 3 --histories 10000 --seed 1`."""

import argparse
import json
import secrets
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor

from devtools import environment
from devtools.chaos.laboratory import Laboratory
from devtools.chaos.report import Report
from devtools.measurements import recorded

_WORKERS = 2
_TITLES = {
    "histories": "Histories of one payment, each order of events, deaths at every point",
    "rounds": "Two processes settling one order at a barrier",
    "killings": "Processes killed with SIGKILL after every commit, around every call",
}


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m devtools.chaos", description=__doc__)
    add = parser.add_argument
    add("--minutes", type=float, default=3, help="how long the whole stack is stormed (3)")
    add("--histories", type=int, default=10_000, help="histories of one payment, at least (10000)")
    add("--rounds", type=int, default=1000, help="two processes settling one order (1000)")
    add("--mailings", type=int, default=300, help="relays and consumers killed (300)")
    add("--seed", type=int, default=secrets.randbelow(10**6), help="repeat a run of chance")
    add("--record", action="store_true", help="keep what came of it in docs/measurements.md")
    return parser


def main() -> int:
    """Run all parts, print what came of each, and return 1 if anything was wrong."""
    chosen = _parser().parse_args()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit("Told to stop."))  # what was started, too
    wrong = 0
    for title, run in _parts(chosen):
        with recorded(f"`make chaos`: {title}", is_wanted=chosen.record):
            print(f"Seed {chosen.seed}.", flush=True)
            found = run()
            print("Something is wrong." if found else "All is well.", end="\n\n", flush=True)
        wrong += found
    return int(wrong > 0)


def _parts(chosen: argparse.Namespace) -> Iterator[tuple[str, Callable[[], int]]]:
    """Yield each part that is wanted: it returns how much was wrong."""
    seed = chosen.seed
    if chosen.histories or chosen.rounds:
        yield "payments", lambda: _histories(chosen.histories, chosen.rounds, seed)
    if chosen.mailings:
        yield "emails", lambda: _mailings(chosen.mailings, seed)
    if chosen.minutes:
        yield "storm", lambda: _storm(chosen.minutes, seed)


def _histories(histories: int, rounds: int, seed: int) -> int:
    began = time.monotonic()
    reports = {name: Report() for name in _TITLES}
    with Laboratory(workers=_WORKERS) as laboratory:
        workers = [_start(laboratory, n, histories, rounds, seed) for n in range(_WORKERS)]
        with ThreadPoolExecutor(_WORKERS) as readers:  # a long report must not wait to be read
            try:
                outputs = list(readers.map(lambda worker: worker.communicate()[0], workers))
            finally:
                for worker in workers:
                    worker.kill()  # nothing to those that have ended
    for line in "".join(outputs).splitlines():
        for name, found in json.loads(line).items():
            reports[name].add(Report(**found))
    for name, report in reports.items():
        print("\n".join([f"\n{_TITLES[name]}:", *report.lines()]))
    print(f"\n{time.monotonic() - began:.0f} s", flush=True)
    if any(worker.returncode for worker in workers):
        raise SystemExit("A worker broke off; what it had done is above.")
    return sum(len(report.wrong) for report in reports.values())


def _start(
    laboratory: Laboratory, share: int, histories: int, rounds: int, seed: int
) -> "subprocess.Popen[str]":
    task = {
        "share": share,
        "shares": _WORKERS,
        "histories": -(-histories // _WORKERS),
        "rounds": rounds,
        "seed": seed,
        "log": laboratory.folder / f"actors-{share}.log",
    }
    return subprocess.Popen(
        [sys.executable, "-m", "devtools.chaos.worker", *(f"--{k}={v}" for k, v in task.items())],
        cwd=environment.PROJECT,
        env=laboratory.variables(share),
        stdout=subprocess.PIPE,
        text=True,
    )


def _mailings(runs: int, seed: int) -> int:
    command = [sys.executable, "-m", "devtools.chaos.carriers", str(runs), str(seed)]
    done = subprocess.run(
        command, cwd=environment.PROJECT, stdout=subprocess.PIPE, text=True, check=True
    )
    report = Report(**json.loads(done.stdout))
    lines = ["\nThe relay and the consumer killed at named points:", *report.lines()]
    print("\n".join(lines), flush=True)
    return len(report.wrong)


def _storm(minutes: float, seed: int) -> int:
    from devtools.chaos.storm import rage

    report = rage(minutes=minutes, seed=seed)
    print("\n".join(["\nThe whole stack under fire:", *report.lines()]), flush=True)
    return len(report.wrong)


if __name__ == "__main__":
    sys.exit(main())
