"""The app's place in Django."""

from django.apps import AppConfig


class ShopConfig(AppConfig):
    """Registers the app and its system checks."""

    name = "shop"

    def ready(self) -> None:
        from shop import checks  # noqa: F401 - importing registers them
        from shop.accounts import joining  # noqa: F401
        from shop.logs import configure_structlog
        from shop.telemetry import start_telemetry

        configure_structlog()
        start_telemetry()
