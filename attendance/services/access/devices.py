"""Devices by a signed cookie: whoever has signed in on one is not held up by what others try.

Without a cookie, somebody else's wrong attempts from the same hall and the owner's own cannot be
told apart. So each browser gets one: of a visitor, at the page where one signs in; of an account,
when its owner has signed in there.
"""

import secrets
from hashlib import sha256
from typing import Any, NamedTuple

from django.core import signing
from django.http import HttpRequest

COOKIE = "attn_device"
KEPT_SECONDS = 365 * 24 * 60 * 60
MOST_ACCOUNTS = 8
"""That one device is remembered for; the oldest is forgotten."""

LONGEST_COOKIE = 500
_SALT = "attn.device"


class Device(NamedTuple):
    id: str = ""
    """Empty where no cookie came, or none of ours."""
    accounts: tuple[int, ...] = ()
    """Whose owners have signed in on it."""

    def knows(self, user_id: int | None) -> bool:
        return user_id in self.accounts


UNKNOWN = Device()


def new_device() -> Device:
    """A visitor's."""
    return Device(secrets.token_hex(8))


def device_of(cookie: str) -> Device:
    """The device that a cookie is of; one that is not ours, or too old, is of none."""
    if not cookie or len(cookie) > LONGEST_COOKIE:
        return UNKNOWN
    try:
        name, accounts = signing.loads(cookie, salt=_SALT, max_age=KEPT_SECONDS)
    except (signing.BadSignature, ValueError, TypeError):
        return UNKNOWN
    return Device(name, tuple(accounts))


def cookie_of(device: Device) -> str:
    """What a browser keeps for a device: signed, and nothing that opens a door."""
    return signing.dumps([device.id, list(device.accounts)], salt=_SALT)


def with_owner(device: Device, user_id: int) -> Device:
    """The same device, on which somebody has signed in.

    A visitor's gets another id: somebody else may have seen the first one.
    """
    others = tuple(each for each in device.accounts if each != user_id)
    name = device.id if device.accounts else new_device().id
    return Device(name, (*others, user_id)[-MOST_ACCOUNTS:])


def device_of_request(request: HttpRequest) -> Device:
    """The device of a request, by its cookie."""
    return device_of(request.COOKIES.get(COOKIE, ""))


def digest_of(device: Device) -> str:
    """Names a device where it is written down; no cookie can be made of it."""
    return sha256(device.id.encode()).hexdigest()[:12] if device.id else ""


def remember_owner(request: HttpRequest, user_id: int) -> None:
    """Somebody has signed in: their device is known by the cookie that the answer brings."""
    attributes: Any = request.__dict__
    attributes["attn_owner"] = user_id


def owner_to_remember(request: HttpRequest) -> int | None:
    """Whose device a request has shown to be theirs, or None."""
    owner: int | None = request.__dict__.get("attn_owner")
    return owner
