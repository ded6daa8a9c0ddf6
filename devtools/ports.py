"""Ports of this machine: which are free, and who has taken one."""

import random
import socket

import psutil

# Below the range from which systems take ports for outgoing connections: what is free now is not
# handed to somebody else before our server listens on it.
_CANDIDATES = range(20_000, 32_000)


def free_port() -> int:
    """Return a port that is free now."""
    while True:
        port = random.choice(_CANDIDATES)  # noqa: S311 - nothing to guess here
        if is_free(port):
            return port


def is_free(port: int) -> bool:
    with socket.socket() as listener:
        # As servers do: a port whose last connections are still fading away counts as free.
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            listener.bind(("127.0.0.1", port))
        except OSError:
            return False
        return True


def holder(port: int) -> str | None:
    """Return who listens on the port, where the system tells."""
    try:
        connections = psutil.net_connections("tcp")
    except psutil.AccessDenied:
        return None
    for connection in connections:
        if connection.laddr and connection.laddr[1] == port and connection.status == "LISTEN":
            return _describe(connection.pid)
    return None


def _describe(pid: int | None) -> str | None:
    if pid is None:
        return None
    try:
        return f"{psutil.Process(pid).name()}, process {pid}"
    except psutil.NoSuchProcess:
        return None
