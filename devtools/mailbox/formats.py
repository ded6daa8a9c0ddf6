"""The mailbox's JSON."""

from typing import Literal, TypedDict

FaultKind = Literal["refuse_connect", "tempfail_451", "permfail_550", "slow_dot"]


class Summary(TypedDict):
    """A message in the list."""

    id: int
    to: list[str]
    subject: str
    message_id: str
    received_at: str
    headers: dict[str, str]


class Message(Summary):
    """A message with its content."""

    text: str
    html: str
    raw: str
