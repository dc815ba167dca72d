"""Totals: what the marks of random terms add up to, by SQL and by Python written for this test."""

from collections import defaultdict
from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta
from fractions import Fraction
from importlib import import_module
from typing import Any
from uuid import UUID

import pytest
from django.db import connection
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from attendance.models import Attendance, AttendanceRecord
from attendance.rules.effective import effective
from attendance.rules.figures import Figures
from attendance.selectors import shapes
from attendance.services.ids import new_lesson_id
from attendance.vocabulary import Source, Status
from courses.models import Section
from courses.vocabulary import Counted, Effect
from reports import signs
from reports.figures import figures_of
from reports.models import SectionTotal
from reports.signs import last_attended, missed_in_a_row
from reports.totals import recompute_sections
from reports.verifying import compare
from tests.support import tables
from tests.support.course_factories import AbsenceFactory, AbsenceReasonFactory, SectionFactory
from tests.support.factories import UserFactory
from tests.support.people import merge, staff
from tests.support.sections import set_rule
from users.models import User

FILL = import_module("reports.migrations.0002_fill_totals").FILL

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.timeout(600)]

PEOPLE, FIRST = 4, date(2026, 9, 14)
EXCUSES = (None, *Effect.values)
sources = st.sampled_from([s for s in Source.values if s != Source.SYSTEM])
marks = st.fixed_dictionaries(
    {
        "status": st.sampled_from(Status.values),
        "source": sources,
        "is_expected": st.sampled_from([True, True, True, False, None]),
        "is_deleted": st.sampled_from([False, False, False, True]),
        "excuse": st.sampled_from(EXCUSES),
        "revision": st.integers(1, 3),
        "at": st.none() | st.integers(0, 2),
    }
)
lessons = st.fixed_dictionaries(
    {
        "section": st.integers(0, 1),
        "day": st.integers(0, 6),
        "ms": st.sampled_from([0, 1, 2_700_000, 3_600_000, 3_600_001]),
        "rule": st.sampled_from([None, 0, 1]),
        "is_deleted": st.sampled_from([False, False, False, True]),
        "is_held": st.sampled_from([True, True, True, False]),
        "marks": st.dictionaries(st.integers(0, PEOPLE - 1), marks),
    }
)
terms = st.lists(lessons, max_size=8)


class RandomTerm:
    """Two sections, people of whom the last one has two accounts, and any lessons at all."""

    def __init__(self, said: Sequence[dict[str, Any]], *, is_merged: bool) -> None:
        self.staff = staff()
        self.sections: list[Section] = [SectionFactory.create() for _ in range(2)]
        self.users: list[User] = [UserFactory.create() for _ in range(PEOPLE)]
        self.reasons = {effect: AbsenceReasonFactory.create(effect=effect) for effect in Effect}
        self.policies = {
            (pk, n): set_rule(self.sections[pk], late_credit_permille=credit, set_by=self.staff)
            for pk in range(2)
            for n, credit in enumerate((500, 333))
        }
        if is_merged:
            merge(self.users[-1], self.users[-2])
        for lesson in said:
            self._write(lesson)

    def _write(self, said: dict[str, Any]) -> None:
        on = FIRST + timedelta(days=said["day"])
        starts_at = datetime(on.year, on.month, on.day, 9, tzinfo=UTC)
        section = said["section"]
        row = Attendance.objects.create(
            id=new_lesson_id(starts_at),
            teacher=self.staff,
            teacher_name="Teacher",
            lesson_name="Lesson",
            starts_at=starts_at,
            ends_at=starts_at + timedelta(milliseconds=said["ms"]),
            section=self.sections[section],
            policy=None if said["rule"] is None else self.policies[section, said["rule"]],
            held_on=on,
            revision=9,
            **_flagged("deleted", starts_at, self.staff) if said["is_deleted"] else {},
            **{} if said["is_held"] else _flagged("not_held", starts_at, self.staff),
        )
        for n, mark in said["marks"].items():
            self._mark(row, self.users[n], dict(mark))

    def _mark(self, row: Attendance, user: User, said: dict[str, Any]) -> None:
        excuse = said["excuse"]
        if said["status"] == Status.EXCUSED and excuse is not None:
            said["source"] = Source.SYSTEM
            absence = AbsenceFactory.create(
                user=user, reason=self.reasons[excuse], requested_by=user
            )
        else:
            absence = None
        came = None if said["at"] is None or absence else row.starts_at + said["at"] * _SECOND
        AttendanceRecord.objects.create(
            attendance=row,
            student=user,
            school_number=user.school_number,
            full_name=user.full_name,
            status=said["status"],
            source=said["source"],
            checked_in_at=came,
            is_expected=said["is_expected"],
            absence=absence,
            revision=said["revision"],
            changed_at=row.starts_at + said["revision"] * _SECOND,
            **_flagged("deleted", row.starts_at, self.staff) if said["is_deleted"] else {},
        )


