"""What a consumer says of itself while it works."""

import io
import logging
import time

import pytest

from notifications.progress import EVERY_SECONDS, Progress


class Terminal(io.StringIO):
    """Somebody watches."""

    def isatty(self) -> bool:
        return True


def test_each_minute_has_one_line_about_that_minute(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    progress = Progress(io.StringIO())
    begun = time.monotonic()
    for minute in (1, 2):
        progress.count("SENT")
        progress.count("DEFERRED")
        progress.show(begun + minute * EVERY_SECONDS + 1)
        progress.show(begun + minute * EVERY_SECONDS + 2)
    progress.show(begun + 3 * EVERY_SECONDS + 2, away=True)
    assert caplog.messages == [
        "The last minute: 1 deferred, 1 sent.",
        "The last minute: 1 deferred, 1 sent.",
        "The last minute: no email; the mail server is away.",
    ]


def test_terminal_has_a_live_line_and_a_log_has_none() -> None:
    for stream, said in ((Terminal(), "\r\x1b[K1 sent"), (io.StringIO(), "")):
        progress = Progress(stream)
        progress.count("SENT")
        progress.show(time.monotonic() + 2)
        progress.show(time.monotonic() + 2)
        assert stream.getvalue() == said
