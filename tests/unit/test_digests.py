"""The digest of a lesson: stored ones are compared with later ones, so it stays what it is."""

from datetime import UTC, datetime
from hashlib import sha256
from uuid import UUID

import pytest

from attendance.live.payloads import LessonData, LiveLesson
from attendance.live.store import Snapshot
from users.identity import Person, Role

AT = datetime(2026, 1, 5, 9, tzinfo=UTC)
LESSON = LiveLesson(
    id=UUID(int=1),
    data=LessonData("Physics", Person("T-1", "Grace", Role.TEACHER), "request"),
    revision=9,
    data_revision=1,
    record_count=2,
    event_count=1,
    starts_at=AT,
    ends_at=AT,
    changed_at=AT,
    is_starting=False,
    read_at=AT,
)


def digest_of(
    raw_lesson: bytes = b"lesson",
    records: tuple[tuple[bytes, bytes], ...] = ((b"S-1", b"one"), (b"S-2", b"x" * 2_000)),
    events: tuple[bytes, ...] = (b"event",),
    corrupt: tuple[bytes, ...] = (b"odd",),
) -> str:
    return Snapshot(
        lesson=LESSON,
        raw_lesson=raw_lesson,
        raw_records=dict(records),
        raw_events=list(events),
        raw_corrupt=list(corrupt),
        refusals=[],
        devices={},
    ).digest


def test_a_digest_is_of_every_part_after_its_length() -> None:
    whole = b"6:lesson5:event0:3:odd0:3:S-13:one3:S-22000:" + b"x" * 2_000
    assert digest_of() == sha256(whole).hexdigest()


def test_the_order_in_which_redis_names_records_does_not_matter() -> None:
    assert digest_of(records=((b"S-2", b"x" * 2_000), (b"S-1", b"one"))) == digest_of()


@pytest.mark.parametrize(
    "other",
    [
        digest_of(b"lessons"),
        digest_of(records=((b"S-1", b"one"),)),
        digest_of(records=((b"S-1", b"oneS"), (b"-2", b"x" * 2_000))),
        digest_of(events=(b"event", b"odd"), corrupt=()),
        digest_of(events=(), corrupt=(b"event", b"odd")),
        digest_of(events=(b"even", b"t")),
    ],
    ids=range(6),
)
def test_no_other_lesson_has_the_same(other: str) -> None:
    assert other != digest_of()
