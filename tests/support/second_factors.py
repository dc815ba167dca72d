"""Second factors for tests: an app that makes codes, and pages on which they are shown."""

import time
from typing import Any

from allauth.mfa.models import Authenticator
from allauth.mfa.recovery_codes.internal.auth import RecoveryCodes
from allauth.mfa.totp.internal import auth
from django.core.cache import cache
from django.test import Client

from tests.support.callers import PASSWORD, account
from users.identity import Person
from users.models import User

ACTIVATE = "/accounts/2fa/totp/activate/"
AUTHENTICATE = "/accounts/2fa/authenticate/"
LOGIN = "/accounts/login/"


class App:
    """Somebody's app: it knows a secret and makes codes."""

    def __init__(self, secret: str = "") -> None:
        self.secret = secret or auth.generate_totp_secret()

    @property
    def code(self) -> str:
        """The code of now; used or not, it works again in the test that asks."""
        step = int(time.time()) // 30
        code = str(auth.format_hotp_value(auth.hotp_value(self.secret, step)))
        for row in Authenticator.objects.all():
            cache.delete(f"allauth.mfa.totp.used?user={row.user_id}&code={code}")
        return code

    @property
    def wrong_code(self) -> str:
        step = int(time.time()) // 30
        near = {auth.hotp_value(self.secret, step + n) for n in range(-2, 4)}
        return next(f"{n:06}" for n in range(10) if n not in near)


def enrolled(person: Person) -> App:
    """Somebody with a password and a second factor, as they set it up some day."""
    user, app = account(person, password=PASSWORD), App()
    auth.TOTP.activate(user, app.secret)
    return app


def recovery_codes(person: Person) -> list[str]:
    user = User.objects.get(school_number=person.school_number)
    return list(RecoveryCodes.activate(user).get_unused_codes())


def enter(person: Person, password: str = PASSWORD, *, client: Client | None = None) -> Client:
    """A browser in which number and password were typed."""
    client = client or Client()
    client.post(LOGIN, {"login": person.school_number, "password": password})
    return client


def enter_with(app: App, person: Person) -> Client:
    """A browser in which the code of the app was typed as well."""
    client = enter(person)
    client.post(AUTHENTICATE, {"code": app.code})
    return client


def set_up(client: Client, password: str = PASSWORD) -> App:
    """Set a second factor up on the pages, as somebody does who has just signed in."""
    client.post("/accounts/reauthenticate/", {"password": password})
    page: Any = client.get(ACTIVATE)
    app = App(page.context["form"].secret)
    client.post(ACTIVATE, {"code": app.code})
    return app
