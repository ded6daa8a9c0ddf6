"""The checks of the books, for staff to look at."""

from django.contrib import admin
from unfold.decorators import display

from notifications.admin import ReadOnlyAdmin
from shop.models import BooksCheck


@admin.register(BooksCheck)
class BooksCheckAdmin(ReadOnlyAdmin):
    """What `check_books` found, and when."""

    list_display = ("checked_at", "result", "violations")
    fields = ("checked_at", "violations", "invariants")

    @display(description="result", label={"balanced": "success", "broken": "danger"})  # type: ignore[untyped-decorator]
    def result(self, check: BooksCheck) -> str:
        return "broken" if check.violations else "balanced"
