"""The ledger's writes about lessons that are lost, and about older copies of stored ones.

As those of `ledger.py`: conditional on the state before, under the lesson's claim.
"""

from collections.abc import Callable, Sequence
from datetime import datetime
from uuid import UUID

from django.db import transaction
from django.db.models.functions import Coalesce, Now
from django.utils import timezone

from attendance.models import LessonLedger
from attendance.services import claims
from attendance.services.stores import words
from attendance.vocabulary import LessonState
from users.identity import Person

LOST = (
    "lost: Redis answers and does not hold this lesson. Restore its append-only file, or ask the "
    "students for their receipts."
)
GONE = (
    "lost: it was stored and had left Redis, and PostgreSQL came back older. Restore a newer "
    "backup, or ask the students for their receipts."
)
REWOUND = "rewound"
"""How the ledger's word on a rewound lesson begins."""


def mark_rewound(lesson_id: UUID, *, is_whole: bool) -> None:
    """Redis holds an older copy: PostgreSQL has the newest changes and takes the next ones.

    A word that Redis had taken is missed where neither PostgreSQL nor a copy that is not whole
    has it.
    """
    row = LessonLedger.objects.filter(lesson_id=lesson_id)
    if not is_whole:
        row.filter(words.newer_than_stored()).update(
            incomplete_since=Coalesce("incomplete_since", Now())
        )
    row.update(
        state=LessonState.DISCARDED,
        persisted_at=timezone.now(),
        discarded_at=timezone.now(),
        last_error=f"{REWOUND}: Redis holds an older copy of this lesson than PostgreSQL. It is "
        "kept there and left alone; what differs is in quarantine.",
    )


def end_rewound(lesson_ids: Sequence[UUID], is_gone: Callable[[Sequence[UUID]], set[UUID]]) -> None:
    """Rewound lessons whose older copy is gone from Redis: nothing is left to be looked at.

    `is_gone` asks Redis under the claim: whoever finds a copy that came back marks the lesson
    under the claim too.
    """
    with transaction.atomic():
        claimed_ids = claims.claim(lesson_ids)
        LessonLedger.objects.filter(
            lesson_id__in=is_gone(claimed_ids), last_error__startswith=REWOUND
        ).update(last_error="")


def mark_lost(lesson_ids: Sequence[UUID]) -> list[UUID]:
    """Lessons that Redis, which was read first, does not hold. Returns those given up now.

    The state is looked at again under the claim: another task may have
    persisted and discarded them meanwhile.
    """
    with transaction.atomic():
        claimed_ids = claims.claim(lesson_ids)
        rows = LessonLedger.objects.filter(lesson_id__in=claimed_ids)
        # Where a newer word was acknowledged than what is stored, that word is lost.
        rows.filter(~words.newer_than_stored(), state=LessonState.PERSISTED).update(
            state=LessonState.DISCARDED, discarded_at=timezone.now()
        )
        lost_ids = list(rows.open().values_list("lesson_id", flat=True))
        rows.filter(lesson_id__in=lost_ids).update(
            state=LessonState.LOST,
            last_error=LOST,
            settled_at=None,
            settled_by=None,
            settled_reason="",
        )
    return lost_ids


def enter_lost(
    lesson_id: UUID, lesson_name: str, teacher: Person, *, window: tuple[datetime, datetime]
) -> None:
    """A lesson that only a receipt knows: nobody entered it before Redis lost it."""
    LessonLedger.objects.get_or_create(
        lesson_id=lesson_id,
        defaults={
            "lesson_name": lesson_name,
            "teacher_number": teacher.school_number,
            "teacher_name": teacher.full_name,
            "starts_at": window[0],
            "ends_at": window[1],
            "state": LessonState.LOST,
            "last_error": LOST,
        },
    )


def enter_gone(lesson_ids: Sequence[UUID]) -> None:
    """Lessons that Redis has given up, and that PostgreSQL, which came back older, lacks."""
    LessonLedger.objects.bulk_create(
        [LessonLedger(lesson_id=i, state=LessonState.LOST, last_error=GONE) for i in lesson_ids],
        ignore_conflicts=True,
    )
