"""A report as a workbook of one sheet; what is longer is for CSV."""

import itertools
import re
from collections.abc import Callable, Sequence
from datetime import date, datetime
from decimal import Decimal
from fractions import Fraction
from tempfile import TemporaryFile
from types import NoneType
from typing import IO, Any, Final, NamedTuple
from zoneinfo import ZoneInfo

from django.db.models import Choices
from django.utils.functional import Promise
from xlsxwriter import Workbook
from xlsxwriter.format import Format
from xlsxwriter.worksheet import Worksheet

from reports.errors import TooManyColumns, TooManyRows
from reports.report import CellKind
from reports.table import ReportTable

MEDIA_TYPE: Final = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
MOST_ROWS: Final = 50_000
MOST_COLUMNS: Final = 16_384
"""Of the format itself."""
LONGEST_SHEET_NAME: Final = 31
LONGEST_CELL: Final = 32_767
_NOT_IN_SHEET_NAMES: Final = re.compile(r"[\[\]:*?/\\\x00-\x1f]")
_FORMATS: Final = {
    CellKind.INSTANT: "yyyy-mm-dd hh:mm:ss",
    CellKind.DAY: "yyyy-mm-dd",
    CellKind.SHARE: "0.0%",
}
_WIDTHS: Final = {
    CellKind.INSTANT: 19,
    CellKind.DAY: 11,
    CellKind.SHARE: 8,
    CellKind.NUMBER: 9,
    CellKind.TEXT: 18,
    CellKind.LONG: 30,
}
_OPTIONS: Final = {
    # One row at a time is in memory, and no text becomes a formula or a link.
    "constant_memory": True,
    "strings_to_formulas": False,
    "strings_to_urls": False,
    "strings_to_numbers": False,
}


def workbook(table: ReportTable) -> IO[bytes]:
    """The file, read from its beginning. Raises TooManyRows above 50,000, and TooManyColumns."""
    if table.count(MOST_ROWS + 1) > MOST_ROWS:
        raise TooManyRows(most=MOST_ROWS)
    if len(table.columns) > MOST_COLUMNS:
        raise TooManyColumns(most=MOST_COLUMNS)
    file = TemporaryFile()  # noqa: SIM115 - whoever sends it closes it
    book = Workbook(file, _OPTIONS)
    sheet = book.add_worksheet(sheet_name(str(table.title)))
    _write(book, sheet, table)
    book.close()
    file.seek(0)
    return file


def sheet_name(title: str) -> str:
    """A title as the name of a sheet: no more than 31 characters, and none of [ ] : * ? / \\."""
    name = _NOT_IN_SHEET_NAMES.sub(" ", title)[:LONGEST_SHEET_NAME].strip(" '")
    # Excel keeps this name for itself.
    return name if name and name.casefold() != "history" else "ATTN"


def _write(book: Workbook, sheet: Worksheet, table: ReportTable) -> None:
    formats = {kind: book.add_format({"num_format": text}) for kind, text in _FORMATS.items()}
    bold = book.add_format({"bold": True})
    for place, column in enumerate(table.columns):
        sheet.set_column(place, place, _WIDTHS[column.kind])
        sheet.write_string(0, place, str(column.title), bold)
    sheet.freeze_panes(1, 0)
    # A row may be added while the file is written.
    rows = itertools.islice(itertools.chain.from_iterable(table.parts()), MOST_ROWS)
    for number, row in enumerate(rows, 1):
        for place, (cell, column) in enumerate(zip(row, table.columns, strict=True)):
            at = _At(sheet, number, place, formats.get(column.kind), table.zone)
            write = next(write for kind, write in _WRITERS if isinstance(cell, kind))
            write(at, cell)


class _At(NamedTuple):
    """Where a cell is written, and how it looks."""

    sheet: Worksheet
    row: int
    column: int
    look: Format | None
    zone: ZoneInfo


def _write_nothing(_at: _At, _cell: None) -> None:
    pass


def _write_label(at: _At, cell: Any) -> None:
    at.sheet.write_string(at.row, at.column, str(cell.label))


def _write_answer(at: _At, cell: bool) -> None:
    at.sheet.write_boolean(at.row, at.column, cell)


def _write_instant(at: _At, cell: datetime) -> None:
    # A workbook knows no zones: the clock on the wall is what is meant.
    local = cell.astimezone(at.zone).replace(tzinfo=None, microsecond=0)
    at.sheet.write_datetime(at.row, at.column, local, at.look)


def _write_day(at: _At, cell: date) -> None:
    at.sheet.write_datetime(at.row, at.column, cell, at.look)


def _write_number(at: _At, cell: Any) -> None:
    at.sheet.write_number(at.row, at.column, float(cell), at.look)


def _write_text(at: _At, cell: str) -> None:
    at.sheet.write_string(at.row, at.column, str(cell)[:LONGEST_CELL])


_WRITERS: Final[Sequence[tuple[Any, Callable[[_At, Any], None]]]] = (
    (NoneType, _write_nothing),
    (Choices, _write_label),
    (bool, _write_answer),
    (datetime, _write_instant),
    (date, _write_day),
    (int | Fraction | Decimal, _write_number),
    (str | Promise, _write_text),
)
"""By the kind of a cell, the first that fits: an instant is a day too, and a yes a number."""
