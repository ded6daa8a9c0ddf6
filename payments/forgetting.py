"""Forgetting what PayPal told of a person. Amounts, ids and states stay."""

from django.db.models import Q

from notifications.forgetting import Person
from payments.models import PaymentAttempt, WebhookReceipt


def forget_webhooks_of(person: Person) -> int:
    """Empty what webhooks said of the person's payments; one still to be worked on waits."""
    attempts = PaymentAttempt.objects.filter(payment__order__in=person.order_ids)
    receipts = WebhookReceipt.objects.exclude(body="").filter(
        Q(paypal_order_id__in=attempts.exclude(paypal_order_id=None).values("paypal_order_id"))
        | Q(body__icontains=person.email)
    )
    return receipts.filter(try_at=None).update(body="", headers={})
