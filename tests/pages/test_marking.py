"""One click on the board: each status, taken back and brought back, and everyone else at once."""

import time
from typing import Any

import pytest

from attendance.errors import AttendanceError
from attendance.live import store
from attendance.services.check_in import check_in
from attendance.services.lessons import finish_lesson
from attendance.web.pages import board as boards
from tests.pages.visitors import signed_in, text_of
from tests.support.lessons import TEACHER, student
from tests.support.sections import section_lesson, section_of_today

pytestmark = pytest.mark.django_db(transaction=True)

HTMX = {"HX-Request": "true"}
NUMBER = student(1).school_number


def one_lesson(*, here: tuple[int, ...] = (), of: int = 3) -> tuple[str, Any]:
    lesson = section_lesson(section_of_today(range(1, of + 1)), here=here)
    return f"/lessons/{lesson.id}/", lesson.id


def rows_of(page: Any) -> dict[str, Any]:
    return {row.school_number: row for group in page.context["shown"].groups for row in group.rows}


@pytest.mark.parametrize("stored", [False, True])
@pytest.mark.parametrize(
    ("verdict", "status", "reason"),
    [
        ("accept", "present", ""),
        ("late", "late", "came late"),
        ("absent", "absent", "not in the room"),
        ("reject", "rejected", "not in the room"),
    ],
)
def test_one_click_gives_each_status(verdict: str, status: str, reason: str, stored: bool) -> None:
    board, lesson_id = one_lesson(here=(1,))
    desk = signed_in(TEACHER)
    if stored:
        finish_lesson(lesson_id, actor=TEACHER)
    part = desk.post(
        f"{board}mark/", {"mark": f"{verdict} {NUMBER}", "request_id": "a"}, headers=HTMX
    )
    row = rows_of(part)[NUMBER]
    assert (row.status, row.reason) == (status, reason)
    assert f"{student(1).full_name}: {status}" in text_of(part)
    assert [choice.status for choice in row.choices if choice.is_pressed] == (
        [] if status == "rejected" else [status]
    )


def test_an_excuse_has_a_reason_chosen_typed_or_asked_for() -> None:
    board, _lesson_id = one_lesson(here=(1,))
    desk = signed_in(TEACHER)
    sent = {"mark": f"excuse {NUMBER}", "request_id": "a"}
    for headers in ({}, HTMX):
        asked = desk.post(f"{board}mark/", sent, headers=headers)
        assert asked.headers["Location" if not headers else "HX-Redirect"].endswith(
            f"{board}records/{NUMBER}/?verdict=excuse"
        )
    page = desk.get(f"{board}records/{NUMBER}/?verdict=excuse")
    assert page.context["form"]["verdict"].value() == "excuse"
    done = desk.post(f"{board}mark/", sent | {"reason": "ill"}, headers=HTMX)
    row = rows_of(done)[NUMBER]
    assert (row.status, row.reason) == ("excused", "ill")


def test_undo_takes_back_and_redo_brings_back() -> None:
    board, _lesson_id = one_lesson(here=(1,))
    desk = signed_in(TEACHER)
    page = desk.post(f"{board}mark/", {"mark": f"late {NUMBER}", "request_id": "a"}, headers=HTMX)
    for word, status in (("Redo", "present"), ("Undo", "late")):
        undo = {
            "mark": f"undo {NUMBER}",
            "expected_revision": page.context["said"].record.revision,
            "request_id": f"{page.context['request_id']}-undo",
        }
        page = desk.post(f"{board}mark/", undo, headers=HTMX)
        assert rows_of(page)[NUMBER].status == status
        assert word in text_of(page) or word == "Undo"
    # What has changed since is not taken back with it.
    again = desk.post(f"{board}mark/", undo | {"request_id": "late"}, headers=HTMX)
    assert again.context["problem"]
    assert rows_of(again)[NUMBER].status == "late"


@pytest.mark.parametrize(
    "mark",
    [
        "",
        "late",
        "excuse",
        "excuse ",
        "excuse a/b",
        "undo",
        "praise S-0001",
        "delete S-0001",
        "late S-777",
        "late Ş ?",
        "undo S-0002",
    ],
)
def test_a_mark_that_says_nothing_changes_nothing(mark: str) -> None:
    board, lesson_id = one_lesson(here=(1,))
    desk = signed_in(TEACHER)
    before = store.read_lesson(lesson_id).revision
    told = desk.post(f"{board}mark/", {"mark": mark, "request_id": "a"}, headers=HTMX)
    assert (told.status_code, bool(told.context["problem"])) == (200, True)
    assert desk.post(f"{board}mark/", {"mark": mark, "request_id": "a"}).status_code in {
        400,
        404,
        409,
    }
    assert store.read_lesson(lesson_id).revision == before


