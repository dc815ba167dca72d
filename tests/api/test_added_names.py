"""PUT of a record whose number is somebody else's: asked, not done."""

import pytest

from attendance.live import store
from tests.support.callers import Api
from tests.support.lessons import TEACHER, live_lesson
from tests.support.sections import user_of
from users.identity import Person, Role

pytestmark = pytest.mark.django_db(transaction=True)


def test_another_name_is_a_problem_that_says_whose_number_it_is() -> None:
    user_of(Person("S-0002", "Zeynep Şahin"))
    lesson, api = live_lesson(1), Api(TEACHER)
    path = f"lessons/{lesson.id}/records/s-0002/"
    asked = api.put(path, {"full_name": "Ada Typed"})
    told = asked.json()
    assert (asked.status_code, told["code"]) == (409, "name_differs")
    assert told["known_name"] == "Zeynep Şahin"
    assert "or correct the number" in told["detail"]
    assert store.read_lesson(lesson.id).record_count == 1
    assert api.put(path, {"full_name": told["known_name"]}).status_code == 201
    # Who is there is corrected, as ever; the record keeps its name.
    again = api.put(path, {"full_name": "Ada Typed", "status": "absent", "reason": "left"})
    assert (again.status_code, again.json()["full_name"]) == (200, "Zeynep Şahin")


def test_a_lesson_that_is_another_teachers_tells_no_name() -> None:
    user_of(Person("S-0002", "Zeynep Şahin"))
    lesson = live_lesson(1)
    other = Api(Person("T-9", "Teacher 9", Role.TEACHER))
    asked = other.put(f"lessons/{lesson.id}/records/S-0002/", {"full_name": "Ada Typed"})
    assert (asked.status_code, asked.json()["code"]) == (404, "lesson_not_found")
    assert "Zeynep" not in asked.content.decode()
