"""The board of a lesson of a course: here, not here, to decide, with everybody by name."""

from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from attendance.errors import NotOnRoster
from attendance.live import store
from attendance.models import Attendance, AttendanceRecord, LessonLedger
from attendance.services.check_in import check_in
from attendance.services.corrections import Correction, correct_record
from attendance.services.lessons import finish_lesson
from attendance.services.rosters import not_held
from attendance.vocabulary import LessonState, Verdict
from courses.vocabulary import EnrolmentRole
from tests.pages.visitors import STAFF, form_of, signed_in, text_of
from tests.support.lessons import TEACHER, student
from tests.support.members import ASSISTANT
from tests.support.sections import enrol, section_lesson, section_of_today
from users.identity import Person

pytestmark = pytest.mark.django_db(transaction=True)


def say(lesson_id: Any, verdict: Verdict, actor: Person, number: int = 1, **values: Any) -> Any:
    return correct_record(
        Correction(
            lesson_id=lesson_id,
            school_number=student(number).school_number,
            full_name=student(number).full_name,
            verdict=verdict,
            actor=actor,
            reason="as I saw",
            **values,
        )
    )


def groups_of(page: Any) -> dict[str, list[str]]:
    shown = page.context["shown"]
    return {group.key: [row.school_number for row in group.rows] for group in shown.groups}


def numbers(*of: int) -> list[str]:
    return [student(each).school_number for each in of]


def test_everybody_expected_is_on_the_board_by_name() -> None:
    lesson = section_lesson(section_of_today((1, 2, 3, 4)), here=(1, 9))
    say(lesson.id, Verdict.EXCUSE, TEACHER, 2)
    page = signed_in(TEACHER).get(f"/lessons/{lesson.id}/")
    assert groups_of(page) == {
        "decide": [],
        "not_here": numbers(2, 3, 4),
        "here": numbers(9, 1),
    }
    assert page.context["counts"] == {"decide": 0, "not_here": 3, "here": 2, "all": 5}
    text = text_of(page)
    assert "<strong>1</strong> of 4 here" in text
    assert "<strong>+1</strong> not on the roster" in text
    assert text.count("Not on the roster") == 1
    assert text.count("Not yet here") == 2


@pytest.mark.parametrize("tab", ["here", "not_here", "decide", "all", "nonsense"])
def test_a_tab_shows_its_group(tab: str) -> None:
    lesson = section_lesson(section_of_today((1, 2)), here=(1,))
    found = groups_of(signed_in(TEACHER).get(f"/lessons/{lesson.id}/?tab={tab}"))
    expected = {"here": numbers(1), "not_here": numbers(2), "decide": []}
    assert found == ({tab: expected[tab]} if tab in expected else expected)


@pytest.mark.parametrize("search", ["IŞIK", "ışık", "Işık", "işik", "s-0007"])
def test_the_search_finds_names_of_the_roster_in_any_case(search: str) -> None:
    section = section_of_today((1,))
    enrol(section, Person("S-0007", "Işık Çelik"))
    lesson = section_lesson(section)
    page = signed_in(TEACHER).get(f"/lessons/{lesson.id}/", {"search": search})
    assert groups_of(page)["not_here"] == ["S-0007"]
    assert page.context["counts"]["not_here"] == 2


def test_held_walk_ins_and_refused_ones_are_to_be_decided_with_words() -> None:
    held = section_lesson(section_of_today((1,), walk_ins="hold"), here=(9,))
    page = signed_in(TEACHER).get(f"/lessons/{held.id}/")
    assert groups_of(page)["decide"] == numbers(9)
    assert "not on the roster" in text_of(page)
    assert "not_on_roster" not in text_of(page)
    say(held.id, Verdict.ACCEPT, TEACHER, 9)
    page = signed_in(TEACHER).get(f"/lessons/{held.id}/")
    assert (groups_of(page)["here"], page.context["shown"].walk_ins) == (numbers(9), 1)


