"""The format of what Redis holds, pinned: it changes on purpose only."""

from typing import Any
from uuid import UUID

import msgspec
import pytest

from attendance.live import client, decoding, keys
from attendance.live.payloads import (
    EventData,
    LessonData,
    Network,
    NotHeld,
    RecordData,
    SectionData,
)
from attendance.rules.status import ArrivalRule
from attendance.services.corrections import Correction, correct_record
from attendance.vocabulary import Verdict
from tests.support.lessons import TEACHER, live_lesson
from users.identity import Person

pytestmark = pytest.mark.django_db(transaction=True)

FIELDS = {
    LessonData: (
        "lesson_name",
        "teacher",
        "request_id",
        "rule",
        "checks",
        "networks",
        "secret",
        "short_code",
        "code_seconds",
        "section",
        "not_held",
        "site",
        "request_digest",
    ),
    RecordData: ("school_number", "full_name", "source", "reason", "actor"),
    EventData: ("kind", "actor", "source", "student", "reason"),
    ArrivalRule: ("opens_before_s", "late_after_s", "absent_after_s"),
    SectionData: ("id", "code", "title", "time_zone", "walk_ins", "policy_id"),
    NotHeld: ("actor", "reason", "said_at"),
    Network: ("cidr", "first", "last"),
    Person: ("school_number", "full_name", "role"),
}
STAMPS = {"lesson": 4, "record": 6, "event": 6, "request": 2}
LESSON_ID = UUID("01a20000-0000-7000-8000-000000000001")
LESSON = (
    b'1|43cf7e5050878acc|3,1790000000000,1790000000000,1790002700000|{"lesson_name":"Physi'
    b'cs","teacher":{"school_number":"T-1","full_name":"Teacher 1","role":"teacher"},"requ'
    b'est_id":"r-1","rule":{"opens_before_s":0,"late_after_s":null,"absent_after_s":null},'
    b'"checks":[],"networks":[],"secret":"","short_code":"ABCD","code_seconds":15,"section'
    b'":null,"not_held":null,"request_digest":"0123456789abcdef0123456789abcdef"}'
)
RECORD = (
    b'1|8e4b325e5bbf58ec|2,1790000000000,1790000000000,present,,kept|{"school_number":"S-1'
    b'","full_name":"Student 1","source":"student","reason":"","actor":null}'
)
EVENT = (
    b"1|99d6c127a15ea28d|3,1790000000000,r-2,0123456789abcdef0123456789abcdef,present,late"
    b'|{"kind":"record_corrected","actor":{"school_number":"T-1","full_name":"Teacher 1","'
    b'role":"teacher"},"source":"teacher","student":{"school_number":"S-1","full_name":"St'
    b'udent 1","role":"student"},"reason":"tram"}'
)
RULE = "The format has changed: update this list and add one line to CHANGELOG.md."


@pytest.mark.parametrize("struct", FIELDS)
def test_a_payload_has_these_fields(
    struct: type[msgspec.Struct],
) -> None:
    assert struct.__struct_fields__ == FIELDS[struct], RULE


def test_bytes_of_this_format_are_read() -> None:
    plan, _, _ = decoding.decode_plan(LESSON_ID, LESSON)
    record = decoding.decode_record(LESSON_ID, "S-1", RECORD)
    event = decoding.decode_event(LESSON_ID, EVENT)

    assert plan.lesson_name == "Physics", RULE
    assert (record.status, record.revision, record.mark) == ("present", 2, "kept"), RULE
    assert (event.new, event.data.reason) == ("late", "tram"), RULE
    assert event.request_digest == plan.request_digest == "0123456789abcdef" * 2, RULE


def test_what_is_written_has_this_version_and_these_stamps() -> None:
    lesson = live_lesson(1)
    correct_record(
        Correction(
            lesson_id=lesson.id,
            school_number="S-0001",
            verdict=Verdict.LATE,
            actor=TEACHER,
            reason="tram",
            request_id="r-2",
        )
    )
    redis: Any = client.connection()

    written = {
        "lesson": redis.hget(keys.lesson(lesson.id), "data"),
        "record": redis.hget(keys.records(lesson.id), "S-0001"),
        "event": redis.lindex(keys.events(lesson.id), 0),
        "request": redis.hget(keys.requests(lesson.id), "r-2"),
    }

    for kind, raw in written.items():
        assert raw is not None
        version, _checksum, stamp, _json = raw.split(b"|", 3)
        assert (version, stamp.count(b",") + 1) == (b"1", STAMPS[kind]), RULE
