"""CaseEnding, reading and finding lessons, and the connection itself."""

import contextlib
import threading
from datetime import timedelta
from typing import Any
from uuid import uuid4

import msgspec
import pytest

from attendance.errors import (
    AttendanceError,
    InvalidWindow,
    LessonClosed,
    LiveStoreUnavailable,
    NotYourLesson,
)
from attendance.live import client, keys, store
from attendance.live.payloads import EventData, RequestKey
from attendance.live.store import queue
from attendance.rules import instants
from attendance.services.check_in import check_in
from attendance.services.lessons import LessonPlan, extend_lesson, finish_lesson, start_lesson
from tests.support.clock import Clock
from tests.support.lessons import (
    TEACHER,
    end,
    keys_in_redis,
    live_lesson,
    put_record,
    redis_state,
    student,
)
from users.identity import Person, Role

pytestmark = pytest.mark.django_db(transaction=True)


def test_finishing_twice_gives_the_same_answer() -> None:
    lesson = live_lesson(1)

    first = finish_lesson(lesson.id, actor=TEACHER)
    second = finish_lesson(lesson.id, actor=TEACHER)

    assert first.ends_at == second.ends_at
    assert second.report is None


def test_a_lesson_finished_before_it_begins_has_no_time_at_all() -> None:
    plan = LessonPlan("P", starts_at=store.now() + timedelta(hours=1), minutes=10)
    lesson = start_lesson(plan, teacher=TEACHER)

    end(lesson.id)

    seen = store.read_lesson(lesson.id)
    assert seen.starts_at == seen.ends_at
    assert seen.is_over


def test_extending_moves_end_and_due_and_only_later() -> None:
    lesson = live_lesson(1)
    later = lesson.ends_at + timedelta(minutes=10)

    assert extend_lesson(lesson.id, later, actor=TEACHER, request_id="x") == later
    assert extend_lesson(lesson.id, later, actor=TEACHER, request_id="x") == later

    assert client.connection().zscore(keys.DUE, str(lesson.id)) == instants.milliseconds(later)
    assert store.read_lesson(lesson.id).event_count == 1
    for end_at in (later, later - timedelta(minutes=1), later + timedelta(hours=25)):
        with pytest.raises(InvalidWindow):
            extend_lesson(lesson.id, end_at, actor=TEACHER)


def test_an_end_that_is_too_late_is_answered_with_the_latest_one() -> None:
    lesson = live_lesson(0)
    latest = lesson.starts_at + timedelta(hours=24)

    with pytest.raises(InvalidWindow) as caught:
        extend_lesson(lesson.id, latest + timedelta(milliseconds=1), actor=TEACHER)

    assert caught.value.values["latest"] == latest
    assert extend_lesson(lesson.id, latest, actor=TEACHER) == latest


def test_a_lesson_that_is_over_cannot_be_extended() -> None:
    lesson = live_lesson(1)
    finish_lesson(lesson.id, actor=TEACHER)

    with pytest.raises(LessonClosed):
        extend_lesson(lesson.id, store.now() + timedelta(hours=1), actor=TEACHER)


@pytest.mark.parametrize("who", [student(1), Person("T-2", "Teacher 2", Role.TEACHER)])
def test_only_its_teacher_and_staff_end_a_lesson(who: Person) -> None:
    lesson = live_lesson(1)

    with pytest.raises(NotYourLesson):
        finish_lesson(lesson.id, actor=who)

    finish_lesson(lesson.id, actor=Person("STAFF-1", "Staff 1", Role.STAFF))


def test_finish_and_extend_at_once_leave_due_as_the_lesson_says() -> None:
    for _ in range(10):
        lesson = live_lesson(0)
        later = lesson.ends_at + timedelta(minutes=10)
        event = EventData("lesson_extended", TEACHER, "teacher")

        def extend(lesson: Any = lesson, later: Any = later, event: Any = event) -> None:
            with contextlib.suppress(AttendanceError):
                store.extend(lesson.id, later, request=RequestKey("x", ""), event=event)

        thread = threading.Thread(target=extend)
        thread.start()
        end(lesson.id)
        thread.join()
        ends_at = instants.milliseconds(store.read_lesson(lesson.id).ends_at)
        assert client.connection().zscore(keys.DUE, str(lesson.id)) == ends_at
        client.connection().delete(keys.teacher("T-1"))


