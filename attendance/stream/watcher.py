"""One read of Redis for all listeners: which lessons have changed since the last read.

It compares versions instead of passing messages on, so a change cannot be missed when
a process dies, only seen a moment later.
"""

import asyncio
import logging
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping
from uuid import UUID

from attendance.errors import AttendanceError
from attendance.live.versions import AWAY

logger = logging.getLogger(__name__)

PERIOD_SECONDS = 0.1
SECONDS_WHILE_AWAY = 1.0

Read = Callable[[list[UUID]], Mapping[UUID, str]]


class Listener:
    """One open stream. It holds the newest version only, however slow its reader is."""

    def __init__(self) -> None:
        self._version: str | None = None
        self._changed = asyncio.Event()

    def tell(self, version: str) -> None:
        if version != self._version:
            self._version = version
            self._changed.set()

    async def next_version(self) -> str:
        """The newest version, once it differs from the one that was given last."""
        await self._changed.wait()
        self._changed.clear()
        assert self._version is not None  # noqa: S101 - `tell` sets it before the event
        return self._version


class Watcher:
    """Asks for all lessons that somebody listens to, in one round trip."""

    def __init__(self, read: Read) -> None:
        self._read = read
        self._listeners: dict[UUID, set[Listener]] = defaultdict(set)
        self._task: asyncio.Task[None] | None = None

    def add(self, lesson_id: UUID) -> Listener:
        """Listen to a lesson; the listener gets its present version first."""
        listener = Listener()
        self._listeners[lesson_id].add(listener)
        if self._task is None or self._task.done():
            self._task = asyncio.create_task(self._watch())
        return listener

    def remove(self, lesson_id: UUID, listener: Listener) -> None:
        self._listeners[lesson_id].discard(listener)
        if not self._listeners[lesson_id]:
            del self._listeners[lesson_id]

    async def _watch(self) -> None:
        while self._listeners:
            pause = PERIOD_SECONDS
            try:
                # The client blocks: a thread waits for Redis, the streams go on.
                versions = await asyncio.to_thread(self._read, list(self._listeners))
                self._tell(versions.items())
            except AttendanceError as error:
                logger.warning("The live store does not answer: %s", error)
                self._tell((lesson_id, AWAY) for lesson_id in self._listeners)
                pause = SECONDS_WHILE_AWAY
            await asyncio.sleep(pause)

    def _tell(self, versions: Iterable[tuple[UUID, str]]) -> None:
        for lesson_id, version in versions:
            for listener in self._listeners.get(lesson_id, ()):
                listener.tell(version)
