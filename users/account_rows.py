"""One row of a file of users: what it says, checked, before anybody is looked up."""

import unicodedata
from collections.abc import Iterator
from typing import NamedTuple, TextIO

import msgspec
from django.contrib.auth.password_validation import validate_password
from django.core.exceptions import ValidationError
from django.core.validators import validate_email

from users import errors
from users.errors import gettext_noop as _
from users.identity import Role, clean_full_name
from users.models import User
from users.passwords import composed
from users.reading.cells import parse_school_number
from users.reading.table import Table, TableRow, read_table
from users.wording import in_words

COLUMNS = ("school_number", "full_name", "role", "email", "password")
REQUIRED = COLUMNS[:2]
LONGEST_EMAIL = 254


class BadRow(msgspec.Struct, frozen=True):
    """A row that was left out: its line in the file, a stable code, and what to do."""

    line: int
    code: str
    detail: str
    """In the language of whoever runs the import."""


class ImportRow(NamedTuple):
    line: int
    school_number: str
    full_name: str
    role: str
    """Empty where the file has none, as the two below."""
    email: str
    password: str


def bad_row(line: int, error: errors.AttnError) -> BadRow:
    return BadRow(line, error.code, in_words(error))


def read_rows(file: TextIO) -> tuple[list[ImportRow], list[BadRow]]:
    """The good rows by school number, and those that are left out.

    Raises UnreadableFile where the columns are not those of a file of users.
    """
    rows: dict[str, ImportRow] = {}
    bad: list[BadRow] = []
    for raw in _rows_of(read_table(file, wanted=COLUMNS)):
        try:
            row = _check_row(raw)
            first = rows.setdefault(row.school_number, row)
            if first is not row:
                raise errors.DuplicateNumber(line=first.line)
        except errors.AttnError as error:
            bad.append(bad_row(raw.line, error))
    return sorted(rows.values(), key=lambda row: row.school_number), bad


def _rows_of(table: Table) -> Iterator[TableRow]:
    # A column with another name may be a slip: what it should say would be missing.
    if table.unread or not set(REQUIRED) <= set(table.columns):
        raise _unreadable_head(table)
    return table.rows


def _unreadable_head(table: Table) -> errors.UnreadableFile:
    wanted_names, found_names = ", ".join(COLUMNS), ", ".join(table.headings)[:200]
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


def _check_row(raw: TableRow) -> ImportRow:
    if raw.error:
        raise raw.error
    cells = raw.cells
    role = cells.get("role", "").strip().lower()
    if role and role not in list(Role):
        raise errors.InvalidRole
    row = ImportRow(
        line=raw.line,
        school_number=parse_school_number(cells.get("school_number", "")),
        full_name=clean_full_name(cells.get("full_name", "")),
        role=role,
        email=cells.get("email", "").strip(),
        password=composed(cells.get("password", "")),
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
