"""Step 2 and the sums: what was taken from Redis, compared with what is stored."""

from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple
from uuid import UUID

import msgspec

from attendance.live import store
from attendance.live.store import CorruptPayload, Snapshot, Unsnapped
from attendance.models import Attendance, LessonLedger
from attendance.services import rewinding
from attendance.services.columns import Readable
from attendance.services.ledger import Persisted
from attendance.services.report import Counts, LessonReport, Outcome
from attendance.services.rows import Written


class Fresh(NamedTuple):
    """A lesson of which something may have to be written."""

    snapshot: Snapshot
    readable: Readable
    corrupt: Sequence[CorruptPayload]


class Stored(NamedTuple):
    """A lesson whose snapshot is in PostgreSQL already."""

    snapshot: Snapshot
    quarantined: int


class Rewound(NamedTuple):
    """A lesson of which PostgreSQL holds something newer."""

    snapshot: Snapshot
    differing: Sequence[CorruptPayload]


class Taken(NamedTuple):
    fresh: list[Fresh]
    stored: list[Stored]
    rewound: list[Rewound]
    unsnapped: dict[UUID, Unsnapped]


class Kept(NamedTuple):
    """What went into quarantine: by lesson, all of it and what was not there before."""

    refused: Mapping[UUID, int]
    newly: Mapping[UUID, int]


class SumsDisagree(Exception):
    """Captured and stored differ: the transaction must not commit."""


def take(lesson_ids: Sequence[UUID]) -> Taken:
    """Snapshot claimed lessons and sort them by what PostgreSQL has of them.

    Raises LiveStoreUnavailable.
    """
    taken = Taken([], [], [], {})
    snapshots = store.snapshot_many(lesson_ids)
    # Read after the snapshots: nobody stores a claimed lesson in between.
    stored = dict(Attendance.objects.filter(pk__in=lesson_ids).values_list("pk", "revision"))
    books = {
        row.lesson_id: row
        for row in LessonLedger.objects.filter(lesson_id__in=lesson_ids).only(
            "digest", "quarantined_count"
        )
    }
    for lesson_id, snapshot in snapshots.items():
        whole = _whole(snapshot)
        if isinstance(whole, Unsnapped):
            taken.unsnapped[lesson_id] = whole
        else:
            _sort(taken, whole, stored.get(lesson_id), books.get(lesson_id))
    return taken


def _whole(snapshot: Snapshot | Unsnapped) -> Snapshot | Unsnapped:
    """Where a hash or a list is shorter than its scripts counted, marks are gone."""
    if isinstance(snapshot, Unsnapped):
        return snapshot
    lesson = snapshot.lesson
    for name, counted, found in (
        ("records", lesson.record_count, snapshot.read),
        ("events", lesson.event_count, len(snapshot.raw_events)),
    ):
        if found < counted:
            why = f"{counted} {name} were counted and {found} are there"
            return Unsnapped("unreadable", why, snapshot.raw_lesson)
    return snapshot


def _sort(taken: Taken, snapshot: Snapshot, stored: int | None, book: LessonLedger | None) -> None:
    revision = snapshot.lesson.revision
    digest = book.digest if book else ""
    if stored == revision and book and digest == snapshot.digest:
        taken.stored.append(Stored(snapshot, book.quarantined_count))
    elif stored is None or stored < revision or (stored == revision and not digest):
        decoded = snapshot.decode()
        readable = Readable(snapshot.lesson, decoded.records, decoded.events)
        taken.fresh.append(Fresh(snapshot, readable, decoded.corrupt))
    elif rewinding.is_still_there(snapshot):
        taken.rewound.append(Rewound(snapshot, rewinding.differing(snapshot)))
    else:
        # The snapshot was merely old: somebody discarded the lesson meanwhile.
        taken.unsnapped[snapshot.lesson.id] = Unsnapped("not_found")


