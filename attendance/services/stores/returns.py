"""Redis came back older, and no run had begun since the copy: this process has heard more.

A check-in is in Redis alone until its lesson is stored, so only who acknowledged it knows of it:
this process, and the student's phone. Each round compares what this process has heard with both
stores. What differs is written down as the return of an older Redis; how far each lesson had come
is written down too, so that a run, and whoever comes after this process, miss it.
"""

import logging
from collections.abc import Mapping
from time import monotonic
from uuid import UUID

from django.db import Error

from attendance.errors import LiveStoreUnavailable
from attendance.live import store
from attendance.live.newest import NEWEST, HeardRevision
from attendance.live.payloads import LiveLesson
from attendance.live.store import Missing
from attendance.models import LessonLedger
from attendance.services.database_errors import text_of
from attendance.services.stores import sites, words
from attendance.vocabulary import LessonState

logger = logging.getLogger(__name__)

EVERYTHING_SECONDS = 15.0
"""So often, lessons of which nothing was heard meanwhile are compared as well."""

SETTLED = frozenset({LessonState.DISCARDED, LessonState.PERSISTED})


class Watch:
    """What this process has written down of what it has heard."""

    def __init__(self) -> None:
        self._written: dict[UUID, int] = {}
        self._missed: dict[UUID, int] = {}
        self._next_at = 0.0
        self._is_stuck = False

    def look(self) -> None:
        """One round. A server that does not answer is asked again with the next one."""
        heard = self._to_compare()
        try:
            # Before Redis is read: what is written down later may be newer than what it has.
            said = words.revisions_known(heard) if heard else {}
            known = {i: max(x.revision, said.get(i, 0)) for i, x in heard.items()}
            lessons = store.read_lessons(list(heard)) if heard else {}
            self._find_older(heard, lessons, known)
            self._write_down(heard, lessons)
            _settle({i: heard[i] for i, found in lessons.items() if found is Missing.NOT_FOUND})
            _tell()
            self._is_stuck = False
        except LiveStoreUnavailable as error:
            self._complain(error.detail)
        except Error as error:
            self._complain(f"PostgreSQL: {text_of(error)}")

    def _complain(self, why: str) -> None:
        # Once: rounds follow each other by the second.
        if not self._is_stuck:
            logger.warning("What was acknowledged cannot be compared for now: %s", why)
        self._is_stuck = True
        # What has not been compared in this round is compared in the next one.
        self._next_at = 0.0

    def _to_compare(self) -> Mapping[UUID, HeardRevision]:
        heard, now = NEWEST.heard(), monotonic()
        self._written = {i: revision for i, revision in self._written.items() if i in heard}
        if now >= self._next_at:
            self._next_at = now + EVERYTHING_SECONDS
            return heard
        return {i: x for i, x in heard.items() if x.revision > self._written.get(i, 0)}

    def _find_older(
        self,
        heard: Mapping[UUID, HeardRevision],
        lessons: Mapping[UUID, LiveLesson | Missing],
        known: Mapping[UUID, int],
    ) -> None:
        """Redis has less of a lesson than this process, or one that is gone, was told of it."""
        for lesson_id, found in lessons.items():
            if not isinstance(found, LiveLesson) or found.revision >= known[lesson_id]:
                continue
            # Once: until others have overtaken it, the copy stays below what was known.
            if known[lesson_id] > self._missed.get(lesson_id, 0):
                self._missed[lesson_id] = known[lesson_id]
                NEWEST.tell(monotonic())
            if found.revision < heard[lesson_id].revision:
                NEWEST.drop(lesson_id, heard[lesson_id])

    def _write_down(
        self, heard: Mapping[UUID, HeardRevision], lessons: Mapping[UUID, LiveLesson | Missing]
    ) -> None:
        newest = {}
        for lesson_id, found in lessons.items():
            if heard[lesson_id].revision > self._written.get(lesson_id, 0):
                count = found.record_count if isinstance(found, LiveLesson) else 0
                newest[lesson_id] = (heard[lesson_id].revision, count)
        words.enter_heard(newest)
        self._written |= {lesson_id: revision for lesson_id, (revision, _) in newest.items()}


def _settle(gone: Mapping[UUID, HeardRevision]) -> None:
    """Lessons that have left Redis: what is stored of them is as new as what was heard, or not."""
    rows = LessonLedger.objects.filter(lesson_id__in=gone) if gone else LessonLedger.objects.none()
    known = {row.lesson_id: row for row in rows.only("state", "stored_revision")}
    for lesson_id, heard in gone.items():
        row = known.get(lesson_id)
        if row is not None and row.state in SETTLED:
            if (row.stored_revision or 0) < heard.revision:
                # It was open then; by now it may have been stored, and have left Redis.
                NEWEST.tell(heard.at)
        elif row is not None and row.state != LessonState.LOST:
            # The next run finds that it is lost.
            continue
        NEWEST.drop(lesson_id, heard)


def _tell() -> None:
    returns = NEWEST.returns()
    if returns:
        now = monotonic()
        sites.enter_returns({now - at for at in returns})
        NEWEST.told(returns)
