"""The lessons of a course on its page and over the API, and which course is taught now."""

from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from attendance.live.payloads import LiveLesson
from attendance.models import Attendance, LessonLedger
from attendance.selectors.section_lessons import usual_now
from attendance.services.lessons import LessonPlan, finish_lesson, start_lesson
from attendance.services.rosters.not_held import say_not_held
from attendance.vocabulary import LessonState
from courses.models import Section
from courses.services.sections import SectionPlan, update_section
from courses.vocabulary import EnrolmentRole
from tests.pages.visitors import signed_in, text_of
from tests.support.callers import Api, account
from tests.support.factories import LessonLedgerFactory
from tests.support.lessons import TEACHER, live_lesson
from tests.support.members import (
    ASSISTANT,
    DAY,
    LEARNER,
    OBSERVER,
    OTHER_TEACHER,
    STAFF,
    enrolled,
    running_section,
    section_with_everybody,
)
from tests.support.outages import stop_redis
from users.identity import Person, Role
from users.models import SecurityEvent

pytestmark = pytest.mark.django_db(transaction=True)

THIRD = Person("T-3", "Teacher 3", Role.TEACHER)


@pytest.fixture
def section() -> Section:
    return section_with_everybody(code="PHY-1", title="Physics")


def taught(section: Section, *, teacher: Person = TEACHER, is_over: bool = False) -> LiveLesson:
    lesson = start_lesson(LessonPlan(section=f"#{section.pk}", minutes=45), teacher=teacher)
    if is_over:
        finish_lesson(lesson.id, actor=teacher)
    return lesson


def listed(person: Person, section: Section, query: str = "") -> list[tuple[str, str]]:
    answer = Api(person).get(f"sections/{section.pk}/lessons/{query}")
    assert answer.status_code == 200, answer.content
    return [(each["id"], each["state"]) for each in answer.json()["results"]]


def test_lessons_of_both_stores_are_listed_newest_first(section: Section) -> None:
    other = running_section()
    enrolled(other, THIRD, EnrolmentRole.TEACHER)
    past = taught(section, is_over=True)
    live = taught(section)
    taught(other, teacher=THIRD)
    live_lesson(1, teacher=OTHER_TEACHER)
    expected = [str(live.id), str(past.id)]
    for person in (TEACHER, ASSISTANT, STAFF):
        found = listed(person, section)
        assert [lesson_id for lesson_id, _ in found] == expected
        assert found[0][1] == "live"
        assert found[1][1] in {"persisted", "discarded"}
    text = text_of(signed_in(ASSISTANT).get(f"/courses/{section.pk}/lessons/"))
    assert text.index(f"/lessons/{live.id}/") < text.index(f"/lessons/{past.id}/")


def test_a_lesson_that_only_redis_knows_is_of_its_own_course(section: Section) -> None:
    other = running_section()
    enrolled(other, THIRD, EnrolmentRole.TEACHER)
    own, foreign = taught(section), taught(other, teacher=THIRD)
    LessonLedger.objects.filter(pk__in=[own.id, foreign.id]).delete()
    for person in (TEACHER, STAFF):
        assert listed(person, section) == [(str(own.id), "live")]


def moved(lesson: LiveLesson, days: int) -> None:
    """As if a stored lesson had been some days ago."""
    row = LessonLedger.objects.get(pk=lesson.id)
    assert row.starts_at is not None
    assert row.ends_at is not None
    apart = timedelta(days=days)
    starts_at, ends_at = row.starts_at - apart, row.ends_at - apart
    LessonLedger.objects.filter(pk=lesson.id).update(starts_at=starts_at, ends_at=ends_at)
    stored = Attendance.objects.get(pk=lesson.id)
    assert stored.held_on is not None
    held_on = stored.held_on - apart
    Attendance.objects.filter(pk=lesson.id).update(
        starts_at=starts_at, ends_at=ends_at, held_on=held_on
    )


