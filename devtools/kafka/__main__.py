"""Fetch Apache Kafka: `python -m devtools.kafka [--if-possible]`."""

import argparse
import sys

from devtools.kafka.distribution import HOME, HOW_TO_GET_IT, KafkaUnavailable, fetch


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m devtools.kafka", description=__doc__)
    parser.add_argument(
        "--if-possible", action="store_true", help="do without where Java or Maven is missing"
    )
    arguments = parser.parse_args()
    try:
        fetch()
    except KafkaUnavailable as error:
        print(f"{error}\nFor the real Apache Kafka: {HOW_TO_GET_IT}.", file=sys.stderr)
        return 0 if arguments.if_possible else 1
    print(f"Apache Kafka is in {HOME}.")
    return 0


if __name__ == "__main__":
    sys.exit(main())
