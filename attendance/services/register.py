"""What a verdict makes of a record."""

from typing import NamedTuple

from attendance.errors import NothingToUndo, RecordNotFound
from attendance.live.payloads import Mark
from attendance.selectors.shapes import RegisterRecord
from attendance.vocabulary import DELETED, NO_RECORD, Verdict

_STATUS = {
    Verdict.ACCEPT: "present",
    Verdict.REJECT: "rejected",
    Verdict.LATE: "late",
    Verdict.EXCUSE: "excused",
    Verdict.ABSENT: "absent",
}
NEEDS_NO_REASON = frozenset({Verdict.ACCEPT, Verdict.UNDO})


class Change(NamedTuple):
    """What a verdict makes of a record; `old` and `new` are the words of its event."""

    status: str
    previous: str
    mark: str
    old: str
    new: str


def decide(before: RegisterRecord | None, verdict: Verdict) -> Change:
    """What a verdict makes of a record; None where the student has none.

    Undo takes back the last correction, and undone again, brings it back.
    Raises RecordNotFound and NothingToUndo.
    """
    if before is None:
        if verdict in {Verdict.UNDO, Verdict.DELETE}:
            raise RecordNotFound
        status = _STATUS[verdict]
        return Change(status, NO_RECORD, Mark.KEPT, NO_RECORD, status)
    if verdict is Verdict.UNDO:
        return _undo(before)
    if verdict is Verdict.DELETE:
        if before.is_deleted:
            raise RecordNotFound
        return Change(before.status, before.status, Mark.DELETED, before.status, DELETED)
    old = DELETED if before.is_deleted else before.status
    return Change(_STATUS[verdict], old, Mark.KEPT, old, _STATUS[verdict])


def _undo(before: RegisterRecord) -> Change:
    if before.mark == Mark.UNDONE:
        return Change(before.status, NO_RECORD, Mark.KEPT, DELETED, before.status)
    if before.mark == Mark.DELETED:
        return Change(before.status, DELETED, Mark.KEPT, DELETED, before.status)
    if not before.previous:
        raise NothingToUndo
    if before.previous in {NO_RECORD, DELETED}:
        mark = Mark.UNDONE if before.previous == NO_RECORD else Mark.DELETED
        return Change(before.status, before.status, mark, before.status, DELETED)
    return Change(before.previous, before.status, Mark.KEPT, before.status, before.previous)
