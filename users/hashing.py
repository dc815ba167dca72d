"""Hashing passwords, as many at once as a process can bear: the others are told to come again.

One hash takes most of a second of a core, and a process has a few threads. Whoever signs in must
not take those that check in.
"""

import random
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from django.conf import settings
from django.contrib.auth import hashers

from users.errors import SignInBusy

WAIT_SECONDS = 2.0
"""How long those who may wait do so; as many may as hash."""

SOONEST, LATEST = 2, 6
"""Seconds after which to come again: spread, so that not all come at once."""


class Gate:
    """Lets some in at once and as many wait; everybody else hears so at once."""

    def __init__(self, at_once: int) -> None:
        self._free = threading.Semaphore(at_once)
        self._seats = threading.Semaphore(at_once)

    @contextmanager
    def passed(self) -> Iterator[None]:
        """Raises SignInBusy where nobody more is let in."""
        if not self._free.acquire(blocking=False):
            self._wait()
        try:
            yield
        finally:
            self._free.release()

    def check_room(self) -> None:
        """Raises SignInBusy where nobody more would be let in now, before anything is read."""
        if not self._seats.acquire(blocking=False):
            raise _busy()
        self._seats.release()

    def _wait(self) -> None:
        if not self._seats.acquire(blocking=False):
            raise _busy()
        try:
            if not self._free.acquire(timeout=WAIT_SECONDS):
                raise _busy()
        finally:
            self._seats.release()


def _busy() -> SignInBusy:
    return SignInBusy(retry_after=random.randint(SOONEST, LATEST))  # noqa: S311 - not a secret


gate = Gate(settings.HASHES_AT_ONCE)


class _Gated:
    """A hasher that asks the gate; every hash and every comparison is an `encode`."""

    def encode(self, *args: Any, **more: Any) -> str:
        with gate.passed():
            return str(super().encode(*args, **more))  # type: ignore[misc]


class GatedPBKDF2(_Gated, hashers.PBKDF2PasswordHasher):
    """What passwords are kept as; the format is the framework's own."""


class GatedPBKDF2SHA1(_Gated, hashers.PBKDF2SHA1PasswordHasher):
    """For passwords that came from elsewhere; they become the first kind at the next sign-in."""


class GatedScrypt(_Gated, hashers.ScryptPasswordHasher):
    """As the one before."""
