"""The backlog of the benches is what the scripts write: same keys and fields, readable."""

import re

import pytest

from attendance.live import client, keys, store
from attendance.models import AttendanceRecord
from attendance.services.persistence import unified_persistence_task
from tests.support.backlog import Backlog, fill
from tests.support.lessons import ended_lesson, keys_in_redis

pytestmark = pytest.mark.django_db(transaction=True)

_DIGITS = re.compile(rb"[0-9]+")


def shape(raw: bytes) -> bytes:
    """A stamp without its numbers."""
    return _DIGITS.sub(b"0", raw.split(b"|")[2])


def test_a_lesson_of_the_backlog_looks_as_one_that_the_scripts_made() -> None:
    redis = client.connection()
    made = ended_lesson(3).id
    (filled,) = fill(Backlog(lessons=1, share=3))

    assert len(keys_in_redis(filled)) == len(keys_in_redis(made)) == 4
    assert set(redis.hkeys(keys.lesson(filled))) == set(redis.hkeys(keys.lesson(made)))
    for key, value in ((keys.lesson, "hmget"), (keys.records, "hvals")):
        arguments = ["data"] if value == "hmget" else []
        shapes = [
            {shape(raw) for raw in getattr(redis, value)(key(i), *arguments)}
            for i in (made, filled)
        ]
        assert shapes[0] == shapes[1]
    snapshots = store.snapshot_many([made, filled])
    for snapshot in snapshots.values():
        assert isinstance(snapshot, store.Snapshot)
        assert snapshot.decode().corrupt == []
        assert snapshot.lesson.record_count == snapshot.read == 3
        assert snapshot.lesson.event_count == len(snapshot.raw_events) == 1


def test_a_backlog_is_persisted_whole() -> None:
    fill(Backlog(lessons=7, share=5))

    report = unified_persistence_task()

    assert report.sums_agree
    assert report.totals.outcomes == {"persisted": 7}
    assert AttendanceRecord.objects.count() == 35
