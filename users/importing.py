"""Making accounts from a file: people who can sign in, once each."""

import csv
from collections.abc import Callable, Iterable, Iterator
from typing import Any, NamedTuple, TextIO

import msgspec
from django.contrib.auth.hashers import make_password
from django.contrib.auth.password_validation import validate_password
from django.core.exceptions import ValidationError
from django.core.validators import validate_email
from django.db import transaction

from users.errors import UserError
from users.identity import Role, canonical_school_number, clean_full_name
from users.models import User

COLUMNS = ("school_number", "full_name", "role", "email", "password")
REQUIRED = frozenset(COLUMNS[:2])
BATCH = 1_000
LONGEST_EMAIL = 254


class UnreadableFile(UserError):
    code = "unreadable_file"


class BadRow(msgspec.Struct, frozen=True):
    """A row that was left out: its line in the file, a stable code, and what to do."""

    line: int
    code: str
    detail: str


class ImportReport(msgspec.Struct, frozen=True):
    created: int
    completed: int
    """Users without a usable password, as persistence makes them, who got one."""
    updated: int
    unchanged: int
    bad: tuple[BadRow, ...]
    is_dry_run: bool


class Row(NamedTuple):
    line: int
    school_number: str
    full_name: str
    role: str
    email: str
    password: str


class _Refused(Exception):
    def __init__(self, code: str, detail: str) -> None:
        super().__init__(detail)
        self.code = code


def import_users(
    file: TextIO, *, dry_run: bool = False, advance: Callable[[int], None] = lambda count: None
) -> ImportReport:
    """Create, complete or update the users of a CSV file; good rows apply, bad ones are told.

    The file decides name, role and e-mail. Its password is an initial one: it
    is set only where the user has none that can be used, so that applying the
    file again changes nothing. Superusers are left alone. `advance` is told
    how many rows are done. Raises UnreadableFile where there is no header, or
    the text is not UTF-8.
    """
    good, bad = _read(file)
    counts = {"created": 0, "completed": 0, "updated": 0, "unchanged": 0}
    for start in range(0, len(good), BATCH):
        batch = good[start : start + BATCH]
        refused = _apply(batch, counts, dry_run=dry_run)
        bad += refused
        advance(len(batch))
    bad.sort(key=lambda row: row.line)
    return ImportReport(**counts, bad=tuple(bad), is_dry_run=dry_run)


def _read(file: TextIO) -> tuple[list[Row], list[BadRow]]:
    rows: dict[str, Row] = {}
    bad: list[BadRow] = []
    for line, raw in _lines(file):
        try:
            row = _checked(line, raw)
        except UserError as error:
            bad.append(BadRow(line, error.code, error.detail))
        except _Refused as error:
            bad.append(BadRow(line, error.code, str(error)))
        else:
            first = rows.setdefault(row.school_number, row)
            if first is not row:
                detail = f"Line {first.line} has the same school number. Remove one of them."
                bad.append(BadRow(line, "duplicate_number", detail))
    return sorted(rows.values(), key=lambda row: row.school_number), bad


def _lines(file: TextIO) -> Iterator[tuple[int, dict[str, str]]]:
    try:
        head = file.readline()
        names = next(csv.reader([head], delimiter=_delimiter(head)), [])
        columns = [name.strip().lower() for name in names]
        missing = REQUIRED - set(columns)
        if missing or set(columns) - set(COLUMNS):
            raise UnreadableFile(
                f"The first line must name the columns: {', '.join(COLUMNS)}. The last three may "
                "be left out."
            )
        # Strict: an open quotation mark must not swallow the rest of the file.
        reader = csv.reader(file, delimiter=_delimiter(head), strict=True)
        for values in reader:
            if any(value.strip() for value in values):
                line = reader.line_num + 1
                fits = len(values) <= len(columns)
                yield line, dict(zip(columns, values, strict=False)) if fits else {}
    except UnicodeDecodeError:
        raise UnreadableFile("The file is not UTF-8. Save it as CSV UTF-8.") from None
    except csv.Error as error:
        raise UnreadableFile(f"The file is not CSV: {error}. Correct it and try again.") from None


def _delimiter(head: str) -> str:
    return ";" if head.count(";") > head.count(",") else ","


def _checked(line: int, raw: dict[str, str]) -> Row:
    if not raw:
        raise _Refused("too_many_values", "This row has more values than columns.")
    role = raw.get("role", "").strip().lower() or Role.STUDENT.value
    if role not in list(Role):
        raise _Refused("invalid_role", "A role is student, teacher or staff.")
    row = Row(
        line,
        canonical_school_number(raw.get("school_number", "")),
        clean_full_name(raw.get("full_name", "")),
        role,
        raw.get("email", "").strip(),
        raw.get("password", ""),
    )
    _check_email(row.email)
    _check_password(row)
    return row


def _check_email(email: str) -> None:
    try:
        if email:
            validate_email(email)
            email.encode()
    except (ValidationError, UnicodeError):
        raise _Refused("invalid_email", "This is not an e-mail address.") from None
    if len(email) > LONGEST_EMAIL:
        raise _Refused("invalid_email", f"An address has at most {LONGEST_EMAIL} characters.")


def _check_password(row: Row) -> None:
    if not row.password:
        return
    try:
        row.password.encode()
        validate_password(row.password, User(school_number=row.school_number))
    except UnicodeError:
        raise _Refused(
            "weak_password", "The password has characters that cannot be kept."
        ) from None
    except ValidationError as error:
        raise _Refused("weak_password", " ".join(error.messages)) from None


def _apply(batch: list[Row], counts: dict[str, int], *, dry_run: bool) -> list[BadRow]:
    """Apply rows in one transaction, with a fixed number of queries."""
    with transaction.atomic():
        numbers = [row.school_number for row in batch]
        known = {
            user.school_number: user
            for user in User.objects.select_for_update()
            .filter(school_number__in=numbers)
            .order_by("school_number")
        }
        new = [row for row in batch if row.school_number not in known]
        changed, bad = _changed((row for row in batch if row.school_number in known), known, counts)
        counts["created"] += len(new)
        counts["unchanged"] += len(batch) - len(new) - len(changed) - len(bad)
        if not dry_run:
            User.objects.bulk_create([_new(row) for row in new])
            fields = ["full_name", "role", "email", "password"]
            User.objects.bulk_update(changed, fields, batch_size=BATCH)
    return bad


def _changed(
    rows: Iterable[Row], known: dict[str, User], counts: dict[str, int]
) -> tuple[list[User], list[BadRow]]:
    changed: list[User] = []
    bad: list[BadRow] = []
    for row in rows:
        user = known[row.school_number]
        if user.is_superuser:
            detail = "A superuser is changed in the admin only. Remove this row."
            bad.append(BadRow(row.line, "superuser", detail))
            continue
        wanted: dict[str, Any] = {"full_name": row.full_name, "role": row.role, "email": row.email}
        differs = any(getattr(user, name) != value for name, value in wanted.items())
        completes = bool(row.password) and not user.has_usable_password()
        if differs or completes:
            for name, value in wanted.items():
                setattr(user, name, value)
            if completes:
                user.password = make_password(row.password)
            counts["completed" if completes else "updated"] += 1
            changed.append(user)
    return changed, bad


def _new(row: Row) -> User:
    return User(
        school_number=row.school_number,
        full_name=row.full_name,
        role=row.role,
        email=row.email,
        password=make_password(row.password or None),
    )
