"""Every setting of the shop. Nothing else reads the environment.

`.env.example` and `docs/operations.md` list each variable with its meaning.
"""

import os
import warnings
from datetime import timedelta
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from csp.constants import NONE, SELF
from django.core.exceptions import ImproperlyConfigured
from environ import Env

from shop.admin_look import admin_look
from shop.environment import Environment, is_loopback
from shop.logs import logging_settings

env = Environment()

BASE_DIR = Path(__file__).resolve().parent.parent

# --- The shop ---------------------------------------------------------------------------------

SHOP_NAME = env.text("SHOP_NAME", "Gánh")
SHOP_URL = env.address("SHOP_URL")
SHOP_CURRENCY = env.text("SHOP_CURRENCY", "USD").upper()
MAX_QUANTITY_PER_LINE = env.whole("MAX_QUANTITY_PER_LINE", 10)
RATE_LIMITS = env.flag("RATE_LIMITS", default=True)
TRUSTED_PROXIES = env.whole("TRUSTED_PROXIES", 0, at_least=0)


def _minutes(name: str, default: str) -> timedelta:
    return timedelta(minutes=float(env.number(name, default)))


ORDER_HOLD = _minutes("ORDER_HOLD_MINUTES", "15")
ORDER_EXPIRY = _minutes("ORDER_EXPIRY_MINUTES", "180")
ORDER_REMINDER = min(_minutes("ORDER_REMINDER_MINUTES", "5"), ORDER_HOLD / 3)
BOOKS_CHECK = _minutes("BOOKS_CHECK_MINUTES", "60")
CLOCK_SECONDS = float(env.number("CLOCK_SECONDS", "5"))

# --- Web processes and the intake in front of the database ------------------------------------

WEB_PROCESSES = env.whole("WEB_PROCESSES", os.cpu_count() or 1)
# More only wait for PostgreSQL, each with a connection of its own: see `tune_intake`.
INTAKE_WORKERS = env.whole("INTAKE_WORKERS", (os.cpu_count() or 1) * 2 + 1, at_most=500)
INTAKE_WORKERS_HERE = max(1, INTAKE_WORKERS // WEB_PROCESSES)  # this process's share
INTAKE_QUEUE = env.whole("INTAKE_QUEUE", 20)
INTAKE_WAIT_SECONDS = float(env.number("INTAKE_WAIT_SECONDS", "3"))
WEB_THREADS = env.whole("WEB_THREADS", INTAKE_WORKERS_HERE + INTAKE_QUEUE + 10)
WEB_DB_CONNECTIONS = env.whole("WEB_DB_CONNECTIONS", 10)
SPOOL_DIR = env.folder("SPOOL_DIR", BASE_DIR / "spool")

# --- Django -----------------------------------------------------------------------------------

SECRET_KEY = env.text("SECRET_KEY")
DEBUG = env.flag("DEBUG", default=False)
ALLOWED_HOSTS = env.listing("ALLOWED_HOSTS", urlsplit(SHOP_URL).hostname or "")
CSRF_TRUSTED_ORIGINS = [SHOP_URL]
IS_HTTPS = SHOP_URL.startswith("https://")

INSTALLED_APPS = [
    "unfold",
    "unfold.contrib.import_export",
    # Without its search for the admin's pages, which shop.urls begins: who serves none needs none.
    "django.contrib.admin.apps.SimpleAdminConfig",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "whitenoise.runserver_nostatic",
    "django.contrib.staticfiles",
    "django.contrib.postgres",
    "pgtrigger",
    "django_structlog",
    "import_export",
    "csp",
    "axes",
    "shop",  # before allauth, whose templates it overrides
    "allauth",
    "allauth.account",
    "allauth.mfa",
    "payments",
    "orders",
    "inventory",
    "notifications",
]

MIDDLEWARE = [
    "shop.middleware.NetworkAddressMiddleware",
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "shop.request_log.RequestLogMiddleware",
    "csp.middleware.CSPMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "shop.languages.LanguageMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "allauth.account.middleware.AccountMiddleware",
    "shop.middleware.CachingMiddleware",
    "shop.middleware.RateLimitMiddleware",
    "axes.middleware.AxesMiddleware",
    "shop.second_factor.SecondFactorMiddleware",
    "shop.middleware.DatabaseAwayMiddleware",
    "shop.admin_policy.AdminPolicyMiddleware",
]

ROOT_URLCONF = "shop.urls"
WSGI_APPLICATION = "shop.wsgi.application"

TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.template.context_processors.i18n",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
                "shop.context_processors.storefront",
            ],
        },
    },
]

