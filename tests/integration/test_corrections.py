"""Corrections: one function, wherever the lesson lives, and the newest word wins."""

from concurrent.futures import ThreadPoolExecutor
from uuid import UUID

import pytest
from django.db import connections
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from attendance.errors import (
    AttendanceError,
    Conflict,
    LessonNotFound,
    LiveStoreUnavailable,
    NothingToUndo,
    NotYourLesson,
    ReasonRequired,
    RecordNotFound,
    RejectedByTeacher,
)
from attendance.live import client, keys, store
from attendance.models import AttendanceEvent, AttendanceRecord
from attendance.selectors.registers import find_record
from attendance.services.check_in import check_in
from attendance.services.corrections import Correction, correct_record
from attendance.services.persistence import unified_persistence_task
from attendance.services.stored_lessons import delete_attendance, restore_attendance
from attendance.vocabulary import Verdict
from tests.support import examples
from tests.support.lessons import TEACHER, end, live_lesson, student
from tests.support.outages import stop_redis
from users.identity import Person, Role

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("totals_agree")]

PLACES = ("live", "stored")


def lesson_in(place: str, students: int = 3) -> UUID:
    lesson = live_lesson(students)
    if place == "stored":
        end(lesson.id)
        assert unified_persistence_task().exit_status == 0
    return lesson.id


@pytest.mark.parametrize("place", PLACES)
@pytest.mark.parametrize(
    ("verdict", "status"),
    [("accept", "present"), ("reject", "rejected"), ("late", "late"), ("excuse", "excused")],
)
def test_a_verdict_is_kept_with_actor_and_reason(place: str, verdict: str, status: str) -> None:
    lesson_id = lesson_in(place)

    done = correct_record(
        Correction(
            lesson_id=lesson_id,
            school_number="s-0001",
            verdict=Verdict(verdict),
            actor=TEACHER,
            reason="why",
        )
    )

    assert (done.status, done.source, done.reason) == (status, "teacher", "why")
    found = find_record(lesson_id, "S-0001")
    assert found is not None
    assert (found.status, found.revision) == (status, done.revision)
    assert found.checked_in_at is not None


@pytest.mark.parametrize("place", PLACES)
def test_a_reason_is_needed_for_all_but_accept_and_undo(place: str) -> None:
    lesson_id = lesson_in(place)
    for verdict in (Verdict.REJECT, Verdict.LATE, Verdict.EXCUSE, Verdict.ABSENT, Verdict.DELETE):
        with pytest.raises(ReasonRequired):
            correct_record(
                Correction(
                    lesson_id=lesson_id,
                    school_number="S-0001",
                    verdict=verdict,
                    actor=TEACHER,
                    reason="  ",
                )
            )
    correct_record(
        Correction(
            lesson_id=lesson_id, school_number="S-0001", verdict=Verdict.ACCEPT, actor=TEACHER
        )
    )
    correct_record(
        Correction(lesson_id=lesson_id, school_number="S-0001", verdict=Verdict.UNDO, actor=TEACHER)
    )


@pytest.mark.parametrize("place", PLACES)
def test_the_same_request_changes_once(place: str) -> None:
    lesson_id = lesson_in(place)
    again = Correction(
        lesson_id=lesson_id,
        school_number="S-0001",
        verdict=Verdict.LATE,
        actor=TEACHER,
        reason="tram",
        request_id="r-1",
    )

    first, second = correct_record(again), correct_record(again)

    assert first == second


def test_a_request_that_is_repeated_after_the_discard_changes_once() -> None:
    lesson_id = lesson_in("live")
    again = Correction(
        lesson_id=lesson_id,
        school_number="S-0001",
        verdict=Verdict.LATE,
        actor=TEACHER,
        reason="tram",
        request_id="r-1",
    )
    first = correct_record(again)
    end(lesson_id)
    unified_persistence_task()

    assert correct_record(again).revision == first.revision
    assert AttendanceEvent.objects.filter(request_id="r-1").count() == 1


