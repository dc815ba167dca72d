"""Attacks on the check-in that students think of: each is tried, and fails.

Bounded, and against this process alone.
"""

from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from django.core.cache import cache
from django.db import connection

from attendance.live import client as live
from attendance.live import codes, keys, store, throttle
from attendance.live.payloads import LiveLesson
from attendance.services.access import limits
from attendance.services.access.limits import Scanner
from attendance.services.check_in import Given, check_in
from attendance.services.corrections import Correction, correct_record
from attendance.services.lessons import LessonPlan, finish_lesson, start_lesson
from attendance.services.scans import keep_scan
from attendance.vocabulary import Verdict
from tests.support.callers import Api, account, signed_in
from tests.support.clock import Clock
from tests.support.lessons import TEACHER, code_of, student
from users.identity import Person

pytestmark = pytest.mark.django_db(transaction=True)

HALL = "192.0.2.1"
LETTERS = codes.LETTERS


def coded_lesson() -> LiveLesson:
    return start_lesson(LessonPlan("Physics", minutes=45, checks=("code",)), teacher=TEACHER)


def phone(who: Person | None, address: str = HALL) -> Api:
    api = Api(who)
    api.client.defaults["REMOTE_ADDR"] = address
    return api


def scan_of(lesson: LiveLesson, by: Api, code: str = "") -> str:
    answer = by.post(f"lessons/{lesson.id}/scans/", {"code": code or code_of(lesson).whole})
    assert answer.status_code == 201, answer.content
    return str(answer.json()["scan"])


def say_here(lesson: LiveLesson, by: Api, **body: str) -> tuple[int, str]:
    answer = by.post(f"lessons/{lesson.id}/check-in/", body)
    return answer.status_code, answer.json().get("code", "")


def marked(lesson: LiveLesson) -> list[str]:
    return sorted(each.school_number for each in store.register(lesson.id).records)


def refused(lesson: LiveLesson) -> dict[tuple[str, str], int]:
    return {(r.school_number, r.code): r.times for r in store.read_refusals(lesson.id)}


def wrong_codes(lesson: LiveLesson, count: int, *, letters: int = 4) -> list[str]:
    """Typed codes of this lesson that are neither right nor old."""
    shown = {code_of(lesson, steps_ago=ago).typed for ago in range(-1, 23)}
    tails = (a + b + "A" * (letters - 2) for a in LETTERS for b in LETTERS)
    kept = [tail for tail in tails if tail[:4] not in shown and tail != lesson.data.short_code]
    return [lesson.data.short_code + tail for tail in kept[:count]]


def long_code_of(lesson: LiveLesson) -> str:
    data = lesson.data
    code = codes.code_at(data.secret, data.code_seconds, store.now(), letters=8)
    return data.short_code + code.typed


# One scan is handed round.


def test_one_scan_marks_one_of_four_students_at_four_addresses() -> None:
    lesson = coded_lesson()
    scan = scan_of(lesson, phone(None, "198.51.100.1"))

    told = [
        say_here(lesson, phone(student(number), f"198.51.100.{number}"), scan=scan)
        for number in range(1, 5)
    ]

    assert told == [(201, ""), *[(403, "scan_not_yours")] * 3]
    assert marked(lesson) == ["S-0001"]
    assert refused(lesson) == {(f"S-000{n}", "scan_not_yours"): 1 for n in (2, 3, 4)}


def test_many_at_once_with_one_scan_make_one_mark() -> None:
    lesson = coded_lesson()
    scan = scan_of(lesson, phone(None))
    callers = [phone(student(number)) for number in range(1, 13)]

    def attempt(caller: Api) -> tuple[int, str]:
        try:
            return say_here(lesson, caller, scan=scan)
        finally:
            connection.close()

    with ThreadPoolExecutor(12) as pool:
        told = sorted(pool.map(attempt, callers))

    assert told == [(201, ""), *[(403, "scan_not_yours")] * 11]
    assert len(marked(lesson)) == 1


