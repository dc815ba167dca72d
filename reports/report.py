"""A report: columns, and rows that come in an order in which no two are equal."""

import enum
from collections.abc import Callable, Iterable, Sequence
from typing import Any, NamedTuple

from django.db.models import QuerySet
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from reports.scope import Scope

Cell = Any
"""A text, a number, a share as a Fraction, a day, an aware instant, a Choices, a bool, or None."""


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
    cells: Callable[[Sequence[Any]], Iterable[Sequence[Cell]]]
    """The cells of several rows, with a fixed number of queries for all of them."""
    nothing: str | Promise
    """What a reader is told where there are no rows."""
