"""The shop's settings for tests inside one process: plain static files, quick passwords."""

import os

from shop.settings import *  # noqa: F403
from shop.settings import STORAGES

STORAGES["staticfiles"] = {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"}
PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
WHITENOISE_AUTOREFRESH = True  # nothing is collected
# Playwright keeps an event loop in the thread of the tests; Django takes it for an async context.
os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"] = "true"
