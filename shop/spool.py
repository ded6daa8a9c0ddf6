"""Where failed placements are kept while PostgreSQL is away: one file each, flushed to the disk.

`SPOOL_DIR` is for the shop's own user alone. Whoever first sees the database back takes the files
in under a lock; each record has an id of its own, so that taking it in twice makes one.
"""

import fcntl
import json
import logging
import os
from collections.abc import Callable, Generator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from django.conf import settings

logger = logging.getLogger(__name__)

Record = dict[str, Any]


class SpoolFailed(Exception):
    """The record could not be written: the disk is full, or SPOOL_DIR is not ours."""


def write(record: Record) -> None:
    """Write a record, `incident` being its id; on the disk when this returns."""
    folder = settings.SPOOL_DIR
    name = f"{record['incident']}.json"
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        _write_flushed(folder / f".{name}", json.dumps(record))
        (folder / f".{name}").replace(folder / name)
        _flush(folder)
    except OSError as error:
        with suppress(OSError):
            (folder / f".{name}").unlink()
        raise SpoolFailed(f"SPOOL_DIR ({folder}) took no record: {error.strerror}.") from error


def has_records() -> bool:
    """Say whether anything waits to be taken in."""
    return any(_files(settings.SPOOL_DIR))


def take_in(store: Callable[[Record], None]) -> int:
    """Store every record and forget it; return how many. Nothing to do while another is at it."""
    if not has_records():
        return 0
    with _locked(settings.SPOOL_DIR) as is_ours:
        return sum(_take(path, store) for path in _files(settings.SPOOL_DIR)) if is_ours else 0


def drop(is_meant: Callable[[Record], bool]) -> int:
    """Delete the records that are meant; return how many."""
    meant = [path for path in _files(settings.SPOOL_DIR) if is_meant(json.loads(path.read_text()))]
    for path in meant:
        path.unlink()
    return len(meant)


def _take(path: Path, store: Callable[[Record], None]) -> int:
    try:
        record = json.loads(path.read_text())
    except ValueError:
        logger.critical("%s is no record; it is kept as %s.bad", path.name, path.name)
        path.rename(path.with_name(f"{path.name}.bad"))
        return 0
    store(record)
    path.unlink()
    return 1


def _files(folder: Path) -> list[Path]:
    return sorted(path for path in folder.glob("*.json") if not path.name.startswith("."))


@contextmanager
def _locked(folder: Path) -> Generator[bool]:
    with (folder / ".lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            yield False
            return
        yield True


def _write_flushed(path: Path, text: str) -> None:
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with open(descriptor, "w") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())


def _flush(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
