"""The text of a page that staff edit: Markdown (CommonMark and tables), and no HTML of theirs.

Tags are shown as they are typed, pictures are left out (the shop loads none from elsewhere), and a
link leads to no script: markdown-it-py refuses `javascript:` and its like.
"""

from functools import lru_cache

from django.utils.safestring import SafeString
from markdown_it import MarkdownIt
from markdown_it.rules_core import StateCore


def _lower_headings(state: StateCore) -> None:
    """Make `#` a heading of the second order: the first is the page's title."""
    for token in state.tokens:
        if token.type in {"heading_open", "heading_close"}:
            token.tag = f"h{min(6, int(token.tag[1]) + 1)}"


_markdown = MarkdownIt("commonmark", {"html": False}).enable("table").disable("image")
_markdown.core.ruler.push("lower_headings", _lower_headings)


@lru_cache(maxsize=64)
def render_page_text(text: str) -> SafeString:
    """Return the text as HTML."""
    return SafeString(_markdown.render(text))  # HTML in it was escaped just now