def test_scans_that_were_made_in_the_hall_and_sent_home_end_with_the_code(clock: Clock) -> None:
    lesson = coded_lesson()
    sent = [scan_of(lesson, phone(None)) for _ in range(3)]
    clock.offset_ms = 2 * lesson.data.code_seconds * 1000 - 2_000
    # As long as the screen's own picture would do as well.
    assert say_here(lesson, phone(student(1), "203.0.113.1"), scan=sent[0]) == (201, "")

    clock.offset_ms = 295_000
    assert say_here(lesson, phone(student(2), "203.0.113.2"), scan=sent[1]) == (403, "code_expired")
    # Who signs in where the scan was made has the five minutes.
    assert say_here(lesson, phone(student(3)), scan=sent[2]) == (201, "")


@pytest.mark.parametrize(
    ("made_at", "used_at", "status"),
    [
        ("2001:db8:1:2::5", "2001:db8:1:2:aaaa::9", 201),
        ("2001:db8:1:2::5", "2001:db8:1:3::5", 403),
        ("192.0.2.1", "::ffff:192.0.2.1", 201),
        ("192.0.2.1", "192.0.2.2", 403),
    ],
)
def test_what_counts_as_one_address(clock: Clock, made_at: str, used_at: str, status: int) -> None:
    lesson = coded_lesson()
    scan = scan_of(lesson, phone(None, made_at))
    clock.offset_ms = 200_000
    assert say_here(lesson, phone(student(1), used_at), scan=scan)[0] == status


def test_a_scan_of_who_has_signed_in_is_theirs_at_any_address(clock: Clock) -> None:
    lesson = coded_lesson()
    scan = scan_of(lesson, phone(student(1)))

    assert say_here(lesson, phone(student(2)), scan=scan) == (403, "scan_not_yours")
    clock.offset_ms = 200_000
    assert say_here(lesson, phone(student(1), "203.0.113.9"), scan=scan) == (201, "")
    assert refused(lesson) == {("S-0002", "scan_not_yours"): 1}


def test_the_same_person_with_the_same_scan_is_answered_as_before(clock: Clock) -> None:
    lesson = coded_lesson()
    scan = scan_of(lesson, phone(None))
    told = [say_here(lesson, phone(student(1)), scan=scan) for _ in range(2)]
    clock.offset_ms = 400_000
    told.append(say_here(lesson, phone(student(1)), scan=scan))
    assert told == [(201, ""), (200, ""), (200, "")]
    assert refused(lesson) == {}


def test_a_scan_and_its_owner_who_got_another_number() -> None:
    lesson = coded_lesson()
    user = account(student(1))
    scan = scan_of(lesson, phone(student(1)))
    user.school_number = "S-0901"
    user.save()
    assert say_here(lesson, phone(user.as_person()), scan=scan) == (201, "")


def test_one_browser_marks_one_student_for_each_scan() -> None:
    lesson, browser = coded_lesson(), signed_in(student(1))
    link = f"/c/{lesson.data.short_code}/{code_of(lesson).whole}"
    browser.get(link)
    scan = browser.cookies["attn_scan"].value
    assert browser.post(f"/lessons/{lesson.id}/here/").status_code == 302

    for number in (2, 3):
        browser = signed_in(student(number))
        browser.cookies["attn_scan"] = scan
        page = browser.post(f"/lessons/{lesson.id}/here/")
        assert (page.status_code, "This scan is not yours" in page.content.decode()) == (403, True)
        assert browser.cookies["attn_scan"].value == ""
    assert marked(lesson) == ["S-0001"]


def marked_absent(lesson: LiveLesson, who: Person) -> None:
    correct_record(
        Correction(
            lesson_id=lesson.id,
            school_number=who.school_number,
            full_name=who.full_name,
            verdict=Verdict.ABSENT,
            actor=TEACHER,
            reason="not seen",
        )
    )


