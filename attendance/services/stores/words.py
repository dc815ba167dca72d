"""The newest word of a person that Redis has taken of each lesson, kept before it is acknowledged.

It is a table of its own: a task that stands still holds the ledger's row of a lesson, and nobody
who corrects that lesson meanwhile has to wait for it.
"""

from collections.abc import Iterable, Mapping
from typing import Final
from uuid import UUID

from django.db import connection
from django.db.models import Exists, F, OuterRef
from django.db.models.functions import Coalesce

from attendance.live.payloads import LiveLesson, RequestKey
from attendance.models import LessonLedger, LessonWord
from attendance.vocabulary import LessonState

MOST_THINNED: Final = 50_000
"""Removed at once, by one statement."""

_THIN: Final = """
    DELETE FROM attendance_lessonword AS word
     WHERE word.lesson_id IN (
               SELECT said.lesson_id FROM attendance_lessonword AS said
                 JOIN attendance_lessonledger AS row USING (lesson_id)
                WHERE said.request = '' AND said.lost = 0 AND row.state = 'discarded'
                  AND row.incomplete_since IS NULL AND row.last_error = ''
                  AND row.accepted_revision IS NULL
                  AND said.revision <= row.seen_revision
                  AND said.revision <= row.stored_revision
                  AND said.record_count <= row.record_count
                LIMIT %s)
       AND EXISTS (
               SELECT 1 FROM attendance_lessonledger AS row
                WHERE row.lesson_id = word.lesson_id AND word.request = '' AND word.lost = 0
                  AND word.revision <= row.seen_revision
                  AND word.revision <= row.stored_revision
                  AND word.record_count <= row.record_count)"""
# Asked twice: a word that came in between is waited for, and only the outer question is put again.


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


def revisions_known(lesson_ids: Iterable[UUID]) -> dict[UUID, int]:
    """How far Redis had come with each lesson, as far as PostgreSQL was told; two queries.

    Of a discarded lesson the ledger knows it where its word was removed.
    """
    ids = list(lesson_ids)
    known = {i: word.revision for i, word in words_of(ids).items()}
    rows = LessonLedger.objects.filter(
        lesson_id__in=ids, state=LessonState.DISCARDED, accepted_revision=None
    )
    for lesson_id, seen in rows.values_list("lesson_id", "seen_revision"):
        known[lesson_id] = max(seen, known.get(lesson_id, 0))
    return known


def words_of(lesson_ids: Iterable[UUID]) -> dict[UUID, LessonWord]:
    """By lesson; one query."""
    return LessonWord.objects.in_bulk(list(lesson_ids))


def newer_than_stored() -> Exists:
    """For a query of the ledger: whether a newer word was acknowledged than what is stored."""
    stored = Coalesce(OuterRef("stored_revision"), 0)
    return Exists(LessonWord.objects.filter(pk=OuterRef("lesson_id"), revision__gt=stored))


def remove_known() -> int:
    """Remove words of discarded lessons of which the ledger says as much; returns how many.

    The ledger's counts only rise, so what it says today it says of every copy that comes back. A
    request stays: the ledger knows no request, and a copy that lacks its event and has gone on
    past all counts is told by nothing else. So does the word of a lesson that is incomplete,
    rewound, or accepted as it is. At most `MOST_THINNED` at once. Raises django.db.Error.
    """
    with connection.cursor() as cursor:
        cursor.execute(_THIN, [MOST_THINNED])
        return int(cursor.rowcount)
