"""Claims: one lesson is in the hands of one transaction at a time.

A claim is a transaction's advisory lock: it is gone with the commit, with a
rollback, and at once with a process that dies. Of one that stands still,
PostgreSQL's timeouts end the session, except in the middle of a COPY, where the
server waits for its client and looks at no timeout: see `end_stalled`.
"""

import logging
from collections.abc import Sequence
from uuid import UUID

from django.db import connection

logger = logging.getLogger(__name__)

NAMESPACE = "attn.lesson:"
STATEMENT_SECONDS = 120
"""No statement of a persisting transaction takes longer."""


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


def end_stalled(lesson_ids: Sequence[UUID]) -> None:
    """End the sessions that hold these claims and wait for a client that sends nothing more.

    Their statement has lasted longer than statement_timeout allows. What they have
    written is rolled back, as if that process had died.
    """
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT pid, pg_terminate_backend(pid) FROM pg_stat_activity"
            " WHERE usename = current_user AND state = 'active' AND wait_event = 'ClientRead'"
            " AND query_start < clock_timestamp() - make_interval(secs => %s)"
            " AND pid IN (SELECT l.pid FROM pg_locks AS l"
            " JOIN unnest(%s::uuid[]) AS lesson_id"
            " ON (l.classid::bigint << 32 | l.objid::bigint)"
            " = hashtextextended(%s || lesson_id::text, 0)"
            " WHERE l.locktype = 'advisory' AND l.objsubid = 1 AND l.granted"
            " AND l.database = (SELECT oid FROM pg_database WHERE datname = current_database()))",
            [STATEMENT_SECONDS, list(lesson_ids), NAMESPACE],
        )
        for pid, _ in cursor.fetchall():
            logger.warning("Session %s stood still with the claims of lessons: it was ended", pid)


def claim_in_turn(lesson_id: UUID) -> None:
    """Claim one lesson until the end of this transaction, after whoever holds it now."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT set_config('lock_timeout', '10s', true)")
        cursor.execute(
            "SELECT pg_advisory_xact_lock(hashtextextended(%s || %s::text, 0))",
            [NAMESPACE, str(lesson_id)],
        )
