"""What one door takes as a name, all doors take; what one refuses, all refuse."""

import io
from collections.abc import Callable
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from attendance.errors import InvalidInput
from attendance.services.corrections import Correction, correct_record
from attendance.services.lessons import LessonPlan, rename_lesson, start_lesson
from attendance.vocabulary import Verdict
from courses.errors import InvalidText
from courses.models import AbsenceReason, Course
from courses.services.rosters.reading import read_roster
from courses.services.validation import clean_line, clean_title
from tests.support.callers import Api
from tests.support.factories import UserFactory
from tests.support.lessons import TEACHER, live_lesson
from users.account_rows import read_rows
from users.errors import InvalidFullName
from users.identity import Person
from users.models import User
from users.services import ensure_users

pytestmark = pytest.mark.django_db(transaction=True)

REFUSED = {
    "no name": "",
    "a space": "\u00a0",
    "zero width": "\u200b",
    "joiner": "\u200d\u2060",
    "blank letter": "\u3164",
    "override": "Ada\u202egnihtemos",
    "isolate": "\u2066Ada\u2069",
    "line separator": "Ada\u2028Can",
    "bell": "Ada\x07",
    "delete": "Ada\x7f",
    "next line": "Ada\x85Can",
    "too long": "a" * 201,
}
TAKEN = {
    "plain": "Ada Can",
    "composed": "I\u0307smail",
    "joined": "\u0645\u06cc\u200c\u062e\u0648\u0627\u0647\u0645",
    "right to left": "\u05d3\u05d5\u05d3",
    "quote": "O\u2019Brien",
    "longest": "a" * 200,
}


def office() -> Client:
    desk = Client()
    desk.force_login(
        UserFactory.create(school_number="STAFF-9", staff=True, is_superuser=True),
        "users.backends.AccountBackend",
    )
    return desk


def made(name: str) -> bool:
    try:
        User.objects.create_user("S-1", name)
    except InvalidFullName:
        return False
    return True


def made_in_the_admin(name: str) -> bool:
    form = {
        "school_number": "S-1",
        "full_name": name,
        "role": "student",
        "usable_password": "false",
    }
    return bool(office().post(reverse("admin:users_user_add"), form).status_code == 302)


def changed_in_the_admin(name: str) -> bool:
    user = UserFactory.create(school_number="S-1")
    address = reverse("admin:users_user_change", args=[user.pk])
    form = {"school_number": "S-1", "full_name": name, "role": "student", "is_active": "on"}
    return bool(office().post(address, form).status_code == 302)


def read_from_a_file(name: str) -> bool:
    rows, _ = read_rows(io.StringIO(f'school_number,full_name\nS-1,"{name}"\n'))
    ensure_users([Person(row.school_number, row.full_name) for row in rows])
    return bool(rows)


def read_from_a_roster(name: str) -> bool:
    table = read_roster(io.StringIO(f'school_number,full_name,section\nS-1,"{name}",QED-1\n'))
    # A roster names people by number: a cell that is empty says nothing of their name.
    people = [Person(row.school_number, row.full_name) for row in table.rows if row.full_name]
    ensure_users(people)
    return bool(people)


def added_by_the_api(name: str) -> bool:
    lesson = live_lesson(1)
    body = {"status": "present", "full_name": name, "reason": "tram"}
    answer = Api(TEACHER).put(f"lessons/{lesson.id}/records/S-1/", body)
    if answer.status_code == 400:
        assert answer.json()["code"] in {"invalid_full_name", "invalid_input"}
        return False
    assert answer.status_code == 201, answer.json()
    ensure_users([Person("S-1", answer.json()["full_name"])])
    return True


DOORS = [
    made,
    made_in_the_admin,
    changed_in_the_admin,
    read_from_a_file,
    read_from_a_roster,
    added_by_the_api,
]


@pytest.fixture(autouse=True)
def plain_http(settings: Any) -> None:
    settings.SECURE_SSL_REDIRECT = settings.STAFF_MFA = False


@pytest.mark.parametrize("kind", sorted(REFUSED))
@pytest.mark.parametrize("door", DOORS)
def test_a_name_that_cannot_be_read_is_refused_at_each_door(
    door: Callable[[str], bool], kind: str
) -> None:
    assert not door(REFUSED[kind])
    assert not User.objects.filter(full_name=REFUSED[kind]).exists()


@pytest.mark.parametrize("kind", sorted(TAKEN))
@pytest.mark.parametrize("door", DOORS)
def test_a_name_is_kept_in_one_form_whichever_door_took_it(
    door: Callable[[str], bool], kind: str
) -> None:
    assert door(f"  {TAKEN[kind]} ")
    kept = User.objects.get(school_number="S-1").full_name
    assert kept == {"composed": "\u0130smail"}.get(kind, TAKEN[kind])


@pytest.mark.parametrize("kind", sorted(REFUSED.keys() - {"too long"}))
def test_other_texts_are_read_as_well(kind: str) -> None:
    text = REFUSED[kind]
    with pytest.raises(InvalidInput):
        start_lesson(LessonPlan(text, minutes=5), teacher=TEACHER)
    with pytest.raises(InvalidText):
        clean_title(text, most=500)
    desk = office()
    answer = desk.post(reverse("admin:courses_course_add"), {"code": "QED", "title": text})
    assert answer.status_code == 200
    answer = desk.post(
        reverse("admin:courses_absencereason_add"),
        {"code": "ill", "label": text, "effect": "excuses", "who_may_ask": "everybody"},
    )
    assert answer.status_code == 200
    assert not Course.objects.exists()
    assert not AbsenceReason.objects.filter(label=text).exists()


@pytest.mark.parametrize("kind", ["override", "isolate", "line separator", "bell"])
def test_a_reason_turns_no_line_around(kind: str) -> None:
    lesson = live_lesson(1)
    with pytest.raises(InvalidInput):
        correct_record(
            Correction(
                lesson_id=lesson.id,
                school_number="S-001",
                verdict=Verdict.LATE,
                actor=TEACHER,
                reason=REFUSED[kind],
            )
        )
    with pytest.raises(InvalidInput):
        rename_lesson(lesson.id, REFUSED[kind], actor=TEACHER)
    with pytest.raises(InvalidText):
        clean_line(REFUSED[kind])