def account(
    chunk: Iterable[UUID], taken: Taken, written: Mapping[UUID, Written], kept: Kept
) -> list[LessonReport]:
    """Make the report of each lesson. Raises SumsDisagree where promise 6 is broken."""
    reports = [
        *(_report_fresh(each, written[each.snapshot.lesson.id], kept) for each in taken.fresh),
        *(_report_stored(each) for each in taken.stored),
        *(_report_rewound(each, kept) for each in taken.rewound),
        *(_report_unsnapped(i, why, kept) for i, why in taken.unsnapped.items()),
    ]
    for report in reports:
        if not report.counts.sums_agree:
            raise SumsDisagree(f"{report.lesson_id}: {report.counts}")
    seen = {report.lesson_id for report in reports}
    busy = [LessonReport(i, Outcome.BUSY) for i in chunk if i not in seen]
    return [report for report in reports if report.outcome] + busy


def _captured(snapshot: Snapshot) -> tuple[int, int, int]:
    recorded, read = snapshot.lesson.record_count, snapshot.read
    return recorded, read - recorded, read


def _report_fresh(each: Fresh, written: Written, kept: Kept) -> LessonReport:
    lesson = each.snapshot.lesson
    refused = kept.refused.get(lesson.id, 0)
    unreadable = sum(payload.kind == "record" for payload in each.corrupt)
    newly = kept.newly.get(lesson.id, 0)
    return LessonReport(
        lesson.id,
        Outcome.PERSISTED,
        lesson.data.lesson_name,
        Counts(
            *_captured(each.snapshot),
            written.inserted,
            written.updated,
            written.unchanged,
            unreadable + refused,
        ),
        events_inserted=written.events,
        newly_quarantined=newly,
    )


def _report_stored(each: Stored) -> LessonReport:
    lesson = each.snapshot.lesson
    unchanged = each.snapshot.read - each.quarantined
    counts = Counts(*_captured(each.snapshot), unchanged=unchanged, quarantined=each.quarantined)
    return LessonReport(lesson.id, Outcome.UNCHANGED, lesson.data.lesson_name, counts)


def _report_rewound(each: Rewound, kept: Kept) -> LessonReport:
    lesson = each.snapshot.lesson
    quarantined = sum(payload.kind == "record" for payload in each.differing)
    unchanged = each.snapshot.read - quarantined
    return LessonReport(
        lesson.id,
        Outcome.REWOUND,
        lesson.data.lesson_name,
        Counts(*_captured(each.snapshot), unchanged=unchanged, quarantined=quarantined),
        newly_quarantined=kept.newly.get(lesson.id, 0),
        error="Redis holds an older copy of this lesson than PostgreSQL.",
    )


_OUTCOMES = {"unreadable": Outcome.QUARANTINED, "not_found": Outcome.GONE}


def _report_unsnapped(lesson_id: UUID, why: Unsnapped, kept: Kept) -> LessonReport:
    return LessonReport(
        lesson_id,
        _OUTCOMES.get(why.outcome, Outcome.NOT_OVER),
        newly_quarantined=kept.newly.get(lesson_id, 0),
        error=why.reason,
    )


def for_the_ledger(taken: Taken, reports: Sequence[LessonReport]) -> list[Persisted]:
    """What the ledger writes down of the lessons that this transaction stores."""
    quarantined = {report.lesson_id: report.counts.quarantined for report in reports}
    return [
        Persisted(each.snapshot.lesson, each.snapshot.digest, quarantined[each.snapshot.lesson.id])
        for each in taken.fresh
    ]


def without_records(taken: Taken) -> Taken:
    """What is needed once the rows are written: the other lane wants the memory for its own."""
    fresh = [each._replace(readable=Readable(each.snapshot.lesson, (), ())) for each in taken.fresh]
    return taken._replace(fresh=fresh)


def with_discards(
    reports: Sequence[LessonReport], discarded: set[UUID], *, seconds: float
) -> list[LessonReport]:
    return [
        msgspec.structs.replace(report, is_discarded=report.lesson_id in discarded, seconds=seconds)
        for report in reports
    ]
