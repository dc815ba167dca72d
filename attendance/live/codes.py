"""Rotating codes: derived from a lesson's secret and the step of the clock, never stored.

    digest = SHA-1 of "<secret>|<step>|<secret>", in hex
    whole  = its first 20 digits: in the link that a phone scans
    typed  = 4 letters of digits 21 to 32, after the 4 that name the lesson; 8 letters once
             many wrong codes were typed in the lesson: scripts/guesses.lua

scripts/codes.lua derives the same codes. A code is accepted in its own step and in
the next one; any number of screens show the same code.
"""

import secrets
from datetime import datetime, timedelta
from hashlib import sha1
from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network
from typing import NamedTuple

from attendance.live.payloads import Network
from attendance.rules import instants

LETTERS = "ACDEFGHJKMNPQRTUVWXY34679"
"""Without letters and digits that look alike: B8 I1L O0 S5 Z2."""

TYPED_LETTERS, MANY_LETTERS = 4, 8
LONGEST_GIVEN = 40
WHOLE_DIGITS = 20
_SPACES = str.maketrans("", "", " -\u2010\u2011\u2013\t")


class Code(NamedTuple):
    whole: str
    typed: str
    """The part that rotates."""
    changes_at: datetime
    """When the screen shows the next code."""
    valid_until: datetime
    """Until when it is accepted."""


def new_secret() -> str:
    """A secret for one lesson: 128 bits."""
    return secrets.token_hex(16)


def new_short_code() -> str:
    """Four letters that may name a lesson while it lives."""
    return "".join(secrets.choice(LETTERS) for _ in range(TYPED_LETTERS))


def code_at(secret: str, code_seconds: int, at: datetime, *, letters: int = 4) -> Code:
    """The code of a lesson at an instant of the live store's clock."""
    step_ms = code_seconds * 1000
    step = instants.milliseconds(at) // step_ms
    digest = sha1(f"{secret}|{step}|{secret}".encode(), usedforsecurity=False).hexdigest()
    number, typed = int(digest[WHOLE_DIGITS : WHOLE_DIGITS + 12], 16), ""
    for _ in range(letters):
        number, letter = divmod(number, len(LETTERS))
        typed += LETTERS[letter]
    changes_at = instants.instant((step + 1) * step_ms)
    valid_until = changes_at + timedelta(milliseconds=step_ms)
    return Code(digest[:WHOLE_DIGITS].upper(), typed, changes_at, valid_until)


def clean_code(text: str) -> str:
    """A typed code in the form that the scripts compare."""
    return text.translate(_SPACES).upper()[:LONGEST_GIVEN]


def short_part(code: str) -> str:
    """The letters of a typed code that name its lesson, or ''."""
    lengths = {TYPED_LETTERS, 2 * TYPED_LETTERS, TYPED_LETTERS + MANY_LETTERS}
    return code[:TYPED_LETTERS] if len(code) in lengths else ""


def is_typed(code: str) -> bool:
    """Whether a code was typed, as the scripts see it; a whole one comes from the link."""
    return len(code) != WHOLE_DIGITS


def network_of(cidr: str) -> Network:
    """A network from its CIDR notation. Raises ValueError."""
    network = ip_network(cidr.strip(), strict=False)
    first, last = network.network_address, network.broadcast_address
    return Network(str(network), _hex(first), _hex(last))


def hex_address(address: str) -> str:
    """An address as networks compare it, or '' where it is none."""
    try:
        return _hex(ip_address(address.partition("%")[0]))
    except ValueError:
        return ""


def _hex(address: IPv4Address | IPv6Address) -> str:
    # One order for both: an IPv4 address is written as the IPv6 address that maps it.
    mapped = 0xFFFF << 32 if address.version == 4 else 0  # noqa: PLR2004 - the protocol's name
    return f"{mapped | int(address):032x}"
