"""Warnings follow totals: opened and retracted in the transaction of their cause.

`reports.totals` calls this under the locks that it holds, after the totals are right; nobody else
does. So two transactions never judge the marks of one section at once. Days without attendance
are of all sections of a person, so two transactions in two sections may each miss what the other
one writes: the next step of the clock, which is alone, puts that right.

A fixed number of statements, for any number of sections and of people.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, NamedTuple

from django.db import connection
from django.utils import timezone

from courses.models import Section
from reports.vocabulary import Because
from reports.warnings import days, judging, settling
from reports.warnings.judging import Pairs, Rules
from reports.warnings.settling import SettlingCause
from reports.warnings.statements import MOVED

__all__ = ["MOVED", "Because", "Touched", "follow", "follow_days"]

_IN_USE = """
    SELECT EXISTS (
               SELECT FROM courses_section AS s JOIN courses_policy AS p ON p.id = s.policy_id
                WHERE p.warn_permille IS NOT NULL OR p.in_a_row IS NOT NULL
                   OR p.days_without IS NOT NULL)
           OR EXISTS (SELECT FROM reports_figurewarning WHERE retracted_at IS NULL),
           EXISTS (
               SELECT FROM courses_section AS s JOIN courses_policy AS p ON p.id = s.policy_id
                WHERE p.days_without IS NOT NULL)
           OR EXISTS (SELECT FROM reports_figurewarning
                       WHERE retracted_at IS NULL AND kind = 'days_without')"""
"""Whether any rule warns or any warning is open, and whether one is of days."""
_OF_WHOLE_SECTIONS = (Because.RULES, Because.ROSTER)
_GROUPED = "SELECT section_id, array_agg(person) FROM ({pairs}) AS p GROUP BY section_id"


class Touched(NamedTuple):
    """SQL for the pairs of section and person, and for the sections, that a change touches."""

    pairs: str
    sections: str
    values: Mapping[str, Any]
    moved: str = ""
    """SQL for those of the pairs of whom something may have to be opened or retracted; '' for all.

    It relies on what was judged before. Days without attendance are judged of all.
    """


def follow(touched: Touched, *, because: Because = Because.MARKS) -> None:
    """Judge whoever was touched by the rules that their sections have now."""
    with connection.cursor() as cursor:
        cursor.execute(_IN_USE)
        is_in_use, are_days_in_use = cursor.fetchone()
    if not is_in_use:
        return
    if touched.moved and not are_days_in_use:
        touched = touched._replace(pairs=touched.moved)
    pairs, cause = _pairs_of(touched), SettlingCause(because, timezone.now())
    lessons = touched.values.get("lessons")
    judged = judging.judge(pairs, _rules_of(pairs), lessons=lessons, at=cause.at)
    if are_days_in_use:
        people = sorted({user_id for users in pairs.values() for user_id in users})
        judged.append(days.judge(at=cause.at, users=people))
        if because in _OF_WHOLE_SECTIONS:
            judged.append(days.judge(at=cause.at, sections=sorted(pairs)))
    settling.settle(judged, cause)


def follow_days(*, at: datetime) -> int:
    """Judge days without attendance, and who has left a section, everywhere.

    Returns how many warnings changed.
    """
    judged = [days.judge(at=at), *judging.judge_who_left(at=at)]
    return settling.settle(judged, SettlingCause(Because.CLOCK, at))


def _pairs_of(touched: Touched) -> Pairs:
    with connection.cursor() as cursor:
        cursor.execute(_GROUPED.format(pairs=touched.pairs), touched.values)
        found: dict[int, Sequence[int]] = dict(cursor.fetchall())
        cursor.execute(touched.sections, touched.values)
        return {row[0]: () for row in cursor.fetchall()} | found


def _rules_of(pairs: Pairs) -> Rules:
    """Of the sections that warn of something."""
    rows = Section.objects.select_related("policy").filter(pk__in=pairs)
    return {row.pk: row.policy for row in rows if row.policy and judging.warns(row.policy)}
