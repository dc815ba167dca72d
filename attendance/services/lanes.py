"""Two chunks at a time: one is read and decoded while PostgreSQL works on the other.

Each lane has its own connection and its own claims, as another process would, so
nothing that holds between two processes needs another reason here.
"""

import threading
from collections import deque
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from itertools import chain
from typing import TypeVar

from django.db import connections

LANES = 2

Chunk = TypeVar("Chunk")
Done = TypeVar("Done")


def run(treat: Callable[[Chunk], Done], chunks: Iterator[Chunk]) -> Iterator[Done]:
    """Treat chunks, at most two at a time; the results come in the order of the chunks.

    A single chunk is treated by the caller's own thread. `chunks` is read by
    that thread only, and no chunk is asked for before it can be begun, but for the
    second. Raises what `treat` raises, when the other lane is done.
    """
    first, second = next(chunks, None), next(chunks, None)
    if first is not None and second is None:
        yield treat(first)
    if first is None or second is None:
        return
    with _pool() as pool:
        under_way: deque[Future[Done]] = deque()
        for chunk in chain((first, second), chunks):
            under_way.append(pool.submit(treat, chunk))
            if len(under_way) == LANES:
                yield under_way.popleft().result()
        while under_way:
            yield under_way.popleft().result()


@contextmanager
def _pool() -> Iterator[ThreadPoolExecutor]:
    pool = ThreadPoolExecutor(LANES, thread_name_prefix="attn-lane")
    try:
        yield pool
    finally:
        # Each thread closes the connection that it has: nobody else can.
        all_here = threading.Barrier(LANES)
        for _ in range(LANES):
            pool.submit(_close, all_here)
        pool.shutdown()


def _close(all_here: threading.Barrier) -> None:
    all_here.wait()
    connections.close_all()
