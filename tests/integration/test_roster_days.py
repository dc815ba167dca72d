"""Rosters over time: early and late, groups that change, days on which the clocks change."""

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from django.db import connections

from attendance.live import store
from attendance.models import Attendance, AttendanceRecord
from attendance.rules.instants import instant, milliseconds
from attendance.services import receipts
from attendance.services.check_in import check_in
from attendance.services.corrections import Correction, correct_record
from attendance.services.lessons import LessonPlan, finish_lesson, start_lesson
from attendance.services.rosters import closing
from attendance.vocabulary import Verdict
from tests.support.clock import Clock
from tests.support.course_factories import EnrolmentFactory, SectionFactory, TermFactory
from tests.support.lessons import TEACHER, forget_everything, student
from tests.support.sections import (
    enrol,
    local,
    register_of,
    section_lesson,
    section_of_today,
    set_rule,
    user_of,
)
from users.identity import Person, Role

pytestmark = pytest.mark.django_db(transaction=True)


def correct(lesson_id: Any, number: int, verdict: Verdict) -> str:
    return correct_record(
        Correction(
            lesson_id=lesson_id,
            school_number=student(number).school_number,
            full_name=student(number).full_name,
            verdict=verdict,
            actor=TEACHER,
            reason="a test",
        )
    ).status


def test_a_walk_in_who_is_accepted_gets_what_the_arrival_is_worth(clock: Clock) -> None:
    section = section_of_today([1], walk_ins="hold", policy={"late_after_s": 600})
    lesson = section_lesson(section)
    clock.stopped_at_ms = milliseconds(lesson.starts_at) + 599_999
    check_in(lesson.id, student=student(8))
    clock.stopped_at_ms = milliseconds(lesson.starts_at) + 600_000
    check_in(lesson.id, student=student(9))

    assert correct(lesson.id, 8, Verdict.ACCEPT) == "present"
    finish_lesson(lesson.id, actor=TEACHER)
    assert correct(lesson.id, 9, Verdict.ACCEPT) == "late"
    assert register_of(lesson.id) == {
        "S-0001": ("absent", "system", True),
        "S-0008": ("present", "teacher", False),
        "S-0009": ("late", "teacher", False),
    }


def test_an_addition_that_was_taken_back_leaves_the_mark_of_the_system() -> None:
    section = section_of_today([1, 2])
    lesson = section_lesson(section, [2])
    for verdict in (Verdict.ACCEPT, Verdict.UNDO):
        correct(lesson.id, 1, verdict)
    finish_lesson(lesson.id, actor=TEACHER)
    assert register_of(lesson.id) == {
        "S-0001": ("absent", "system", True),
        "S-0002": ("present", "student", True),
    }


def test_check_in_opens_before_the_start(clock: Clock) -> None:
    section = section_of_today([1, 2], policy={"opens_before_s": 300})
    starts_at = store.now() + timedelta(minutes=30)
    lesson = start_lesson(
        LessonPlan(section=f"#{section.pk}", starts_at=starts_at, minutes=30), teacher=TEACHER
    )
    clock.stopped_at_ms = milliseconds(lesson.starts_at) - 300_000
    record = check_in(lesson.id, student=student(1)).record
    assert (record.status, record.checked_in_at) == (
        "present",
        lesson.starts_at - timedelta(minutes=5),
    )


def test_a_change_of_groups_leaves_stored_registers_as_they_are() -> None:
    first, second = section_of_today([1, 2]), section_of_today([3])
    for _ in range(5):
        finish_lesson(section_lesson(first, [1]).id, actor=TEACHER)
    stored = list(AttendanceRecord.objects.order_by("pk").values_list())

    row = first.enrolments.get(user=user_of(student(1)))
    row.ends_on = local(store.now()).date()
    row.save()
    enrol(second, student(1), begins_on=row.ends_on)
    finish_lesson(section_lesson(first, [2]).id, actor=TEACHER)
    last = section_lesson(second, [1])
    finish_lesson(last.id, actor=TEACHER)

    assert list(AttendanceRecord.objects.order_by("pk")[: len(stored)].values_list()) == stored
    of_student = AttendanceRecord.objects.filter(student__school_number="S-0001")
    assert of_student.filter(attendance__section=first).count() == 5
    assert register_of(last.id)["S-0001"] == ("present", "student", True)


def test_of_many_starts_of_one_section_all_get_the_same_lesson() -> None:
    teachers = [Person(f"T-{number}", f"Teacher {number}", Role.TEACHER) for number in range(1, 9)]
    section = section_of_today([1], teachers=teachers)

    def start(teacher: Person) -> Any:
        try:
            plan = LessonPlan(section=f"#{section.pk}", minutes=30)
            return start_lesson(plan, teacher=teacher).id
        finally:
            connections.close_all()

    with ThreadPoolExecutor(8) as pool:
        ids = set(pool.map(start, teachers))

    [lesson_id] = ids
    finish_lesson(lesson_id, actor=teachers[3])
    assert Attendance.objects.count() == 1


