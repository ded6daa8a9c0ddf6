"""Coloured words in lists, such as a status.

unfold renders its template for each cell anew: in a list of orders, a tenth of the page.
"""

from functools import lru_cache

from django.template.loader import render_to_string
from django.utils.safestring import SafeString


@lru_cache(maxsize=1000)
def badge(text: str, colour: str = "") -> SafeString:
    """Return unfold's label, in one of its colours (info, success, primary, warning, danger)."""
    context = {"label": text, "label_type": colour or None, "multiple": False}
    return SafeString(render_to_string("unfold/helpers/display_label.html", context))
