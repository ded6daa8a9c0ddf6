"""PayPal's Webhooks API: who listens, and whether a webhook is genuine."""

import json
import re

from flask import Blueprint, Response, request

from devtools.paypal.errors import invalid_request, not_found
from devtools.paypal.events import SUMMARIES, encode
from devtools.paypal.oauth import require_token
from devtools.paypal.records import JSON, Webhook, new_id
from devtools.paypal.sandbox import Session
from devtools.paypal.validation import require_form
from devtools.paypal.web import answer, json_body, the_sandbox

webhooks = Blueprint("webhooks", __name__)
webhooks.before_request(require_token)
certificates = Blueprint("certificates", __name__)


@webhooks.post("/v1/notifications/webhooks")
def register_webhook() -> Response:
    body = json_body()
    require_form("webhook", body)
    names = [item["name"] for item in body["event_types"]]
    with the_sandbox().writing() as session:
        if any(it.url == body["url"] for it in session.books.webhooks.values()):
            raise invalid_request("WEBHOOK_URL_ALREADY_EXISTS", "/url", body["url"])
        webhook = Webhook(new_id(), body["url"], names)
        session.books.webhooks[webhook.id] = webhook
        return answer(_resource(session, webhook), 201)


@webhooks.get("/v1/notifications/webhooks")
def list_webhooks() -> Response:
    with the_sandbox().reading() as session:
        found = [_resource(session, webhook) for webhook in session.books.webhooks.values()]
        return answer({"webhooks": found})


@webhooks.get("/v1/notifications/webhooks/<webhook_id>")
def get_webhook(webhook_id: str) -> Response:
    with the_sandbox().reading() as session:
        return answer(_resource(session, _find(session, webhook_id)))


@webhooks.delete("/v1/notifications/webhooks/<webhook_id>")
def delete_webhook(webhook_id: str) -> Response:
    with the_sandbox().writing() as session:
        del session.books.webhooks[_find(session, webhook_id).id]
        return Response(status=204)


@webhooks.get("/v1/notifications/webhooks-event-types")
def list_event_types() -> Response:
    types = [{"name": name, "description": text} for name, text in SUMMARIES.items()]
    return answer({"event_types": types})


@webhooks.post("/v1/notifications/verify-webhook-signature")
def verify_signature() -> Response:
    claim = json_body()
    require_form("signature_check", claim)
    with the_sandbox().reading() as session:
        is_known = claim["webhook_id"] in session.books.webhooks
    signer = the_sandbox().signer
    versions = (_event_as_sent(request.get_data()), encode(claim["webhook_event"]))
    is_genuine = is_known and any(signer.is_genuine(claim, body) for body in versions)
    return answer({"verification_status": "SUCCESS" if is_genuine else "FAILURE"})


@certificates.get("/v1/notifications/certs/<certificate_id>")
def get_certificates(certificate_id: str) -> Response:
    kept = the_sandbox().certificates
    if certificate_id != kept.id:
        raise not_found()
    return Response(kept.chain_pem, mimetype="application/x-pem-file")


def _find(session: Session, webhook_id: str) -> Webhook:
    webhook = session.books.webhooks.get(webhook_id)
    if webhook is None:
        raise not_found()
    return webhook


def _resource(session: Session, webhook: Webhook) -> JSON:
    itself = f"{session.base_url}/v1/notifications/webhooks/{webhook.id}"
    return {
        "id": webhook.id,
        "url": webhook.url,
        "event_types": [{"name": name, "status": "ENABLED"} for name in webhook.event_types],
        "links": [
            {"href": itself, "rel": "self", "method": "GET"},
            {"href": itself, "rel": "delete", "method": "DELETE"},
        ],
    }


def _event_as_sent(raw: bytes) -> bytes:
    """Return the event's very characters: the checksum is over them, spaces and all."""
    text = raw.decode("utf-8")
    start = re.search(r'"webhook_event"\s*:\s*', text)
    if start is None:
        raise invalid_request("MISSING_REQUIRED_PARAMETER", "/webhook_event")
    _, end = json.JSONDecoder().raw_decode(text, start.end())
    return text[start.end() : end].encode()
