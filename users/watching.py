"""What follows when a user or a token changes: the cache of identities, and who was erased."""

from functools import partial
from typing import Any

from django.db import transaction
from django.db.models.signals import post_delete, post_save
from knox.models import AuthToken

from users import credentials
from users.models import FormerNumber, User
from users.services.erasing import remember_erased


def connect() -> None:
    """Listen to signals; bulk changes send none and call `forget_users` themselves."""
    for signal in (post_save, post_delete):
        signal.connect(_user_changed, sender=User, dispatch_uid="users.user")
    post_delete.connect(_user_deleted, sender=User, dispatch_uid="users.erased")
    post_delete.connect(_number_deleted, sender=FormerNumber, dispatch_uid="users.erased_number")
    post_delete.connect(_token_deleted, sender=AuthToken, dispatch_uid="users.token")


def _user_changed(instance: User, **kwargs: Any) -> None:
    # Callers are remembered with the numbers that are merged into theirs.
    ids = [instance.pk, *filter(None, [instance.merged_into_id])]
    transaction.on_commit(partial(credentials.forget_users, ids))


def _user_deleted(instance: User, **kwargs: Any) -> None:
    remember_erased(instance.school_number)


def _number_deleted(instance: FormerNumber, **kwargs: Any) -> None:
    remember_erased(instance.number)


def _token_deleted(instance: AuthToken, **kwargs: Any) -> None:
    transaction.on_commit(partial(credentials.forget_token, instance.digest))
