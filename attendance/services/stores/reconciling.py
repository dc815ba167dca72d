"""Where the two stores disagree about a lesson, and what can be done about it."""

from typing import NamedTuple
from uuid import UUID

from django.db import transaction
from django.db.models import Exists, F, OuterRef, Q, QuerySet
from django.db.models.functions import Coalesce, Now

from attendance.errors import LessonNotFound, NothingToAccept
from attendance.live import store
from attendance.live.payloads import LiveLesson
from attendance.models import LessonLedger, OlderLiveStore
from attendance.services.stores import words
from attendance.vocabulary import LessonState


class Difference(NamedTuple):
    """One lesson of which one store has something that the other one lacks."""

    lesson_id: UUID
    lesson_name: str
    code: str
    """incomplete, lost, rewound, or uncounted: Redis came back older while it was open."""
    seen: int
    """The most marks that were ever seen of it."""
    missing: int
    """Marks that were seen and are in neither store."""
    in_redis: int | None
    """The marks that Redis counts now; None where it does not hold the lesson."""
    what_to_do: str


WHAT_TO_DO = {
    "incomplete": "Ask the students for their receipts, or bring the newer copy of Redis back. "
    "Where nothing more will come: manage.py reconcile --accept <lesson id>.",
    "lost": "Bring Redis back from its append-only file, or ask the students for their receipts.",
    "uncounted": "Redis came back older while this lesson was open: what was acknowledged between "
    "the copy and its return may be missing, and nobody has counted it. Ask the students for their "
    "receipts and the teacher who was there. Then: manage.py reconcile --settle.",
    "rewound": "Nothing is missing: what the copy had is stored or in quarantine. "
    "Remove its keys from Redis when you have looked.",
}


def find_differences() -> list[Difference]:
    """Every lesson that the ledger knows as incomplete, lost, rewound or uncounted, oldest first.

    Raises LiveStoreUnavailable.
    """
    rows = list(
        LessonLedger.objects.filter(
            Q(incomplete_since__isnull=False)
            | Q(state=LessonState.LOST)
            | Q(last_error__startswith="rewound")
            | Q(Exists(_returns_while_it_was_open()), accepted_revision=None)
        ).order_by("lesson_id")
    )
    lessons = store.read_lessons([row.lesson_id for row in rows]) if rows else {}
    return [_difference(row, lessons.get(row.lesson_id)) for row in rows]


def _returns_while_it_was_open() -> QuerySet[OlderLiveStore]:
    """The returns of an older Redis at which a lesson was in Redis, or should have been."""
    return OlderLiveStore.objects.filter(
        settled_at=None,
        found_at__gte=OuterRef("first_seen_at"),
        found_at__lte=Coalesce(OuterRef("discarded_at"), Now()),
    )


def _difference(row: LessonLedger, lesson: object) -> Difference:
    code = _code_of(row)
    return Difference(
        lesson_id=row.lesson_id,
        lesson_name=row.lesson_name,
        code=code,
        seen=row.record_count,
        missing=row.missing_count,
        in_redis=lesson.record_count if isinstance(lesson, LiveLesson) else None,
        what_to_do=WHAT_TO_DO[code],
    )


def _code_of(row: LessonLedger) -> str:
    if row.state == LessonState.LOST:
        return "lost"
    if row.incomplete_since is not None:
        return "incomplete"
    return "rewound" if row.last_error.startswith("rewound") else "uncounted"


def count_anew(lesson_id: UUID) -> bool:
    """Count what a lesson in Redis holds, where its counts are damaged; the next run takes it up.

    Nothing that is in it changes. Returns whether anything was wrong. Raises LessonNotFound, and
    LessonUnreadable where its own data is damaged too.
    """
    row = LessonLedger.objects.filter(pk=lesson_id).first()
    said = words.words_of([lesson_id]).get(lesson_id)
    seen = max(row.seen_revision if row else 0, said.revision if said else 0)
    was_wrong = store.recount(lesson_id, seen_revision=seen)
    store.unpark([lesson_id])
    return was_wrong


def accept_what_is_there(lesson_id: UUID) -> None:
    """Nothing more will come to an incomplete lesson: what is there is all, until it changes.

    The next run discards it from Redis. Raises LessonNotFound, and NothingToAccept where the
    lesson is not incomplete.
    """
    with transaction.atomic():
        row = LessonLedger.objects.select_for_update().filter(pk=lesson_id).first()
        if row is None:
            raise LessonNotFound
        if row.incomplete_since is None or row.stored_revision is None:
            raise NothingToAccept
        LessonLedger.objects.filter(pk=lesson_id).update(
            accepted_revision=F("stored_revision"), last_error=""
        )
        words.forget(lesson_id)
    store.unpark([lesson_id])
