"""The logins of the demo: there while it runs, and ended afterwards.

Their password is only in the environment of the processes of a running demo, and no account
has one (users/backends.py). What could outlive them is ended here: tokens, sessions, and
passwords that somebody gave these accounts by hand. A demo ends them at its end, and the next
start does so where it was killed.
"""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager

from django.db import transaction
from knox.models import AuthToken

from users.backends import DEMO_NUMBERS, DEMO_PREFIX
from users.models import User
from users.tokens import sign_out


def end_logins() -> int:
    """End every token, session and password of the people of the demo's term.

    Returns how many accounts had any. Done again, it changes nothing that anybody notices.
    """
    with transaction.atomic():
        accounts = User.objects.select_for_update(no_key=True).filter(
            school_number__startswith=DEMO_PREFIX
        )
        open_ids = set(
            AuthToken.objects.filter(user__school_number__startswith=DEMO_PREFIX).values_list(
                "user_id", flat=True
            )
        )
        ended = [user for user in accounts.order_by("pk") if _is_open(user, open_ids)]
        for user in ended:
            if user.has_usable_password():
                user.set_unusable_password()
                user.save(update_fields=["password"])
            sign_out(user)
    return len(ended)


def _is_open(user: User, open_ids: set[int]) -> bool:
    # Whether somebody has a session, its own row does not say.
    return user.school_number in DEMO_NUMBERS or user.pk in open_ids or user.has_usable_password()


@contextmanager
def tokens_of(users: Iterable[User]) -> Iterator[dict[str, str]]:
    """A token for each school number, for as long as the block runs."""
    made = [(user, *AuthToken.objects.create(user=user)) for user in users]
    try:
        yield {user.school_number: token for user, _, token in made}
    finally:
        rows = AuthToken.objects.filter(pk__in=[row.pk for _, row, _ in made])
        rows.delete()
