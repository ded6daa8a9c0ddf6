"""One Apache Kafka broker in a folder of ours: its settings, its format, its command."""

import base64
import subprocess
import time
import uuid
from pathlib import Path

from confluent_kafka import Consumer, KafkaException, TopicPartition
from confluent_kafka.admin import AdminClient

from devtools.kafka.distribution import HERE, LIBRARIES
from devtools.ports import free_port, is_free

_JAVA = ["java", "-cp", f"{LIBRARIES}/*", f"-Dlog4j2.configurationFile={HERE}/log4j2.properties"]


class KafkaDidNotStart(Exception):
    """Kafka could not be formatted or does not answer."""


class Kafka:
    """One broker that is its own controller."""

    def __init__(self, folder: Path, port: int) -> None:
        self.folder = folder
        self.port = port

    @property
    def bootstrap_servers(self) -> str:
        return f"127.0.0.1:{self.port}"

    def command(self) -> list[str]:
        """Return the command that runs the broker in the foreground."""
        memory = ["-Xmx512m", "-XX:+UseSerialGC"]
        return [_JAVA[0], *memory, *_JAVA[1:], "kafka.Kafka", str(self._settings)]

    def prepare(self) -> None:
        """Write the settings and, the first time, format the folder of the log."""
        self.folder.mkdir(parents=True, exist_ok=True)
        controller = self._controller_port()
        text = (HERE / "server.properties").read_text()
        text += "".join(f"{name}={value}\n" for name, value in self._own(controller).items())
        self._settings.write_text(text)
        if not (self.folder / "log" / "meta.properties").exists():
            self._format()

    @property
    def _settings(self) -> Path:
        return self.folder / "server.properties"

    def _own(self, controller: int) -> dict[str, str]:
        return {
            "listeners": f"PLAINTEXT://127.0.0.1:{self.port},CONTROLLER://127.0.0.1:{controller}",
            "advertised.listeners": f"PLAINTEXT://127.0.0.1:{self.port}",
            "controller.quorum.bootstrap.servers": f"127.0.0.1:{controller}",
            "log.dirs": str(self.folder / "log"),
        }

    def _controller_port(self) -> int:
        """Return the port of last time while it is free: the log remembers it."""
        remembered = self.folder / "controller-port"
        if remembered.exists() and is_free(port := int(remembered.read_text())):
            return port
        port = free_port()
        remembered.write_text(str(port))
        return port

    def _format(self) -> None:
        cluster = base64.urlsafe_b64encode(uuid.uuid4().bytes).decode().rstrip("=")
        command = [*_JAVA, "kafka.tools.StorageTool", "format", "--standalone"]
        command += [f"--cluster-id={cluster}", "-c", str(self._settings)]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        if done.returncode:
            raise KafkaDidNotStart(f"Kafka's format failed:\n{done.stdout}{done.stderr}")


def answers(bootstrap_servers: str, *, seconds: float = 1) -> bool:
    """Say whether a broker answers there."""
    # The broker may be away: that is the question here, not a matter for the log.
    client = AdminClient(
        {
            "bootstrap.servers": bootstrap_servers,
            "log_level": 0,
            "reconnect.backoff.max.ms": 200,
        }
    )
    try:
        return bool(client.list_topics(timeout=seconds).brokers)
    except KafkaException:
        return False


def wait_ready(bootstrap_servers: str, *, seconds: float = 60) -> None:
    """Return when the broker answers, and knows consumer groups: a new one does not at first."""
    deadline = time.monotonic() + seconds
    while not (answers(bootstrap_servers) and _knows_groups(bootstrap_servers)):
        if time.monotonic() > deadline:
            raise KafkaDidNotStart(f"Kafka does not answer at {bootstrap_servers}.")
        time.sleep(0.1)


def _knows_groups(bootstrap_servers: str) -> bool:
    client = Consumer(
        {"bootstrap.servers": bootstrap_servers, "group.id": "is-it-ready", "log_level": 0}
    )
    try:
        client.committed([TopicPartition("is-it-ready", 0)], timeout=2)
    except KafkaException:
        return False
    finally:
        client.close()
    return True
