"""The main job, from the first check-in to the register in PostgreSQL."""

import pytest

from attendance.models import Attendance, AttendanceRecord, LessonLedger
from attendance.services.check_in import check_in
from attendance.services.lessons import LessonPlan, finish_lesson, start_lesson
from attendance.services.persistence import unified_persistence_task
from attendance.vocabulary import LessonState
from tests.support.lessons import keys_in_redis, student
from users.identity import Person
from users.models import RoleChoices, User

pytestmark = pytest.mark.django_db(transaction=True)


def test_a_lesson_ends_in_postgresql_and_leaves_redis(teacher: Person) -> None:
    lesson = start_lesson(LessonPlan("Physics", minutes=30), teacher=teacher)
    for number in range(1, 31):
        check_in(lesson.id, student=student(number))

    report = finish_lesson(lesson.id, actor=teacher).report

    assert report is not None
    assert report.sums_agree
    assert report.totals.counts.inserted == 30
    attendance = Attendance.objects.get(pk=lesson.id)
    assert attendance.teacher.school_number == teacher.school_number
    assert attendance.records.count() == 30
    assert User.objects.get(school_number="T-1").role == RoleChoices.TEACHER
    assert not User.objects.get(school_number="S-0001").has_usable_password()
    assert LessonLedger.objects.get(pk=lesson.id).state == LessonState.DISCARDED
    assert keys_in_redis(lesson.id) == []


def test_a_second_run_changes_nothing(teacher: Person) -> None:
    lesson = start_lesson(LessonPlan("Physics", minutes=30), teacher=teacher)
    check_in(lesson.id, student=student(1))
    finish_lesson(lesson.id, actor=teacher)
    before = list(AttendanceRecord.objects.values())

    report = unified_persistence_task()

    assert report.exit_status == 0
    assert report.totals.lessons == 0
    assert list(AttendanceRecord.objects.values()) == before
