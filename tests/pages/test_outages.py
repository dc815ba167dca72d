"""What pages show while a server is away: what is known, what to do, and that nothing is lost."""

from typing import Any

import pytest

from attendance.live import store
from tests.api.test_outages import no_postgresql, stop_redis
from tests.lessons import TEACHER
from tests.pages.test_check_in import start, text_of
from tests.pages.test_home import STUDENT, signed_in
from tests.pages.test_sign_in import STAFF

__all__ = ["no_postgresql"]

pytestmark = pytest.mark.django_db(transaction=True)


def test_without_postgresql_a_phone_checks_in_and_a_board_shows_it(no_postgresql: Any) -> None:
    lesson = start()
    phone, desk = signed_in(STUDENT), signed_in(TEACHER)
    phone.get("/")
    desk.get("/")

    no_postgresql()
    assert "I am here" in text_of(phone.get(f"/lessons/{lesson.id}/here/"))
    assert "You are here" in text_of(phone.post(f"/lessons/{lesson.id}/here/", follow=True))
    board = desk.get(f"/lessons/{lesson.id}/")
    assert (board.status_code, STUDENT.full_name in text_of(board)) == (200, True)
    past = desk.get("/lessons/")
    assert (past.status_code, "Nothing is lost" in text_of(past)) == (503, True)
    assert int(past.headers["Retry-After"]) > 0


def test_without_postgresql_operations_say_so(no_postgresql: Any) -> None:
    staff = signed_in(STAFF)
    staff.get("/")
    no_postgresql()
    page = staff.get("/admin/operations/")
    assert (page.status_code, "which does not answer" in text_of(page)) == (200, True)
    assert "Redis: works" in text_of(page)


def test_without_redis_no_page_says_that_a_lesson_is_gone(monkeypatch: pytest.MonkeyPatch) -> None:
    lesson = start()
    phone, desk, staff = signed_in(STUDENT), signed_in(TEACHER), signed_in(STAFF)
    with monkeypatch.context() as patch:
        stop_redis(patch)
        pages = [
            phone.get(f"/lessons/{lesson.id}/here/"),
            phone.post(f"/lessons/{lesson.id}/here/"),
            phone.post("/c/", {"code": "ABCD EFGH"}),
            desk.get(f"/lessons/{lesson.id}/"),
            desk.get(f"/lessons/{lesson.id}/screen/code/"),
        ]
        operations = staff.get("/admin/operations/")
    assert [page.status_code for page in pages] == [503] * 5
    assert "Nothing is lost" in text_of(pages[1])
    # What could not be looked at was not kept, and no page may say that it was.
    assert "is kept" not in text_of(pages[2])
    assert operations.status_code == 200
    assert "Redis: works" not in text_of(operations)
    assert store.read_lesson(lesson.id).record_count == 0
