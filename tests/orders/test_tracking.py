"""Links to parcels: only to carriers we know, whatever staff typed."""

import pytest

from orders.tracking import tracking_url


@pytest.mark.parametrize("carrier", ["VNPost", "vn post", "Vietnam Post", "EMS"])
def test_a_known_carrier_is_found_however_it_is_spelt(carrier: str) -> None:
    url = tracking_url(carrier, " EE123456789 VN ")
    assert url == "https://vnpost.vn/vi-vn/dinh-vi/buu-pham?key=EE123456789VN"


@pytest.mark.parametrize(
    ("carrier", "number"),
    [("Uncle Tư", "1"), ("", "1"), ("UPS", ""), ("UPS", "  "), ("javascript:alert(1)", "1")],
)
def test_without_a_known_carrier_and_a_number_there_is_no_link(carrier: str, number: str) -> None:
    assert tracking_url(carrier, number) is None


def test_what_is_typed_as_a_number_stays_one_part_of_the_link() -> None:
    url = tracking_url("UPS", "1Z&x=javascript:alert(1)#/../{0}")
    assert url == (
        "https://www.ups.com/track?tracknum=1Z%26x%3Djavascript%3Aalert%281%29%23%2F..%2F%7B0%7D"
    )
