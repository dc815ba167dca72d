"""Changing a lesson in the store where it lives, so that what is acknowledged can be missed.

A word that Redis takes is entered in the ledger before it is acknowledged: by its revision. A
copy of Redis that lacks it is known by that, and a stored lesson is stored again at once.
"""

from collections.abc import Callable
from typing import TypeVar
from uuid import UUID

from attendance.live import store
from attendance.live.payloads import LiveLesson
from attendance.selectors import whereabouts
from attendance.services import ledger

T = TypeVar("T")


def write(lesson_id: UUID, *, live: Callable[[], T], stored: Callable[[], T]) -> T:
    """Change a lesson, and enter in the ledger what Redis has taken.

    `live` and `stored` as in `whereabouts.write`. Raises what the two raise, and
    django.db.Error where PostgreSQL does not answer: then nothing is acknowledged, and the same
    request may be sent again.
    """

    def and_enter() -> T:
        result = live()
        _enter(lesson_id)
        return result

    return whereabouts.write(lesson_id, live=and_enter, stored=stored)


def _enter(lesson_id: UUID) -> None:
    lesson = store.read_lessons([lesson_id])[lesson_id]
    if isinstance(lesson, LiveLesson) and ledger.saw(lesson):
        # It was stored and waits to be discarded: the next run takes the new word.
        store.unpark([lesson_id])
