"""Warnings follow totals: opened and retracted in the transaction of their cause.

`reports.totals` calls this under the locks that it holds, after the totals are right; nobody else
does. So two transactions never judge the marks of one section at once. Days without attendance
are of all sections of a person, so two transactions in two sections may each miss what the other
one writes: the next step of the clock, which is alone, puts that right.

A fixed number of statements for each section with such rules, and none for each person.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, NamedTuple

from django.db import connection
from django.utils import timezone

from courses.models import Section
from reports.vocabulary import Because
from reports.warnings import days, judging, settling
from reports.warnings.judging import Pairs
from reports.warnings.settling import SettlingCause

__all__ = ["Because", "Touched", "follow", "follow_days"]

_ANY_RULES = """
    SELECT EXISTS (
        SELECT FROM courses_section AS s JOIN courses_policy AS p ON p.id = s.policy_id
         WHERE p.warn_permille IS NOT NULL OR p.in_a_row IS NOT NULL
            OR p.days_without IS NOT NULL)
        OR EXISTS (SELECT FROM reports_figurewarning WHERE retracted_at IS NULL)"""
_GROUPED = "SELECT section_id, array_agg(person) FROM ({pairs}) AS p GROUP BY section_id"


class Touched(NamedTuple):
    """SQL for the pairs of section and person, and for the sections, that a change touches."""

    pairs: str
    sections: str
    values: Mapping[str, Any]


def follow(touched: Touched, *, because: Because = Because.MARKS) -> None:
    """Judge whoever was touched by the rules that their sections have now."""
    found = _pairs_of(touched)
    if found is None:
        return
    sections = list(Section.objects.select_related("policy").filter(pk__in=found))
    cause = SettlingCause(because, timezone.now())
    judged = []
    for section in sections:
        judged += judging.judge(section, found[section.pk])
    people = sorted({user_id for users in found.values() for user_id in users})
    judged.append(days.judge(at=cause.at, users=people))
    if because is Because.RULES:
        judged.append(days.judge(at=cause.at, sections=sorted(found)))
    settling.settle(judged, cause)


def follow_days(*, at: datetime) -> int:
    """Judge days without attendance everywhere; returns how many warnings changed."""
    return settling.settle([days.judge(at=at)], SettlingCause(Because.CLOCK, at))


def _pairs_of(touched: Touched) -> Pairs | None:
    """None where no section has such rules, and nothing is open."""
    with connection.cursor() as cursor:
        cursor.execute(_ANY_RULES)
        if not cursor.fetchone()[0]:
            return None
        cursor.execute(_GROUPED.format(pairs=touched.pairs), touched.values)
        found: dict[int, Sequence[int]] = dict(cursor.fetchall())
        cursor.execute(touched.sections, touched.values)
        return {row[0]: () for row in cursor.fetchall()} | found
