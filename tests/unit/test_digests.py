"""The digest of a lesson: stored ones are compared with later ones, so it stays what it is."""

from hashlib import sha256

import pytest

from attendance.live.store import Snapshot
from tests.support.read_lessons import lesson_as_read


def digest_of(
    raw_lesson: bytes = b"lesson",
    records: tuple[tuple[bytes, bytes], ...] = ((b"S-1", b"one"), (b"S-2", b"x" * 2_000)),
    events: tuple[bytes, ...] = (b"event",),
    corrupt: tuple[bytes, ...] = (b"odd",),
) -> str:
    return Snapshot(
        lesson=lesson_as_read(records=2, events=1),
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
