"""The process of the site: what it remembers of revisions, and comparing that with both stores.

It is a part of the state, as the stores are, and is put back with them.
"""

from collections.abc import Mapping
from typing import Any, NamedTuple
from uuid import UUID

from attendance.live.newest import NEWEST, HeardRevision
from attendance.services.stores.returns import Watch

RETURNS = "attendance_olderlivestore"


class Remembered(NamedTuple):
    heard: tuple[tuple[UUID, HeardRevision], ...] = ()
    returns: tuple[float, ...] = ()
    """Those that nobody was told of yet."""
    written: tuple[tuple[UUID, int], ...] = ()
    missed: tuple[tuple[UUID, int], ...] = ()

    @property
    def key(self) -> str:
        """Without the instants: each is before whatever comes next."""
        heard = [(lesson_id, each.revision) for lesson_id, each in self.heard]
        return repr((heard, len(self.returns), self.written, self.missed))


def read(watch: Watch) -> Remembered:
    """What the process remembers now."""
    return Remembered(
        tuple(sorted(NEWEST.heard().items())),
        tuple(NEWEST.returns()),
        tuple(sorted(watch._written.items())),
        tuple(sorted(watch._missed.items())),
    )


def put(watch: Watch, remembered: Remembered) -> None:
    """Let the process be as it was."""
    NEWEST.clear()
    NEWEST._heard.update(dict(remembered.heard))
    NEWEST._returns.extend(remembered.returns)
    watch._written, watch._missed = dict(remembered.written), dict(remembered.missed)


def look(watch: Watch) -> None:
    """One round that compares everything; no server is away, so that it can."""
    watch._next_at = 0.0
    watch.look()
    assert not watch._is_stuck, "what was acknowledged could not be compared"


def count_returns(rows: Mapping[str, Any]) -> int:
    """How many returns wait for somebody."""
    return sum(row["settled_at"] is None for row in rows[RETURNS])
