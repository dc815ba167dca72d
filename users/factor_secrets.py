"""Secrets of second factors, encrypted as they are stored: a copy of the database makes no codes.

Written under the present key; read with former ones too, while ATTN_SECRET_KEY_FALLBACKS lists
them. Rows from before there was encryption are plain, and read until `encrypt_factors` has
encrypted them.
"""

import base64
import enum
import re
from collections.abc import Iterator
from typing import Any, Final

from allauth.mfa.adapter import DefaultMFAAdapter
from cryptography.fernet import Fernet, InvalidToken, MultiFernet

from users.derived_keys import Purpose, keys_for
from users.errors import SecondFactorUnreadable

MARK: Final = "attn1:"
"""Before each encrypted text: with no other letter could a plain one be taken for it."""

_NAMES: Final = ("secret", "seed")
_CODES: Final = "migrated_codes"
_plain = re.compile(r"[A-Z2-7]{16,64}=*|[0-9a-f]{40,128}|[0-9A-Za-z-]{6,32}", re.ASCII)
"""An app's secret, a seed, a code that came from elsewhere."""


class SecretState(enum.StrEnum):
    PRESENT = "present"
    FORMER = "former"
    PLAIN = "plain"
    UNREADABLE = "unreadable"


class FactorAdapter(DefaultMFAAdapter):  # type: ignore[misc]
    """allauth asks it around every secret that it writes or reads."""

    def encrypt(self, text: str) -> str:
        return encrypt(text)

    def decrypt(self, encrypted_text: str) -> str:
        return decrypt(encrypted_text)


def encrypt(text: str) -> str:
    return MARK + _fernets()[0].encrypt(text.encode()).decode()


def decrypt(stored: str) -> str:
    """Raises SecondFactorUnreadable where no key of the site opens it."""
    if not stored.startswith(MARK):
        if _plain.fullmatch(stored):
            return stored
        raise SecondFactorUnreadable
    try:
        return MultiFernet(_fernets()).decrypt(stored.removeprefix(MARK)).decode()
    except (InvalidToken, UnicodeError):
        raise SecondFactorUnreadable from None


def encrypted_anew(data: dict[str, Any]) -> dict[str, Any]:
    """The same data under the present key. Raises SecondFactorUnreadable."""
    named: dict[str, Any] = {name: _anew(data[name]) for name in _NAMES if name in data}
    if data.get(_CODES) is not None:
        named[_CODES] = [_anew(code) for code in data[_CODES]]
    return {**data, **named}


def _anew(stored: str) -> str:
    return encrypt(decrypt(stored))


def state_of(data: dict[str, Any]) -> SecretState:
    """That of the secret that is worst kept; a factor without one is of no use."""
    states = {_state_of(stored) for stored in _secrets_of(data)} or {SecretState.UNREADABLE}
    for state in (SecretState.UNREADABLE, SecretState.PLAIN, SecretState.FORMER):
        if state in states:
            return state
    return SecretState.PRESENT


def _secrets_of(data: dict[str, Any]) -> Iterator[str]:
    """What is secret in the data of a factor, as it is stored."""
    yield from (data[name] for name in _NAMES if name in data)
    yield from data.get(_CODES) or ()


def _state_of(stored: str) -> SecretState:
    try:
        decrypt(stored)
    except SecondFactorUnreadable:
        return SecretState.UNREADABLE
    if not stored.startswith(MARK):
        return SecretState.PLAIN
    try:
        _fernets()[0].decrypt(stored.removeprefix(MARK))
    except InvalidToken:
        return SecretState.FORMER
    return SecretState.PRESENT


def _fernets() -> list[Fernet]:
    keys = (bytes.fromhex(key) for key in keys_for(Purpose.FACTORS))
    return [Fernet(base64.urlsafe_b64encode(key)) for key in keys]
