"""The line to PayPal under its SDK: plain HTTP that bounds an answer's size and its time.

The SDK's own client reads whatever comes, for as long as it comes.
"""

from time import monotonic
from typing import Any

import requests
from apimatic_core.http.response.http_response import HttpResponse
from apimatic_core_interfaces.types.http_method_enum import HttpMethodEnum
from urllib3.exceptions import HTTPError

from payments.calls import note_debug_id

MAX_BYTES = 1_000_000
_CHUNK = 65_536


class TooMuch(requests.RequestException):
    """The answer is larger, or takes longer, than any that PayPal gives."""


class BoundedClient:
    """What the SDK calls an HTTP client. `timeout`: seconds to connect, and to be answered."""

    def __init__(self, timeout: tuple[float, float]) -> None:
        self._session = requests.Session()
        self._timeout = timeout

    def execute(self, request: Any, _configuration: Any) -> HttpResponse:
        """Send one request. A redirect is an answer: it could lead the token anywhere."""
        until = monotonic() + sum(self._timeout)
        with self._session.request(
            HttpMethodEnum.to_string(request.http_method),
            request.query_url,
            headers=request.headers,
            params=request.query_parameters,
            data=request.parameters,
            timeout=self._timeout,
            allow_redirects=False,
            stream=True,
        ) as response:
            note_debug_id(response.headers)
            body = read_bounded(response, until, MAX_BYTES)
        return HttpResponse(
            response.status_code, response.reason, response.headers, body.decode(), request
        )


def read_bounded(response: requests.Response, until: float, most: int) -> bytes:
    """Read the answer's body, at most so many bytes and until then (monotonic). Raises TooMuch."""
    body = bytearray()
    try:
        while part := response.raw.read1(_CHUNK, decode_content=True):
            body += part
            if len(body) > most or monotonic() > until:
                raise TooMuch(f"Given up after {len(body)} bytes.")
    except HTTPError as error:  # urllib3's own: requests is not asked for the content
        raise requests.ConnectionError("The answer was cut off.") from error
    return bytes(body)
