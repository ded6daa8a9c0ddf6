"""The pages at which a payer approves, declines, cancels or leaves."""

from urllib.parse import parse_qsl, urlencode, urlsplit, urlunsplit

from flask import Blueprint, Response, make_response, redirect, render_template, request
from werkzeug.wrappers import Response as AnyResponse

from devtools.paypal import orders
from devtools.paypal.errors import PayPalError
from devtools.paypal.records import Order
from devtools.paypal.resources import PAYER
from devtools.paypal.sandbox import Session
from devtools.paypal.texts import texts_for
from devtools.paypal.web import the_sandbox

pages = Blueprint("pages", __name__)


@pages.get("/checkoutnow")
def show_checkout() -> Response:
    with the_sandbox().reading() as session:
        try:
            order = orders.find_order(session, request.args.get("token", ""))
        except PayPalError:
            return _unknown()
        return _checkout_page(session, order)


@pages.post("/checkoutnow/<any(pay, decline, leave, cancel):choice>")
def choose(choice: str) -> AnyResponse:
    with the_sandbox().writing() as session:
        try:
            order = orders.find_order(session, request.form.get("token", ""))
        except PayPalError:
            return _unknown()
        if choice == "cancel":
            return _send_back(order, "cancel_url", {"token": order.id})
        if not orders.can_be_approved(order, session.now):
            return _checkout_page(session, order, 409)
        orders.approve_order(session, order, funding_is_good=choice != "decline")
    if choice == "leave":
        return _message(order, "left")
    return _send_back(order, "return_url", _return_query(order))


def _checkout_page(session: Session, order: Order, status: int = 200) -> Response:
    """Show the choices, or say why there are none."""
    if order.capture_id:
        return _message(order, "completed", status=status)
    if orders.is_expired(order, session.now):
        return _message(order, "expired", status=status)
    if not orders.can_be_approved(order, session.now):
        return _message(order, "approved", status=status)
    page = render_template("checkout.html", order=order, unit=order.unit, **_page_context(order))
    return make_response(page, status)


def _message(order: Order, key: str, *, status: int = 200) -> Response:
    """Show one sentence, and the way back where there is one."""
    target = order.context.get("return_url") if key in {"approved", "completed"} else None
    link = _with_query(target, _return_query(order)) if target else None
    page = render_template("message.html", key=key, link=link, **_page_context(order))
    return make_response(page, status)


def _unknown() -> Response:
    language = request.accept_languages.best_match(["en", "vi"]) or "en"
    context = {"text": texts_for(language), "language": language, "brand": None}
    return make_response(render_template("message.html", key="unknown", **context), 404)


def _page_context(order: Order) -> dict[str, object]:
    locale = str(order.context.get("locale", "en-US"))
    return {
        "text": texts_for(locale),
        "language": "vi" if locale.startswith("vi") else "en",
        "brand": order.context.get("brand_name"),
    }


def _return_query(order: Order) -> dict[str, str]:
    return {"token": order.id, "PayerID": PAYER["payer_id"]}


def _send_back(order: Order, where: str, query: dict[str, str]) -> AnyResponse:
    target = order.context.get(where)
    if not target:
        return _message(order, "no_return")
    return redirect(_with_query(target, query), code=303)


def _with_query(url: str, query: dict[str, str]) -> str:
    parts = urlsplit(url)
    whole = [*parse_qsl(parts.query, keep_blank_values=True), *query.items()]
    return urlunsplit(parts._replace(query=urlencode(whole)))
