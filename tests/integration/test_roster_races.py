"""Rosters while something else happens: deaths, approvals, corrections, words about a lesson."""

import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import timedelta
from uuid import UUID

import pytest
from django.db import connection, connections
from django.utils import timezone

from attendance.errors import Conflict, LessonClosed
from attendance.live.payloads import LiveLesson
from attendance.models import Attendance, AttendanceRecord, LessonLedger, RefusedCheckIn
from attendance.services.check_in import check_in
from attendance.services.corrections import Correction, correct_record
from attendance.services.persistence import failpoints, unified_persistence_task
from attendance.services.rosters import closing, expected, not_held, system_marks
from attendance.vocabulary import LessonState, Verdict
from courses.models import Absence
from courses.services.absences import decide_absence, withdraw_absence
from tests.support.course_factories import AbsenceFactory
from tests.support.death import Died
from tests.support.lessons import TEACHER, keys_in_redis, student
from tests.support.sections import (
    ended_section_lesson,
    register_of,
    section_of_today,
    user_of,
)
from tests.support.waiting import wait_until
from users.identity import Person, Role

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("totals_agree")]

STAFF = Person("STAFF-1", "Staff 1", Role.STAFF)
SECONDS = 20
HERE = ("present", "student", True)
ABSENT = ("absent", "system", True)
EXCUSED = ("excused", "system", True)


@pytest.fixture(autouse=True)
def staff(transactional_db: None) -> None:
    user_of(STAFF)


def asked(number: int) -> Absence:
    """An absence that a student has asked for, around now."""
    now = timezone.now()
    row: Absence = AbsenceFactory.create(
        user=user_of(student(number)),
        starts_at=now - timedelta(hours=2),
        ends_at=now + timedelta(hours=4),
        is_for_all_sections=True,
    )
    return row


def approve(absence: Absence) -> None:
    decide_absence(absence_id=absence.pk, approve=True, actor=user_of(STAFF))


def die_before_the_discard() -> None:
    """A run that commits, and whose process dies then."""

    def die(lesson_ids: Sequence[UUID]) -> None:
        raise Died

    with failpoints.installed("committed", die), pytest.raises(Died):
        unified_persistence_task()


def correct(lesson: LiveLesson, number: int, verdict: Verdict, actor: Person = TEACHER) -> None:
    correct_record(
        Correction(
            lesson_id=lesson.id,
            school_number=student(number).school_number,
            full_name=student(number).full_name,
            verdict=verdict,
            actor=actor,
            reason="seen",
        )
    )


class Other(threading.Thread):
    """Somebody else, with a connection of their own; what they raise is raised by `done`."""

    def __init__(self, work: Callable[[], object]) -> None:
        super().__init__(daemon=True)
        self._work, self.error = work, None
        self.start()

    error: BaseException | None

    def run(self) -> None:
        try:
            self._work()
        except BaseException as error:  # noqa: BLE001 - whoever waits looks at it
            self.error = error
        finally:
            connections.close_all()

    def done(self) -> None:
        self.join(SECONDS)
        assert not self.is_alive()
        if self.error is not None:
            raise self.error


