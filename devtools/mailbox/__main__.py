"""Run the mailbox: `python -m devtools.mailbox --http-port 8002 --smtp-port 8025`."""

import argparse
import signal
import threading

from devtools.mailbox.server import MailboxServer


def main() -> None:
    """Serve until SIGTERM or SIGINT."""
    parser = argparse.ArgumentParser(prog="python -m devtools.mailbox", description=__doc__)
    parser.add_argument("--http-port", type=int, default=8002)
    parser.add_argument("--smtp-port", type=int, default=8025)
    arguments = parser.parse_args()
    ended = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: ended.set())
    with MailboxServer(http_port=arguments.http_port, smtp_port=arguments.smtp_port) as mailbox:
        print(f"Mailbox: {mailbox.url}, SMTP on 127.0.0.1:{mailbox.smtp_port}", flush=True)
        ended.wait()


if __name__ == "__main__":
    main()
