"""Secrets of endpoints, encrypted as they are stored: a copy of the database signs nothing."""

import base64

from cryptography.fernet import Fernet, InvalidToken, MultiFernet

from users.derived_keys import Purpose, keys_for
from webhooks.errors import SecretUnreadable


def seal(secret: str) -> str:
    """Under the present key of the site."""
    return _fernets()[0].encrypt(secret.encode()).decode()


def unseal(sealed: str) -> str:
    """Also what a former key has sealed. Raises SecretUnreadable."""
    try:
        return MultiFernet(_fernets()).decrypt(sealed).decode()
    except (InvalidToken, UnicodeError):
        raise SecretUnreadable from None


def is_of_present_key(sealed: str) -> bool:
    try:
        _fernets()[0].decrypt(sealed)
    except InvalidToken:
        return False
    return True


def _fernets() -> list[Fernet]:
    keys = (bytes.fromhex(key) for key in keys_for(Purpose.WEBHOOKS))
    return [Fernet(base64.urlsafe_b64encode(key)) for key in keys]
