"""Threads that run the real code, one at a time, and stop at named places.

Each has its own connection to the database, as a process would. The caller
waits until the actor stops, ends, or waits for a lock in PostgreSQL: so there
is no moment at which two of them run because nobody looked.
"""

import threading
from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager, suppress
from queue import Empty, SimpleQueue
from typing import Any, NamedTuple, NoReturn

from django.db import connection, connections

from tests.support.death import Died

SECONDS = 30.0
IDLE, BLOCKED = "idle", "waits for a lock"
_LOOK_AFTER = 0.02

_actors: dict[int, "Actor"] = {}


class Stuck(Exception):
    """An actor neither stops nor waits for a lock: the model itself is wrong."""


class Ended(NamedTuple):
    """What a job came to."""

    result: Any = None
    error: BaseException | None = None


Job = Callable[[], Any]


class Actor:
    """One process of the model: idle, stopped at a place, or waiting for a lock."""

    def __init__(self, name: str, stops: Collection[str], schema: str = "") -> None:
        self.name = name
        self.schema = schema
        """Where its tables are, if it is another site's."""
        self.stops = stops
        self.place = IDLE
        self.head: list[str] = []
        """What it has read, as far as it still matters."""
        self.is_cut_off = False
        """Whether Redis cannot be reached from here."""
        self.ended: Ended | None = None
        self._orders: SimpleQueue[Job | None] = SimpleQueue()
        self._news: SimpleQueue[str | Ended] = SimpleQueue()
        self._pid = 0
        self._is_dying = False
        self._thread = threading.Thread(target=self._live, name=name, daemon=True)
        self._thread.start()

    @property
    def key(self) -> tuple[str, ...]:
        return (self.place, *self.head)

    def begin(self, job: Job) -> None:
        """Run a job until its first stop, its end, or a lock."""
        self.head, self.ended = [], None
        self._orders.put(job)
        self.watch()

    def go_on(self) -> None:
        """From a stop to the next one."""
        self._orders.put(_nothing)
        self.watch()

    def die(self) -> None:
        """End at the stop where it is; its transaction is gone."""
        self._is_dying = True
        self.go_on()
        self._is_dying = False

    def watch(self) -> None:
        """Wait until it stops, ends or waits for a lock."""
        for _ in range(int(SECONDS / _LOOK_AFTER)):
            with suppress(Empty):
                self._take(self._news.get(timeout=_LOOK_AFTER))
                return
            if self._is_blocked():
                self.place = BLOCKED
                return
        raise Stuck(f"{self.name} was last seen at {self.place}")

    def look(self) -> None:
        """See whether the lock that it waited for was given to it."""
        if self.place == BLOCKED and not self._is_blocked():
            self.watch()

    def close(self) -> None:
        self._orders.put(None)
        self._thread.join(SECONDS)

    def stop_at(self, place: str) -> None:
        """Called in the actor's own thread: wait here until it may go on, or die."""
        if place not in self.stops:
            return
        self._news.put(place)
        self._orders.get()
        if self._is_dying:
            raise Died

    def _take(self, news: str | Ended) -> None:
        if isinstance(news, Ended):
            self.ended, self.place, self.head = news, IDLE, []
        else:
            self.place = news

    def _is_blocked(self) -> bool:
        # Whoever releases a lock grants it before its own command returns.
        with connection.cursor() as cursor:
            cursor.execute(
                "SELECT count(*) FROM pg_locks WHERE pid = %s AND NOT granted", [self._pid]
            )
            return bool(cursor.fetchone()[0])

    def _live(self) -> None:
        _actors[threading.get_ident()] = self
        while (job := self._orders.get()) is not None:
            if not self._pid:
                connection.ensure_connection()
                self._pid = connection.connection.info.backend_pid
                if self.schema:
                    connection.cursor().execute(f"SET search_path TO {self.schema}")
            self._news.put(_outcome(job))
        connections.close_all()
        del _actors[threading.get_ident()]


def _nothing() -> NoReturn:
    raise AssertionError("an order to go on came to an actor that had ended")


def _outcome(job: Job) -> Ended:
    try:
        return Ended(result=job())
    except BaseException as error:  # noqa: BLE001 - whoever waits looks at it
        return Ended(error=error)


def current() -> Actor | None:
    """The actor in whose thread this is called; None in the thread of the test."""
    return _actors.get(threading.get_ident())


@contextmanager
def company(*members: Actor) -> Iterator[None]:
    """Let actors live for a while; in the end no thread is left."""
    try:
        yield
    finally:
        dismiss(*members)
        for actor in members:
            actor.close()


def dismiss(*members: Actor) -> None:
    """Let every actor die where it stands; those that wait for a lock follow."""
    while busy := [actor for actor in members if actor.place != IDLE]:
        for actor in busy:
            if actor.place == BLOCKED:
                actor.watch()
            else:
                actor.die()
    for actor in members:
        actor.ended = None
