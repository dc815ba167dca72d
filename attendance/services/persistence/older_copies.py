"""An older copy of a lesson, which came back to Redis: what of it PostgreSQL lacks.

Redis was emptied or restored, PostgreSQL has taken words meanwhile, and then a copy returns. It
is older than what is stored, and still it may hold what never got there: marks of students
whom PostgreSQL does not know in this lesson, and words of a teacher whose events it does not
have. Those come in. Everything else that differs goes to quarantine: PostgreSQL knows better.
"""

from collections.abc import Mapping, Sequence

import msgspec

from attendance.live.payloads import LiveEvent, LiveRecord
from attendance.live.store import CorruptPayload, Snapshot
from attendance.models import AttendanceEvent, AttendanceRecord
from attendance.rules.precedence import RANK, is_blank
from attendance.rules.verdicts import Mark
from attendance.services.persistence.row_values import Readable, reason_of
from users.selectors import account_ids

OLDER_COPY = "an older copy of the lesson in Redis says something else than PostgreSQL"


def compare(snapshot: Snapshot, *, stored: int) -> tuple[list[CorruptPayload], Readable]:
    """What of a copy goes to quarantine, and what of it PostgreSQL lacks.

    `stored` is the revision that PostgreSQL has. A record that takes the place of a stored one
    gets the revision after that. Three queries.
    """
    decoded = snapshot.decode()
    unknown, displaced = _unknown_events(snapshot, decoded.events)
    rows = _rows_by_number(snapshot, decoded.records)
    unheard = frozenset(event.revision for event in unknown)
    news: list[LiveRecord] = []
    differing: list[CorruptPayload] = []
    for record in decoded.records:
        row = rows.get(record.school_number)
        if _fills_a_blank(record, row):
            news.append(record)
        elif row is not None and record.revision in unheard and _outweighs(record, row):
            news.append(msgspec.structs.replace(record, revision=stored + 1))
        elif not _says_the_same(record, row):
            differing.append(_payload(snapshot, record))
    readable = Readable(snapshot.lesson, news, [e for e in unknown if e not in displaced])
    return [*decoded.corrupt, *differing, *_payloads(snapshot, displaced)], readable


def _unknown_events(
    snapshot: Snapshot, events: Sequence[LiveEvent]
) -> tuple[list[LiveEvent], list[LiveEvent]]:
    """The events that PostgreSQL does not have, and those of them in whose place it has others."""
    rows = AttendanceEvent.objects.filter(attendance_id=snapshot.lesson.id)
    stored = dict(rows.values_list("request_id", "revision"))
    taken = frozenset(stored.values())
    unknown = [event for event in events if event.request_id not in stored]
    return unknown, [event for event in unknown if event.revision in taken]


def _rows_by_number(
    snapshot: Snapshot, records: Sequence[LiveRecord]
) -> Mapping[str, AttendanceRecord]:
    users = account_ids(record.school_number for record in records)
    rows = AttendanceRecord.objects.filter(attendance_id=snapshot.lesson.id)
    by_user = {row.student_id: row for row in rows}
    return {number: by_user[user] for number, user in users.items() if user in by_user}


def _fills_a_blank(record: LiveRecord, row: AttendanceRecord | None) -> bool:
    return record.mark == Mark.KEPT and is_blank(row.source if row else None)


def _outweighs(record: LiveRecord, row: AttendanceRecord) -> bool:
    """Whether a word that PostgreSQL never heard goes before the one that it has."""
    rank, other = RANK[record.source], RANK[row.source]
    return rank > other or (rank == other and record.changed_at > row.changed_at)


def _says_the_same(record: LiveRecord, row: AttendanceRecord | None) -> bool:
    """A receipt says what its check-in said: who has brought a mark back has said no other word."""
    return (
        row is not None
        and (
            record.status,
            record.checked_in_at,
            record.full_name,
            RANK[record.source],
            record.mark == Mark.KEPT,
        )
        == (row.status, row.checked_in_at, row.full_name, RANK[row.source], not row.is_deleted)
        and (row.source != record.source or reason_of(record) == row.reason)
    )


def _payload(snapshot: Snapshot, record: LiveRecord) -> CorruptPayload:
    raw = snapshot.raw_records[record.school_number.encode()]
    return CorruptPayload("record", record.school_number, raw, OLDER_COPY)


def _payloads(snapshot: Snapshot, events: Sequence[LiveEvent]) -> list[CorruptPayload]:
    return [
        CorruptPayload("event", str(event.revision), snapshot.raw_event(event), OLDER_COPY)
        for event in events
    ]
