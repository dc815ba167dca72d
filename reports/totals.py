"""Totals of people in sections, made anew from their marks wherever a mark has changed.

Whoever writes marks calls `recompute` as the last step of the same transaction; the persistence
task, which stores whole lessons, calls `follow_lessons`. Why that loses nothing, at READ COMMITTED:

    1  a transaction writes its marks, then takes the lock of each section, then adds up
    2  whoever takes a lock second waits for the first one's commit; the statement that adds up
       begins after that, and sees the first one's marks as well as its own
    3  locks are taken in one order, after every other lock, and kept until the commit: two
       transactions never wait for each other crosswise

A merge changes whose marks they are in every section at once. It takes the lock of merges alone,
which every `recompute` shares: so whoever adds up sees a merge whole, or not at all, and a merge
sees all that was added up before. Marks that are written after `recompute` in a transaction are
not in the totals: `manage.py verify_totals` would find them.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from django.db import connection, transaction

from reports import statements, warnings
from reports.warnings import Because, Touched

NAMESPACE = "attn.totals:"
MERGES = "attn.totals.merges"
DAYS = "attn.warnings.days"

_LOCK = (
    # The lock of merges is taken with the first row, before any section's: a merge waits for
    # whoever shares it, so nobody may ask for it while another one waits for their section.
    # So is that of days, for which the daily step of warnings waits.
    "SELECT pg_advisory_xact_lock_shared(hashtextextended(%(merges)s, 0)),"
    " pg_advisory_xact_lock_shared(hashtextextended(%(days)s, 0)),"
    " pg_advisory_xact_lock(key) FROM (SELECT DISTINCT"
    " hashtextextended(%(namespace)s || section_id, 0) AS key FROM ({sections}) AS s"
    # In a subquery of its own: a lock is taken for each row as it comes out.
    " ORDER BY key OFFSET 0) AS sorted"
)
_OF_LESSONS = (
    "SELECT section_id FROM attendance_attendance"
    " WHERE id = ANY(%(lessons)s) AND section_id IS NOT NULL"
)

_OF_SECTIONS = "SELECT unnest(%(sections)s::int8[]) AS section_id"
_OF_NONE = "SELECT NULL::int8 AS section_id WHERE false"


def recompute(lesson_ids: Sequence[UUID], *, user_ids: Sequence[int] | None = None) -> None:
    """Add up anew whoever has a mark in these stored lessons, or of them these users.

    Call it last in the transaction that has changed the marks. Lessons of no section have no
    totals. A fixed number of statements for any number of lessons.
    """
    if not lesson_ids:
        return
    users = None if user_ids is None else list(user_ids)
    values: dict[str, Any] = {"lessons": list(lesson_ids), "users": users}
    if _hold(_OF_LESSONS, values):
        _execute(statements.recompute(statements.PAIRS_OF_LESSONS), values)
        warnings.follow(Touched(statements.PAIRS_OF_LESSONS, _OF_LESSONS, values))


def follow_lessons(*, new: Sequence[UUID], changed: Sequence[UUID]) -> None:
    """The totals of lessons that a transaction has stored, as its last step.

    Of a new lesson, whose attendance this transaction has made, no total has anything yet: its
    marks are added, and no other lesson of the term is read. Whoever has a mark in a changed one
    is added up anew.
    """
    values: dict[str, Any] = {"lessons": [*new, *changed], "users": None, "changed": [*changed]}
    # One call for all: locks that are taken in two steps are in no order.
    if not (new or changed) or not _hold(_OF_LESSONS, values):
        return
    if new:
        _add(values | {"lessons": list(new)})
    if changed:
        # After what was added: it counts each lesson once more, whoever added it.
        changed_values = values | {"lessons": list(changed)}
        _execute(statements.recompute(statements.PAIRS_OF_LESSONS), changed_values)
    warnings.follow(Touched(statements.PAIRS_OF_LESSONS, _OF_LESSONS, values, warnings.MOVED))


def _add(values: dict[str, Any]) -> None:
    with connection.cursor() as cursor:
        cursor.execute(statements.ADD, values)
        cursor.execute(statements.ANY_MERGED)
        (is_merged,) = cursor.fetchone()
    if is_merged:
        # Of two marks in one lesson one counts: that cannot be added.
        _execute(statements.recompute(statements.PAIRS_OF_MERGED), values)


def recompute_people(user_ids: Sequence[int]) -> None:
    """Add up anew some people in every section, after their accounts were merged or taken apart.

    Call it last in the transaction of that, which holds the rows of these users.
    """
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(hashtextextended(%s, 0))", [MERGES])
    values = {"users": list(user_ids)}
    _execute(statements.recompute(statements.PAIRS_OF_PEOPLE), values)
    touched = Touched(statements.PAIRS_OF_PEOPLE, _OF_NONE, values)
    warnings.follow(touched, because=Because.MERGE)


def recompute_sections(section_ids: Sequence[int]) -> None:
    """Add up anew everybody in these sections: a repair."""
    values: dict[str, Any] = {"sections": list(section_ids)}
    _hold(_OF_SECTIONS, values)
    _execute(statements.recompute(statements.PAIRS_OF_SECTIONS), values)
    _execute(statements.FORGET_ERASED, values)
    touched = Touched(statements.PAIRS_OF_SECTIONS, _OF_SECTIONS, values)
    warnings.follow(touched, because=Because.REPAIR)


def judge_by_new_rules(section_id: int) -> None:
    """Judge everybody in a section anew, in the transaction that has given it other rules."""
    _judge_section(section_id, Because.RULES)


def judge_by_new_roster(section_id: int) -> None:
    """Judge everybody in a section anew, last in the transaction that has changed its roster."""
    _judge_section(section_id, Because.ROSTER)


def _judge_section(section_id: int, because: Because) -> None:
    values: dict[str, Any] = {"sections": [section_id]}
    _hold(_OF_SECTIONS, values)
    touched = Touched(statements.PAIRS_OF_SECTIONS, _OF_SECTIONS, values)
    warnings.follow(touched, because=because)


def judge_by_the_clock(*, at: datetime) -> int:
    """Warn of days without attendance, and retract that, and what was of those who left.

    Returns how many warnings changed.

    Its cause is the day: call it again whenever one has begun somewhere.
    """
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(
            "SELECT pg_advisory_xact_lock_shared(hashtextextended(%s, 0)),"
            " pg_advisory_xact_lock(hashtextextended(%s, 0))",
            [MERGES, DAYS],
        )
        return warnings.follow_days(at=at)


def _hold(sections: str, values: dict[str, Any]) -> bool:
    """Take the locks of sections until the commit; returns whether there is any."""
    names = {"merges": MERGES, "days": DAYS, "namespace": NAMESPACE}
    with connection.cursor() as cursor:
        cursor.execute(_LOCK.format(sections=sections), names | values)
        return bool(cursor.rowcount)


def _execute(sql: str, values: dict[str, Any]) -> None:
    with connection.cursor() as cursor:
        cursor.execute(sql, values)