def is_waiting() -> bool:
    """Whether somebody waits for a lock of PostgreSQL."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM pg_locks WHERE NOT granted")
        return bool(cursor.fetchone()[0])


def test_not_held_after_the_commit_and_before_the_discard_flags_the_marks_of_the_system() -> None:
    lesson = ended_section_lesson(section_of_today([1, 2]), [1])
    die_before_the_discard()
    assert register_of(lesson.id) == {"S-0001": HERE, "S-0002": ABSENT}

    not_held.say_not_held(lesson.id, actor=TEACHER, reason="fire alarm")
    die_before_the_discard()

    row = Attendance.objects.get()
    flagged = AttendanceRecord.objects.get(source="system")
    assert (flagged.deleted_at, flagged.deleted_reason) == (row.not_held_at, "fire alarm")
    assert register_of(lesson.id) == {"S-0001": HERE}

    not_held.say_held(lesson.id, actor=TEACHER)
    unified_persistence_task()

    assert register_of(lesson.id) == {"S-0001": HERE, "S-0002": ABSENT}
    assert keys_in_redis(lesson.id) == []


def test_what_was_approved_while_a_lesson_was_not_held_excuses_when_it_was_held() -> None:
    lesson = ended_section_lesson(section_of_today([1, 2]), [1])
    unified_persistence_task()
    not_held.say_not_held(lesson.id, actor=TEACHER, reason="fire alarm")

    absence = asked(2)
    approve(absence)
    assert register_of(lesson.id) == {"S-0001": HERE}
    not_held.say_held(lesson.id, actor=TEACHER)
    assert register_of(lesson.id)["S-0002"] == EXCUSED

    not_held.say_not_held(lesson.id, actor=TEACHER, reason="fire alarm")
    withdraw_absence(absence_id=absence.pk, actor=user_of(STAFF))
    not_held.say_held(lesson.id, actor=TEACHER)
    assert register_of(lesson.id)["S-0002"] == ABSENT


def test_an_approval_between_commit_and_discard_makes_no_older_copy_of_the_lesson() -> None:
    lesson = ended_section_lesson(section_of_today([1, 2, 3]), [1])
    die_before_the_discard()
    approve(asked(2))
    assert register_of(lesson.id)["S-0002"] == EXCUSED

    # The word of a teacher goes to Redis, where the lesson still is.
    correct(lesson, 1, Verdict.LATE)
    correct(lesson, 3, Verdict.LATE)
    report = unified_persistence_task()

    assert report.totals.outcomes == {"persisted": 1}
    assert report.totals.newly_quarantined == 0
    assert keys_in_redis(lesson.id) == []
    assert LessonLedger.objects.get(pk=lesson.id).state == LessonState.DISCARDED
    assert register_of(lesson.id) == {
        "S-0001": ("late", "teacher", True),
        "S-0002": EXCUSED,
        "S-0003": ("late", "teacher", True),
    }


def test_nobody_is_added_to_the_roster_of_a_lesson_that_redis_still_holds() -> None:
    section = section_of_today([1])
    lesson = ended_section_lesson(section, [1])
    die_before_the_discard()
    user_of(student(9))

    with pytest.raises(Conflict):
        closing.add_expected(lesson.id, "S-0009", actor=STAFF, reason="enrolled late")

    assert unified_persistence_task().totals.outcomes == {"unchanged": 1}
    added = closing.add_expected(lesson.id, "S-0009", actor=STAFF, reason="enrolled late")
    assert (added.status, added.source) == ("absent", "system")


@contextmanager
def held_at(module: object, name: str) -> Iterator[tuple[threading.Event, threading.Event]]:
    """Let a function stand still before it begins: (it is there, it may go on)."""
    there, may_go = threading.Event(), threading.Event()
    real = getattr(module, name)

    def held(*arguments: object, **named: object) -> object:
        there.set()
        may_go.wait(SECONDS)
        return real(*arguments, **named)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(module, name, held)
        yield there, may_go


@contextmanager
def held_after(module: object, name: str) -> Iterator[tuple[threading.Event, threading.Event]]:
    """Let a function stand still once it is done: (it is there, it may go on)."""
    there, may_go = threading.Event(), threading.Event()
    real = getattr(module, name)

    def held(*arguments: object, **named: object) -> object:
        result = real(*arguments, **named)
        there.set()
        may_go.wait(SECONDS)
        return result

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(module, name, held)
        yield there, may_go


def waits_or_ends(other: Other) -> None:
    wait_until(lambda: is_waiting() or not other.is_alive(), "somebody who waits, or has ended")


def stored_lesson(students: Sequence[int] = (1, 2)) -> LiveLesson:
    lesson = ended_section_lesson(section_of_today(students), [1])
    unified_persistence_task()
    return lesson


def open_again(lesson: LiveLesson) -> None:
    """As a lesson that was rebuilt from receipts: nobody was marked."""
    Attendance.objects.filter(pk=lesson.id).update(roster_closed_at=None)
    AttendanceRecord.objects.filter(source="system").delete()
    AttendanceRecord.objects.update(is_expected=None)


def say_again(lesson: LiveLesson) -> None:
    not_held.say_held(lesson.id, actor=TEACHER)


def undo(lesson: LiveLesson) -> None:
    correct(lesson, 2, Verdict.UNDO)


def speak(lesson: LiveLesson) -> None:
    correct(lesson, 2, Verdict.LATE)


def close(lesson: LiveLesson) -> None:
    closing.close_roster(lesson.id, actor=TEACHER)


def add(lesson: LiveLesson) -> None:
    closing.add_expected(lesson.id, "S-0002", actor=STAFF, reason="enrolled late")


def prepare(lesson: LiveLesson, change: Callable[[LiveLesson], None]) -> None:
    """What has happened before the change, so that it makes a mark of the system."""
    if change is undo:
        correct(lesson, 2, Verdict.LATE)
    elif change is close:
        open_again(lesson)
    elif change is add:
        AttendanceRecord.objects.filter(source="system").delete()
    elif change is say_again:
        open_again(lesson)
        not_held.say_not_held(lesson.id, actor=TEACHER, reason="fire alarm")


@pytest.mark.parametrize("change", [undo, close, add, say_again])
def test_an_approval_beside_a_mark_that_the_system_makes_excuses_it(
    change: Callable[[LiveLesson], None],
) -> None:
    """The approval comes once absences were read, and before the mark is committed."""
    lesson = stored_lesson()
    prepare(lesson, change)
    absence = asked(2)
    reader = expected if change in {close, say_again} else system_marks

    with held_after(reader, "excuses_at") as (has_read, may_go):
        changing = Other(lambda: change(lesson))
        assert has_read.wait(SECONDS)
        approving = Other(lambda: approve(absence))
        waits_or_ends(approving)
        may_go.set()
        changing.done()
        approving.done()

    assert register_of(lesson.id)["S-0002"] == EXCUSED


@pytest.mark.parametrize("change", [undo, speak, close, add, say_again])
def test_an_approval_that_was_first_does_not_wait_crosswise(
    change: Callable[[LiveLesson], None],
) -> None:
    """The approval holds the student and wants lessons; the change wants both, too."""
    from attendance.services.rosters import excusing

    lesson = stored_lesson()
    prepare(lesson, change)
    absence = asked(2)

    with held_at(excusing, "restate_system_marks") as (is_there, may_go):
        approving = Other(lambda: approve(absence))
        assert is_there.wait(SECONDS)
        changing = Other(lambda: change(lesson))
        waits_or_ends(changing)
        may_go.set()
        approving.done()
        changing.done()

    word = ("late", "teacher", True) if change is speak else EXCUSED
    assert register_of(lesson.id)["S-0002"] == word


@pytest.mark.parametrize("is_held", [True, False])
def test_whoever_checks_in_after_the_lesson_was_stored_is_not_told_of_a_mark_of_the_system(
    is_held: bool,
) -> None:
    lesson = stored_lesson()
    if not is_held:
        not_held.say_not_held(lesson.id, actor=TEACHER, reason="fire alarm")

    with pytest.raises(LessonClosed):
        check_in(lesson.id, student=student(2))

    assert check_in(lesson.id, student=student(1)).is_repeated
    refused = RefusedCheckIn.objects.values_list("school_number", "code")
    assert list(refused) == [("S-0002", "lesson_closed")]
