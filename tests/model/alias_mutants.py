"""Guards of people whose numbers change, each taken out once."""

from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from uuid import UUID

from django.db import connection

from attendance.live.payloads import RequestKey
from attendance.live.store import NO_REQUEST
from attendance.selectors import seen_numbers
from attendance.selectors.seen_numbers import Seen
from attendance.services import corrections
from tests.model import alias_scenarios
from tests.model.taking_out import Mutant, lua, python
from users.services import ensuring


@contextmanager
def _without_trigger(name: str) -> Iterator[None]:
    with connection.cursor() as cursor:
        cursor.execute(f"ALTER TABLE users_user DISABLE TRIGGER {name}")
    try:
        yield
    finally:
        with connection.cursor() as cursor:
            cursor.execute(f"ALTER TABLE users_user ENABLE TRIGGER {name}")


def _one_number_in_a_lesson() -> AbstractContextManager[None]:
    def find(lesson_id: UUID, number: str, *, request: RequestKey = NO_REQUEST) -> Seen:
        return seen_numbers._seen(lesson_id, number, request)

    return python(corrections, "find_in_lesson", find)


ALL = (
    Mutant(
        "a former number stands for nobody",
        lambda: python(ensuring, "_hold_by_former", lambda numbers: {}),
        alias_scenarios.NEW_NUMBER,
    ),
    Mutant(
        "a number that has changed is not written down",
        lambda: _without_trigger("user_number_is_written_down"),
        alias_scenarios.NEW_NUMBER,
    ),
    Mutant(
        "a former number is given to somebody else",
        lambda: _without_trigger("user_number_was_nobody_elses"),
        alias_scenarios.NEW_NUMBER,
    ),
    Mutant(
        "a check-in looks under one number",
        lambda: lua("check_in", "numbers_of(ARGV[2], ARGV[13])", "{ARGV[2]}"),
        alias_scenarios.TWO_NUMBERS,
    ),
    Mutant(
        "a correction looks under one number",
        _one_number_in_a_lesson,
        alias_scenarios.TWO_NUMBERS,
    ),
)
