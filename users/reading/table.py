"""CSV as spreadsheets write it: its columns by name, then row by row with line numbers."""

import csv
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Final, NamedTuple, TextIO

from users import errors
from users.errors import gettext_noop as _
from users.reading.cells import fold_heading

if TYPE_CHECKING:
    from _csv import Reader

ALIASES: Final[Mapping[str, tuple[str, ...]]] = {
    "school_number": (
        *("school number", "student number", "student no", "okul no", "okul numarasi"),
        *("ogrenci no", "ogrenci numarasi", "numara"),
    ),
    "full_name": ("full name", "ad soyad", "adi soyadi"),
    "section": ("section", "course", "ders", "ders kodu", "sinif", "sube"),
    "role": ("role", "rol"),
    "begins_on": ("begins on", "begin date", "start date", "baslangic", "baslangic tarihi"),
    "ends_on": ("ends on", "end date", "bitis", "bitis tarihi"),
    "email": ("email", "e mail", "e posta", "eposta"),
    "password": ("password",),
}
"""What a column may be called, as `fold_heading` gives it."""

DELIMITERS: Final = (",", ";", "\t")
LONGEST_HEAD = 10_000
_SEP = re.compile(r'"?sep=(.)"?', re.IGNORECASE)
_BY_HEADING = {name: column for column, names in ALIASES.items() for name in names}


class TableRow(NamedTuple):
    line: int
    """The line on which it begins."""
    cells: Mapping[str, str]
    is_short: bool = False
    """It ends before the last column."""
    error: errors.RowError | None = None
    """Why there are no cells."""


class Table(NamedTuple):
    columns: tuple[str, ...]
    """Those that were asked for and are there."""
    unread: tuple[str, ...]
    """The names of all others, as they are written."""
    headings: tuple[str, ...]
    rows: Iterator[TableRow]


class _Head(NamedTuple):
    line: str
    lines: int
    """How many lines of the file it took."""
    delimiter: str


def read_table(file: TextIO, *, wanted: Sequence[str]) -> Table:
    """The table of a CSV file; its rows are read as they are asked for.

    Blank lines, a line `sep=;` before the names, marks of byte order and empty cells
    after the last column are skipped. Raises UnreadableFile where no line names columns,
    or one of the wanted is named twice; while rows are read, where they cannot be told
    apart.
    """
    head = _find_head(file)
    headings = _split(head)
    named = [_wanted_of(heading, wanted) for heading in headings]
    _check_once(headings, named)
    return Table(
        columns=tuple(name for name in named if name),
        unread=tuple(h for h, name in zip(headings, named, strict=True) if not name),
        headings=headings,
        rows=_rows(file, named, head),
    )


def _find_head(file: TextIO) -> _Head:
    delimiter, count = "", 0
    while line := file.readline(LONGEST_HEAD):
        count += 1
        if len(line) == LONGEST_HEAD:
            raise errors.UnreadableFile(
                _("Line %(line)d, which should name the columns, is too long: is this CSV?"),
                line=count,
            )
        line = line.lstrip("\ufeff")
        if "\0" in line:
            raise errors.UnreadableFile(
                _("The file is not text: it has NUL characters. Save it as CSV UTF-8.")
            )
        if found := _SEP.fullmatch(line.strip("\r\n ")):
            delimiter = found[1]
        elif line.strip(' ,;"\t\r\n'):
            return _Head(line, count, delimiter or _delimiter_of(line))
    return _Head("", count, delimiter or ",")


def _delimiter_of(line: str) -> str:
    """The one by which most of the names are known; where that says nothing, the most frequent."""

    def fit(delimiter: str) -> tuple[int, int]:
        names = _split(_Head(line, 1, delimiter))
        return sum(fold_heading(name) in _BY_HEADING for name in names), line.count(delimiter)

    return max(DELIMITERS, key=fit)


def _split(head: _Head) -> tuple[str, ...]:
    try:
        cells = next(csv.reader([head.line], delimiter=head.delimiter), [])
    except csv.Error as error:
        raise errors.UnreadableFile(
            _("The first line is not CSV: %(error)s."), error=str(error)
        ) from None
    names = [cell.strip() for cell in cells]
    while names and not names[-1]:
        names.pop()
    return tuple(names)


def _wanted_of(heading: str, wanted: Sequence[str]) -> str:
    column = _BY_HEADING.get(fold_heading(heading), "")
    return column if column in wanted else ""


def _check_once(headings: Sequence[str], named: Sequence[str]) -> None:
    first: dict[str, str] = {}
    for heading, name in zip(headings, named, strict=True):
        if name and name in first:
            raise errors.UnreadableFile(
                _("The columns %(first)s and %(second)s are both %(column)s. Remove one of them."),
                first=first[name][:60],
                second=heading[:60],
                column=name,
            )
        first[name] = heading


def _rows(file: TextIO, named: Sequence[str], head: _Head) -> Iterator[TableRow]:
    """Each row with the line on which it begins; blank ones are left out."""
    # Strict: an open quotation mark must not swallow the rest of the file.
    reader = csv.reader(file, delimiter=head.delimiter, strict=True)
    last = head.lines
    while (values := _next_row(reader, last + 1, before=head.lines)) is not None:
        line, last = last + 1, reader.line_num + head.lines
        if isinstance(values, errors.RowError):
            yield TableRow(line, {}, error=values)
        elif any(value.strip() for value in values):
            yield _row(line, named, values)


def _next_row(reader: "Reader", line: int, *, before: int) -> list[str] | errors.RowError | None:
    """The next row; None at the end. Raises UnreadableFile where rows cannot be told apart."""
    try:
        return next(reader, None)
    except csv.Error as error:
        # A bad line affects only itself; an open quotation mark also swallows others.
        if reader.line_num + before > line or "unexpected end" in str(error):
            raise errors.UnreadableFile(
                _(
                    "From line %(line)d on, the file is not CSV: %(error)s. "
                    "Is a quotation mark open?"
                ),
                line=line,
                error=str(error),
            ) from None
        return errors.UnreadableRow(error=str(error))


def _row(line: int, named: Sequence[str], values: Sequence[str]) -> TableRow:
    if any(value.strip() for value in values[len(named) :]):
        return TableRow(line, {}, error=errors.TooManyValues())
    cells = {name: value for name, value in zip(named, values, strict=False) if name}
    if any("\n" in value or "\r" in value for value in cells.values()):
        return TableRow(line, {}, error=errors.RowOfSeveralLines())
    return TableRow(line, cells, is_short=len(values) < len(named))


Advance = Callable[[int], None]
"""Gets the number of rows that are done."""