@pytest.mark.parametrize(
    ("zone", "starts_at", "day"),
    [
        # Half an hour before the clocks go forth, and back: the day is that of the start there.
        ("Europe/Berlin", datetime(2027, 3, 28, 0, 30, tzinfo=UTC), date(2027, 3, 28)),
        ("Europe/Berlin", datetime(2027, 3, 27, 22, 59, tzinfo=UTC), date(2027, 3, 27)),
        ("Europe/Berlin", datetime(2027, 10, 30, 22, 30, tzinfo=UTC), date(2027, 10, 31)),
        # In the hour after a gap, and in both hours of a fold.
        ("Europe/Berlin", datetime(2027, 3, 28, 1, 30, tzinfo=UTC), date(2027, 3, 28)),
        ("Europe/Berlin", datetime(2027, 10, 31, 0, 30, tzinfo=UTC), date(2027, 10, 31)),
        ("Europe/Berlin", datetime(2027, 10, 31, 1, 30, tzinfo=UTC), date(2027, 10, 31)),
        # A day without midnight, and one whose last hour is there twice.
        ("America/Asuncion", datetime(2023, 10, 1, 3, 59, tzinfo=UTC), date(2023, 9, 30)),
        ("America/Asuncion", datetime(2023, 10, 1, 4, 0, tzinfo=UTC), date(2023, 10, 1)),
        ("America/Asuncion", datetime(2024, 3, 24, 2, 30, tzinfo=UTC), date(2024, 3, 23)),
        ("America/Asuncion", datetime(2024, 3, 24, 3, 30, tzinfo=UTC), date(2024, 3, 23)),
        ("America/Asuncion", datetime(2024, 3, 24, 4, 0, tzinfo=UTC), date(2024, 3, 24)),
        ("America/New_York", datetime(2027, 3, 14, 4, 30, tzinfo=UTC), date(2027, 3, 13)),
        ("America/New_York", datetime(2027, 11, 7, 4, 30, tzinfo=UTC), date(2027, 11, 7)),
        ("Pacific/Kiritimati", datetime(2027, 1, 1, 10, 0, tzinfo=UTC), date(2027, 1, 2)),
    ],
)
def test_the_roster_is_of_the_day_of_the_start_where_the_section_is_taught(
    clock: Clock, zone: str, starts_at: datetime, day: date
) -> None:
    clock.stopped_at_ms = milliseconds(starts_at) - 60_000
    term = TermFactory(starts_on=date(2023, 9, 1), ends_on=date(2027, 12, 31))
    section: Any = SectionFactory(term=term, time_zone=zone)
    EnrolmentFactory(section=section, user=user_of(TEACHER), role="teacher")
    for number, (begins_on, ends_on) in enumerate(
        [(day, day + timedelta(days=1)), (day - timedelta(days=1), day), (day + timedelta(1), None)]
    ):
        EnrolmentFactory(
            section=section, user=user_of(student(number)), begins_on=begins_on, ends_on=ends_on
        )
    plan = LessonPlan(section=f"#{section.pk}", starts_at=starts_at, minutes=120)
    lesson = start_lesson(plan, teacher=TEACHER)
    clock.stopped_at_ms = milliseconds(lesson.ends_at) + 1

    finish_lesson(lesson.id, actor=TEACHER)

    assert Attendance.objects.get().held_on == day
    assert starts_at.astimezone(ZoneInfo(zone)).date() == day
    assert register_of(lesson.id) == {"S-0000": ("absent", "system", True)}


def test_a_roster_that_receipts_rebuilt_is_closed_by_a_person() -> None:
    section = section_of_today([1, 2, 3])
    set_rule(section, late_after_s=60)
    lesson = section_lesson(section)
    receipt = receipts.issue(check_in(lesson.id, student=student(1)))
    forget_everything()
    receipts.redeem(receipt, caller=student(1))
    row = Attendance.objects.get()
    assert (row.section_id, row.late_after_s, row.roster_closed_at) == (section.pk, 60, None)
    assert set(register_of(lesson.id)) == {"S-0001"}

    closed = closing.close_roster(lesson.id, actor=TEACHER)

    assert (closed.expected, closed.marked_absent) == (3, 2)
    assert register_of(lesson.id) == {
        "S-0001": ("present", "receipt", True),
        "S-0002": ("absent", "system", True),
        "S-0003": ("absent", "system", True),
    }


def test_a_receipt_brings_a_mark_back_over_one_of_the_system() -> None:
    lesson = section_lesson(section_of_today([1, 2]))
    mine, other = (receipts.issue(check_in(lesson.id, student=student(n))) for n in (1, 2))
    forget_everything()
    receipts.redeem(other, caller=student(2))
    closing.close_roster(lesson.id, actor=TEACHER)
    assert register_of(lesson.id)["S-0001"] == ("absent", "system", True)

    done = receipts.redeem(mine, caller=student(1))

    assert done.outcome == "restored"
    assert register_of(lesson.id)["S-0001"] == ("present", "receipt", True)
    row = AttendanceRecord.objects.get(student__school_number="S-0001")
    assert row.checked_in_at == instant(receipts.open_receipt(mine).checked_in_at)
    assert receipts.redeem(mine, caller=student(1)).outcome == "kept"
