"""Warnings: what they cost, and of whom they say nothing."""

from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.db.models import F
from django.test.utils import CaptureQueriesContext

from attendance.live import store
from attendance.models import Attendance, AttendanceRecord
from attendance.services.corrections import Correction, correct_record
from attendance.services.persistence import unified_persistence_task
from attendance.services.rosters.not_held import say_not_held
from attendance.vocabulary import Verdict
from courses.models import Section
from courses.vocabulary import Basis, ExcusedAs
from reports import totals
from reports.models import FigureWarning
from tests.support.lessons import TEACHER, student
from tests.support.sections import ended_section_lesson, section_of_today, set_rule, user_of
from tests.support.warnings import open_warnings, wrong_warnings

pytestmark = pytest.mark.django_db(transaction=True)

KINDS = ("share", "in_a_row", "not_taken", "days_without")


def school(sections: int, **rules: Any) -> list[Section]:
    """So many sections, in each a lesson that one of three has missed, and one of nobody."""
    made = [section_of_today((1, 2, 3), policy=rules) for _ in range(sections)]
    for section in made:
        ended_section_lesson(section, (1, 2))
        ended_section_lesson(section)
    unified_persistence_task()
    return made


def statements_to_follow() -> int:
    """To judge all lessons anew as if all had been stored now, with every warning to be raised."""
    FigureWarning.objects.all().delete()
    ids = list(Attendance.objects.values_list("pk", flat=True))
    with CaptureQueriesContext(connection) as queries:
        totals.recompute(ids)
    assert FigureWarning.objects.filter(retracted_at=None).exists()
    assert wrong_warnings() == set()
    return len(queries)


RULES = [
    {"warn_permille": 800, "in_a_row": 2},
    {"warn_permille": 800, "basis": Basis.BEST, "planned": 4},
    {"in_a_row": 1, "days_without": 1},
]


@pytest.mark.parametrize("rules", RULES, ids=["share and row", "best", "days"])
def test_the_same_statements_for_one_section_and_for_five(rules: dict[str, Any]) -> None:
    school(1, **rules)
    one = statements_to_follow()
    school(4, **rules)
    assert statements_to_follow() == one


def test_registers_of_lessons_that_were_not_touched_are_not_read() -> None:
    school(1, warn_permille=1)
    FigureWarning.objects.all().delete()
    taken = [
        pk
        for pk in Attendance.objects.values_list("pk", flat=True)
        if AttendanceRecord.objects.filter(attendance=pk, source="student").exists()
    ]
    with CaptureQueriesContext(connection) as queries:
        totals.recompute(taken)
    assert not any("min(a.held_on)" in each["sql"] for each in queries)
    assert open_warnings("not_taken") == set()


def say(verdict: Verdict, number: int = 3) -> None:
    for lesson_id in Attendance.objects.values_list("pk", flat=True):
        correct_record(
            Correction(
                lesson_id=lesson_id,
                school_number=student(number).school_number,
                verdict=verdict,
                actor=TEACHER,
                reason="a letter",
            )
        )


def test_of_somebody_who_is_excused_from_all_nothing_is_said() -> None:
    (section,) = school(1, warn_permille=800, in_a_row=1)
    third = user_of(student(3)).pk
    assert (section.pk, third, "share") in open_warnings("share")

    say(Verdict.EXCUSE)

    assert {user for _, user, _ in open_warnings("share", "in_a_row")} & {third} == set()
    reasons = FigureWarning.objects.filter(user=third).values_list("retracted_because", flat=True)
    assert set(reasons) == {"marks"}

    # Unless the course counts whoever is excused as absent.
    set_rule(section, warn_permille=800, excused_as=ExcusedAs.ABSENT)
    totals.judge_by_new_rules(section.pk)
    assert (section.pk, third, "share") in open_warnings("share")
    assert wrong_warnings() == set()


