"""The control API: how a test steers the emulator and looks into it."""

from typing import Any

from flask import Blueprint, Response, jsonify, request

from devtools.paypal import payments
from devtools.paypal.clock import timestamp
from devtools.paypal.courier import MODES, Mode
from devtools.paypal.errors import PayPalError
from devtools.paypal.faults import DECISIONS, ROUTES, WIRE_KINDS, Fault
from devtools.paypal.money import money
from devtools.paypal.records import JSON, Capture
from devtools.paypal.resources import dispute_resource, order_resource, refund_resource
from devtools.paypal.web import answer, the_sandbox

LONGEST_DELAY_MS = 600_000
MOST_FAULTS = 1_000_000
FURTHEST_ADVANCE_SECONDS = 10 * 366 * 24 * 3600

control = Blueprint("control", __name__, url_prefix="/emulator")


class BadControl(Exception):
    """The request to the control API is wrong; the message says how."""


@control.errorhandler(BadControl)
def say_what_is_wrong(error: BadControl) -> Response:
    return answer({"error": str(error)}, 400)


@control.errorhandler(PayPalError)
def say_what_paypal_refuses(error: PayPalError) -> Response:
    found = error.details[0]
    return answer({"error": f"{found['issue']}: {found['description']}"}, 400)


@control.post("/reset")
def reset() -> Response:
    the_sandbox().reset()
    return answer({})


@control.post("/faults")
def add_fault() -> Response:
    body = _object()
    kind = _choice(body, "kind", WIRE_KINDS | DECISIONS.keys())
    fault = Fault(
        route=_choice(body, "route", ROUTES),
        kind=kind,
        count=_integer(body, "count", 1, smallest=1, largest=MOST_FAULTS),
        delay_ms=_integer(body, "delay_ms", 0, smallest=0, largest=LONGEST_DELAY_MS),
        issue=_text(body, "issue") if kind == "issue" else "",
    )
    if kind in DECISIONS and fault.route not in DECISIONS[kind]:
        fitting = ", ".join(sorted(DECISIONS[kind]))
        raise BadControl(f'"{kind}" fits these routes only: {fitting}.')
    the_sandbox().faults.add(fault)
    return answer(vars(fault))


@control.delete("/faults")
def clear_faults() -> Response:
    the_sandbox().faults.clear()
    return answer({})


@control.post("/webhooks")
def set_webhook_mode() -> Response:
    body = _object()
    delay_ms = _integer(body, "delay_ms", 3000, smallest=0, largest=LONGEST_DELAY_MS)
    mode = _choice(body, "mode", MODES)
    the_sandbox().courier.set_mode(Mode(mode, delay_ms / 1000))
    return answer({"mode": mode, "delay_ms": delay_ms})


@control.post("/reviews")
def decide_review() -> Response:
    body = _object()
    outcome = _choice(body, "outcome", {"completed", "denied"})
    resource_id = _text(body, "refund" if "refund" in body else "capture")
    with the_sandbox().writing() as session:
        if resource_id not in session.books.reviews:
            raise BadControl(f'"{resource_id}" is not under review.')
        payments.decide_review(session, resource_id, is_passed=outcome == "completed")
    return answer({})


@control.post("/disputes")
def open_dispute() -> Response:
    body = _object()
    reason = body.get("reason", "MERCHANDISE_OR_SERVICE_NOT_RECEIVED")
    with the_sandbox().writing() as session:
        capture = _capture(session.books.captures, body)
        dispute = payments.open_dispute(session, capture, str(reason))
        return answer(dispute_resource(session.books, dispute, session.base_url))


@control.post("/disputes/<dispute_id>")
def resolve_dispute(dispute_id: str) -> Response:
    winner = _choice(_object(), "winner", {"buyer", "seller"})
    with the_sandbox().writing() as session:
        dispute = session.books.disputes.get(dispute_id)
        if dispute is None or dispute.status == "RESOLVED":
            raise BadControl(f'"{dispute_id}" is no open dispute.')
        payments.resolve_dispute(session, dispute, buyer_wins=winner == "buyer")
        return answer(dispute_resource(session.books, dispute, session.base_url))


@control.post("/reversals")
def reverse_capture() -> Response:
    body = _object()
    with the_sandbox().writing() as session:
        refund = payments.reverse_capture(session, _capture(session.books.captures, body))
        return answer(refund_resource(session.books, refund, session.base_url))


@control.post("/events")
def send_event() -> Response:
    """Sign and send an event that nothing here has caused."""
    body = _object()
    event_type, resource = _text(body, "event_type"), body.get("resource")
    if not isinstance(resource, dict):
        raise BadControl('"resource" must be a JSON object.')
    with the_sandbox().writing() as session:
        session.announce(event_type, resource)
        return answer({"id": session.events[0]["id"]})


@control.post("/clock")
def advance_clock() -> Response:
    most = FURTHEST_ADVANCE_SECONDS
    seconds = _object().get("advance_seconds")
    if (
        not isinstance(seconds, int | float)
        or isinstance(seconds, bool)
        or not 0 <= seconds <= most
    ):
        raise BadControl(f'"advance_seconds" must be a number from 0 to {most}.')
    sandbox = the_sandbox()
    sandbox.advance_clock(seconds)
    payments.pass_due_reviews(sandbox)
    return answer({"now": timestamp(sandbox.clock.now())})


@control.get("/orders")
def list_orders() -> Response:
    with the_sandbox().reading() as session:
        books = session.books
        return jsonify(
            [order_resource(books, it, session.base_url) for it in books.orders.values()]
        )


@control.get("/captures")
def list_captures() -> Response:
    """List all, or those of one `?custom_id=`."""
    wanted = request.args.get("custom_id")
    with the_sandbox().reading() as session:
        captures = session.books.captures.values()
        return jsonify([_summary(it) for it in captures if wanted in {None, it.custom_id}])


@control.get("/requests")
def list_requests() -> Response:
    return jsonify(the_sandbox().journal.entries())


def _summary(capture: Capture) -> JSON:
    return {
        "id": capture.id,
        "order_id": capture.order_id,
        "status": capture.status,
        "amount": money(capture.currency, capture.value),
        "custom_id": capture.custom_id,
        "invoice_id": capture.invoice_id,
        "create_time": timestamp(capture.created_at),
    }


def _object() -> JSON:
    body = request.get_json(force=True, silent=True)
    if not isinstance(body, dict):
        raise BadControl("Send a JSON object.")
    return body


def _text(body: JSON, name: str) -> str:
    value = body.get(name)
    if not isinstance(value, str) or not value:
        raise BadControl(f'"{name}" must be a text that is not empty.')
    return value


def _choice(body: JSON, name: str, allowed: Any) -> str:
    value = body.get(name)
    if not isinstance(value, str) or value not in allowed:
        raise BadControl(f'"{name}" must be one of {", ".join(sorted(allowed))}.')
    return value


def _integer(body: JSON, name: str, otherwise: int, *, smallest: int, largest: int) -> int:
    value = body.get(name, otherwise)
    if not isinstance(value, int) or isinstance(value, bool) or not smallest <= value <= largest:
        raise BadControl(f'"{name}" must be a whole number from {smallest} to {largest}.')
    return value


def _capture(captures: dict[str, Capture], body: JSON) -> Capture:
    capture = captures.get(_text(body, "capture"))
    if capture is None:
        raise BadControl(f'"{body["capture"]}" is no capture.')
    return capture
