"""The short way to read records says what the long way says, of every payload."""

from uuid import UUID

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from attendance.live import decoding, envelope, records
from attendance.live.envelope import Corrupt
from attendance.live.payloads import LiveRecord, RecordData, encode
from attendance.live.records import UnreadableRecord, decode_records, field_text
from attendance.rules.verdicts import Mark
from attendance.vocabulary import Status
from users.identity import Person

LESSON = UUID("01890a5d-ac96-774b-bcce-b302099a8057")
OTHER = UUID("01890a5d-ac96-774b-bcce-b302099a8058")
AT = "1790000000000"
TEACHER = Person("T-1", "Grace")
ADA = encode(RecordData("S-1", "Ada", "student"))
BY_HAND = encode(RecordData("S-1", "Ada", "teacher", "Was there", TEACHER))


def long_way(field: bytes, raw: bytes) -> tuple[list[LiveRecord], list[UnreadableRecord]]:
    name = field_text(field)
    try:
        return [decoding.decode_record(LESSON, name, raw)], []
    except Corrupt as error:
        return [], [UnreadableRecord(name, raw, str(error))]


def seal(stamp: str, json: bytes = ADA, field: str = "S-1", lesson_id: UUID = LESSON) -> bytes:
    return envelope.seal(lesson_id, "record", field, stamp, json)


numbers = st.sampled_from(
    ["", "0", "7", "007", "-7", "+7", " 7", "7_0", "\u0667", "9" * 9, "9" * 10, "9" * 18, "9" * 19]
)
instants = numbers | st.sampled_from(
    [
        *(AT, "946684799999", "946684800000", "0946684800000", "1000000000000", "4102444799999"),
        *(
            "4102444800000",
            "9999999999999",
            "+999999999999",
            "1_00000000000",
            " 790000000000",
            "0" * 6 + AT,
        ),
    ]
)
words = st.sampled_from([*Status.values, *(mark.value for mark in Mark), "", "none", "asleep"])
stamps = st.builds(
    lambda *parts: ",".join(parts), numbers, instants, instants, words, words, words
) | st.sampled_from(["", f"7,{AT},{AT},late,present", f"7,{AT},{AT},late,present,kept,kept"])
people = st.sampled_from([None, TEACHER, Person("t", "Grace"), Person("T-1", "\u200b")])
jsons = st.one_of(
    st.builds(
        lambda *values: encode(RecordData(*values)),
        st.sampled_from(["S-1", "S-2", "s-1", ""]),
        st.sampled_from(["Ada", "Öz", "", " Ada", "A\x00", "\u200b", "A" * 201]),
        st.sampled_from(["student", "teacher", "nobody", ""]),
        st.sampled_from(["", "Was there", " x", "a\nb", "x" * 5_000]),
        people,
    ),
    st.sampled_from([b"", b"{}", b"[]", ADA + b"|", ADA[:-1], ADA + b" ", b" " + ADA, b"\xff"]),
    st.binary(max_size=9),
)
fields = st.sampled_from([b"S-1", b"S-2", b"", b"S-1 ", b"S-\xff", b"S-\x01", b"S-\\x01"])


@given(stamps, jsons, fields, st.sampled_from([LESSON, OTHER]))
@example(f"7,{AT},{AT},late,present,kept", ADA, b"S-1", LESSON)
@example(f"7,{AT},,absent,,deleted", ADA, b"S-1", LESSON)
@example(f"7,{AT},{AT},late,present,deleted", BY_HAND, b"S-1", LESSON)
@example(f"7,{AT},1,late,present,kept", ADA, b"S-1", LESSON)
@example(f"7,1,{AT},late,present,kept", ADA, b"S-1", LESSON)
@example(f"7,+999999999999,{AT},late,present,kept", ADA, b"S-1", LESSON)
@example(f"+7,{AT},{AT},late,present,kept", ADA, b"S-1", LESSON)
@example(f"{'0' * 18}7,{AT},{AT},late,present,kept", ADA, b"S-1", LESSON)
@example(f"7,{AT},946684799999,late,present,kept", ADA, b"S-1", LESSON)
@example(f"7,{AT},4102444800000,late,present,kept", ADA, b"S-1", LESSON)
@example(f"7,4102444800000,{AT},late,present,kept", ADA, b"S-1", LESSON)
@example(f"7,{'0' * 6}{AT},{AT},late,present,kept", ADA, b"S-1", LESSON)
def test_both_ways_read_a_sealed_record_alike(
    stamp: str, json: bytes, field: bytes, lesson_id: UUID
) -> None:
    raw = seal(stamp, json, field_text(field), lesson_id)
    assert decode_records(LESSON, [(field, raw)]) == long_way(field, raw)


@given(st.binary() | st.binary().map(lambda raw: b"1|0123456789abcdef|" + raw), fields)
def test_both_ways_refuse_what_was_not_sealed_alike(raw: bytes, field: bytes) -> None:
    assert decode_records(LESSON, [(field, raw)]) == long_way(field, raw)


@pytest.mark.parametrize("bit", range(8))
def test_both_ways_find_every_flipped_bit_and_every_cut(bit: int) -> None:
    whole = seal(f"7,{AT},{AT},late,present,kept", BY_HAND)
    for position in range(len(whole)):
        flipped = bytearray(whole)
        flipped[position] ^= 1 << bit
        for raw in (bytes(flipped), whole[:position]):
            found, unreadable = decode_records(LESSON, [(b"S-1", raw)])
            assert (found, unreadable) == long_way(b"S-1", raw)
            assert not found


@pytest.mark.parametrize(
    ("stamp", "json"),
    [
        (f"7,{AT},{AT},late,present,kept", ADA),
        (f"7,{AT},,absent,,kept", ADA),
        (f"7,{AT},1700000000000,present,none,deleted", BY_HAND),
        (f"123456789,{AT},{AT},excused,deleted,undone", BY_HAND),
    ],
)
def test_what_scripts_write_is_read_the_short_way(
    stamp: str, json: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    raw = seal(stamp, json)
    whole = long_way(b"S-1", raw)
    monkeypatch.delattr(records, "decode_record")
    assert decode_records(LESSON, [(b"S-1", raw)]) == whole
    assert whole[1] == []


def test_one_corrupt_record_stops_no_other() -> None:
    stamp = f"7,{AT},{AT},late,present,kept"
    others = [f"S-{n}" for n in range(2, 5)]
    raw_records = [
        (name.encode(), seal(stamp, encode(RecordData(name, "Ada", "student")), name))
        for name in others
    ]
    raw_records[1:1] = [(b"S-1", seal(stamp, ADA)[:-1]), (b"S-9", seal(stamp, ADA, "S-9"))]
    found, unreadable = decode_records(LESSON, raw_records)
    assert [record.school_number for record in found] == others
    assert [(each.field, each.reason.partition(",")[0]) for each in unreadable] == [
        ("S-1", "the checksum does not match"),
        ("S-9", "the school number is not the one of its field"),
    ]


def test_no_more_than_a_school_is_remembered(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(records, "MOST_REMEMBERED", 2)
    monkeypatch.setattr(records, "_remembered", {})
    for number in ("S-1", "S-2", "S-3", "S-1"):
        raw = seal(
            f"7,{AT},{AT},late,present,kept", encode(RecordData(number, "A", "student")), number
        )
        assert decode_records(LESSON, [(number.encode(), raw)]) == long_way(number.encode(), raw)
        assert len(records._remembered) <= 2
