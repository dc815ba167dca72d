"""A new ATTN_SECRET_KEY: what a former one signed is accepted while it is listed."""

import json
from contextlib import ExitStack, closing
from http.client import HTTPConnection
from typing import Any

import pytest
from django.conf import settings as project_settings
from django.core import signing
from django.core.cache import cache
from django.test import Client, override_settings
from knox.crypto import hash_token

from attendance.errors import CodeWrong, InvalidReceipt
from attendance.live import codes, store, tickets
from attendance.services import receipts, scans
from attendance.services.check_in import Given, check_in
from attendance.services.lessons import LessonPlan, start_lesson
from tests.support.callers import Api, account
from tests.support.lessons import TEACHER, live_lesson, student
from tests.support.processes import manage
from tests.support.site import served
from tests.support.streaming import stream_of, streaming, ticket_for
from users.credentials import forget_token, forget_users
from users.derived_keys import Purpose, derive, keys_for
from users.tokens import issue_token

pytestmark = pytest.mark.django_db(transaction=True)

OLD = project_settings.SECRET_KEY
NEW = "9c4f1d7be05a2836c1f7e9d0b3a4586271ffcc0912ab34cd56ef7890ab12cd34"


@pytest.fixture
def rotate(settings: Any) -> Any:
    """Takes the new key; the former one is listed, or not any more."""

    def to_new(*, is_listed: bool = True) -> None:
        settings.SECRET_KEY = NEW
        settings.SECRET_KEY_FALLBACKS = [OLD] if is_listed else []

    return to_new


def test_a_receipt_of_a_former_key_is_accepted_while_that_key_is_listed(rotate: Any) -> None:
    lesson = live_lesson(0)
    text = receipts.issue(check_in(lesson.id, student=student(1)))

    rotate()
    assert receipts.redeem(text, caller=student(1)).outcome == "kept"
    fresh = receipts.issue(check_in(lesson.id, student=student(1)))
    assert fresh != text

    rotate(is_listed=False)
    assert receipts.redeem(fresh, caller=student(1)).outcome == "kept"
    with pytest.raises(InvalidReceipt):
        receipts.redeem(text, caller=student(1))


def test_a_receipt_that_the_secret_itself_has_signed_is_accepted(rotate: Any) -> None:
    lesson = live_lesson(0)
    body = receipts.issue(check_in(lesson.id, student=student(1))).rpartition(":")[0]
    text = signing.Signer(key=OLD, salt="attn.receipt").sign(body)

    assert receipts.open_receipt(text).student == student(1)
    rotate()
    assert receipts.open_receipt(text).student == student(1)
    rotate(is_listed=False)
    with pytest.raises(InvalidReceipt):
        receipts.open_receipt(text)


@pytest.mark.parametrize("purpose", [p for p in Purpose if p is not Purpose.RECEIPTS])
def test_the_key_of_another_purpose_signs_no_receipt(purpose: Purpose) -> None:
    lesson = live_lesson(0)
    body = receipts.issue(check_in(lesson.id, student=student(1))).rpartition(":")[0]
    forged = signing.Signer(key=derive(OLD, purpose), salt="attn.receipt").sign(body)
    with pytest.raises(InvalidReceipt):
        receipts.open_receipt(forged)


def test_codes_on_the_screen_and_kept_scans_go_on(rotate: Any) -> None:
    lesson = start_lesson(LessonPlan("Physics", minutes=45, checks=("code",)), teacher=TEACHER)
    live = store.read_lesson(lesson.id)
    code = codes.code_at(live.data.secret, live.data.code_seconds, live.read_at).whole
    kept = scans.keep_scan(lesson.id, code).scan

    rotate()
    again = store.read_lesson(lesson.id)
    assert (again.data.secret, again.data.short_code) == (live.data.secret, live.data.short_code)
    assert scans.open_scan(kept, lesson.id)
    assert check_in(lesson.id, student=student(1), given=Given(code=code)).record
    rotate(is_listed=False)
    with pytest.raises(CodeWrong):
        scans.open_scan(kept, lesson.id)


def test_sessions_survive_on_pages_and_in_the_api(rotate: Any) -> None:
    browser = Client()
    browser.force_login(account(student(1)), backend="users.backends.AccountBackend")
    assert browser.get("/api/v1/me/").status_code == 200

    rotate()
    assert browser.get("/api/v1/me/").status_code == 200
    assert browser.get("/me/").status_code == 200
    assert browser.get("/api/v1/me/").status_code == 200

    # It was renewed with the new key, and that is not the cache of identities.
    rotate(is_listed=False)
    forget_users([account(student(1)).pk])
    assert browser.get("/api/v1/me/").status_code == 200


def test_a_session_of_a_key_that_is_not_listed_is_over(rotate: Any) -> None:
    browser = Client()
    browser.force_login(account(student(1)), backend="users.backends.AccountBackend")
    rotate(is_listed=False)
    assert browser.get("/api/v1/me/").status_code == 401


def test_a_token_that_was_used_during_the_rotation_goes_on(rotate: Any) -> None:
    used, unused = (issue_token(account(student(number)).pk).token for number in (1, 2))
    rotate()
    assert Api(Authorization=f"Token {used}").get("me/").status_code == 200

    rotate(is_listed=False)

    cache.clear()
    assert Api(Authorization=f"Token {used}").get("me/").status_code == 200
    assert Api(Authorization=f"Token {unused}").get("me/").status_code == 401


