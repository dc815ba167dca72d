"""A report: columns, and rows that come in an order in which no two are equal."""

import enum
from collections.abc import Callable, Iterable, Sequence
from decimal import Decimal
from fractions import Fraction
from math import floor
from typing import Any, Final, NamedTuple

from django.db.models import QuerySet
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from reports.scope import Scope

Cell = Any
"""A text, a number, a share as a Fraction, a day, an aware instant, a Choices, a bool, or None."""

PER_PAGE: Final = 100
_TENTHS: Final = 10


class LinkedText(str):
    """A text that leads to another report on a page; a file has the text alone."""

    __slots__ = ("key", "query")

    key: str
    """Of the report."""
    query: str
    """What is chosen there."""


def linked(text: str, key: str, query: str) -> LinkedText:
    """A text with the report that it leads to, and what is chosen there, as an address has it."""
    found = LinkedText(text)
    found.key, found.query = key, query
    return found


def tenths(amount: Fraction | None) -> Decimal | None:
    """Rounded down, so that nobody is promised more than there is."""
    return None if amount is None else Decimal(floor(amount * _TENTHS)) / _TENTHS


class CellKind(enum.StrEnum):
    """What the cells of a column are."""

    TEXT = "text"
    NUMBER = "number"
    SHARE = "share"
    DAY = "day"
    INSTANT = "instant"
    LONG = "long"
    """A text that may take several lines."""


class ReportColumn(NamedTuple):
    key: str
    """In files that programs read, and in the API."""
    title: str | Promise
    kind: CellKind = CellKind.TEXT
    is_on_pages: bool = True
    """Files have all columns; a page leaves out what hardly anybody looks for there."""


class Heading(NamedTuple):
    """What a report is called where it is no list."""

    key: str
    title: str | Promise
    what: str | Promise


REGISTER = Heading(
    "register",
    _("Register"),
    _("Every student and every lesson of the course. The newest lessons are on the right."),
)

PEOPLE = Heading(
    "people",
    _("People"),
    _("What the marks of each student add up to, in the whole course so far."),
)

PERSON = Heading(
    "person",
    _("Evidence of one person"),
    _("Every mark, correction, absence and file, with who and when, in order."),
)

CASES = Heading(
    "cases",
    _("Warnings"),
    _("Whose figures crossed a bound of the rules, who looks after them, and how it ended."),
)


class ChartPlan(NamedTuple):
    """What is drawn of the rows of a page: a bar for the share of each."""

    share: str
    """The key of the column with the shares, as `named_by` are those of what a bar is called."""
    named_by: Sequence[str]
    words: str | Promise
    """Of the whole drawing, with %(least)s and %(most)s."""
    begins_with_last: bool = False
    """The last row of the page is on the left."""


class Report(NamedTuple):
    """What is listed, for pages, files and the API alike."""

    key: str
    """In addresses and commands."""
    title: str | Promise
    what: str | Promise
    """In one sentence."""
    columns: Sequence[ReportColumn]
    query: Callable[[Scope], QuerySet[Any]]
    order: Sequence[str]
    """Lookups by which rows are ordered, the greatest first; no two rows share all of them."""
    cells: Callable[[Sequence[Any], Scope], Iterable[Sequence[Cell]]]
    """The cells of several rows, with a fixed number of queries for all of them."""
    nothing: str | Promise
    """What a reader is told where there are no rows."""
    chart: ChartPlan | None = None
    has_days: bool = True
    """Whether days bound it; totals are of the whole course."""
    has_person: bool = True
    """Whether one person can be chosen."""
    per_page: int = PER_PAGE