def test_the_place_is_kept() -> None:
    board, _lesson_id = one_lesson()
    sent = {"mark": f"late {NUMBER}", "tab": "all", "search": "0", "sort": "name"}
    led = signed_in(TEACHER).post(f"{board}mark/", sent)
    assert led.headers["Location"] == f"{board}?tab=all&search=0&sort=name#r-{NUMBER}"


@pytest.mark.parametrize(("verdict", "status"), [("accept", "present"), ("absent", "absent")])
def test_everyone_else_is_marked_and_nobody_who_has_a_mark(verdict: str, status: str) -> None:
    board, _lesson_id = one_lesson(here=(1,))
    desk = signed_in(TEACHER)
    desk.post(f"{board}mark/", {"mark": f"excuse {student(2).school_number}", "reason": "ill"})
    after = desk.post(f"{board}everyone/", {"verdict": verdict, "request_id": "e"}, follow=True)
    assert f"1 student: {status}" in text_of(after)
    assert [row.status for row in rows_of(after).values()].count("excused") == 1
    assert rows_of(after)[student(3).school_number].status == status
    assert "Everyone else" not in text_of(after)
    again = desk.post(f"{board}everyone/", {"verdict": verdict, "request_id": "e"}, follow=True)
    assert rows_of(again) == rows_of(after)


def test_whoever_comes_meanwhile_is_not_made_absent(monkeypatch: pytest.MonkeyPatch) -> None:
    board, lesson_id = one_lesson()
    visible = boards.visible_board

    def comes_after_the_look(*args: Any, **more: Any) -> Any:
        seen = visible(*args, **more)
        check_in(lesson_id, student=student(2))
        return seen

    monkeypatch.setattr(boards, "visible_board", comes_after_the_look)
    desk = signed_in(TEACHER)
    desk.post(f"{board}everyone/", {"verdict": "absent", "request_id": "e"})
    monkeypatch.undo()
    statuses = [row.status for row in rows_of(desk.get(f"{board}?sort=name")).values()]
    assert statuses == ["absent", "present", "absent"]


def test_rows_stand_in_the_order_that_is_asked_for() -> None:
    board, lesson_id = one_lesson(here=(3,))
    # Who came in the same millisecond stands in the order of names.
    time.sleep(0.002)
    check_in(lesson_id, student=student(1))
    desk = signed_in(TEACHER)

    def order(sort: str) -> list[str]:
        return list(rows_of(desk.get(board, {"sort": sort})))

    assert order("name") == [student(n).school_number for n in (1, 2, 3)]
    assert order("came") == [student(n).school_number for n in (3, 1, 2)]
    assert order("status") == [student(n).school_number for n in (2, 1, 3)]
    assert order("nonsense") == order("")
    assert 'aria-sort="ascending"' in text_of(desk.get(board, {"sort": "name"}))


def test_several_are_marked_at_once_and_each_word_is_kept() -> None:
    board, _lesson_id = one_lesson(here=(1,), of=4)
    desk = signed_in(TEACHER)
    page = desk.get(board, {"select": "1", "sort": "name"})
    assert text_of(page).count('name="who"') == 4
    # Whoever looks at another tab goes on selecting.
    assert text_of(page).count("&amp;select=1") == 8
    who = [student(n).school_number for n in (1, 3)] + ["S-777", NUMBER]
    sent = {"who": who, "verdict": "late", "request_id": "s", "select": "1", "sort": "name"}
    after = desk.post(f"{board}ticked/", sent)
    assert after.headers["Location"] == f"{board}?sort=name&select=1"
    page = desk.get(after.headers["Location"])
    assert "2 students: late" in text_of(page)
    statuses = [row.status for row in rows_of(page).values()]
    assert statuses == ["late", "", "late", ""]
    assert {r.reason for r in rows_of(page).values() if r.status} == {"came late"}


def test_several_are_taken_back_and_brought_back_but_for_who_has_changed() -> None:
    board, _lesson_id = one_lesson(here=(1,), of=3)
    desk = signed_in(TEACHER)
    who = [student(n).school_number for n in (1, 2, 3)]
    page = desk.post(f"{board}ticked/", {"who": who, "verdict": "late"}, follow=True)

    def statuses(page: Any) -> list[str]:
        return [rows_of(page)[number].status for number in who]

    def press_undo(**more: str) -> Any:
        said = page.context["of_several"]
        return desk.post(f"{board}undo/", {"undo": said.undo, **more}, follow=True)

    assert statuses(page) == ["late"] * 3
    # It is offered once: what was read before is not read again.
    assert desk.get(board).context["of_several"] is None
    desk.post(f"{board}mark/", {"mark": f"absent {who[1]}", "request_id": "b"})
    before, page = page, press_undo()
    assert "2 students: taken back" in text_of(page)
    assert "1 student has changed since, and was left alone." in text_of(page)
    assert statuses(page) == ["present", "absent", ""]
    page = press_undo(is_undone="1")
    assert "2 students: marked again" in text_of(page)
    assert statuses(page) == ["late", "absent", "late"]
    # The button of a page from before takes nothing back.
    page = before
    assert statuses(press_undo()) == ["late", "absent", "late"]


