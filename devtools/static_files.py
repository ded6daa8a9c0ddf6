"""Collect stylesheets, scripts and pictures again only when one of them changed."""

import hashlib
from pathlib import Path

from devtools.environment import PROJECT


def fingerprint() -> str:
    """Return what changes when a collected file may have changed."""
    digest = hashlib.sha256((PROJECT / "requirements.txt").read_bytes())
    for path in sorted(PROJECT.glob("*/static/**/*")):
        found = path.stat()
        digest.update(f"{path}|{found.st_mtime_ns}|{found.st_size}\n".encode())
    return digest.hexdigest()


def are_collected(folder: Path) -> bool:
    stamp = _stamp(folder)
    return folder.is_dir() and stamp.exists() and stamp.read_text() == fingerprint()


def remember(folder: Path) -> None:
    _stamp(folder).write_text(fingerprint())


def _stamp(folder: Path) -> Path:
    return folder.with_name(f"{folder.name}.collected")
