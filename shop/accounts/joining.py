"""An account takes in the orders that its owner placed as a guest: once the address is confirmed.

Looked at when an address is confirmed and at each sign-in: who is signed out orders as a guest.
"""

from typing import Any

from allauth.account.models import EmailAddress
from allauth.account.signals import email_confirmed
from django.contrib.auth.models import User
from django.contrib.auth.signals import user_logged_in
from django.dispatch import receiver

from orders.ownership import join_guest_orders


@receiver(user_logged_in, dispatch_uid="join guest orders")
def join_at_sign_in(user: User, **_: Any) -> None:
    """Take in what was ordered with the account's address since."""
    _join(user)


@receiver(email_confirmed, dispatch_uid="join guest orders")
def join_at_confirmation(email_address: EmailAddress, **_: Any) -> None:
    """Take in what was ordered with the address that was confirmed just now."""
    _join(email_address.user)


def _join(user: User) -> int:
    confirmed = EmailAddress.objects.filter(user=user, verified=True)
    addresses = list(confirmed.values_list("email", flat=True))
    return join_guest_orders(user_id=user.pk, confirmed=addresses)