def test_a_revocation_reaches_processes_that_have_the_other_key(rotate: Any, settings: Any) -> None:
    """Step 1 lists the next key, step 2 takes it: both kinds of process work for a while."""
    token = issue_token(account(student(1)).pk)
    api = Api(Authorization=f"Token {token.token}")
    settings.SECRET_KEY_FALLBACKS = [NEW]
    assert api.get("me/").status_code == 200

    rotate()
    forget_token(hash_token(token.token))
    settings.SECRET_KEY, settings.SECRET_KEY_FALLBACKS = OLD, [NEW]
    assert api.get("me/").status_code == 401
    cache.clear()
    assert api.get("me/").status_code == 200


def test_a_ticket_of_a_former_key_opens_the_stream(rotate: Any) -> None:
    lesson = live_lesson(0)
    ticket = ticket_for(lesson.id)
    rotate()
    assert tickets.is_valid(ticket, lesson.id, keys_for(Purpose.STREAM))
    assert tickets.is_valid(ticket_for(lesson.id), lesson.id, keys_for(Purpose.STREAM))
    rotate(is_listed=False)
    assert not tickets.is_valid(ticket, lesson.id, keys_for(Purpose.STREAM))


def test_the_stream_has_its_own_keys_and_no_secret_of_the_site(rotate: Any) -> None:
    lesson = live_lesson(0)
    of_old = ticket_for(lesson.id)
    listed = {"ATTN_SECRET_KEY": OLD, "ATTN_SECRET_KEY_FALLBACKS": NEW}
    printed = manage("stream_key", env=listed).stdout.strip()
    assert printed.split(",") == [derive(OLD, Purpose.STREAM), derive(NEW, Purpose.STREAM)]

    nothing = dict.fromkeys(("ATTN_SECRET_KEY", "DATABASE_URL", "CACHE_URL"), "")
    with streaming(ATTN_STREAM_KEY=printed, **nothing) as port:
        assert _status(port, stream_of(lesson.id, of_old)) == 200
        forged = signing.TimestampSigner(key=OLD, salt="attn.stream").sign(lesson.id.hex)
        assert _status(port, stream_of(lesson.id, forged)) == 403
        rotate()
        assert _status(port, stream_of(lesson.id, ticket_for(lesson.id))) == 200


def test_the_three_steps_with_processes_side_by_side() -> None:
    """docs/how-to/production.md, "Change the key": a session and receipts go back and forth."""
    lesson = live_lesson(0)
    for n in (1, 2):
        account(student(n))
    browser = Client()
    browser.force_login(account(student(1)), backend="users.backends.AccountBackend")
    with ExitStack() as stack:
        listed = {"ATTN_SECRET_KEY": OLD, "ATTN_SECRET_KEY_FALLBACKS": NEW}
        swapped = {"ATTN_SECRET_KEY": NEW, "ATTN_SECRET_KEY_FALLBACKS": OLD}
        one = stack.enter_context(served(**listed))
        two = stack.enter_context(served(**swapped))
        three = stack.enter_context(served(**{**swapped, "ATTN_SECRET_KEY_FALLBACKS": ""}))
        cookie = f"sessionid={browser.cookies['sessionid'].value}"
        assert _ask(one, "/me/", cookie)[0] == 200
        assert _ask(two, "/me/", cookie)[0] == 200
        # The session is of the new key now; one that has not known that key would have ended it.
        for port in (three, two, one):
            assert _ask(port, "/me/", cookie)[0] == 200

        texts = {}
        for port, n in ((one, 1), (two, 2)):
            texts[port] = _post(port, f"lessons/{lesson.id}/check-in/", {}, n)[1]["receipt"]
        told = {
            (port, n): _post(port, "receipts/", {"receipt": texts[made]}, n)[0]
            for port in (one, two, three)
            for made, n in ((one, 1), (two, 2))
        }
    assert told.pop((three, 1)) == 400
    assert set(told.values()) == {200}


def _ask(port: int, path: str, cookie: str) -> tuple[int, str]:
    with closing(HTTPConnection("127.0.0.1", port, timeout=30)) as ask:
        ask.request("GET", path, headers={"Cookie": cookie})
        answer = ask.getresponse()
        return answer.status, answer.read().decode()


def _post(port: int, path: str, body: Any, number: int) -> tuple[int, Any]:
    # Of the key that each of the processes knows.
    with override_settings(SECRET_KEY=NEW, SECRET_KEY_FALLBACKS=[OLD]):
        token = issue_token(account(student(number)).pk).token
    headers = {"Authorization": f"Token {token}", "Content-Type": "application/json"}
    with closing(HTTPConnection("127.0.0.1", port, timeout=30)) as ask:
        ask.request("POST", f"/api/v1/{path}", json.dumps(body), headers)
        answer = ask.getresponse()
        return answer.status, json.loads(answer.read())


def _status(port: int, path: str) -> int:
    with closing(HTTPConnection("127.0.0.1", port, timeout=20)) as ask:
        ask.request("GET", path)
        return ask.getresponse().status