def test_a_refused_walk_in_is_accepted_with_one_click() -> None:
    lesson = section_lesson(section_of_today((1,), walk_ins="refuse"))
    with pytest.raises(NotOnRoster):
        check_in(lesson.id, student=student(9))
    desk = signed_in(TEACHER)
    page = desk.get(f"/lessons/{lesson.id}/")
    assert page.context["counts"]["decide"] == 1
    (each, why, _dismissal), *_ = page.context["refusals"]
    assert str(why) == "not on the roster"
    given = {"school_number": each.school_number, "full_name": each.full_name, "request_id": "a1"}
    assert desk.post(f"/lessons/{lesson.id}/add/", given).status_code == 302
    assert groups_of(desk.get(f"/lessons/{lesson.id}/"))["here"] == numbers(9)


def test_one_click_marks_somebody_of_the_roster_present_and_can_be_undone() -> None:
    lesson, desk = section_lesson(section_of_today((1, 2))), signed_in(TEACHER)
    page = desk.get(f"/lessons/{lesson.id}/?tab=not_here")
    given = {
        "mark": f"accept {student(2).school_number}",
        "request_id": page.context["request_id"],
        "tab": "not_here",
        "search": "",
    }
    for _ in range(2):
        answer = desk.post(f"/lessons/{lesson.id}/mark/", given)
        assert answer.headers["Location"].endswith("?tab=not_here#r-S-0002")
    board = desk.get(f"/lessons/{lesson.id}/")
    assert groups_of(board)["here"] == numbers(2)
    assert f"{student(2).full_name}: present" in text_of(board)
    (row,) = (r for g in board.context["shown"].groups if g.key == "here" for r in g.rows)
    assert row.full_name == student(2).full_name

    again = desk.post(
        f"/lessons/{lesson.id}/mark/",
        given | {"mark": f"accept {student(1).school_number}"},
        headers={"HX-Request": "true"},
    )
    assert groups_of(again) == {"not_here": []}
    said = again.context["said"]
    undo = {
        "mark": f"undo {said.record.school_number}",
        "expected_revision": said.record.revision,
        "request_id": f"{again.context['request_id']}-undo",
    }
    assert desk.post(f"/lessons/{lesson.id}/mark/", undo).status_code == 302
    assert groups_of(desk.get(f"/lessons/{lesson.id}/"))["not_here"] == numbers(1)


def test_one_click_for_somebody_nobody_knows_changes_nothing() -> None:
    lesson, desk = section_lesson(section_of_today((1,))), signed_in(TEACHER)
    given = {"mark": "accept S-777", "request_id": "b1"}
    assert desk.post(f"/lessons/{lesson.id}/mark/", given).status_code == 404
    shown = desk.post(f"/lessons/{lesson.id}/mark/", given, headers={"HX-Request": "true"})
    assert shown.context["problem"]
    assert groups_of(shown)["here"] == []


def test_a_stored_absence_of_the_system_takes_one_click_too() -> None:
    lesson, desk = section_lesson(section_of_today((1, 2)), here=(1,)), signed_in(TEACHER)
    finish_lesson(lesson.id, actor=TEACHER)
    page = desk.get(f"/lessons/{lesson.id}/")
    assert groups_of(page)["not_here"] == numbers(2)
    assert "<strong>1</strong> of 2 here" in text_of(page)
    given = {"mark": f"accept {student(2).school_number}", "request_id": page.context["request_id"]}
    assert desk.post(f"/lessons/{lesson.id}/mark/", given).status_code == 302
    page = desk.get(f"/lessons/{lesson.id}/")
    assert "<strong>2</strong> of 2 here" in text_of(page)
    assert "Nobody is missing" in text_of(page)


