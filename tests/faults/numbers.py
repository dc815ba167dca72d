"""Who is meant by a school number: somebody who has another one now is the same person."""

from collections.abc import Mapping
from typing import Any, TypeVar
from uuid import UUID

import psycopg

T = TypeVar("T")
Pair = tuple[UUID, str]

_PRESENT = (
    "SELECT f.number, u.school_number FROM users_formernumber f JOIN users_user u"
    " ON u.id = f.user_id WHERE f.number NOT IN (SELECT school_number FROM users_user)"
)


class Numbers:
    """The present number of each person, by every number that they had."""

    def __init__(self, sql: "psycopg.Connection[tuple[Any, ...]]") -> None:
        rows = sql.execute(_PRESENT).fetchall()
        self._present = {str(former): str(present) for former, present in rows}

    def of(self, pair: Pair) -> Pair:
        """A lesson and a number: the same lesson, and the number of that person now."""
        return pair[0], self._present.get(pair[1], pair[1])

    def together(self, marks: Mapping[Pair, list[T]]) -> dict[Pair, list[T]]:
        """What was said of one person in one lesson, under whichever number."""
        found: dict[Pair, list[T]] = {}
        for pair, said in marks.items():
            found.setdefault(self.of(pair), []).extend(said)
        return found