def test_an_arrival_beside_a_teachers_word_claims_the_scan() -> None:
    lesson = coded_lesson()
    scan = scan_of(lesson, phone(None))
    marked_absent(lesson, student(1))
    assert say_here(lesson, phone(student(1)), scan=scan) == (201, "")
    assert say_here(lesson, phone(student(2)), scan=scan) == (403, "scan_not_yours")


def test_a_refused_check_in_claims_no_scan() -> None:
    plan = LessonPlan("Physics", minutes=45, checks=("code", "network"), networks=("192.0.2.0/24",))
    lesson = start_lesson(plan, teacher=TEACHER)
    scan = scan_of(lesson, phone(student(1)))
    outside = phone(student(1), "203.0.113.9")
    assert say_here(lesson, outside, scan=scan) == (403, "network_not_allowed")
    assert live.connection().hgetall(keys.scans(lesson.id)) == {}
    assert say_here(lesson, phone(student(1)), scan=scan) == (201, "")
    assert list(live.connection().hvals(keys.scans(lesson.id))) == [b"S-0001"]


def test_a_check_in_with_a_scan_is_one_call_and_no_query(
    monkeypatch: pytest.MonkeyPatch, django_assert_num_queries: Any
) -> None:
    lesson, me = coded_lesson(), phone(student(1))
    scan = scan_of(lesson, me)
    run, called = live.run, []

    def counted(script: str, *args: Any) -> Any:
        called.append(script)
        return run(script, *args)

    monkeypatch.setattr(live, "run", counted)
    with django_assert_num_queries(0):
        assert say_here(lesson, me, scan=scan) == (201, "")
    assert called == ["check_in"]


def test_claims_and_counts_leave_with_their_lesson() -> None:
    lesson = coded_lesson()
    say_here(lesson, phone(student(1)), code=wrong_codes(lesson, 1)[0])
    say_here(lesson, phone(student(1)), scan=scan_of(lesson, phone(None)))
    names = keys.scans(lesson.id), keys.guesses(lesson.id)
    assert live.connection().exists(*names) == 2
    finish_lesson(lesson.id, actor=TEACHER)
    assert live.connection().exists(*names) == 0


@pytest.mark.parametrize("key", [keys.scans, keys.guesses])
def test_a_key_of_another_type_keeps_nobody_out(key: Any) -> None:
    lesson = coded_lesson()
    live.connection().set(key(lesson.id), "a string")
    scan = scan_of(lesson, phone(None))
    assert say_here(lesson, phone(student(1)), scan=scan) == (201, "")
    assert say_here(lesson, phone(student(2)), code=wrong_codes(lesson, 1)[0])[1] == "code_wrong"
    assert say_here(lesson, phone(student(2)), code=code_of(lesson).typed) == (201, "")


def test_a_count_that_is_damaged_begins_anew() -> None:
    lesson = coded_lesson()
    live.connection().hset(keys.guesses(lesson.id), mapping={"S-0001": "x", "*": "9" * 40})
    assert say_here(lesson, phone(student(1)), code=wrong_codes(lesson, 1)[0])[1] == "code_wrong"


# Typed codes are guessed.


def test_a_student_has_five_wrong_codes_and_then_only_the_picture_helps() -> None:
    lesson, me = coded_lesson(), phone(student(1))
    told = [say_here(lesson, me, code=code)[1] for code in wrong_codes(lesson, 7)]
    assert told == ["code_wrong"] * 5 + ["too_many_wrong_codes"] * 2

    right = code_of(lesson)
    typed = {"code": lesson.data.short_code + right.typed}
    assert say_here(lesson, me, **typed) == (403, "too_many_wrong_codes")
    kept = me.post(f"lessons/{lesson.id}/scans/", typed)
    assert (kept.status_code, kept.json()["code"]) == (403, "too_many_wrong_codes")
    assert refused(lesson)[("S-0001", "too_many_wrong_codes")] == 4
    assert say_here(lesson, me, code=right.whole) == (201, "")


