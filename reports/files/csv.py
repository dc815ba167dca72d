"""A report as CSV, whole and in parts: memory does not grow with it."""

import csv
import io
import itertools
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Final
from zoneinfo import ZoneInfo

from django.utils import translation

from reports.files import cells as written
from reports.report import Cell
from reports.table import ReportTable

Write = Callable[[Iterable[Sequence[Cell]]], str]

BYTE_ORDER_MARK: Final = "\ufeff"
"""Without it Excel takes the letters of other alphabets for those of its own."""
_SEMICOLON_LANGUAGES: Final = frozenset({"tr"})
"""Where the comma stands in numbers, Excel parts columns with a semicolon."""


def lines_for_people(table: ReportTable) -> Iterator[str]:
    """The file that a spreadsheet opens, in the language that is active now."""
    language = translation.get_language() or "en"
    delimiter = ";" if language.partition("-")[0] in _SEMICOLON_LANGUAGES else ","
    write = _writer(written.for_people, table.zone, delimiter)
    head = write([[written.as_plain_text(str(column.title)) for column in table.columns]])
    return itertools.chain([BYTE_ORDER_MARK + head], _in_language(language, write, table))


def _in_language(language: str, write: Write, table: ReportTable) -> Iterator[str]:
    """The rows. The page that was asked has been answered by then, and its language is gone."""
    parts = table.parts()
    while True:
        with translation.override(language):
            part = next(parts, None)
            if part is None:
                return
            text = write(part)
        yield text


def lines_for_programs(table: ReportTable) -> Iterator[str]:
    """The same rows under the keys of their columns, always with commas."""
    write = _writer(written.for_programs, table.zone, ",")
    yield write([[written.as_plain_text(column.key) for column in table.columns]])
    for part in table.parts():
        yield write(part)


def _writer(in_words: Callable[[Cell, ZoneInfo], str], zone: ZoneInfo, delimiter: str) -> Write:
    def write(rows: Iterable[Sequence[Cell]]) -> str:
        text = io.StringIO()
        writer = csv.writer(text, delimiter=delimiter)
        writer.writerows([in_words(cell, zone) for cell in row] for row in rows)
        return text.getvalue()

    return write
