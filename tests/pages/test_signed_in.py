"""Where one is signed in: own sessions and tokens are listed, and each is ended at once."""

import threading
from datetime import timedelta
from typing import Any

import pytest
from django.core.cache import cache
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone
from knox.crypto import hash_token
from knox.models import AuthToken

from tests.pages.visitors import STAFF, STUDENT, enter, signed_in, started_lesson, text_of
from tests.support.callers import PASSWORD, Api, account
from tests.support.second_factors import enrolled, enter_with
from users import cache_writes, last_use, session_store
from users.models import SignInSession, User
from users.own_sessions import OwnSession
from users.services import clear_expired
from users.session_store import SessionStore
from users.tokens import issue_token

pytestmark = pytest.mark.django_db(transaction=True)

PAGE = "/accounts/sessions/"
ON_WINDOWS = "Mozilla/5.0 (Windows NT 10.0; Win64; x64; rv:133.0) Gecko/20100101 Firefox/133.0"
ON_IPHONE = (
    "Mozilla/5.0 (iPhone; CPU iPhone OS 18_1 like Mac OS X) AppleWebKit/605.1.15"
    " (KHTML, like Gecko) Version/18.1 Mobile/15E148 Safari/604.1"
)


def browser(agent: str = ON_WINDOWS, address: str = "203.0.113.77") -> Client:
    """Somebody who came in by number and password, with this browser, from this address."""
    if not User.objects.filter(school_number=STUDENT.school_number).exists():
        account(STUDENT, password=PASSWORD)
    client = Client(headers={"User-Agent": agent}, REMOTE_ADDR=address)
    enter(client, STUDENT.school_number, PASSWORD)
    return client


def sessions_on(page: Any) -> list[OwnSession]:
    return [session for session, _words in page.context["sessions"]]


def ids_of(client: Client) -> list[str]:
    return [each.id for each in sessions_on(client.get(PAGE))]


def token_ids_of(client: Client) -> list[str]:
    return [each.id for each in client.get(PAGE).context["tokens"]]


def end(client: Client, session_id: str) -> Any:
    return client.post(f"{PAGE}{session_id}/end/")


def away(*values: Any) -> None:
    raise ConnectionError


def is_in(client: Client) -> bool:
    return client.get("/me/").status_code == 200


def test_own_sessions_are_told_in_words_this_one_first_with_a_short_address() -> None:
    phone = browser(ON_IPHONE, "2001:db8:1:2:3:4:5:6")
    here = browser()
    nobody_elses = signed_in(STAFF)

    page = here.get(PAGE)

    first, second = sessions_on(page)
    told = text_of(page)
    assert (first.is_current, second.is_current) == (True, False)
    assert "Firefox on Windows · this session" in told
    assert "Safari on iPhone" in told
    assert "203.0.113.0/24" in told
    assert "2001:db8:1::/48" in told
    assert "203.0.113.77" not in told
    assert first.used_at is not None
    assert first.used_at.minute == 0
    assert told.count("Without a second factor") == 2
    for client in (here, phone, nobody_elses):
        assert client.cookies["sessionid"].value not in told
    assert len(ids_of(nobody_elses)) == 1
    here.cookies["django_language"] = "tr"
    assert "Windows üzerinde Firefox · bu oturum" in text_of(here.get(PAGE))


def test_what_is_kept_of_a_session_has_no_whole_address_and_no_header() -> None:
    here = browser()
    data = SessionStore(here.cookies["sessionid"].value).load()
    kept = str(data)
    assert "203.0.113.0/24" in kept
    for part in ("203.0.113.77", "Gecko", "133.0"):
        assert part not in kept


def test_a_session_that_showed_a_second_factor_says_so() -> None:
    here = enter_with(enrolled(STAFF), STAFF)
    assert "With a second factor" in text_of(here.get(PAGE))


