"""Finding products by what was typed: accents ignored, words begun, and words mistyped.

A search never looks further than its MOST best matches, so that a word which half of a large
catalogue has is answered as quickly as a rare one. Beginnings cost most: PostgreSQL collects all
that begin so before it looks at the other words. So a word that another follows is at first
taken to be whole.
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import overload

from django.contrib.postgres.search import SearchQuery, SearchRank
from django.db import connection
from django.db.models import F, QuerySet

from shop.models import Product

MOST = 240
_MOST_WORDS = 8
_FEW = 24  # so few leave room for what only begins like the words
_WHOLE_UP_TO = 1  # letters: so short a word is no beginning of another
_WHOLE_AT_FIRST = 2  # letters: so short a word at the end of several is at first taken to be whole
_SHORT = 4  # letters: up to here one mistake is forgiven, beyond it two
_NEAR = """
    SELECT typed.word, near.word
    FROM unnest(%s) WITH ORDINALITY AS given (word, place)
    CROSS JOIN LATERAL (SELECT lower(unaccent(given.word)) AS word) AS typed
    LEFT JOIN LATERAL (
        SELECT word FROM shop_searchword ORDER BY word <-> typed.word LIMIT 30
    ) AS near ON true
    ORDER BY given.place
"""


@dataclass(frozen=True)
class Found:
    """The products found, best first; `is_close`: none has all that was typed, as it was typed."""

    ids: Sequence[int] = ()
    is_close: bool = False

    @property
    def is_cut(self) -> bool:
        """Say whether there may be more."""
        return len(self.ids) == MOST

    def among(
        self, products: QuerySet[Product], *, is_sorted: bool
    ) -> QuerySet[Product] | Sequence[Product]:
        """Return those found of these products: in the order these have, or the best first."""
        return products.filter(pk__in=self.ids) if is_sorted else _BestFirst(products, self.ids)


class _BestFirst(Sequence[Product]):
    """Products in the order of their ids here; a slice is one query."""

    def __init__(self, products: QuerySet[Product], ids: Sequence[int]) -> None:
        self._products, self._ids = products, ids

    def __len__(self) -> int:
        return len(self._ids)

    @overload
    def __getitem__(self, place: int) -> Product: ...
    @overload
    def __getitem__(self, place: slice) -> list[Product]: ...
    def __getitem__(self, place: int | slice) -> Product | list[Product]:
        if isinstance(place, int):
            return self._products.get(pk=self._ids[place])
        wanted = self._ids[place]
        rows = {row.pk: row for row in self._products.filter(pk__in=wanted)}
        return [rows[pk] for pk in wanted if pk in rows]


def search_products(products: QuerySet[Product], query: str) -> Found:
    """Search these products: two queries to the database, or five where words are mistyped."""
    words = re.findall(r"\w+", query)[:_MOST_WORDS]
    if not words:
        return Found()
    found = _ranked(products, _as_typed(words), query)
    if len(words) == 1:
        return Found(found) if found else _close(products, _near(words), query)
    near = {} if found else _near(words)
    if len(found) < _FEW and all(_begins_any(word, near[word]) for word in near):
        begun = _rank(products, "search", [_Sought(word) for word in words], query)
        found = list(dict.fromkeys(found + begun))[:MOST]
    return Found(found) if found else _close(products, near, query)


@dataclass(frozen=True)
class _Sought:
    """A word as the beginning of words, or as any of those it may have been meant to be."""

    word: str
    instead: tuple[str, ...] = ()
    is_whole: bool = False

    def as_query(self) -> str:
        """Write it for `to_tsquery`."""
        is_whole = self.is_whole or len(self.word) <= _WHOLE_UP_TO
        beginning = f"'{self.word}'" if is_whole else f"'{self.word}':*"
        return f"({' | '.join([beginning, *(repr(word) for word in self.instead)])})"

    def as_rank(self) -> str:
        """Write it so that the whole word counts for more than the beginning of another."""
        return f"({self.as_query()} | '{self.word}')"


def _as_typed(words: Sequence[str]) -> list[_Sought]:
    """Return the words, of which the last may not be typed to its end."""
    *before, last = words
    is_whole = bool(before) and len(last) <= _WHOLE_AT_FIRST
    return [*(_Sought(word, is_whole=True) for word in before), _Sought(last, is_whole=is_whole)]


def _ranked(products: QuerySet[Product], sought: Sequence[_Sought], typed: str) -> list[int]:
    """Return the best matches: first those that have every word in their name."""
    in_names = _rank(products, "names", sought, typed)
    if len(in_names) == MOST:
        return in_names
    anywhere = _rank(products, "search", sought, typed)
    return list(dict.fromkeys(in_names + anywhere))[:MOST]


def _rank(
    products: QuerySet[Product], vector: str, sought: Sequence[_Sought], typed: str
) -> list[int]:
    """Return MOST that match: first those named as was typed, accents and all."""
    matching = products.filter(**{vector: _all(one.as_query() for one in sought)}).order_by()
    rank = SearchRank(F(vector), _all(one.as_rank() for one in sought))
    rows = matching.annotate(rank=rank).values_list(
        "pk", "rank", "position", "slug", "name_en", "name_vi"
    )[:MOST]  # which ones, where more match, is PostgreSQL's choice
    wish = typed.casefold()

    def worth(row: tuple[int, float, int, str, str, str]) -> tuple[bool, float, int, str]:
        _pk, rank, position, slug, *names = row
        return (not any(wish in name.casefold() for name in names), -rank, position, slug)

    return [row[0] for row in sorted(rows, key=worth)]


def _all(parts: Iterable[str]) -> SearchQuery:
    return SearchQuery(" & ".join(parts), config="ganh", search_type="raw")


def _near(words: Sequence[str]) -> dict[str, list[str]]:
    """Return each word, without its accents, with those of the catalogue most like it."""
    near: dict[str, list[str]] = {}
    with connection.cursor() as cursor:
        cursor.execute(_NEAR, [list(words)])
        for word, candidate in cursor.fetchall():
            near.setdefault(word, []).append(candidate or "")
    return near


def _close(products: QuerySet[Product], near: Mapping[str, Sequence[str]], query: str) -> Found:
    """Search for what may have been meant."""
    sought = [one for word in near for one in _corrected(word, near[word])]
    return Found(_ranked(products, sought, query), is_close=True) if sought else Found()


def _corrected(word: str, candidates: Sequence[str]) -> list[_Sought]:
    """Return the word with those that it nearly is; nothing where it is like none."""
    meant = tuple(one for one in candidates if is_slip_of(word, one))
    is_whole = len(word) <= _WHOLE_AT_FIRST or word in candidates
    is_like_any = meant or _begins_any(word, candidates)
    return [_Sought(word, meant, is_whole=is_whole)] if is_like_any else []


def _begins_any(word: str, candidates: Sequence[str]) -> bool:
    return any(one.startswith(word) for one in candidates)


def is_slip_of(typed: str, meant: str) -> bool:
    """Say whether few keystrokes went wrong: letters added, left out, changed or exchanged."""
    allowed = 1 if len(typed) <= _SHORT else 2
    return abs(len(typed) - len(meant)) <= allowed and _slips(typed, meant) <= allowed


def _slips(typed: str, meant: str) -> int:
    """Return the optimal string alignment distance of two words."""
    before: list[int] = []
    row = list(range(len(meant) + 1))
    for i, letter in enumerate(typed, 1):
        last, before, row = before, row, [i]
        for j, other in enumerate(meant, 1):
            cost = min(before[j] + 1, row[j - 1] + 1, before[j - 1] + (letter != other))
            if i > 1 and j > 1 and letter == meant[j - 2] and typed[i - 2] == other:
                cost = min(cost, last[j - 2] + 1)
            row.append(cost)
    return row[-1]
