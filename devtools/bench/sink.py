"""A mail server that takes everything and keeps nothing but when each event's email came.

`python -m devtools.bench.sink PORT FILE` writes a line `event id time` to the file as each email
comes. It costs next to nothing, so that it is never what an email waits for.
"""

import socket
import sys
import threading
import time
from pathlib import Path
from typing import BinaryIO

_GREETING = b"250-sink\r\n250-PIPELINING\r\n250 SIZE\r\n"
_FINE = b"250 fine\r\n"
_NAME = b"\r\nX-Event-Id: "
_AT_ONCE = 1 << 20


def _talk(connection: socket.socket, came: BinaryIO) -> None:
    """Answer one client until it leaves; its commands may come several at once."""
    connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    connection.sendall(b"220 sink\r\n")
    while received := _receive(connection, until=b"\r\n"):
        verbs = [line[:4].upper() for line in received.splitlines()]
        answers = [_GREETING if verb == b"EHLO" else _FINE for verb in verbs]
        if verbs[-1] != b"DATA":
            connection.sendall(b"".join(answers))
            continue
        connection.sendall(b"".join(answers[:-1]) + b"354 go ahead\r\n")
        _note(_receive(connection, until=b"\r\n.\r\n"), came)
        connection.sendall(_FINE)


def _receive(connection: socket.socket, *, until: bytes) -> bytes:
    """Return what the client says up to that end; nothing once it has left."""
    received = b""
    while not received.endswith(until):
        more = connection.recv(_AT_ONCE)
        if not more:
            return b""
        received += more
    return received


def _note(content: bytes, came: BinaryIO) -> None:
    place = content.find(_NAME) + len(_NAME)
    event = content[place : content.index(b"\r", place)] if place >= len(_NAME) else b"-"
    came.write(b"%b %f\n" % (event, time.time()))


def _serve(port: int, file: Path) -> None:
    with socket.create_server(("127.0.0.1", port)) as server, file.open("wb", buffering=0) as came:
        while True:
            client, _ = server.accept()
            threading.Thread(target=_talk, args=(client, came), daemon=True).start()


if __name__ == "__main__":
    _serve(int(sys.argv[1]), Path(sys.argv[2]))