def test_a_section_without_rules_has_no_open_warning() -> None:
    kept, changed = school(2, warn_permille=800, in_a_row=1)
    assert {section for section, _, _ in open_warnings(*KINDS)} == {kept.pk, changed.pk}

    set_rule(changed)
    totals.judge_by_new_rules(changed.pk)

    assert {section for section, _, _ in open_warnings(*KINDS)} == {kept.pk}
    assert wrong_warnings() == set()


FIRST_JUDGED = [
    ({"warn_permille": 800, "min_lessons": 2}, 3),
    ({"warn_permille": 800, "min_days": 2}, 3),
    ({"warn_permille": 1_000, "must_exceed": True, "min_lessons": 2}, 1),
    ({"warn_permille": 800, "basis": Basis.BEST, "planned": 3, "min_lessons": 2}, 3),
]


@pytest.mark.parametrize(("rules", "warned"), FIRST_JUDGED, ids=["lessons", "days", "all", "best"])
def test_whoever_is_there_is_warned_from_the_lesson_on_that_is_the_first_to_count(
    rules: dict[str, Any], warned: int
) -> None:
    section = section_of_today((1, 2, 3), policy=rules)
    ended_section_lesson(section, (1, 2))
    unified_persistence_task()
    assert open_warnings("share") == set()
    Attendance.objects.update(held_on=F("held_on") - timedelta(days=1))

    ended_section_lesson(section, (1, 2, 3))
    unified_persistence_task()

    assert (section.pk, user_of(student(warned)).pk, "share") in open_warnings("share")
    assert wrong_warnings() == set()


def test_the_first_lesson_of_somebody_may_be_all_there_is_and_too_little() -> None:
    section = section_of_today((1,), policy={"warn_permille": 1_000, "must_exceed": True})
    ended_section_lesson(section, (1,))
    unified_persistence_task()
    assert open_warnings("share") == {(section.pk, user_of(student(1)).pk, "share")}


def test_of_whoever_is_there_only_open_warnings_are_judged_again() -> None:
    section = section_of_today((1, 2, 3), policy={"warn_permille": 500, "in_a_row": 1})
    ended_section_lesson(section, (1, 2))
    unified_persistence_task()
    third = user_of(student(3)).pk
    assert open_warnings(*KINDS) == {(section.pk, third, kind) for kind in ("share", "in_a_row")}

    ended_section_lesson(section, (1, 2, 3))
    with CaptureQueriesContext(connection) as queries:
        unified_persistence_task()
    judged = [each["sql"] for each in queries if "c.reached < c.bound" in each["sql"]]
    assert [f"ARRAY[{third}]" in sql or f"'{{{third}}}'" in sql for sql in judged] == [True]
    assert open_warnings(*KINDS) == wrong_warnings() == set()


def test_where_all_are_there_and_nothing_is_open_nobody_is_judged() -> None:
    section = section_of_today((1, 2, 3), policy={"warn_permille": 500, "in_a_row": 1})
    ended_section_lesson(section, (1, 2, 3))
    with CaptureQueriesContext(connection) as queries:
        unified_persistence_task()
    assert not any("c.reached < c.bound" in each["sql"] for each in queries)
    assert not any("sum(t.n) >= p.in_a_row" in each["sql"] for each in queries)


def test_a_stored_lesson_that_was_not_held_after_all_is_judged_of_whoever_was_there(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    section = section_of_today((1, 2), policy={"warn_permille": 400})
    ended_section_lesson(section, (1,))
    unified_persistence_task()
    lesson = ended_section_lesson(section, (1, 2))
    with monkeypatch.context() as patch:
        # As if the process had died between its commit and the discard.
        patch.setattr(store, "discard_if_unchanged", lambda *_, **__: {})
        unified_persistence_task()
    assert open_warnings("share") == set()

    say_not_held(lesson.id, actor=TEACHER, reason="ill")
    unified_persistence_task()

    assert open_warnings("share") == {(section.pk, user_of(student(2)).pk, "share")}
    assert wrong_warnings() == set()
