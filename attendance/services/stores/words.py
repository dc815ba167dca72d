"""The newest word of a person that Redis has taken of each lesson, kept before it is acknowledged.

It is a table of its own: a task that stands still holds the ledger's row of a lesson, and nobody
who corrects that lesson meanwhile has to wait for it.
"""

from collections.abc import Iterable, Mapping
from uuid import UUID

from django.db import connection
from django.db.models import Exists, F, OuterRef
from django.db.models.functions import Coalesce

from attendance.live.payloads import LiveLesson, RequestKey
from attendance.models import LessonWord


def enter(lesson: LiveLesson, newest: RequestKey | None) -> bool:
    """Redis has a lesson at this revision now, with the event of `newest`: keep that.

    A copy below it, or without that event, lacks something. A lesson that was stored at an older
    revision is to be stored again: returns whether it was. Call it outside a transaction, or the
    word is acknowledged before this is committed.
    """
    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO attendance_lessonword AS known"
            " (lesson_id, revision, record_count, request) VALUES (%s, %s, %s, %s)"
            " ON CONFLICT (lesson_id) DO UPDATE SET"
            " revision = greatest(known.revision, EXCLUDED.revision),"
            " record_count = greatest(known.record_count, EXCLUDED.record_count),"
            " request = CASE WHEN EXCLUDED.request = '' THEN known.request"
            " ELSE EXCLUDED.request END",
            [
                lesson.id,
                lesson.revision,
                lesson.record_count,
                f"{newest.id} {newest.digest}" if newest else "",
            ],
        )
        # A task that holds the row just now tells the state itself: nobody waits for it.
        cursor.execute(
            "UPDATE attendance_lessonledger SET state = 'ended' WHERE lesson_id IN (SELECT"
            " lesson_id FROM attendance_lessonledger WHERE lesson_id = %s AND state = 'persisted'"
            " AND coalesce(stored_revision, 0) < %s FOR UPDATE SKIP LOCKED)",
            [lesson.id, lesson.revision],
        )
        return bool(cursor.rowcount)


def enter_heard(newest: Mapping[UUID, tuple[int, int]]) -> None:
    """How far lessons in Redis had come: their revisions and counts of records. One statement.

    A check-in is acknowledged before this is written down. Call it outside a transaction.
    """
    if not newest:
        return
    rows = [(lesson_id, *newest[lesson_id]) for lesson_id in sorted(newest)]
    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO attendance_lessonword AS known"
            " (lesson_id, revision, record_count, request)"
            " SELECT i.*, '' FROM unnest(%s::uuid[], %s::int8[], %s::int4[]) AS i"
            " ON CONFLICT (lesson_id) DO UPDATE SET"
            " revision = greatest(known.revision, EXCLUDED.revision),"
            " record_count = greatest(known.record_count, EXCLUDED.record_count)",
            [list(column) for column in zip(*rows, strict=True)],
        )


def newest_request(lesson_id: UUID) -> RequestKey | None:
    """The newest request whose event was seen in Redis, or None. One query."""
    found = LessonWord.objects.filter(pk=lesson_id).exclude(request="").first()
    return request_of(found) if found else None


def request_of(word: LessonWord) -> RequestKey:
    """The request whose event was the newest one; both parts are empty where there is none."""
    request_id, _, digest = word.request.partition(" ")
    return RequestKey(request_id, digest)


def miss(lesson_id: UUID) -> None:
    """Redis goes on from a copy that lacks the newest word: that stays told."""
    LessonWord.objects.filter(pk=lesson_id).update(lost=F("lost") + 1, request="")


def forget(lesson_id: UUID) -> None:
    """Nobody waits for the words any more that Redis lacks."""
    LessonWord.objects.filter(pk=lesson_id).update(lost=0, request="", revision=0, record_count=0)


def words_of(lesson_ids: Iterable[UUID]) -> dict[UUID, LessonWord]:
    """By lesson; one query."""
    return LessonWord.objects.in_bulk(list(lesson_ids))


def newer_than_stored() -> Exists:
    """For a query of the ledger: whether a newer word was acknowledged than what is stored."""
    stored = Coalesce(OuterRef("stored_revision"), 0)
    return Exists(LessonWord.objects.filter(pk=OuterRef("lesson_id"), revision__gt=stored))
