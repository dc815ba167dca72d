"""Where a request came from: what is read, and what is unknown."""

from typing import Any

import pytest

from attendance.live.codes import hex_address
from attendance.services.access.addresses import UNKNOWN, address_of, shortened

PROXY = "10.0.0.1"


def behind(proxies: int, forwarded: str, settings: Any) -> str:
    settings.TRUSTED_PROXIES = proxies
    return address_of({"REMOTE_ADDR": PROXY, "HTTP_X_FORWARDED_FOR": forwarded})


@pytest.mark.parametrize(
    ("hop", "address"),
    [
        ("203.0.113.9", "203.0.113.9"),
        ("203.0.113.9:51234", "203.0.113.9"),
        (" 203.0.113.9:1 ", "203.0.113.9"),
        ("2001:db8::5", "2001:db8::5"),
        ("2001:DB8:0::5", "2001:db8::5"),
        ("[2001:db8::5]", "2001:db8::5"),
        ("[2001:db8::5]:443", "2001:db8::5"),
        ("::ffff:203.0.113.9", "203.0.113.9"),
        ("[::ffff:203.0.113.9]:80", "203.0.113.9"),
        ("fe80::1%eth0", "fe80::1"),
        ("[fe80::1%25eth0]:80", "fe80::1"),
    ],
)
def test_port_and_brackets_are_read(hop: str, address: str, settings: Any) -> None:
    assert behind(1, f"{PROXY}, {hop}", settings) == address
    assert hex_address(address)


@pytest.mark.parametrize(
    "hop",
    [
        *("", " ", "unknown", "_hidden", "rubbish", "203.0.113", "203.0.113.9:", "203.0.113.9:x"),
        *("203.0.113.9:65536", "203.0.113.9:-1", "203.0.113.9 10.0.0.1", "203.0.113.9;10.0.0.1"),
        *("[2001:db8::5", "2001:db8::5]", "[2001:db8::5]443", "[]", "[]:1", "[[::1]]", '"[::1]"'),
        *("203.0.113.９", "203.0.113.9\x00", "for=203.0.113.9", "http://203.0.113.9", "1.2.3.4/8"),
    ],
)
def test_a_hop_that_cannot_be_read_is_unknown(hop: str, settings: Any) -> None:
    assert behind(1, f"{PROXY}, {hop}", settings) == UNKNOWN
    assert not hex_address(UNKNOWN)


@pytest.mark.parametrize(
    ("proxies", "forwarded", "address"),
    [
        (0, "203.0.113.9", PROXY),
        (1, "203.0.113.9", "203.0.113.9"),
        (1, "198.51.100.1, 203.0.113.9", "203.0.113.9"),
        (2, "198.51.100.1:1, 203.0.113.9", "198.51.100.1"),
        (2, "rubbish, 203.0.113.9", UNKNOWN),
        # It did not come through the proxies that the site has.
        (1, "", UNKNOWN),
        (2, "203.0.113.9", UNKNOWN),
    ],
)
def test_each_trusted_proxy_has_added_one_hop(
    proxies: int, forwarded: str, address: str, settings: Any
) -> None:
    assert behind(proxies, forwarded, settings) == address


def test_a_unix_socket_has_no_address(settings: Any) -> None:
    settings.TRUSTED_PROXIES = 0
    assert address_of({"REMOTE_ADDR": ""}) == address_of({}) == UNKNOWN


@pytest.mark.parametrize(
    ("address", "kept"),
    [
        ("203.0.113.77", "203.0.113.0/24"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1::/48"),
        (UNKNOWN, UNKNOWN),
        ("no address", UNKNOWN),
    ],
)
def test_a_shortened_address_names_no_line(address: str, kept: str) -> None:
    assert shortened(address) == kept
