"""What waits for teachers in the courses that they teach today: counts, and no student."""

from collections.abc import Sequence
from datetime import date, datetime, timedelta
from typing import Any, Final, NamedTuple
from zoneinfo import ZoneInfo

from django.conf import settings
from django.db import connection

from courses.models import Section

LOOKED_BACK: Final = timedelta(days=30)
"""Lessons of earlier days are not told of: who has left them so long does not need a mail."""

_TAUGHT: Final = """
    WITH taught AS (
        SELECT coalesce(u.merged_into_id, u.id) AS person, e.section_id,
               bool_or(s.archived_at IS NULL AND d.today >= s.starts_on
                       AND d.today < s.ends_on) AS is_current
          FROM courses_enrolment AS e
          JOIN courses_section AS s ON s.id = e.section_id
          JOIN users_user AS u ON u.id = e.user_id
         CROSS JOIN LATERAL (
                SELECT (%(at)s::timestamptz AT TIME ZONE s.time_zone)::date AS today) AS d
         WHERE e.role = 'teacher' AND e.begins_on <= d.today
           AND (e.ends_on IS NULL OR e.ends_on > d.today)
         GROUP BY 1, 2
    ), theirs AS (
        SELECT t.person, t.section_id
          FROM taught AS t JOIN users_user AS p ON p.id = t.person
         WHERE p.is_active AND p.email <> ''
           AND (%(person)s::int8 IS NULL OR p.id = %(person)s)
           AND EXISTS (SELECT FROM taught AS c WHERE c.person = t.person AND c.is_current)
           AND NOT EXISTS (
               SELECT FROM reports_digestoptout AS o JOIN users_user AS q ON q.id = o.user_id
                WHERE coalesce(q.merged_into_id, q.id) = p.id)
    ), sections AS (
        SELECT DISTINCT section_id FROM theirs
    )"""

_NEEDS: Final = f"""{_TAUGHT}, lessons AS (
        SELECT a.id, a.section_id
          FROM sections AS s JOIN attendance_attendance AS a ON a.section_id = s.section_id
         WHERE a.deleted_at IS NULL AND a.not_held_at IS NULL AND a.held_on >= %(since)s
    ), found AS (
        SELECT a.section_id, 'not_taken' AS kind, count(*) AS n
          FROM lessons AS a
         WHERE NOT EXISTS (
               SELECT FROM attendance_attendancerecord AS r
                WHERE r.attendance_id = a.id AND r.deleted_at IS NULL AND r.source <> 'system')
         GROUP BY 1
        UNION ALL
        SELECT a.section_id, 'pending', count(*)
          FROM lessons AS a JOIN attendance_attendancerecord AS r ON r.attendance_id = a.id
         WHERE r.deleted_at IS NULL AND r.status = 'pending'
         GROUP BY 1
        UNION ALL
        SELECT w.section_id, 'warnings', count(*)
          FROM sections AS s JOIN reports_figurewarning AS w ON w.section_id = s.section_id
         WHERE w.retracted_at IS NULL AND w.kind <> 'not_taken'
           AND NOT EXISTS (SELECT FROM reports_casestep AS c
                            WHERE c.warning_id = w.id AND c.kind = 'ended')
         GROUP BY 1
    ), asked AS (
        SELECT t.person, a.id
          FROM courses_absence AS a
          JOIN users_user AS u ON u.id = a.user_id
          JOIN courses_absence_sections AS x ON x.absence_id = a.id
          JOIN taught AS t ON t.section_id = x.section_id
         WHERE a.state = 'requested' AND coalesce(u.merged_into_id, u.id) <> t.person
         GROUP BY 1, 2
        HAVING count(*) = (SELECT count(*) FROM courses_absence_sections AS y
                            WHERE y.absence_id = a.id)
    )
    SELECT t.person, t.section_id, f.kind, f.n
      FROM theirs AS t JOIN found AS f ON f.section_id = t.section_id
    UNION ALL
    SELECT person, NULL, 'absences', count(*)
      FROM asked WHERE person IN (SELECT person FROM theirs) GROUP BY 1"""
"""Registers as `reports.listed.lessons` has them, cases as `reports.cases`, and of absences those
that the teacher may decide: who teaches all of the courses that one names."""


class CourseNeeds(NamedTuple):
    """How many of each kind wait in a course."""

    section: Section
    not_taken: int = 0
    pending: int = 0
    warnings: int = 0


class Needs(NamedTuple):
    """What waits for one teacher."""

    courses: Sequence[CourseNeeds]
    absences: int
    since: date
    """The first day whose lessons were looked at."""

    @property
    def are_there(self) -> bool:
        return bool(self.courses or self.absences)


def whom_to_tell(*, at: datetime) -> list[int]:
    """The accounts of teachers for whom something waits, and who want to know; one query."""
    return sorted({person for person, *_ in _rows(at=at, person=None)})


def needs_of(user_id: int, *, at: datetime) -> Needs:
    """What waits for one of them, and nothing for somebody else; two queries."""
    by_section: dict[int, dict[str, int]] = {}
    absences = 0
    for _, section_id, kind, n in _rows(at=at, person=user_id):
        if section_id is None:
            absences = n
        else:
            by_section.setdefault(section_id, {})[kind] = n
    sections = Section.objects.filter(pk__in=by_section).order_by("code", "title", "pk")
    courses = [CourseNeeds(section, **by_section[section.pk]) for section in sections]
    return Needs(courses, absences, _since(at))


def _rows(*, at: datetime, person: int | None) -> list[tuple[int, int | None, str, int]]:
    values: dict[str, Any] = {"at": at, "person": person, "since": _since(at)}
    with connection.cursor() as cursor:
        cursor.execute(_NEEDS, values)
        found: list[tuple[int, int | None, str, int]] = cursor.fetchall()
        return found


def _since(at: datetime) -> date:
    return (at.astimezone(ZoneInfo(settings.TIME_ZONE)) - LOOKED_BACK).date()
