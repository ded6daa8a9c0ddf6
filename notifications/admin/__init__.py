"""Staff's view of the emails: the stages to switch, and the pipeline to look at."""

from notifications.admin.audit import AuditedAdmin
from notifications.admin.pipeline import ReadOnlyAdmin
from notifications.admin.stages import StageSettingAdmin

__all__ = ["AuditedAdmin", "ReadOnlyAdmin", "StageSettingAdmin"]