def test_a_typed_scan_of_nobody_is_no_way_round_the_budget() -> None:
    lesson, me = coded_lesson(), phone(student(1))
    for code in wrong_codes(lesson, 5):
        say_here(lesson, me, code=code)
    typed = scan_of(lesson, phone(None), lesson.data.short_code + code_of(lesson).typed)
    assert say_here(lesson, me, scan=typed) == (403, "too_many_wrong_codes")
    assert say_here(lesson, phone(student(2)), scan=typed) == (201, "")
    assert say_here(lesson, me, scan=scan_of(lesson, phone(None))) == (201, "")


def test_all_numbers_of_a_person_have_one_budget() -> None:
    lesson = coded_lesson()
    old, new = student(1), Person("S-0901", "Student 0001")
    codes_to_try = wrong_codes(lesson, 6)
    for code in codes_to_try[:5]:
        say_here(lesson, phone(old), code=code)
    user = account(old)
    user.school_number = new.school_number
    user.save()

    told = say_here(lesson, phone(user.as_person()), code=codes_to_try[5])
    assert told == (403, "too_many_wrong_codes")


@pytest.mark.parametrize("way", ["check-in", "scans"])
def test_wrong_codes_at_both_doors_count_together(way: str) -> None:
    lesson, me = coded_lesson(), phone(student(1))
    other = {"check-in": "scans", "scans": "check-in"}[way]
    tried = wrong_codes(lesson, 6)
    for code in tried[:3]:
        me.post(f"lessons/{lesson.id}/{way}/", {"code": code})
    for code in tried[3:5]:
        me.post(f"lessons/{lesson.id}/{other}/", {"code": code})
    told = me.post(f"lessons/{lesson.id}/{way}/", {"code": tried[5]}).json()["code"]
    assert told == "too_many_wrong_codes"


def test_wrong_codes_beside_a_teachers_word_count_as_well() -> None:
    lesson, me = coded_lesson(), student(1)
    marked_absent(lesson, me)
    for code in wrong_codes(lesson, 5):
        # It answers with what the teacher has said, whether the code is right or wrong.
        assert say_here(lesson, phone(me), code=code) == (200, "")
    say_here(lesson, phone(me), code=code_of(lesson).typed)
    (record,) = store.register(lesson.id).records
    assert record.checked_in_at is None


def test_thirty_accounts_that_guess_at_once_get_a_longer_code() -> None:
    lesson = coded_lesson()
    callers = [phone(student(number)) for number in range(1, 31)]
    tried = wrong_codes(lesson, 150)

    def attempt(job: tuple[int, str]) -> str:
        try:
            return say_here(lesson, callers[job[0] % 30], code=job[1])[1]
        finally:
            connection.close()

    with ThreadPoolExecutor(8) as pool:
        told = list(pool.map(attempt, enumerate(tried)))

    assert told.count("code_wrong") == 40
    assert set(told) == {"code_wrong", "code_longer"}
    # The code of before is no help any more, right or wrong.
    short = lesson.data.short_code + code_of(lesson).typed
    assert say_here(lesson, phone(student(90)), code=short) == (403, "code_longer")
    assert say_here(lesson, phone(student(90)), code=code_of(lesson).typed) == (403, "code_longer")
    # The next code may begin in between.
    before = long_code_of(lesson)
    shown = Api(TEACHER).get(f"lessons/{lesson.id}/code/").json()["code"]
    assert shown in {before, long_code_of(lesson)}
    assert len(shown) == 12
    found = callers[0].get(f"lessons/find/?code={shown}").json()["results"]
    assert [each["id"] for each in found] == [str(lesson.id)]
    assert say_here(lesson, phone(student(90)), code=shown) == (201, "")
    assert say_here(lesson, phone(student(91)), code=code_of(lesson).whole) == (201, "")


