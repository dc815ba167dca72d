"""The logins of the demo: there while it runs, and ended afterwards.

Their password is only in the environment of the processes of a running demo, and no account
has one (users/backends.py). What could outlive them is ended here: tokens, sessions, and
passwords that somebody gave these accounts by hand. A demo ends them at its end, and the next
start does so where it was killed.
"""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager

from django.db import transaction
from django.db.models import Q
from knox.models import AuthToken

from users.demo_numbers import DEMO_NUMBERS, OF_A_DEMO
from users.models import User
from users.tokens import sign_out

THEIRS = Q(school_number__regex=OF_A_DEMO)
"""The accounts of demos: the people of the term, and the crowds that played lessons."""

WITHOUT_PASSWORD = Q(password__startswith="!")  # noqa: S106 - what Django makes unusable


def end_logins() -> int:
    """End every token, session and password of the demo's people.

    Returns how many accounts had any. Done again, it changes nothing that anybody notices.
    """
    with transaction.atomic():
        accounts = User.objects.filter(THEIRS)
        signed_in = AuthToken.objects.filter(user__in=accounts).values("user")
        # Whether somebody has a session, the own row of a user does not say.
        able = Q(school_number__in=DEMO_NUMBERS) | Q(pk__in=signed_in) | ~WITHOUT_PASSWORD
        ended = list(accounts.filter(able).select_for_update(no_key=True).order_by("pk"))
        for user in ended:
            if user.has_usable_password():
                user.set_unusable_password()
                user.save(update_fields=["password"])
            sign_out(user)
    return len(ended)


@contextmanager
def tokens_of(users: Iterable[User]) -> Iterator[dict[str, str]]:
    """A token for each school number, for as long as the block runs."""
    made = [(user, *AuthToken.objects.create(user=user)) for user in users]
    try:
        yield {user.school_number: token for user, _, token in made}
    finally:
        AuthToken.objects.filter(pk__in=[row.pk for _, row, _ in made]).delete()
