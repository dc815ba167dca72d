"""What is written down when an account is made or changed, by whichever door."""

from collections.abc import Collection
from typing import Any

from users import origin, security_log
from users.models import RoleChoices, SecurityKind, User
from users.security_log import Details

WATCHED = ("school_number", "role", "is_active", "is_superuser", "password")
_BEFORE = "_attn_before"
_ADDING = {"post_add", "post_remove", "post_clear"}


def before(
    instance: User, raw: bool = False, update_fields: Collection[str] | None = None, **more: Any
) -> None:
    """Remember what the row says: what is saved may have been set long before."""
    is_watched = update_fields is None or not set(WATCHED).isdisjoint(update_fields)
    rows = User.objects.filter(pk=instance.pk).values(*WATCHED)
    known = rows.first() if instance.pk and is_watched and not raw else None
    instance.__dict__[_BEFORE] = known


def after(
    instance: User, created: bool, update_fields: Collection[str] | None = None, **more: Any
) -> None:
    """Write down what differs."""
    was: dict[str, Any] | None = instance.__dict__.pop(_BEFORE, None)
    if created:
        _made(instance)
    if was is None:
        return
    fields = tuple(name for name in WATCHED if was[name] != getattr(instance, name))
    # At a sign-in the framework hashes the same password anew, and saves that alone.
    is_rehashed = (
        set(update_fields or ()) == {"password"} and getattr(instance, "_password", None) is None
    )
    if "password" in fields and not is_rehashed:
        _password_changed(instance)
    others = tuple(name for name in fields if name != "password")
    if others:
        role = instance.role if "role" in others else ""
        changed(instance.pk, Details(fields=others, role=role))


def rights_changed(
    instance: Any, action: str, model: Any, reverse: bool, pk_set: Any = None, **more: Any
) -> None:
    """Groups and permissions of a user, which stand in tables of their own."""
    if action not in _ADDING or reverse or (pk_set is not None and not pk_set):
        return
    changed(instance.pk, Details(fields=(str(model._meta.model_name),)))


def changed(user_id: int, details: Details) -> None:
    security_log.write(SecurityKind.ACCOUNT_CHANGED, subject_id=user_id, details=details)


def _made(user: User) -> None:
    # Students and teachers come in by the thousand, from lessons and rosters.
    if user.role == RoleChoices.STAFF or origin.current().actor_id is not None:
        details = Details(role=user.role)
        security_log.write(SecurityKind.ACCOUNT_MADE, subject_id=user.pk, details=details)


def _password_changed(user: User) -> None:
    is_own = origin.current().actor_id == user.pk
    kind = SecurityKind.PASSWORD_CHANGED if is_own else SecurityKind.PASSWORD_SET
    security_log.write(kind, subject_id=user.pk)
