"""Merged accounts in the admin: seen, found, merged and taken apart by staff."""

from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from pytest_django.fixtures import Settings

from tests.support.factories import UserFactory
from tests.support.people import merge
from users.models import PersonMerge, User

pytestmark = pytest.mark.django_db

PEOPLE = reverse("admin:users_user_changelist")
MERGES = reverse("admin:users_personmerge_changelist")


@pytest.fixture
def desk(client: Client, settings: Settings) -> Client:
    settings.SECURE_SSL_REDIRECT = False
    client.force_login(UserFactory.create(school_number="STAFF-1", staff=True))
    return client


@pytest.fixture
def old() -> User:
    return UserFactory.create(school_number="OLD-1", full_name="Ada Byron")


@pytest.fixture
def new() -> User:
    return UserFactory.create(school_number="NEW-1", full_name="Ada Lovelace")


def found(answer: Any) -> set[str]:
    return {row.school_number for row in answer.context["cl"].result_list}


def test_staff_merge_and_take_it_back(desk: Client, old: User, new: User) -> None:
    page = desk.get(reverse("admin:users_user_change", args=[old.pk]))
    assert reverse("admin:users_merge", args=[old.pk]) in page.content.decode()
    assert reverse("admin:users_unmerge", args=[old.pk]) not in page.content.decode()

    answer = desk.post(
        reverse("admin:users_merge", args=[old.pk]),
        {"into": " new-1", "reason": "came back"},
        follow=True,
    )

    old.refresh_from_db()
    assert old.merged_into == new
    text = answer.content.decode()
    assert "Ada Byron (OLD-1) is merged into Ada Lovelace (NEW-1)." in text
    assert reverse("admin:users_unmerge", args=[old.pk]) in text
    assert PersonMerge.objects.get().actor.school_number == "STAFF-1"
    assert (
        "Ada Byron (OLD-1)"
        in desk.get(reverse("admin:users_user_change", args=[new.pk])).content.decode()
    )

    answer = desk.post(
        reverse("admin:users_unmerge", args=[old.pk]), {"reason": "two people"}, follow=True
    )
    old.refresh_from_db()
    assert old.merged_into is None
    assert (
        "Ada Byron (OLD-1) is not merged into Ada Lovelace (NEW-1) any more."
        in answer.content.decode()
    )


def test_what_is_refused_is_told_on_the_form(desk: Client, old: User) -> None:
    url = reverse("admin:users_merge", args=[old.pk])
    for into, told in (("OLD-1", "cannot be merged into itself"), ("X-9", "Nobody has the number")):
        answer = desk.post(url, {"into": into, "reason": "a test"})
        assert answer.status_code == 200
        assert told in answer.content.decode()
    assert "This field is required" in desk.post(url, {"into": "X-9"}).content.decode()
    assert not PersonMerge.objects.exists()


def test_looking_merges_nothing_and_staff_are_not_touched(
    desk: Client, old: User, new: User
) -> None:
    desk.get(reverse("admin:users_merge", args=[old.pk]))
    assert not PersonMerge.objects.exists()
    other = UserFactory.create(school_number="STAFF-2", staff=True)
    for name in ("merge", "unmerge"):
        url = reverse(f"admin:users_{name}", args=[other.pk])
        assert desk.get(url).status_code == 403
    page = desk.get(reverse("admin:users_user_change", args=[other.pk])).content.decode()
    assert reverse("admin:users_merge", args=[other.pk]) not in page


@pytest.mark.parametrize(
    ("number", "into", "words"),
    [
        ("NEW-1", "NEW-1", "NEW-1"),
        ("X-1", "OLD-1", "into NEW-1 instead"),
        ("NEW-1", "OLD-1", "OLD-1 is merged into NEW-1"),
    ],
)
def test_a_merge_with_oneself_with_somebody_merged_or_in_a_circle_is_refused(
    number: str, into: str, words: str, desk: Client, old: User, new: User
) -> None:
    UserFactory.create(school_number="X-1")
    merge(old, new)
    address = reverse("admin:users_merge", args=[User.objects.get(school_number=number).pk])
    page = desk.post(address, {"into": into, "reason": "the same person"}).content.decode()
    assert words in page
    assert 'value="the same person"' in page
    assert PersonMerge.objects.count() == 1
    assert User.objects.exclude(merged_into=None).get() == old


def test_a_person_is_found_by_the_old_number_and_name(desk: Client, old: User, new: User) -> None:
    UserFactory.create(school_number="X-1", full_name="Else")
    second = UserFactory.create(school_number="OLD-2", full_name="Ada B.")
    merge(old, new)
    merge(second, new)
    assert found(desk.get(PEOPLE, {"q": "old-1"})) == {"OLD-1", "NEW-1"}
    assert found(desk.get(PEOPLE, {"q": "byron"})) == {"OLD-1", "NEW-1"}
    # Found by both of its accounts, and shown once.
    rows = desk.get(PEOPLE, {"q": "old-"}).context["cl"].result_list
    assert sorted(row.school_number for row in rows) == ["NEW-1", "OLD-1", "OLD-2"]
    assert found(desk.get(PEOPLE, {"merged_into__isempty": "0"})) == {"OLD-1", "OLD-2"}
    assert len(desk.get(MERGES, {"q": "OLD-1"}).context["cl"].result_list) == 1


@pytest.mark.parametrize("url", [PEOPLE, MERGES])
def test_a_list_takes_no_query_per_row(url: str, desk: Client, old: User, new: User) -> None:
    merge(old, new)
    desk.get(url)
    with CaptureQueriesContext(connection) as few:
        desk.get(url)
    for _ in range(10):
        merge(UserFactory.create(), UserFactory.create())
    with CaptureQueriesContext(connection) as many:
        desk.get(url)
    assert len(few) == len(many)


def test_merges_are_only_looked_at(desk: Client, old: User, new: User) -> None:
    written = merge(old, new)
    args = [written.pk]
    assert desk.get(MERGES).status_code == 200
    page = desk.get(reverse("admin:users_personmerge_change", args=args))
    assert page.status_code == 200
    assert desk.post(reverse("admin:users_personmerge_change", args=args), {}).status_code == 403
    assert desk.post(reverse("admin:users_personmerge_delete", args=args)).status_code == 403
    assert desk.get(reverse("admin:users_personmerge_add")).status_code == 403


def test_a_form_of_the_person_changes_no_merge(desk: Client, old: User, new: User) -> None:
    merge(old, new)
    values = {"school_number": "OLD-1", "full_name": "Ada B", "role": "student"}
    answer = desk.post(
        reverse("admin:users_user_change", args=[old.pk]), values | {"merged_into": ""}
    )
    assert answer.status_code == 302
    old.refresh_from_db()
    assert (old.full_name, old.merged_into) == ("Ada B", new)
