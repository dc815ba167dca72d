"""The first member of staff of a site: whoever has a link, for an hour, while there is nobody.

The link carries a random token. The cache has its digest alone, and only that of the newest one;
what has made an account, or is an hour old, opens nothing.
"""

import secrets
from hashlib import sha256

from django.core.cache import cache
from django.db import connection, transaction
from django.utils.crypto import constant_time_compare

from users.demo_numbers import DEMO_PREFIX
from users.models import RoleChoices, User

LINK_SECONDS = 3600
_KEY = "first-staff"


def is_needed() -> bool:
    """Whether nobody is staff here yet, people of a demo aside."""
    staff = User.objects.filter(role=RoleChoices.STAFF)
    return not staff.exclude(school_number__startswith=DEMO_PREFIX).exists()


def new_token() -> str:
    """A token that opens the set-up page once, for an hour; the one before opens nothing more."""
    token = secrets.token_urlsafe(24)
    cache.set(_KEY, _digest(token), LINK_SECONDS)
    return token


def is_open_to(token: str) -> bool:
    kept = cache.get(_KEY)
    is_it = isinstance(kept, str) and constant_time_compare(kept, _digest(token))
    return is_it and is_needed()


def make_first_staff(
    *, token: str, school_number: str, full_name: str, password: str
) -> User | None:
    """Make the account; None where the token opens nothing, or somebody else was first.

    Raises InvalidSchoolNumber, InvalidFullName and SignInBusy.
    """
    with transaction.atomic():
        with connection.cursor() as cursor:
            # Of two who send the form at once, the second finds the first one's account.
            cursor.execute("LOCK TABLE users_user IN SHARE ROW EXCLUSIVE MODE")
        if not is_open_to(token):
            return None
        user = User.objects.create_superuser(school_number, full_name, password)
    cache.delete(_KEY)
    return user


def _digest(token: str) -> str:
    return sha256(token.encode()).hexdigest()
