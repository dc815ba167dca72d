"""Limits of attempts: who may try how often. An address limits only whom nobody knows."""

from typing import NamedTuple

from django.conf import settings

from attendance.errors import SignInUnavailable, TooManyAttempts, TooManyFromHere
from attendance.live import codes, throttle
from attendance.live.throttle import Limit
from attendance.services.access import limit_keys
from users.callers import Caller
from users.credentials import TokenPlace, caller_in, learn_token, place_of_token
from users.errors import gettext_noop as _

CODES = Limit("second-factor", 10, 900)
"""Wrong codes of one person, from wherever and at whichever door: a code has six digits."""

WRONG_SCANS = Limit("scan", 120, 60)
"""Wrong typed codes of all at one address who have not signed in."""

WRONG_SCANS_OF_ONE = Limit("scan-of", 60, 60)
"""Of one account."""

LINKS = Limit("link", 120, 60)
"""Wrong codes of links to a first password, from one address."""


class Scanner(NamedTuple):
    """Who types a code: an account that has signed in, now or before on this device, or anybody."""

    address: str
    user_id: int | None = None

    @property
    def counted(self) -> tuple[Limit, str]:
        if self.user_id is None:
            return WRONG_SCANS, limit_keys.of_address(self.address)
        return WRONG_SCANS_OF_ONE, limit_keys.of_account(self.user_id)


def count_check_in(school_number: str) -> None:
    """Raises TooManyAttempts. Where nothing can be counted, the check-in is allowed."""
    try:
        count(_check_ins(), limit_keys.of_number(school_number))
    except throttle.Unavailable:
        return


def count_check_in_with(token: str) -> Caller | None:
    """Whoever shows a valid token, with a check-in counted; one round trip if the cache knows them.

    Else PostgreSQL is asked once, and the cache knows them for the next minutes. None for a token
    that is not valid, and where the cache does not answer: then nothing is counted. Raises
    TooManyAttempts, and django.db.Error where PostgreSQL is asked and does not answer.
    """
    place = place_of_token(token)
    found = _count_owner(place) if place else None
    if found is None or place is None:
        return None
    caller = caller_in(found.entry, place.digest)
    if caller is None:
        # Who has a token of before must not use up what its owner may do.
        throttle.give_back_counted(found)
    else:
        _check(found.wait_seconds)
    return caller


def _count_owner(place: TokenPlace) -> throttle.OwnerCounted | None:
    try:
        return throttle.count_owner(_check_ins(), entry_key=place.key)
    except throttle.NotKept:
        learn_token(place)
    except throttle.Unavailable:
        return None
    try:
        return throttle.count_owner(_check_ins(), entry_key=place.key)
    except (throttle.NotKept, throttle.Unavailable):
        return None


def give_back_check_in(school_number: str) -> None:
    """Whoever may not check in at all has used up nothing."""
    throttle.give_back(_check_ins(), of=limit_keys.of_number(school_number))


def _check_ins() -> Limit:
    return Limit("check-in", settings.CHECK_INS_PER_MINUTE, 60)


def count_change(school_number: str) -> None:
    """Count a change of a lesson or a record, by whoever asks for it; finishing counts none.

    Raises TooManyAttempts. Where nothing can be counted, the change is allowed.
    """
    limit = Limit("change", settings.CHANGES_PER_MINUTE, 60)
    try:
        count(limit, limit_keys.of_number(school_number))
    except throttle.Unavailable:
        return


def count_code(user_id: int) -> None:
    """Count a code of a second factor before it is judged; a right one is given back.

    Raises TooManyAttempts, for a right code as well, and SignInUnavailable.
    """
    try:
        count(CODES, limit_keys.of_account(user_id))
    except throttle.Unavailable:
        raise SignInUnavailable(retry_after=5) from None


def give_back_code(user_id: int) -> None:
    """The code was right: only wrong ones count, and those before it go on counting."""
    throttle.give_back(CODES, of=limit_keys.of_account(user_id))


def count_scan(code: str, scanner: Scanner) -> bool:
    """Count a code before it is judged, if it could be guessed. Returns whether it was counted.

    Raises TooManyAttempts, for a right code as well: guessing would go on otherwise. What is
    counted for an address never keeps anybody back who has signed in.
    """
    if not codes.short_part(code):
        return False
    limit, key = scanner.counted
    try:
        count(limit, key)
    except throttle.Unavailable:
        return False
    except TooManyAttempts as error:
        if scanner.user_id is not None:
            raise
        raise TooManyFromHere(retry_after=error.values["retry_after"]) from None
    return True


def give_back_scan(scanner: Scanner) -> None:
    """The code was right: only wrong ones count."""
    limit, key = scanner.counted
    throttle.give_back(limit, of=key)


def count_link(address: str) -> None:
    """Count a code of a link before it is looked up. Raises TooManyAttempts.

    Where nothing can be counted it is looked up: its sixty bits are not guessed in an outage.
    """
    try:
        count(LINKS, limit_keys.of_address(address))
    except throttle.Unavailable:
        return


def give_back_link(address: str) -> None:
    """The code was right: only wrong ones count."""
    throttle.give_back(LINKS, of=limit_keys.of_address(address))


def count(limit: Limit, key: str) -> None:
    """Raises TooManyAttempts, and `throttle.Unavailable` where nothing can be counted."""
    _check(throttle.wait_seconds(limit, of=key))


def count_one_more(limit: Limit, key: str, *, one: str) -> None:
    """As `count`, where each is counted once."""
    _check(throttle.wait_seconds_for_one_more(limit, of=key, one=one))


def _check(wait: int) -> None:
    if wait:
        raise TooManyAttempts(_("Too many attempts. Try again in %(wait)s."), retry_after=wait)