def test_due_follows_the_last_of_two_ends_also_where_their_writers_cross(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Who extends has read the end and not written it yet; meanwhile the lesson is finished."""
    lesson = live_lesson(0)
    enter = queue._enter

    def finish_first(*args: Any) -> None:
        monkeypatch.setattr(queue, "_enter", enter)
        end(lesson.id)
        enter(*args)

    monkeypatch.setattr(queue, "_enter", finish_first)
    extend_lesson(lesson.id, lesson.ends_at + timedelta(hours=1), actor=TEACHER)

    ends_at = store.read_lesson(lesson.id).ends_at
    assert ends_at < lesson.ends_at
    assert store.due_since([lesson.id]) == {lesson.id: ends_at}


def test_the_register_is_unchanged_at_the_revision_that_is_known() -> None:
    lesson = live_lesson(2)
    put_record(lesson.id, "S-0009", b"garbage")

    seen = store.register(lesson.id)

    assert [r.school_number for r in seen.records] == ["S-0001", "S-0002"]
    assert seen.unreadable == 1
    again = store.register(lesson.id, known_revision=seen.lesson.revision)
    assert again.is_unchanged
    assert again.lesson == msgspec.structs.replace(seen.lesson, read_at=again.lesson.read_at)
    assert again.records == ()
    check_in(lesson.id, student=student(3))
    assert not store.register(lesson.id, known_revision=seen.lesson.revision).is_unchanged


def test_lessons_are_found_by_parts_of_name_and_teacher() -> None:
    names = {"T-1": "Işık Yılmaz", "T-2": "Teacher 2", "T-3": "Teacher 3"}
    lessons = {
        number: live_lesson(
            0, teacher=Person(number, name, Role.TEACHER), lesson_name=f"L {number}"
        )
        for number, name in names.items()
    }
    end(lessons["T-3"].id, teacher=Person("T-3", "Teacher 3", Role.TEACHER))

    assert [x.id for x in store.find_lessons(teacher_name="IŞIK")] == [lessons["T-1"].id]
    assert [x.id for x in store.find_lessons(lesson_name="l t-2")] == [lessons["T-2"].id]
    assert len(store.find_lessons(lesson_name="L")) == 2


def test_due_is_paged_to_its_end_also_where_scores_are_equal() -> None:
    score = instants.milliseconds(store.now())
    members = {str(uuid4()): score for _ in range(1200)} | {"garbage": score}
    client.connection().zadd(keys.DUE, members)
    seen: list[str] = []

    for page in store.due_pages():
        seen += [str(due.lesson_id) for due in page]
        # What leaves meanwhile hides nothing that has not been seen.
        store.drop_due([due.lesson_id for due in page[:100]])

    assert sorted(seen) == sorted(set(members) - {"garbage"})
    assert client.connection().zscore(keys.DUE, "garbage") is None


def forget_scripts() -> None:
    for server in client.servers():
        server.script_flush()


def test_scripts_are_loaded_again_after_a_flush() -> None:
    lesson = live_lesson(1)
    forget_scripts()

    assert check_in(lesson.id, student=student(2)).record.status == "present"
    forget_scripts()
    assert len(store.read_lessons([lesson.id, uuid4()])) == 2


def test_a_connection_that_was_cut_is_made_again() -> None:
    lesson = live_lesson(1)
    for server in client.servers():
        server.client_kill_filter(_type="normal", skipme=False)

    assert check_in(lesson.id, student=student(1)).is_repeated


def test_a_store_out_of_memory_refuses_whole_steps() -> None:
    lesson = live_lesson(1)
    before = redis_state()
    for server in client.servers():
        server.config_set("maxmemory", "1")
    try:
        with pytest.raises(LiveStoreUnavailable):
            check_in(lesson.id, student=student(2))
        assert redis_state() == before
    finally:
        for server in client.servers():
            server.config_set("maxmemory", "0")
    assert not check_in(lesson.id, student=student(2)).is_repeated


def test_a_lesson_is_discarded_only_over_and_as_it_was_read(clock: Clock) -> None:
    lesson = live_lesson(2)
    end(lesson.id)
    found = store.snapshot_many([lesson.id])[lesson.id]
    assert isinstance(found, store.Snapshot)
    older = msgspec.structs.replace(
        found, lesson=msgspec.structs.replace(found.lesson, revision=found.lesson.revision - 1)
    )
    other = msgspec.structs.replace(found, raw_events=[b"another history at this revision"])
    before = redis_state()

    def outcome(snapshot: store.Snapshot) -> str:
        return store.discard_if_unchanged([snapshot])[lesson.id].outcome

    assert [outcome(older), outcome(other)] == ["changed", "changed"]
    clock.offset_ms = -60_000
    assert outcome(found) == "not_over"
    assert redis_state() == before
    clock.offset_ms = 0
    assert [outcome(found), outcome(found)] == ["discarded", "not_found"]
    assert keys_in_redis(lesson.id) == []


def test_keys_are_those_of_the_contract() -> None:
    lesson = live_lesson(1)
    end(lesson.id)

    assert keys_in_redis(lesson.id) == [
        f"attn:{{{lesson.id}}}:{part}" for part in ("lesson", "records", "events", "requests")
    ]