def test_a_longer_code_is_guessed_at_the_same_price() -> None:
    lesson = coded_lesson()
    live.connection().hset(keys.guesses(lesson.id), "letters", 8)
    me = phone(student(1))
    told = [say_here(lesson, me, code=code)[1] for code in wrong_codes(lesson, 6, letters=8)]
    assert told == ["code_wrong"] * 5 + ["too_many_wrong_codes"]


def test_nobody_in_particular_who_guesses_makes_the_code_longer_too() -> None:
    lesson = coded_lesson()
    told = [
        phone(None).post(f"lessons/{lesson.id}/scans/", {"code": code}).json()["code"]
        for code in wrong_codes(lesson, 42)
    ]
    assert told == ["code_wrong"] * 40 + ["code_longer"] * 2
    assert refused(lesson) == {}
    kept = keep_scan(lesson.id, long_code_of(lesson), scanner=Scanner(HALL))
    given = Given(scan=kept.scan, address=HALL)
    assert check_in(lesson.id, student=student(1), given=given).record.status == "present"


def test_the_screen_shows_the_longer_code_and_the_page_takes_it() -> None:
    lesson, teacher, me = coded_lesson(), signed_in(TEACHER), signed_in(student(1))
    live.connection().hset(keys.guesses(lesson.id), "letters", 8)

    page = teacher.get(f"/lessons/{lesson.id}/screen/code/").content.decode()
    code = long_code_of(lesson)
    groups = (code[:4], code[4:8], code[8:])
    assert "".join(f"<span>{each}</span> " for each in groups).strip() in page
    refused_page = me.post("/c/", {"code": code[:8]})
    assert "The code is longer now" in refused_page.content.decode()
    assert me.post("/c/", {"code": "-".join(groups)}).status_code == 302
    assert me.post(f"/lessons/{lesson.id}/here/").status_code == 302
    assert marked(lesson) == ["S-0001"]


def test_the_page_of_who_has_spent_their_codes_asks_for_the_picture() -> None:
    lesson, me = coded_lesson(), signed_in(student(1))
    for code in wrong_codes(lesson, 5):
        assert 'name="code"' in me.post("/c/", {"code": code}).content.decode()
    page = me.post("/c/", {"code": lesson.data.short_code + code_of(lesson).typed})
    told = page.content.decode()
    assert (page.status_code, "Scan the picture with your camera" in told) == (403, True)
    assert 'name="code"' not in told
    board = signed_in(TEACHER).get(f"/lessons/{lesson.id}/").content.decode()
    assert "Too many wrong codes typed" in board


def test_a_link_works_for_whoever_cannot_be_looked_up(no_postgresql: Any) -> None:
    lesson, browser = coded_lesson(), signed_in(student(1))
    link = f"/c/{lesson.data.short_code}/{code_of(lesson).whole}"
    cache.clear()
    no_postgresql()
    # Not seen lately: who has signed in is not known while PostgreSQL is away.
    assert browser.get(link).status_code == 302
    assert browser.cookies["attn_scan"].value


def test_a_link_that_is_opened_signed_in_is_of_that_person_alone() -> None:
    lesson, browser = coded_lesson(), signed_in(student(1))
    browser.get(f"/c/{lesson.data.short_code}/{code_of(lesson).whole}")
    other = signed_in(student(2))
    other.cookies["attn_scan"] = browser.cookies["attn_scan"].value
    assert other.post(f"/lessons/{lesson.id}/here/").status_code == 403
    assert browser.post(f"/lessons/{lesson.id}/here/").status_code == 302
    assert marked(lesson) == ["S-0001"]


def test_a_hall_that_types_the_shorter_code_is_not_kept_waiting(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(limits, "WRONG_SCANS", throttle.Limit("scan", 3, 60))
    lesson = coded_lesson()
    live.connection().hset(keys.guesses(lesson.id), "letters", 8)
    path, short = f"lessons/{lesson.id}/scans/", wrong_codes(lesson, 1)[0]
    told = [phone(None).post(path, {"code": short}).json()["code"] for _ in range(6)]
    assert told == ["code_longer"] * 6
