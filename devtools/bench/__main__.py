"""Measure on a stack of its own: `python -m devtools.bench`, or `--only placing clock`."""

import argparse
import os
from collections.abc import Callable, Iterator, Sequence

import django

from devtools.measurements import recorded
from devtools.throwaway import ThrowawayStack

_PIECES = (
    "placing",
    "pipeline",
    "memory",
    "paypal",
    "webhook",
    "clock",
    "email",
    "intake",
    "rush",
    "million",
    "desk",
    "search",
    "pages",
    "lighthouse",
)
Measurement = Callable[[], list[str]]


def main() -> None:
    """Run the measurements asked for and print each as soon as it is done."""
    parser = argparse.ArgumentParser(description="Measure how fast the shop is.")
    parser.add_argument("--only", nargs="+", choices=_PIECES, default=_PIECES)
    parser.add_argument("--record", action="store_true", help="keep it in docs/measurements.md")
    chosen = parser.parse_args()
    _run(chosen.only, is_recorded=chosen.record)


def _run(wanted: Sequence[str], *, is_recorded: bool) -> None:
    print("Starting a stack for the measurements …", flush=True)
    with ThrowawayStack(RATE_LIMITS="off") as stack:
        os.environ.update(stack.variables)
        os.environ["DJANGO_SETTINGS_MODULE"] = "shop.settings"
        django.setup()
        print(f"{os.cpu_count()} cores; each time beside its floor, measured in turn.\n")
        for name, measure in _measurements(stack):
            if name in wanted:
                with recorded(f"`make bench`: {name}", is_wanted=is_recorded):
                    print("\n".join(measure()), end="\n\n", flush=True)


def _measurements(stack: ThrowawayStack) -> Iterator[tuple[str, Measurement]]:
    from devtools.bench import (
        clock,
        desk,
        email,
        intake,
        lighthouse,
        memory,
        million,
        pages,
        paypal_slow,
        pipeline,
        placing,
        rush,
        search,
        webhook,
    )

    yield "placing", lambda: placing.measure(stack.shop).lines()
    yield "pipeline", lambda: pipeline.measure(stack.mailbox).lines()
    yield "memory", lambda: memory.report(stack.variables["WEB_PORT"])
    yield "paypal", lambda: paypal_slow.measure(stack.shop, stack.paypal).lines()
    yield "webhook", lambda: webhook.measure(stack).lines()
    yield "clock", clock.report
    yield "email", email.report
    yield "intake", intake.report
    yield "rush", lambda: rush.report(stack.shop)
    yield "million", million.report
    yield "search", search.report
    yield "desk", desk.report
    yield "pages", lambda: pages.report(stack)
    yield "lighthouse", lambda: lighthouse.report(stack.shop)


if __name__ == "__main__":
    main()
