"""For which site Redis holds lessons, and what it remembers of PostgreSQL's age."""

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from typing import NamedTuple
from uuid import UUID

from attendance.errors import ForeignSite
from attendance.live import client, keys
from attendance.live.store.queue import lesson_id
from attendance.rules import instants

DISCARDS_KEPT = timedelta(days=35)
"""How long Redis remembers which lessons it has given up: longer than backups are kept."""


class Marks(NamedTuple):
    """How far each store has come, as the other one has heard."""

    runs: int
    """Runs that have begun: Redis counts, PostgreSQL keeps the number."""
    commits: int
    """Commits of chunks: PostgreSQL counts, Redis keeps the number."""


def begin_run(site_id: UUID, *, adopted: Iterable[UUID] = (), known: int = 0) -> Marks:
    """Count a run, if Redis is this site's; one that is nobody's yet becomes this site's.

    A Redis that has counted less than `known` is older, and counts nothing: say so, raise its
    count, and begin again. Raises ForeignSite, and LiveStoreUnavailable.
    """
    others = ",".join(str(each) for each in adopted)
    names = [keys.SITE, keys.damaged(keys.SITE)]
    reply = client.run("begin_run", names, (str(site_id), others, known))
    if reply[0] == b"foreign":
        raise ForeignSite(own=str(site_id), other=reply[1].decode("ascii", "replace"))
    return Marks(int(reply[1]), _number(reply[2]))


def site_of_redis() -> str:
    """The id of the site whose lessons Redis holds, or ''. Raises LiveStoreUnavailable."""
    value: bytes | None = client.command(lambda redis: redis.hget(keys.SITE, "id"), key=keys.SITE)
    return (value or b"").decode("ascii", "replace")


def raise_marks(marks: Marks) -> None:
    """Tell Redis how far PostgreSQL has come. Raises LiveStoreUnavailable."""
    client.run("raise_marks", [keys.SITE], marks)


def tell_word(mark: int, *, token: str) -> bool:
    """Tell Redis the number of a commit that took a word. Raises LiveStoreUnavailable.

    Returns whether the number was new to Redis, or told before with the same token. Where it is
    neither, another commit has had it: PostgreSQL came back from a backup in between.
    """
    reply = client.run("tell_word", [keys.SITE], (mark, token))
    return bool(reply[0] == b"told")


def remember_discards(lesson_ids: Sequence[UUID], *, at: datetime) -> None:
    """Before lessons leave Redis: keep their ids, by which a loss of PostgreSQL can be told.

    Raises LiveStoreUnavailable.
    """
    if not lesson_ids:
        return
    at_ms = instants.milliseconds(at)
    entries = {str(each): at_ms for each in lesson_ids}
    client.command(lambda redis: redis.zadd(keys.DISCARDED, entries))
    old = instants.milliseconds(at - DISCARDS_KEPT)
    client.command(lambda redis: redis.zremrangebyscore(keys.DISCARDED, "-inf", old))


def remembered_discards() -> list[UUID]:
    """The lessons that have left Redis lately. Raises LiveStoreUnavailable."""
    members = client.command(lambda redis: redis.zrange(keys.DISCARDED, 0, -1))
    return [uuid for uuid in map(lesson_id, members) if uuid is not None]


def _number(raw: bytes) -> int:
    return int(raw) if raw.isdigit() else 0
