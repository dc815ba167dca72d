"""The rows of a board: who is here, who is not, and about whom a teacher has to decide."""

from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from datetime import datetime
from typing import Any, Final, NamedTuple

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from attendance.live.refusals import LiveRefusal
from attendance.rules.precedence import SYSTEM
from attendance.selectors.boards import Board
from attendance.selectors.shapes import RegisterRecord
from attendance.vocabulary import Refusal, Status
from attendance.wording.why import reason_shown
from users.identity import Person, folded
from users.searching import finder

HERE: Final = "here"
NOT_HERE: Final = "not_here"
DECIDE: Final = "decide"
ALL: Final = "all"

_HERE: Final = {Status.PRESENT, Status.LATE}
_CAN_HAVE_COME: Final = {Status.ABSENT, Status.EXCUSED}


class BoardRow(NamedTuple):
    """One student on a board, with a record or without one."""

    school_number: str
    full_name: str
    status: str = ""
    """'' for whoever is expected and has no record."""
    checked_in_at: datetime | None = None
    reason: str = ""
    changed_at: datetime | None = None
    is_walk_in: bool = False
    """Whether the student is known not to be on the roster."""
    came_at: datetime | None = None
    """The arrival of somebody who is absent or excused all the same."""
    status_word: str | Promise = ""
    is_one_click: bool = False
    """Whether nobody has spoken of this student: one click says that they are here."""
    tried_again: LiveRefusal | None = None
    """The attempts of somebody whose check-in was rejected."""
    same_device: Sequence[str] = ()
    """The names of others whose mark came from the same browser."""
    is_elsewhere: bool = False
    """Whether they came to another lesson of the same time as well."""


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
    refusals: Sequence[tuple[LiveRefusal, str | Promise]]
    deleted: Sequence[RegisterRecord]
    counts: dict[str, int]
    walk_ins: int
    """How many are here who are not on the roster."""
    one_device: Sequence[Sequence[RegisterRecord]]
    """Marks that came from one browser, browser by browser, whatever the search."""
    elsewhere: Sequence[RegisterRecord]
    """Who came to another lesson of the same time as well."""


ToRow = Callable[[RegisterRecord], BoardRow]

_WAITING: Final = _("Waiting")
_TITLES: Final = {
    ALL: _("All"),
    HERE: _("Here"),
    NOT_HERE: _("Not here"),
    DECIDE: _("To decide"),
}


def rows_of(board: Board, *, tab: str, search: str) -> BoardRows:
    """The rows of one tab in whose number or name the text stands; an unknown tab is all."""
    kept = [record for record in board.records if not record.is_deleted]
    refusals, one_device = _open_refusals(board, kept), _by_device(kept)
    of_record = _with_doubts(board, _rows_with_attempts(board), one_device)
    has_roster = board.lesson.section is not None
    groups = (
        _by_group(board, kept, of_record) if has_roster else {ALL: _newest_first(kept, of_record)}
    )
    counts = _counts(kept, groups, len(refusals))
    if not has_roster and tab in {HERE, DECIDE}:
        groups = {tab: _newest_first([r for r in kept if _group_of(r) == tab], of_record)}
    elif has_roster and tab in groups:
        groups = {tab: groups[tab]}
    matches = _matcher(search)
    return BoardRows(
        tabs=[(key, _TITLES[key], counts[key]) for key in _TITLES if key in counts],
        groups=[
            Group(key, _TITLES[key], [row for row in rows if matches(row)])
            for key, rows in groups.items()
        ],
        refusals=[
            (each, Refusal(each.code).label)
            for each in refusals
            if tab not in {HERE, NOT_HERE} and matches(each)
        ],
        deleted=[record for record in board.records if record.is_deleted],
        counts=counts,
        walk_ins=sum(r.is_expected is False and r.status in _HERE for r in kept),
        one_device=one_device,
        elsewhere=[record for record in kept if record.school_number in board.elsewhere],
    )


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


def row_of_person(person: Person) -> BoardRow:
    """Somebody without a record."""
    return BoardRow(person.school_number, person.full_name, is_one_click=True)


def row_of_record(record: RegisterRecord) -> BoardRow:
    """Somebody with one, also with one that is flagged as deleted."""
    can_have_come = record.status in _CAN_HAVE_COME
    return BoardRow(
        school_number=record.school_number,
        full_name=record.full_name,
        status=record.status,
        checked_in_at=record.checked_in_at,
        reason=reason_shown(record),
        changed_at=record.changed_at,
        is_walk_in=record.is_expected is False,
        came_at=record.checked_in_at if can_have_come else None,
        status_word=_WAITING if record.status == Status.PENDING else Status(record.status).label,
        is_one_click=record.source == SYSTEM,
    )


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
