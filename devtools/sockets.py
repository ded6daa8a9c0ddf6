"""Where Unix sockets go: their paths may not be long."""

import hashlib
import tempfile
from pathlib import Path

_LONGEST_PATH = 100  # Linux takes 107 bytes, macOS 103
_LONGEST_NAME = ".s.PGSQL.5432.lock"


def socket_folder(folder: Path) -> Path:
    """Return a folder for the sockets of `folder`: below it, or elsewhere if that is too long."""
    near = folder / "socket"
    if len(bytes(near / _LONGEST_NAME)) <= _LONGEST_PATH:
        return near
    name = hashlib.sha256(bytes(folder)).hexdigest()[:12]
    return Path(tempfile.gettempdir()) / f"ganh-{name}"
