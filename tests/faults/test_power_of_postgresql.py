"""PostgreSQL dies right after its answer, on a server that need not have written it yet."""

import base64
import json
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from http.client import HTTPConnection
from uuid import UUID

import pytest
from pytest_django.fixtures import Settings

from tests.faults.audit import let_run_to_rest
from tests.faults.desks import Desk
from tests.faults.rig import Rig, Site, Template, made_rig
from tests.faults.school import School
from webhooks.signing import signature

SECRET = b"0123456789abcdef0123456789abcdef"
LAZY = ("-c", "synchronous_commit=off", "-c", "wal_writer_delay=10s")
"""Commits are answered from memory, and written seconds later."""
VERIFIER = {
    "ATTN_VERIFIER_URL": "http://127.0.0.1:9/",
    "ATTN_VERIFIER_SECRET": base64.b64encode(SECRET).decode(),
}


@pytest.fixture(scope="module")
def lazy_rig(template: Template) -> Iterator[Rig]:
    with made_rig(template, postgres=LAZY) as rig:
        yield rig


@pytest.fixture(scope="module")
def lazy_site(lazy_rig: Rig) -> Iterator[Site]:
    with lazy_rig.site(env=VERIFIER) as site:
        yield site


@pytest.fixture
def lazy(lazy_rig: Rig, lazy_site: Site, seed: int) -> Iterator[School]:
    lazy_rig.empty()
    with closing(School(lazy_rig, lazy_site, seed)) as school:
        yield school


def test_a_stored_word_outlives_a_postgresql_that_need_not_write(
    lazy: School, settings: Settings
) -> None:
    settings.VERIFIER_SECRET = SECRET
    for say in (_correct, _send_receipts, _verify, _rename):
        say_it, is_there = say(lazy)
        cut_power_after(lazy.rig, say_it)
        assert is_there(), f"{say.__name__}: acknowledged and gone"


def test_a_postgresql_that_need_not_write_loses_what_others_commit(lazy: School) -> None:
    """The test above can fail: this is what it would see without the site's own setting."""

    def say_it() -> None:
        with lazy.rig.sql() as sql:
            sql.execute("UPDATE users_user SET full_name = 'Somebody' WHERE role = 'staff'")

    cut_power_after(lazy.rig, say_it)
    with lazy.rig.sql() as sql:
        names = sql.execute("SELECT full_name FROM users_user WHERE role = 'staff'").fetchall()
    assert names == [("Staff 1",)]


Word = tuple[Callable[[], object], Callable[[], bool]]


def cut_power_after(rig: Rig, say_it: Callable[[], object]) -> None:
    # What was there before is on the disk, so that nothing else leads to a write.
    with rig.sql() as sql:
        sql.execute("CHECKPOINT")
    say_it()
    rig.postgres.kill()
    rig.postgres.start()


def _stored(school: School, students: int = 3) -> Desk:
    desk = school.lesson(students)
    desk.finish()
    let_run_to_rest(school.rig)
    return desk


def _has(rig: Rig, query: str, *values: object) -> bool:
    with rig.sql() as sql:
        return bool(sql.execute(query, list(values)).fetchall())


def _correct(school: School) -> Word:
    desk = _stored(school)

    def is_there() -> bool:
        (said,) = (each for each in school.journal.acknowledged if each.kind == "correct")
        query = "SELECT FROM attendance_attendanceevent WHERE request_id = %s"
        return _has(school.rig, query, said.request_id)

    return desk.correct_somebody, is_there


def _send_receipts(school: School) -> Word:
    lesson_id = school.lesson(1, teacher=1).lesson.id
    school.rig.redis().flushall()
    let_run_to_rest(school.rig)
    query = "SELECT FROM attendance_attendancerecord WHERE attendance_id = %s"
    return school.send_receipts, lambda: _has(school.rig, query, lesson_id)


def _verify(school: School) -> Word:
    teacher, student = school.rig.people.teachers[2], school.rig.people.students[0]
    plan = {"lesson_name": "Physics", "minutes": 45, "checks": ["external"]}
    lesson_id = UUID(_ask(school, "POST", "lessons/", teacher.token, plan)["id"])
    told = _ask(school, "POST", f"lessons/{lesson_id}/check-in/", student.token, {})
    _ask(school, "POST", f"lessons/{lesson_id}/finish/", teacher.token, {})
    let_run_to_rest(school.rig)
    verification = f"{lesson_id}.{student.school_number}.{told['revision']}"
    path = f"verifications/{verification}/"

    def say_it() -> None:
        said = {"verification_id": verification, "verdict": "accept"}
        body, at = json.dumps(said).encode(), str(int(time.time()))
        headers = {"webhook-id": "message", "webhook-timestamp": at}
        _send(
            school,
            "POST",
            path,
            body,
            {**headers, "webhook-signature": signature("message", at, body, key=SECRET)},
        )

    query = "SELECT FROM attendance_attendancerecord WHERE attendance_id = %s AND status = %s"
    return say_it, lambda: _has(school.rig, query, lesson_id, "present")


def _rename(school: School) -> Word:
    lesson_id = _stored(school).lesson.id
    token = school.rig.people.teachers[0].token
    name = {"lesson_name": "Chemistry"}
    query = "SELECT FROM attendance_attendance WHERE id = %s AND lesson_name = %s"
    return (
        lambda: _ask(school, "PATCH", f"lessons/{lesson_id}/", token, name),
        lambda: _has(school.rig, query, lesson_id, "Chemistry"),
    )


def _ask(school: School, method: str, path: str, token: str, body: object) -> dict[str, str]:
    return _send(
        school, method, path, json.dumps(body).encode(), {"Authorization": f"Token {token}"}
    )


def _send(
    school: School, method: str, path: str, body: bytes, headers: dict[str, str]
) -> dict[str, str]:
    """One request, which is acknowledged."""
    with closing(HTTPConnection("127.0.0.1", school.site.port, timeout=20)) as connection:
        json_headers = {"Content-Type": "application/json", **headers}
        connection.request(method, f"/api/v1/{path}", body, json_headers)
        answer = connection.getresponse()
        told: dict[str, str] = json.loads(answer.read())
        assert answer.status in {200, 201}, told
        return told
