"""Prepare the database of the development stack: schema, demonstration data, a staff account."""

import os

import django
from django.core.management import call_command


def main() -> None:
    """Bring the database up to date; nothing is done twice."""
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "shop.settings")
    django.setup()
    call_command("migrate", verbosity=0, interactive=False)
    call_command("seed_demo")
    _create_staff_account()


def _create_staff_account() -> None:
    from django.contrib.auth import get_user_model

    accounts = get_user_model().objects
    if not accounts.filter(username="admin").exists():
        accounts.create_superuser("admin", "admin@example.com", "admin")


if __name__ == "__main__":
    main()
