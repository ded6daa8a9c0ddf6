"""The end of an account. Its orders stay: they are the books, and their links still open them."""

from datetime import timedelta

from allauth.account.models import EmailAddress
from axes.models import AccessAttempt, AccessFailureLog, AccessLog
from django.conf import settings
from django.contrib.auth.models import User
from django.db import transaction
from django.db.models import F, Func, JSONField, Value
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import get_language

from notifications.account_emails import AccountEmail, queue_account_email
from notifications.outbox import Recipient
from shop.models import FailedPlacement, PlacementPromise

_NEVER_CONFIRMED = timedelta(days=30)
_SIGN_INS_KEPT = timedelta(days=90)
_SIGN_INS = (AccessAttempt, AccessLog, AccessFailureLog)


class StaffAccount(Exception):
    """The account of a member of staff, who is named in the books: an owner ends that."""


def close_account(user: User) -> None:
    """Delete the account and tell its address; owns its transaction. Raises StaffAccount.

    Whatever its owner has ordered goes its way as a guest's order does, open or not: the link in
    each email opens it, it can be found by its number, and it can be paid, cancelled and returned.
    """
    if user.is_staff or user.is_superuser:
        raise StaffAccount(str(user.pk))
    with transaction.atomic(durable=True):
        if user.email:
            queue_account_email(
                AccountEmail.DELETED,
                to=Recipient(email=user.email, name="", locale=(get_language() or "en")[:2]),
                links={"action": settings.SHOP_URL + reverse("home")},
            )
        forget_sign_ins(user.email)
        delete_accounts([user])


def delete_accounts(users: list[User]) -> int:
    """Delete accounts; what was asked for from them and waits becomes a guest's wish."""
    keys = [user.pk for user in users]
    as_guest = Func(F("wish"), Value("{user_id}"), Value("null"), function="jsonb_set")
    as_guest.output_field = JSONField()
    PlacementPromise.objects.filter(user_id__in=keys).update(user_id=None, wish=as_guest)
    FailedPlacement.objects.filter(wish__user_id__in=keys).update(wish=as_guest)
    User.objects.filter(pk__in=keys).delete()
    return len(keys)


def forget_sign_ins(email: str) -> None:
    """Delete what is kept of signing in with that address."""
    for log in _SIGN_INS:
        log.objects.filter(username__iexact=email).delete()


def forget_old_sign_ins() -> int:
    """Delete who signed in, or tried to, from where, three months ago; return how many times."""
    old = timezone.now() - _SIGN_INS_KEPT
    return sum(log.objects.filter(attempt_time__lt=old).delete()[0] for log in _SIGN_INS)


def forget_unconfirmed() -> int:
    """Delete accounts whose address nobody confirmed within a month; return how many."""
    confirmed = EmailAddress.objects.filter(verified=True)
    old = User.objects.filter(
        date_joined__lt=timezone.now() - _NEVER_CONFIRMED,
        last_login=None,
        is_staff=False,
        is_superuser=False,
        emailaddress__isnull=False,
    )
    return delete_accounts(list(old.exclude(emailaddress__in=confirmed).distinct()))
