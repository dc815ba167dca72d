"""How often who may try to sign in: by account and device, never by address alone.

A device on which the owner has signed in has attempts of its own, and nobody else can use them up.
Every other one counts for itself and with all others of the account: a browser by the cookie of a
visitor, and what sends none by its address. From one address only so many accounts can be tried
without success, far more than a lecture hall has.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import NamedTuple

from attendance.errors import SignInUnavailable
from attendance.live import throttle
from attendance.live.throttle import Limit
from attendance.services.access import limit_keys, limits
from attendance.services.access.devices import UNKNOWN, Device
from attendance.services.access.limit_keys import TriedAccount
from users.errors import SignInBusy

ONE_ORIGIN = Limit("sign-in-from", 10, 300)
"""Of one account, from one device, or from one address without any."""

STRANGERS = Limit("sign-in", 100, 300)
"""Of one account, from all devices on which its owner has not signed in."""

ACCOUNTS_FROM_ONE_ADDRESS = Limit("sign-in-accounts", 1_000, 300)
"""Tried without success, from such devices: a hall of 600 who all mistype stays below it."""


class Origin(NamedTuple):
    """Where an attempt comes from."""

    address: str
    device: Device = UNKNOWN


@contextmanager
def counted(account: TriedAccount, origin: Origin) -> Iterator[None]:
    """Around trying a password, which raises where it is wrong.

    A right one starts the count of this device again and takes its attempt back elsewhere; what
    could not be tried counts for nothing. Raises TooManyAttempts before anything is tried, and
    SignInUnavailable where nothing can be counted.
    """
    here = f"{account.key}|{_origin_key(origin)}"
    is_stranger = not origin.device.knows(account.user_id)
    try:
        limits.count(ONE_ORIGIN, here)
        if is_stranger:
            _count_stranger(account, origin)
    except throttle.Unavailable:
        raise SignInUnavailable(retry_after=5) from None
    try:
        yield
    except SignInBusy:
        throttle.give_back(ONE_ORIGIN, of=here)
        _take_back(account, origin, is_stranger=is_stranger)
        raise
    throttle.forget(ONE_ORIGIN, of=here)
    _take_back(account, origin, is_stranger=is_stranger)


def _origin_key(origin: Origin) -> str:
    if origin.device.id:
        return limit_keys.of_device(origin.device.id)
    return limit_keys.of_address(origin.address)


def _count_stranger(account: TriedAccount, origin: Origin) -> None:
    limits.count(STRANGERS, account.key)
    network = limit_keys.of_address(origin.address)
    limits.count_one_more(ACCOUNTS_FROM_ONE_ADDRESS, network, one=account.key)


def _take_back(account: TriedAccount, origin: Origin, *, is_stranger: bool) -> None:
    if not is_stranger:
        return
    throttle.give_back(STRANGERS, of=account.key)
    network = limit_keys.of_address(origin.address)
    throttle.take_out(ACCOUNTS_FROM_ONE_ADDRESS, of=network, one=account.key)
