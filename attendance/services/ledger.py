"""The ledger's writes: conditional on the state before, under the lesson's claim."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, NamedTuple
from uuid import UUID

from django.db import connection, transaction
from django.db.models.functions import Coalesce, Now
from django.utils import timezone

from attendance.live.payloads import LiveLesson
from attendance.models import LessonLedger
from attendance.selectors.shapes import state_of
from attendance.services import claims, telling
from attendance.services.stores import words
from attendance.services.stores.lacks import WHOLE, Lack
from attendance.vocabulary import LessonState

FIRST_PAUSE = timedelta(minutes=1)
LONGEST_PAUSE = timedelta(hours=6)

OBSERVED = (LessonState.SCHEDULED, LessonState.LIVE, LessonState.ENDED, LessonState.LOST)
"""States that follow Redis; only the persistence task changes the others."""


_NEWEST = (
    "(lesson_id) DO UPDATE SET lesson_name = EXCLUDED.lesson_name,"
    " teacher_number = EXCLUDED.teacher_number, teacher_name = EXCLUDED.teacher_name,"
    " section_id = EXCLUDED.section_id,"
    " starts_at = EXCLUDED.starts_at, ends_at = EXCLUDED.ends_at,"
    " record_count = greatest(stored.record_count, EXCLUDED.record_count),"
    " seen_revision = greatest(stored.seen_revision, EXCLUDED.seen_revision)"
)


class PersistedLesson(NamedTuple):
    """What the ledger keeps of a lesson that was committed."""

    lesson: LiveLesson
    digest: str
    quarantined: int
    lack: Lack = WHOLE


def enter_started(lesson: LiveLesson) -> None:
    """Enter a lesson that Redis has confirmed; an existing row stays as it is."""
    with transaction.atomic():
        _upsert([lesson], "DO NOTHING")
        telling.tell_observed([lesson])


def observe(lessons: Sequence[LiveLesson]) -> None:
    """Write down what Redis holds now: a fixed number of statements for a page of lessons.

    Only lessons that differ from their row are claimed and written. A lesson that
    was marked as lost and is in Redis again gets its state back; one that another
    task has claimed is left to that task.
    """
    rows = {
        row.lesson_id: row
        for row in LessonLedger.objects.filter(lesson_id__in=[lesson.id for lesson in lessons])
    }
    to_write = [lesson for lesson in lessons if _differs(rows.get(lesson.id), lesson)]
    if not to_write:
        return
    with transaction.atomic():
        claimed_ids = set(claims.claim([lesson.id for lesson in to_write]))
        claimed = [lesson for lesson in to_write if lesson.id in claimed_ids]
        _upsert(
            claimed,
            f"{_NEWEST}, state = EXCLUDED.state, last_error = '', settled_at = NULL,"
            " settled_by_id = NULL, settled_reason = '' WHERE stored.state = ANY(%s)"
            " OR stored.state = 'persisted' AND stored.stored_revision < EXCLUDED.seen_revision",
            [list(OBSERVED)],
        )
        telling.tell_observed(claimed)


def _differs(row: LessonLedger | None, lesson: LiveLesson) -> bool:
    if row is None:
        return True
    if row.state == LessonState.PERSISTED:
        return row.stored_revision is not None and row.stored_revision < lesson.revision
    return row.state in OBSERVED and (
        row.state != state_of(lesson)
        or row.record_count < lesson.record_count
        or row.seen_revision < lesson.revision
        or (row.starts_at, row.ends_at) != (lesson.starts_at, lesson.ends_at)
        or row.lesson_name != lesson.data.lesson_name
    )


def _upsert(lessons: Sequence[LiveLesson], conflict: str, values: Sequence[Any] = ()) -> None:
    if not lessons:
        return
    columns = _columns(
        (
            lesson.id,
            lesson.data.lesson_name,
            lesson.data.teacher.school_number,
            lesson.data.teacher.full_name,
            lesson.data.section.id if lesson.data.section else None,
            lesson.starts_at,
            lesson.ends_at,
            state_of(lesson).value,
            lesson.record_count,
            lesson.revision,
        )
        for lesson in lessons
    )
    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO attendance_lessonledger AS stored (lesson_id, lesson_name,"
            " teacher_number, teacher_name, section_id, starts_at, ends_at, state, record_count,"
            " seen_revision, missing_count, quarantined_count, attempts, last_error, digest,"
            " first_seen_at)"
            " SELECT i.*, 0, 0, 0, '', '', statement_timestamp() FROM unnest(%s::uuid[],"
            " %s::text[], %s::text[], %s::text[], %s::int8[], %s::timestamptz[],"
            f" %s::timestamptz[], %s::text[], %s::int4[], %s::int8[]) AS i ON CONFLICT {conflict}",
            [*columns, *values],
        )


def _columns(rows: Iterable[tuple[Any, ...]]) -> list[Any]:
    return [list(column) for column in zip(*rows, strict=True)]


def mark_persisted(entries: Sequence[PersistedLesson]) -> None:
    """Within the persisting transaction: these lessons are in PostgreSQL."""
    _upsert([entry.lesson for entry in entries], _NEWEST)
    if not entries:
        return
    columns = _columns(
        (
            entry.lesson.id,
            entry.quarantined,
            entry.digest,
            entry.lesson.revision,
            entry.lack.is_whole,
        )
        for entry in entries
    )
    with connection.cursor() as cursor:
        cursor.execute(
            # What was acknowledged since the snapshot is not stored, although this is.
            "UPDATE attendance_lessonledger AS stored SET state = CASE WHEN i.is_whole AND"
            " (SELECT w.revision FROM attendance_lessonword AS w WHERE w.lesson_id = i.lesson_id)"
            " > greatest(stored.stored_revision, i.revision)"
            " THEN 'ended' ELSE 'persisted' END, attempts = 0,"
            " next_attempt_at = NULL, last_error = '', persisted_at = statement_timestamp(),"
            " discarded_at = NULL, digest = i.digest, quarantined_count = i.quarantined,"
            " stored_revision = greatest(stored.stored_revision, i.revision)"
            " FROM unnest(%s::uuid[], %s::int4[], %s::text[], %s::int8[], %s::bool[])"
            " AS i (lesson_id, quarantined, digest, revision, is_whole)"
            " WHERE stored.lesson_id = i.lesson_id",
            columns,
        )


def mark_stored(lesson_ids: Sequence[UUID]) -> None:
    """Within the transaction that claims them: PostgreSQL has these lessons, byte for byte.

    That settles any failure or other state that the ledger got since they were stored.
    """
    LessonLedger.objects.filter(lesson_id__in=lesson_ids).exclude(
        state__in=[LessonState.PERSISTED, LessonState.DISCARDED]
    ).update(state=LessonState.PERSISTED, attempts=0, next_attempt_at=None, last_error="")


def mark_lacks(lacks: Mapping[UUID, Lack]) -> None:
    """Within the persisting transaction: what was seen of these lessons, and Redis lacks now.

    A lesson that lacks nothing is no longer told of.
    """
    rows = LessonLedger.objects.filter(lesson_id__in=lacks)
    whole_ids = [lesson_id for lesson_id, lack in lacks.items() if lack.is_whole]
    rows.filter(lesson_id__in=whole_ids, incomplete_since__isnull=False).update(
        incomplete_since=None, missing_count=0
    )
    for lesson_id in lacks.keys() - whole_ids:
        rows.filter(lesson_id=lesson_id).update(
            missing_count=lacks[lesson_id].records,
            incomplete_since=Coalesce("incomplete_since", Now()),
            last_error=lacks[lesson_id].text,
        )


def settle_discards(gone_ids: Collection[UUID], *, still_there: Mapping[UUID, str]) -> None:
    """After the discard: mark lessons that left Redis, and those with something newer there.

    `still_there` maps the latter to the digest of what was stored. Where another task has
    stored more since, the digest differs and that task settles the lesson: marked as not
    stored, it would be declared lost once it is gone. A lesson that another task has
    claimed is left to that task as well.
    """
    with transaction.atomic():
        claimed_ids = claims.claim([*gone_ids, *still_there])
        persisted_before = LessonLedger.objects.filter(state=LessonState.PERSISTED)
        gone = persisted_before.filter(lesson_id__in=[i for i in claimed_ids if i in gone_ids])
        gone.filter(~words.newer_than_stored()).update(
            state=LessonState.DISCARDED,
            discarded_at=timezone.now(),
            attempts=0,
            next_attempt_at=None,
            last_error="",
        )
        for lesson_id in (i for i in claimed_ids if i in still_there):
            persisted_before.filter(lesson_id=lesson_id, digest=still_there[lesson_id]).update(
                state=LessonState.ENDED
            )


def count_failure(lesson_id: UUID, error: str, *, at: datetime) -> datetime | None:
    """Count a failed attempt. Returns when the lesson is tried again: pauses double.

    Returns None where another task has stored and discarded it meanwhile. A lesson that
    is committed stays persisted, whatever failed after that: without that state it would
    be declared lost once it is gone from Redis.
    """
    with transaction.atomic():
        row, _ = LessonLedger.objects.select_for_update().get_or_create(
            lesson_id=lesson_id, defaults={"state": LessonState.FAILED}
        )
        if row.state == LessonState.DISCARDED:
            return None
        pause: timedelta = min(FIRST_PAUSE * 2 ** min(row.attempts, 20), LONGEST_PAUSE)
        row.attempts += 1
        row.next_attempt_at = at + pause
        row.last_error = error
        if row.state != LessonState.PERSISTED:
            row.state = LessonState.FAILED
        row.save()
    return at + pause


def mark_quarantined(lesson_id: UUID, error: str) -> None:
    """The lesson's own data cannot be read: it waits in Redis for a person."""
    LessonLedger.objects.get_or_create(
        lesson_id=lesson_id, defaults={"state": LessonState.QUARANTINED}
    )
    LessonLedger.objects.filter(lesson_id=lesson_id).exclude(state=LessonState.DISCARDED).update(
        state=LessonState.QUARANTINED, last_error=error
    )