# --- Database ---------------------------------------------------------------------------------


def _database() -> dict[str, Any]:
    try:
        database: dict[str, Any] = Env.db_url_config(env.text("DATABASE_URL"))
    except (ValueError, KeyError):
        database = {}
    if database.get("ENGINE") != "django.db.backends.postgresql" or not database.get("NAME"):
        raise ImproperlyConfigured(
            "DATABASE_URL must look like postgres://user:password@host:5432/name."
        )
    database.setdefault("OPTIONS", {}).setdefault("application_name", "ganh")
    return database


DATABASES = {"default": {**_database(), "ATOMIC_REQUESTS": False, "CONN_HEALTH_CHECKS": True}}
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

# --- People -----------------------------------------------------------------------------------

AUTHENTICATION_BACKENDS = [
    "axes.backends.AxesStandaloneBackend",
    "django.contrib.auth.backends.ModelBackend",
    "allauth.account.auth_backends.AuthenticationBackend",
]
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": name}
    for name in (
        "django.contrib.auth.password_validation.UserAttributeSimilarityValidator",
        "shop.accounts.passwords.MinimumLengthValidator",
        "django.contrib.auth.password_validation.CommonPasswordValidator",
    )
]
LOGIN_URL = "account_login"
LOGIN_REDIRECT_URL = "/orders/"
ACCOUNT_ADAPTER = "shop.accounts.adapter.AccountAdapter"
ACCOUNT_FORMS = {
    "login": "shop.accounts.forms.LoginForm",
    "signup": "shop.accounts.forms.SignupForm",
    "add_email": "shop.accounts.forms.AddEmailForm",
    "change_password": "shop.accounts.forms.ChangePasswordForm",
    "set_password": "shop.accounts.forms.SetPasswordForm",
    "reset_password": "shop.accounts.forms.ResetPasswordForm",
    "reset_password_from_key": "shop.accounts.forms.ResetPasswordKeyForm",
    "reauthenticate": "shop.accounts.forms.ReauthenticateForm",
}
ACCOUNT_LOGIN_METHODS = {"email"}
ACCOUNT_SIGNUP_FIELDS = ["email*", "password1*"]
ACCOUNT_USER_MODEL_USERNAME_FIELD = "username"
ACCOUNT_EMAIL_VERIFICATION = "mandatory"
ACCOUNT_PREVENT_ENUMERATION = "strict"
ACCOUNT_CHANGE_EMAIL = True  # one address an account; the old one holds until the new is confirmed
ACCOUNT_EMAIL_CONFIRMATION_EXPIRE_DAYS = 3
ACCOUNT_EMAIL_NOTIFICATIONS = True
ACCOUNT_LOGIN_ON_EMAIL_CONFIRMATION = True  # in the browser that signed up, in no other
ACCOUNT_LOGIN_ON_PASSWORD_RESET = True
ACCOUNT_LOGOUT_REDIRECT_URL = "/"
ACCOUNT_REAUTHENTICATION_REQUIRED = True
ACCOUNT_RATE_LIMITS = False  # ours count exactly, over all web processes: shop.rate_limits
PASSWORD_RESET_TIMEOUT = 60 * 60  # seconds
STAFF_TWO_FACTOR = env.choice(
    "STAFF_TWO_FACTOR", ("required", "optional"), "required" if IS_HTTPS else "optional"
)
MFA_ADAPTER = "shop.second_factor.SealedSecrets"
MFA_FORMS = {
    "authenticate": "shop.second_factor.AuthenticateForm",
    "reauthenticate": "shop.second_factor.ReauthenticateForm",
    "activate_totp": "shop.second_factor.ActivateForm",
}
MFA_ALLOW_UNVERIFIED_EMAIL = True  # staff sign in by name
MFA_TOTP_ISSUER = SHOP_NAME
AXES_ENABLED = RATE_LIMITS
AXES_FAILURE_LIMIT = 5
AXES_COOLOFF_TIME = timedelta(minutes=15)
AXES_LOCKOUT_PARAMETERS = [["username", "ip_address"]]
AXES_LOCKOUT_CALLABLE = "shop.views.errors.locked_out"
AXES_USERNAME_CALLABLE = "shop.rate_limits.name_tried"
AXES_VERBOSE = False

