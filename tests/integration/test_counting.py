"""A live lesson is counted once for each state it is in, and the counts are the register's."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest

from attendance.live import client, keys, store
from attendance.live.store import counting
from attendance.selectors.boards import find_board
from attendance.selectors.lessons import find_lesson
from attendance.selectors.shapes import LessonView
from attendance.services.check_in import check_in
from attendance.services.corrections import Correction, correct_record
from attendance.services.lessons import extend_lesson, rename_lesson
from attendance.vocabulary import Verdict
from tests.support.lessons import (
    TEACHER,
    end,
    live_lesson,
    put_back,
    put_record,
    redis_state,
    student,
)
from tests.support.sections import section_lesson, section_of_today
from users.identity import Person, Role

pytestmark = pytest.mark.django_db(transaction=True)


def correct(number: int, verdict: Verdict) -> Callable[[UUID], Any]:
    return lambda lesson_id: correct_record(
        Correction(
            lesson_id=lesson_id,
            school_number=student(number).school_number,
            full_name=student(number).full_name,
            verdict=verdict,
            actor=TEACHER,
            reason="tram",
        )
    )


def arrive(number: int) -> Callable[[UUID], Any]:
    return lambda lesson_id: check_in(lesson_id, student=student(number))


def expect(*numbers: str) -> Callable[[UUID], Any]:
    """Write the copy of the roster; the first number is the person's of all the others."""
    return lambda i: store.write_roster(
        i, {each: store.Listed("A", numbers[0]) for each in numbers}
    )


def add(lesson_id: UUID) -> None:
    store.add_to_roster(lesson_id, {"S-0007": store.Listed("A", "S-0007")})


def extend(lesson_id: UUID) -> None:
    extend_lesson(
        lesson_id, store.read_lesson(lesson_id).ends_at + timedelta(minutes=1), actor=TEACHER
    )


CHANGES: dict[str, Callable[[UUID], Any]] = {
    "a check-in": arrive(3),
    "a check-in of somebody who is not expected": arrive(9),
    "an absence": correct(4, Verdict.ABSENT),
    "the arrival after it": arrive(4),
    "a correction": correct(1, Verdict.EXCUSE),
    "its undoing": correct(1, Verdict.UNDO),
    "a rejection": correct(2, Verdict.REJECT),
    "a deletion": correct(3, Verdict.DELETE),
    "an extension": extend,
    "another roster": expect("S-0001"),
    "somebody more on it": add,
    "a second number of somebody": expect("S-0001", "S-0008"),
    "another account of somebody who is here": expect("S-0001", "S-0002", "S-0009"),
    "somebody after them on it": add,
    "who comes": arrive(7),
    "the word that counts for all of them": correct(9, Verdict.ABSENT),
    "the deletion of one of their records": correct(9, Verdict.DELETE),
    "nobody on it": expect(),
    "another name": lambda lesson_id: rename_lesson(lesson_id, "Chemistry", actor=TEACHER),
    "its end": end,
}


def numbers_of(view: LessonView) -> tuple[Any, ...]:
    return {s: n for s, n in view.counts.items() if n}, view.expected, view.missing


def test_after_every_change_the_counts_are_those_of_the_register() -> None:
    lesson = section_lesson(section_of_today(range(1, 7)), [1, 2])
    for what, change in CHANGES.items():
        find_lesson(lesson.id)
        change(lesson.id)
        told = numbers_of(find_lesson(lesson.id))
        assert told == numbers_of(find_board(lesson.id).lesson), what
        assert told == numbers_of(find_lesson(lesson.id)), what


def records_read() -> int:
    told: Any = client.connection().info("commandstats")
    return int(told.get("cmdstat_hgetall", {"calls": 0})["calls"])


def test_a_lesson_that_has_not_changed_is_not_counted_again() -> None:
    other = Person("T-2", "Teacher 2", Role.TEACHER)
    section = section_of_today([1], teachers=[other])
    lessons = [live_lesson(2), section_lesson(section, [1], teacher=other)]
    ids = [lesson.id for lesson in lessons]
    first = store.count_lessons(ids)
    before = records_read()

    assert store.count_lessons(ids) == first
    assert records_read() == before
    check_in(ids[0], student=student(3))
    again = store.count_lessons(ids)

    assert (again[ids[0]].statuses, again[ids[1]]) == ({"present": 3}, first[ids[1]])
    # The roster and the records of the one that has changed.
    assert records_read() == before + 2


def test_an_older_copy_that_came_to_the_same_revision_is_counted_anew() -> None:
    lesson = live_lesson(2)
    end(lesson.id)
    copy = redis_state()
    correct(1, Verdict.LATE)(lesson.id)
    assert find_lesson(lesson.id).counts == {"late": 1, "present": 1}
    revision = store.read_lesson(lesson.id).revision

    put_back(copy)
    correct(1, Verdict.EXCUSE)(lesson.id)

    assert store.read_lesson(lesson.id).revision == revision
    assert find_lesson(lesson.id).counts == {"excused": 1, "present": 1}


def test_so_is_one_that_was_open_then_and_took_another_check_in() -> None:
    section = section_of_today([1, 2], walk_ins="hold")
    lesson = section_lesson(section, [1])
    copy = redis_state()
    check_in(lesson.id, student=student(9))
    assert find_lesson(lesson.id).counts == {"present": 1, "pending": 1}

    put_back(copy)
    check_in(lesson.id, student=student(2))

    assert find_lesson(lesson.id).counts == {"present": 2}


def test_events_of_another_type_keep_nobody_from_counting() -> None:
    lesson = live_lesson(2)
    client.connection().set(keys.events(lesson.id), "garbage")

    for _ in range(2):
        assert store.count_lessons([lesson.id])[lesson.id].statuses == {"present": 2}


def test_what_cannot_be_read_has_no_counts_also_where_it_was_counted() -> None:
    lesson = live_lesson(2)
    store.count_lessons([lesson.id])
    put_record(lesson.id, "S-0009", b"garbage")
    assert store.count_lessons([lesson.id])[lesson.id].statuses == {"present": 2}

    client.connection().hset(keys.lesson(lesson.id), "revision", "77")

    assert store.count_lessons([lesson.id])[lesson.id].statuses == {}


def test_a_process_remembers_so_many_lessons_and_no_more(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(counting, "MOST_REMEMBERED", 2)
    ids = [
        live_lesson(1, teacher=Person(f"T-{number}", "Teacher", Role.TEACHER)).id
        for number in range(3)
    ]
    for lesson_id in (ids[0], ids[1], ids[0], ids[2]):
        store.count_lessons([lesson_id])
    before = records_read()

    # The second one was not asked for longest: it alone is counted.
    store.count_lessons([ids[0], ids[2]])
    assert records_read() == before
    store.count_lessons([ids[1]])
    assert records_read() == before + 2
