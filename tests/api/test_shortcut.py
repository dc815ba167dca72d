"""The check-in before Django answers as the view does, to the byte, and leaves it the rest."""

from collections.abc import Callable
from datetime import timedelta
from io import BytesIO
from typing import Any, NamedTuple
from uuid import UUID

import pytest
from django.core.cache import cache
from django.core.handlers.wsgi import WSGIHandler
from django.core.wsgi import get_wsgi_application
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone
from knox.models import AuthToken

from attendance.live import held, store
from attendance.live.payloads import LiveLesson
from attendance.services.lessons import LessonPlan, finish_lesson, start_lesson
from attn_project.shortcut import CheckInShortcut
from tests.support.callers import account
from tests.support.lessons import TEACHER, code_of, student
from tests.support.outages import stop_held
from users.credentials import caller_of_token, forget_users
from users.identity import Person, Role
from users.tokens import issue_token

pytestmark = pytest.mark.django_db(transaction=True)

ME = student(1)


class Answered(NamedTuple):
    status: str
    headers: list[tuple[str, str]]
    body: bytes


class BothWays:
    """The shortcut with Django behind it, and how often Django was asked."""

    def __init__(self) -> None:
        self.asked, self._django = 0, get_wsgi_application()
        self._shortcut = CheckInShortcut(self._count)

    def _count(self, environ: dict[str, Any], start_response: Any) -> Any:
        self.asked += 1
        return self._django(environ, start_response)

    def __call__(self, environ: dict[str, Any], start_response: Any) -> Any:
        return self._shortcut(environ, start_response)


def known_token(person: Person = ME) -> str:
    token = issue_token(account(person).pk).token
    assert caller_of_token(token) is not None
    return token


def started(**options: Any) -> LiveLesson:
    return start_lesson(LessonPlan("Physics", minutes=30, **options), teacher=TEACHER)


def lesson() -> UUID:
    return started().id


def send(app: Any, path: str, token: str, body: bytes = b"{}", **more: Any) -> Answered:
    environ: dict[str, Any] = {
        "REQUEST_METHOD": "POST",
        "PATH_INFO": path,
        "SCRIPT_NAME": "",
        "QUERY_STRING": "",
        "SERVER_NAME": "localhost",
        "SERVER_PORT": "80",
        "SERVER_PROTOCOL": "HTTP/1.1",
        "HTTP_HOST": "localhost",
        "HTTP_AUTHORIZATION": f"Token {token}",
        "HTTP_X_REQUEST_ID": "one-request",
        "CONTENT_TYPE": "application/json",
        "CONTENT_LENGTH": str(len(body)),
        "REMOTE_ADDR": "10.1.2.3",
        "wsgi.url_scheme": "http",
        "wsgi.input": BytesIO(body),
        "wsgi.errors": BytesIO(),
    }
    said: list[Any] = []
    environ |= more
    answer = app(environ, lambda *told: said.extend(told))
    body_of_answer = b"".join(answer)
    getattr(answer, "close", bool)()
    return Answered(said[0], said[1], body_of_answer)


def path_of(lesson_id: UUID) -> str:
    return f"/api/v1/lessons/{lesson_id}/check-in/"


SURROUNDINGS: dict[str, dict[str, Any]] = {
    "plain": {},
    "Turkish": {"HTTP_ACCEPT_LANGUAGE": "tr-TR,tr;q=0.9"},
    "a language that nobody speaks": {"HTTP_ACCEPT_LANGUAGE": "xx;q=nonsense"},
    "a port": {"HTTP_HOST": "localhost:8443", "SERVER_PORT": "8443"},
    "another scheme": {"wsgi.url_scheme": "https"},
}


@pytest.fixture
def one_id(settings: Any) -> None:
    """The proxy's id of a request is taken, so that it is the same twice."""
    settings.TRUSTED_PROXIES = 1


@pytest.mark.parametrize("more", SURROUNDINGS.values(), ids=SURROUNDINGS.keys())
@pytest.mark.parametrize("is_secure", [False, True], ids=["http", "https"])
def test_both_answer_alike_to_the_byte(
    more: dict[str, Any], is_secure: bool, one_id: None, settings: Any
) -> None:
    settings.SECURE_HSTS_SECONDS = 60 if is_secure else 0
    token, where, site = known_token(), path_of(lesson()), BothWays()
    more = {"HTTP_X_FORWARDED_FOR": "10.1.2.3", **more}
    first = send(site, where, token, **more)
    assert (first.status, site.asked) == ("201 Created", 0)

    again = send(site, where, token, **more)
    by_django = send(get_wsgi_application(), where, token, **more)

    assert again == by_django
    assert site.asked == 0
    assert again.body == first.body
    assert [name for name, _ in first.headers] == [name for name, _ in by_django.headers]


