"""Countries a parcel can go to: ISO 3166-1, named in the present language."""

import unicodedata
from functools import cache

from babel import Locale
from django.http import HttpRequest
from django.utils.translation import get_language, to_locale
from django.utils.translation.trans_real import parse_accept_lang_header

# Two letters in Unicode's list of territories, yet no country of ISO 3166-1.
_NO_COUNTRY = frozenset(
    ["AC", "CP", "CQ", "DG", "EA", "EU", "EZ", "IC", "QO", "TA", "UN", "XA", "XB", "XK", "ZZ"]
)


@cache
def _named(locale: str) -> dict[str, str]:
    territories = Locale.parse(locale).territories
    names = {
        code: name
        for code, name in territories.items()
        if len(code) == 2 and code.isalpha() and code not in _NO_COUNTRY
    }
    return dict(sorted(names.items(), key=lambda item: _sort_key(item[1])))


def _sort_key(name: str) -> str:
    """Return the name without accents, so that Åland stands at A and Đan Mạch at D."""
    plain = name.casefold().replace("đ", "d")
    return "".join(c for c in unicodedata.normalize("NFD", plain) if not unicodedata.combining(c))


def country_names() -> dict[str, str]:
    """Return every country's name by its code, in the order of the names."""
    return _named(to_locale(get_language() or "en"))


def likely_country(request: HttpRequest) -> str:
    """Return the country the visitor's browser speaks of; it is only a first choice in a form."""
    spoken = parse_accept_lang_header(request.headers.get("Accept-Language", "")[:200])
    for tag, _quality in spoken:
        region = tag.rpartition("-")[2].upper()
        if "-" in tag and region in country_names():
            return region
    return "VN" if get_language() == "vi" else "US"
