"""Fetch Apache Kafka with Maven, and say whether this machine can run it."""

import hashlib
import re
import shutil
import subprocess
from pathlib import Path

HERE = Path(__file__).resolve().parent
HOME = HERE.parent.parent / ".dev" / "kafka"
LIBRARIES = HOME / "libs"
OLDEST_JAVA = 17
HOW_TO_GET_IT = f"install Java {OLDEST_JAVA} or newer and Maven, then run `make kafka`"


class KafkaUnavailable(Exception):
    """This machine cannot run or fetch Apache Kafka; the message says why."""


def java_version() -> int | None:
    """Return Java's major version, or None where there is no Java."""
    if shutil.which("java") is None:
        return None
    done = subprocess.run(["java", "-version"], capture_output=True, text=True, check=False)
    found = re.search(r'version "(?:1\.)?(\d+)', done.stderr + done.stdout)
    return int(found.group(1)) if found else None


def why_not_runnable() -> str | None:
    """Return why Apache Kafka cannot run here, or None where it can."""
    return _why_no_java() or (None if is_fetched() else "Apache Kafka is not fetched yet")


def is_fetched() -> bool:
    return _stamp().exists() and _stamp().read_text() == _fingerprint()


def fetch() -> None:
    """Fetch Apache Kafka into `.dev/kafka`, unless it is there; it must be able to run here."""
    if reason := _why_no_java():
        raise KafkaUnavailable(f"{reason}.")
    if is_fetched():
        return
    if shutil.which("mvn") is None:
        raise KafkaUnavailable("Maven (`mvn`) is not installed.")
    print("Fetching Apache Kafka with Maven (43 MB, once) …", flush=True)
    shutil.rmtree(LIBRARIES, ignore_errors=True)
    command = ["mvn", "-q", "-B", "-f", str(HERE / "pom.xml"), "dependency:copy-dependencies"]
    done = subprocess.run(
        [*command, f"-DoutputDirectory={LIBRARIES}"], capture_output=True, text=True, check=False
    )
    if done.returncode:
        raise KafkaUnavailable(f"Maven could not fetch Apache Kafka:\n{done.stdout}{done.stderr}")
    _stamp().write_text(_fingerprint())


def _why_no_java() -> str | None:
    version = java_version()
    if version is None:
        return "Java is not installed"
    if version < OLDEST_JAVA:
        return f"Java {version} is too old: Apache Kafka needs {OLDEST_JAVA} or newer"
    return None


def _stamp() -> Path:
    return HOME / "fetched"


def _fingerprint() -> str:
    return hashlib.sha256((HERE / "pom.xml").read_bytes()).hexdigest()
