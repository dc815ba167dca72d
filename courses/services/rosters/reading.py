"""From the rows of a file to rows of a roster: each is checked by itself."""

from collections.abc import Iterator
from datetime import date
from typing import Final, NamedTuple, TextIO

from courses.errors import (
    InvalidSectionRole,
    NulInRow,
    RosterColumns,
    SectionRequired,
)
from courses.services.validation import clean_line
from courses.vocabulary import LONGEST_CODE, EnrolmentRole
from users.errors import AttnError, TooFewValues
from users.identity import clean_full_name
from users.reading.cells import fold_case, fold_heading, parse_day, parse_school_number
from users.reading.table import TableRow, read_table

COLUMNS: Final = ("school_number", "full_name", "section", "role", "begins_on", "ends_on")
_REQUIRED: Final = COLUMNS[:2]

_ROLE_WORDS: Final = {
    EnrolmentRole.STUDENT: ("student", "learner", "pupil", "ogrenci"),
    EnrolmentRole.TEACHER: (
        *("teacher", "instructor", "lecturer", "editingteacher", "ogretmen"),
        *("ogretim elemani", "ogretim uyesi", "ogretim gorevlisi"),
    ),
    EnrolmentRole.ASSISTANT: (
        *("assistant", "teaching assistant", "teachingassistant", "ta", "aide"),
        *("asistan", "arastirma gorevlisi"),
    ),
    EnrolmentRole.OBSERVER: ("observer", "mentor", "gozlemci"),
}
_ROLES: Final = {word: role for role, words in _ROLE_WORDS.items() for word in words}


class RosterRow(NamedTuple):
    line: int
    section: str
    """As the file writes it, in one line."""
    key: str
    """The same without case: by it sections are found."""
    school_number: str
    full_name: str
    """Empty where the file says nothing: a known person keeps theirs."""
    role: EnrolmentRole
    begins_on: date | None
    ends_on: date | None


class BadRosterRow(NamedTuple):
    line: int
    error: AttnError
    section: str
    """What could be read of it, or ''; so that nobody is ended because their row is bad."""
    key: str
    school_number: str
    full_name: str = ""


class RosterTable(NamedTuple):
    rows: tuple[RosterRow, ...]
    bad: tuple[BadRosterRow, ...]
    says_end: bool
    """Whether there is a column for the end: then an empty cell is an open end."""
    unread_columns: tuple[str, ...]


def read_roster(file: TextIO, *, section: str = "") -> RosterTable:
    """The rows of a roster. A section that is named here is that of rows that name none.

    Raises RosterColumns where a column is missing, and UnreadableFile.
    """
    table = read_table(file, wanted=COLUMNS)
    needed = _REQUIRED if section else (*_REQUIRED, "section")
    missing = [name for name in needed if name not in table.columns]
    if missing:
        found = ", ".join(table.headings)[:200] or "–"
        raise RosterColumns(missing=", ".join(missing), named=found)
    good: list[RosterRow] = []
    bad: list[BadRosterRow] = []
    for row in _rows(table.rows, section):
        (good if isinstance(row, RosterRow) else bad).append(row)  # type: ignore[arg-type]
    return RosterTable(tuple(good), tuple(bad), "ends_on" in table.columns, table.unread)


def _rows(rows: Iterator[TableRow], section: str) -> Iterator[RosterRow | BadRosterRow]:
    for row in rows:
        try:
            yield _check_row(row, section)
        except AttnError as error:
            yield _bad_row(row, error, section)


def _check_row(row: TableRow, section: str) -> RosterRow:
    if row.error:
        raise row.error
    if any("\0" in cell for cell in row.cells.values()):
        raise NulInRow
    if row.is_short:
        raise TooFewValues
    named = " ".join(clean_line(row.cells.get("section", ""), most=LONGEST_CODE).split()) or section
    if not named:
        raise SectionRequired
    name = row.cells["full_name"].strip()
    return RosterRow(
        line=row.line,
        section=named,
        key=fold_case(named),
        school_number=parse_school_number(row.cells["school_number"]),
        full_name=clean_full_name(name) if name else "",
        role=_role_of(row.cells.get("role", "")),
        begins_on=parse_day(row.cells.get("begins_on", "")),
        ends_on=parse_day(row.cells.get("ends_on", "")),
    )


def _role_of(cell: str) -> EnrolmentRole:
    """The role that a word means; an empty cell is a student."""
    word = fold_heading(cell)
    if not word:
        return EnrolmentRole.STUDENT
    if word not in _ROLES:
        raise InvalidSectionRole
    return _ROLES[word]


def _bad_row(row: TableRow, error: AttnError, section: str) -> BadRosterRow:
    named = " ".join(row.cells.get("section", "").split()) or section
    try:
        number = parse_school_number(row.cells.get("school_number", ""))
    except AttnError:
        number = ""
    try:
        name = clean_full_name(row.cells.get("full_name", ""))
    except AttnError:
        name = ""
    return BadRosterRow(
        line=row.line,
        error=error,
        section=named[:LONGEST_CODE],
        key=fold_case(named),
        school_number=number,
        full_name=name,
    )
