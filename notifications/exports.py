"""Lists that staff can take away as CSV or XLSX, which no spreadsheet will execute."""

import re
from typing import Any

from django.db.models import Model
from django.http import HttpRequest
from import_export.admin import ExportMixin
from import_export.formats.base_formats import CSV, XLSX
from import_export.resources import ModelResource, modelresource_factory
from unfold.contrib.import_export.forms import ExportForm

# What makes a spreadsheet take text for a formula (OWASP, "CSV Injection"); a number is none.
_FORMULA = re.compile(r"\A[\s]*[=+\-@|%＝＋－＠]|\A[\t\r\n]")
_ROWS_AT_ONCE = 1000
_NUMBER = re.compile(r"\A[+-]?[0-9 ]+([.,][0-9]+)?\Z")


def harmless(value: Any) -> Any:
    """Return the cell with an apostrophe before what could be a formula."""
    if isinstance(value, str) and _FORMULA.match(value) and not _NUMBER.match(value):
        return f"'{value}"
    return value


class HarmlessResource(ModelResource):  # type: ignore[misc] # import-export has no types
    """Rows as they are exported: nothing of them is a formula."""

    def export_field(self, field: Any, instance: Any, **kwargs: Any) -> Any:
        return harmless(super().export_field(field, instance, **kwargs))


class ExportedAdmin(ExportMixin):  # type: ignore[misc]
    """A list with "Export": what is searched and filtered, in the columns of `export_fields`."""

    export_form_class = ExportForm
    export_formats = (CSV, XLSX)
    export_fields: tuple[str, ...] = ()
    model: type[Model]

    def get_export_resource_classes(self, _request: HttpRequest) -> list[Any]:
        columns = {"fields": self.export_fields, "export_order": self.export_fields}
        options = {**columns, "chunk_size": _ROWS_AT_ONCE}
        made = modelresource_factory(
            self.model, resource_class=HarmlessResource, meta_options=options
        )
        return [made]

    def has_export_permission(self, request: HttpRequest) -> bool:
        """Whoever may see the list may take it away, unless a list says otherwise."""
        return bool(self.has_view_permission(request))
