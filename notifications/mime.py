"""An email as the bytes that SMTP carries.

They say what Django's and Python's own MIME classes would write, at a tenth of the cost; a text
with lines that SMTP does not carry is left to those classes.
"""

import re
import secrets
from base64 import b64encode
from dataclasses import dataclass
from email.policy import Policy, compat32
from email.utils import formatdate, quote
from functools import lru_cache
from typing import Any

from django.conf import settings
from django.core.mail import EmailMultiAlternatives
from django.core.mail.message import RFC5322_EMAIL_LINE_LENGTH_LIMIT

_NEEDS_QUOTES = re.compile(r"[^\w\s]")
_LONGEST_HEADER = 76
_BYTES_OF_A_WORD = 39  # with a header's name they stay within RFC 2047's 76 characters


@dataclass(frozen=True, slots=True)
class Mailbox:
    """An address, in ASCII, with the name shown beside it."""

    name: str
    address: str

    def __str__(self) -> str:
        if not self.name:
            return self.address
        name = f'"{quote(self.name)}"' if _NEEDS_QUOTES.search(self.name) else self.name
        return f"{name} <{self.address}>"

    def encoded(self) -> str:
        """Return what stands in a header."""
        if self.name.isascii():
            return str(self)
        return f"{_encoded_words(self.name)}\r\n <{self.address}>"


class WrittenEmail(EmailMultiAlternatives):
    """A text and its HTML; its MIME is built once, when it is written, before anything is sent."""

    def __init__(self, *, to: Mailbox, html: str, **options: Any) -> None:
        super().__init__(to=[str(to)], **options)
        self.recipient = to
        self.html = html
        self.attach_alternative(html, "text/html")
        self._message: Any = None
        self._content = b""

    def message(self, *, policy: "Policy[Any] | None" = None) -> Any:
        """Return Django's MIME message; `policy` is its own affair from version 6 on."""
        if self._message is None:
            self._message = super().message(**({"policy": policy} if policy else {}))
        return self._message

    def content(self) -> bytes:
        """Return the message with SMTP's line ends; whatever cannot be sent is a ValueError."""
        if not self._content:
            text, html = _lines(str(self.body)), _lines(self.html)
            if max(map(len, (*text, *html))) > RFC5322_EMAIL_LINE_LENGTH_LIMIT:
                self._content = self.message().as_bytes(linesep="\r\n")
            else:
                self._content = self._written(b"\r\n".join(text), b"\r\n".join(html))
        return self._content

    def _written(self, text: bytes, html: bytes) -> bytes:
        boundary = secrets.token_hex(16)
        return b"".join(
            [
                self._head(boundary).encode("ascii"),
                _part_head(boundary, "text/plain", text),
                text,
                _part_head(boundary, "text/html", html),
                html,
                f"\r\n--{boundary}--\r\n".encode(),
            ]
        )

    def _head(self, boundary: str) -> str:
        headers = [
            ("Subject", str(self.subject)),
            ("Date", formatdate(localtime=settings.EMAIL_USE_LOCALTIME)),
            *self.extra_headers.items(),
        ]
        return "".join(
            [
                f'Content-Type: multipart/alternative;\r\n boundary="{boundary}"\r\n',
                "MIME-Version: 1.0\r\n",
                _senders(self.from_email, ", ".join(self.reply_to)),
                f"To: {self.recipient.encoded()}\r\n",
                *[_header(name, value) for name, value in headers],
            ]
        )


def _part_head(boundary: str, kind: str, content: bytes) -> bytes:
    encoding = "7bit" if content.isascii() else "8bit"
    head = (
        f"\r\n--{boundary}\r\n"
        f'Content-Type: {kind}; charset="utf-8"\r\n'
        "MIME-Version: 1.0\r\n"
        f"Content-Transfer-Encoding: {encoding}\r\n\r\n"
    )
    return head.encode()


@lru_cache(maxsize=64)
def _senders(sender: str, reply_to: str) -> str:
    """Return the headers that are alike in every email, as Django writes them."""
    alike = EmailMultiAlternatives(from_email=sender, reply_to=[reply_to]).message()
    names = ("From", "Reply-To")
    return "".join(compat32.fold(name, alike[name]) for name in names).replace("\n", "\r\n")


def _header(name: str, value: str) -> str:
    """Return a header's line or lines; one with a line break in it is a ValueError."""
    if "\n" in value or "\r" in value:
        raise ValueError(f"The header {name} holds a line break: {value!r}")
    if not value.isascii():
        return f"{name}: {_encoded_words(value)}\r\n"
    if len(name) + len(value) < _LONGEST_HEADER:
        return f"{name}: {value}\r\n"
    return compat32.fold(name, value).replace("\n", "\r\n")


def _encoded_words(text: str) -> str:
    """Return text as RFC 2047's encoded words, each on a line of its own."""
    words, word = [], b""
    for letter in text:
        encoded = letter.encode()
        if len(word) + len(encoded) > _BYTES_OF_A_WORD:
            words.append(word)
            word = b""
        word += encoded
    return "\r\n ".join(f"=?utf-8?b?{b64encode(each).decode()}?=" for each in [*words, word])


def _lines(text: str) -> list[bytes]:
    if "\r" in text:
        text = text.replace("\r\n", "\n").replace("\r", "\n")
    return text.encode().split(b"\n")
