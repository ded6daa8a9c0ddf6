"""The shop's settings with a few bare views and nothing around them: floors to measure by."""

from pathlib import Path

from shop.settings_web import *  # noqa: F403

ROOT_URLCONF = "devtools.bench.bare_views"
MIDDLEWARE = ["allauth.account.middleware.AccountMiddleware"]  # nothing starts without it
TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [Path(__file__).with_name("templates")],
    }
]
