"""A provider, or somebody between it and a browser, that says what it must not be believed."""

from collections.abc import Iterator
from typing import Any

import pytest
from django.test import Client

from tests.support.callers import account
from tests.support.campus import campus_at, use_campus
from tests.support.strange_campus import StrangeCampus, strange_campus
from users.identity import Person, Role
from users.models import User

pytestmark = pytest.mark.django_db(transaction=True)

LOGIN = "/accounts/oidc/campus/login/"
STUDENT = Person("S-014", "Student 014")
STAFF = Person("STAFF-1", "Staff 1", Role.STAFF)


@pytest.fixture
def campus(settings: Any) -> Iterator[StrangeCampus]:
    account(STUDENT)
    with strange_campus() as found:
        use_campus(settings, campus_at(found.issuer))
        yield found


def sign_in(campus: StrangeCampus, client: Client | None = None, **more: str) -> Any:
    browser = client or Client()
    asked = browser.post(LOGIN)
    assert asked.status_code == 302, asked.content.decode()
    return browser.get(f"{LOGIN}callback/", campus.callback(asked.headers["Location"], **more))


def is_signed_in(client: Client) -> bool:
    return "_auth_user_id" in client.session


def test_what_fits_signs_in(campus: StrangeCampus) -> None:
    client = Client()
    assert sign_in(campus, client, iss=campus.issuer).status_code == 302
    assert is_signed_in(client)


@pytest.mark.parametrize(
    "number",
    ["Ｔ-0001", "T-0001\u200b", " T-0001", "T-0001 ", "ﬀ", "T\u20100001", "", None, True, 1.5],
)
def test_no_other_letter_is_taken_for_a_number(campus: StrangeCampus, number: Any) -> None:
    account(Person("T-0001", "Teacher 1", Role.TEACHER))
    account(Person("FF", "Student FF"))
    campus.userinfo["preferred_username"] = number
    client = Client()
    assert sign_in(campus, client).status_code == 403
    assert not is_signed_in(client)


def test_a_number_may_be_an_integer(campus: StrangeCampus) -> None:
    account(Person("4711", "Student 4711"))
    campus.userinfo |= {"preferred_username": 4711, "name": 7, "email": 8, "given_name": [1]}
    client = Client()
    assert sign_in(campus, client).status_code == 302
    assert is_signed_in(client)


@pytest.mark.parametrize("issuer", ["https://evil.example", "", None, 7, "http://127.0.0.1"])
def test_a_document_of_another_issuer_leads_nowhere(campus: StrangeCampus, issuer: Any) -> None:
    campus.discovery["issuer"] = issuer
    answer = Client().post(LOGIN)
    assert answer.status_code == 401
    assert "Location" not in answer.headers


@pytest.mark.parametrize(
    "changes",
    [
        {"sub": "8"},
        {"sub": None},
        {"nonce": "another"},
        {"nonce": None},
        {"nonce": 7},
        {"iss": "https://evil.example"},
        {"aud": "somebody-else"},
        {"exp": 1},
    ],
)
def test_an_id_token_that_does_not_fit_signs_nobody_in(
    campus: StrangeCampus, changes: dict[str, Any]
) -> None:
    campus.id_token |= changes
    client = Client()
    assert sign_in(campus, client).status_code in {401, 502}
    assert not is_signed_in(client)


def test_a_nonce_is_of_one_browser_and_one_sign_in(campus: StrangeCampus) -> None:
    first, second = Client(), Client()
    asked = first.post(LOGIN).headers["Location"]
    campus.callback(asked)
    # The token of the first browser's sign-in, brought into another one.
    assert sign_in(campus, second).status_code == 401
    assert not is_signed_in(second)


def test_two_tabs_may_sign_in(campus: StrangeCampus) -> None:
    client = Client()
    first, _second = (client.post(LOGIN).headers["Location"] for _ in range(2))
    assert client.get(f"{LOGIN}callback/", campus.callback(first)).status_code == 302
    assert is_signed_in(client)


@pytest.mark.parametrize(("promised", "said"), [(False, "https://evil.example"), (True, None)])
def test_an_answer_names_its_issuer(
    campus: StrangeCampus, promised: bool, said: str | None
) -> None:
    campus.discovery["authorization_response_iss_parameter_supported"] = promised
    client = Client()
    answer = sign_in(campus, client, **({"iss": said} if said else {}))
    assert answer.status_code == 401
    assert not is_signed_in(client)


