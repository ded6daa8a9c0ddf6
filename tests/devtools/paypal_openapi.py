"""PayPal's own OpenAPI files, and whether requests and answers follow them."""

import json
import os
import re
from functools import cache
from pathlib import Path
from typing import Any

from jsonschema import Draft4Validator

from devtools.environment import PROJECT

FILES = ("checkout_orders_v2.json", "payments_payment_v2.json", "notifications_webhooks_v1.json")

# Issues that PayPal answers with and its files of February 2024 do not list.
UNLISTED_ISSUES = frozenset(
    {"DECIMALS_NOT_SUPPORTED", "ORDER_EXPIRED", "WEBHOOK_URL_ALREADY_EXISTS"}
)


def folder() -> Path | None:
    """Return where the files are, or None when they are not here."""
    named = os.environ.get("PAYPAL_OPENAPI_DIR")
    found = Path(named) if named else PROJECT.parent / "shared" / "paypal-openapi"
    return found if found.is_dir() else None


def require_valid_request(method: str, path: str, body: Any) -> None:
    """Fail unless PayPal's files allow this request body."""
    document, operation = _operation(method, path)
    if operation:
        schema = operation["requestBody"]["content"]["application/json"]["schema"]
        _require(document, schema, body)


def require_valid_answer(method: str, path: str, status: int, body: Any) -> None:
    """Fail unless PayPal's files describe this answer."""
    document, operation = _operation(method, path)
    issues = {item["issue"] for item in body.get("details", [])}
    if operation and not issues & UNLISTED_ISSUES:
        responses = operation["responses"]
        response = responses.get(str(status), responses["default"])
        if "$ref" in response:
            response = document["components"]["responses"]["default"]
        _require(document, response["content"]["application/json"]["schema"], body)


def _require(document: dict[str, Any], schema: dict[str, Any], body: Any) -> None:
    whole = schema | {"components": document["components"]}
    problems = [f"{it.json_path}: {it.message}" for it in Draft4Validator(whole).iter_errors(body)]
    assert not problems, problems


@cache
def _documents() -> list[dict[str, Any]]:
    here = folder()
    return [json.loads((here / name).read_text("utf-8")) for name in FILES] if here else []


def _operation(method: str, path: str) -> tuple[dict[str, Any], dict[str, Any] | None]:
    for document in _documents():
        for template, operations in document["paths"].items():
            if re.fullmatch(re.sub(r"{\w+}", "[^/]+", template), path):
                return document, operations.get(method.lower())
    return {}, None
