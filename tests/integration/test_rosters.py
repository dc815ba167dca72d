"""Lessons of a section: who is expected, who is missing, and what fills the blanks."""

from collections.abc import Sequence
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from attendance.errors import NotOnRoster
from attendance.live import client, keys, store
from attendance.live.payloads import LiveLesson
from attendance.live.versions import read_versions
from attendance.models import (
    Attendance,
    AttendanceEvent,
    AttendanceRecord,
    LessonLedger,
    PersistenceRun,
)
from attendance.selectors.boards import find_board
from attendance.selectors.lessons import LessonFilter, list_lessons
from attendance.selectors.paging import Slice
from attendance.services.check_in import check_in
from attendance.services.corrections import Correction, correct_record
from attendance.services.lessons import LessonPlan, finish_lesson, start_lesson
from attendance.services.persistence import failpoints, unified_persistence_task
from attendance.vocabulary import Verdict
from courses.errors import SectionNotFound
from courses.models import Enrolment
from courses.services.enrolments import EnrolmentPlan
from courses.services.enrolments import enrol as enrol_somebody
from courses.vocabulary import EnrolmentRole
from tests.support.course_factories import AbsenceFactory, ClosureFactory
from tests.support.death import Died
from tests.support.lessons import TEACHER, student
from tests.support.sections import (
    ended_section_lesson,
    enrol,
    local,
    register_of,
    section_lesson,
    section_of_today,
    user_of,
)
from users.identity import Person, Role

pytestmark = pytest.mark.django_db(transaction=True)

HERE = ("present", "student", True)
ABSENT = ("absent", "system", True)
EXCUSED = ("excused", "system", True)
OTHER = Person("T-2", "Teacher 2", Role.TEACHER)
HELPER = Person("A-1", "Assistant 1")


def test_whoever_was_expected_and_did_not_come_is_marked_absent() -> None:
    section = section_of_today([1, 2, 3])
    lesson = ended_section_lesson(section, [1])

    report = unified_persistence_task()

    assert register_of(lesson.id) == {"S-0001": HERE, "S-0002": ABSENT, "S-0003": ABSENT}
    [told] = report.lessons
    assert (told.counts.recorded, told.counts.inserted) == (1, 1)
    assert (told.expected, told.marked_absent) == (3, 2)
    assert (report.totals.expected, report.totals.marked_absent) == (3, 2)
    run = PersistenceRun.objects.get()
    assert (run.inserted, run.expected, run.marked_absent) == (1, 3, 2)
    row = Attendance.objects.get()
    assert row.section == section
    assert row.held_on == local(lesson.starts_at).date()
    assert row.roster_closed_at is not None
    blank = AttendanceRecord.objects.filter(source="system")
    assert set(blank.values_list("revision", "checked_in_at", "previous")) == {(0, None, "")}


def test_run_three_times_it_marks_once() -> None:
    lesson = ended_section_lesson(section_of_today(), [1])
    first = unified_persistence_task()
    before = list(AttendanceRecord.objects.values_list("pk", "changed_at").order_by("pk"))

    again = [unified_persistence_task(lesson_ids=[lesson.id]) for _ in range(2)]

    assert first.totals.marked_absent == 2
    assert [report.totals.marked_absent for report in again] == [0, 0]
    assert list(AttendanceRecord.objects.values_list("pk", "changed_at").order_by("pk")) == before


def test_an_approved_absence_excuses() -> None:
    section = section_of_today([1, 2, 3])
    now = timezone.now()
    absence = AbsenceFactory(
        user=user_of(student(2)),
        starts_at=now - timedelta(hours=1),
        ends_at=now + timedelta(hours=3),
        approved=True,
        is_for_all_sections=True,
    )
    lesson = ended_section_lesson(section, [1])

    report = unified_persistence_task()

    assert register_of(lesson.id) == {"S-0001": HERE, "S-0002": EXCUSED, "S-0003": ABSENT}
    excused = AttendanceRecord.objects.get(status="excused")
    assert (excused.absence, excused.reason) == (absence, absence.reason.label)
    assert report.totals.marked_absent == 2


def test_in_a_closure_nobody_is_absent() -> None:
    section = section_of_today([1, 2])
    today = local(timezone.now()).date()
    ClosureFactory(starts_on=today, ends_on=today + timedelta(days=1))
    lesson = ended_section_lesson(section, [1])

    report = unified_persistence_task()

    assert register_of(lesson.id) == {"S-0001": ("present", "student", None)}
    assert report.totals.expected == 0
    assert Attendance.objects.get().roster_closed_at is None


