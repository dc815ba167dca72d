"""Promise 6: captured = read = stored, for each lesson, and the report that says so."""

from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple
from uuid import UUID

import msgspec

from attendance.live.store import Snapshot, Unsnapped
from attendance.services.ledger import PersistedLesson
from attendance.services.persistence.report import Counts, LessonReport, Outcome
from attendance.services.persistence.rows import Written
from attendance.services.persistence.snapshots import (
    ChunkSnapshots,
    LessonToWrite,
    RewoundLesson,
    StoredLesson,
)


class QuarantineCounts(NamedTuple):
    """What went into quarantine, by lesson."""

    refused: Mapping[UUID, int]
    """Records that the database refused."""
    newly: Mapping[UUID, int]
    """Payloads of any kind that were not there before."""


NOTHING_QUARANTINED = QuarantineCounts({}, {})


class SumsDisagree(Exception):
    """Captured and stored differ: the transaction must not commit."""


def report_lessons(
    snapshots: ChunkSnapshots,
    *,
    written: Mapping[UUID, Written],
    quarantined: QuarantineCounts,
    rows: Mapping[UUID, int],
) -> list[LessonReport]:
    """Make the report of each lesson of a chunk that was claimed.

    `rows` says how many of those who were captured have a row: see `captured.count_rows`.
    Raises SumsDisagree where promise 6 is broken: the caller must roll back.
    """
    reports = [
        *(_of_written(x, written[x.snapshot.lesson.id], quarantined) for x in snapshots.to_write),
        *(_of_stored(x, rows.get(x.snapshot.lesson.id, 0)) for x in snapshots.stored),
        *(
            _of_rewound(
                x,
                written.get(x.snapshot.lesson.id, Written()),
                quarantined,
                rows.get(x.snapshot.lesson.id, 0),
            )
            for x in snapshots.rewound
        ),
        *(_of_unsnapped(i, unsnapped, quarantined) for i, unsnapped in snapshots.unsnapped.items()),
    ]
    for report in reports:
        _check(report, rows.get(report.lesson_id, 0))
    return reports


def busy(chunk: Iterable[UUID], reports: Sequence[LessonReport]) -> list[LessonReport]:
    """The reports of those lessons of a chunk that somebody else works on."""
    reported_ids = {report.lesson_id for report in reports}
    return [LessonReport(lesson_id=i, outcome=Outcome.BUSY) for i in chunk if i not in reported_ids]


def _check(report: LessonReport, rows: int) -> None:
    counts = report.counts
    is_stored = rows == counts.inserted + counts.updated + counts.unchanged
    if not (counts.sums_agree and is_stored):
        raise SumsDisagree(f"{report.lesson_id}: {counts}, {rows} rows")


def _counts(snapshot: Snapshot, **stored: int) -> Counts:
    """What was captured of a lesson, beside what became of it."""
    recorded, read = snapshot.lesson.record_count, snapshot.read
    return Counts(
        recorded=recorded,
        unscripted=max(0, read - recorded),
        missing=max(0, recorded - read),
        read=read,
        **stored,
    )


def _of_written(
    to_write: LessonToWrite, written: Written, quarantined: QuarantineCounts
) -> LessonReport:
    lesson = to_write.snapshot.lesson
    unreadable = sum(payload.kind == "record" for payload in to_write.corrupt)
    return LessonReport(
        lesson_id=lesson.id,
        outcome=Outcome.PERSISTED if to_write.lack.is_whole else Outcome.INCOMPLETE,
        error=to_write.lack.text,
        lesson_name=lesson.data.lesson_name,
        counts=_counts(
            to_write.snapshot,
            inserted=written.inserted,
            updated=written.updated,
            unchanged=written.unchanged,
            quarantined=unreadable + quarantined.refused.get(lesson.id, 0),
        ),
        events_inserted=written.events,
        newly_quarantined=quarantined.newly.get(lesson.id, 0),
        expected=written.closed.expected,
        marked_absent=written.closed.marked_absent,
    )


def _of_stored(stored_lesson: StoredLesson, rows: int) -> LessonReport:
    lesson, quarantined = stored_lesson.snapshot.lesson, stored_lesson.quarantined
    return LessonReport(
        lesson_id=lesson.id,
        outcome=Outcome.UNCHANGED if stored_lesson.lack.is_whole else Outcome.INCOMPLETE,
        error=stored_lesson.lack.text,
        lesson_name=lesson.data.lesson_name,
        counts=_counts(stored_lesson.snapshot, unchanged=rows, quarantined=quarantined),
    )


def _of_rewound(
    rewound_lesson: RewoundLesson, filled: Written, quarantined: QuarantineCounts, rows: int
) -> LessonReport:
    lesson = rewound_lesson.snapshot.lesson
    differing = sum(payload.kind == "record" for payload in rewound_lesson.differing)
    return LessonReport(
        lesson_id=lesson.id,
        outcome=Outcome.REWOUND,
        lesson_name=lesson.data.lesson_name,
        counts=_counts(
            rewound_lesson.snapshot,
            inserted=filled.inserted,
            updated=filled.updated,
            unchanged=rows - filled.inserted - filled.updated,
            quarantined=differing,
        ),
        events_inserted=filled.events,
        newly_quarantined=quarantined.newly.get(lesson.id, 0),
        error="Redis holds an older copy of this lesson than PostgreSQL.",
    )


_OUTCOMES = {
    "unreadable": Outcome.QUARANTINED,
    "not_found": Outcome.GONE,
    "foreign": Outcome.FAILED,
}


def _of_unsnapped(
    lesson_id: UUID, unsnapped: Unsnapped, quarantined: QuarantineCounts
) -> LessonReport:
    return LessonReport(
        lesson_id=lesson_id,
        outcome=_OUTCOMES.get(unsnapped.outcome, Outcome.NOT_OVER),
        newly_quarantined=quarantined.newly.get(lesson_id, 0),
        error=unsnapped.reason,
    )


def for_the_ledger(
    snapshots: ChunkSnapshots, reports: Sequence[LessonReport]
) -> list[PersistedLesson]:
    """What the ledger writes down of the lessons that this transaction stores."""
    quarantined = {report.lesson_id: report.counts.quarantined for report in reports}
    return [
        PersistedLesson(
            lesson=each.snapshot.lesson,
            digest=each.snapshot.digest,
            quarantined=quarantined[each.snapshot.lesson.id],
            lack=each.lack,
        )
        for each in snapshots.to_write
    ]


def with_discards(
    reports: Sequence[LessonReport], discarded: set[UUID], *, seconds: float
) -> list[LessonReport]:
    """The reports of a chunk once its lessons have left Redis, or stayed."""
    return [
        msgspec.structs.replace(report, is_discarded=report.lesson_id in discarded, seconds=seconds)
        for report in reports
    ]
