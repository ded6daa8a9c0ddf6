"""PayPal's error answers, word for word where its documentation gives the words."""

import secrets
from typing import Any

from devtools.paypal.records import JSON

MESSAGES = {
    400: (
        "INVALID_REQUEST",
        "Request is not well-formed, syntactically incorrect, or violates schema.",
    ),
    401: (
        "AUTHENTICATION_FAILURE",
        (
            "Authentication failed due to missing authorization header, or invalid "
            "authentication credentials."
        ),
    ),
    404: ("RESOURCE_NOT_FOUND", "The specified resource does not exist."),
    409: (
        "RESOURCE_CONFLICT",
        "The server has detected a conflict while processing this request.",
    ),
    415: (
        "UNSUPPORTED_MEDIA_TYPE",
        "The server does not support the request payload's media type.",
    ),
    422: (
        "UNPROCESSABLE_ENTITY",
        (
            "The requested action could not be performed, semantically incorrect, or failed "
            "business validation."
        ),
    ),
    429: ("RATE_LIMIT_REACHED", "Too many requests. Blocked due to rate limiting."),
    500: ("INTERNAL_SERVER_ERROR", "An internal server error occurred."),
    503: ("SERVICE_UNAVAILABLE", "Service Unavailable."),
}

_TWO_DECIMALS = "If the currency supports decimals, only two decimal place precision is supported."

ISSUES = {
    "AMOUNT_MISMATCH": "Should equal item_total + tax_total + shipping + handling + insurance - "
    "shipping_discount - discount.",
    "CANNOT_BE_NEGATIVE": f"Must be greater than or equal to 0. {_TWO_DECIMALS}",
    "CANNOT_BE_ZERO_OR_NEGATIVE": f"Must be greater than zero. {_TWO_DECIMALS}",
    "CAPTURE_FULLY_REFUNDED": "The capture has already been fully refunded",
    "COMPLIANCE_VIOLATION": "Transaction is declined due to compliance violation.",
    "DECIMAL_PRECISION": _TWO_DECIMALS,
    "DECIMALS_NOT_SUPPORTED": "Currency does not support decimals.",
    "DUPLICATE_INVOICE_ID": "Duplicate Invoice ID detected. To avoid a potential duplicate "
    "transaction your account setting requires that Invoice Id be unique for each transaction.",
    "INSTRUMENT_DECLINED": "The instrument presented  was either declined by the processor or "
    "bank, or it can't be used for this payment.",
    "INVALID_ARRAY_MAX_ITEMS": "The number of items in an array parameter is too large.",
    "INVALID_ARRAY_MIN_ITEMS": "The number of items in an array parameter is too small.",
    "INVALID_CURRENCY_CODE": "Currency code is invalid or is not currently supported. Please refer "
    "https://developer.paypal.com/api/rest/reference/currency-codes/ for list of supported "
    "currency codes.",
    "INVALID_PARAMETER_SYNTAX": "The value of a field does not conform to the expected format.",
    "INVALID_PARAMETER_VALUE": "A parameter value is not valid.",
    "INVALID_RESOURCE_ID": "Specified resource ID does not exist. Please check the resource ID and "
    "try again.",
    "INVALID_STRING_LENGTH": "The value of a field is either too short or too long",
    "ITEM_TOTAL_MISMATCH": "Should equal sum of (unit_amount * quantity) across all items for a "
    "given purchase_unit.",
    "ITEM_TOTAL_REQUIRED": "If item details are specified (items.unit_amount and items.quantity) "
    "corresponding amount.breakdown.item_total is required.",
    "MALFORMED_REQUEST_JSON": "The request JSON is not well formed.",
    "MAX_NUMBER_OF_PAYMENT_ATTEMPTS_EXCEEDED": "You have exceeded the maximum number of payment "
    "attempts.",
    "MAX_VALUE_EXCEEDED": "Should be less than or equal to 9999999.99.",
    "MISSING_REQUIRED_PARAMETER": "A required parameter is missing.",
    "MULTI_CURRENCY_ORDER": "Multiple differing values of currency_code are not supported. Entire "
    "Order request must have the same currency_code.",
    "NOT_SUPPORTED": "This field is not currently supported.",
    "ORDER_ALREADY_CAPTURED": "Order already captured.If 'intent=CAPTURE' only one capture per "
    "order is allowed.",
    "ORDER_COMPLETION_IN_PROGRESS": "The order was created with processing_instruction of "
    "ORDER_COMPLETE_ON_PAYMENT_APPROVAL. The customer has approved the payment and PayPal is still "
    "in the process of capturing the order on your behalf as instructed. Please try your request "
    "again.",
    "ORDER_EXPIRED": "Order is expired and cannot be captured.",
    "ORDER_NOT_APPROVED": "Payer has not yet approved the Order for payment. Please redirect the "
    "payer to the 'rel':'approve' url returned as part of the HATEOAS links within the Create "
    "Order call or provide a valid `payment_source` in the request.",
    "PAYER_ACTION_REQUIRED": "Transaction cannot complete successfully, instruct the buyer to "
    "return to PayPal.",
    "PAYER_CANNOT_PAY": "Payer cannot pay for this transaction. Please contact the payer to find "
    "other ways to pay for this transaction.",
    "PAYPAL_REQUEST_ID_REQUIRED": "A PayPal-Request-Id is required if you are trying to process "
    "payment for an Order. Please specify a PayPal-Request-Id or Create the Order without a "
    "'payment_source' specified.",
    "PENDING_CAPTURE": "Cannot initiate a refund as the capture is pending. Capture is typically "
    "pending when the payer has funded the transaction using e-check/bank funded.",
    "PREVIOUS_REQUEST_IN_PROGRESS": "A previous request on this resource is currently in progress. "
    "Please wait for sometime and try again. It is best to space out the initial and the "
    "subsequent request(s) to avoid receiving this error.",
    "REDIRECT_PAYER_FOR_ALTERNATE_FUNDING": "Transaction failed. Redirect the payer to select "
    "another funding source.",
    "REFUND_AMOUNT_EXCEEDED": "The refund amount must be less than or equal to the capture amount "
    "that has not yet been refunded.",
    "REFUND_CAPTURE_CURRENCY_MISMATCH": "Refund must be in the same currency as the capture",
    "REFUND_FAILED_INSUFFICIENT_FUNDS": "Capture could not be refunded due to insufficient funds. "
    "Please check to see if you have sufficient funds in your PayPal account or if the bank "
    "account linked to your PayPal account is verified and has sufficient funds.",
    "REFUND_NOT_ALLOWED": "Capture cannot be refunded.",
    "TAX_TOTAL_MISMATCH": "Should equal sum of (tax * quantity) across all items for a given "
    "purchase_unit.",
    "TAX_TOTAL_REQUIRED": "If item details are specified (items.tax_total and items.quantity) "
    "corresponding amount.breakdown.tax_total is required.",
    "TRANSACTION_REFUSED": "The request was refused.",
}


