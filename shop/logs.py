"""Log lines without anybody's email address, whoever wrote them: mail servers quote them, too."""

import logging
import re

_ADDRESS = re.compile(r"[^\s<>\"'(),:;=\[\]]+@[\w-]+(?:\.[\w-]+)+")


class DiscreetFormatter(logging.Formatter):
    """Formats a line, its traceback included, and hides addresses in it."""

    def format(self, record: logging.LogRecord) -> str:
        return _ADDRESS.sub("…@…", super().format(record))
