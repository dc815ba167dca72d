"""What thousands of lessons in Redis cost whoever reads of a few: runs of scripts, not seconds."""

from collections.abc import Callable
from typing import Any
from uuid import UUID, uuid4

import pytest

from attendance.live import client, envelope, keys, store
from attendance.models import LessonLedger
from attendance.selectors.lessons import LessonFilter, list_lessons
from attendance.selectors.own import list_own_records
from attendance.selectors.paging import Slice
from courses.models import Section
from tests.support import backlog
from tests.support.backlog import Backlog
from tests.support.lessons import (
    live_lesson,
    put_record,
    sealed_record,
    student,
)
from tests.support.sections import section_lesson, section_of_today
from users.identity import Person, Role

pytestmark = pytest.mark.django_db(transaction=True)

MANY = 4_000
STUDENT = student(1).school_number


def sent(read: Callable[[], Any]) -> tuple[int, int]:
    """How many scripts a read has run, and how many times it has read `due`."""
    read()
    before = _calls()
    read()
    scripts, ranges = (now - then for now, then in zip(_calls(), before, strict=True))
    return scripts, ranges


def _calls() -> tuple[int, int]:
    told: Any = client.connection().info("commandstats")
    scripts, ranges = (
        told.get(f"cmdstat_{name}", {"calls": 0})["calls"] for name in ("evalsha", "zrange")
    )
    return scripts, ranges


def mark(lesson_id: UUID, number: str) -> None:
    """A record as a check-in writes it."""
    json = b'{"school_number":"%b","full_name":"A","source":"student"}' % number.encode()
    put_record(lesson_id, number, sealed_record(lesson_id, number, json))


def put_in_phase(lesson_id: UUID, phase: bytes) -> None:
    """Under a right checksum; no script takes a lesson back to where it was."""
    live: Any = client.connection()
    names = ("revision", "record_count", "event_count", "clock")
    held = dict(zip(names, live.hmget(keys.lesson(lesson_id), *names), strict=True))
    checksum = envelope.counts_checksum(lesson_id, phase=phase, **held)
    live.hset(keys.lesson(lesson_id), mapping={"phase": phase, "checksum": checksum})


def own(*numbers: str, part: Slice = Slice()) -> list[UUID]:  # noqa: B008 - it is frozen
    return [each.lesson.id for each in list_own_records(numbers, part).items]


