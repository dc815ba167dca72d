"""Envelopes: a flipped byte, a wrong place, another hand are all found out."""

from uuid import UUID, uuid4

import pytest
from hypothesis import given
from hypothesis import strategies as st

from attendance.live import decoding, envelope
from attendance.live.envelope import Corrupt
from attendance.rules import instants

LESSON = UUID("01890a5d-ac96-774b-bcce-b302099a8057")
AT = "1790000000000"
JSON = b'{"school_number":"S-1","full_name":"Ada","source":"student"}'
STAMP = f"7,{AT},{AT},late,present,kept"
SEALED = envelope.seal(LESSON, "record", "S-1", STAMP, JSON)


def test_what_was_sealed_is_read() -> None:
    record = decoding.decode_record(LESSON, "S-1", SEALED)

    assert (record.school_number, record.full_name, record.status) == ("S-1", "Ada", "late")
    assert (record.revision, record.previous, record.mark) == (7, "present", "kept")
    assert record.checked_in_at == instants.instant(int(AT))


@pytest.mark.parametrize("bit", range(8))
def test_every_flipped_bit_is_found(bit: int) -> None:
    for position in range(len(SEALED)):
        raw = bytearray(SEALED)
        raw[position] ^= 1 << bit
        with pytest.raises(Corrupt):
            decoding.decode_record(LESSON, "S-1", bytes(raw))


def test_every_cut_is_found() -> None:
    for length in range(len(SEALED)):
        with pytest.raises(Corrupt):
            decoding.decode_record(LESSON, "S-1", SEALED[:length])


def test_a_value_in_another_place_is_corrupt() -> None:
    with pytest.raises(Corrupt):
        decoding.decode_record(uuid4(), "S-1", SEALED)
    with pytest.raises(Corrupt):
        decoding.decode_record(LESSON, "S-2", SEALED)
    with pytest.raises(Corrupt):
        decoding.decode_event(LESSON, SEALED)


@pytest.mark.parametrize(
    "stamp",
    [
        f"7,{AT},{AT},late,present,gone",
        f"7,{AT},{AT},late,asleep,kept",
        f"7,{AT},{AT},late,present,deleted",
        f"-7,{AT},{AT},late,present,kept",
        f"7,{AT},1,late,present,kept",
        f"7,{AT},9{AT},late,present,kept",
        f"7,{AT},{AT},late,present",
        f"7,{AT},{AT},late,present,kept,kept",
        "",
    ],
)
def test_a_stamp_that_no_script_writes_is_corrupt(stamp: str) -> None:
    with pytest.raises(Corrupt):
        decoding.decode_record(LESSON, "S-1", envelope.seal(LESSON, "record", "S-1", stamp, JSON))


@pytest.mark.parametrize(("ms", "year"), [(1, 2000), (91_790_000_000_000, 2099)])
def test_a_record_that_a_wrong_clock_has_changed_has_the_nearest_year(ms: int, year: int) -> None:
    stamp = f"7,{ms},{AT},late,present,kept"
    raw = envelope.seal(LESSON, "record", "S-1", stamp, JSON)

    record = decoding.decode_record(LESSON, "S-1", raw)

    assert record.changed_at.year == year
    assert record.checked_in_at_ms == int(AT)


@given(st.binary(), st.text())
def test_no_bytes_raise_anything_but_corrupt(raw: bytes, field: str) -> None:
    for decode in (
        lambda: decoding.decode_record(LESSON, field, raw),
        lambda: decoding.decode_event(LESSON, raw),
        lambda: decoding.decode_lesson(
            LESSON, b"1", [raw, b"1", b"1", b"1", b"1", b"1", *[b""] * 3]
        ),
    ):
        with pytest.raises(Corrupt):
            decode()


@given(st.binary())
def test_no_sealed_json_raises_anything_but_corrupt(json: bytes) -> None:
    sealed = envelope.seal(LESSON, "record", "S-1", STAMP, json)
    with pytest.raises(Corrupt):
        decoding.decode_record(LESSON, "S-1", sealed)
