"""The audit trail: who changed what in the admin, from which value to which, and when.

Django's own log of the admin carries it. PostgreSQL refuses to change or delete a row of it.
"""

from collections.abc import Iterable
from typing import Any

from django.contrib.admin.models import CHANGE, LogEntry
from django.contrib.auth.models import User
from django.contrib.contenttypes.models import ContentType
from django.db.models import Model, QuerySet
from django.forms import BaseForm
from django.http import HttpRequest
from unfold.admin import ModelAdmin

_LONGEST = 80


class AuditedAdmin(ModelAdmin):  # type: ignore[misc] # unfold has no types
    """An admin whose changes are told with the values before and after."""

    untold_fields: tuple[str, ...] = ("password",)  # that they changed is told, and no more

    def construct_change_message(
        self,
        request: HttpRequest,  # noqa: ARG002  Django's own
        form: BaseForm,
        formsets: Iterable[Any] | None,
        add: bool = False,
    ) -> list[dict[str, Any]]:
        """Return what Django's log takes, in its own shape; the fields are told in full."""
        told: list[dict[str, Any]] = []
        if add:
            told.append({"added": {}})
        elif form.changed_data:
            told.append({"changed": {"fields": self._changes(form)}})
        for formset in formsets or ():
            told += [_told("added", one) for one in formset.new_objects]
            told += [_told("deleted", one) for one in formset.deleted_objects]
            changed = {id(one) for one, _names in formset.changed_objects}
            told += [
                _told("changed", row.instance, fields=self._changes(row))
                for row in formset.initial_forms
                if id(row.instance) in changed
            ]
        return told

    def _changes(self, form: BaseForm) -> list[str]:
        return [self._change(form, name) for name in form.changed_data]

    def _change(self, form: BaseForm, name: str) -> str:
        if name not in form.fields or any(word in name for word in self.untold_fields):
            return name
        old, new = form.initial.get(name), form.cleaned_data.get(name)
        if _is_many(old) or _is_many(new):
            return f"{name}: {_difference(old or (), new or ())}"
        return f"{name}: {_words(old)} → {_words(new)}"


def note_in_audit_trail(*, by: User, thing: Model, told: str) -> None:
    """Enter what happened outside a form of the admin."""
    LogEntry.objects.create(
        user=by,
        content_type=ContentType.objects.get_for_model(thing),
        object_id=str(thing.pk),
        object_repr=str(thing)[:200],
        action_flag=CHANGE,
        change_message=told,
    )


def note_about_many(*, by: User, model: type[Model], told: str) -> None:
    """Enter what was done to rows that nobody chose one by one."""
    LogEntry.objects.create(
        user=by,
        content_type=ContentType.objects.get_for_model(model),
        object_repr=str(model._meta.verbose_name_plural)[:200],
        action_flag=CHANGE,
        change_message=told,
    )


def _told(what: str, thing: Model, **more: Any) -> dict[str, Any]:
    return {what: {"name": str(thing._meta.verbose_name), "object": str(thing), **more}}


def _is_many(value: Any) -> bool:
    return isinstance(value, list | tuple | set | QuerySet)


def _difference(old: Iterable[Any], new: Iterable[Any]) -> str:
    before, after = {str(one) for one in old}, {str(one) for one in new}
    signed = [f"+ {one}" for one in sorted(after - before)]
    return "; ".join(signed + [f"− {one}" for one in sorted(before - after)])


def _words(value: Any) -> str:
    if value is None or value == "":
        return "–"
    text = str(value)
    return text if len(text) <= _LONGEST else f"{text[:_LONGEST]}…"
