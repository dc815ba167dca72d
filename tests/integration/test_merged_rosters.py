"""Lessons of a section in which somebody has two accounts: expected once, by either number."""

from datetime import timedelta

import pytest
from django.utils import timezone

from attendance.selectors.boards import find_board
from attendance.selectors.counts import roster_counts
from attendance.selectors.expected_people import find_expected_people
from attendance.selectors.lessons import find_lesson
from attendance.selectors.registers import find_register
from attendance.services.check_in import check_in
from attendance.services.corrections import Correction, correct_record
from attendance.services.persistence import unified_persistence_task
from attendance.vocabulary import Verdict
from courses.models import Section
from courses.vocabulary import WalkIns
from tests.support.course_factories import AbsenceFactory
from tests.support.lessons import TEACHER, end
from tests.support.people import merge, unmerge
from tests.support.sections import (
    ended_section_lesson,
    enrol,
    register_of,
    section_lesson,
    section_of_today,
    user_of,
)
from users.identity import Person

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("totals_agree")]

OLD, NEW = Person("OLD-1", "Ada Old"), Person("NEW-1", "Ada New")
HERE, ABSENT = ("present", "student", True), ("absent", "system", True)


def section_with(*people: Person, **changes: object) -> Section:
    section = section_of_today([], **changes)  # type: ignore[arg-type]
    for person in people:
        enrol(section, person)
    return section


def merge_both() -> None:
    merge(user_of(OLD), user_of(NEW))


def test_whoever_is_enrolled_twice_is_missing_once() -> None:
    section = section_with(OLD, NEW)
    merge_both()
    lesson = ended_section_lesson(section)
    [told] = unified_persistence_task().lessons
    assert (told.expected, told.marked_absent) == (1, 1)
    assert register_of(lesson.id) == {"NEW-1": ABSENT}


@pytest.mark.parametrize("walk_ins", list(WalkIns))
def test_the_root_checks_in_where_the_other_account_is_enrolled(walk_ins: WalkIns) -> None:
    section = section_with(OLD, walk_ins=walk_ins)
    merge_both()
    lesson = section_lesson(section)
    check_in(lesson.id, student=NEW)
    end(lesson.id)
    [told] = unified_persistence_task().lessons
    assert (told.expected, told.marked_absent) == (1, 0)
    assert register_of(lesson.id) == {"NEW-1": HERE}


def test_who_is_merged_during_the_lesson_is_still_on_its_roster() -> None:
    section = section_with(OLD, walk_ins=WalkIns.REFUSE)
    lesson = section_lesson(section)
    merge_both()
    check_in(lesson.id, student=NEW)
    end(lesson.id)
    unified_persistence_task()
    assert register_of(lesson.id) == {"NEW-1": HERE}


def test_a_mark_under_the_old_number_counts_for_the_person() -> None:
    section = section_with(OLD, NEW)
    lesson = section_lesson(section)
    check_in(lesson.id, student=OLD)
    merge_both()
    end(lesson.id)
    [told] = unified_persistence_task().lessons
    assert (told.expected, told.marked_absent) == (1, 0)
    assert register_of(lesson.id) == {"OLD-1": HERE}


def test_an_absence_of_the_other_account_excuses() -> None:
    section = section_with(NEW)
    now = timezone.now()
    hour = timedelta(hours=1)
    AbsenceFactory.create(
        user=user_of(OLD), starts_at=now - hour, ends_at=now + 3 * hour, approved=True
    )
    merge_both()
    lesson = ended_section_lesson(section)
    unified_persistence_task()
    assert register_of(lesson.id) == {"NEW-1": ("excused", "system", True)}


def test_a_stored_roster_counts_and_lists_a_person_once() -> None:
    third = Person("OTHER-1", "Third")
    section = section_with(OLD, NEW, third)
    lesson = section_lesson(section)
    for person in (OLD, NEW):
        check_in(lesson.id, student=person)
    end(lesson.id)
    unified_persistence_task()
    assert roster_counts([lesson.id])[lesson.id] == (3, 1)

    merge_both()

    assert roster_counts([lesson.id])[lesson.id] == (2, 1)
    people = find_expected_people(lesson.id).people
    assert len(people) == 2
    shown = [record.school_number for record in find_register(lesson.id).records]
    assert shown == ["OLD-1", "OTHER-1"], "the first arrival counts"
    assert find_board(lesson.id).lesson.counts == {"present": 1, "absent": 1}
    assert find_lesson(lesson.id).counts == {"present": 1, "absent": 1}
    unmerge(user_of(OLD))
    assert len(find_register(lesson.id).records) == 3
    assert find_lesson(lesson.id).counts == {"present": 2, "absent": 1}


def test_the_record_that_counts_says_whether_somebody_came() -> None:
    section = section_with(OLD, NEW)
    lesson = section_lesson(section)
    check_in(lesson.id, student=OLD)
    end(lesson.id)
    unified_persistence_task()
    word = Correction(
        lesson_id=lesson.id,
        school_number=NEW.school_number,
        verdict=Verdict.ABSENT,
        actor=TEACHER,
        reason="not seen",
    )
    correct_record(word)
    assert roster_counts([lesson.id])[lesson.id] == (2, 1)

    merge_both()

    assert roster_counts([lesson.id])[lesson.id] == (1, 1)
    assert find_lesson(lesson.id).counts == {"present": 0, "absent": 1}
    assert [r.status for r in find_register(lesson.id).records] == ["absent"]


def test_a_live_register_shows_a_person_once() -> None:
    section = section_with(OLD, NEW)
    merge_both()
    lesson = section_lesson(section)
    for person in (OLD, NEW):
        check_in(lesson.id, student=person)
    board = find_board(lesson.id)
    assert (board.lesson.expected, board.lesson.missing) == (1, 0)
    assert [record.school_number for record in board.records] == ["OLD-1"]
