"""Where a request came from, behind as many proxies as the site trusts, and where it went."""

import re
from collections.abc import Mapping
from functools import lru_cache
from ipaddress import ip_address, ip_network

from django.conf import settings
from django.http import HttpRequest

UNKNOWN = ""
"""Of a caller whose address nobody can say: it is in no network, and shares one limit."""

_WITH_PORT = re.compile(
    r"(?:\[(?P<v6>[^\[\]]+)\]|(?P<v4>[^\[\]:]+))(?::(?P<port>[0-9]{1,5}))?", re.ASCII
)
_LAST_PORT = 65_535
_KEPT_BITS = {4: 24, 6: 48}


def address_of(meta: Mapping[str, str]) -> str:
    """The caller's address without port, brackets and zone, or UNKNOWN.

    Each trusted proxy has added one entry to X-Forwarded-For, the last one on
    the right. What stands further left was written by the caller, and counts
    for nothing. An entry that is missing or cannot be read leaves the address
    unknown: the proxy's own address would let everybody in. Without a trusted
    proxy it is the address of the connection; a Unix socket has none.
    """
    trusted: int = settings.TRUSTED_PROXIES
    if trusted <= 0:
        return _read(meta.get("REMOTE_ADDR", ""))
    hops = meta.get("HTTP_X_FORWARDED_FOR", "").split(",")
    return _read(hops[-trusted]) if trusted <= len(hops) else UNKNOWN


def shortened(address: str) -> str:
    """An address without the part that names one line of it: IPv4 /24, IPv6 /48; UNKNOWN stays."""
    try:
        whole = ip_address(address)
    except ValueError:
        return UNKNOWN
    return str(ip_network((whole, _KEPT_BITS[whole.version]), strict=False))


def site_of(request: HttpRequest) -> str:
    """What an address for others begins with: as it is set, or as this request came."""
    return settings.PUBLIC_URL or f"{request.scheme}://{request.get_host()}"


@lru_cache(maxsize=4_096)
def _read(hop: str) -> str:
    text = hop.strip()
    if found := _WITH_PORT.fullmatch(text):
        if int(found["port"] or 0) > _LAST_PORT:
            return UNKNOWN
        text = found["v6"] or found["v4"]
    try:
        address = ip_address(text.partition("%")[0])
    except ValueError:
        return UNKNOWN
    return str(getattr(address, "ipv4_mapped", None) or address)