@pytest.mark.parametrize("place", PLACES)
def test_a_revision_that_is_not_the_one_seen_is_a_conflict(place: str) -> None:
    lesson_id = lesson_in(place)
    seen = find_record(lesson_id, "S-0001")
    assert seen is not None
    correct_record(
        Correction(
            lesson_id=lesson_id,
            school_number="S-0001",
            verdict=Verdict.LATE,
            actor=TEACHER,
            reason="tram",
        )
    )

    with pytest.raises(Conflict):
        correct_record(
            Correction(
                lesson_id=lesson_id,
                school_number="S-0001",
                verdict=Verdict.EXCUSE,
                actor=TEACHER,
                reason="ill",
                expected_revision=seen.revision,
            )
        )


@pytest.mark.parametrize("place", PLACES)
def test_others_may_not_correct(place: str, other_teacher: Person, staff: Person) -> None:
    lesson_id = lesson_in(place)
    for actor in (other_teacher, student(1), Person("T-1", "Ada", Role.STUDENT)):
        with pytest.raises(NotYourLesson):
            correct_record(
                Correction(
                    lesson_id=lesson_id, school_number="S-0001", verdict=Verdict.ACCEPT, actor=actor
                )
            )

    assert (
        correct_record(
            Correction(
                lesson_id=lesson_id, school_number="S-0001", verdict=Verdict.ACCEPT, actor=staff
            )
        ).source
        == "staff"
    )


@pytest.mark.parametrize("place", PLACES)
def test_a_student_without_a_record_needs_a_name_to_be_added(place: str) -> None:
    lesson_id = lesson_in(place)
    with pytest.raises(RecordNotFound):
        correct_record(
            Correction(
                lesson_id=lesson_id, school_number="S-0050", verdict=Verdict.ACCEPT, actor=TEACHER
            )
        )

    added = correct_record(
        Correction(
            lesson_id=lesson_id,
            school_number="S-0050",
            verdict=Verdict.ACCEPT,
            actor=TEACHER,
            full_name="New One",
        )
    )

    assert (added.full_name, added.status, added.checked_in_at) == ("New One", "present", None)


def test_a_student_whose_addition_was_undone_may_still_check_in() -> None:
    lesson_id = lesson_in("live")
    correct_record(
        Correction(
            lesson_id=lesson_id,
            school_number="S-0050",
            verdict=Verdict.LATE,
            actor=TEACHER,
            reason="x",
            full_name="New One",
        )
    )
    correct_record(
        Correction(lesson_id=lesson_id, school_number="S-0050", verdict=Verdict.UNDO, actor=TEACHER)
    )

    done = check_in(lesson_id, student=student(50))

    assert (done.is_repeated, done.record.is_deleted) == (False, False)
    assert store.read_lesson(lesson_id).record_count == 4


def test_a_student_whose_record_was_deleted_does_not_come_back() -> None:
    lesson_id = lesson_in("live")
    correct_record(
        Correction(
            lesson_id=lesson_id,
            school_number="S-0001",
            verdict=Verdict.DELETE,
            actor=TEACHER,
            reason="not of this class",
        )
    )

    with pytest.raises(RejectedByTeacher):
        check_in(lesson_id, student=student(1))


def test_a_lesson_that_is_nowhere_is_not_found() -> None:
    with pytest.raises(LessonNotFound):
        correct_record(
            Correction(
                lesson_id=UUID(int=1), school_number="S-0001", verdict=Verdict.ACCEPT, actor=TEACHER
            )
        )


