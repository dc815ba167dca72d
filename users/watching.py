"""Updates the cache of identities after a user or a token changed and was committed."""

from functools import partial
from typing import Any

from django.db import transaction
from django.db.models.signals import post_delete, post_save
from knox.models import AuthToken

from users import credentials
from users.models import User


def connect() -> None:
    """Listen to signals; bulk changes send none and call `forget_users` themselves."""
    for signal in (post_save, post_delete):
        signal.connect(_user_changed, sender=User, dispatch_uid="users.user")
    post_delete.connect(_token_deleted, sender=AuthToken, dispatch_uid="users.token")


def _user_changed(instance: User, **kwargs: Any) -> None:
    # Callers are remembered with the numbers that are merged into theirs.
    ids = [instance.pk, *filter(None, [instance.merged_into_id])]
    transaction.on_commit(partial(credentials.forget_users, ids))


def _token_deleted(instance: AuthToken, **kwargs: Any) -> None:
    transaction.on_commit(partial(credentials.forget_token, instance.digest))