def test_who_came_later_sees_the_lessons_of_their_own_days(section: Section) -> None:
    old, between, new = (taught(section, is_over=True) for _ in range(3))
    moved(old, 10)
    moved(between, 7)
    today = section.local_date(timezone.now())
    enrolled(section, THIRD, EnrolmentRole.TEACHER, begins_on=today - 5 * DAY)
    assert [lesson_id for lesson_id, _ in listed(THIRD, section)] == [str(new.id)]
    everything = [str(lesson.id) for lesson in (new, between, old)]
    assert [lesson_id for lesson_id, _ in listed(TEACHER, section)] == everything
    # What the list leaves out is not there for them either.
    assert Api(THIRD).get(f"lessons/{old.id}/").status_code == 404
    assert Api(THIRD).get(f"lessons/{new.id}/").status_code == 200
    enrolled(
        section,
        THIRD,
        EnrolmentRole.ASSISTANT,
        begins_on=today - 12 * DAY,
        ends_on=today - 9 * DAY,
    )
    assert [lesson_id for lesson_id, _ in listed(THIRD, section)] == [str(new.id), str(old.id)]


def test_lessons_come_in_pages(section: Section) -> None:
    made = [str(taught(section, is_over=True).id) for _ in range(5)]
    api, path, found = Api(TEACHER), f"sections/{section.pk}/lessons/?page_size=2", []
    while path:
        page = api.get(path).json()
        found.append([each["id"] for each in page["results"]])
        path = (page["next"] or "").partition("/api/v1/")[2]
    assert found == [[made[4], made[3]], [made[2], made[1]], [made[0]]]


def test_many_lessons_take_as_many_queries_as_one(section: Section) -> None:
    api, desk = Api(TEACHER), signed_in(TEACHER)
    paths = (f"/api/v1/sections/{section.pk}/lessons/", f"/courses/{section.pk}/lessons/")

    def queries() -> list[int]:
        counts = []
        for client, path in zip((api.client, desk), paths, strict=True):
            client.get(path)
            with CaptureQueriesContext(connection) as captured:
                assert client.get(path).status_code == 200
            counts.append(len(captured))
        return counts

    taught(section, is_over=True)
    few = queries()
    for _ in range(8):
        taught(section, is_over=True)
    assert queries() == few


def test_a_live_lesson_takes_the_place_of_starting_one(section: Section) -> None:
    enrolled(running_section(title="Algebra"), TEACHER, EnrolmentRole.TEACHER)
    lesson = taught(section, teacher=ASSISTANT)
    page = signed_in(TEACHER).get("/courses/")
    assert [each.view.section.title for each in page.context["taught"]] == ["Physics", "Algebra"]
    text = text_of(page)
    assert text.count(f'href="/lessons/{lesson.id}/"') == 1
    assert text.count('action="/lessons/start/"') == 1
    for part in ("", "lessons/", "rules/"):
        text = text_of(signed_in(ASSISTANT).get(f"/courses/{section.pk}/{part}"))
        assert f'href="/lessons/{lesson.id}/"' in text
        assert 'action="/lessons/start/"' not in text


def test_a_course_is_shown_while_the_live_store_is_away(
    section: Section, monkeypatch: pytest.MonkeyPatch
) -> None:
    desk = signed_in(TEACHER)
    stop_redis(monkeypatch)
    for path in ("/courses/", f"/courses/{section.pk}/", f"/courses/{section.pk}/rules/"):
        answer = desk.get(path)
        assert answer.status_code == 200
        assert "No lesson can be started now" in text_of(answer)
        assert 'action="/lessons/start/"' not in text_of(answer)
    assert desk.get(f"/courses/{section.pk}/lessons/").status_code == 503


def ledger_row(section: Section, starts_at: datetime) -> None:
    LessonLedgerFactory(
        section_id=section.pk,
        starts_at=starts_at,
        ends_at=starts_at + timedelta(minutes=45),
        state=LessonState.DISCARDED,
    )


def test_what_is_usual_at_this_time_of_the_week_comes_first(section: Section) -> None:
    algebra = running_section(title="Algebra")
    enrolled(algebra, TEACHER, EnrolmentRole.TEACHER)
    now = timezone.now()
    ledger_row(section, now - timedelta(weeks=1, minutes=20))
    ledger_row(algebra, now - timedelta(weeks=1, hours=3))
    page = signed_in(TEACHER).get("/courses/")
    assert [each.view.section.title for each in page.context["taught"]] == ["Physics", "Algebra"]
    assert text_of(page).count("Usually at this time") == 1


