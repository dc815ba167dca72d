"""Every place where somebody is looked for compares alike, and takes whatever is typed."""

from typing import Any
from urllib.parse import quote

import pytest
from django.contrib import admin
from django.contrib.admin.utils import get_fields_from_path
from django.db.models import CharField, Model, TextField
from django.test import Client
from django.urls import reverse

from courses.vocabulary import EnrolmentRole
from tests.pages.visitors import STAFF, lesson_with, signed_in, text_of
from tests.support.callers import Api
from tests.support.factories import UserFactory
from tests.support.lessons import TEACHER
from tests.support.members import enrolled, section_with_everybody
from users.identity import Person

pytestmark = pytest.mark.django_db(transaction=True)

ISMAIL, ISIK = Person("S-501", "İsmail Yılmaz"), Person("S-502", "Işık Öz")
STRANGE = ("\0", "%00", "\u202e", "\u200b", "\ufffe", "a" * 5_000, "ß" * 100, "(", "\\", "[", "*")


@pytest.fixture
def office(settings: Any) -> Client:
    settings.SECURE_SSL_REDIRECT = settings.STAFF_MFA = False
    desk = Client()
    desk.force_login(
        UserFactory.create(school_number="STAFF-9", staff=True, is_superuser=True),
        "users.backends.AccountBackend",
    )
    return desk


def pages_of_the_admin() -> list[tuple[type[Model], admin.ModelAdmin[Any]]]:
    """Its models with their pages; a process loads them when something asks for them."""
    admin.autodiscover()
    return list(admin.site._registry.items())


@pytest.mark.parametrize("typed", STRANGE)
def test_whatever_is_searched_for_a_page_answers(typed: str) -> None:
    section, lesson = section_with_everybody(), lesson_with(ISMAIL)
    pages = ("/lessons/", f"/lessons/{lesson.id}/", "/courses/", f"/courses/{section.pk}/")

    answers = [signed_in(STAFF).get(f"{page}?search={quote(typed)}") for page in pages]
    answers.append(signed_in(TEACHER).get(f"/absences/?search={quote(typed)}"))

    assert {answer.status_code for answer in answers} == {200}
    assert all("\0" not in text_of(answer) for answer in answers)


@pytest.mark.parametrize("typed", STRANGE)
def test_whatever_is_searched_for_the_api_answers(typed: str) -> None:
    for address in ("lessons/?search=", "sections/?search=", "lessons/find/?lesson_name="):
        answer = Api(STAFF).get(address + quote(typed))
        assert answer.status_code in {200, 400}, address
        if answer.status_code == 400:
            assert answer.json()["code"] == "invalid_input"


@pytest.mark.parametrize(
    ("typed", "number"),
    [
        ("ismail", "S-501"),
        ("İSMAİL", "S-501"),
        ("smail  yil", "S-501"),
        ("ışık", "S-502"),
        ("OZ", "S-502"),
    ],
)
def test_people_are_found_as_they_are_read(typed: str, number: str, office: Client) -> None:
    section = section_with_everybody()
    for person in (ISMAIL, ISIK):
        enrolled(section, person, EnrolmentRole.STUDENT)
    lesson = lesson_with(ISMAIL, ISIK)

    on_board = signed_in(TEACHER).get(f"/lessons/{lesson.id}/", {"search": typed})
    on_roster = signed_in(TEACHER).get(f"/courses/{section.pk}/", {"search": typed})
    in_admin = office.get(reverse("admin:users_user_changelist"), {"q": typed})

    on_rows = [
        row.school_number for group in on_board.context["shown"].groups for row in group.rows
    ]
    assert on_rows == [number]
    assert [row.number for row in on_roster.context["page"].items] == [number]
    assert [row.school_number for row in in_admin.context["cl"].result_list] == [number]


def test_a_lesson_is_found_by_its_name_and_its_teacher() -> None:
    lesson = lesson_with(ISMAIL)
    for typed, is_found in (("PHYSICS", True), ("phys", True), ("t-", True), ("chemistry", False)):
        page = signed_in(STAFF).get("/lessons/", {"search": typed})
        assert (str(lesson.id) in text_of(page)) == is_found, typed


def test_every_search_of_the_admin_compares_alike() -> None:
    for model, site in pages_of_the_admin():
        if not model.__module__.startswith(("attendance", "courses", "users")):
            continue
        for name in site.search_fields:
            path, _, lookup = name.rpartition("__")
            field = get_fields_from_path(model, path if lookup == "found" else name)[-1]
            is_text = isinstance(field, CharField | TextField)
            assert is_text == (lookup == "found"), f"{model.__name__}.{name}"


@pytest.mark.parametrize("typed", STRANGE)
def test_whatever_is_searched_for_the_admin_answers(typed: str, office: Client) -> None:
    for model, site in pages_of_the_admin():
        if site.search_fields:
            address = reverse(f"admin:{model._meta.app_label}_{model._meta.model_name}_changelist")
            assert office.get(f"{address}?q={quote(typed)}").status_code == 200, address
