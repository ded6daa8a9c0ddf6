"""The eight programs of the development stack."""

import sys
from dataclasses import dataclass, field
from pathlib import Path

from devtools.configuration import Configuration
from devtools.kafka.broker import Kafka

EXIT_STATUS_FOR_GOOD = 3  # the consumer's "more than 50 dead in a row"
_PYTHON = sys.executable


@dataclass(frozen=True)
class Program:
    """One program; `last` ones are stopped after the others, which use them."""

    name: str
    command: list[str]
    user: str | None = None
    stop_signal: str = "TERM"
    stop_seconds: int = 20
    environment: dict[str, str] = field(default_factory=dict)
    last: bool = False


def programs(configuration: Configuration, *, real_kafka: bool) -> list[Program]:
    """Return the programs this stack runs itself, in the order of their start."""
    found = []
    if configuration.has_postgres:
        found.append(_postgres(configuration))
    if configuration.has_kafka:
        found.append(_kafka(configuration, real=real_kafka))
    if configuration.has_paypal:
        found.append(_paypal(configuration))
    if configuration.has_mailbox:
        found.append(_mailbox(configuration))
    return [*found, _web(configuration), *_workers()]


def kafka_broker(configuration: Configuration) -> Kafka:
    return Kafka(configuration.folder / "kafka-data", configuration.ports["KAFKA_PORT"])


def metrics_folder(configuration: Configuration) -> Path:
    return configuration.folder / "metrics"


def _postgres(configuration: Configuration) -> Program:
    postgres = configuration.postgres
    # INT ends the connections that are still open; TERM would wait for them.
    return Program("postgres", postgres.command(), postgres.user, stop_signal="INT", last=True)


def _kafka(configuration: Configuration, *, real: bool) -> Program:
    if real:
        return Program("kafka", kafka_broker(configuration).command(), last=True)
    port = str(configuration.ports["KAFKA_PORT"])
    return Program("kafka", [_PYTHON, "-m", "devtools.kafka.mock", "--port", port], last=True)


def _paypal(configuration: Configuration) -> Program:
    variables = configuration.variables()
    options = {
        "port": configuration.ports["PAYPAL_PORT"],
        "state-dir": configuration.emulator_folder,
        "webhook-url": f"{configuration.shop_url}/payments/paypal/webhook/",
        "webhook-id": variables["PAYPAL_WEBHOOK_ID"],
    }
    # Joined by "=": a secret may begin with a hyphen.
    command = [_PYTHON, "-m", "devtools.paypal"]
    command += [f"--{name}={value}" for name, value in options.items()]
    return Program("paypal", command)


def _mailbox(configuration: Configuration) -> Program:
    http, smtp = configuration.ports["MAILBOX_PORT"], configuration.ports["SMTP_PORT"]
    command = [_PYTHON, "-m", "devtools.mailbox"]
    return Program("mailbox", [*command, f"--http-port={http}", f"--smtp-port={smtp}"])


def _web(configuration: Configuration) -> Program:
    bind = f"--bind=127.0.0.1:{configuration.ports['WEB_PORT']}"
    shared = {"PROMETHEUS_MULTIPROC_DIR": str(metrics_folder(configuration))}
    return Program(
        "web", [_PYTHON, "-m", "gunicorn", bind, "shop.wsgi"], stop_seconds=30, environment=shared
    )


def _workers() -> list[Program]:
    commands = {
        "relay": "run_outbox_relay",
        "consumer": "run_email_consumer",
        "clock": "run_order_clock",
    }
    return [Program(name, [_PYTHON, "manage.py", command]) for name, command in commands.items()]
