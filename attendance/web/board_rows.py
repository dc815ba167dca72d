"""The rows of a board: who is here, who is not, and about whom a teacher has to decide."""

import math
from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Sequence
from typing import Any, Final, NamedTuple

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from attendance.live.refusals import LiveRefusal
from attendance.selectors.boards import Board
from attendance.selectors.shapes import RegisterRecord
from attendance.vocabulary import Refusal, Status, Verdict
from attendance.web.board_row import (
    BoardRow,
    Choice,
    choices_of,
    row_of_person,
    row_of_record,
)
from users.identity import folded
from users.searching import finder

HERE: Final = "here"
NOT_HERE: Final = "not_here"
DECIDE: Final = "decide"
ALL: Final = "all"

COLUMNS: Final = {"name": _("Student"), "status": _("Status"), "came": _("Came")}
SORTS: Final = frozenset(COLUMNS)
"""The columns by which all rows can be ordered; otherwise they stand in their groups."""

_HERE: Final = {Status.PRESENT, Status.LATE}


class Group(NamedTuple):
    """Rows that belong together, those that match the search."""

    key: str
    title: str | Promise
    rows: Sequence[BoardRow]


class BoardRows(NamedTuple):
    """What a board shows of a lesson."""

    tabs: Sequence[tuple[str, str | Promise, int]]
    """Key, title and count of each; the counts do not depend on the search."""
    groups: Sequence[Group]
    refusals: Sequence[tuple[LiveRefusal, str | Promise, str]]
    """Who was refused, why, and the verdict that settles it without letting them in."""
    deleted: Sequence[RegisterRecord]
    counts: dict[str, int]
    missing: int
    """How many are expected at a live lesson and have no record."""
    walk_ins: int
    """How many are here who are not on the roster."""
    one_device: Sequence[Sequence[RegisterRecord]]
    """Marks that came from one browser, browser by browser, whatever the search."""
    elsewhere: Sequence[RegisterRecord]
    """Who came to another lesson of the same time as well."""

    @property
    def columns(self) -> Sequence[tuple[str, str | Promise]]:
        """By which the rows can be ordered: key and title."""
        return list(COLUMNS.items())

    @property
    def choices(self) -> Sequence[Choice]:
        """What can be said of several at once."""
        return choices_of("")

    @property
    def has_rows(self) -> bool:
        return any(group.rows for group in self.groups)


ToRow = Callable[[RegisterRecord], BoardRow]

_ORDER: Final = {status.value: place for place, status in enumerate(Status)}
_TITLES: Final = {
    ALL: _("All"),
    HERE: _("Here"),
    NOT_HERE: _("Not here"),
    DECIDE: _("To decide"),
}


def rows_of(board: Board, *, tab: str, search: str, sort: str = "") -> BoardRows:
    """The rows of one tab in whose number or name the text stands; an unknown tab is all.

    `sort`: one of SORTS puts them into one group by that column, '' leaves the groups.
    """
    kept = [record for record in board.records if not record.is_deleted]
    refusals, one_device = _open_refusals(board, kept), _by_device(kept)
    of_record = _with_doubts(board, _rows_with_attempts(board), one_device)
    groups = _groups_of(board, kept, of_record)
    counts = _counts(kept, groups, len(refusals))
    groups = _of_tab(groups, kept, of_record, tab)
    if sort:
        groups = {ALL: _sorted([row for rows in groups.values() for row in rows], sort)}
    matches = _matcher(search)
    expected = {each.school_number for each in board.missing}
    return BoardRows(
        tabs=[(key, _TITLES[key], counts[key]) for key in _TITLES if key in counts],
        groups=[
            Group(key, _TITLES[key], [row for row in rows if matches(row)])
            for key, rows in groups.items()
        ],
        refusals=[
            (each, Refusal(each.code).label, _dismissal(each, expected))
            for each in refusals
            if tab not in {HERE, NOT_HERE} and matches(each)
        ],
        deleted=[record for record in board.records if record.is_deleted],
        counts=counts,
        missing=len(board.missing),
        walk_ins=sum(r.is_expected is False and r.status in _HERE for r in kept),
        one_device=one_device,
        elsewhere=[record for record in kept if record.school_number in board.elsewhere],
    )


def _groups_of(
    board: Board, kept: Sequence[RegisterRecord], of_record: ToRow
) -> dict[str, list[BoardRow]]:
    """All rows; only a lesson with a roster can say who is not here."""
    if board.lesson.section is None:
        return {ALL: _newest_first(kept, of_record)}
    return _by_group(board, kept, of_record)


