"""What services refuse, in the reader's language, with its numbers and instants."""

from zoneinfo import ZoneInfo

import pytest
import redis
from django.test import Client
from django.utils import timezone
from django.utils.formats import date_format
from pytest_django.fixtures import Settings

from attendance.live import client
from attendance.services.lessons import LessonPlan, start_lesson
from tests.pages.visitors import (
    STAFF,
    STUDENT,
    enter,
    form_of,
    lesson_with,
    signed_in,
    text_of,
)
from tests.support.callers import PASSWORD, Api, account
from tests.support.lessons import TEACHER
from users.identity import Person

pytestmark = pytest.mark.django_db(transaction=True)


def turkish(person: Person) -> Client:
    browser = signed_in(person)
    browser.cookies["django_language"] = "tr"
    return browser


def test_a_reason_that_cannot_be_kept_is_told_with_its_limit() -> None:
    lesson, desk = lesson_with(STUDENT), turkish(TEACHER)
    path = f"/lessons/{lesson.id}/records/S-014/"
    answer = desk.post(path, form_of(desk.get(path), verdict="late", reason="a bell \x07"))
    assert answer.status_code == 400
    assert "Bir gerekçe tek satırda en çok 500 karakterdir. Kısaltın." in text_of(answer)


def test_a_lesson_that_cannot_be_longer_is_told_in_the_time_of_the_campus(
    settings: Settings,
) -> None:
    settings.TIME_ZONE = "Europe/Istanbul"
    lesson = start_lesson(LessonPlan("Physics", minutes=24 * 60), teacher=TEACHER)
    sent = {"minutes": "15", "request_id": "e"}
    answer = turkish(TEACHER).post(f"/lessons/{lesson.id}/extend/", sent)
    assert answer.status_code == 400
    clock = date_format(timezone.localtime(lesson.ends_at, ZoneInfo("Europe/Istanbul")), "H:i")
    assert "Bir ders en çok 24 saat sürer." in text_of(answer)
    assert f"{clock} olabilir" in text_of(answer)


def test_too_many_attempts_are_told_with_the_minutes() -> None:
    account(STUDENT, password=PASSWORD)
    person = Client(headers={"accept-language": "tr"})
    told = [text_of(enter(person, "S-014", "no")) for _ in range(11)][-1]
    assert "dakika sonra yeniden deneyin" in told
    assert "Too many attempts" not in told


def test_the_api_speaks_english_whatever_is_asked_for() -> None:
    asked = {"lesson_name": "Physics", "checks": ["network"], "networks": ["here"]}
    answer = Api(TEACHER, **{"Accept-Language": "tr"}).post("lessons/", asked)
    assert answer.status_code == 400
    assert answer.json()["detail"] == (
        "'here' does not appear to be an IPv4 or IPv6 network. Write a network as in 10.20.0.0/16."
    )
    assert "network" not in answer.json()


def test_operations_say_what_the_live_store_refuses(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_args: object, **_options: object) -> None:
        raise redis.exceptions.ResponseError("LOADING of something")

    monkeypatch.setattr("attendance.live.health.live_states", lambda: client.command(refuse))
    told = text_of(turkish(STAFF).get("/admin/operations/"))
    assert "Canlı depo reddetti: LOADING of something." in told
