"""Deciding stored arrivals anew: a preview, events, and no word of a person is touched."""

from datetime import timedelta
from typing import Any

import pytest

from attendance.errors import Conflict
from attendance.models import Attendance, AttendanceEvent, AttendanceRecord
from attendance.services.corrections import Correction, correct_record
from attendance.services.lessons import finish_lesson
from attendance.services.rosters.recomputing import apply_recompute, plan_recompute
from attendance.vocabulary import Verdict
from tests.support.callers import Api
from tests.support.lessons import TEACHER
from tests.support.sections import section_lesson, section_of_today, set_rule, user_of

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("totals_agree")]


@pytest.fixture
def stored() -> tuple[Any, dict[str, Any]]:
    """A stored lesson without a rule; one came at once, one was late by the teacher's word."""
    section = section_of_today([1, 2, 3])
    lesson = section_lesson(section, [1, 2])
    correct_record(
        Correction(
            lesson_id=lesson.id,
            school_number="S-0002",
            verdict=Verdict.LATE,
            actor=TEACHER,
            reason="seen",
        )
    )
    finish_lesson(lesson.id, actor=TEACHER)
    day = Attendance.objects.get().held_on
    set_rule(section, late_after_s=0)
    return section, {"section": section, "first": day, "last": day}


def statuses() -> dict[str, str]:
    rows = AttendanceRecord.objects.values_list("student__school_number", "status")
    return dict(rows)


def test_a_new_version_changes_nothing_until_somebody_asks(
    stored: tuple[Any, dict[str, Any]],
) -> None:
    section, days = stored
    assert statuses() == {"S-0001": "present", "S-0002": "late", "S-0003": "absent"}

    plan = plan_recompute(**days)

    assert [(x.school_number, x.old, x.new) for x in plan.changes] == [
        ("S-0001", "present", "late")
    ]
    assert statuses()["S-0001"] == "present"
    applied = apply_recompute(**days, digest=plan.digest, actor=user_of(TEACHER))
    assert applied == plan
    assert statuses() == {"S-0001": "late", "S-0002": "late", "S-0003": "absent"}
    event = AttendanceEvent.objects.get(kind="record_recomputed")
    assert (event.old, event.new, event.actor.school_number) == ("present", "late", "T-1")
    row = Attendance.objects.get()
    assert (row.policy_id, row.late_after_s) == (section.policy_id, 0)
    assert plan_recompute(**days).changes == []


def test_another_world_than_the_preview_s_is_not_changed(
    stored: tuple[Any, dict[str, Any]],
) -> None:
    section, days = stored
    plan = plan_recompute(**days)
    set_rule(section, late_after_s=3600)
    with pytest.raises(Conflict):
        apply_recompute(**days, digest=plan.digest, actor=user_of(TEACHER))
    assert statuses()["S-0001"] == "present"


def test_days_outside_are_left_alone(stored: tuple[Any, dict[str, Any]]) -> None:
    _, days = stored
    later = days["first"] + timedelta(days=1)
    plan = plan_recompute(section=days["section"], first=later, last=later)
    assert (plan.lessons, plan.changes) == (0, [])


def test_the_api_shows_the_plan_and_then_applies_it(stored: tuple[Any, dict[str, Any]]) -> None:
    section, days = stored
    path, day = f"sections/{section.pk}/recompute/", str(days["first"])
    shown = Api(TEACHER).post(path, {"from": day, "to": day}).json()
    assert (shown["lessons"], shown["is_applied"], len(shown["changes"])) == (1, False, 1)
    body = {"from": day, "to": day, "digest": shown["digest"]}
    assert Api(TEACHER).post(path, body).json()["is_applied"]
    assert Api(TEACHER).post(path, body).json()["code"] == "conflict"
    assert statuses()["S-0001"] == "late"
