"""Making accounts from a file: people who can sign in, once each."""

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
"""What the file decides, wherever it says something."""
BATCH = 1_000
ATTEMPTS = 5
"""Times that a batch starts anew because somebody else made one of its users."""
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
    """Users without a usable password, as persistence makes them, who got one."""
    updated: int
    unchanged: int
    bad: tuple[BadRow, ...]
    is_dry_run: bool


class ImportRow(NamedTuple):
    line: int
    school_number: str
    full_name: str
    role: str
    """Empty where the file does not say, as the two below."""
    email: str
    password: str


class _Applied(NamedTuple):
    counts: Counter[str]
    bad: list[BadRow]


def import_users(
    file: TextIO, *, dry_run: bool = False, advance: Callable[[int], None] = lambda count: None
) -> ImportReport:
    """Create, complete or update the users of a CSV file; good rows apply, bad ones are told.

    The file decides name, role and e-mail. A cell that is empty, or a column
    that is left out, says nothing: a known user keeps what is there, a new one
    is a student. A password is an initial one: it is set only where the user
    has none that can be used, so that applying the file again changes nothing.
    Superusers are left alone. `advance` is told how many rows are done. Raises
    UnreadableFile where there is no header, or the text is not CSV or not UTF-8.
    """
    good, bad = _read(file)
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


def _read(file: TextIO) -> tuple[list[ImportRow], list[BadRow]]:
    rows: dict[str, ImportRow] = {}
    bad: list[BadRow] = []
    for line, cells in _lines(file):
        try:
            if isinstance(cells, errors.RowError):
                raise cells
            row = _checked(line, cells)
            first = rows.setdefault(row.school_number, row)
            if first is not row:
                raise errors.DuplicateNumber(line=first.line)
        except errors.AttnError as error:
            bad.append(_bad(line, error))
    return sorted(rows.values(), key=lambda row: row.school_number), bad


def _bad(line: int, error: errors.AttnError) -> BadRow:
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
        while (values := _next(reader, last + 1)) is not None:
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
    wanted, named = ", ".join(COLUMNS), ", ".join(columns)[:200]
    if not named:
        return errors.UnreadableFile(
            _(
                "The first line must name the columns, each once: %(wanted)s; it names none. "
                "The last three may be left out."
            ),
            wanted=wanted,
        )
    return errors.UnreadableFile(
        _(
            "The first line must name the columns, each once: %(wanted)s; it names %(named)s. "
            "The last three may be left out."
        ),
        wanted=wanted,
        named=named,
    )


def _next(reader: "Reader", line: int) -> list[str] | errors.RowError | None:
    """The next row; None at the end. Raises UnreadableFile where rows cannot be told apart."""
    try:
        return next(reader, None)
    except csv.Error as error:
        # One line harms itself only; an open quotation mark has taken others with it.
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


def _checked(line: int, cells: Mapping[str, str]) -> ImportRow:
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
        # The framework has said it in the language of the import.
        raise errors.WeakPassword(_("%(rules)s"), rules=" ".join(error.messages)) from None


def _apply(batch: Sequence[ImportRow], *, dry_run: bool) -> _Applied:
    """Apply rows in one transaction, with a fixed number of queries."""
    # What is not written needs no hash.
    hashes = {row.school_number: "!" for row in batch} if dry_run else _hashed(batch)
    for _attempt in range(ATTEMPTS - 1):
        try:
            return _try(batch, hashes, dry_run=dry_run)
        except IntegrityError:
            # A task or another import made one of these users: now it is known.
            continue
    return _try(batch, hashes, dry_run=dry_run)


def _hashed(batch: Sequence[ImportRow]) -> dict[str, str]:
    """Hash what will be needed before any row is locked: it takes most of a second each."""
    given = {row.school_number: row.password for row in batch if row.password}
    known = User.objects.filter(school_number__in=given).only("school_number", "password")
    has_one = {user.school_number for user in known if user.has_usable_password()}
    return {number: make_password(given[number]) for number in given.keys() - has_one}


def _try(batch: Sequence[ImportRow], hashes: Mapping[str, str], *, dry_run: bool) -> _Applied:
    applied = _Applied(Counter(), [])
    new: list[User] = []
    changed: list[User] = []
    with transaction.atomic():
        known = _locked([row.school_number for row in batch])
        for row in batch:
            user = known.get(row.school_number)
            if user is None:
                new.append(_new(row, hashes))
                outcome = "created"
            elif user.is_superuser:
                applied.bad.append(_bad(row.line, errors.SuperuserRow()))
                continue
            else:
                outcome = _change(user, row, hashes)
            applied.counts[outcome] += 1
            if user and outcome != "unchanged":
                changed.append(user)
        if not dry_run:
            User.objects.bulk_create(new)
            User.objects.bulk_update(changed, [*DECIDED, "password"], batch_size=BATCH)
            # What is changed in bulk sends no signal.
            transaction.on_commit(partial(forget_users, [user.pk for user in changed]))
    return applied


def _locked(numbers: Sequence[str]) -> dict[str, User]:
    # NO KEY: persistence points to these rows and must not wait for an import.
    rows = User.objects.select_for_update(no_key=True).filter(school_number__in=numbers)
    return {user.school_number: user for user in rows.order_by("school_number")}


def _change(user: User, row: ImportRow, hashes: Mapping[str, str]) -> str:
    """Bring a known user up to the file; returns what happened to them."""
    wanted = {name: getattr(row, name) for name in DECIDED if getattr(row, name)}
    differs = any(getattr(user, name) != value for name, value in wanted.items())
    for name, value in wanted.items():
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
    # Not hashed before where somebody else deleted or changed the user since.
    return hashes.get(row.school_number) or make_password(row.password or None)
