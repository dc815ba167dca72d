"""Under which key attempts are counted: the one place that makes it, for every limit.

Always from the canonical form, never from what was typed: otherwise another spelling is another
limit. What has no canonical form shares one key.
"""

from users.errors import InvalidSchoolNumber
from users.identity import canonical_school_number
from users.selectors import find_account

NOBODY = "nobody"
"""Of everything that is no school number."""


def of_typed(typed: str) -> str:
    """Of the account that has or had a number, however it is typed; one query.

    A number that nobody has is counted as one that somebody has: a limit tells nothing.
    """
    number = _canonical(typed)
    user = find_account(number) if number else None
    return of_account(user.pk) if user else of_number(typed)


def of_account(user_id: int) -> str:
    return f"account|{user_id}"


def of_number(number: str) -> str:
    """Of a number alone, for whoever has signed in with it: no query."""
    return f"number|{_canonical(number) or NOBODY}"


def _canonical(typed: str) -> str:
    try:
        return canonical_school_number(typed)
    except InvalidSchoolNumber:
        return ""
