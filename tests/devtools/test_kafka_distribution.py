"""Whether Apache Kafka can run here, by the Java that is found."""

from pathlib import Path

import pytest

from devtools.kafka import distribution


@pytest.fixture
def programs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("PATH", str(tmp_path))
    return tmp_path


def _install_java(programs: Path, version: str) -> None:
    java = programs / "java"
    java.write_text(f"#!/bin/sh\necho 'openjdk version \"{version}\"' >&2\n")
    java.chmod(0o755)


def test_missing_java_is_named(programs: Path) -> None:
    with pytest.raises(distribution.KafkaUnavailable, match="Java is not installed"):
        distribution.fetch()


@pytest.mark.parametrize(("version", "major"), [("11.0.2", 11), ("1.8.0_392", 8)])
def test_old_java_is_refused_even_when_kafka_is_there(
    programs: Path, version: str, major: int
) -> None:
    _install_java(programs, version)
    with pytest.raises(distribution.KafkaUnavailable, match=f"Java {major} is too old"):
        distribution.fetch()


@pytest.mark.parametrize(("version", "major"), [("17.0.15", 17), ("25", 25)])
def test_recent_java_is_recognised(programs: Path, version: str, major: int) -> None:
    _install_java(programs, version)
    assert distribution.java_version() == major