def test_a_discarded_lesson_is_corrected_without_asking_redis(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    lesson_id = lesson_in("stored")
    stop_redis(monkeypatch)

    done = correct_record(
        Correction(
            lesson_id=lesson_id,
            school_number="S-0001",
            verdict=Verdict.LATE,
            actor=TEACHER,
            reason="tram",
        )
    )

    assert done.status == "late"


def test_an_error_of_redis_never_stands_for_absence(monkeypatch: pytest.MonkeyPatch) -> None:
    lesson_id = lesson_in("live")
    with monkeypatch.context() as patch:
        stop_redis(patch)
        with pytest.raises(LiveStoreUnavailable):
            correct_record(
                Correction(
                    lesson_id=lesson_id,
                    school_number="S-0001",
                    verdict=Verdict.LATE,
                    actor=TEACHER,
                    reason="tram",
                )
            )

    found = find_record(lesson_id, "S-0001")
    assert found is not None
    assert found.status == "present"


@pytest.mark.parametrize("place", PLACES)
def test_corrections_at_once_all_leave_their_event(place: str) -> None:
    lesson_id = lesson_in(place)

    def correct(number: int) -> None:
        try:
            correct_record(
                Correction(
                    lesson_id=lesson_id,
                    school_number="S-0001",
                    verdict=Verdict.LATE,
                    actor=TEACHER,
                    reason=f"reason {number}",
                )
            )
        finally:
            connections.close_all()

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(correct, range(4)))

    if place == "live":
        assert client.connection().llen(keys.events(lesson_id)) == 4
    else:
        assert AttendanceEvent.objects.filter(kind="record_corrected").count() == 4


STEPS = st.lists(
    st.tuples(st.sampled_from(["S-0001", "S-0002", "S-0009"]), st.sampled_from(list(Verdict))),
    max_size=8,
)


@settings(
    max_examples=examples.of_all(25),
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(STEPS)
def test_both_stores_answer_alike(steps: list[tuple[str, Verdict]]) -> None:
    client.connection().delete(keys.teacher("T-1"))
    stored = lesson_in("stored", 2)
    client.connection().delete(keys.teacher("T-1"))
    live = lesson_in("live", 2)

    for number, verdict in steps:
        assert _said(live, number, verdict) == _said(stored, number, verdict)


def _said(lesson_id: UUID, number: str, verdict: Verdict) -> object:
    try:
        done = correct_record(
            Correction(
                lesson_id=lesson_id,
                school_number=number,
                verdict=verdict,
                actor=TEACHER,
                reason="why",
                full_name="Some One",
            )
        )
    except AttendanceError as error:
        return error.code
    return (done.status, done.previous, done.mark, done.reason, done.full_name)


def test_an_attendance_is_flagged_as_deleted_and_restored_with_reasons() -> None:
    lesson_id = lesson_in("stored")

    with pytest.raises(ReasonRequired):
        delete_attendance(lesson_id, actor=TEACHER, reason=" ")
    delete_attendance(lesson_id, actor=TEACHER, reason="a test")

    with pytest.raises(Conflict):
        correct_record(
            Correction(
                lesson_id=lesson_id, school_number="S-0001", verdict=Verdict.ACCEPT, actor=TEACHER
            )
        )
    with pytest.raises(Conflict):
        delete_attendance(lesson_id, actor=TEACHER, reason="again")
    restore_attendance(lesson_id, actor=TEACHER, reason="a mistake")
    correct_record(
        Correction(
            lesson_id=lesson_id, school_number="S-0001", verdict=Verdict.ACCEPT, actor=TEACHER
        )
    )
    assert AttendanceRecord.objects.count() == 3


def test_a_live_attendance_is_not_flagged_as_deleted() -> None:
    lesson_id = lesson_in("live")
    with pytest.raises(Conflict, match="still live"):
        delete_attendance(lesson_id, actor=TEACHER, reason="a test")


def test_undo_needs_something_to_undo() -> None:
    lesson_id = lesson_in("live")
    with pytest.raises(NothingToUndo):
        correct_record(
            Correction(
                lesson_id=lesson_id, school_number="S-0001", verdict=Verdict.UNDO, actor=TEACHER
            )
        )
