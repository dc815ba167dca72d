"""Secrets of endpoints, encrypted as they are stored: a copy of the database signs nothing.

The models import this module, so every process does. The library of the ciphers is loaded by the
first secret: few processes meet one.
"""

import base64
from typing import TYPE_CHECKING

from users.derived_keys import Purpose, keys_for
from webhooks.errors import SecretUnreadable

if TYPE_CHECKING:
    from cryptography.fernet import Fernet


def seal(secret: str) -> str:
    """Under the present key of the site."""
    return _fernets()[0].encrypt(secret.encode()).decode()


def unseal(sealed: str) -> str:
    """Also what a former key has sealed. Raises SecretUnreadable."""
    from cryptography.fernet import InvalidToken, MultiFernet

    try:
        return MultiFernet(_fernets()).decrypt(sealed).decode()
    except (InvalidToken, UnicodeError):
        raise SecretUnreadable from None


def is_of_present_key(sealed: str) -> bool:
    from cryptography.fernet import InvalidToken

    try:
        _fernets()[0].decrypt(sealed)
    except InvalidToken:
        return False
    return True


def _fernets() -> "list[Fernet]":
    from cryptography.fernet import Fernet

    keys = (bytes.fromhex(key) for key in keys_for(Purpose.WEBHOOKS))
    return [Fernet(base64.urlsafe_b64encode(key)) for key in keys]
