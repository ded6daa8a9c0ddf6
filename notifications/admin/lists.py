"""Lists over tables of any size: counted to a limit, found by index, drilled down by date.

A list asks the database for one page of rows and for nothing that grows with the table: an exact
number of a million rows, or the days on which something happened, would be a scan of all of them.
"""

import calendar
from collections.abc import Iterator
from datetime import date, datetime
from typing import Any

from django.contrib.admin.views.main import ChangeList
from django.core.exceptions import ValidationError
from django.core.paginator import Paginator
from django.db.models import Max, Min, QuerySet
from django.http import HttpRequest
from django.utils import formats, timezone
from django.utils.functional import cached_property
from django.utils.text import capfirst
from django.utils.translation import gettext as _
from unfold.admin import ModelAdmin
from unfold.views import ChangeList as UnfoldChangeList

MOST_COUNTED = 500


class CappedPaginator(Paginator):  # type: ignore[type-arg] # not generic at run time
    """Counts to a limit; further rows are reached by searching and filtering."""

    template_name = "admin/notifications/pagination.html"

    @cached_property
    def found(self) -> int:
        """How many rows there are, or one more than the limit."""
        rows: QuerySet[Any] = self.object_list  # type: ignore[assignment] # an admin's always is
        return rows[: MOST_COUNTED + 1].count()  # in the list's order: by its index

    @property
    def is_capped(self) -> bool:
        return self.found > MOST_COUNTED

    @property
    def count(self) -> int:  # Django caches it
        return min(self.found, MOST_COUNTED)


class DatedChangeList(UnfoldChangeList):  # type: ignore[misc] # unfold has no types
    """A list whose dates are told by the first and the last row alone."""

    @cached_property
    def dates(self) -> dict[str, Any] | None:
        """Return what unfold's template of dates shows: the way back, and the next choices."""
        name = self.date_hierarchy
        ends = self.root_queryset.order_by().aggregate(first=Min(name), last=Max(name))
        if ends["first"] is None:
            return None
        first, last = (_day(ends[end]) for end in ("first", "last"))
        chosen = [self.params.get(f"{name}__{part}") for part in ("year", "month", "day")]
        parts = [int(one) for one in chosen if one]
        choices = [self._choice(part) for part in _next(parts, first, last)]
        if len(parts) == _DAY:
            choices = [{"title": _title(parts)}]
        return {"back": self._choice(parts[:-1]) if parts else None, "choices": choices}

    def _choice(self, parts: list[int]) -> dict[str, str]:
        name = self.date_hierarchy
        filters = dict(
            zip((f"{name}__{one}" for one in ("year", "month", "day")), parts, strict=False)
        )
        return {"link": self.get_query_string(filters, [f"{name}__"]), "title": _title(parts)}


_YEAR, _MONTH, _DAY = 1, 2, 3


def _day(moment: datetime) -> date:
    return timezone.localtime(moment).date()


def _next(parts: list[int], first: date, last: date) -> Iterator[list[int]]:
    """Yield the years between the ends, or the months of a year, or the days of a month."""
    if not parts:
        yield from ([year] for year in range(first.year, last.year + 1))
    elif len(parts) == _YEAR:
        for month in range(1, 13):
            if (first.year, first.month) <= (parts[0], month) <= (last.year, last.month):
                yield [*parts, month]
    elif len(parts) == _MONTH:
        for number in range(1, calendar.monthrange(*parts)[1] + 1):
            if first <= date(parts[0], parts[1], number) <= last:
                yield [*parts, number]


def _title(parts: list[int]) -> str:
    if not parts:
        return _("All dates")
    year, month, number = [*parts, 1, 1][:3]
    day = date(year, month, number)
    if len(parts) == _YEAR:
        return str(day.year)
    form = "YEAR_MONTH_FORMAT" if len(parts) == _MONTH else "MONTH_DAY_FORMAT"
    return str(capfirst(formats.date_format(day, form)))


class BigList(ModelAdmin):  # type: ignore[misc]
    """An admin whose table grows without end."""

    show_full_result_count = False
    list_per_page = 50
    paginator = CappedPaginator
    change_list_template = "admin/notifications/big_list.html"
    search_exactly: tuple[str, ...] = ()  # fields that have an index, found as they are typed

    def get_changelist(self, *_: Any, **__: Any) -> type[ChangeList]:
        return DatedChangeList

    def get_search_fields(self, request: HttpRequest) -> Any:
        """Offer the box: what is in it is looked up by `get_search_results`."""
        return self.search_exactly or super().get_search_fields(request)

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Any], search_term: str
    ) -> tuple[QuerySet[Any], bool]:
        if not self.search_exactly:
            found: tuple[QuerySet[Any], bool] = super().get_search_results(
                request, queryset, search_term
            )
            return found
        term = search_term.strip()
        return (queryset.filter(pk__in=self.find_exactly(term)) if term else queryset), False

    def find_exactly(self, term: str) -> list[Any]:
        """Return the keys of rows that have the term in one of the fields.

        Each is asked for by itself: for one OR over joins PostgreSQL would use no index.
        """
        return [key for name in self.search_exactly for key in self._keys(name, term)]

    def _keys(self, name: str, term: str) -> list[Any]:
        try:
            found = self.model._default_manager.filter(**{name: term}).order_by()
        except (ValueError, TypeError, ValidationError):  # no number, no UUID: none is like it
            return []
        return list(found.values_list("pk", flat=True)[:MOST_COUNTED])