def test_an_arrival_beside_a_word_is_shown() -> None:
    lesson = section_lesson(section_of_today((1,)))
    say(lesson.id, Verdict.ABSENT, TEACHER)
    check_in(lesson.id, student=student(1))
    page = text_of(signed_in(TEACHER).get(f"/lessons/{lesson.id}/"))
    assert "<bdi>came " in page


@pytest.mark.parametrize("when", ["before the end", "afterwards"])
def test_a_lesson_that_is_not_held_says_so_and_can_be_held_after_all(when: str) -> None:
    lesson, desk = section_lesson(section_of_today((1, 2)), here=(1,)), signed_in(TEACHER)
    if when == "afterwards":
        finish_lesson(lesson.id, actor=TEACHER)
    path = f"/lessons/{lesson.id}/"
    bare = desk.post(f"{path}not-held/", {"reason": " ", "request_id": "n0"}, follow=True)
    assert "Say why" in text_of(bare)
    assert "This lesson is not held" not in text_of(bare)
    page = desk.post(f"{path}not-held/", {"reason": "snow", "request_id": "n1"}, follow=True)
    assert "This lesson is not held.</strong> snow" in text_of(page)
    assert "of 2 here" not in text_of(page)
    assert "Not held.</strong> snow" in text_of(desk.get("/lessons/"))
    page = desk.post(f"{path}held/", {"request_id": "n2"}, follow=True)
    assert "This lesson is not held" not in text_of(page)
    assert "<strong>1</strong> of 2 here" in text_of(page)


@pytest.mark.parametrize("path", ["mark/", "everyone/", "not-held/", "held/", "close/"])
def test_who_may_not_press_these_buttons(path: str) -> None:
    section = section_of_today((1,))
    lesson = section_lesson(section)
    given = {"reason": "no", "request_id": "c1", "school_number": student(1).school_number}
    other = signed_in(Person("T-9", "Teacher 9", TEACHER.role))
    assert other.post(f"/lessons/{lesson.id}/{path}", given).status_code == 404
    assert signed_in(student(1)).post(f"/lessons/{lesson.id}/{path}", given).status_code == 403
    before = store.read_lesson(lesson.id).revision
    led = signed_in(TEACHER).get(f"/lessons/{lesson.id}/{path}")
    assert led.headers["Location"] == f"/lessons/{lesson.id}/"
    assert store.read_lesson(lesson.id).revision == before


def test_an_assistant_runs_the_board_and_the_screen() -> None:
    section = section_of_today((1,))
    enrol(section, ASSISTANT, EnrolmentRole.ASSISTANT)
    lesson, desk = section_lesson(section), signed_in(ASSISTANT)
    for path in ("", "rows/", "screen/", "screen/code/"):
        assert desk.get(f"/lessons/{lesson.id}/{path}").status_code == 200
    given = {"mark": f"accept {student(1).school_number}", "request_id": "d1"}
    assert desk.post(f"/lessons/{lesson.id}/mark/", given).status_code == 302
    assert AttendanceRecord.objects.count() == 0
    assert groups_of(desk.get(f"/lessons/{lesson.id}/"))["here"] == numbers(1)


def lesson_from_receipts() -> Any:
    """A stored lesson of a course whose roster nobody has closed."""
    lesson = section_lesson(section_of_today((1, 2, 3)), here=(1,))
    finish_lesson(lesson.id, actor=TEACHER)
    AttendanceRecord.objects.filter(source="system").delete()
    Attendance.objects.filter(pk=lesson.id).update(roster_closed_at=None)
    AttendanceRecord.objects.update(is_expected=None)
    LessonLedger.objects.filter(pk=lesson.id).update(state=LessonState.DISCARDED)
    return lesson


def test_a_roster_that_nobody_has_closed_is_closed_with_one_button() -> None:
    lesson, desk = lesson_from_receipts(), signed_in(TEACHER)
    path = f"/lessons/{lesson.id}/"
    page = desk.get(path)
    assert "Mark the missing" in text_of(page)
    assert "of 3 here" not in text_of(page)
    after = desk.post(f"{path}close/", {"request_id": "e1"}, follow=True)
    assert "2 students are marked as missing" in text_of(after)
    assert "Mark the missing" not in text_of(after)
    assert groups_of(after)["not_here"] == numbers(2, 3)