def test_another_session_ends_at_once_in_both_places() -> None:
    here, there = browser(), browser()
    assert is_in(there)
    key = there.cookies["sessionid"].value
    [other] = [each.id for each in sessions_on(here.get(PAGE)) if not each.is_current]

    assert end(here, other).headers["Location"] == PAGE

    assert "That session has ended" in text_of(here.get(PAGE))
    assert there.get("/api/v1/me/").status_code == 401
    assert (is_in(here), is_in(there)) == (True, False)
    assert not SignInSession.objects.filter(pk=key).exists()
    assert cache.get(f"{session_store.PREFIX}{key}") == session_store.ENDED
    ended = SessionStore(key)
    assert (list(ended.keys()), ended.session_key) == ([], None)
    assert len(ids_of(here)) == 1
    # Whose session was ended signs in again with the same browser.
    enter(there, STUDENT.school_number, PASSWORD)
    assert is_in(there)


def test_ending_this_session_is_signing_out() -> None:
    here, there = browser(), browser()
    answer = end(here, ids_of(here)[0])
    assert answer.headers["Location"] == "/accounts/login/"
    assert (is_in(here), is_in(there)) == (False, True)


def test_nobody_ends_what_is_of_somebody_else() -> None:
    here, foreign = browser(), signed_in(STAFF)
    token = issue_token(User.objects.get(school_number=STAFF.school_number).pk).token
    session_id, [token_id] = ids_of(foreign)[0], token_ids_of(foreign)
    for path in (
        f"{PAGE}{session_id}/end/",
        f"/accounts/tokens/{token_id}/end/",
        f"{PAGE}{foreign.cookies['sessionid'].value}/end/",
        "/accounts/tokens/%25/end/",
        "/accounts/tokens/0/end/",
    ):
        assert here.post(path).status_code == 404
        assert here.get(path).status_code != 200
    assert foreign.get(PAGE).status_code == 200
    assert Api(Authorization=f"Token {token}").get("me/").status_code == 200
    assert (
        Client().post(f"{PAGE}{session_id}/end/").headers["Location"].startswith("/accounts/login")
    )
    careful = Client(enforce_csrf_checks=True)
    careful.cookies = here.cookies
    assert careful.post(f"{PAGE}{ids_of(here)[0]}/end/").status_code == 403
    assert is_in(here)


def test_own_tokens_are_told_without_the_token_and_end_at_once() -> None:
    here = browser()
    user = User.objects.get(school_number=STUDENT.school_number)
    used, idle = issue_token(user.pk).token, issue_token(user.pk).token
    api = Api(Authorization=f"Token {used}")
    assert api.get("me/").status_code == 200

    page = here.get(PAGE)

    told = text_of(page)
    newest, oldest = page.context["tokens"]
    assert (newest.begins_with, newest.used_at) == (idle[:6], None)
    assert (oldest.begins_with, oldest.used_at.minute) == (used[:6], 0)
    assert used[:7] not in told
    assert here.post(f"/accounts/tokens/{oldest.id}/end/").headers["Location"] == PAGE
    assert api.get("me/").status_code == 401
    assert "That token has ended" in text_of(here.get(PAGE))
    assert token_ids_of(here) == [newest.id]


def test_what_does_not_open_the_account_any_more_is_not_listed() -> None:
    here = browser()
    browser()
    user = User.objects.get(school_number=STUDENT.school_number)
    issue_token(user.pk)
    form = {"oldpassword": PASSWORD, "password1": f"{PASSWORD} 2", "password2": f"{PASSWORD} 2"}
    here.post("/accounts/password/change/", form)
    issue_token(user.pk)
    AuthToken.objects.filter(pk__in=AuthToken.objects.order_by("-created")[:1]).update(
        expiry=timezone.now() - timedelta(seconds=1)
    )
    page = here.get(PAGE)
    assert [each.is_current for each in sessions_on(page)] == [True]
    assert "Firefox on Windows" in text_of(page)
    assert page.context["tokens"] == []


