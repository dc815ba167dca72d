"""A second site with a database of its own, on the Redis of the first: its tables are a schema."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from uuid import UUID

import pytest
from django.db import connection

from attendance.services import claims
from tests.model import reading
from tests.model.actors import current
from tests.model.stores import State

NAME = SCHEMA = "elsewhere"
SITE = UUID("02900000-0000-7000-8000-000000000001")
STOPS = ("set_aside", "snapshot_taken")
"""Behind its look at Redis, and behind its snapshot."""
RUNS = f"{SCHEMA}.attendance_persistencerun"
_WRITTEN = (
    *("attendance_attendance", "attendance_attendancerecord", "attendance_attendanceevent"),
    *("attendance_quarantinedpayload", "users_user"),
)
_HISTORY = (10_000, 7)
"""Runs and commits of its own: it is older than the first site."""


@contextmanager
def made() -> Iterator[None]:
    """Another database, migrated and without a lesson."""
    with connection.cursor() as cursor:
        cursor.execute(f"DROP SCHEMA IF EXISTS {SCHEMA} CASCADE; CREATE SCHEMA {SCHEMA}")
        cursor.execute("SELECT tablename FROM pg_tables WHERE schemaname = 'public'")
        for (name,) in cursor.fetchall():
            cursor.execute(f"CREATE TABLE {SCHEMA}.{name} (LIKE public.{name} INCLUDING ALL)")
        cursor.execute(f"CREATE SEQUENCE {SCHEMA}.attendance_commit_mark START 8")
        cursor.execute(
            f"INSERT INTO {SCHEMA}.attendance_knownsite"
            " (id, is_own, since, reason, disagreement) VALUES (%s, true, now(), '', '')",
            [SITE],
        )
        cursor.execute(
            f"INSERT INTO {RUNS} (trigger, started_at, lessons, recorded, read, inserted, updated,"
            " unchanged, quarantined, expected, marked_absent, failed, is_interrupted, error,"
            " live_mark, commit_mark)"
            " VALUES ('command', now(), 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, false, '', %s, %s)",
            _HISTORY,
        )
    with pytest.MonkeyPatch.context() as patch:
        _claim_apart(patch)
        yield
    with connection.cursor() as cursor:
        cursor.execute(f"DROP SCHEMA {SCHEMA} CASCADE")


def _claim_apart(patch: pytest.MonkeyPatch) -> None:
    """Claims are of one database: those of the other site are in nobody's way here."""
    real, own = claims.claim, claims.NAMESPACE

    def claim(lesson_ids: Sequence[UUID]) -> list[UUID]:
        actor = current()
        is_ours = actor is None or actor.name != NAME
        patch.setattr(claims, "NAMESPACE", own if is_ours else f"{NAME}:")
        return real(lesson_ids)

    patch.setattr(claims, "claim", claim)


def clear() -> None:
    """What it has stored is gone again: it is part of no state, because it is always a fault."""
    with connection.cursor() as cursor:
        cursor.execute("".join(f"DELETE FROM {SCHEMA}.{name};" for name in _WRITTEN))
        cursor.execute(f"DELETE FROM {SCHEMA}.attendance_lessonledger")


def broken_in() -> Iterator[str]:
    """In every state: nothing of our lessons is stored there."""
    parts = " UNION ALL ".join(f"SELECT '{name}' FROM {SCHEMA}.{name}" for name in _WRITTEN)
    with connection.cursor() as cursor:
        cursor.execute(parts)
        for (name,) in cursor.fetchall():
            yield f"the other site has stored something of ours: {name}"


def removed(before: State, after: State) -> Iterator[str]:
    """What a step of the other site may not do."""
    left = {lesson.lesson_id for lesson in reading.lessons_in_redis(after)}
    for lesson in reading.lessons_in_redis(before):
        if lesson.lesson_id not in left:
            yield "the other site has removed a lesson of ours"
