"""Each cause tells once, with ids alone, in its own transaction, whichever store it happens in."""

import json
from datetime import date
from typing import Any

import pytest
from django.db import OperationalError, connection
from django.test.utils import CaptureQueriesContext

from attendance.services import ledger
from attendance.services.corrections import Correction, correct_record
from attendance.services.lessons import LessonPlan as Plan
from attendance.services.lessons import finish_lesson, start_lesson
from attendance.services.persistence import unified_persistence_task
from attendance.services.rosters.not_held import say_held, say_not_held
from attendance.vocabulary import Verdict
from courses.services.enrolments import EnrolmentPlan, end_enrolment, enrol
from courses.vocabulary import EnrolmentRole
from tests.support.factories import UserFactory
from tests.support.lessons import TEACHER, end, ended_lesson, live_lesson
from tests.support.people import merge, staff, unmerge
from tests.support.sections import section_lesson, section_of_today
from users.identity import Person, Role
from webhooks import endpoints
from webhooks.endpoints import EndpointPlan
from webhooks.models import WebhookEvent
from webhooks.sending import body_of
from webhooks.telling import Happening, tell
from webhooks.vocabulary import CHOSEN, WebhookKind

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def listening() -> None:
    kinds = [kind.value for kind in CHOSEN]
    endpoints.add_endpoint(EndpointPlan("crm", "http://127.0.0.1:1/", kinds))


def told() -> list[tuple[str, dict[str, Any]]]:
    """What was told since the last time, in its order."""
    events = WebhookEvent.objects.order_by("pk")
    found = [(event.kind, event.data) for event in events]
    events.delete()
    return found


def kinds() -> list[str]:
    return [kind for kind, _ in told()]


@pytest.mark.usefixtures("listening")
def test_the_life_of_a_lesson_is_told_once_with_ids_and_no_name() -> None:
    section = section_of_today()
    lesson = section_lesson(section, [1, 2])
    finish_lesson(lesson.id, actor=TEACHER)
    unified_persistence_task()

    events = list(WebhookEvent.objects.order_by("pk"))
    assert [event.kind for event in events] == [
        *("lesson.started", "lesson.ended", "attendance.persisted"),
    ]
    for event in events:
        body = body_of(event).decode()
        data = json.loads(body)["data"]
        assert (data["lesson_id"], data["section_id"]) == (str(lesson.id), section.pk)
        assert not any(word in body for word in ("Ayşe", "Student", section.title, "T-1"))


@pytest.mark.usefixtures("listening")
def test_what_happens_while_postgresql_is_away_is_told_by_the_task(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def away(*_: Any) -> None:
        raise OperationalError

    with monkeypatch.context() as patch:
        patch.setattr(ledger, "enter_started", away)
        lesson = live_lesson(1)
        later = start_lesson(
            Plan("Later", minutes=30, starts_at=lesson.ends_at),
            teacher=Person("T-9", "Teacher 9", Role.TEACHER),
        )
    assert told() == []
    unified_persistence_task()
    assert [(kind, data["lesson_id"]) for kind, data in told()] == [
        ("lesson.started", str(lesson.id))
    ]
    assert later.starts_at == lesson.ends_at


@pytest.mark.usefixtures("listening")
def test_corrections_are_told_of_what_is_stored_also_where_they_were_made_in_redis() -> None:
    lesson = live_lesson(2)

    def correct(verdict: Verdict) -> None:
        correction = Correction(
            lesson_id=lesson.id,
            school_number="S-0001",
            verdict=verdict,
            actor=TEACHER,
            reason="as I have seen",
        )
        correct_record(correction)

    correct(Verdict.LATE)
    end(lesson.id)
    # Redis keeps the lesson: the next corrections are made there.
    unified_persistence_task()
    assert "record.corrected" not in kinds()
    correct(Verdict.ABSENT)
    unified_persistence_task()
    found = dict(told())
    assert set(found) <= {"record.corrected", "attendance.persisted"}
    assert found["record.corrected"]["school_number"] == "S-0001"
    assert set(found["record.corrected"]) == {
        *("lesson_id", "section_id", "school_number", "revision"),
    }


@pytest.mark.usefixtures("listening")
def test_not_held_and_held_after_all_are_told_live_and_stored() -> None:
    lesson = ended_lesson(1)
    say_not_held(lesson.id, actor=TEACHER, reason="fire alarm")
    assert kinds() == ["lesson.started"]
    unified_persistence_task()
    found = dict(told())
    assert found["lesson.not_held"]["not_held"] is True
    say_held(lesson.id, actor=TEACHER)
    unified_persistence_task()
    assert dict(told())["lesson.not_held"]["not_held"] is False


@pytest.mark.usefixtures("listening")
def test_enrolments_and_merges_are_told_and_what_is_rolled_back_is_not() -> None:
    section = section_of_today(students=())
    office, user = staff(), UserFactory.create()
    plan = EnrolmentPlan(
        section_id=section.pk,
        user_id=user.pk,
        role=EnrolmentRole.STUDENT,
        begins_on=date.today(),  # noqa: DTZ011 - any day of the term
    )
    row = enrol(plan=plan, actor=office)
    end_enrolment(enrolment_id=row.pk, ends_on=row.begins_on, actor=office)
    end_enrolment(enrolment_id=row.pk, ends_on=row.begins_on, actor=office)
    assert told() == [("enrolment.changed", {"section_id": section.pk})] * 2

    # A changed name is no changed roster.
    user.full_name = "Another Name"
    user.save()
    assert told() == []
    old, new = (UserFactory.create(school_number=number) for number in ("OLD-1", "NEW-1"))
    merge(old, new)
    unmerge(old)
    data = {"school_number": "OLD-1", "into": "NEW-1"}
    assert told() == [
        ("person.merged", data | {"merged": True}),
        ("person.merged", data | {"merged": False}),
    ]


def test_where_nobody_listens_it_costs_one_query_and_no_row() -> None:
    happenings = [Happening(WebhookKind.LESSON_STARTED, str(n), {}) for n in range(100)]
    with CaptureQueriesContext(connection) as captured:
        tell(happenings)
    assert len(captured) == 1
    assert not WebhookEvent.objects.exists()
