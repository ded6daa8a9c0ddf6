"""Run librdkafka's in-memory broker behind a port of our choice.

It serves a demonstration where Java is missing: it forgets everything when it ends, makes topics
on first use and knows neither CreateTopics nor the listing of groups. Its own port is random and
changes with each start, so a forwarder on the chosen port leads clients to it.
"""

import argparse
import asyncio

from confluent_kafka import Producer

_CHUNK = 65_536


async def _copy(source: asyncio.StreamReader, target: asyncio.StreamWriter) -> None:
    try:
        while chunk := await source.read(_CHUNK):
            target.write(chunk)
            await target.drain()
    except ConnectionError:
        pass  # either side may hang up at any time
    finally:
        target.close()


async def _serve(port: int, broker_port: int) -> None:
    async def forward(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        inner_reader, inner_writer = await asyncio.open_connection("127.0.0.1", broker_port)
        await asyncio.gather(_copy(reader, inner_writer), _copy(inner_reader, writer))

    server = await asyncio.start_server(forward, "127.0.0.1", port)
    await server.serve_forever()


def main() -> None:
    """Serve until ended."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--port", type=int, required=True)
    port = parser.parse_args().port
    owner = Producer({"test.mock.num.brokers": 1})
    brokers = owner.list_topics(timeout=10).brokers
    asyncio.run(_serve(port, next(iter(brokers.values())).port))


if __name__ == "__main__":
    main()