def test_a_closed_roster_is_not_offered_again() -> None:
    lesson = section_lesson(section_of_today((1, 2)), here=(1,))
    finish_lesson(lesson.id, actor=TEACHER)
    LessonLedger.objects.filter(pk=lesson.id).update(state=LessonState.DISCARDED)
    page = signed_in(TEACHER).get(f"/lessons/{lesson.id}/")
    assert not page.context["is_roster_open"]


@pytest.mark.parametrize("stored", [False, True])
def test_a_word_that_staff_outranks_says_so(stored: bool) -> None:
    lesson, desk = section_lesson(section_of_today((1,)), here=(1,)), signed_in(TEACHER)
    if stored:
        finish_lesson(lesson.id, actor=TEACHER)
    path = f"/lessons/{lesson.id}/records/{student(1).school_number}/"
    assert "Staff decided this" not in text_of(desk.get(path))
    say(lesson.id, Verdict.EXCUSE, STAFF)
    page = desk.get(path)
    assert "Staff decided this" in text_of(page)
    assert "Staff decided this" not in text_of(signed_in(STAFF).get(path))
    after = desk.post(path, form_of(page, verdict="absent", reason="not seen"), follow=True)
    assert "stays as it is" in text_of(after)
    page = desk.get(path)
    assert page.context["record"].status == "excused"
    assert page.context["why"].startswith("excused: Staff 1 said so at ")
    said = page.context["history"][-1]
    assert (said.what, said.who) == ("said: absent", TEACHER.full_name)
    assert said.why == "not seen (kept here; a word of higher rank stands)"


def test_the_page_of_a_record_says_why() -> None:
    section = section_of_today((1,), policy={"late_after_s": 0})
    lesson = section_lesson(section, here=(1,))
    page = signed_in(TEACHER).get(f"/lessons/{lesson.id}/records/{student(1).school_number}/")
    assert page.context["why"].startswith("late: came ")
    assert "Late: came " in text_of(page)


def test_the_history_tells_an_arrival_after_a_word() -> None:
    lesson = section_lesson(section_of_today((1,)))
    say(lesson.id, Verdict.ABSENT, TEACHER)
    check_in(lesson.id, student=student(1))
    page = signed_in(TEACHER).get(f"/lessons/{lesson.id}/records/{student(1).school_number}/")
    assert [line.what for line in page.context["history"]] == [
        "no record → absent",
        "came, which alone would be: present",
    ]


def test_a_board_asks_the_same_of_a_large_roster() -> None:
    def queries(count: int) -> int:
        lesson = section_lesson(section_of_today(range(1, count)), here=(1,))
        desk = signed_in(TEACHER)
        desk.get(f"/lessons/{lesson.id}/")
        with CaptureQueriesContext(connection) as captured:
            page = desk.get(f"/lessons/{lesson.id}/")
        assert page.context["counts"]["all"] == count - 1
        finish_lesson(lesson.id, actor=TEACHER)
        return len(captured)

    assert queries(3) == queries(40)


def test_screen_counts_whom_the_roster_expects_and_names_nobody() -> None:
    lesson = section_lesson(section_of_today((1, 2)), here=(1,))
    desk = signed_in(TEACHER)
    for path in ("screen/", "screen/code/"):
        page = text_of(desk.get(f"/lessons/{lesson.id}/{path}"))
        assert "<strong>1</strong> of 2 here" in page
        assert "Student" not in page
    not_held.say_not_held(lesson.id, actor=TEACHER, reason="snow")
    page = text_of(desk.get(f"/lessons/{lesson.id}/screen/code/"))
    assert "This lesson is not held" in page
    assert "snow" not in page
