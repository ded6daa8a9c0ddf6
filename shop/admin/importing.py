"""Lists that staff can also bring in: a file is read whole first, then all of it or nothing."""

import zipfile
from typing import Any

from django import forms
from django.http import HttpRequest
from django.utils.translation import gettext as _
from import_export.admin import ImportMixin
from import_export.formats.base_formats import CSV, XLSX
from unfold.contrib.import_export.forms import ImportForm

from notifications.exports import ExportedAdmin, HarmlessResource, harmless
from shop.price_history import sign_prices

MOST_ROWS = 5000
MOST_BYTES = 3_000_000
_MOST_UNPACKED = 60_000_000  # bytes of an XLSX file, which is a ZIP archive


class ImportedResource(HarmlessResource):
    """Rows that come in as they went out: the apostrophe before what looked like a formula goes."""

    def before_import(self, _dataset: Any, **kwargs: Any) -> None:
        sign_prices(kwargs["user"].get_username())

    def before_import_row(self, row: dict[str, Any], **_kwargs: Any) -> None:
        for name, value in row.items():
            if value is None:  # an empty cell of a workbook
                row[name] = ""
            elif isinstance(value, str):
                row[name] = _as_it_was(value.strip())

    @classmethod
    def columns(cls) -> list[str]:
        return [field.column_name for field in cls().get_import_fields()]


class WholeFileForm(ImportForm):  # type: ignore[misc] # unfold has no types
    """Refuses a file that is too large, cannot be read, or has other columns than it should."""

    def __init__(self, formats: list[Any], resources: list[Any], **kwargs: Any) -> None:
        self.known_formats, self.known_resources = formats, resources
        super().__init__(formats, resources, **kwargs)

    def clean(self) -> dict[str, Any]:
        cleaned: dict[str, Any] = super().clean() or self.cleaned_data
        if not self.errors:
            try:
                self._look(cleaned)
            except _Unreadable as error:
                self.add_error("import_file", str(error))
        return cleaned

    def _look(self, cleaned: dict[str, Any]) -> None:
        file = cleaned["import_file"]
        if file.size > MOST_BYTES:
            raise _Unreadable(_("The file is larger than 3 MB: send it in parts."))
        headers, rows = _read(self.known_formats[int(cleaned["format"])](), file)
        columns = self.known_resources[int(cleaned.get("resource") or 0)].columns()
        if columns[0] not in headers or set(headers) - set(columns):
            names = {"wanted": ", ".join(columns), "found": ", ".join(headers)[:200] or "–"}
            told = _("The columns may be these, and the first must be there: %(wanted)s.") % names
            has = _("The file has: %(found)s.") % names
            raise _Unreadable(f"{told} {has}")
        if rows > MOST_ROWS:
            told = _("At most %(most)s rows at a time: send the file in parts.")
            raise _Unreadable(told % {"most": MOST_ROWS})


class _Unreadable(forms.ValidationError):
    """Nothing of the file was looked at further."""

    def __str__(self) -> str:
        return str(self.message)


class ImportedAdmin(ExportedAdmin, ImportMixin):  # type: ignore[misc]
    """A list with "Export" and "Import", both in the columns of its resources."""

    import_export_change_list_template = "admin/import_export/change_list_import_export.html"
    import_form_class = WholeFileForm
    import_formats = (CSV, XLSX)
    resources: tuple[type[ImportedResource], ...] = ()

    def get_export_resource_classes(self, _request: HttpRequest) -> list[Any]:
        return list(self.resources)

    def get_import_resource_classes(self, _request: HttpRequest) -> list[Any]:
        return list(self.resources)

    def get_import_formats(self) -> list[Any]:
        return list(self.import_formats)

    def has_import_permission(self, request: HttpRequest) -> bool:
        return bool(self.has_change_permission(request))


def _as_it_was(value: str) -> str:
    bare = value.removeprefix("'")
    return bare if harmless(bare) == value else value


def _read(form: Any, file: Any) -> tuple[list[str], int]:
    """Return the file's columns and how many rows it has."""
    if form.is_binary():
        _refuse_bomb(file)
    else:
        form.encoding = "utf-8-sig"
    try:
        dataset = form.create_dataset(file.read())
    except UnicodeDecodeError as error:
        raise _Unreadable(_("The file is not UTF-8. Save it as “CSV UTF-8”.")) from error
    except Exception as error:
        raise _Unreadable(_("The file cannot be read as what you say it is.")) from error
    finally:
        file.seek(0)
    headers = [str(name) for name in dataset.headers or () if name is not None]
    return headers, len(dataset)


def _refuse_bomb(file: Any) -> None:
    try:
        with zipfile.ZipFile(file) as archive:
            unpacked = sum(part.file_size for part in archive.infolist())
    except zipfile.BadZipFile as error:
        raise _Unreadable(_("The file cannot be read as what you say it is.")) from error
    finally:
        file.seek(0)
    if unpacked > _MOST_UNPACKED:
        raise _Unreadable(_("The file is larger than 3 MB: send it in parts."))
