"""Changing a lesson in the store where it lives, so that what is acknowledged can be missed.

A word that Redis takes is written down before it is acknowledged: by its revision, and
by its request. A copy of Redis that lacks it is known by that, even one that has gone on from
where it was; and a stored lesson is stored again at once. A word that PostgreSQL takes has the
number of its commit, which Redis hears of.
"""

from collections.abc import Callable
from typing import TypeVar
from uuid import UUID

from django.db import transaction

from attendance.errors import RequestIdReused
from attendance.live import store
from attendance.live.payloads import LiveLesson, RequestKey
from attendance.selectors import whereabouts
from attendance.services.stores import sites, words

T = TypeVar("T")


def write(
    lesson_id: UUID, *, request: RequestKey, live: Callable[[], T], stored: Callable[[], T]
) -> T:
    """Change a lesson, and write down what Redis has taken of this request.

    `live` and `stored` as in `whereabouts.write`. Raises what the two raise, and
    django.db.Error where PostgreSQL does not answer: then nothing is acknowledged, and the same
    request may be sent again.
    """

    def and_enter() -> T:
        result = live()
        _enter(lesson_id, request)
        return result

    return whereabouts.write(lesson_id, live=and_enter, stored=lambda: _and_number(stored))


def _and_number(stored: Callable[[], T]) -> T:
    """Change a stored lesson; a PostgreSQL that lacks the word is known to be older by that."""
    with transaction.atomic():
        result = stored()
        sites.number_word()
    return result


def _enter(lesson_id: UUID, request: RequestKey) -> None:
    lesson = store.read_lessons([lesson_id])[lesson_id]
    if not isinstance(lesson, LiveLesson):
        return
    before = words.newest_request(lesson_id)
    if before is not None and not _has(lesson_id, before):
        words.miss(lesson_id)
    newest = request if _has(lesson_id, request) else None
    if words.enter(lesson, newest):
        # It was stored and waits to be discarded: the next run takes the new word.
        store.unpark([lesson_id])


def _has(lesson_id: UUID, request: RequestKey) -> bool:
    """Whether Redis has the event of a request; an id that stands for another is there too."""
    try:
        return store.is_repeated(lesson_id, request)
    except RequestIdReused:
        return True
