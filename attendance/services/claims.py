"""Claims: one lesson is in the hands of one transaction at a time.

A claim is a transaction's advisory lock: it is gone with the commit, with a
rollback, and at once with a process that dies.
"""

from collections.abc import Sequence
from uuid import UUID

from django.db import connection

NAMESPACE = "attn.lesson:"


def claim(lesson_ids: Sequence[UUID]) -> list[UUID]:
    """Claim what nobody else holds, until the end of this transaction.

    Returns the lessons that are claimed now; what somebody else works on is
    left alone, without waiting.
    """
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT lesson_id FROM unnest(%s::uuid[]) AS lesson_id"
            " WHERE pg_try_advisory_xact_lock(hashtextextended(%s || lesson_id::text, 0))",
            [list(lesson_ids), NAMESPACE],
        )
        got = {row[0] for row in cursor.fetchall()}
    return [lesson_id for lesson_id in lesson_ids if lesson_id in got]


def claim_in_turn(lesson_id: UUID) -> None:
    """Claim one lesson until the end of this transaction, after whoever holds it now."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT set_config('lock_timeout', '10s', true)")
        cursor.execute(
            "SELECT pg_advisory_xact_lock(hashtextextended(%s || %s::text, 0))",
            [NAMESPACE, str(lesson_id)],
        )