@pytest.mark.parametrize("part", ["discovery", "id_token", "userinfo"])
@pytest.mark.parametrize("said", [[], "text", 7, None, {}])
def test_nonsense_is_a_page_that_says_so(campus: StrangeCampus, part: str, said: Any) -> None:
    client = Client()
    asked = client.post(LOGIN).headers["Location"]
    back = campus.callback(asked)
    setattr(campus, part, said)
    answer = client.get(f"{LOGIN}callback/", back)
    assert answer.status_code in {401, 502}
    assert "could not confirm" in answer.content.decode()
    assert not is_signed_in(client)


def test_nobody_is_made_unless_the_site_says_so(campus: StrangeCampus, settings: Any) -> None:
    campus.userinfo |= {
        "preferred_username": "S-700",
        "name": "Ada Can",
        "roles": ["staff", "prof"],
    }
    assert sign_in(campus).status_code == 403
    assert not User.objects.filter(school_number="S-700").exists()

    more = {"ATTN_OIDC_MAKE_PEOPLE": "true"}
    use_campus(settings, campus_at(campus.issuer, **more))
    del campus.id_token["nonce"]
    assert sign_in(campus).status_code == 302
    made = User.objects.get(school_number="S-700")
    assert (made.full_name, made.role, made.has_usable_password()) == ("Ada Can", "student", False)


@pytest.mark.parametrize(
    ("roles", "role"),
    [
        ("prof", "teacher"),
        (["prof"], "teacher"),
        (["staff"], "student"),
        (None, "student"),
        (7, "student"),
    ],
)
def test_a_claim_may_say_who_teaches_and_never_who_is_staff(
    campus: StrangeCampus, settings: Any, roles: Any, role: str
) -> None:
    more = {
        "ATTN_OIDC_MAKE_PEOPLE": "true",
        "ATTN_OIDC_ROLE_CLAIM": "roles",
        "ATTN_OIDC_TEACHER_VALUES": "prof,lecturer",
    }
    use_campus(settings, campus_at(campus.issuer, **more))
    campus.userinfo |= {"preferred_username": "X-1", "name": "Ada Can", "roles": roles}
    assert sign_in(campus).status_code == 302
    assert User.objects.get(school_number="X-1").role == role


@pytest.mark.parametrize("name", ["", None, 7, "\u202eAda"])
def test_nobody_is_made_without_a_name(campus: StrangeCampus, settings: Any, name: Any) -> None:
    use_campus(settings, campus_at(campus.issuer, ATTN_OIDC_MAKE_PEOPLE="true"))
    campus.userinfo |= {"preferred_username": "X-1", "name": name}
    assert sign_in(campus).status_code == 403
    assert not User.objects.filter(school_number="X-1").exists()


@pytest.mark.parametrize(
    ("said", "wanted", "counts"),
    [
        ({"amr": ["pwd", "mfa"]}, "mfa", True),
        ({"acr": "https://refeds.org/profile/mfa"}, "https://refeds.org/profile/mfa", True),
        ({"amr": ["pwd"]}, "mfa", False),
        ({"amr": "mfa"}, "mfa", True),
        ({"amr": ["mfa"]}, "", False),
        ({"amr": [["mfa"]]}, "mfa", False),
        ({}, "mfa", False),
    ],
)
def test_the_factor_of_the_campus_counts_where_the_site_says_so(
    campus: StrangeCampus, settings: Any, said: dict[str, Any], wanted: str, counts: bool
) -> None:
    settings.STAFF_MFA = True
    account(STAFF)
    more = {"ATTN_OIDC_FACTOR_VALUES": wanted} if wanted else {}
    use_campus(settings, campus_at(campus.issuer, **more))
    campus.userinfo["preferred_username"] = "STAFF-1"
    campus.id_token |= said
    client = Client()
    assert sign_in(campus, client).status_code == 302
    # Without a factor, staff are led to set one up.
    assert (client.get("/lessons/").status_code == 200) == counts


def test_the_address_of_the_page_adds_nothing_to_what_is_asked(campus: StrangeCampus) -> None:
    asked = Client().post(f"{LOGIN}?auth_params=prompt%3Dnone&scope=admin").headers["Location"]
    assert "prompt" not in asked
    assert "admin" not in asked
