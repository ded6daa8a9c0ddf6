"""The app's place in Django."""

from django.apps import AppConfig


class PaymentsConfig(AppConfig):
    """Registers the app and its system checks."""

    name = "payments"

    def ready(self) -> None:
        from payments import checks  # noqa: F401 - importing registers them
