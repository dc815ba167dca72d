"""Two connections change marks of one person: no total loses one, and none waits crosswise."""

from functools import partial

import pytest
from django.db import transaction

from attendance.live.payloads import LiveLesson
from attendance.models import AttendanceRecord
from attendance.services.corrections import Correction, correct_record
from attendance.services.persistence import unified_persistence_task
from attendance.vocabulary import Verdict
from reports import totals
from reports.models import SectionTotal
from tests.support.beside import Beside, waits_for_a_lock
from tests.support.lessons import TEACHER, student
from tests.support.people import merge, staff, unmerge
from tests.support.sections import ended_section_lesson, section_of_today, user_of
from tests.support.totals import wrong_totals
from tests.support.waiting import wait_until

pytestmark = pytest.mark.django_db(transaction=True)


def two_lessons() -> list[LiveLesson]:
    """Student 1 came to both lessons of a section."""
    section = section_of_today((1, 2))
    lessons = [ended_section_lesson(section, [1]) for _ in range(2)]
    unified_persistence_task()
    return lessons


def write(lesson: LiveLesson, status: str) -> None:
    """A mark as the middle of somebody's transaction has it."""
    rows = AttendanceRecord.objects.filter(attendance=lesson.id)
    rows.filter(student__school_number=student(1).school_number).update(status=status)


def correct(lesson: LiveLesson) -> None:
    correct_record(
        Correction(
            lesson_id=lesson.id,
            school_number=student(1).school_number,
            verdict=Verdict.ABSENT,
            actor=TEACHER,
            reason="seen",
        )
    )


def merge_away() -> None:
    merge(user_of(student(1)), user_of(student(9)))


@pytest.mark.parametrize("is_merged", [False, True])
def test_who_adds_up_later_sees_what_was_committed_meanwhile(is_merged: bool) -> None:
    first, second = two_lessons()
    staff(), user_of(student(9))
    with transaction.atomic():
        write(first, "late")
        Beside(merge_away if is_merged else lambda: correct(second)).done()
        totals.recompute([first.id])
    assert wrong_totals() == []
    root = student(9 if is_merged else 1).school_number
    rows = SectionTotal.objects.filter(user__school_number=root)
    assert set(rows.values_list("status", flat=True)) == {
        "late",
        "present" if is_merged else "absent",
    }


@pytest.mark.parametrize("is_merged", [False, True])
def test_who_comes_second_waits_for_the_commit_of_the_first(is_merged: bool) -> None:
    first, second = two_lessons()
    staff(), user_of(student(9))
    with transaction.atomic():
        write(first, "late")
        totals.recompute([first.id])
        beside = Beside(merge_away if is_merged else lambda: correct(second))
        wait_until(waits_for_a_lock, "a transaction that waits for these totals")
    beside.done()
    assert wrong_totals() == []


def test_many_who_add_up_the_same_people_never_wait_crosswise() -> None:
    """Sections in any order, and merges beside them."""
    lessons = [*two_lessons(), *two_lessons(), *two_lessons()]
    ids = [lesson.id for lesson in lessons]
    staff(), user_of(student(9))

    def add_up(turn: int) -> None:
        for n in range(10):
            with transaction.atomic():
                write(lessons[(turn + n) % len(lessons)], "late" if n % 2 else "present")
                totals.recompute(ids[:: -1 if (turn + n) % 2 else 1])

    def merge_and_take_apart() -> None:
        for _ in range(5):
            merge(user_of(student(1)), user_of(student(9)))
            unmerge(user_of(student(1)))

    beside = [Beside(partial(add_up, n)) for n in range(3)]
    beside.append(Beside(merge_and_take_apart))
    for each in beside:
        each.done()
    assert wrong_totals() == []
