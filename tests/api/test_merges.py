"""Merging accounts over the API: what cannot be merged has its code and changes nothing."""

from typing import Any

import pytest

from tests.support.callers import Api
from tests.support.factories import UserFactory
from tests.support.members import STAFF
from tests.support.people import merge
from users.models import PersonMerge, User

pytestmark = pytest.mark.django_db(transaction=True)


def rows() -> tuple[list[Any], list[Any]]:
    merged = User.objects.order_by("pk").values_list("pk", "merged_into", "is_active")
    return list(merged), list(PersonMerge.objects.values_list("pk", flat=True))


@pytest.mark.parametrize(
    ("number", "into", "code"),
    [
        ("S-1", "S-1", "merge_with_oneself"),
        ("S-1", "s-1", "merge_with_oneself"),
        ("S-1", "OLD-1", "merge_target_merged"),
        ("OLD-1", "S-1", "already_merged"),
        ("NEW-1", "OLD-1", "merge_in_a_circle"),
        ("NEW-1", "S-1", "has_merged_accounts"),
        ("S-1", "S-9", "person_not_found"),
        ("S-9", "S-1", "person_not_found"),
    ],
)
def test_what_cannot_be_merged_has_its_code_and_changes_nothing(
    number: str, into: str, code: str
) -> None:
    old, new, _ = (UserFactory.create(school_number=n) for n in ("OLD-1", "NEW-1", "S-1"))
    merge(old, new)
    caller = Api(STAFF)
    before = rows()

    answer = caller.post(f"people/{number}/merge/", {"into": into, "reason": "the same person"})

    assert 400 <= answer.status_code < 500
    assert answer.json()["code"] == code
    assert rows() == before
