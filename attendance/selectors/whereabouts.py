"""Where a lesson lives: one answer, for reading and for writing.

    the ledger says `discarded`   PostgreSQL: a copy in Redis is an older one
    else                          Redis; PostgreSQL only where Redis answers "not found",
                                  because an error does not mean that the lesson is absent

Three named exceptions follow from the check-in, which keeps PostgreSQL off its path; none of
them writes a correction:

- the check-in itself, and a student's own page of a lesson that is open by Redis's clock
  (`services/check_in.py`, `selectors/own.py`);
- the answer "nothing has changed" to a reader who has the revision that Redis holds
  (`selectors/registers.py`): the ledger was asked when that reader got its revision;
- the end that a teacher gives (`finish_lesson`): an older copy that is open takes check-ins, so
  the end closes it too, and what it took is stored or quarantined at once.
"""

import logging
from collections.abc import Callable, Iterable
from typing import TypeVar
from uuid import UUID

from django.db import InterfaceError, OperationalError, connection

from attendance.errors import LessonNotFound
from attendance.models import LessonLedger
from attendance.vocabulary import LessonState

logger = logging.getLogger(__name__)

T = TypeVar("T")

UNKNOWN = ""
"""Stands for a state: the ledger has no such lesson, or does not answer."""


def read(lesson_id: UUID, *, live: Callable[[], T], stored: Callable[[], T]) -> T:
    """Read a lesson in the store where it lives.

    `live` reads Redis and raises LessonNotFound where it holds no such lesson; `stored`
    reads PostgreSQL. While PostgreSQL does not answer, what Redis holds is shown.
    Raises what the two raise.
    """
    return read_by(ledger_state(lesson_id), live=live, stored=stored)


def read_by(state: str, *, live: Callable[[], T], stored: Callable[[], T]) -> T:
    """As `read`, where the caller has read the ledger's state already."""
    return _choose(is_stored=state == LessonState.DISCARDED, live=live, stored=stored)


def write(lesson_id: UUID, *, live: Callable[[], T], stored: Callable[[], T]) -> T:
    """Change a lesson in the store where it lives; as `read`, but it fails without the ledger.

    Raises what the two raise, and django.db.Error where PostgreSQL does not answer.
    """
    return _choose(is_stored=is_discarded(lesson_id), live=live, stored=stored)


def redis_first(*, live: Callable[[], T], stored: Callable[[], T]) -> T:
    """Act where check-ins go, whatever the ledger says: one of the named exceptions.

    Raises what the two raise.
    """
    return _choose(is_stored=False, live=live, stored=stored)


def _choose(*, is_stored: bool, live: Callable[[], T], stored: Callable[[], T]) -> T:
    if not is_stored:
        try:
            return live()
        except LessonNotFound:
            pass
    return stored()


def is_discarded(lesson_id: UUID) -> bool:
    """Whether PostgreSQL has the newest records of a lesson, whatever Redis holds."""
    return lesson_id in discarded_among([lesson_id])


def is_only_stored(lesson_id: UUID) -> bool:
    """Whether PostgreSQL alone has a lesson: it was discarded, or Redis has lost it."""
    return ledger_state(lesson_id) in {LessonState.DISCARDED, LessonState.LOST}


def discarded_among(lesson_ids: Iterable[UUID]) -> set[UUID]:
    """Those of these lessons that are only in PostgreSQL: one query, none where none is given."""
    ids = list(lesson_ids)
    if not ids:
        return set()
    rows = LessonLedger.objects.filter(pk__in=ids, state=LessonState.DISCARDED)
    return set(rows.values_list("pk", flat=True))


def ledger_state(lesson_id: UUID) -> str:
    """What the ledger says of a lesson, for readers; `UNKNOWN` while PostgreSQL is away."""
    try:
        states = LessonLedger.objects.filter(pk=lesson_id).values_list("state", flat=True)
        return states.first() or UNKNOWN
    except (OperationalError, InterfaceError) as error:
        if connection.in_atomic_block:
            raise
        logger.warning("The ledger does not answer, Redis alone is read: %s", error)
        connection.close()
        return UNKNOWN