def test_a_student_is_looked_for_in_500_lessons_by_each_run_of_a_script() -> None:
    lesson_ids = sorted(backlog.fill(Backlog(MANY, share=1)), reverse=True)
    # On both sides of what one run reads, under either of two numbers.
    wanted = [lesson_ids[at] for at in (0, 1, 498, 499, 500, 501, 1_999, 3_998, 3_999)]
    for place, lesson_id in enumerate(wanted):
        mark(lesson_id, ("S-A", "S-B")[place % 2])

    assert own("S-A", "S-B") == wanted
    assert own("S-B") == wanted[1::2]
    # One for each 500, and one for the lessons in which there is something.
    assert sent(lambda: own("S-A", "S-B")) == (MANY // 500 + 1, 1)
    assert sent(lambda: own("S-C")) == (MANY // 500, 1)


def test_many_lessons_are_read_by_50_in_each_run_of_a_script() -> None:
    lesson_ids = [*backlog.fill(Backlog(199, share=1)), uuid4(), uuid4()]

    assert sent(lambda: store.read_lessons(lesson_ids)) == (5, 0)
    found = store.read_lessons(lesson_ids)
    assert [getattr(each, "id", None) for each in found.values()] == [*lesson_ids[:-2], None, None]
    assert store.read_lessons([]) == {}


def test_staff_read_the_lessons_of_their_page_alone() -> None:
    few = backlog.fill(Backlog(110, share=1))
    first = sent(lambda: list_lessons(LessonFilter(), Slice()))
    lesson_ids = sorted({*few, *backlog.fill(Backlog(MANY, share=1, series=1))}, reverse=True)

    assert sent(lambda: list_lessons(LessonFilter(), Slice())) == first
    assert sent(lambda: list_lessons(LessonFilter(), Slice(after=lesson_ids[-1]))) == first
    assert first[1] == 1
    assert [view.id for view in list_lessons(LessonFilter(), Slice()).items] == lesson_ids[:50]


def test_who_teaches_asks_for_the_lessons_of_their_own_names() -> None:
    """In one round trip, however many lessons there are; a damaged name hides no other lesson."""
    other = Person("T-2", "Teacher 2", Role.TEACHER)
    mine, section = live_lesson(0), section_of_today([1], teachers=[other])
    of_section = section_lesson(section, teacher=other)
    criteria = LessonFilter(("T-0", mine.data.teacher.school_number), section_ids=_ids(section))
    before = sent(lambda: list_lessons(criteria, Slice()))
    LessonLedger.objects.all().delete()
    backlog.fill(Backlog(200, share=1))

    page = list_lessons(criteria, Slice())

    assert {view.id for view in page.items} == {mine.id, of_section.id}
    # They are looked at once more, because the ledger does not know them.
    scripts, ranges = sent(lambda: list_lessons(criteria, Slice()))
    assert (scripts, ranges) == (before[0] + 1, 0)
    client.connection().delete(keys.section(section.pk))
    client.connection().rpush(keys.section(section.pk), "nobody's")
    assert [view.id for view in list_lessons(criteria, Slice()).items] == [mine.id]
    only = LessonFilter(section_ids=_ids(section))
    assert list_lessons(only, Slice()).items == []


def _ids(section: Section) -> frozenset[int]:
    return frozenset({section.pk})


@pytest.mark.parametrize("in_ledger", [0, 1, 2, 3])
def test_pages_of_both_stores_go_through_all_lessons_either_way(in_ledger: int) -> None:
    """Of three lessons, so many are in the ledger; PostgreSQL was away when the others began."""
    lessons = [
        live_lesson(0, teacher=Person(f"T-{n}", f"Teacher {n}", Role.TEACHER)) for n in range(30)
    ]
    for place, lesson in enumerate(lessons):
        if place % 3 >= in_ledger:
            LessonLedger.objects.filter(pk=lesson.id).delete()
    ids = sorted((lesson.id for lesson in lessons), reverse=True)

    down: list[list[UUID]] = []
    up: list[list[UUID]] = []
    key = None
    while not down or key:
        page = list_lessons(LessonFilter(), Slice(before=key, limit=7))
        down.append([view.id for view in page.items])
        key = page.next_key
    key = ids[-1]
    while key:
        page = list_lessons(LessonFilter(), Slice(after=key, limit=7))
        up.append([view.id for view in page.items])
        key = page.previous_key

    assert down == [ids[at : at + 7] for at in range(0, 30, 7)]
    assert [lesson_id for part in reversed(up) for lesson_id in part] == ids[:-1]


def test_a_search_goes_beyond_the_lessons_where_a_page_begins() -> None:
    named = live_lesson(0, lesson_name="Alchemy")
    LessonLedger.objects.all().delete()
    client.connection().zadd(keys.DUE, dict.fromkeys(map(str, _later_ids(named.id, 60)), 0))
    for number in range(60):
        live_lesson(0, teacher=Person(f"T-{number + 2}", f"Teacher {number}", Role.TEACHER))
    LessonLedger.objects.all().delete()

    found = list_lessons(LessonFilter(search="alchemy"), Slice(limit=5))

    assert [view.id for view in found.items] == [named.id]


def _later_ids(lesson_id: UUID, count: int) -> list[UUID]:
    """Ids in due that stand for nothing."""
    return [UUID(int=lesson_id.int + 1 + number) for number in range(count)]


def test_a_list_shows_of_a_student_what_the_register_does() -> None:
    """Nothing of a lesson that cannot be read, nor a record that cannot."""
    whole, broken, damaged, other_type, starting = (
        live_lesson(1, teacher=Person(f"T-{n}", f"Teacher {n}", Role.TEACHER)) for n in range(5)
    )
    live = client.connection()
    live.hset(keys.lesson(broken.id), "revision", "77")
    put_record(damaged.id, STUDENT, b"garbage")
    live.delete(keys.records(other_type.id))
    live.set(keys.records(other_type.id), "garbage")
    put_in_phase(starting.id, b"starting")
    live.zadd(keys.DUE, {"garbage": 1})

    assert own(STUDENT) == [whole.id]
    # To read has mended nothing.
    assert live.zscore(keys.DUE, "garbage") == 1