class PayPalError(Exception):
    """The request is answered with this status and PayPal's error body."""

    def __init__(
        self, status: int, details: list[JSON] | None = None, links: list[JSON] | None = None
    ) -> None:
        super().__init__(f"{status} {details or ''}")
        self.status = status
        self.details = details or []
        self.links = links or []

    def body(self, debug_id: str) -> JSON:
        """Return the answer's JSON."""
        name, message = MESSAGES[self.status]
        answer: JSON = {"name": name, "message": message, "debug_id": debug_id}
        if self.details:
            answer["details"] = self.details
        first = self.details[0]["issue"] if self.details else name
        information = {
            "href": f"https://developer.paypal.com/api/rest/errors/#{first}",
            "rel": "information_link",
            "method": "GET",
        }
        return answer | {"links": [information, *self.links]}


def detail(issue: str, field: str | None = None, value: Any = None) -> JSON:
    """Name one thing that is wrong, and where."""
    found: JSON = {"issue": issue, "description": ISSUES.get(issue, issue)}
    if field is not None:
        found |= {"field": field, "location": "body"}
    if value is not None:
        found["value"] = str(value)
    return found


def unprocessable(
    issue: str, field: str | None = None, value: Any = None, links: list[JSON] | None = None
) -> PayPalError:
    """Return the 422 that names this issue."""
    return PayPalError(422, [detail(issue, field, value)], links)


def invalid_request(issue: str, field: str | None = None, value: Any = None) -> PayPalError:
    """Return the 400 that names this issue."""
    return PayPalError(400, [detail(issue, field, value)])


def not_found() -> PayPalError:
    """Return the 404 for an id that names nothing."""
    return PayPalError(404, [detail("INVALID_RESOURCE_ID")])


def new_debug_id() -> str:
    """Return an id by which PayPal's support would find this answer."""
    return secrets.token_hex(7)[:13]
