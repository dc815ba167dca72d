"""The newest revision of each lesson that this process was told by Redis.

A check-in is written to Redis alone. Where Redis comes back as it was some seconds ago, nothing in
it says so; this process has heard more. Nothing here asks a server.
"""

import threading
from collections.abc import Mapping, Sequence
from time import monotonic
from typing import NamedTuple
from uuid import UUID

MOST_LESSONS = 10_000
"""More are forgotten, the first one first: a process takes check-ins to a few at a time."""


class HeardRevision(NamedTuple):
    revision: int
    at: float
    """By the monotonic clock, in seconds."""


class NewestRevisions:
    """What was heard, and when a reply showed that Redis had come back older. Thread-safe."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._heard: dict[UUID, HeardRevision] = {}
        self._returns: list[float] = []

    def revision(self, lesson_id: UUID) -> int:
        """What was heard of a lesson; ask before a script is sent."""
        heard = self._heard.get(lesson_id)
        return heard.revision if heard else 0

    def keep(self, lesson_id: UUID, revision: int, *, before: int) -> None:
        """A change got this revision; `before` was heard when its script was sent.

        Each change is newer than all that was heard before it was sent. One that is not was
        written to an older copy.
        """
        with self._lock:
            if revision <= before:
                self._returns.append(monotonic())
                self._heard.pop(lesson_id, None)
            heard = self._heard.get(lesson_id)
            if heard is None or heard.revision < revision:
                self._heard[lesson_id] = HeardRevision(revision, monotonic())
            while len(self._heard) > MOST_LESSONS:
                del self._heard[next(iter(self._heard))]

    def heard(self) -> Mapping[UUID, HeardRevision]:
        """A copy of what was heard."""
        with self._lock:
            return dict(self._heard)

    def returns(self) -> Sequence[float]:
        """When Redis was found to be older, and nobody has been told yet."""
        with self._lock:
            return tuple(self._returns)

    def tell(self, at: float) -> None:
        """Redis was older at this instant."""
        with self._lock:
            self._returns.append(at)

    def told(self, returns: Sequence[float]) -> None:
        """These were written down."""
        with self._lock:
            self._returns = [at for at in self._returns if at not in returns]

    def drop(self, lesson_id: UUID, heard: HeardRevision) -> None:
        """Forget a lesson, unless more was heard of it meanwhile."""
        with self._lock:
            if self._heard.get(lesson_id) == heard:
                del self._heard[lesson_id]

    def clear(self) -> None:
        """Forget everything."""
        with self._lock:
            self._heard.clear()
            self._returns.clear()


NEWEST = NewestRevisions()