@pytest.mark.parametrize(
    ("at", "is_usual"),
    [
        ("2026-10-26 09:00", True),
        ("2026-10-26 08:01", True),
        ("2026-10-26 09:59", True),
        ("2026-10-26 10:01", False),
        ("2026-10-27 09:00", False),
        ("2026-11-30 09:00", False),
    ],
)
def test_a_time_of_the_week_is_that_of_the_wall(at: str, is_usual: bool) -> None:
    """Berlin leaves summer time on 25 October 2026: nine o'clock is another instant then."""
    zone = ZoneInfo("Europe/Berlin")
    section = running_section(time_zone=zone.key)
    ledger_row(section, datetime(2026, 10, 19, 9, tzinfo=zone))
    found = usual_now([section], at=datetime.fromisoformat(at).replace(tzinfo=zone))
    assert found == ([section.pk] if is_usual else [])


def test_a_new_time_zone_leaves_stored_lessons_as_they_were(section: Section) -> None:
    lesson = taught(section, is_over=True)
    before = Api(TEACHER).get(f"lessons/{lesson.id}/").json()
    plan: Any = SectionPlan(
        term_id=section.term_id,
        title=section.title,
        time_zone="Pacific/Kiritimati",
        starts_on=section.starts_on,
        ends_on=section.ends_on,
    )
    update_section(section_id=section.pk, plan=plan, actor=account(STAFF))
    after = Api(TEACHER).get(f"lessons/{lesson.id}/").json()
    assert after | {"section": ""} == before | {"section": ""}
    assert after["section"]["held_on"] == before["section"]["held_on"]


def test_lessons_are_told_by_the_clock_of_their_course() -> None:
    section = running_section(time_zone="Pacific/Kiritimati")
    enrolled(section, TEACHER, EnrolmentRole.TEACHER)
    lesson = taught(section)
    there = lesson.ends_at.astimezone(ZoneInfo("Pacific/Kiritimati"))
    page = signed_in(TEACHER).get(f"/courses/{section.pk}/lessons/")
    assert f"Live until {there:%H:%M}" in text_of(page)
    assert text_of(page).count(f"–{there:%H:%M}") == 1


def test_the_calendar_of_a_course_is_for_those_who_run_it(section: Section) -> None:
    section.location = "Hall 1, east"
    section.save()
    held, off = taught(section, is_over=True), taught(section)
    say_not_held(off.id, actor=TEACHER, reason="no light")
    account(STAFF)
    taught(running_section(), teacher=STAFF)
    path = f"/courses/{section.pk}/lessons.ics"

    def events(person: Person) -> list[list[str]]:
        text = signed_in(person).get(path).content.decode().replace("\r\n ", "")
        return [each.split("\r\n") for each in text.split("BEGIN:VEVENT")[1:]]

    for person in (TEACHER, ASSISTANT, STAFF):
        second, first = events(person)
        assert f"UID:{held.id}" in first
        assert "LOCATION:Hall 1\\, east" in first
        assert f"SUMMARY:PHY-1 {held.data.lesson_name}" in first
        assert "STATUS:CANCELLED" not in first
        assert {f"UID:{off.id}", "STATUS:CANCELLED"} <= set(second)
    for person, status in ((OTHER_TEACHER, 404), (OBSERVER, 403), (LEARNER, 403)):
        assert signed_in(person).get(path).status_code == status
    taken = SecurityEvent.objects.filter(kind="exported")
    assert [row.details for row in taken] == [{"what": "calendar"}] * 3
    assert "lessons.ics" in text_of(signed_in(TEACHER).get(f"/courses/{section.pk}/lessons/"))


def test_a_calendar_has_the_days_on_which_one_ran_the_course(section: Section) -> None:
    lesson = taught(section, is_over=True)
    enrolled(section, THIRD, EnrolmentRole.TEACHER, begins_on=timezone.localdate() + 5 * DAY)
    assert signed_in(THIRD).get(f"/courses/{section.pk}/lessons.ics").status_code == 404
    assert str(lesson.id) in text_of(signed_in(TEACHER).get(f"/courses/{section.pk}/lessons.ics"))
