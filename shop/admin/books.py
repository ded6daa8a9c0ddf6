"""The checks of the books, for staff to look at."""

from django.contrib import admin
from django.utils.html import format_html_join
from django.utils.safestring import SafeString, mark_safe
from unfold.decorators import display

from notifications.admin import ReadOnlyAdmin
from shop.models import BooksCheck


@admin.register(BooksCheck)
class BooksCheckAdmin(ReadOnlyAdmin):
    """What `check_books` found, and when."""

    list_display = ("checked_at", "result", "violations")
    fields = ("checked_at", "violations", "findings")

    @display(description="result", label={"balanced": "success", "broken": "danger"})  # type: ignore[untyped-decorator]
    def result(self, check: BooksCheck) -> str:
        return "broken" if check.violations else "balanced"

    @admin.display(description="invariants")
    def findings(self, check: BooksCheck) -> SafeString:
        told = [
            ("✗" if one["violations"] else "✓", one["description"], "; ".join(one["examples"]))
            for one in check.invariants
        ]
        return format_html_join(mark_safe("<br>"), "{} {} {}", told)
