"""Under which key attempts are counted: the one place that makes it, for every limit.

Always from the canonical form, never from what was typed: otherwise another spelling is another
limit. What has no canonical form shares one key.
"""

from ipaddress import IPv4Address, IPv6Network, ip_address
from typing import NamedTuple

from users.digests import NOBODY, limit_name
from users.errors import InvalidSchoolNumber
from users.identity import canonical_school_number
from users.selectors import find_account

_SUBSCRIBER = 64


class TriedAccount(NamedTuple):
    """An account that somebody tries to open."""

    key: str
    user_id: int | None


def of_typed(typed: str) -> TriedAccount:
    """The account that has or had a number, however it is typed; one query.

    A number that nobody has is counted as one that somebody has: a limit tells nothing.
    """
    number = _canonical(typed)
    user = find_account(number) if number else None
    if user is None:
        return TriedAccount(of_number(typed), None)
    return TriedAccount(of_account(user.pk), user.pk)


def of_account(user_id: int) -> str:
    """Of an account, whatever its number is."""
    return f"account|{user_id}"


def of_number(number: str) -> str:
    """Of a number alone, for whoever has signed in with it: no query."""
    return limit_name(number)


def of_mail(typed: str) -> str:
    """Of an e-mail address, whether somebody has it or not; no query."""
    return f"mail|{typed.strip().casefold()}"


def of_device(device_id: str) -> str:
    """Of a device with a cookie of ours."""
    return f"device|{device_id}"


def of_address(address: str) -> str:
    """Of the network of one subscriber: IPv6 gives each of them 2^64 addresses."""
    try:
        given = ip_address(address.partition("%")[0])
    except ValueError:
        return f"address|{NOBODY}"
    if isinstance(given, IPv4Address):
        return f"address|{given}"
    if given.ipv4_mapped is not None:
        return f"address|{given.ipv4_mapped}"
    return f"address|{IPv6Network((given, _SUBSCRIBER), strict=False)}"


def _canonical(typed: str) -> str:
    try:
        return canonical_school_number(typed)
    except InvalidSchoolNumber:
        return ""
