"""Claims: one transaction at a time works on a lesson.

A claim is an advisory lock of a transaction: it ends with the commit, with a
rollback, and at once where the process dies. Where a process hangs, PostgreSQL's
timeouts end its session, except in the middle of a COPY: there the server waits
for its client without a timeout, see `end_stalled`.
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
    """Claim the lessons that nobody else holds, until the end of this transaction.

    Returns the lessons that are claimed now. It does not wait for the others.
    """
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT lesson_id FROM unnest(%s::uuid[]) AS lesson_id"
            " WHERE pg_try_advisory_xact_lock(hashtextextended(%s || lesson_id::text, 0))",
            [list(lesson_ids), NAMESPACE],
        )
        claimed_ids = {row[0] for row in cursor.fetchall()}
    return [lesson_id for lesson_id in lesson_ids if lesson_id in claimed_ids]


def end_stalled(lesson_ids: Sequence[UUID]) -> None:
    """End the sessions that hold these claims and wait for a client that sends nothing more.

    Their statement has lasted longer than statement_timeout allows. Their transaction is
    rolled back, as if that process had died.
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
            logger.warning("Session %s hung while it held claims of lessons: it was ended", pid)


def claim_in_turn(lesson_id: UUID) -> None:
    """Claim one lesson until the end of this transaction; wait for a transaction that holds it."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT set_config('lock_timeout', '10s', true)")
        cursor.execute(
            "SELECT pg_advisory_xact_lock(hashtextextended(%s || %s::text, 0))",
            [NAMESPACE, str(lesson_id)],
        )
