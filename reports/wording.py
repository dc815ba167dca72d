"""The cells of a report as a page shows them."""

from collections.abc import Sequence
from datetime import date, datetime
from decimal import Decimal
from fractions import Fraction
from typing import Final, NamedTuple
from zoneinfo import ZoneInfo

from django.db.models import Choices
from django.utils.formats import date_format, number_format
from django.utils.translation import gettext as _

from attendance.rules.figures import shown_permille
from attendance.vocabulary import Status
from attendance.wording.policies import percent
from reports.asking import ReportView
from reports.charts import Chart, chart_of
from reports.listed.lessons import LESSONS
from reports.report import Cell, Report, ReportColumn
from users.wording import time_of_day

FEWEST_BARS: Final = 2
NOTHING: Final = "–"


class ShownCell(NamedTuple):
    """One cell in words."""

    text: str
    column: ReportColumn
    status: str = ""
    """Where it is one: it has a colour and a sign of its own."""


def columns_of(report: Report, found: ReportView) -> list[ReportColumn]:
    """Those that a page has: without what every row of it would repeat."""
    repeated = {"section_code"} if found.section else set()
    if found.is_own:
        repeated |= {"school_number", "full_name"}
    return [each for each in report.columns if each.is_on_pages and each.key not in repeated]


def shown(
    every: Sequence[ReportColumn],
    columns: Sequence[ReportColumn],
    cells: Sequence[Cell],
    zone: ZoneInfo,
) -> list[ShownCell]:
    """The cells of one row in these columns, by the clock of a zone, in the active language."""
    pairs = zip(cells, every, strict=True)
    return [
        ShownCell(_text(cell, zone), column, _status(cell))
        for cell, column in pairs
        if column in columns
    ]


def _status(cell: Cell) -> str:
    return cell.value if isinstance(cell, Status) else ""


def share_in_words(rate: Fraction | None) -> str:
    """A share rounded for the eye; a dash where nothing counts, never 0 %."""
    return NOTHING if rate is None else percent(shown_permille(rate))


def _text(cell: Cell, zone: ZoneInfo) -> str:
    match cell:
        case None | "":
            text = NOTHING
        case Choices():
            text = str(cell.label)
        case datetime():
            text = time_of_day(cell.astimezone(zone), "j M Y, H:i")
        case date():
            text = date_format(cell, "j M Y")
        case Fraction():
            text = share_in_words(cell)
        case Decimal():
            text = number_format(cell)
        case _:
            text = str(cell)
    return text


def chart_of_lessons(rows: Sequence[Sequence[Cell]], zone: ZoneInfo) -> Chart | None:
    """The shares of the lessons of a page, the oldest on the left; None for fewer than two."""
    keys = [column.key for column in LESSONS.columns]
    begins, rate = keys.index("starts_at"), keys.index("rate")
    bars = [(row[rate], f"{_text(row[begins], zone)}: {_text(row[rate], zone)}") for row in rows]
    known = [share for share, _words in bars if share is not None]
    if len(known) < FEWEST_BARS:
        return None
    values = {"least": _text(min(known), zone), "most": _text(max(known), zone)}
    words = _("Share of those who came, lesson by lesson: from %(least)s to %(most)s.") % values
    return chart_of(list(reversed(bars)), words=words)