# --- Languages and time -----------------------------------------------------------------------

LANGUAGE_CODE = "en"
LANGUAGES = [("en", "English"), ("vi", "Tiếng Việt")]
LOCALE_PATHS = [BASE_DIR / "shop" / "locale"]
TIME_ZONE = "UTC"
USE_TZ = True

# --- Files ------------------------------------------------------------------------------------

STATIC_URL = "static/"
STATIC_ROOT = env.folder("STATIC_ROOT", BASE_DIR / "staticfiles")
MEDIA_URL = "media/"
MEDIA_ROOT = env.folder("MEDIA_ROOT", BASE_DIR / "media")
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {"BACKEND": "whitenoise.storage.CompressedManifestStaticFilesStorage"},
}

# --- Kafka ------------------------------------------------------------------------------------

KAFKA_BOOTSTRAP_SERVERS = env.text("KAFKA_BOOTSTRAP_SERVERS")
KAFKA_CLUSTER_ID = env.text("KAFKA_CLUSTER_ID", "")  # empty: any cluster
KAFKA_EMAIL_TOPIC = env.text("KAFKA_EMAIL_TOPIC", "email-notification")
KAFKA_DEAD_LETTER_TOPIC = f"{KAFKA_EMAIL_TOPIC}.dlt"
KAFKA_EMAIL_GROUP = env.text("KAFKA_EMAIL_GROUP", "email-notification-consumer")

# --- Email ------------------------------------------------------------------------------------


def _email() -> dict[str, Any]:
    address = env.text("EMAIL_URL")
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            found: dict[str, Any] = Env.email_url_config(address)
    except (ValueError, KeyError, ImproperlyConfigured):
        found = {}
    if not found.get("EMAIL_BACKEND") or not (found.get("EMAIL_HOST") or "smtp" not in address):
        raise ImproperlyConfigured(
            "EMAIL_URL must look like smtp+tls://user:password@host:587 or smtp://host:25."
        )
    return found


_mail = _email()
# Ours pipelines and keeps its connection; any other of Django's backends works, Anymail's too.
_BACKENDS = {"django.core.mail.backends.smtp.EmailBackend": "notifications.smtp.EmailBackend"}
EMAIL_BACKEND = _BACKENDS.get(_mail["EMAIL_BACKEND"], _mail["EMAIL_BACKEND"])
EMAIL_HOST = _mail.get("EMAIL_HOST") or "localhost"
EMAIL_PORT = _mail.get("EMAIL_PORT") or 25
EMAIL_HOST_USER = _mail.get("EMAIL_HOST_USER") or ""
EMAIL_HOST_PASSWORD = _mail.get("EMAIL_HOST_PASSWORD") or ""
EMAIL_USE_TLS = _mail.get("EMAIL_USE_TLS", False)
EMAIL_USE_SSL = _mail.get("EMAIL_USE_SSL", False)
EMAIL_TIMEOUT = 15
EMAIL_CONNECTIONS = env.whole("EMAIL_CONNECTIONS", 4, at_most=50)  # of each consumer
DEFAULT_FROM_EMAIL = env.text(
    "DEFAULT_FROM_EMAIL", f"{SHOP_NAME} <orders@{urlsplit(SHOP_URL).hostname}>"
)
STAFF_EMAIL = env.listing("STAFF_EMAIL")

# --- PayPal -----------------------------------------------------------------------------------

PAYPAL_ENVIRONMENT = env.choice("PAYPAL_ENVIRONMENT", ("sandbox", "live", "emulator"))
PAYPAL_CLIENT_ID = env.text("PAYPAL_CLIENT_ID")
PAYPAL_CLIENT_SECRET = env.text("PAYPAL_CLIENT_SECRET")
PAYPAL_WEBHOOK_ID = env.text("PAYPAL_WEBHOOK_ID")
PAYPAL_CALLS = env.whole("PAYPAL_CALLS", 4)


