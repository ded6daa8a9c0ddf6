"""Where a parcel can be followed: the pages of the carriers we know, and no other address.

What staff type is a carrier's name and a number, never a link: the host is always one of these.
"""

import re
from urllib.parse import quote

# By the carrier's name in small letters without spaces and marks; the number takes the place of {}.
_PAGES = {
    "australiapost": "https://auspost.com.au/mypost/track/details/{}",
    "canadapost": "https://www.canadapost-postescanada.ca/track-reperage/en#/search?searchFor={}",
    "dhl": "https://www.dhl.com/global-en/home/tracking.html?tracking-id={}",
    "dpd": "https://tracking.dpd.de/status/en_US/parcel/{}",
    "fedex": "https://www.fedex.com/fedextrack/?trknbr={}",
    "ghn": "https://donhang.ghn.vn/?order_code={}",
    "ghtk": "https://i.ghtk.vn/{}",
    "gls": "https://gls-group.com/track/{}",
    "japanpost": "https://trackings.post.japanpost.jp/services/srv/search/direct?reqCodeNo1={}",
    "laposte": "https://www.laposte.fr/outils/suivre-vos-envois?code={}",
    "royalmail": "https://www.royalmail.com/track-your-item#/tracking-results/{}",
    "ups": "https://www.ups.com/track?tracknum={}",
    "usps": "https://tools.usps.com/go/TrackConfirmAction?tLabels={}",
    "viettelpost": "https://viettelpost.com.vn/tra-cuu-hanh-trinh-don/?order={}",
    "vnpost": "https://vnpost.vn/vi-vn/dinh-vi/buu-pham?key={}",
}
_OTHER_NAMES = {
    "colissimo": "laposte",
    "dhlexpress": "dhl",
    "ems": "vnpost",
    "fedexexpress": "fedex",
    "giaohangnhanh": "ghn",
    "giaohàngnhanh": "ghn",
    "giaohangtietkiem": "ghtk",
    "giaohàngtiếtkiệm": "ghtk",
    "vietnampost": "vnpost",
    "viettel": "viettelpost",
}


def tracking_url(carrier: str, tracking_number: str) -> str | None:
    """Return the carrier's page for this parcel, if we know the carrier and there is a number."""
    name = re.sub(r"[\W_]+", "", carrier).casefold()
    page = _PAGES.get(_OTHER_NAMES.get(name, name))
    number = "".join(tracking_number.split())
    return page.format(quote(number, safe="")) if page and number else None