def test_it_asks_postgresql_nothing() -> None:
    token, where, site = known_token(), path_of(lesson()), BothWays()
    with CaptureQueriesContext(connection) as queries:
        assert send(site, where, token).status == "201 Created"
    assert (len(queries), site.asked) == (0, 0)


def test_a_newcomer_costs_postgresql_one_question(one_id: None) -> None:
    token, where, site = issue_token(account(ME).pk).token, path_of(lesson()), BothWays()
    more: dict[str, Any] = {"HTTP_X_FORWARDED_FOR": "10.1.2.3"}
    with CaptureQueriesContext(connection) as queries:
        first = send(site, where, token, **more)
        again = send(site, where, token, **more)
    assert (first.status, again.status) == ("201 Created", "200 OK")
    assert (len(queries), site.asked) == (1, 0)
    cache.clear()
    assert send(get_wsgi_application(), where, token, **more) == again


def test_a_newcomer_is_counted_once(settings: Any) -> None:
    settings.CHECK_INS_PER_MINUTE = 2
    token, where, site = issue_token(account(ME).pk).token, path_of(lesson()), BothWays()
    answers = [send(site, where, token).status[:3] for _ in range(3)]
    assert answers == ["201", "200", "429"]


def test_a_token_of_nobody_is_asked_for_once() -> None:
    account(ME)
    nobody, where, site = "0" * 64, path_of(lesson()), BothWays()
    with CaptureQueriesContext(connection) as queries:
        for _ in range(3):
            assert send(site, where, nobody).status.startswith("401")
    assert (len(queries), site.asked) == (1, 3)


def test_a_newcomer_while_postgresql_is_away_is_told_so(
    no_postgresql: Callable[[], None], one_id: None
) -> None:
    token, where, site = issue_token(account(ME).pk).token, path_of(lesson()), BothWays()
    more: dict[str, Any] = {"HTTP_X_FORWARDED_FOR": "10.1.2.3"}
    no_postgresql()
    answer = send(site, where, token, **more)
    assert answer.status.startswith("503"), answer
    assert answer == send(get_wsgi_application(), where, token, **more)
    assert site.asked == 1


def passed_on() -> dict[str, tuple[str, dict[str, Any]]]:
    """What Django is left to answer, by the status and what is sent."""
    return {
        "a session": ("201", {"HTTP_COOKIE": "sessionid=x"}),
        "a query": ("201", {"QUERY_STRING": "x=1"}),
        "another method": ("405", {"REQUEST_METHOD": "PUT"}),
        "another scheme": ("401", {"HTTP_AUTHORIZATION": "Bearer x"}),
        "no token": ("401", {"HTTP_AUTHORIZATION": ""}),
        "a token of nobody": ("401", {"HTTP_AUTHORIZATION": "Token " + "0" * 64}),
        "a strange token": ("401", {"HTTP_AUTHORIZATION": "Token \u00e9"}),
        "another host": ("400", {"HTTP_HOST": "elsewhere.example"}),
        "chunks": ("411", {"HTTP_TRANSFER_ENCODING": "chunked", "CONTENT_LENGTH": ""}),
        "a form": ("415", {"CONTENT_TYPE": "application/x-www-form-urlencoded"}),
        "broken JSON": ("400", {"body": b"{"}),
        "an unknown field": ("400", {"body": b'{"who": "S-0002"}'}),
        "a long code": ("400", {"body": b'{"code": "' + b"A" * 41 + b'"}'}),
        "a large body": ("413", {"body": b'{"code": "' + b"A" * 70_000 + b'"}'}),
        "an address in capitals": ("403", {"upper": True}),
    }


@pytest.mark.parametrize("name", passed_on())
def test_the_rest_is_for_django_and_is_counted_once(name: str, settings: Any) -> None:
    settings.CHECK_INS_PER_MINUTE = 2
    status, more = passed_on()[name]
    token, lesson_id, site = known_token(), lesson(), BothWays()
    where, options = path_of(lesson_id), dict(more)
    if options.pop("upper", False):
        where = where.replace(where[16:52], where[16:52].upper())

    answer = send(site, where, token, **options)

    assert answer.status.startswith(status), answer
    assert site.asked == 1
    # Whatever it was, it has used up one attempt at most.
    assert send(site, path_of(lesson_id), token).status[:3] in {"200", "201"}