def test_the_page_asks_as_much_for_many_as_for_one() -> None:
    here = browser()
    user = User.objects.get(school_number=STUDENT.school_number)

    def queries() -> int:
        here.get(PAGE)
        with CaptureQueriesContext(connection) as seen:
            assert here.get(PAGE).status_code == 200
        return len(seen)

    issue_token(user.pk)
    alone = queries()
    for _ in range(5):
        browser()
        issue_token(user.pk)
    assert queries() == alone == 2


def test_a_use_is_told_to_the_cache_once_an_hour_and_never_to_postgresql(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    lesson, phone = started_lesson(), browser(ON_IPHONE)
    phone.get("/")
    last_use._told.clear()
    told: list[str] = []
    real = last_use.cache.set

    def tell(key: str, *rest: Any) -> None:
        told.append(key)
        real(key, *rest)

    monkeypatch.setattr(last_use.cache, "set", tell)
    with CaptureQueriesContext(connection) as seen:
        assert "You are here" in text_of(phone.post(f"/lessons/{lesson.id}/here/", follow=True))
        for _ in range(3):
            phone.get(f"/lessons/{lesson.id}/here/")
    assert len(seen) == 0
    assert len([key for key in told if key.startswith("attn:used:")]) == 1


def test_a_slow_reader_does_not_bring_an_ended_session_back(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    here = browser()
    key = here.cookies["sessionid"].value
    cache.delete(f"{session_store.PREFIX}{key}")
    real = SessionStore._stored_row

    def slow(self: SessionStore) -> Any:
        row = real(self)
        monkeypatch.undo()
        SessionStore(key).delete()
        return row

    monkeypatch.setattr(SessionStore, "_stored_row", slow)
    assert not is_in(here)
    assert not is_in(here)


def test_a_session_that_is_saved_while_it_ends_stays_ended(monkeypatch: pytest.MonkeyPatch) -> None:
    here = browser()
    key = here.cookies["sessionid"].value
    late = SessionStore(key)
    late["seen"] = 1
    real = session_store.db.SessionStore.save

    def save(self: SessionStore, must_create: bool = False) -> None:
        real(self, must_create)
        monkeypatch.undo()
        SessionStore(key).delete()

    monkeypatch.setattr(session_store.db.SessionStore, "save", save)
    late.save()
    assert not is_in(here)


def test_what_ended_while_the_cache_was_away_is_told_to_it_later(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    here, there = browser(), browser()
    assert is_in(there)
    key = there.cookies["sessionid"].value
    monkeypatch.setattr(cache_writes, "_RETRY_SECONDS", 0.01)
    with monkeypatch.context() as patch:
        patch.setattr(cache_writes.cache, "set_many", away)
        SessionStore(key).delete()
        assert not SignInSession.objects.filter(pk=key).exists()
    for thread in threading.enumerate():
        if thread.name.endswith("(_put_later)"):
            thread.join(5)
    assert (is_in(here), is_in(there)) == (True, False)


def test_rows_that_have_expired_are_cleared_away_a_bounded_number_at_a_time() -> None:
    browser()
    browser()
    assert browser().post("/accounts/everywhere/").status_code == 302
    here = browser()
    user = User.objects.get(school_number=STUDENT.school_number)
    tokens = [issue_token(user.pk).token for _ in range(4)]
    past = timezone.now() - timedelta(seconds=1)
    AuthToken.objects.exclude(pk=hash_token(tokens[0])).update(expiry=past)

    assert (clear_expired(most=1), clear_expired(most=2), clear_expired()) == (2, 3, 0)

    assert [row.pk for row in AuthToken.objects.all()] == [hash_token(tokens[0])]
    assert [row.pk for row in SignInSession.objects.all()] == [here.cookies["sessionid"].value]


def test_who_is_erased_leaves_no_session() -> None:
    browser()
    User.objects.get(school_number=STUDENT.school_number).delete()
    assert not SignInSession.objects.exists()


def test_a_session_shows_its_key_nowhere() -> None:
    browser()
    row = SignInSession.objects.get()
    assert row.session_key not in str(row)
