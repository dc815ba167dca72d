"""Two connections change marks of one person: what is open is judged by both."""

from functools import partial

import pytest
from django.db import IntegrityError, transaction

from attendance.live.payloads import LiveLesson
from attendance.services.corrections import Correction, correct_record
from attendance.services.persistence import unified_persistence_task
from attendance.vocabulary import Verdict
from reports.models import FigureWarning
from tests.support.beside import Beside, waits_for_a_lock
from tests.support.lessons import TEACHER, student
from tests.support.sections import ended_section_lesson, section_of_today, user_of
from tests.support.waiting import wait_until
from tests.support.warnings import wrong_warnings

pytestmark = pytest.mark.django_db(transaction=True)


def say(lesson: LiveLesson, verdict: Verdict) -> None:
    correct_record(
        Correction(
            lesson_id=lesson.id,
            school_number=student(2).school_number,
            full_name=student(2).full_name,
            verdict=verdict,
            actor=TEACHER,
            reason="seen",
        )
    )


def at_once(lessons: list[LiveLesson], verdict: Verdict) -> None:
    with transaction.atomic():
        say(lessons[0], verdict)
        beside = Beside(partial(say, lessons[1], verdict))
        wait_until(waits_for_a_lock, "the other one waits")
    beside.done()


def test_two_corrections_at_once_are_judged_together() -> None:
    section = section_of_today((1, 2), policy={"warn_permille": 600})
    lessons = [ended_section_lesson(section, (1,)) for _ in range(2)]
    unified_persistence_task()
    rows = FigureWarning.objects.filter(user=user_of(student(2)), retracted_at=None)
    assert rows.count() == 1

    # With one of them it is a half, and still too little: it takes both.
    at_once(lessons, Verdict.ACCEPT)
    assert (rows.count(), wrong_warnings()) == (0, set())
    at_once(lessons, Verdict.ABSENT)
    assert (rows.count(), wrong_warnings()) == (1, set())


def test_the_database_has_one_open_of_a_kind() -> None:
    section = section_of_today((1, 2), policy={"in_a_row": 1})
    ended_section_lesson(section, (1,))
    unified_persistence_task()
    found = FigureWarning.objects.get()
    found.pk = None
    with pytest.raises(IntegrityError, match="warning_is_open_once"), transaction.atomic():
        found.save(force_insert=True)
