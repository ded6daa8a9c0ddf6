"""A mail server that takes everything and keeps nothing but when each event's email came.

`python -m devtools.bench.sink PORT FILE`: on SIGTERM it writes `event id, time` lines to the file.
"""

import asyncio
import re
import signal
import sys
import time
from pathlib import Path

_EVENT_ID = re.compile(rb"^X-Event-Id: (\S+)\r$", re.MULTILINE | re.IGNORECASE)
_GREETING = b"250-sink\r\n250-PIPELINING\r\n250 SIZE\r\n"
_LARGEST = 10_000_000


async def _serve(port: int, file: Path) -> None:
    came: list[tuple[bytes, float]] = []

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"220 sink\r\n")
        while line := await reader.readline():
            verb = line[:4].upper()
            if verb == b"DATA":
                writer.write(b"354 go ahead\r\n")
                content = await reader.readuntil(b"\r\n.\r\n")
                found = _EVENT_ID.search(content)
                came.append((found[1] if found else b"", time.time()))
            writer.write(_GREETING if verb == b"EHLO" else b"250 fine\r\n")
            if verb == b"QUIT":
                break
        writer.close()

    server = await asyncio.start_server(talk, "127.0.0.1", port, limit=_LARGEST)
    ended = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, ended.set)
    async with server:
        await ended.wait()
    file.write_text("".join(f"{event.decode()} {at}\n" for event, at in came))


if __name__ == "__main__":
    asyncio.run(_serve(int(sys.argv[1]), Path(sys.argv[2])))
