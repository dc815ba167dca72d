"""One's own tokens over the API: listed without what opens anything, ended one by one."""

import pytest
from knox.crypto import hash_token

from tests.support.callers import Api, account
from tests.support.lessons import student
from users.tokens import issue_token

pytestmark = pytest.mark.django_db(transaction=True)

ME, OTHER = student(1), student(2)


def with_token(token: str) -> Api:
    return Api(Authorization=f"Token {token}")


def test_own_tokens_are_listed_and_each_is_ended_alone() -> None:
    first, second = (issue_token(account(ME).pk) for _ in range(2))
    foreign = issue_token(account(OTHER).pk)
    here, there = with_token(second.token), with_token(first.token)
    assert there.get("me/").status_code == 200

    answer = here.get("me/tokens/")

    newest, oldest = answer.json()["results"]
    assert (newest["is_current"], oldest["is_current"]) == (True, False)
    assert oldest["begins_with"] == first.token[:6]
    assert oldest["used_at"].endswith(":00:00Z")
    assert oldest["has_factor"] is False
    for token in (first.token, second.token, foreign.token):
        assert token not in answer.content.decode()
        assert hash_token(token) not in answer.content.decode()
    assert here.delete(f"me/tokens/{oldest['id']}/").status_code == 204
    assert there.get("me/").status_code == 401
    assert [each["id"] for each in here.get("me/tokens/").json()["results"]] == [newest["id"]]


@pytest.mark.parametrize("token_id", ["", "zz", "0" * 16, "%25", "0123456789abcde%"])
def test_what_is_no_id_of_an_own_token_ends_nothing(token_id: str) -> None:
    token, foreign = (issue_token(account(who).pk).token for who in (ME, OTHER))
    here = with_token(token)
    for each in (token_id or hash_token(foreign)[:16], hash_token(token), hash_token(token)[:15]):
        answer = here.delete(f"me/tokens/{each}/")
        assert (answer.status_code, answer.json()["code"]) == (404, "token_not_found")
    assert with_token(foreign).get("me/").status_code == 200
    assert here.get("me/").status_code == 200


def test_the_current_token_may_be_ended_as_well() -> None:
    here = with_token(issue_token(account(ME).pk).token)
    [own] = here.get("me/tokens/").json()["results"]
    assert here.delete(f"me/tokens/{own['id']}/").status_code == 204
    assert here.get("me/").status_code == 401
