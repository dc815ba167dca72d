"""Making accounts from a file, one for each person."""

from collections import Counter
from collections.abc import Mapping, Sequence
from functools import partial
from typing import NamedTuple, TextIO

import msgspec
from django.contrib.auth.hashers import make_password
from django.db import IntegrityError, transaction

from users import errors, security_log
from users.account_rows import BadRow, ImportRow, bad_row, read_rows
from users.credentials import forget_users
from users.identity import Role
from users.models import FormerNumber, SecurityKind, User
from users.reading.table import Advance
from users.security_log import Details

DECIDED = ("full_name", "role", "email")
"""The fields that the file decides, where its cell is not empty."""
WRITTEN = (*DECIDED, "password", "must_change_password")
BATCH = 1_000
ATTEMPTS = 5
"""How often a batch is tried where somebody else makes one of its users meanwhile."""


class ImportReport(msgspec.Struct, frozen=True):
    created: int
    completed: int
    """Users who had no usable password, as persistence makes them, and got one."""
    updated: int
    unchanged: int
    bad: tuple[BadRow, ...]
    is_dry_run: bool


class _Applied(NamedTuple):
    counts: Counter[str]
    bad: list[BadRow]


def import_users(
    file: TextIO, *, dry_run: bool = False, advance: Advance = lambda count: None
) -> ImportReport:
    """Create, complete or update the users of a CSV file; good rows apply, bad ones are reported.

    The file decides name, role and e-mail. Where a cell is empty or a column is left
    out, a known user keeps the old value, and a new one is a student. A password is an
    initial one, to be changed at the first sign-in: it is set only where the user has none
    that can be used, so that applying the file again changes nothing. Superusers are left
    alone. `advance` gets the number of rows done. Raises UnreadableFile where there is no
    header, or the text is not CSV.
    """
    good, bad = read_rows(file)
    counts: Counter[str] = Counter()
    for start in range(0, len(good), BATCH):
        batch = good[start : start + BATCH]
        applied = _apply(batch, dry_run=dry_run)
        counts += applied.counts
        bad += applied.bad
        advance(len(batch))
    bad.sort(key=lambda row: row.line)
    return ImportReport(
        created=counts["created"],
        completed=counts["completed"],
        updated=counts["updated"],
        unchanged=counts["unchanged"],
        bad=tuple(bad),
        is_dry_run=dry_run,
    )


def _apply(batch: Sequence[ImportRow], *, dry_run: bool) -> _Applied:
    """Apply rows in one transaction, with a fixed number of queries."""
    # What is not written needs no hash.
    hashes = {row.school_number: "!" for row in batch} if dry_run else _hash_passwords(batch)
    for _attempt in range(ATTEMPTS - 1):
        try:
            return _try(batch, hashes, dry_run=dry_run)
        except IntegrityError:
            # A task or another import made one of these users: now it is known.
            continue
    return _try(batch, hashes, dry_run=dry_run)


def _hash_passwords(batch: Sequence[ImportRow]) -> dict[str, str]:
    """Hash new passwords before any row is locked: one hash takes most of a second."""
    passwords = {row.school_number: row.password for row in batch if row.password}
    users = User.objects.filter(school_number__in=passwords).only("school_number", "password")
    has_one = {user.school_number for user in users if user.has_usable_password()}
    return {number: make_password(passwords[number]) for number in passwords.keys() - has_one}


def _try(batch: Sequence[ImportRow], hashes: Mapping[str, str], *, dry_run: bool) -> _Applied:
    applied = _Applied(Counter(), [])
    new: list[User] = []
    changed_users: list[User] = []
    given: list[User] = []
    promoted: list[User] = []
    with transaction.atomic():
        numbers = [row.school_number for row in batch]
        users, former = _locked(numbers), _former(numbers)
        for row in batch:
            user = users.get(row.school_number)
            if user is None and row.school_number in former:
                now = former[row.school_number]
                error = errors.NumberIsFormer(number=row.school_number, now=now)
                applied.bad.append(bad_row(row.line, error))
                continue
            if user is None:
                new.append(_new(row, hashes))
                outcome = "created"
            elif user.is_superuser:
                applied.bad.append(bad_row(row.line, errors.SuperuserRow()))
                continue
            else:
                role_before = user.role
                outcome = _change(user, row, hashes)
                given += [user] if outcome == "completed" else []
                promoted += [user] if user.role != role_before else []
            applied.counts[outcome] += 1
            if user and outcome != "unchanged":
                changed_users.append(user)
        if not dry_run:
            User.objects.bulk_create(new)
            User.objects.bulk_update(changed_users, WRITTEN, batch_size=BATCH)
            _note(new, given, promoted)
            # Bulk changes send no signal.
            transaction.on_commit(partial(forget_users, [user.pk for user in changed_users]))
    return applied


def _note(new: list[User], given: list[User], promoted: list[User]) -> None:
    """Who got a password or another role; of new ones, who teaches or is staff."""
    made = [user for user in new if user.role != Role.STUDENT]
    security_log.write_many(
        [
            *((SecurityKind.ACCOUNT_MADE, user.pk, Details(role=user.role)) for user in made),
            *((SecurityKind.PASSWORD_SET, user.pk, Details()) for user in given),
            *(
                (SecurityKind.ACCOUNT_CHANGED, user.pk, Details(fields=("role",), role=user.role))
                for user in promoted
            ),
        ]
    )


def _locked(numbers: Sequence[str]) -> dict[str, User]:
    # NO KEY: persistence points to these rows and must not wait for an import.
    rows = User.objects.select_for_update(no_key=True).filter(school_number__in=numbers)
    return {user.school_number: user for user in rows.order_by("school_number")}


def _former(numbers: Sequence[str]) -> dict[str, str]:
    """Of these numbers, those that somebody had before, and the number that they have now."""
    rows = FormerNumber.objects.filter(number__in=numbers)
    return dict(rows.values_list("number", "user__school_number"))


def _change(user: User, row: ImportRow, hashes: Mapping[str, str]) -> str:
    """Change a known user to the values of the file; returns what changed."""
    values = {name: getattr(row, name) for name in DECIDED if getattr(row, name)}
    differs = any(getattr(user, name) != value for name, value in values.items())
    for name, value in values.items():
        setattr(user, name, value)
    if row.password and not user.has_usable_password():
        user.password, user.must_change_password = _password(row, hashes), True
        return "completed"
    return "updated" if differs else "unchanged"


def _new(row: ImportRow, hashes: Mapping[str, str]) -> User:
    return User(
        school_number=row.school_number,
        full_name=row.full_name,
        role=row.role or Role.STUDENT.value,
        email=row.email,
        password=_password(row, hashes),
        must_change_password=bool(row.password),
    )


def _password(row: ImportRow, hashes: Mapping[str, str]) -> str:
    # It has no hash yet where somebody else deleted or changed the user since.
    return hashes.get(row.school_number) or make_password(row.password or None)
