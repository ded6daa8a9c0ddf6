"""HTTP out: the JSON, the faults and a page to read messages."""

from typing import Any

from flask import Flask, abort, jsonify, render_template, request
from flask.typing import ResponseReturnValue
from werkzeug.exceptions import HTTPException

from devtools.mailbox.faults import KINDS, Fault, Faults
from devtools.mailbox.store import Store


def create_app(store: Store, faults: Faults) -> Flask:
    app = Flask("devtools.mailbox")
    _add_messages(app, store)
    _add_faults(app, faults)

    @app.errorhandler(HTTPException)
    def explain(error: HTTPException) -> ResponseReturnValue:
        return {"error": error.description}, error.code or 500

    return app


def _add_messages(app: Flask, store: Store) -> None:
    @app.get("/")
    def page() -> str:
        return render_template("mailbox.html")

    @app.get("/api/messages")
    def messages() -> ResponseReturnValue:
        return jsonify([received.summary() for received in store.all()])

    @app.get("/api/messages/<int:number>")
    def message(number: int) -> ResponseReturnValue:
        received = store.get(number)
        if received is None:
            abort(404, f"There is no message {number}.")
        return jsonify(received.message())

    @app.delete("/api/messages")
    def clear() -> ResponseReturnValue:
        store.clear()
        return "", 204


def _add_faults(app: Flask, faults: Faults) -> None:
    @app.post("/api/faults")
    def add() -> ResponseReturnValue:
        try:
            fault = _parse(request.get_json(force=True))
        except ValueError as error:
            abort(400, str(error))
        asked_for = {"kind": fault.kind, "count": fault.count, "delay_ms": fault.delay_ms}
        faults.add(fault)
        return asked_for, 201

    @app.delete("/api/faults")
    def clear_faults() -> ResponseReturnValue:
        faults.clear()
        return "", 204


def _parse(body: Any) -> Fault:
    if not isinstance(body, dict) or body.get("kind") not in KINDS:
        raise ValueError(f"kind must be one of {', '.join(KINDS)}.")
    numbers = {"count": body.get("count", 1), "delay_ms": body.get("delay_ms", 5000)}
    for name, value in numbers.items():
        if not isinstance(value, int) or isinstance(value, bool) or value < (name == "count"):
            raise ValueError(f"{name} must be a whole number, not {value!r}.")
    return Fault(kind=body["kind"], **numbers)
