"""Refused check-ins in PostgreSQL: kept for teachers, and no reason for a run to stop."""

import logging
from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID

from django.db import Error, connection, transaction
from django.utils import timezone

from attendance.live.refusals import LiveRefusal
from attendance.services.database_errors import Kind, kind_of, text_of
from attendance.vocabulary import Refusal
from users.identity import Person

logger = logging.getLogger(__name__)

_TYPES = "%s::uuid[], %s::text[], %s::text[], %s::text[], %s::int4[], %s::timestamptz[]"
_INSERT = (
    "INSERT INTO attendance_refusedcheckin AS stored"
    " (attendance_id, school_number, full_name, code, times, first_at, last_at)"
    f" SELECT i.* FROM unnest({_TYPES}, %s::timestamptz[])"
    " AS i (id, school_number, full_name, code, times, first_at, last_at)"
    " WHERE EXISTS (SELECT FROM attendance_attendance WHERE id = i.id)"
    " ON CONFLICT (attendance_id, school_number, code) DO UPDATE SET"
    " first_at = least(stored.first_at, EXCLUDED.first_at),"
    " last_at = greatest(stored.last_at, EXCLUDED.last_at), "
)
_NEWER_COUNT = "times = greatest(stored.times, EXCLUDED.times)"
_ONE_MORE = "times = stored.times + 1"


def keep(refusals: Mapping[UUID, Sequence[LiveRefusal]]) -> None:
    """Store refusals that the live store counted; storing them again adds nothing.

    What PostgreSQL refuses is logged and left out; only a lost connection is raised.
    """
    rows = [(lesson_id, refusal) for lesson_id, group in refusals.items() for refusal in group]
    _write(sorted(rows, key=_by_key), _NEWER_COUNT)


def note(lesson_id: UUID, student: Person, refusal: Refusal) -> None:
    """Count one refusal of a lesson that is only in PostgreSQL."""
    now = timezone.now()
    live_refusal = LiveRefusal(
        school_number=student.school_number,
        full_name=student.full_name,
        code=refusal.value,
        times=1,
        first_at=now,
        last_at=now,
    )
    _write([(lesson_id, live_refusal)], _ONE_MORE)


def _by_key(row: tuple[UUID, LiveRefusal]) -> tuple[UUID, str, str]:
    # Writers that insert in different orders deadlock.
    return row[0], row[1].school_number, row[1].code


def _write(rows: Sequence[tuple[UUID, LiveRefusal]], counting: str) -> None:
    if not rows:
        return
    columns: list[list[Any]] = [
        [lesson_id for lesson_id, _ in rows],
        *([getattr(each, name) for _, each in rows] for name in LiveRefusal.__struct_fields__),
    ]
    try:
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute(_INSERT + counting, columns)
    except Error as error:
        if kind_of(error) is Kind.GONE:
            raise
        logger.warning("Refused check-ins are left out: %s", text_of(error))
