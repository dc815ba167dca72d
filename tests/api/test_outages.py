"""What each caller sees while a server is away, and that nothing is lost meanwhile."""

from typing import Any

import pytest

from attendance.live import store
from attendance.models import AttendanceRecord
from attendance.services.lessons import finish_lesson
from tests.support.callers import Api, account
from tests.support.lessons import TEACHER, live_lesson, student
from tests.support.outages import stop_redis
from users.identity import Person, Role

pytestmark = pytest.mark.django_db(transaction=True)


def test_without_postgresql_those_who_were_seen_still_check_in(no_postgresql: Any) -> None:
    lesson = live_lesson(0)
    seen, unseen, teacher = Api(student(1)), Api(student(2)), Api(TEACHER)
    seen.get("me/")
    teacher.get("me/")

    no_postgresql()
    mark = seen.post(f"lessons/{lesson.id}/check-in/")
    stranger = unseen.post(f"lessons/{lesson.id}/check-in/")
    register = teacher.get(f"lessons/{lesson.id}/records/")
    past = teacher.get("lessons/")

    assert mark.status_code == 201
    assert (stranger.status_code, stranger.json()["code"]) == (503, "database_unavailable")
    assert int(stranger["Retry-After"]) > 0
    assert [r["school_number"] for r in register.json()["results"]] == ["S-0001"]
    assert past.status_code == 503


def test_without_postgresql_a_lesson_starts_and_is_finished_later(no_postgresql: Any) -> None:
    api, me = Api(TEACHER), Api(student(1))
    api.get("me/")
    me.get("me/")

    no_postgresql()
    started = api.post("lessons/", {"lesson_name": "Physics", "minutes": 30})
    lesson_id = started.json()["id"]
    assert started.status_code == 201
    assert me.post(f"lessons/{lesson_id}/check-in/").status_code == 201
    assert api.post(f"lessons/{lesson_id}/finish/").status_code in {200, 503}


def test_without_redis_nobody_is_told_that_a_lesson_is_gone(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    other = Person("T-9", "Teacher 9", Role.TEACHER)
    lesson, stored = live_lesson(1), live_lesson(1, teacher=other)
    finish_lesson(stored.id, actor=other)
    account(TEACHER)
    api, me = Api(TEACHER), Api(student(1))

    with monkeypatch.context() as patch:
        stop_redis(patch)
        answers = [
            me.post(f"lessons/{lesson.id}/check-in/"),
            me.get(f"lessons/{lesson.id}/my-record/"),
            api.get(f"lessons/{lesson.id}/"),
            api.get(f"lessons/{lesson.id}/records/"),
            api.put(f"lessons/{lesson.id}/records/S-7/", {"full_name": "Student 7"}),
            api.post("lessons/", {"lesson_name": "Art", "minutes": 5}),
        ]
        # What is in PostgreSQL only needs no Redis.
        own = me.get(f"lessons/{stored.id}/my-record/")

    for answer in answers:
        assert (answer.status_code, answer.json()["code"]) == (503, "live_store_unavailable")
        assert int(answer["Retry-After"]) > 0
    assert own.json()["status"] == "present"
    assert store.read_lesson(lesson.id).record_count == 1
    assert AttendanceRecord.objects.count() == 1
