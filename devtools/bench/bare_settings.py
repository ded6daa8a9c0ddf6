"""The shop's settings with one bare view and nothing around it: what a webhook is measured by."""

from shop.settings_web import *  # noqa: F403

ROOT_URLCONF = "devtools.bench.bare_view"
MIDDLEWARE = ["allauth.account.middleware.AccountMiddleware"]  # nothing starts without it
