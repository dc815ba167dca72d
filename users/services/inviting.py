"""First passwords: links for people who have none and never signed in, by mail or on a slip.

One mechanism for both. A link carries a code of twelve letters, which can be typed; the table has
its digest under a key of the site. Making another one for a person ends the one before.
"""

import secrets
from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Final, NamedTuple

from django.contrib.auth.hashers import UNUSABLE_PASSWORD_PREFIX
from django.db import transaction
from django.db.models import QuerySet
from django.utils import timezone

from users import security_log
from users.derived_keys import Purpose, fingerprints
from users.link_models import LinkKind, PasswordLink
from users.models import SecurityKind, User
from users.security_log import Details
from users.services.choosing import hash_chosen, set_chosen

LETTERS: Final = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
"""Without those that are read as another one."""
_READ_AS: Final = str.maketrans("OIL", "011", " -‐–")
LENGTH: Final = 12
"""Sixty bits: more than anybody guesses before it ends."""
GOOD_FOR: Final = {LinkKind.MAIL: timedelta(days=7), LinkKind.SLIP: timedelta(days=14)}


class NewLink(NamedTuple):
    user: User
    code: str
    """It is never shown again."""
    expires_at: datetime


def without_password() -> QuerySet[User]:
    """Who may be invited: no password, never signed in, and no superuser."""
    return User.objects.who_may_sign_in().filter(
        password__startswith=UNUSABLE_PASSWORD_PREFIX, last_login=None, is_superuser=False
    )


def make_links(user_ids: Iterable[int], *, kind: LinkKind) -> list[NewLink]:
    """New links of those among these people who may be invited, by name; their former ones end."""
    now = timezone.now()
    expires_at = now + GOOD_FOR[kind]
    with transaction.atomic():
        # By number, as everybody who holds several of these rows.
        rows = without_password().select_for_update(no_key=True).filter(pk__in=set(user_ids))
        links = [NewLink(user, _new_code(), expires_at) for user in rows.order_by("school_number")]
        PasswordLink.objects.bulk_create(
            [
                PasswordLink(
                    user=link.user,
                    digest=_digests(link.code)[0],
                    kind=kind,
                    made_at=now,
                    expires_at=expires_at,
                )
                for link in links
            ],
            update_conflicts=True,
            unique_fields=["user"],
            update_fields=["digest", "kind", "made_at", "expires_at"],
        )
        said = Details(door=kind.value, what="invitation")
        security_log.write_many([(SecurityKind.LINK_MADE, link.user.pk, said) for link in links])
    return sorted(links, key=lambda link: (link.user.full_name, link.user.school_number))


def find_invited(typed: str) -> User | None:
    """Whose link this code opens now; None for one that was used, is over or was replaced."""
    code = clean_code(typed)
    if not code:
        return None
    found = PasswordLink.objects.filter(digest__in=_digests(code), expires_at__gt=timezone.now())
    return without_password().filter(password_link__in=found).first()


def use_link(typed: str, password: str) -> User | None:
    """Choose the first password with a code; of two who do at once, one has it.

    None where the code opens nothing. Raises SignInBusy.
    """
    hashed = hash_chosen(password)
    with transaction.atomic():
        user = find_invited(typed)
        if user is None or not PasswordLink.objects.filter(user=user).delete()[0]:
            return None
        set_chosen(user.pk, hashed, door="link")
    return user


def clean_code(typed: str) -> str:
    """A code however it was typed, or '' for what is none."""
    code = typed.upper().translate(_READ_AS)
    is_one = len(code) == LENGTH and set(code) <= set(LETTERS)
    return code if is_one else ""


def _new_code() -> str:
    return "".join(secrets.choice(LETTERS) for _ in range(LENGTH))


def _digests(code: str) -> list[str]:
    return fingerprints(code, Purpose.PASSWORD_LINKS)