_SECOND = timedelta(seconds=1)


def _flagged(name: str, at: datetime, by: User) -> dict[str, Any]:
    return {f"{name}_at": at, f"{name}_by": by, f"{name}_reason": "why"}


def counted_marks(section: Section, user: User) -> list[AttendanceRecord]:
    """The effective mark of each lesson that counts, the latest first: by Python."""
    accounts = [user, *User.objects.filter(merged_into=user)]
    rows = AttendanceRecord.objects.filter(
        attendance__section=section,
        attendance__deleted_at=None,
        attendance__not_held_at=None,
        student__in=accounts,
    )
    by_lesson: dict[UUID, list[AttendanceRecord]] = defaultdict(list)
    for row in rows.select_related("student", "attendance__policy", "absence__reason"):
        by_lesson[row.attendance_id].append(row)
    found = []
    for own in by_lesson.values():
        shown = [shapes.record_of_stored(row) for row in own]
        chosen = own[shown.index(effective(shown))]
        if any(row.is_expected for row in own) and chosen.deleted_at is None:
            found.append(chosen)
    found.sort(key=lambda row: (row.attendance.starts_at, row.attendance_id), reverse=True)
    return found


def totals_by_python(section: Section, user: User) -> dict[tuple[Any, ...], tuple[Any, ...]]:
    found: dict[tuple[Any, ...], tuple[int, int, date]] = {}
    for row in counted_marks(section, user):
        lesson = row.attendance
        effect = ""
        if row.status == Status.EXCUSED:
            effect = row.absence.reason.effect if row.absence else "neutral"
        late = 0
        if row.status == Status.LATE:
            late = lesson.policy.late_credit_permille if lesson.policy else 1000
        length = (lesson.ends_at - lesson.starts_at) // timedelta(milliseconds=1)
        n, ms, on = found.get((row.status, effect, late), (0, 0, FIRST))
        assert lesson.held_on is not None
        found[row.status, effect, late] = (n + 1, ms + length, max(on, lesson.held_on))
    return found


def totals_in_table(section: Section, user: User) -> dict[tuple[Any, ...], tuple[Any, ...]]:
    rows = SectionTotal.objects.filter(section=section, user=user)
    return {
        (row.status, row.effect, row.late_permille): (row.n, row.milliseconds, row.last_on)
        for row in rows
    }


