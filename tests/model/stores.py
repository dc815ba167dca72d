"""Both stores as values: read at once, put back, and in a form that can be compared."""

import json
from collections.abc import Mapping
from functools import cached_property
from typing import Any, NamedTuple

from django.db import connection
from redis import Redis

from attendance.live import client, keys
from tests.support.lessons import TEST_SERVER

TABLES = (
    "users_user",
    "courses_enrolment",
    "courses_absence",
    "attendance_attendance",
    "attendance_attendancerecord",
    "attendance_attendanceevent",
    "attendance_refusedcheckin",
    "attendance_lessonledger",
    "attendance_lessonword",
    "attendance_quarantinedpayload",
)
_RECORD = (
    *(
        "school_number",
        "full_name",
        "status",
        "source",
        "reason",
        "previous",
        "revision",
        "deleted_reason",
    ),
    "is_expected",
)
_EVENT = ("revision", "kind", "old", "new", "reason", "request_id", "request_digest", "source")
_LEDGER = (
    *("state", "record_count", "quarantined_count", "attempts", "digest", "last_error"),
    *("seen_revision", "stored_revision", "missing_count", "accepted_revision"),
)

_READ_ALL = (
    "SELECT jsonb_build_object("
    + ", ".join(
        f"'{name}', (SELECT coalesce(jsonb_agg(t), '[]') FROM {name} AS t)" for name in TABLES
    )
    + ")::text"
)
# One simple query is one transaction. Events are append-only by a trigger, which only a
# superuser passes by: the throw-away server's user is one.
_PUT_ALL = "SELECT set_config('session_replication_role', 'replica', true);" + "".join(
    f"DELETE FROM {name};" for name in (*TABLES, "attendance_persistencerun")
)

_NOT_STATE = (TEST_SERVER, keys.SITE.encode(), keys.DISCARDED.encode())
"""The last two count up with each run, and say nothing of a lesson."""

RedisContent = Mapping[bytes, Any]
Row = dict[str, Any]


class Rows:
    """What PostgreSQL holds, as it was committed."""

    def __init__(self, text: str) -> None:
        self.text = text

    @cached_property
    def tables(self) -> dict[str, list[Row]]:
        tables: dict[str, list[Row]] = json.loads(self.text)
        return tables

    def of(self, table: str) -> list[Row]:
        return self.tables[f"attendance_{table}"]

    @cached_property
    def numbers(self) -> dict[int, str]:
        return {row["id"]: row["school_number"] for row in self.tables["users_user"]}

    @cached_property
    def canonical(self) -> str:
        """Without ids that depend on the order of inserts, and without PostgreSQL's own clock."""
        who = self.numbers
        parts = {
            "users": sorted((row["school_number"], row["role"]) for row in who_rows(self)),
            "attendances": _sorted(
                (
                    *(row["id"], row["revision"], row["lesson_name"], row["ends_at"]),
                    *(row["deleted_at"], row["roster_closed_at"] is None),
                    row["not_held_at"] is None,
                )
                for row in self.of("attendance")
            ),
            "enrolments": _sorted(
                (who[row["user_id"]], row["role"], row["begins_on"], row["ends_on"])
                for row in self.tables["courses_enrolment"]
            ),
            "absences": _sorted(
                (who[row["user_id"]], row["state"]) for row in self.tables["courses_absence"]
            ),
            "records": _sorted(
                (
                    *(row["attendance_id"], who[row["student_id"]], row["checked_in_at"]),
                    *(row[name] for name in _RECORD),
                )
                for row in self.of("attendancerecord")
            ),
            "events": _sorted(
                (row["attendance_id"], *(row[name] for name in _EVENT))
                for row in self.of("attendanceevent")
            ),
            "ledger": _sorted(
                (
                    *(row["lesson_id"], row["ends_at"], row["discarded_at"] is None),
                    *(row[name] for name in _LEDGER),
                )
                for row in self.of("lessonledger")
            ),
            "words": _sorted(tuple(row.values()) for row in self.of("lessonword")),
            "quarantine": _sorted(
                (row["lesson_id"], row["kind"], row["field"], row["sha256"], row["state"])
                for row in self.of("quarantinedpayload")
            ),
            "refusals": _sorted(
                (row["school_number"], row["code"], row["times"])
                for row in self.of("refusedcheckin")
            ),
        }
        return repr(parts)


def who_rows(rows: Rows) -> list[Row]:
    return rows.tables["users_user"]


def _sorted(rows: Any) -> list[Any]:
    return sorted(rows, key=repr)


class State(NamedTuple):
    """Both stores at one instant, when nobody moves."""

    redis: RedisContent
    rows: Rows

    @property
    def canonical(self) -> str:
        return canonical_redis(self.redis) + self.rows.canonical


def read_all() -> State:
    return State(read_redis(), read_rows())


def put_all(state: State) -> None:
    put_redis(state.redis)
    put_rows(state.rows)


def read_rows() -> Rows:
    with connection.cursor() as cursor:
        cursor.execute(_READ_ALL)
        return Rows(cursor.fetchone()[0])


def put_rows(rows: Rows) -> None:
    used = [name for name in TABLES if rows.tables[name]]
    inserts = "".join(
        f"INSERT INTO {name} SELECT * FROM jsonb_populate_recordset(NULL::{name}, %s::jsonb);"
        for name in used
    )
    with connection.cursor() as cursor:
        cursor.execute(_PUT_ALL + inserts, [json.dumps(rows.tables[name]) for name in used])


def read_redis() -> RedisContent:
    """Every key with its value; a hash as sorted pairs, because its order means nothing."""
    redis = client.connection()
    names = sorted(_names(redis))
    pipe = redis.pipeline(transaction=False)
    for name in names:
        _reader(name)(pipe, name)
    return dict(zip(names, map(_frozen, pipe.execute()), strict=True)) if names else {}


def _names(redis: Redis) -> list[bytes]:
    found: list[Any] = redis.keys()
    return [name for name in found if name not in _NOT_STATE]


def _reader(name: bytes) -> Any:
    if name.startswith(b"attn:{queue}"):
        return lambda pipe, key: pipe.zrange(key, 0, -1, withscores=True)
    if name.startswith((b"attn:teacher", b"attn:code", b"attn:section")):
        return lambda pipe, key: pipe.get(key)
    if name.endswith((b":events", b":corrupt")):
        return lambda pipe, key: pipe.lrange(key, 0, -1)
    return lambda pipe, key: pipe.hgetall(key)


def _frozen(value: Any) -> Any:
    if isinstance(value, dict):
        return tuple(sorted(value.items()))
    return value if isinstance(value, bytes) else tuple(map(_pair, value))


def _pair(value: Any) -> Any:
    return tuple(value) if isinstance(value, list) else value


def put_redis(content: RedisContent) -> None:
    redis = client.connection()
    redis.delete(keys.SITE, keys.DISCARDED)
    pipe = redis.pipeline(transaction=True)
    old = _names(redis)
    if old:
        pipe.delete(*old)
    for name, value in content.items():
        if isinstance(value, bytes):
            pipe.set(name, value)
        elif name.startswith(b"attn:{queue}"):
            pipe.zadd(name, dict(value))
        elif name.endswith((b":events", b":corrupt")):
            pipe.rpush(name, *value)
        else:
            pipe.hset(name, mapping=dict(value))
    if old or content:
        pipe.execute()


def canonical_redis(content: RedisContent) -> str:
    return repr(sorted(content.items()))
