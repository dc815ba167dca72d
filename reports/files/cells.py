"""What stands in a cell of a file: for people in their language, for programs always the same."""

from datetime import datetime
from decimal import Decimal
from fractions import Fraction
from zoneinfo import ZoneInfo

from django.db.models import Choices
from django.utils.formats import number_format
from django.utils.translation import gettext as _

from attendance.rules.figures import shown_permille
from attendance.wording.policies import percent
from reports.report import Cell

FORMULA_BEGINS = ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠")
"""A spreadsheet takes a text that begins so for something to reckon, or to run."""


def as_plain_text(text: str) -> str:
    """A text that no spreadsheet takes for a formula; the sign in front is not shown there."""
    return f"'{text}" if text.startswith(FORMULA_BEGINS) else text


def for_people(cell: Cell, zone: ZoneInfo) -> str:
    """A cell as it is read: instants by a clock on the wall, shares rounded to a tenth."""
    match cell:
        case None:
            text = ""
        case Choices():
            text = str(cell.label)
        case bool():
            text = _("yes") if cell else _("no")
        case datetime():
            text = f"{cell.astimezone(zone):%Y-%m-%d %H:%M:%S}"
        case Fraction():
            text = percent(shown_permille(cell))
        case int() | Decimal():
            # A number below 0 is no formula.
            return number_format(cell, use_l10n=True)
        case _:
            text = str(cell)
    return as_plain_text(text)


def for_programs(cell: Cell, zone: ZoneInfo) -> str:
    """A cell as it is parsed: codes, instants with their offset, shares of 1 with six places."""
    match cell:
        case Choices():
            return str(cell.value)
        case bool():
            return str(cell).lower()
        case datetime():
            return cell.astimezone(zone).isoformat()
        case Fraction():
            return f"{float(cell):.6f}"
        case int() | Decimal():
            return str(cell)
    return for_people(cell, zone)
