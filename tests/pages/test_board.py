"""The teacher's pages: lessons, board, one record, screen."""

import re
from typing import Any
from uuid import uuid4

import pytest

from attendance.live import client, keys, store
from attendance.models import AttendanceRecord
from attendance.services.check_in import Given, check_in
from attendance.services.corrections import Correction, correct_record
from attendance.services.lessons import finish_lesson
from attendance.services.persistence import unified_persistence_task
from attendance.vocabulary import Verdict
from tests.pages.visitors import STAFF, STUDENT, form_of, lesson_with, signed_in, text_of
from tests.support.lessons import TEACHER, end, put_record, student
from users.identity import Person, Role

pytestmark = pytest.mark.django_db(transaction=True)

OTHER = Person("T-9", "Teacher 9", Role.TEACHER)


def test_a_lesson_is_started_in_two_clicks_and_only_once() -> None:
    desk = signed_in(TEACHER)
    first = form_of(desk.get("/lessons/"), lesson_name="Physics")
    boards = [desk.post("/lessons/start/", first).headers["Location"] for _ in range(2)]
    assert boards[0] == boards[1]
    lesson = store.teachers_lesson(TEACHER.school_number)
    assert lesson is not None
    assert boards[0] == f"/lessons/{lesson.id}/"
    assert lesson.data.checks == ("code",)

    finish_lesson(lesson.id, actor=TEACHER)
    again = form_of(desk.get("/lessons/"))
    assert (again["lesson_name"], again["checks"]) == ("Physics", ["code"])


def test_a_second_live_lesson_is_refused_with_a_way_to_the_first() -> None:
    lesson, desk = lesson_with(), signed_in(TEACHER)
    answer = desk.post("/lessons/start/", form_of(desk.get("/lessons/"), lesson_name="Another"))
    assert answer.status_code == 409
    assert f"/lessons/{lesson.id}/" in text_of(answer)
    assert "Another" in text_of(answer)


def test_a_form_with_mistakes_keeps_what_was_typed() -> None:
    desk = signed_in(TEACHER)
    given = form_of(desk.get("/lessons/"), lesson_name="Chemistry", minutes=99_999)
    answer = desk.post("/lessons/start/", given)
    assert (answer.status_code, "Chemistry" in text_of(answer)) == (400, True)
    assert store.teachers_lesson(TEACHER.school_number) is None


@pytest.mark.parametrize(
    ("person", "status"), [(TEACHER, 200), (STAFF, 200), (OTHER, 404), (STUDENT, 403)]
)
@pytest.mark.parametrize("path", ["", "rows/", "screen/", "screen/code/", "records/S-014/"])
def test_who_may_see_a_lesson(path: str, person: Person, status: int) -> None:
    lesson = lesson_with(STUDENT)
    assert signed_in(person).get(f"/lessons/{lesson.id}/{path}").status_code == status


@pytest.mark.parametrize("path", ["add/", "finish/", "extend/", "records/S-014/"])
@pytest.mark.parametrize("person", [OTHER, STUDENT])
def test_who_may_not_change_a_lesson(path: str, person: Person) -> None:
    lesson = lesson_with(STUDENT)
    given = {"verdict": "absent", "reason": "no", "request_id": "1", "school_number": "S-1"}
    answer = signed_in(person).post(f"/lessons/{lesson.id}/{path}", given | {"full_name": "X"})
    assert answer.status_code == (403 if person is STUDENT else 404)
    assert store.read_lesson(lesson.id).revision == lesson.revision + 1


def test_no_get_changes_anything() -> None:
    lesson, desk = lesson_with(STUDENT), signed_in(TEACHER)
    before = store.read_lesson(lesson.id).revision
    for path in ("add/", "finish/", "extend/"):
        led = desk.get(f"/lessons/{lesson.id}/{path}")
        assert led.headers["Location"] == f"/lessons/{lesson.id}/"
    for path in ("", "rows/", "screen/", "records/S-014/"):
        desk.get(f"/lessons/{lesson.id}/{path}")
    assert store.read_lesson(lesson.id).revision == before


def test_the_rows_come_only_where_something_changed() -> None:
    lesson, desk = lesson_with(STUDENT), signed_in(TEACHER)
    known = desk.get(f"/lessons/{lesson.id}/rows/").context["known"]
    path = f"/lessons/{lesson.id}/rows/?known={known}"
    assert desk.get(path).status_code == 204
    check_in(lesson.id, student=Person("S-015", "Student 015"))
    assert "Student 015" in text_of(desk.get(path))


