"""The bytes of a record are those that the driver makes of its row, column by column."""

from datetime import date
from struct import pack

import psycopg
from hypothesis import example, given
from hypothesis import strategies as st
from psycopg.adapt import PyFormat, Transformer

from attendance.live.payloads import LiveRecord
from attendance.rules.instants import FIRST_MS, LAST_MS
from attendance.rules.verdicts import Mark
from attendance.services.persistence import row_values
from attendance.services.persistence.copying import BLOCK, record_blocks
from attendance.services.persistence.row_values import Readable
from attendance.services.rosters.expected import Expected
from attendance.vocabulary import Source, Status
from courses.selectors.expected import Excuse
from courses.selectors.rosters import RosterEntry
from tests.support.read_lessons import GRACE, lesson_as_read

NUMBERS = ("S-1", "S-2", "S-3", "S-4")
USERS = {number: 2**40 + i for i, number in enumerate((*NUMBERS, "T-1"))}
EXPECTED = Expected(
    section_id=1,
    policy_id=None,
    held_on=date(2026, 1, 5),
    is_owed=True,
    people=[
        RosterEntry(USERS["S-1"], "S-1", "Ada"),
        RosterEntry(USERS["S-2"], "S-2", "Öz", other_numbers=("S-3",)),
    ],
    excuses={USERS["S-1"]: Excuse(2**33, "ill")},
)


instants = st.integers(FIRST_MS, LAST_MS - 1)
records = st.builds(
    LiveRecord,
    school_number=st.sampled_from(NUMBERS),
    full_name=st.sampled_from(["Ada", "Öğrenci Şule", "علي", "A" * 200, "ğ" * 200]),
    status=st.sampled_from(Status.values),
    checked_in_at_ms=st.none() | instants,
    source=st.sampled_from(Source.values),
    reason=st.sampled_from(["", "Was there", "ğ" * 300]),
    actor=st.sampled_from([None, GRACE]),
    previous=st.sampled_from(["", "none", *Status.values]),
    mark=st.sampled_from([mark.value for mark in Mark]),
    revision=st.integers(0, 10**18 - 1),
    changed_at_ms=instants,
)
of_a_lesson = st.builds(
    Readable,
    st.integers(1, 2**128 - 1).map(lesson_as_read),
    st.lists(records, max_size=4),
    st.just(()),
    st.sampled_from([None, EXPECTED]),
    st.none() | instants,
)
PENDING = LiveRecord(
    school_number="S-4",
    full_name="Ada",
    status="pending",
    checked_in_at_ms=FIRST_MS,
    source="student",
    reason="",
    actor=None,
    previous="",
    mark="kept",
    revision=1,
    changed_at_ms=LAST_MS - 1,
)


def as_the_driver_writes(lessons: list[Readable]) -> bytes:
    driver = Transformer()
    oids = [psycopg.adapters.types[kind].oid for kind in row_values.RECORD.copy_kinds]
    driver.set_dumper_types(oids, psycopg.pq.Format.BINARY)
    written = b""
    for row in row_values.record_rows(lessons, USERS, row_values.COPY):
        written += pack(">h", len(row))
        for value in driver.dump_sequence(row, [PyFormat.BINARY] * len(row)):
            written += pack(">i", -1) if value is None else pack(">i", len(value)) + bytes(value)
    return written


@given(st.lists(of_a_lesson, max_size=3))
@example([Readable(lesson_as_read(1), [PENDING], ())])
def test_a_record_s_bytes_are_the_driver_s(lessons: list[Readable]) -> None:
    assert b"".join(record_blocks(lessons, USERS)) == as_the_driver_writes(lessons)


def test_many_lessons_go_in_blocks() -> None:
    lessons = [Readable(lesson_as_read(n), [PENDING] * 100, ()) for n in range(1, 20)]
    blocks = list(record_blocks(lessons, USERS))
    of_one = len(as_the_driver_writes(lessons[:1]))
    assert len(blocks) > 2
    assert all(BLOCK <= len(block) < BLOCK + of_one for block in blocks[:-1])
    assert b"".join(blocks) == as_the_driver_writes(lessons)
