"""Under which name the attempts of a person are counted, wherever they are."""

from hashlib import sha256

from users.errors import InvalidSchoolNumber
from users.identity import canonical_school_number

NOBODY = "nobody"
"""Of everything that is no school number."""


def limit_name(number: str) -> str:
    """The name of a limit's count for a number, however it is typed."""
    try:
        return f"number|{canonical_school_number(number)}"
    except InvalidSchoolNumber:
        return f"number|{NOBODY}"


def short_digest(text: str) -> str:
    """32 hexadecimal digits of SHA-256: what somebody typed as their number may be long."""
    return sha256(text.encode("utf-8", "replace")).hexdigest()[:32]
