"""What a payload in Redis may hold: during a deploy two releases read the same bytes."""

from typing import Any
from uuid import UUID

import msgspec
import pytest

from attendance.live import client, decoding, keys
from attendance.live.payloads import EventData, LessonData, Network, RecordData
from attendance.services.corrections import Correction, correct_record
from attendance.vocabulary import Verdict
from tests.support.lessons import TEACHER, live_lesson
from users.identity import Person

pytestmark = pytest.mark.django_db(transaction=True)

FIELDS = {
    LessonData: (
        "lesson_name",
        "teacher",
        "late_after_minutes",
        "request_id",
        "checks",
        "networks",
        "secret",
        "short_code",
        "code_seconds",
    ),
    RecordData: ("school_number", "full_name", "source", "reason", "actor"),
    EventData: ("kind", "actor", "source", "student", "reason"),
    Network: ("cidr", "first", "last"),
    Person: ("school_number", "full_name", "role"),
}
STAMPS = {"lesson": 4, "record": 6, "event": 5}
LESSON_ID = UUID("01a20000-0000-7000-8000-000000000001")
LESSON = (
    b'1|2fb5ca8e9c3fc5bd|3,1790000000000,1790000000000,1790002700000|{"lesson_name":"Physi'
    b'cs","teacher":{"school_number":"T-1","full_name":"Teacher 1","role":"teacher"},"late'
    b'_after_minutes":null,"request_id":"r-1","checks":[],"networks":[],"secret":"","short'
    b'_code":"ABCD","code_seconds":15}'
)
RECORD = (
    b'1|8e4b325e5bbf58ec|2,1790000000000,1790000000000,present,,kept|{"school_number":"S-1'
    b'","full_name":"Student 1","source":"student","reason":"","actor":null}'
)
EVENT = (
    b'1|3e70501b3889aa8b|3,1790000000000,r-2,present,late|{"kind":"record_corrected","acto'
    b'r":{"school_number":"T-1","full_name":"Teacher 1","role":"teacher"},"source":"teache'
    b'r","student":{"school_number":"S-1","full_name":"Student 1","role":"student"},"reaso'
    b'n":"tram"}'
)
RULE = (
    "During a deploy the release before reads what this one writes, and quarantines what it does "
    "not know. Read one release before you write: first a release that knows the new field or "
    "version, with a default, and never writes it; then one that writes it. See 'Upgrade without a "
    "pause' in docs/how-to/production.md, and change this list in the first of the two."
)


@pytest.mark.parametrize("struct", FIELDS)
def test_the_fields_of_a_payload_are_those_that_the_release_before_reads(
    struct: type[msgspec.Struct],
) -> None:
    assert struct.__struct_fields__ == FIELDS[struct], RULE


def test_what_the_release_before_wrote_is_read() -> None:
    plan, _, _ = decoding.decode_plan(LESSON_ID, LESSON)
    record = decoding.decode_record(LESSON_ID, "S-1", RECORD)
    event = decoding.decode_event(LESSON_ID, EVENT)

    assert plan.lesson_name == "Physics", RULE
    assert (record.status, record.revision, record.mark) == ("present", 2, "kept"), RULE
    assert (event.new, event.data.reason) == ("late", "tram"), RULE


def test_what_is_written_has_the_version_and_the_stamp_that_the_release_before_reads() -> None:
    lesson = live_lesson(1)
    correct_record(
        Correction(
            lesson_id=lesson.id,
            school_number="S-0001",
            verdict=Verdict.LATE,
            actor=TEACHER,
            reason="tram",
        )
    )
    redis: Any = client.connection()

    written = {
        "lesson": redis.hget(keys.lesson(lesson.id), "data"),
        "record": redis.hget(keys.records(lesson.id), "S-0001"),
        "event": redis.lindex(keys.events(lesson.id), 0),
    }

    for kind, raw in written.items():
        assert raw is not None
        version, _checksum, stamp, _json = raw.split(b"|", 3)
        assert (version, stamp.count(b",") + 1) == (b"1", STAMPS[kind]), RULE