BY_SQL = """
    WITH own AS (
        SELECT r.status, a.starts_at, a.id, a.held_on, a.held_on AS day,
               round(extract(epoch FROM a.ends_at - a.starts_at) * 1000) AS ms,
               CASE r.status WHEN 'present' THEN 1000 WHEN 'late'
                    THEN coalesce(p.late_credit_permille, 1000)
                    WHEN 'absent' THEN 0 WHEN 'rejected' THEN 0
                    WHEN 'excused' THEN CASE coalesce(w.effect, 'neutral')
                         WHEN 'counts_present' THEN 1000 WHEN 'counts_absent' THEN 0 END
               END AS permille
          FROM attendance_attendancerecord r
          JOIN attendance_attendance a ON a.id = r.attendance_id
          LEFT JOIN courses_policy p ON p.id = a.policy_id
          LEFT JOIN courses_absence b ON b.id = r.absence_id
          LEFT JOIN courses_absencereason w ON w.id = b.reason_id
         WHERE r.student_id = %(user)s AND a.section_id = %(section)s AND r.is_expected
           AND r.deleted_at IS NULL AND a.deleted_at IS NULL AND a.not_held_at IS NULL
    ), a_day AS (SELECT day, sum(permille) / count(*) AS permille FROM own
                  WHERE permille IS NOT NULL GROUP BY day)
    SELECT (SELECT sum(permille)::bigint FROM own), (SELECT count(permille) FROM own),
           (SELECT sum(permille * ms)::bigint FROM own),
           (SELECT sum(ms)::bigint FROM own WHERE permille IS NOT NULL),
           (SELECT count(*) FROM a_day),
           (SELECT count(*) FROM own WHERE status IN ('absent', 'rejected')
               AND (starts_at, id) > coalesce((SELECT (starts_at, id) FROM own
                    WHERE status IN ('present', 'late') ORDER BY 1 DESC LIMIT 1),
                    ('-infinity'::timestamptz, '00000000-0000-0000-0000-000000000000'::uuid))),
           (SELECT max(held_on) FROM own WHERE status IN ('present', 'late'))"""


def by_sql(section: Section, user: User) -> tuple[Any, ...]:
    with connection.cursor() as cursor:
        cursor.execute(BY_SQL, {"section": section.pk, "user": user.pk})
        row: tuple[Any, ...] = cursor.fetchone()
        return row


class Rules:
    """As much of a policy as figures ask for."""

    threshold_permille, basis, excused_as = 700, "rate", "reason"
    must_exceed, min_lessons, min_days, planned = False, 0, 0, None

    def __init__(self, counted: str, **changes: Any) -> None:
        self.counted = counted
        self.__dict__.update(changes)


@settings(
    max_examples=30,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(said=terms, is_merged=st.booleans())
def test_totals_and_figures_of_random_terms(said: list[dict[str, Any]], is_merged: bool) -> None:
    tables.empty(connection)
    term = RandomTerm(said, is_merged=is_merged)
    ids = [section.pk for section in term.sections]
    with connection.cursor() as cursor:
        cursor.execute(FILL)
    assert compare(ids)[1] == [], "the statement of the migration"
    SectionTotal.objects.filter(status=Status.PRESENT).update(n=99)
    recompute_sections(ids)
    recompute_sections(ids)
    assert compare(ids)[1] == []
    for section in term.sections:
        for user in term.users:
            is_root = User.objects.get(pk=user.pk).merged_into_id is None
            in_table = totals_in_table(section, user)
            assert in_table == (totals_by_python(section, user) if is_root else {})
        for user in term.users[: PEOPLE - 2] if is_merged else term.users:
            _check_figures(section, user)
    last = last_attended([user.pk for user in term.users])
    for user in term.users[: PEOPLE - 2] if is_merged else term.users:
        seen = [on for section in term.sections if (on := by_sql(section, user)[6])]
        assert last.get(user.pk) == max(seen, default=None)


def _check_figures(section: Section, user: User) -> None:
    permille, n, permille_ms, ms, days, row, _ = by_sql(section, user)

    def figures(counted: str) -> Figures:
        # Never 0 of something: with days asked for, the marks are read and not the totals.
        found = [
            figures_of(section.pk, [user.pk], Rules(counted, min_days=least))[user.pk]
            for least in (0, 1)
        ]
        assert found[0].rate == found[1].rate
        assert (found[0].lessons, found[0].here) == (found[1].lessons, found[1].here)
        return found[1]

    of_lessons, of_hours, of_days = (figures(c) for c in Counted.values)
    assert (of_lessons.lessons, of_lessons.days) == (n, days)
    assert of_lessons.rate == (Fraction(int(permille), 1000 * n) if n else None)
    assert of_hours.rate == (Fraction(int(permille_ms), 1000 * int(ms)) if ms else None)
    assert of_days.weight == days
    for looked_back in (signs.LOOKED_BACK, (1, 2)):
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(signs, "LOOKED_BACK", looked_back)
            assert missed_in_a_row(section.pk, [user.pk])[user.pk] == row