def _of_tab(
    groups: dict[str, list[BoardRow]],
    kept: Iterable[RegisterRecord],
    of_record: ToRow,
    tab: str,
) -> dict[str, list[BoardRow]]:
    """The rows of one tab."""
    if ALL not in groups:
        return {tab: groups[tab]} if tab in groups else groups
    if tab not in {HERE, DECIDE}:
        return groups
    return {tab: _newest_first([r for r in kept if _group_of(r) == tab], of_record)}


def _dismissal(refusal: LiveRefusal, expected: Collection[str]) -> str:
    """Whoever is expected and not in the room is absent; anybody else has no place here."""
    return Verdict.ABSENT if refusal.school_number in expected else Verdict.REJECT


def sort_of(text: str) -> str:
    """The order that an address names; '' where it names none."""
    return text if text in SORTS else ""


def _sorted(rows: Iterable[BoardRow], sort: str) -> list[BoardRow]:
    def by_column(row: BoardRow) -> float:
        if sort == "came":
            return row.checked_in_at.timestamp() if row.checked_in_at else math.inf
        return _ORDER.get(row.status, -1) if sort == "status" else 0

    return sorted(rows, key=lambda row: (by_column(row), folded(row.full_name), row.school_number))


def tab_of(text: str) -> str:
    """The tab that an address names; all where it names none."""
    return text if text in _TITLES else ALL


def _open_refusals(board: Board, kept: Iterable[RegisterRecord]) -> list[LiveRefusal]:
    recorded = {record.school_number for record in kept}
    return [each for each in board.refusals if each.school_number not in recorded]


def _rows_with_attempts(board: Board) -> ToRow:
    """How a record becomes a row: somebody who was rejected and tried again is seen to have."""
    attempts = {
        each.school_number: each for each in board.refusals if each.code == Refusal.REJECTED
    }

    def row(record: RegisterRecord) -> BoardRow:
        is_rejected = record.status == Status.REJECTED
        tried_again = attempts.get(record.school_number) if is_rejected else None
        return row_of_record(record)._replace(tried_again=tried_again)

    return row


def _by_device(kept: Iterable[RegisterRecord]) -> list[list[RegisterRecord]]:
    groups: dict[int, list[RegisterRecord]] = defaultdict(list)
    for record in kept:
        if record.device_group is not None:
            groups[record.device_group].append(record)
    # Of two marks one may be taken out by now.
    return [groups[key] for key in sorted(groups) if len(groups[key]) > 1]


def _with_doubts(
    board: Board, of_record: ToRow, one_device: Iterable[Sequence[RegisterRecord]]
) -> ToRow:
    """How a record becomes a row with what may make a teacher look twice; it decides nothing."""
    sharers = {record.school_number: group for group in one_device for record in group}

    def row(record: RegisterRecord) -> BoardRow:
        others = [each for each in sharers.get(record.school_number, ()) if each is not record]
        return of_record(record)._replace(
            same_device=[each.full_name for each in others],
            is_elsewhere=record.school_number in board.elsewhere,
        )

    return row


def _by_group(
    board: Board, kept: Iterable[RegisterRecord], of_record: ToRow
) -> dict[str, list[BoardRow]]:
    """What wants a decision comes first, then who is missing, then who is here."""
    groups: dict[str, list[RegisterRecord]] = {DECIDE: [], NOT_HERE: [], HERE: []}
    for record in kept:
        groups[_group_of(record)].append(record)
    absent = [*(row_of_person(each) for each in board.missing), *map(of_record, groups[NOT_HERE])]
    return {
        DECIDE: _newest_first(groups[DECIDE], of_record),
        NOT_HERE: sorted(absent, key=lambda row: (folded(row.full_name), row.school_number)),
        HERE: _newest_first(groups[HERE], of_record),
    }


def _group_of(record: RegisterRecord) -> str:
    if record.status == Status.PENDING:
        return DECIDE
    return HERE if record.status in _HERE else NOT_HERE


def _newest_first(records: Iterable[RegisterRecord], of_record: ToRow) -> list[BoardRow]:
    ordered = sorted(records, key=lambda record: (record.changed_at, record.revision), reverse=True)
    return [of_record(record) for record in ordered]


def _counts(
    kept: Sequence[RegisterRecord], groups: dict[str, list[BoardRow]], refused: int
) -> dict[str, int]:
    if ALL in groups:
        of = [_group_of(record) for record in kept]
        return {ALL: len(of), HERE: of.count(HERE), DECIDE: of.count(DECIDE) + refused}
    counts = {key: len(rows) for key, rows in groups.items()}
    counts[DECIDE] += refused
    return counts | {ALL: sum(counts.values())}


def _matcher(search: str) -> Callable[[Any], bool]:
    is_found = finder(search)

    def matches(who: BoardRow | LiveRefusal) -> bool:
        return is_found(f"{who.school_number} {who.full_name}")

    return matches
