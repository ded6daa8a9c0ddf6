"""The services of a test run are real."""

import pytest
from confluent_kafka import Producer
from django.conf import settings
from django.db import connection


@pytest.mark.django_db
def test_database_is_postgresql_18() -> None:
    with connection.cursor() as cursor:
        cursor.execute("SHOW server_version_num")
        assert int(cursor.fetchone()[0]) >= 180_000


@pytest.mark.django_db
@pytest.mark.parametrize("name", ["unaccent", "pg_trgm", "pg_stat_statements"])
def test_database_has_extension(name: str) -> None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM pg_available_extensions WHERE name = %s", [name])
        assert cursor.fetchone()[0] == 1


@pytest.mark.django_db
def test_database_survives_a_crash_of_the_machine() -> None:
    with connection.cursor() as cursor:
        cursor.execute("SHOW fsync")
        assert cursor.fetchone()[0] == "on"


def test_message_to_the_topic_is_acknowledged(kafka_topic: str) -> None:
    errors: list[object] = []
    producer = Producer({"bootstrap.servers": settings.KAFKA_BOOTSTRAP_SERVERS, "acks": "all"})
    producer.produce(kafka_topic, b"x", callback=lambda error, _: errors.append(error))
    assert producer.flush(30) == 0
    assert errors == [None]
