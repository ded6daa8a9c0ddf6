"""Write an email from an event: its stage's folder of templates, in the recipient's language.

A stage's folder is `templates/notifications/<event type>/<role>/` with `subject.txt`, `body.txt`
and `body.html`. A stage without a folder is mailed to nobody.
"""

from functools import cache

from django.template import TemplateDoesNotExist
from django.template.loader import get_template

from notifications.stages import Role


@cache
def has_template(event_type: str, role: Role) -> bool:
    """Say whether the stage can be written as an email."""
    try:
        get_template(f"{_folder(event_type, role)}/subject.txt")
    except TemplateDoesNotExist:
        return False
    return True


def _folder(event_type: str, role: str) -> str:
    return f"notifications/{event_type}/{role}"
