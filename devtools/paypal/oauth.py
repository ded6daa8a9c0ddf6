"""Access tokens: given for a client's id and secret, asked for by every other call."""

import hmac
import secrets

from flask import Blueprint, Response, request

from devtools.paypal.clock import timestamp
from devtools.paypal.errors import PayPalError
from devtools.paypal.sandbox import Options, Session
from devtools.paypal.web import answer, the_sandbox

TOKEN_LASTS = 9 * 3600
SCOPE = (
    "https://uri.paypal.com/services/payments/payment "
    "https://uri.paypal.com/services/payments/refund "
    "https://uri.paypal.com/services/applications/webhooks "
    "https://uri.paypal.com/services/reporting/search/read"
)

oauth = Blueprint("oauth", __name__)


@oauth.post("/v1/oauth2/token")
def give_token() -> Response:
    given = request.authorization
    id_and_secret = (given.username or "", given.password or "") if given else ("", "")
    if not _is_client(the_sandbox().options, *id_and_secret):
        return _refusal(401, "invalid_client", "Client Authentication failed")
    if request.form.get("grant_type") != "client_credentials":
        return _refusal(400, "unsupported_grant_type", "Grant Type is not supported.")
    with the_sandbox().writing() as session:
        token = _new_token(session)
    body = {
        "scope": SCOPE,
        "access_token": token,
        "token_type": "Bearer",
        "app_id": "APP-EMULATOR",
        "expires_in": TOKEN_LASTS,
        "nonce": timestamp(session.now) + secrets.token_urlsafe(16),
    }
    return answer(body)


def require_token() -> None:
    """Refuse a request that carries no token given here and still good."""
    scheme, _, token = request.headers.get("Authorization", "").partition(" ")
    with the_sandbox().reading() as session:
        ends_at = session.books.tokens.get(token, 0.0)
        if scheme.lower() != "bearer" or ends_at <= session.now:
            raise PayPalError(401)


def _new_token(session: Session) -> str:
    tokens = session.books.tokens
    for old in [token for token, ends_at in tokens.items() if ends_at <= session.now]:
        del tokens[old]
    token = f"A21AA{secrets.token_urlsafe(48)}"
    tokens[token] = session.now + TOKEN_LASTS
    return token


def _is_client(options: Options, client_id: str, secret: str) -> bool:
    """Compare with what the command line named; without that, any non-empty pair will do."""
    expected_id = options.client_id or client_id
    expected_secret = options.client_secret or secret
    return (
        bool(client_id and secret)
        and hmac.compare_digest(client_id.encode(), expected_id.encode())
        and hmac.compare_digest(secret.encode(), expected_secret.encode())
    )


def _refusal(status: int, error: str, description: str) -> Response:
    return answer({"error": error, "error_description": description}, status)