def test_tabs_and_search_choose_the_rows() -> None:
    lesson = lesson_with(STUDENT, Person("S-015", "Student 015"))
    correct_record(
        Correction(
            lesson_id=lesson.id,
            school_number="S-015",
            verdict=Verdict.ABSENT,
            actor=TEACHER,
            reason="went home",
        )
    )
    desk = signed_in(TEACHER)
    here = text_of(desk.get(f"/lessons/{lesson.id}/?tab=here"))
    assert ("Student 014" in here, "Student 015" in here) == (True, False)
    found = text_of(desk.get(f"/lessons/{lesson.id}/?search=s-015"))
    assert ("Student 014" in found, "Student 015" in found) == (False, True)
    assert "Nobody is called that here" in text_of(desk.get(f"/lessons/{lesson.id}/?search=zz"))


def test_a_refused_student_is_accepted_with_one_click() -> None:
    lesson, desk = lesson_with(checks=("code",)), signed_in(TEACHER)
    for person in (STUDENT, Person("S-015", "Student 015")):
        with pytest.raises(Exception, match="code"):
            check_in(lesson.id, student=person, given=Given())
    page = desk.get(f"/lessons/{lesson.id}/?tab=decide")
    assert "Without a code" in text_of(page)
    for refusal, _why, _dismissal in page.context["refusals"]:
        given = {
            "school_number": refusal.school_number,
            "full_name": refusal.full_name,
            "request_id": f"{page.context['request_id']}-accept",
        }
        assert desk.post(f"/lessons/{lesson.id}/add/", given).status_code == 302
    after = desk.get(f"/lessons/{lesson.id}/")
    assert after.context["counts"] == {"all": 2, "here": 2, "decide": 0}


def test_whoever_was_accepted_and_taken_out_is_accepted_again() -> None:
    lesson, desk = lesson_with(checks=("code",)), signed_in(TEACHER)
    with pytest.raises(Exception, match="code"):
        check_in(lesson.id, student=STUDENT, given=Given())
    path = f"/lessons/{lesson.id}/records/S-014/"

    for _ in range(2):
        page = desk.get(f"/lessons/{lesson.id}/?tab=decide").content.decode()
        form = page[page.index('action="' + f"/lessons/{lesson.id}/add/") :]
        given = dict(
            re.findall(r'name="(school_number|full_name|request_id)" value="([^"]*)"', form[:900])
        )
        assert desk.post(f"/lessons/{lesson.id}/add/", given).status_code == 302
        # The form that was sent is sent once more: nothing is accepted a second time.
        assert desk.post(f"/lessons/{lesson.id}/add/", given).status_code == 302
        assert desk.get(f"/lessons/{lesson.id}/").context["counts"]["here"] == 1
        out = form_of(desk.get(path), verdict="delete", reason="not here")
        assert desk.post(path, out).status_code == 302
        assert desk.get(f"/lessons/{lesson.id}/").context["counts"]["here"] == 0


def test_whoever_tries_again_after_a_rejection_is_told_in_their_row() -> None:
    lesson, desk, phone = lesson_with(STUDENT), signed_in(TEACHER), signed_in(STUDENT)
    path = f"/lessons/{lesson.id}/records/S-014/"
    form = form_of(desk.get(path), verdict="reject", reason="not here")
    assert desk.post(path, form).status_code == 302
    assert "Tried again" not in text_of(desk.get(f"/lessons/{lesson.id}/"))

    phone.post(f"/lessons/{lesson.id}/here/")
    once = text_of(desk.get(f"/lessons/{lesson.id}/"))
    phone.post(f"/lessons/{lesson.id}/here/")

    assert "Tried again once, at" in once
    assert "Tried again 2 times, from" in text_of(desk.get(f"/lessons/{lesson.id}/rows/"))


def test_a_change_needs_its_reason_and_tells_its_history() -> None:
    lesson, desk = lesson_with(STUDENT), signed_in(TEACHER)
    path = f"/lessons/{lesson.id}/records/S-014/"
    bare = desk.post(path, form_of(desk.get(path), verdict="late"))
    assert (bare.status_code, "reason" in text_of(bare)) == (400, True)

    assert desk.post(path, form_of(bare, verdict="late", reason="the tram")).status_code == 302
    history = [(line.what, line.who, line.why) for line in desk.get(path).context["history"]]
    assert history == [
        ("present", "the student", "checked in"),
        ("present → late", TEACHER.full_name, "the tram"),
    ]


