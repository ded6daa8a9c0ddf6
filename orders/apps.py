"""The app's place in Django."""

from django.apps import AppConfig


class OrdersConfig(AppConfig):
    """Registers the app."""

    name = "orders"