def _paypal_base_url() -> str:
    """Return PayPal's address; only the emulator has one of its own, on this very machine."""
    given = env.text("PAYPAL_BASE_URL", "")
    if PAYPAL_ENVIRONMENT != "emulator":
        if given:
            raise ImproperlyConfigured(
                "PAYPAL_BASE_URL goes with PAYPAL_ENVIRONMENT=emulator only; leave it unset."
            )
        host = "api-m.paypal.com" if PAYPAL_ENVIRONMENT == "live" else "api-m.sandbox.paypal.com"
        return f"https://{host}"
    if not is_loopback(SHOP_URL):
        raise ImproperlyConfigured(
            "PAYPAL_ENVIRONMENT must be sandbox or live for a shop that others can reach: "
            "the emulator takes no real money and SHOP_URL is not on this machine."
        )
    address = env.address("PAYPAL_BASE_URL")
    if not is_loopback(address):
        raise ImproperlyConfigured("PAYPAL_BASE_URL must be on this machine (a loopback address).")
    return address


PAYPAL_BASE_URL = _paypal_base_url()
# The emulator's certificate authority. Unreachable in production: read in that environment alone.
PAYPAL_EMULATOR_CA_FILE = (
    env.text("PAYPAL_EMULATOR_CA_FILE", "") if PAYPAL_ENVIRONMENT == "emulator" else ""
)
_PAYPAL_PAGES = {
    "sandbox": "https://www.sandbox.paypal.com",
    "live": "https://www.paypal.com",
    "emulator": PAYPAL_BASE_URL,
}

# --- Security ---------------------------------------------------------------------------------

# Firefox and Chromium follow a form's redirect only to where `form-action` allows.
CONTENT_SECURITY_POLICY = {
    "DIRECTIVES": {
        "default-src": [NONE],
        "script-src": [SELF],
        "style-src": [SELF],
        "img-src": [SELF, "data:"],
        "font-src": [SELF],
        "connect-src": [SELF],
        "manifest-src": [SELF],
        "base-uri": [NONE],
        "frame-ancestors": [NONE],
        "form-action": [SELF, _PAYPAL_PAGES[PAYPAL_ENVIRONMENT]],
    },
}
X_FRAME_OPTIONS = "DENY"
SECURE_REFERRER_POLICY = "same-origin"
SECURE_HSTS_SECONDS = 31_536_000 if IS_HTTPS else 0
SECURE_HSTS_INCLUDE_SUBDOMAINS = IS_HTTPS
SECURE_HSTS_PRELOAD = IS_HTTPS
SECURE_SSL_REDIRECT = IS_HTTPS
SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https") if IS_HTTPS else None
SECURE_REDIRECT_EXEMPT = [r"^healthz$", r"^readyz$", r"^metrics$"]
COOKIE_PREFIX = "__Host-" if IS_HTTPS else ""
SESSION_COOKIE_NAME = f"{COOKIE_PREFIX}session"
SESSION_COOKIE_SECURE = IS_HTTPS
CSRF_COOKIE_NAME = f"{COOKIE_PREFIX}csrf"
CSRF_COOKIE_SECURE = IS_HTTPS
CSRF_COOKIE_HTTPONLY = True
LANGUAGE_COOKIE_NAME = f"{COOKIE_PREFIX}language"
LANGUAGE_COOKIE_SECURE = IS_HTTPS
LANGUAGE_COOKIE_HTTPONLY = True
LANGUAGE_COOKIE_SAMESITE = "Lax"
CART_COOKIE_NAME = f"{COOKIE_PREFIX}cart"
FORM_COOKIE_NAME = f"{COOKIE_PREFIX}form"
MESSAGES_COOKIE_NAME = f"{COOKIE_PREFIX}messages"
MESSAGE_STORAGE = "shop.middleware.MessageCookie"
CSRF_FAILURE_VIEW = "shop.views.errors.csrf_failure"
DATA_UPLOAD_MAX_MEMORY_SIZE = 1_000_000

# --- Staff pages ------------------------------------------------------------------------------

UNFOLD = admin_look(SHOP_NAME)

# --- Log and traces ---------------------------------------------------------------------------

LOG_FORMAT = env.choice("LOG_FORMAT", ("json", "lines"), "json")
LOGGING = logging_settings(
    LOG_FORMAT,
    secrets=(
        SECRET_KEY,
        PAYPAL_CLIENT_SECRET,
        EMAIL_HOST_PASSWORD,
        DATABASES["default"].get("PASSWORD") or "",
    ),
)
DJANGO_STRUCTLOG_USER_ID_FIELD = None  # it would cost every page a query
# Where OpenTelemetry's collector listens; without it no span is recorded.
OTEL_EXPORTER_OTLP_ENDPOINT = env.text("OTEL_EXPORTER_OTLP_ENDPOINT", "")
