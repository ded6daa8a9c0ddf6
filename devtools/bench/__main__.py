"""Measure on a stack of its own: `python -m devtools.bench`."""

import os

import django

from devtools.throwaway import ThrowawayStack


def main() -> None:
    """Run every measurement and print each as soon as it is done."""
    print("Starting a stack for the measurements …", flush=True)
    with ThrowawayStack(RATE_LIMITS="off") as stack:
        os.environ.update(stack.variables)
        os.environ["DJANGO_SETTINGS_MODULE"] = "shop.settings"
        django.setup()
        from devtools.bench import memory, pipeline, placing

        print(f"{os.cpu_count()} cores; each time beside its floor, measured in turn.\n")
        print("\n".join(placing.measure(stack.shop).lines()), end="\n\n", flush=True)
        print("\n".join(pipeline.measure(stack.mailbox).lines()), end="\n\n", flush=True)
        print("\n".join(memory.report(stack.variables["WEB_PORT"])), flush=True)


if __name__ == "__main__":
    main()
