"""The check-in over HTTP: every refusal by its code, no query, exact under concurrency."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from attendance.live import client as live
from attendance.live import codes, keys, store, throttle
from attendance.live.payloads import LiveLesson
from attendance.models import AttendanceRecord, RefusedCheckIn
from attendance.rules import instants
from attendance.services.access import limits
from attendance.services.corrections import Correction, correct_record
from attendance.services.lessons import LessonPlan, finish_lesson, start_lesson
from attendance.services.persistence import failpoints
from attendance.vocabulary import Verdict
from tests.support.callers import PASSWORD, Api, account
from tests.support.clock import Clock
from tests.support.lessons import TEACHER, code_of, end, live_lesson, student

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("both_ways")]

ME = student(1)


def lesson_with(*checks: str, **options: Any) -> LiveLesson:
    return start_lesson(
        LessonPlan("Physics", minutes=30, checks=checks, **options), teacher=TEACHER
    )


def check_in(lesson: LiveLesson, body: Any = None, *, who: Any = ME, **headers: str) -> Any:
    return Api(who).post(f"lessons/{lesson.id}/check-in/", body, **headers)


def test_a_check_in_answers_with_record_receipt_and_lesson() -> None:
    lesson = lesson_with()

    first, again = check_in(lesson), check_in(lesson)

    assert (first.status_code, again.status_code) == (201, 200)
    told = first.json()
    assert told["school_number"] == ME.school_number
    assert (told["status"], told["source"], told["revision"]) == ("present", "student", 2)
    assert told["lesson"]["lesson_name"] == "Physics"
    assert told["lesson"]["teacher"]["school_number"] == TEACHER.school_number
    assert told["checked_in_at"].endswith("Z")
    assert told["receipt"]
    assert again.json() == told


def test_no_query_for_a_caller_who_was_seen() -> None:
    lesson, caller = lesson_with(), Api(ME)
    caller.get("me/")

    with CaptureQueriesContext(connection) as queries:
        assert caller.post(f"lessons/{lesson.id}/check-in/").status_code == 201

    assert len(queries) == 0


def test_no_query_for_a_session_that_was_seen() -> None:
    account(ME, password=PASSWORD)
    lesson, client = lesson_with(), Client()
    client.login(username=ME.school_number, password=PASSWORD)
    client.get("/api/v1/me/")

    with CaptureQueriesContext(connection) as queries:
        path = f"/api/v1/lessons/{lesson.id}/check-in/"
        answer = client.post(path, {}, content_type="application/json")

    assert answer.status_code == 201
    assert len(queries) == 0


def test_a_session_needs_its_csrf_token() -> None:
    account(ME, password=PASSWORD)
    lesson, client = lesson_with(), Client(enforce_csrf_checks=True)
    client.login(username=ME.school_number, password=PASSWORD)

    answer = client.post(f"/api/v1/lessons/{lesson.id}/check-in/")

    assert (answer.status_code, answer.json()["code"]) == (403, "csrf_failed")
    assert store.read_lesson(lesson.id).record_count == 0


def not_found() -> Any:
    return Api(ME).post("lessons/01890000-0000-7000-8000-000000000000/check-in/")


def not_open() -> Any:
    later = store.now() + timedelta(minutes=5)
    return check_in(lesson_with(starts_at=later))


def closed() -> Any:
    lesson = lesson_with()
    end(lesson.id)
    return check_in(lesson)


def closed_and_stored() -> Any:
    lesson = lesson_with()
    finish_lesson(lesson.id, actor=TEACHER)
    return check_in(lesson)


def code_missing() -> Any:
    return check_in(lesson_with("code"))


def code_wrong() -> Any:
    return check_in(lesson_with("code"), {"code": "AAAA AAAA"})


def code_expired() -> Any:
    lesson = lesson_with("code")
    return check_in(lesson, {"code": code_of(lesson, steps_ago=3).whole})


def other_network() -> Any:
    return check_in(lesson_with("network", networks=["10.1.0.0/16"]))


def rejected() -> Any:
    lesson = live_lesson(1)
    correct_record(
        Correction(
            lesson_id=lesson.id,
            school_number=ME.school_number,
            verdict=Verdict.REJECT,
            actor=TEACHER,
            reason="was away",
        )
    )
    return check_in(lesson)


@pytest.mark.parametrize(
    ("attempt", "status", "code", "is_kept"),
    [
        (not_found, 404, "lesson_not_found", False),
        (not_open, 409, "lesson_not_open", True),
        (closed, 410, "lesson_closed", True),
        (closed_and_stored, 410, "lesson_closed", True),
        (code_missing, 403, "code_missing", True),
        (code_wrong, 403, "code_wrong", True),
        (code_expired, 403, "code_expired", True),
        (other_network, 403, "network_not_allowed", True),
        (rejected, 403, "rejected_by_teacher", True),
    ],
    ids=lambda value: getattr(value, "__name__", None),
)
def test_a_refusal_has_its_code_and_is_kept_for_the_teacher(
    attempt: Callable[[], Any], status: int, code: str, is_kept: bool
) -> None:
    answer = attempt()

    assert (answer.status_code, answer.json()["code"]) == (status, code)
    assert len(answer.json()["detail"]) > 20
    lesson_id = answer.wsgi_request.resolver_match.kwargs["lesson_id"]
    told = Api(TEACHER).get(f"lessons/{lesson_id}/refusals/")
    if is_kept:
        (refusal,) = told.json()["results"]
        assert (refusal["school_number"], refusal["code"]) == (ME.school_number, code)
        assert refusal["times"] == 1
    else:
        assert told.status_code == 404


def test_refusals_are_counted_survive_persistence_and_can_be_accepted() -> None:
    lesson = lesson_with("code")
    for _ in range(3):
        check_in(lesson, {"code": "AAAAAAAA"})
    revision = store.read_lesson(lesson.id).revision

    finish_lesson(lesson.id, actor=TEACHER)

    assert revision == 1
    row = RefusedCheckIn.objects.get()
    assert (row.code, row.times, row.full_name) == ("code_wrong", 3, ME.full_name)
    (refusal,) = Api(TEACHER).get(f"lessons/{lesson.id}/refusals/").json()["results"]
    body = {"full_name": refusal["full_name"]}
    done = Api(TEACHER).put(f"lessons/{lesson.id}/records/{refusal['school_number']}/", body)
    assert (done.status_code, done.json()["status"]) == (201, "present")


def test_a_refusal_after_the_snapshot_is_handed_over_by_the_discard() -> None:
    lesson = live_lesson(1)

    def refuse(claimed: Any) -> None:
        assert check_in(lesson, who=student(7)).status_code == 410

    with failpoints.installed("committed", refuse):
        finish_lesson(lesson.id, actor=TEACHER)

    row = RefusedCheckIn.objects.get()
    assert (row.school_number, row.code, row.times) == ("S-0007", "lesson_closed", 1)


@pytest.mark.parametrize("damage", [b"garbage", b"1|0000|1,2,3|{}"])
def test_damaged_refusals_hold_up_nothing(damage: bytes) -> None:
    lesson = live_lesson(2)
    live.connection().hset(keys.refusals(lesson.id), "S-0009|code_wrong", damage)

    finish_lesson(lesson.id, actor=TEACHER)

    assert AttendanceRecord.objects.count() == 2
    assert not RefusedCheckIn.objects.exists()


def test_a_book_of_refusals_of_another_type_holds_up_nothing() -> None:
    lesson = lesson_with("code")
    live.connection().set(keys.refusals(lesson.id), "a string")

    assert check_in(lesson).status_code == 403
    assert check_in(lesson, {"code": code_of(lesson).whole}).status_code == 201
    finish_lesson(lesson.id, actor=TEACHER)
    assert AttendanceRecord.objects.count() == 1


@pytest.mark.parametrize(
    ("milliseconds", "code"), [(0, None), (14_999, None), (29_999, None), (30_000, "code_expired")]
)
def test_a_code_is_accepted_in_its_step_and_the_next(
    milliseconds: int, code: str | None, clock: Clock
) -> None:
    lesson = lesson_with("code")
    step_ms = lesson.data.code_seconds * 1000
    begin = (instants.milliseconds(store.now()) // step_ms + 1) * step_ms
    shown = codes.code_at(lesson.data.secret, lesson.data.code_seconds, instants.instant(begin))

    clock.stopped_at_ms = begin + milliseconds
    answer = check_in(lesson, {"code": shown.whole})

    assert answer.json().get("code") == code
    assert shown.valid_until == instants.instant(begin + 2 * step_ms)


def test_a_code_is_typed_in_several_ways() -> None:
    lesson = lesson_with("code")
    code = code_of(lesson)
    short = lesson.data.short_code

    ways = [
        code.whole,
        code.whole.lower(),
        f"{short}{code.typed}",
        f" {short} - {code.typed} ".lower(),
        code.typed,
    ]

    answers = [check_in(lesson, {"code": way}, who=student(i)) for i, way in enumerate(ways, 1)]
    assert [answer.status_code for answer in answers] == [201] * len(ways)


def test_the_teacher_shows_the_code_that_the_script_accepts() -> None:
    lesson = lesson_with("code")

    shown = Api(TEACHER).get(f"lessons/{lesson.id}/code/").json()

    assert shown["qr_svg"].startswith("<svg")
    assert shown["url"].endswith(f"/C/{lesson.data.short_code}/{code_of(lesson).whole}")
    assert check_in(lesson, {"code": shown["code"]}).status_code == 201
    found = Api(ME).get(f"lessons/find/?code={shown['code']}").json()["results"]
    assert [each["id"] for each in found] == [str(lesson.id)]


def test_a_scan_outlives_its_code_but_not_five_minutes(clock: Clock) -> None:
    lesson = lesson_with("code")
    kept = Api().post(f"lessons/{lesson.id}/scans/", {"code": code_of(lesson).whole})
    assert kept.status_code == 201
    scan = kept.json()["scan"]

    clock.offset_ms = 299_000
    assert check_in(lesson, {"scan": scan}).status_code == 201
    clock.offset_ms = 301_000
    late = check_in(lesson, {"scan": scan}, who=student(2))
    assert (late.status_code, late.json()["code"]) == (403, "code_expired")


def test_a_scan_extends_no_window_and_no_other_lesson() -> None:
    lesson = lesson_with("code")
    scan = Api().post(f"lessons/{lesson.id}/scans/", {"code": code_of(lesson).whole}).json()["scan"]
    forged = scan[:-1] + ("a" if scan[-1] != "a" else "b")

    assert check_in(lesson, {"scan": forged}).json()["code"] == "code_wrong"
    end(lesson.id)
    assert check_in(lesson, {"scan": scan}).json()["code"] == "lesson_closed"


@pytest.mark.parametrize(
    ("address", "forwarded", "proxies", "status"),
    [
        ("10.1.2.3", "", 0, 201),
        ("10.2.2.3", "", 0, 403),
        ("10.2.2.3", "10.1.2.3", 0, 403),
        ("172.16.0.1", "10.1.2.3", 1, 201),
        ("172.16.0.1", "10.1.2.3, 10.2.0.1", 1, 403),
        ("172.16.0.1", "10.1.2.3, 172.16.0.2", 2, 201),
        ("172.16.0.1", "rubbish", 1, 403),
        ("10.1.0.1", "rubbish", 1, 403),
        ("10.1.0.1", "203.0.113.9:51234", 1, 403),
        ("10.1.0.1", "", 1, 403),
        ("172.16.0.1", "10.1.2.3:51234", 1, 201),
        ("172.16.0.1", "[2001:db8::5]:443", 1, 201),
        ("2001:db8::5", "", 0, 201),
        ("2001:db9::5", "", 0, 403),
        ("::ffff:10.1.2.3", "", 0, 201),
    ],
)
def test_only_trusted_proxies_say_where_a_request_comes_from(
    settings: Any, address: str, forwarded: str, proxies: int, status: int
) -> None:
    settings.TRUSTED_PROXIES = proxies
    lesson = lesson_with("network", networks=["10.1.0.0/16", "2001:db8::/32"])
    caller = Api(ME)

    caller.client.defaults |= {"REMOTE_ADDR": address, "HTTP_X_FORWARDED_FOR": forwarded}
    answer = caller.post(f"lessons/{lesson.id}/check-in/")

    assert answer.status_code == status


def test_fifty_check_ins_of_one_student_make_one_record() -> None:
    lesson, caller = lesson_with(), Api(ME)

    def attempt(_: int) -> int:
        try:
            return int(caller.post(f"lessons/{lesson.id}/check-in/").status_code)
        finally:
            connection.close()

    with ThreadPoolExecutor(25) as pool:
        statuses = sorted(pool.map(attempt, range(50)))

    assert statuses == [200] * 49 + [201]
    assert store.read_lesson(lesson.id).record_count == 1


def test_two_hundred_threads_against_a_limit_of_ten(
    settings: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings.CHECK_INS_PER_MINUTE = 10
    lesson, caller = lesson_with(), Api(ME)
    caller.get("me/")
    count, uncounted = throttle.wait_seconds, []

    def spied(limit: throttle.Limit, *, of: str) -> int:
        try:
            return count(limit, of=of)
        except throttle.Unavailable:
            uncounted.append(of)
            raise

    monkeypatch.setattr(throttle, "wait_seconds", spied)

    def attempt(_: int) -> Any:
        try:
            return caller.post(f"lessons/{lesson.id}/check-in/")
        finally:
            connection.close()

    with ThreadPoolExecutor(200) as pool:
        answers = list(pool.map(attempt, range(200)))

    # 200 new connections at once may be too many for a busy server; then a check-in is allowed.
    accepted = sum(answer.status_code in {200, 201} for answer in answers)
    assert accepted == 10 + len(uncounted)
    refused = next(answer for answer in answers if answer.status_code == 429)
    assert refused.json()["code"] == "too_many_attempts"
    assert 1 <= int(refused["Retry-After"]) <= 60


def test_a_hall_behind_one_address_gets_in() -> None:
    lesson = lesson_with()
    answers = [check_in(lesson, who=student(number)) for number in range(1, 121)]
    assert {answer.status_code for answer in answers} == {201}


@pytest.mark.parametrize(
    ("body", "content_type", "status", "code"),
    [
        (b"{", "application/json", 400, "parse_error"),
        (b"\xff\xfe", "application/json", 400, "parse_error"),
        (b"[" * 15_000, "application/json", 400, "invalid_input"),
        (b'{"x": ' * 2_600, "application/json", 400, "invalid_input"),
        (b"[]", "application/json", 400, "invalid_input"),
        (b'{"code": 7}', "application/json", 400, "invalid_input"),
        (b'{"who": "S-0002"}', "application/json", 400, "invalid_input"),
        (b'{"code": "' + b"A" * 41 + b'"}', "application/json", 400, "invalid_input"),
        (b"code=AAAA", "application/x-www-form-urlencoded", 415, "unsupported_media_type"),
        (b'{"code": "' + b"A" * 16_384 + b'"}', "application/json", 413, "body_too_large"),
        (b'{"code": "\\u0000\\ud800"}', "application/json", 400, "parse_error"),
    ],
)
def test_a_strange_body_is_refused(body: bytes, content_type: str, status: int, code: str) -> None:
    lesson, caller = lesson_with("code"), Api(ME)

    answer = caller.client.generic(
        "POST", f"/api/v1/lessons/{lesson.id}/check-in/", body, content_type
    )

    assert (answer.status_code, answer.json()["code"]) == (status, code), answer.content
    assert store.read_lesson(lesson.id).record_count == 0


def test_guessing_typed_codes_ends_and_whole_codes_never_wait(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(limits, "WRONG_SCANS", throttle.Limit("scan", 5, 60))
    lesson = lesson_with("code")
    path, right = f"lessons/{lesson.id}/scans/", code_of(lesson)
    typed = {"code": lesson.data.short_code + right.typed}

    good = [Api().post(path, typed).status_code for _ in range(8)]
    wrong = [Api().post(path, {"code": "AAAAAAAA"}).status_code for _ in range(7)]

    # Right ones do not count; after five wrong ones nobody there may guess on.
    assert good == [201] * 8
    assert wrong == [403] * 5 + [429] * 2
    assert Api().post(path, typed).status_code == 429
    assert Api().post(path, {"code": right.whole}).status_code == 201
