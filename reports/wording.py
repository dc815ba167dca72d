"""The cells of a report as a page shows them."""

from collections.abc import Sequence
from datetime import date, datetime
from decimal import Decimal
from fractions import Fraction
from typing import Final, NamedTuple
from zoneinfo import ZoneInfo

from django.db.models import Choices
from django.utils.formats import date_format, number_format

from attendance.rules.figures import shown_permille
from attendance.vocabulary import Status
from attendance.wording.policies import percent
from reports.asking import ReportView
from reports.charts import Chart, chart_of
from reports.report import Cell, LinkedText, Report, ReportColumn
from reports.vocabulary import JudgementInWords
from users.wording import time_of_day

FEWEST_BARS: Final = 2
NOTHING: Final = "–"


class ShownCell(NamedTuple):
    """One cell in words."""

    text: str
    column: ReportColumn
    status: str = ""
    """Where it is one: it has a colour and a sign of its own."""
    leads_to: LinkedText | None = None


def columns_of(report: Report, found: ReportView) -> list[ReportColumn]:
    """Those that a page has: without what every row of it would repeat."""
    repeated = {"section_code", "section_title"} if found.section else set()
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
        ShownCell(
            _text(cell, zone), column, _status(cell), cell if isinstance(cell, LinkedText) else None
        )
        for cell, column in pairs
        if column in columns
    ]


def _status(cell: Cell) -> str:
    if cell is JudgementInWords.BELOW:
        # It looks like what it is made of.
        return Status.ABSENT.value
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


def chart_of_rows(report: Report, rows: Sequence[Sequence[Cell]], zone: ZoneInfo) -> Chart | None:
    """The shares of the rows of a page; None for fewer than two, and where nothing is drawn."""
    plan = report.chart
    if plan is None:
        return None
    keys = [column.key for column in report.columns]
    share, named_by = keys.index(plan.share), [keys.index(key) for key in plan.named_by]
    bars = [(row[share], _of_bar(row, named_by, share, zone)) for row in rows]
    known = [each for each, _words in bars if each is not None]
    if len(known) < FEWEST_BARS:
        return None
    words = str(plan.words) % {"least": _text(min(known), zone), "most": _text(max(known), zone)}
    return chart_of(bars[::-1] if plan.begins_with_last else bars, words=words)


def _of_bar(row: Sequence[Cell], named_by: Sequence[int], share: int, zone: ZoneInfo) -> str:
    name = ", ".join(_text(row[place], zone) for place in named_by if row[place])
    return f"{name}: {_text(row[share], zone)}"
