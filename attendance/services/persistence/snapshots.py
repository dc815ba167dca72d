"""Step 2: what was read from Redis, sorted by what PostgreSQL has of it.

A lesson is new or newer than what is stored, stored already, or older: then Redis
came back from a backup or from a replica that was behind.
"""

from collections.abc import Sequence
from typing import NamedTuple
from uuid import UUID

from attendance.live import store
from attendance.live.payloads import LiveLesson, LiveRecord
from attendance.live.store import CorruptPayload, Snapshot, Unsnapped
from attendance.models import Attendance, AttendanceRecord, LessonLedger
from attendance.rules.precedence import is_blank
from attendance.rules.verdicts import Mark
from attendance.services.persistence.row_values import Readable, reason_of

OLDER_COPY = "an older copy of the lesson in Redis says something else than PostgreSQL"


class LessonToWrite(NamedTuple):
    """A lesson of which something may have to be written."""

    snapshot: Snapshot
    readable: Readable
    corrupt: Sequence[CorruptPayload]


class StoredLesson(NamedTuple):
    """A lesson whose snapshot is in PostgreSQL already."""

    snapshot: Snapshot
    quarantined: int


class RewoundLesson(NamedTuple):
    """A lesson of which PostgreSQL holds something newer."""

    snapshot: Snapshot
    differing: Sequence[CorruptPayload]
    """What says something else than a person's word in PostgreSQL."""
    blanks: Readable
    """The records of the copy where PostgreSQL has none, or one of the system."""


class ChunkSnapshots(NamedTuple):
    """The lessons of one chunk, each in the list that says what has to be done."""

    to_write: list[LessonToWrite]
    stored: list[StoredLesson]
    rewound: list[RewoundLesson]
    unsnapped: dict[UUID, Unsnapped]


def take_snapshots(lesson_ids: Sequence[UUID]) -> ChunkSnapshots:
    """Snapshot claimed lessons and sort them by what PostgreSQL has of them.

    Raises LiveStoreUnavailable.
    """
    snapshots = ChunkSnapshots([], [], [], {})
    replies = store.snapshot_many(lesson_ids)
    # Read after the snapshots: nobody stores a claimed lesson in between.
    revisions = dict(Attendance.objects.filter(pk__in=lesson_ids).values_list("pk", "revision"))
    entries = {
        row.lesson_id: row
        for row in LessonLedger.objects.filter(lesson_id__in=lesson_ids).only(
            "digest", "quarantined_count"
        )
    }
    for lesson_id, snapshot in replies.items():
        result = _check_counts(snapshot)
        if isinstance(result, Unsnapped):
            snapshots.unsnapped[lesson_id] = result
        else:
            _sort(snapshots, result, revisions.get(lesson_id), entries.get(lesson_id))
    return snapshots


def _check_counts(snapshot: Snapshot | Unsnapped) -> Snapshot | Unsnapped:
    """Unsnapped where the snapshot has fewer records or events than the scripts counted."""
    if isinstance(snapshot, Unsnapped):
        return snapshot
    lesson = snapshot.lesson
    for name, expected, actual in (
        ("records", lesson.record_count, snapshot.read),
        ("events", lesson.event_count, len(snapshot.raw_events)),
    ):
        if actual < expected:
            why = f"{expected} {name} were counted and {actual} are there"
            return Unsnapped("unreadable", why, snapshot.raw_lesson)
    return snapshot


def _sort(
    snapshots: ChunkSnapshots, snapshot: Snapshot, stored: int | None, entry: LessonLedger | None
) -> None:
    """`stored` is the revision that PostgreSQL has, `entry` what the ledger says."""
    revision = snapshot.lesson.revision
    digest = entry.digest if entry else ""
    if stored == revision and entry and digest == snapshot.digest:
        snapshots.stored.append(StoredLesson(snapshot, entry.quarantined_count))
    elif stored is None or stored < revision or (stored == revision and not digest):
        decoded = snapshot.decode()
        readable = Readable(snapshot.lesson, decoded.records, decoded.events)
        snapshots.to_write.append(LessonToWrite(snapshot, readable, decoded.corrupt))
    elif is_still_there(snapshot):
        snapshots.rewound.append(_compare(snapshot))
    else:
        # Another task discarded the lesson after this snapshot.
        snapshots.unsnapped[snapshot.lesson.id] = Unsnapped("not_found")


def is_still_there(snapshot: Snapshot) -> bool:
    """Whether Redis still holds the lesson at this revision; it is read again."""
    lesson = store.read_lessons([snapshot.lesson.id])[snapshot.lesson.id]
    return isinstance(lesson, LiveLesson) and lesson.revision == snapshot.lesson.revision


def _compare(snapshot: Snapshot) -> RewoundLesson:
    """Sort the records of an older copy: those that fill a blank, and those that differ."""
    decoded = snapshot.decode()
    rows = {
        row.student.school_number: row
        for row in AttendanceRecord.objects.filter(attendance_id=snapshot.lesson.id).select_related(
            "student"
        )
    }
    blank = [
        record
        for record in decoded.records
        if is_blank(getattr(rows.get(record.school_number), "source", None))
        and record.mark == Mark.KEPT
    ]
    filled = {record.school_number for record in blank}
    other = [
        CorruptPayload(
            "record",
            record.school_number,
            snapshot.raw_records[record.school_number.encode()],
            OLDER_COPY,
        )
        for record in decoded.records
        if record.school_number not in filled
        and not _says_the_same(record, rows.get(record.school_number))
    ]
    return RewoundLesson(snapshot, [*decoded.corrupt, *other], Readable(snapshot.lesson, blank, ()))


def _says_the_same(record: LiveRecord, row: AttendanceRecord | None) -> bool:
    return row is not None and (
        record.status,
        record.checked_in_at,
        record.full_name,
        record.source,
        reason_of(record),
        record.mark == Mark.KEPT,
    ) == (row.status, row.checked_in_at, row.full_name, row.source, row.reason, not row.is_deleted)


def without_records(snapshots: ChunkSnapshots) -> ChunkSnapshots:
    """Drop what is not needed once the rows are written: the other lane needs the memory."""
    to_write = [
        each._replace(readable=Readable(each.snapshot.lesson, (), ()))
        for each in snapshots.to_write
    ]
    return snapshots._replace(to_write=to_write)
