"""Two chunks at a time: one is read and decoded while PostgreSQL works on the other.

Each lane has its own connection and its own claims, as another process would.
They read one after the other, and write one after the other (`Turns`): so one lane
decodes while PostgreSQL takes the rows of the other, and a run in a web process
takes one core of PostgreSQL from its people, not two.
"""

import threading
from collections import deque
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from contextlib import ExitStack, contextmanager
from itertools import chain
from queue import SimpleQueue
from typing import TypeVar

from django.db import connections

LANES = 2
SWITCH_SECONDS = 0.000_5
"""How long a decoding thread may keep other threads waiting, those of requests among them."""

Chunk = TypeVar("Chunk")
Done = TypeVar("Done")


class Turn:
    """What one lane may do now: read, write, or neither."""

    def __init__(self, reading: threading.Lock, writing: threading.Lock) -> None:
        self._writing, self._held = writing, ExitStack()
        self._held.enter_context(reading)

    def write(self) -> None:
        """Read no more, and write as soon as the other lane does not.

        A lane that waits here holds the users that it has made: whoever writes must not wait for
        users, or the two would wait for each other.
        """
        self.end()
        self._held.enter_context(self._writing)

    def end(self) -> None:
        """The rest is the commit's, and anybody's at any time."""
        self._held.close()


class Turns:
    """Of the lanes of a run one reads and decodes at a time, and one writes rows."""

    def __init__(self) -> None:
        self._reading, self._writing = threading.Lock(), threading.Lock()

    @contextmanager
    def begin(self) -> Iterator[Turn]:
        """Wait until no other lane reads; the lane's turn ends with the block at the latest."""
        turn = Turn(self._reading, self._writing)
        try:
            yield turn
        finally:
            turn.end()


def run(treat: Callable[[Chunk], Done], chunks: Iterator[Chunk]) -> Iterator[Done]:
    """Treat chunks, at most two at a time; the results come in the order of the chunks.

    A single chunk is treated by the caller's own thread. Only that thread reads
    `chunks`; except for the second chunk, it reads one only when a lane is free.
    Raises what `treat` raises, when the other lane is done.
    """
    first, second = next(chunks, None), next(chunks, None)
    if first is not None and second is None:
        yield treat(first)
    if first is None or second is None:
        return
    with _lanes(treat) as submit:
        under_way: deque[Future[Done]] = deque()
        for chunk in chain((first, second), chunks):
            under_way.append(submit(chunk))
            if len(under_way) == LANES:
                yield under_way.popleft().result()
        while under_way:
            yield under_way.popleft().result()


@contextmanager
def _lanes(treat: Callable[[Chunk], Done]) -> Iterator[Callable[[Chunk], Future[Done]]]:
    """Two daemon threads, because an executor's threads end before any exit handler runs.

    A run that a handler stops could then start nothing more, and would not close its row.
    """
    waiting: SimpleQueue[tuple[Chunk, Future[Done]] | None] = SimpleQueue()

    def work() -> None:
        try:
            while (task := waiting.get()) is not None:
                _settle(treat, *task)
        finally:
            # Only this thread can close its own connection.
            connections.close_all()

    def submit(chunk: Chunk) -> Future[Done]:
        future: Future[Done] = Future()
        waiting.put((chunk, future))
        return future

    threads = [
        threading.Thread(target=work, name=f"attn-lane_{n}", daemon=True) for n in range(LANES)
    ]
    for thread in threads:
        thread.start()
    try:
        yield submit
    finally:
        for _ in threads:
            waiting.put(None)
        for thread in threads:
            thread.join()


def _settle(treat: Callable[[Chunk], Done], chunk: Chunk, future: Future[Done]) -> None:
    try:
        future.set_result(treat(chunk))
    except BaseException as error:  # noqa: BLE001 - handed on to the run
        future.set_exception(error)