def test_a_known_attendance_is_closed_too() -> None:
    """A crash between commit and discard, then an enrolment: the roster stays as it was."""
    section = section_of_today([1, 2])
    lesson = ended_section_lesson(section, [1])
    unified_persistence_task()
    Attendance.objects.update(roster_closed_at=None)
    AttendanceRecord.objects.filter(source="system").delete()
    AttendanceRecord.objects.update(is_expected=None)

    from attendance.services.rosters import closing

    closed = closing.close_roster(lesson.id, actor=TEACHER)

    assert (closed.expected, closed.marked_absent) == (2, 1)
    assert register_of(lesson.id) == {"S-0001": HERE, "S-0002": ABSENT}
    assert closing.close_roster(lesson.id, actor=TEACHER) == (0, 0)


def test_a_check_in_costs_no_query() -> None:
    lesson = section_lesson(section_of_today([1]))
    with CaptureQueriesContext(connection) as queries:
        check_in(lesson.id, student=student(1))
    assert len(queries) == 0


@pytest.mark.parametrize("known", [False, True])
def test_the_statements_do_not_grow_with_the_lessons(known: bool) -> None:
    def statements(count: int) -> int:
        lessons = [
            ended_section_lesson(section_of_today([1, 2, 3], teachers=[who]), [1], teacher=who)
            for who in (Person(f"T-{n}", f"Teacher {n}", Role.TEACHER) for n in range(count))
        ]
        if known:
            _leave_known(lessons)
        with CaptureQueriesContext(connection) as captured:
            report = unified_persistence_task()
        assert report.totals.outcomes == {"persisted": count}
        assert (report.totals.expected, report.totals.marked_absent) == (3 * count, 2 * count)
        return len(captured)

    # Whoever ends the lessons is known, too: an unknown user takes two more.
    user_of(TEACHER)
    assert statements(1) == statements(50)


def _leave_known(lessons: list[LiveLesson]) -> None:
    """As after a death before the discard, with open rosters, and a word in each since then."""

    def die(lesson_ids: Sequence[UUID]) -> None:
        raise Died

    with failpoints.installed("committed", die), pytest.raises(Died):
        unified_persistence_task()
    AttendanceRecord.objects.filter(source="system").delete()
    Attendance.objects.update(roster_closed_at=None)
    for lesson in lessons:
        correct_record(
            Correction(
                lesson_id=lesson.id,
                school_number="S-0001",
                verdict=Verdict.LATE,
                actor=lesson.data.teacher,
                reason="tram",
            )
        )


def test_the_board_names_everybody() -> None:
    lesson = section_lesson(section_of_today([1, 2, 3]), [1])
    board = find_board(lesson.id)
    assert [person.school_number for person in board.missing] == ["S-0002", "S-0003"]
    assert [r.is_expected for r in board.records] == [True]
    assert (board.lesson.expected, board.lesson.missing) == (3, 2)


@pytest.mark.parametrize(
    ("rule", "outcome"),
    [("accept", ("present", "student", False)), ("hold", ("pending", "student", False))],
)
def test_walk_ins_are_accepted_or_held(rule: str, outcome: tuple[Any, ...]) -> None:
    lesson = section_lesson(section_of_today([1], walk_ins=rule))

    record = check_in(lesson.id, student=student(9)).record

    assert record.status == outcome[0]
    assert record.reason == ("not_on_roster" if rule == "hold" else "")
    finish_lesson(lesson.id, actor=TEACHER)
    assert register_of(lesson.id) == {"S-0001": ABSENT, "S-0009": outcome}


def test_a_walk_in_is_refused_and_the_teacher_sees_it() -> None:
    lesson = section_lesson(section_of_today([1], walk_ins="refuse"))
    with pytest.raises(NotOnRoster):
        check_in(lesson.id, student=student(9))
    assert [(r.school_number, r.code) for r in find_board(lesson.id).refusals] == [
        ("S-0009", "not_on_roster")
    ]


@pytest.mark.parametrize("rule", ["hold", "refuse"])
def test_an_enrolment_made_meanwhile_counts_at_once(rule: str) -> None:
    section = section_of_today([1], walk_ins=rule)
    lesson = section_lesson(section)
    enrol(section, student(9))

    assert check_in(lesson.id, student=student(9)).record.status == "present"
    assert "S-0009" in store.read_roster(lesson.id)