@pytest.mark.parametrize("stored", [False, True])
def test_a_conflict_overwrites_nothing_and_keeps_what_was_typed(stored: bool) -> None:
    lesson, desk = lesson_with(STUDENT), signed_in(TEACHER)
    if stored:
        finish_lesson(lesson.id, actor=TEACHER)
    path = f"/lessons/{lesson.id}/records/S-014/"
    seen = form_of(desk.get(path), verdict="absent", reason="was not there")
    correct_record(
        Correction(
            lesson_id=lesson.id,
            school_number="S-014",
            verdict=Verdict.EXCUSE,
            actor=TEACHER,
            reason="a letter",
        )
    )

    answer = desk.post(path, seen)
    assert answer.status_code == 409
    assert "Somebody changed this meanwhile" in text_of(answer)
    assert "was not there" in text_of(answer)
    assert answer.context["record"].status == "excused"
    assert desk.post(path, form_of(answer)).status_code == 302
    assert desk.get(path).context["record"].status == "absent"


def test_finished_it_is_saved_and_can_still_be_corrected() -> None:
    lesson, desk = lesson_with(STUDENT), signed_in(TEACHER)
    desk.post(f"/lessons/{lesson.id}/finish/", {"request_id": "f"})
    page = desk.get(f"/lessons/{lesson.id}/")
    assert "Saved" in text_of(page)
    assert "Student 014" in text_of(page)
    path = f"/lessons/{lesson.id}/records/S-014/"
    desk.post(path, form_of(desk.get(path), verdict="excuse", reason="ill"))
    assert AttendanceRecord.objects.get().status == "excused"


def test_minutes_are_added_once_for_each_click() -> None:
    lesson, desk = lesson_with(), signed_in(TEACHER)
    for _ in range(2):
        desk.post(f"/lessons/{lesson.id}/extend/", {"minutes": "15", "request_id": "e"})
    moved = store.read_lesson(lesson.id).ends_at - lesson.ends_at
    assert moved.total_seconds() == 15 * 60


def test_the_screen_shows_a_code_and_no_name() -> None:
    lesson, desk = lesson_with(STUDENT, checks=()), signed_in(TEACHER)
    page = desk.get(f"/lessons/{lesson.id}/screen/")
    text = text_of(page)
    assert "<svg" in text
    assert STUDENT.full_name not in text
    assert STUDENT.school_number not in text
    assert " style=" not in text
    finish_lesson(lesson.id, actor=TEACHER)
    assert "This lesson is over" in text_of(desk.get(f"/lessons/{lesson.id}/screen/"))


def test_queries_do_not_grow_with_the_register(django_assert_max_num_queries: Any) -> None:
    lesson = lesson_with(*(Person(f"S-{n:03}", f"Student {n:03}") for n in range(40)))
    desk = signed_in(TEACHER)
    desk.get("/lessons/")
    with django_assert_max_num_queries(1):
        desk.get(f"/lessons/{lesson.id}/")
    finish_lesson(lesson.id, actor=TEACHER)
    with django_assert_max_num_queries(12):
        desk.get(f"/lessons/{lesson.id}/")


def test_a_lesson_of_nobody_is_not_there() -> None:
    answer = signed_in(TEACHER).get(f"/lessons/{uuid4()}/")
    assert (answer.status_code, "no such lesson" in text_of(answer)) == (404, True)


@pytest.mark.parametrize("is_stored", [False, True])
def test_a_check_in_that_cannot_be_read_is_told(is_stored: bool) -> None:
    lesson, desk = lesson_with(), signed_in(TEACHER)
    for number in (1, 2, 3):
        check_in(lesson.id, student=student(number))
    assert "could not be read" not in text_of(desk.get(f"/lessons/{lesson.id}/"))
    client.connection().hdel(keys.records(lesson.id), "S-0001")
    put_record(lesson.id, "S-0002", b"garbage")
    if is_stored:
        end(lesson.id)
        unified_persistence_task()
    page = text_of(desk.get(f"/lessons/{lesson.id}/"))
    assert "<strong>2 check-ins could not be read.</strong> Ask who was here" in page
    assert "Student 0003" in page
