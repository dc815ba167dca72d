"""What a verdict makes of a record: the new status, and the values of its event."""

from enum import StrEnum
from typing import Final, NamedTuple

from attendance.errors import NothingToUndo, RecordNotFound

UNDO: Final = "undo"
DELETE: Final = "delete"
STATUS_OF: Final = {
    "accept": "present",
    "late": "late",
    "absent": "absent",
    "excuse": "excused",
    "reject": "rejected",
}
"""The status that each verdict gives; undo and delete give none of their own."""

VERDICT_OF: Final = {status: verdict for verdict, status in STATUS_OF.items()}
"""The verdict that gives a status; nobody can decide that a record is pending."""

NEEDS_NO_REASON: Final = frozenset({"accept", UNDO})

NO_RECORD: Final = "none"
"""In an event: the student had no record before."""

DELETED: Final = "deleted"
"""In an event: the record is, or was, flagged as deleted."""

BLANK: Final = "blank"
"""Before a correction: nobody had spoken, and the mark was the system's."""

UNDONE_REASON: Final = "undone"
"""Why an addition that was taken back is flagged as deleted."""


class Mark(StrEnum):
    """Whether a record counts. Nothing is ever removed from a lesson."""

    KEPT = "kept"
    DELETED = "deleted"
    UNDONE = "undone"
    """An addition that its teacher took back: the student may still check in."""


class Standing(NamedTuple):
    """The values of a record on which a verdict depends."""

    status: str
    previous: str
    """Before the last correction: a status, `none`, `deleted`, `blank`, or '' for no correction."""
    mark: str


class Change(NamedTuple):
    """What a verdict makes of a record; `old` and `new` are the values of its event."""

    status: str
    previous: str
    mark: str
    old: str
    new: str


def decide(before: Standing | None, verdict: str) -> Change:
    """What a verdict makes of a record; None where the student has none.

    Undo takes back the last correction, and undone again, brings it back.
    Raises RecordNotFound and NothingToUndo.
    """
    if before is None:
        if verdict in {UNDO, DELETE}:
            raise RecordNotFound
        status = STATUS_OF[verdict]
        return Change(status, NO_RECORD, Mark.KEPT, NO_RECORD, status)
    if verdict == UNDO:
        return _undo(before)
    is_deleted = before.mark != Mark.KEPT
    if verdict == DELETE:
        if is_deleted:
            raise RecordNotFound
        return Change(before.status, before.status, Mark.DELETED, before.status, DELETED)
    old = DELETED if is_deleted else before.status
    return Change(STATUS_OF[verdict], old, Mark.KEPT, old, STATUS_OF[verdict])


def _undo(before: Standing) -> Change:
    if before.mark == Mark.UNDONE:
        return Change(before.status, NO_RECORD, Mark.KEPT, DELETED, before.status)
    if before.mark == Mark.DELETED:
        return Change(before.status, DELETED, Mark.KEPT, DELETED, before.status)
    if not before.previous:
        raise NothingToUndo
    if before.previous == BLANK:
        absent = STATUS_OF["absent"]
        return Change(absent, before.status, Mark.KEPT, before.status, absent)
    if before.previous in {NO_RECORD, DELETED}:
        mark = Mark.UNDONE if before.previous == NO_RECORD else Mark.DELETED
        return Change(before.status, before.status, mark, before.status, DELETED)
    return Change(before.previous, before.status, Mark.KEPT, before.status, before.previous)
