"""Persisting with rosters, half of them absent, against without; and the check-in likewise.

./attn test bench/rosters.py -s
"""

from datetime import timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from attendance.models import AttendanceRecord
from attendance.services.check_in import check_in
from attendance.services.lessons import LessonPlan, start_lesson
from attendance.services.persistence import unified_persistence_task
from bench.figures import ROUNDS, Figure, middle, note, spread
from bench.persist import fresh, timed
from courses.models import Enrolment, Section, Term
from courses.services.systems import manual_system
from courses.vocabulary import EnrolmentRole
from tests.support.backlog import STUDENTS, TEACHERS, Backlog, student, students_of, teacher
from tests.support.lessons import forget_everything
from users.models import RoleChoices, User

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.timeout(3_000)]

LESSONS, ROSTER = 500, 200


def make_people() -> dict[str, int]:
    """The school of a backlog, its ids by number."""
    people = [(student(n), RoleChoices.STUDENT) for n in range(STUDENTS)]
    people += [(teacher(n), RoleChoices.TEACHER) for n in range(TEACHERS)]
    User.objects.bulk_create(
        (
            User(school_number=who.school_number, full_name=who.full_name, role=role)
            for who, role in people
        ),
        batch_size=5_000,
    )
    return dict(User.objects.values_list("school_number", "pk"))


def make_sections(users: dict[str, int], *, lessons: int, roster: int) -> tuple[int, ...]:
    """A section for each lesson of a backlog; the first of its roster are those who come."""
    today, system = timezone.now().date(), manual_system()
    term = Term.objects.create(
        title="Term", starts_on=today - timedelta(days=30), ends_on=today + timedelta(days=60)
    )
    sections = Section.objects.bulk_create(
        Section(
            system=system,
            term=term,
            code=f"SEC-{n}",
            title=f"Section {n}",
            time_zone="UTC",
            starts_on=term.starts_on,
            ends_on=term.ends_on,
        )
        for n in range(lessons)
    )
    rows = [(sections[n].pk, users[teacher(n).school_number], "teacher") for n in range(lessons)]
    for n in range(lessons):
        rows += [
            (sections[n].pk, users[who.school_number], "student") for who in students_of(n, roster)
        ]
    Enrolment.objects.bulk_create(
        (
            Enrolment(
                section_id=section_id,
                user_id=user_id,
                role=EnrolmentRole(role),
                begins_on=term.starts_on,
                system=system,
            )
            for section_id, user_id, role in rows
        ),
        batch_size=5_000,
    )
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE")
    return tuple(section.pk for section in sections)


def persist(backlog: Backlog, *, absent: int = 0) -> float:
    """Seconds for each record that is stored, those of the system among them."""
    fresh(backlog)
    seconds = timed(lambda: check(backlog, absent))
    stored = backlog.records + absent
    assert AttendanceRecord.objects.count() == stored
    return seconds / stored


def check(backlog: Backlog, absent: int) -> None:
    report = unified_persistence_task()
    assert report.sums_agree
    assert report.totals.counts.inserted == backlog.records
    assert report.totals.marked_absent == absent


def test_persisting_with_rosters_against_without() -> None:
    sections = make_sections(make_people(), lessons=LESSONS, roster=ROSTER)
    without = Backlog(LESSONS, share=ROSTER)
    with_rosters = Backlog(LESSONS, share=ROSTER // 2, sections=sections)
    absent = with_rosters.records
    persist(without)
    persist(with_rosters, absent=absent)
    ratios, costs = [], []
    for _ in range(ROUNDS):
        plain = persist(without)
        costs.append((plain, persist(with_rosters, absent=absent)))
        ratios.append(costs[-1][1] / plain)
    plain, rostered = (middle(column) for column in zip(*costs, strict=True))
    note(
        Figure(
            f"persisting {LESSONS} lessons with rosters of {ROSTER}, half of them absent, a record "
            "that is stored (captured, or of the system), against the same number of captured "
            "records without rosters",
            "≤ 1.15",
            spread(ratios),
            f"{rostered * 1e6:.1f} µs and {plain * 1e6:.1f} µs a record",
        )
    )


def test_a_check_in_with_a_roster_against_without() -> None:
    people = make_people()
    (section_id,) = make_sections(people, lessons=1, roster=ROSTER)
    ratios, costs = [], []
    for n in range(ROUNDS + 1):
        plain = _check_ins(LessonPlan("Bench", minutes=30), n=1)
        rostered = _check_ins(LessonPlan(section=f"#{section_id}", minutes=30), n=0)
        if n:  # The first round warms up.
            ratios.append(rostered / plain)
            costs.append((plain, rostered))
    plain, rostered = (middle(column) for column in zip(*costs, strict=True))
    note(
        Figure(
            f"check-in to a lesson with a roster of {ROSTER} against one without, in the service",
            "≤ 1.15",
            spread(ratios),
            f"{rostered * 1e6:.0f} µs and {plain * 1e6:.0f} µs, no SQL in either",
        )
    )


def _check_ins(plan: LessonPlan, *, n: int) -> float:
    """Seconds for each of the check-ins of one lesson; the lesson is gone afterwards."""
    forget_everything()
    lesson = start_lesson(plan, teacher=teacher(n))
    people = list(students_of(0, ROSTER))

    def all_come() -> None:
        for person in people:
            check_in(lesson.id, student=person)

    with CaptureQueriesContext(connection) as queries:
        seconds = timed(all_come)
    assert not queries.captured_queries
    return seconds / ROSTER