@pytest.mark.parametrize("rule", ["accept", "hold", "refuse"])
def test_a_copy_that_is_gone_or_damaged_refuses_nobody(rule: str) -> None:
    lesson = section_lesson(section_of_today([1, 2], walk_ins=rule))
    client.connection().hset(keys.roster(lesson.id), "S-0001", b"1|0000000000000000||x")
    assert check_in(lesson.id, student=student(1)).record.status == "present"
    client.connection().delete(keys.roster(lesson.id))
    assert check_in(lesson.id, student=student(2)).record.status == "present"


def test_the_second_teacher_joins_the_lesson() -> None:
    section = section_of_today([1], teachers=[TEACHER, OTHER])
    enrol(section, HELPER, "assistant")
    lesson = section_lesson(section)

    for person in (OTHER, HELPER):
        joined = start_lesson(LessonPlan(section=section.code), teacher=person)
        assert joined.id == lesson.id

    finish_lesson(lesson.id, actor=HELPER)
    assert Attendance.objects.get().teacher.school_number == TEACHER.school_number
    assert not client.connection().exists(keys.section(section.pk))


def test_others_do_not_start_it() -> None:
    section = section_of_today([1])
    for person in (OTHER, student(1)):
        user_of(person)
        with pytest.raises(SectionNotFound):
            start_lesson(LessonPlan(section=section.code), teacher=person)


def test_the_lesson_takes_title_and_rule_of_its_section() -> None:
    section = section_of_today(policy={"late_after_s": 90, "absent_after_s": 600})
    lesson = section_lesson(section)
    assert lesson.data.lesson_name == section.title
    assert (lesson.data.rule.late_after_s, lesson.data.rule.absent_after_s) == (90, 600)
    assert lesson.data.section is not None
    assert lesson.data.section.policy_id == section.policy_id


def test_whoever_left_during_the_lesson_is_not_expected() -> None:
    section = section_of_today([1, 2])
    lesson = ended_section_lesson(section, [1])
    row = Enrolment.objects.get(user__school_number="S-0002")
    row.ends_on = local(lesson.starts_at).date()
    row.save()

    unified_persistence_task()

    assert set(register_of(lesson.id)) == {"S-0001"}


def test_an_open_board_sees_an_enrolment_at_once() -> None:
    section = section_of_today([1])
    lesson = section_lesson(section, [1])
    board = find_board(lesson.id)
    assert find_board(lesson.id, version=board.version).is_unchanged
    before = read_versions([lesson.id])

    plan = EnrolmentPlan(
        section_id=section.pk,
        user_id=user_of(student(5)).pk,
        role=EnrolmentRole.STUDENT,
        begins_on=section.starts_on,
    )
    enrol_somebody(plan=plan, actor=user_of(Person("STAFF-1", "Staff 1", Role.STAFF)))

    fresh = find_board(lesson.id, version=board.version)
    assert not fresh.is_unchanged
    assert [person.school_number for person in fresh.missing] == ["S-0005"]
    assert read_versions([lesson.id]) != before


@pytest.mark.parametrize("is_approved", [False, True])
def test_undo_leaves_what_the_system_says_now(is_approved: bool) -> None:
    lesson = section_lesson(section_of_today([1]))
    finish_lesson(lesson.id, actor=TEACHER)
    for verdict in (Verdict.ACCEPT, Verdict.UNDO):
        if is_approved and verdict is Verdict.UNDO:
            AbsenceFactory(
                user=user_of(student(1)),
                starts_at=lesson.starts_at - timedelta(hours=1),
                ends_at=lesson.starts_at + timedelta(hours=3),
                approved=True,
                is_for_all_sections=True,
            )
        correct_record(
            Correction(lesson_id=lesson.id, school_number="S-0001", verdict=verdict, actor=TEACHER)
        )

    mark = EXCUSED if is_approved else ABSENT
    assert register_of(lesson.id) == {"S-0001": mark}
    events = AttendanceEvent.objects.filter(kind="record_corrected").order_by("revision")
    assert list(events.values_list("old", "new")) == [("absent", "present"), ("present", mark[0])]


def test_a_list_of_a_section_has_nothing_else_that_only_redis_knows() -> None:
    section, other = section_of_today([1]), section_of_today([2], teachers=[OTHER])
    mine, foreign = section_lesson(section), section_lesson(other, teacher=OTHER)
    LessonLedger.objects.all().delete()

    page = list_lessons(LessonFilter(section_ids=frozenset({section.pk})), Slice())

    assert [lesson.id for lesson in page.items] == [mine.id]
    assert {x.id for x in list_lessons(LessonFilter(), Slice()).items} == {mine.id, foreign.id}
