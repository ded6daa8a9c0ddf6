"""The app's place in Django."""

from django.apps import AppConfig


class ShopConfig(AppConfig):
    """Registers the app."""

    name = "shop"