REFUSED = {"not there": "404", "over": "410", "a code is asked for": "403", "too often": "429"}


@pytest.mark.parametrize("name", REFUSED)
def test_an_error_is_said_by_django_and_nothing_is_done_twice(
    name: str, one_id: None, settings: Any
) -> None:
    settings.CHECK_INS_PER_MINUTE = 1 if name == "too often" else 30
    token, site = known_token(), BothWays()
    lesson_id = started(checks=("code",) if name == "a code is asked for" else ()).id
    if name == "too often":
        send(site, path_of(lesson_id), token)
    if name == "over":
        finish_lesson(lesson_id, actor=TEACHER)
    where = path_of(UUID(int=7) if name == "not there" else lesson_id)
    more: dict[str, Any] = {"HTTP_X_FORWARDED_FOR": "10.1.2.3", "HTTP_ACCEPT_LANGUAGE": "tr"}

    answer = send(site, where, token, **more)

    assert answer.status.startswith(REFUSED[name]), answer
    assert site.asked == 1
    if name == "a code is asked for":
        assert [each.times for each in store.read_refusals(lesson_id)] == [1]
    if name != "too often":
        # Django alone says it in the same words, with the same headers.
        alone = send(get_wsgi_application(), where, token, **more)
        assert answer == alone


def test_the_right_code_is_taken_here() -> None:
    token, made, site = known_token(), started(checks=("code",)), BothWays()
    body = b'{"code": "%s"}' % code_of(made).typed.encode()
    assert send(site, path_of(made.id), token, body).status == "201 Created"
    assert site.asked == 0


def test_both_ways_count_together(settings: Any) -> None:
    settings.CHECK_INS_PER_MINUTE = 3
    token, where, site = known_token(), path_of(lesson()), BothWays()
    for app in (site, get_wsgi_application(), site):
        assert send(app, where, token).status[:3] in {"200", "201"}
    assert send(get_wsgi_application(), where, token).status.startswith("429")
    assert send(site, where, token).status.startswith("429")


def test_who_may_not_check_in_uses_up_nothing(settings: Any) -> None:
    settings.CHECK_INS_PER_MINUTE = 1
    token, where, site = known_token(TEACHER), path_of(lesson()), BothWays()
    for _ in range(3):
        assert send(site, where, token).status.startswith("403")


def test_a_token_of_before_opens_nothing_and_uses_up_nothing(settings: Any) -> None:
    settings.CHECK_INS_PER_MINUTE = 1
    token, where, site = known_token(), path_of(lesson()), BothWays()
    AuthToken.objects.update(expiry=timezone.now() - timedelta(seconds=1))
    # As the cache has it when a token ends while its entry is there.
    forget_users([account(ME).pk])
    for _ in range(3):
        assert send(site, where, token).status.startswith("401")
    assert send(site, where, known_token()).status == "201 Created"


def test_a_revoked_token_and_a_changed_person_count_at_once() -> None:
    token, where, site, user = known_token(), path_of(lesson()), BothWays(), account(ME)
    user.role = Role.STAFF.value
    user.save()
    assert send(site, where, token).status.startswith("403")
    user.is_active = False
    user.save()
    assert send(site, where, token).status.startswith("401")


def test_a_cache_that_is_away_leaves_it_to_django(monkeypatch: pytest.MonkeyPatch) -> None:
    token, where, site = known_token(), path_of(lesson()), BothWays()
    stop_held(monkeypatch, "default")
    assert send(site, where, token).status == "201 Created"
    assert site.asked == 1


def test_what_breaks_is_an_error_of_the_site(monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: Any, **__: Any) -> None:
        raise ValueError("broken")

    monkeypatch.setattr("attn_project.shortcut.check_in", broken)
    token, where = known_token(), path_of(lesson())
    shortcut = CheckInShortcut(WSGIHandler())
    assert send(shortcut, where, token).status.startswith("500")


def test_a_held_connection_whose_reply_is_left_over_is_closed(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Whoever is interrupted between command and reply leaves the reply to nobody."""
    assert held.send("live", "ECHO", "first") == b"first"
    mine = held._connection("live")
    read = mine.read_response

    def interrupted(*_: Any, **__: Any) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(mine, "read_response", interrupted)
    with pytest.raises(KeyboardInterrupt):
        held.send("live", "ECHO", "second")
    monkeypatch.setattr(mine, "read_response", read)
    assert held.send("live", "ECHO", "third") == b"third"
