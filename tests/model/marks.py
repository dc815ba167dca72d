"""How far each store has come, as the other one has heard: part of the state where it is asked for.

Elsewhere it is left out, because each run counts further and says nothing of a lesson by that.
"""

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any, NamedTuple

from django.db import connection

from attendance.live import keys
from tests.model import remembering

SITE = keys.SITE.encode()
TABLES = ("attendance_knownsite", "attendance_persistencerun", remembering.RETURNS)

_is_kept = False
_also: tuple[str, ...] = ()


class MarksOfBoth(NamedTuple):
    """What PostgreSQL has of runs, commits and sites."""

    rows: Mapping[str, Any]
    sequence: tuple[int, bool]

    @property
    def runs(self) -> int:
        """The newest run that PostgreSQL has heard of."""
        return max((row["live_mark"] or 0 for row in self.rows[TABLES[1]]), default=0)

    @property
    def commits(self) -> int:
        return max((row["commit_mark"] or 0 for row in self.rows[TABLES[1]]), default=0)

    @property
    def disagreement(self) -> str:
        """What was found of the ages of both stores, or ''."""
        return "".join(row["disagreement"] for row in self.rows[TABLES[0]])

    @property
    def returns(self) -> int:
        """How many returns of an older Redis wait for somebody."""
        return remembering.count_returns(self.rows)

    @property
    def runs_elsewhere(self) -> list[int]:
        """The newest run that another site has heard of."""
        return [max(row["live_mark"] or 0 for row in self.rows[name]) for name in _also]

    @property
    def own_site(self) -> str:
        return next((str(row["id"]) for row in self.rows[TABLES[0]] if row["is_own"]), "")


@contextmanager
def keeping(*also: str) -> Iterator[None]:
    """Let them be part of the state, with the runs of another site in the tables `also`."""
    global _is_kept, _also
    _is_kept, _also = True, also
    try:
        yield
    finally:
        _is_kept, _also = False, ()


def are_kept() -> bool:
    return _is_kept


def read_marks() -> MarksOfBoth | None:
    if not _is_kept:
        return None
    parts = ", ".join(
        f"'{name}', (SELECT coalesce(jsonb_agg(t), '[]') FROM {name} AS t)"
        for name in (*TABLES, *_also)
    )
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT jsonb_build_object({parts})::text")
        rows = json.loads(cursor.fetchone()[0])
        cursor.execute("SELECT last_value, is_called FROM attendance_commit_mark")
        last, is_called = cursor.fetchone()
    return MarksOfBoth(rows, (last, is_called))


def put_marks(marks: MarksOfBoth) -> None:
    inserts = "".join(
        f"INSERT INTO {name} SELECT * FROM jsonb_populate_recordset(NULL::{name}, %s::jsonb);"
        for name in marks.rows
    )
    deletes = "".join(f"DELETE FROM {name};" for name in marks.rows)
    values = [json.dumps(rows) for rows in marks.rows.values()]
    with connection.cursor() as cursor:
        cursor.execute(
            f"{deletes}{inserts} SELECT setval('attendance_commit_mark', %s, %s)",
            [*values, *marks.sequence],
        )


def heard_by_redis(redis: Mapping[bytes, Any]) -> tuple[int, int]:
    """The runs that Redis has counted, and the commits of which it was told."""
    fields = dict(redis.get(SITE, ()))
    return int(fields.get(b"runs", 0)), int(fields.get(b"commits", 0))


def site_of(redis: Mapping[bytes, Any]) -> str:
    """The id of the site whose lessons Redis holds, or ''."""
    site: bytes = dict(redis.get(SITE, ())).get(b"id", b"")
    return site.decode()


def canonical(redis: Mapping[bytes, Any], marks: MarksOfBoth | None) -> str:
    """Both stores' counts and what was made of them."""
    if marks is None:
        return ""
    counts = (*heard_by_redis(redis), marks.runs, marks.commits, marks.sequence)
    return repr(
        (
            *(*counts, marks.runs_elsewhere, marks.disagreement, marks.returns),
            site_of(redis) == marks.own_site,
        )
    )


def canonical_at_rest(redis: Mapping[bytes, Any], marks: MarksOfBoth | None) -> str:
    """As `canonical`, by which store is ahead: all that the next run looks at."""
    if marks is None:
        return ""
    runs, commits = heard_by_redis(redis)
    ahead = (runs - marks.runs, commits - marks.commits, marks.sequence[0] - commits)
    return repr((*ahead, marks.disagreement, marks.returns, site_of(redis) == marks.own_site))
