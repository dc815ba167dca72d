"""Where a request came from, behind as many proxies as the site trusts."""

from collections.abc import Mapping
from ipaddress import ip_address

from django.conf import settings


def address_of(meta: Mapping[str, str]) -> str:
    """The caller's address, or '' where it is not known (a Unix socket).

    Each trusted proxy has added one entry to X-Forwarded-For, the last one on
    the right. What stands further left was written by the caller, and counts
    for nothing.
    """
    hops = [part.strip() for part in meta.get("HTTP_X_FORWARDED_FOR", "").split(",")]
    trusted: int = settings.TRUSTED_PROXIES
    if 0 < trusted <= len(hops) and _is_address(hops[-trusted]):
        return hops[-trusted]
    return meta.get("REMOTE_ADDR", "")


def _is_address(text: str) -> bool:
    try:
        ip_address(text)
    except ValueError:
        return False
    return True
