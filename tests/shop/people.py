"""People with accounts, and the emails about them that wait for a consumer."""

import json
from typing import Any
from urllib.parse import urlsplit

from allauth.account.models import EmailAddress
from django.contrib.auth.models import User
from django.test import Client

from notifications.models import EmailDelivery
from notifications.sealing import open_sealed

EMAIL = "lan@example.com"
PASSWORD = "ba con meo den"


def account(email: str = EMAIL, *, confirmed: bool = True, **fields: Any) -> User:
    """Return somebody with an account, who has confirmed its address or not."""
    username = email.partition("@")[0]
    user = User.objects.create_user(username, email, PASSWORD, **fields)
    EmailAddress.objects.create(user=user, email=email, verified=confirmed, primary=True)
    return user


def sign_in(client: Client, email: str = EMAIL, password: str = PASSWORD, **rest: str) -> Any:
    return client.post("/accounts/login/", {"login": email, "password": password, **rest})


def prove_it(client: Client, password: str = PASSWORD) -> Any:
    """Type the password again, as is asked before something grave."""
    return client.post("/accounts/reauthenticate/", {"password": password})


def sign_up(client: Client, email: str = EMAIL, **rest: str) -> Any:
    return client.post("/accounts/signup/", {"email": email, "password1": PASSWORD, **rest})


def waiting_emails() -> list[EmailDelivery]:
    """Return the emails about accounts, oldest first."""
    return list(EmailDelivery.objects.filter(topic="").order_by("pk"))


def link_in(email: EmailDelivery) -> str:
    """Return the path its one link leads to."""
    sealed = json.loads(bytes(email.value or b""))["sealed"]["action"]
    return urlsplit(open_sealed(sealed)).path