def test_what_was_said_of_several_is_offered_on_its_own_board_alone() -> None:
    board, lesson_id = one_lesson()
    desk = signed_in(TEACHER)
    desk.post(f"{board}everyone/", {"verdict": "absent", "request_id": "e"})
    finish_lesson(lesson_id, actor=TEACHER)
    other, _other_id = one_lesson(of=2)
    assert desk.get(other).context["of_several"] is None
    assert len(desk.get(board).context["of_several"].undo) == 3


@pytest.mark.parametrize("sent", ["", "x", "1", f" {NUMBER}", f"-1 {NUMBER}", "9" * 5_000])
def test_odd_buttons_take_nothing_back(sent: str) -> None:
    board, lesson_id = one_lesson(here=(1,))
    desk = signed_in(TEACHER)
    desk.post(f"{board}mark/", {"mark": f"late {NUMBER}", "request_id": "a"})
    before = store.read_lesson(lesson_id).revision
    answer = desk.post(f"{board}undo/", {"undo": sent}, follow=True)
    assert answer.status_code in {200, 409}
    assert store.read_lesson(lesson_id).revision == before


def test_several_need_a_reason_to_be_excused_and_somebody_ticked() -> None:
    board, _lesson_id = one_lesson()
    desk = signed_in(TEACHER)
    nobody = desk.post(f"{board}ticked/", {"verdict": "late"}, follow=True)
    assert "Nobody is ticked" in text_of(nobody)
    sent = {"who": [NUMBER], "verdict": "excuse", "request_id": "s"}
    assert "Say why" in text_of(desk.post(f"{board}ticked/", sent, follow=True))
    page = desk.post(f"{board}ticked/", sent | {"reason": "ill"}, follow=True)
    assert rows_of(page)[NUMBER].status == "excused"


@pytest.mark.parametrize(("number", "status"), [(2, "absent"), (9, "rejected")])
def test_a_refused_attempt_is_dismissed(number: int, status: str) -> None:
    section = section_of_today((1, 2), walk_ins="refuse")
    lesson = section_lesson(section, checks=("code",))
    board, desk = f"/lessons/{lesson.id}/", signed_in(TEACHER)
    with pytest.raises(AttendanceError):
        check_in(lesson.id, student=student(number))
    ((each, _why, dismissal),) = desk.get(board).context["refusals"]
    sent = {"mark": f"{dismissal} {each.school_number}", "request_id": "d"}
    page = desk.post(f"{board}mark/", sent, headers=HTMX)
    assert not page.context["refusals"]
    assert rows_of(page)[each.school_number].status == status


@pytest.mark.parametrize("verdict", ["", "undo", "delete", "praise"])
@pytest.mark.parametrize("path", ["everyone/", "ticked/"])
def test_several_are_given_a_status_and_nothing_else(path: str, verdict: str) -> None:
    board, lesson_id = one_lesson(here=(1,))
    before = store.read_lesson(lesson_id).revision
    sent = {"who": [NUMBER], "verdict": verdict, "request_id": "s"}
    assert signed_in(TEACHER).post(f"{board}{path}", sent).status_code == 400
    assert store.read_lesson(lesson_id).revision == before


@pytest.mark.parametrize("revision", ["x", "-1", "²", "9" * 5_000])
def test_a_revision_that_is_none_undoes_nothing(revision: str) -> None:
    board, _lesson_id = one_lesson(here=(1,))
    desk = signed_in(TEACHER)
    desk.post(f"{board}mark/", {"mark": f"late {NUMBER}", "request_id": "a"})
    undo = {"mark": f"undo {NUMBER}", "expected_revision": revision, "request_id": "b"}
    page = desk.post(f"{board}mark/", undo, headers=HTMX)
    assert page.context["problem"]
    assert rows_of(page)[NUMBER].status == "late"


def test_several_count_as_if_each_had_been_pressed(settings: Any) -> None:
    board, _lesson_id = one_lesson(of=6)
    settings.CHANGES_PER_MINUTE = 4
    sent = {"verdict": "absent", "request_id": "e"}
    page = signed_in(TEACHER).post(f"{board}everyone/", sent, follow=True)
    assert [row.status for row in rows_of(page).values()].count("absent") == 3
    assert "Too many attempts" in text_of(page)
