"""Making accounts from a file, one for each person."""

import csv
import unicodedata
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from typing import TYPE_CHECKING, NamedTuple, TextIO

import msgspec
from django.contrib.auth.hashers import make_password
from django.contrib.auth.password_validation import validate_password
from django.core.exceptions import ValidationError
from django.core.validators import validate_email
from django.db import IntegrityError, transaction

from users import errors
from users.credentials import forget_users
from users.errors import gettext_noop as _
from users.identity import Role, canonical_school_number, clean_full_name
from users.models import User
from users.wording import in_words

if TYPE_CHECKING:
    from _csv import Reader

COLUMNS = ("school_number", "full_name", "role", "email", "password")
REQUIRED = COLUMNS[:2]
DECIDED = ("full_name", "role", "email")
"""The fields that the file decides, where its cell is not empty."""
BATCH = 1_000
ATTEMPTS = 5
"""How often a batch is tried where somebody else makes one of its users meanwhile."""
LONGEST_EMAIL = 254
LONGEST_HEAD = 10_000


class BadRow(msgspec.Struct, frozen=True):
    """A row that was left out: its line in the file, a stable code, and what to do."""

    line: int
    code: str
    detail: str
    """In the language of whoever runs the import."""


class ImportReport(msgspec.Struct, frozen=True):
    created: int
    completed: int
    """Users who had no usable password, as persistence makes them, and got one."""
    updated: int
    unchanged: int
    bad: tuple[BadRow, ...]
    is_dry_run: bool


class ImportRow(NamedTuple):
    line: int
    school_number: str
    full_name: str
    role: str
    """Empty where the file has none, as the two below."""
    email: str
    password: str


class _Applied(NamedTuple):
    counts: Counter[str]
    bad: list[BadRow]


def import_users(
    file: TextIO, *, dry_run: bool = False, advance: Callable[[int], None] = lambda count: None
) -> ImportReport:
    """Create, complete or update the users of a CSV file; good rows apply, bad ones are reported.

    The file decides name, role and e-mail. Where a cell is empty or a column is left
    out, a known user keeps the old value, and a new one is a student. A password is an
    initial one: it is set only where the user has none that can be used, so that
    applying the file again changes nothing. Superusers are left alone. `advance` gets
    the number of rows done. Raises UnreadableFile where there is no header, or the text
    is not CSV or not UTF-8.
    """
    good, bad = _read_rows(file)
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


def _read_rows(file: TextIO) -> tuple[list[ImportRow], list[BadRow]]:
    rows: dict[str, ImportRow] = {}
    bad: list[BadRow] = []
    for line, cells in _lines(file):
        try:
            if isinstance(cells, errors.RowError):
                raise cells
            row = _check_row(line, cells)
            first = rows.setdefault(row.school_number, row)
            if first is not row:
                raise errors.DuplicateNumber(line=first.line)
        except errors.AttnError as error:
            bad.append(_bad_row(line, error))
    return sorted(rows.values(), key=lambda row: row.school_number), bad


def _bad_row(line: int, error: errors.AttnError) -> BadRow:
    return BadRow(line, error.code, in_words(error))


def _lines(file: TextIO) -> Iterator[tuple[int, dict[str, str] | errors.RowError]]:
    """Each row with the line on which it begins; blank ones are left out."""
    try:
        head = file.readline(LONGEST_HEAD)
        delimiter = ";" if head.count(";") > head.count(",") else ","
        columns = _columns(next(csv.reader([head], delimiter=delimiter), []))
        # Strict: an open quotation mark must not swallow the rest of the file.
        reader = csv.reader(file, delimiter=delimiter, strict=True)
        last = 1
        while (values := _next_row(reader, last + 1)) is not None:
            line, last = last + 1, reader.line_num + 1
            if isinstance(values, errors.RowError):
                yield line, values
            elif any(value.strip() for value in values):
                yield line, _cells(columns, values, is_split=last > line)
    except UnicodeDecodeError:
        raise errors.UnreadableFile from None


def _columns(names: Sequence[str]) -> list[str]:
    columns = [name.strip().lower() for name in names]
    if not set(REQUIRED) <= set(columns) <= set(COLUMNS) or len(columns) != len(set(columns)):
        raise _unreadable_head(columns)
    return columns


def _unreadable_head(columns: Sequence[str]) -> errors.UnreadableFile:
    wanted_names, found_names = ", ".join(COLUMNS), ", ".join(columns)[:200]
    if not found_names:
        return errors.UnreadableFile(
            _(
                "The first line must name the columns, each once: %(wanted)s; it names none. "
                "The last three may be left out."
            ),
            wanted=wanted_names,
        )
    return errors.UnreadableFile(
        _(
            "The first line must name the columns, each once: %(wanted)s; it names %(named)s. "
            "The last three may be left out."
        ),
        wanted=wanted_names,
        named=found_names,
    )


