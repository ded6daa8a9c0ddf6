"""The app's place in Django."""

from typing import Any

from django.apps import AppConfig
from django.db.models.signals import post_migrate


class NotificationsConfig(AppConfig):
    """Registers the app."""

    name = "notifications"

    def ready(self) -> None:
        post_migrate.connect(_give_each_stage_its_switch, sender=self)


def _give_each_stage_its_switch(using: str, **_: Any) -> None:
    """Add a row at its default for each stage that staff have none of yet."""
    from notifications.models import StageSetting
    from notifications.stages import STAGES

    switches = [
        StageSetting(type=stage.type, role=stage.role.value, enabled=stage.is_on)
        for stage in STAGES
    ]
    StageSetting.objects.using(using).bulk_create(switches, ignore_conflicts=True)
