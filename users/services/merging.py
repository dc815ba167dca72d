"""Two accounts of one person become one, and are taken apart again; no row is rewritten."""

from functools import partial

from django.db import transaction

from users import errors
from users.credentials import forget_users
from users.identity import canonical_school_number, clean_text
from users.models import LONGEST_MERGE_REASON, MergeKind, PersonMerge, RoleChoices, User
from users.tokens import sign_out


def merge_people(*, duplicate: str, into: str, actor: User, reason: str) -> PersonMerge:
    """Let the account with the number `into` stand for the one with the number `duplicate`.

    Nobody signs in with the duplicate from then on: its tokens and sessions end at once.
    The same merge again changes nothing and returns the first.

    Raises InvalidSchoolNumber, InvalidReason, MayNotMerge, PersonNotFound, MergeWithOneself,
    MergeOfOwnAccount, MergeNeedsSuperuser, MergeInACircle, MergeTargetMerged, AlreadyMerged,
    HasMergedAccounts, MergeRolesDiffer and MergeTargetInactive.
    """
    _check_may(actor)
    why = _clean_reason(reason)
    numbers = canonical_school_number(duplicate), canonical_school_number(into)
    if numbers[0] == numbers[1]:
        raise errors.MergeWithOneself(number=numbers[0])
    with transaction.atomic():
        account, root = _lock(*numbers)
        _check_accounts(account, root, actor=actor)
        if account.merged_into_id == root.pk:
            return _last_of(account, MergeKind.MERGE)
        _check_is_possible(account, root)
        return _write(account, root, MergeKind.MERGE, actor=actor, reason=why)


def unmerge_people(*, duplicate: str, actor: User, reason: str) -> PersonMerge:
    """Let a merged account stand for itself again; its own sign-in works as before.

    What was written meanwhile stays with the account that it was written for. Once more
    changes nothing and returns the first.

    Raises InvalidSchoolNumber, InvalidReason, MayNotMerge, PersonNotFound,
    MergeNeedsSuperuser, and NotMerged for an account that never was.
    """
    _check_may(actor)
    why = _clean_reason(reason)
    with transaction.atomic():
        (account,) = _lock(canonical_school_number(duplicate))
        _check_role(account, actor=actor)
        if account.merged_into is None:
            return _last_of(account, MergeKind.UNMERGE)
        return _write(account, account.merged_into, MergeKind.UNMERGE, actor=actor, reason=why)


def _check_may(actor: User) -> None:
    if actor.role != RoleChoices.STAFF:
        raise errors.MayNotMerge


def _clean_reason(text: str) -> str:
    reason = clean_text(text)
    if not reason or len(reason) > LONGEST_MERGE_REASON:
        raise errors.InvalidReason(most=LONGEST_MERGE_REASON)
    return reason


def _lock(*numbers: str) -> list[User]:
    """The accounts, locked until the commit, in the order of the numbers asked for.

    Always locked by id: two merges of the same accounts would else wait for each other.
    What is read of them is as the one before us left it.
    """
    # NO KEY: persistence points to these rows and must not wait.
    rows = User.objects.select_for_update(no_key=True).filter(school_number__in=numbers)
    found = {user.school_number: user for user in rows.order_by("pk")}
    for number in numbers:
        if number not in found:
            raise errors.PersonNotFound(number=number)
    return [found[number] for number in numbers]


def _check_accounts(account: User, root: User, *, actor: User) -> None:
    if account.pk == actor.pk:
        raise errors.MergeOfOwnAccount(number=account.school_number)
    for user in (account, root):
        _check_role(user, actor=actor)


def _check_role(user: User, *, actor: User) -> None:
    """Staff do not decide who signs in as staff; as in the admin."""
    if user.is_staff and not actor.is_superuser:
        raise errors.MergeNeedsSuperuser


def _check_is_possible(account: User, root: User) -> None:
    number, into = account.school_number, root.school_number
    if root.merged_into is not None:
        if root.merged_into_id == account.pk:
            raise errors.MergeInACircle(number=number, into=into)
        raise errors.MergeTargetMerged(number=into, into=root.merged_into.school_number)
    if account.merged_into is not None:
        raise errors.AlreadyMerged(number=number, into=account.merged_into.school_number)
    first = account.merged_accounts.first()
    if first is not None:
        raise errors.HasMergedAccounts(number=number, first=first.school_number)
    if account.role != root.role:
        raise errors.MergeRolesDiffer(
            number=number,
            into=into,
            role=RoleChoices(account.role),
            other_role=RoleChoices(root.role),
        )
    if account.is_active and not root.is_active:
        raise errors.MergeTargetInactive(number=into)


def _last_of(account: User, kind: MergeKind) -> PersonMerge:
    """What a repeated request is answered with. Raises NotMerged where there was none."""
    last = account.merges.select_related("duplicate", "into", "actor").first()
    if last is None or last.kind != kind:
        raise errors.NotMerged(number=account.school_number)
    return last


def _write(account: User, root: User, kind: MergeKind, *, actor: User, reason: str) -> PersonMerge:
    written = PersonMerge.objects.create(
        duplicate=account,
        into=root,
        kind=kind,
        reason=reason,
        actor=actor,
        actor_name=actor.full_name,
    )
    account.merged_into = root if kind is MergeKind.MERGE else None
    account.save(update_fields=["merged_into"])
    if kind is MergeKind.MERGE:
        sign_out(account)
    # Callers are remembered with all of their numbers.
    transaction.on_commit(partial(forget_users, [account.pk, root.pk]))
    return written
