"""A register of 400 that has not changed, against one that has.

./attn test bench/register.py -s
"""

import time

import pytest

from attendance.live import client, keys
from attendance.services.check_in import check_in
from attendance.services.lessons import LessonPlan, start_lesson
from bench.figures import ROUNDS, Figure, middle, note, spread
from bench.site import KeptConnection, served
from tests.support.backlog import student
from tests.support.callers import account
from users.identity import Person, Role
from users.tokens import issue_token

STUDENTS, ASKED = 400, 100
TEACHER = Person("T-1", "Teacher 1", Role.TEACHER)


@pytest.mark.django_db(transaction=True)
@pytest.mark.timeout(600)
def test_register() -> None:
    lesson = start_lesson(LessonPlan("Bench", minutes=30), teacher=TEACHER)
    for number in range(STUDENTS):
        check_in(lesson.id, student=student(number))
    token, path = issue_token(account(TEACHER).pk).token, f"/api/v1/lessons/{lesson.id}/records/"
    ratios, rates = [], []
    with served() as port:
        caller = KeptConnection(port)
        etag = caller.etag_of(path, token)
        for _ in range(ROUNDS + 1):
            changed = asked(caller, path, token, "", 200)
            unchanged = asked(caller, path, token, etag, 304)
            ratios.append(changed / unchanged)
            rates.append(ASKED / unchanged)
        caller.close()
    assert client.connection().hlen(keys.records(lesson.id)) == STUDENTS
    note(
        Figure(
            "register of 400 students, unchanged (304) against changed",
            "≥ 5 ×",
            f"{spread(ratios[1:])} ×",
            f"{middle(rates[1:]):,.0f} answers of 304 a second",
        )
    )


def asked(caller: KeptConnection, path: str, token: str, etag: str, expected: int) -> float:
    started = time.perf_counter()
    for _ in range(ASKED):
        assert caller.get(path, token, etag) == expected
    return time.perf_counter() - started
