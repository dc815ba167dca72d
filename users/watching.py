"""What follows from a change of people: the cache is told, what it proved ends, erasing is kept."""

from functools import partial
from typing import Any

from allauth.mfa.models import Authenticator
from django.db import transaction
from django.db.models.signals import m2m_changed, post_delete, post_save, pre_save
from knox.models import AuthToken

from users import account_changes, credentials, second_factor, tokens
from users.models import FormerNumber, User
from users.services.erasing import remember_erased


def connect() -> None:
    """Listen to signals; bulk changes send none and call `forget_users` themselves."""
    for signal in (post_save, post_delete):
        signal.connect(_user_changed, sender=User, dispatch_uid="users.user")
    pre_save.connect(account_changes.before, sender=User, dispatch_uid="users.before_change")
    post_save.connect(account_changes.after, sender=User, dispatch_uid="users.after_change")
    for rights in (User.groups, User.user_permissions):
        through = rights.through
        m2m_changed.connect(
            account_changes.rights_changed,
            sender=through,
            dispatch_uid=f"users.rights.{through.__name__}",
        )
    post_save.connect(_token_made, sender=AuthToken, dispatch_uid="users.token_made")
    post_delete.connect(_user_deleted, sender=User, dispatch_uid="users.erased")
    post_delete.connect(_number_deleted, sender=FormerNumber, dispatch_uid="users.erased_number")
    post_delete.connect(_token_deleted, sender=AuthToken, dispatch_uid="users.token")
    post_save.connect(_factor_saved, sender=Authenticator, dispatch_uid="users.factor_saved")
    post_delete.connect(_factor_removed, sender=Authenticator, dispatch_uid="users.factor")


def _user_changed(instance: User, created: bool = False, raw: bool = False, **kwargs: Any) -> None:
    if created and not raw:
        transaction.on_commit(credentials.put_new_user(instance))
        return
    # Callers are remembered with the numbers that are merged into theirs.
    ids = [instance.pk, *filter(None, [instance.merged_into_id])]
    transaction.on_commit(partial(credentials.forget_users, ids))


def _user_deleted(instance: User, **kwargs: Any) -> None:
    remember_erased(instance.school_number)


def _number_deleted(instance: FormerNumber, **kwargs: Any) -> None:
    remember_erased(instance.number)


def _token_deleted(instance: AuthToken, **kwargs: Any) -> None:
    transaction.on_commit(partial(credentials.forget_token, instance.digest))


def _token_made(instance: AuthToken, created: bool, raw: bool = False, **kwargs: Any) -> None:
    if created and not raw:
        # Read anew: whoever came by another door says so themselves.
        user = User.objects.get(pk=instance.user_id)
        tokens.write_proof(instance, tokens.proof_of_now(user))


def _factor_saved(
    instance: Authenticator, created: bool, update_fields: Any = None, **kwargs: Any
) -> None:
    # A code that is used is written down as well, and changes nothing.
    is_other = instance.type in second_factor.FACTORS and update_fields is None
    if created or is_other:
        _end_what_was_proved(instance.user_id)


def _factor_removed(instance: Authenticator, **kwargs: Any) -> None:
    if instance.type in second_factor.FACTORS and not second_factor.is_enrolled(instance.user_id):
        # They stood in for it; they must not stand in for the next one.
        Authenticator.objects.filter(user_id=instance.user_id).delete()
    _end_what_was_proved(instance.user_id)


def _end_what_was_proved(user_id: int) -> None:
    """Sessions and tokens from before a factor changed do not say what it takes now."""
    with transaction.atomic():
        user = User.objects.select_for_update(no_key=True).filter(pk=user_id).first()
        if user is not None:
            tokens.sign_out(user)