def _next_row(reader: "Reader", line: int) -> list[str] | errors.RowError | None:
    """The next row; None at the end. Raises UnreadableFile where rows cannot be told apart."""
    try:
        return next(reader, None)
    except csv.Error as error:
        # A bad line affects only itself; an open quotation mark also swallows others.
        if reader.line_num + 1 > line or "unexpected end" in str(error):
            raise errors.UnreadableFile(
                _(
                    "From line %(line)d on, the file is not CSV: %(error)s. "
                    "Is a quotation mark open?"
                ),
                line=line,
                error=str(error),
            ) from None
        return errors.UnreadableRow(error=str(error))


def _cells(
    columns: Sequence[str], values: Sequence[str], *, is_split: bool
) -> dict[str, str] | errors.RowError:
    if is_split:
        return errors.RowOfSeveralLines()
    if any(value.strip() for value in values[len(columns) :]):
        return errors.TooManyValues()
    return dict(zip(columns, values, strict=False))


def _check_row(line: int, cells: Mapping[str, str]) -> ImportRow:
    role = cells.get("role", "").strip().lower()
    if role and role not in list(Role):
        raise errors.InvalidRole
    row = ImportRow(
        line=line,
        school_number=canonical_school_number(cells.get("school_number", "")),
        full_name=clean_full_name(cells.get("full_name", "")),
        role=role,
        email=cells.get("email", "").strip(),
        password=cells.get("password", ""),
    )
    if row.email:
        _check_email(row.email)
    if row.password:
        _check_password(row)
    return row


def _check_email(email: str) -> None:
    if len(email) > LONGEST_EMAIL:
        raise errors.InvalidEmail(
            _("An address has at most %(most)d characters."), most=LONGEST_EMAIL
        )
    try:
        validate_email(email)
    except ValidationError:
        raise errors.InvalidEmail from None


def _check_password(row: ImportRow) -> None:
    if any(unicodedata.category(char) == "Cc" for char in row.password):
        raise errors.WeakPassword
    person = User(school_number=row.school_number, full_name=row.full_name, email=row.email)
    try:
        validate_password(row.password, person)
    except ValidationError as error:
        # The framework's messages are in the language of the import already.
        raise errors.WeakPassword(_("%(rules)s"), rules=" ".join(error.messages)) from None


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
    with transaction.atomic():
        users = _locked([row.school_number for row in batch])
        for row in batch:
            user = users.get(row.school_number)
            if user is None:
                new.append(_new(row, hashes))
                outcome = "created"
            elif user.is_superuser:
                applied.bad.append(_bad_row(row.line, errors.SuperuserRow()))
                continue
            else:
                outcome = _change(user, row, hashes)
            applied.counts[outcome] += 1
            if user and outcome != "unchanged":
                changed_users.append(user)
        if not dry_run:
            User.objects.bulk_create(new)
            User.objects.bulk_update(changed_users, [*DECIDED, "password"], batch_size=BATCH)
            # Bulk changes send no signal.
            transaction.on_commit(partial(forget_users, [user.pk for user in changed_users]))
    return applied


def _locked(numbers: Sequence[str]) -> dict[str, User]:
    # NO KEY: persistence points to these rows and must not wait for an import.
    rows = User.objects.select_for_update(no_key=True).filter(school_number__in=numbers)
    return {user.school_number: user for user in rows.order_by("school_number")}


def _change(user: User, row: ImportRow, hashes: Mapping[str, str]) -> str:
    """Change a known user to the values of the file; returns what changed."""
    values = {name: getattr(row, name) for name in DECIDED if getattr(row, name)}
    differs = any(getattr(user, name) != value for name, value in values.items())
    for name, value in values.items():
        setattr(user, name, value)
    if row.password and not user.has_usable_password():
        user.password = _password(row, hashes)
        return "completed"
    return "updated" if differs else "unchanged"


def _new(row: ImportRow, hashes: Mapping[str, str]) -> User:
    return User(
        school_number=row.school_number,
        full_name=row.full_name,
        role=row.role or Role.STUDENT.value,
        email=row.email,
        password=_password(row, hashes),
    )


def _password(row: ImportRow, hashes: Mapping[str, str]) -> str:
    # It has no hash yet where somebody else deleted or changed the user since.
    return hashes.get(row.school_number) or make_password(row.password or None)
