"""The records of one lesson, decoded together: most of what is ever read are records.

Nearly all are as a check-in or a correction has left them, and are read the short way. Whatever
looks otherwise in any respect goes the long way, `decoding.decode_record`, which alone says what
is corrupt, and why.
"""

from binascii import hexlify
from collections.abc import Iterable
from itertools import product
from typing import TYPE_CHECKING, Final, NamedTuple
from uuid import UUID

from attendance.live.decoding import decode_record, decode_record_data
from attendance.live.envelope import BYTES_OF_SUM, STAMP_AT, Corrupt, begin_checksum
from attendance.live.payloads import PREVIOUS, LiveRecord, RecordData
from attendance.rules.instants import FIRST_MS, LAST_MS
from attendance.rules.verdicts import Mark
from attendance.vocabulary import Source, Status

if TYPE_CHECKING:
    from _hashlib import HASH

MOST_REMEMBERED: Final = 32_768
"""The same people come to lesson after lesson, so what a check-in says of them is remembered."""
_LONGEST_REVISION: Final = 9
_LENGTH_OF_INSTANT: Final = 13
"""Of 2001 to 2286, in milliseconds."""
_KEPT: Final = Mark.KEPT.value
_WORDS: Final = {
    ",".join(words).encode(): words
    for words in product(Status.values, PREVIOUS, (mark.value for mark in Mark))
}
"""Status, previous and mark: what may stand at the end of a stamp, by its bytes."""
# One text for all who are remembered.
_SOURCES: Final[dict[str, str]] = {source: source for source in Source.values}

_remembered: dict[bytes, RecordData] = {}
"""What a record says beside its stamp, by its bytes."""


class UnreadableRecord(NamedTuple):
    """What stands where a record should be, and why it is none."""

    field: str
    raw: bytes
    reason: str


def decode_records(
    lesson_id: UUID, raw_records: Iterable[tuple[bytes, bytes]]
) -> tuple[list[LiveRecord], list[UnreadableRecord]]:
    """Make records of the fields and envelopes of one lesson; what cannot be read is set apart."""
    begun = begin_checksum(lesson_id, "record")
    records: list[LiveRecord] = []
    unreadable: list[UnreadableRecord] = []
    for field, raw in raw_records:
        record = _decode_usual(begun, field, raw)
        if record is None:
            name = field_text(field)
            try:
                record = decode_record(lesson_id, name, raw)
            except Corrupt as error:
                unreadable.append(UnreadableRecord(name, raw, str(error)))
                continue
        records.append(record)
    return records, unreadable


def field_text(raw: bytes) -> str:
    """A field's name as text; what is not UTF-8 or has control characters is spelt out."""
    text = raw.decode("utf-8", "backslashreplace")
    if text.isprintable():
        return text
    return "".join(c if c.isprintable() else f"\\x{ord(c):02x}" for c in text)


def _decode_usual(begun: "HASH", field: bytes, raw: bytes) -> LiveRecord | None:
    """The record, as `decode_record` makes it; None for what may be none, or an unusual one."""
    digest = begun.copy()
    # With the bar before the stamp.
    digest.update(field + raw[STAMP_AT - 1 :])
    try:
        version, checksum, stamp, json = raw.split(b"|", 3)
        revision, changed, arrived, words = stamp.split(b",", 3)
        status, previous, mark = _WORDS[words]
        said = _remembered.get(json) or _read(json)
    except (ValueError, KeyError, Corrupt):
        return None
    if (
        version != b"1"
        or checksum != hexlify(digest.digest()[:BYTES_OF_SUM])
        or said.school_number.encode() != field
        or (said.actor is None and mark != _KEPT)
        or not (revision.isdigit() and len(revision) <= _LONGEST_REVISION)
    ):
        return None
    changed_at_ms = _instant(changed)
    checked_in_at_ms = changed_at_ms if arrived == changed else _instant(arrived)
    if changed_at_ms is None or (arrived and checked_in_at_ms is None):
        return None
    return LiveRecord(
        school_number=said.school_number,
        full_name=said.full_name,
        status=status,
        checked_in_at_ms=checked_in_at_ms,
        source=said.source,
        reason=said.reason,
        actor=said.actor,
        previous=previous,
        mark=mark,
        revision=int(revision),
        changed_at_ms=changed_at_ms,
    )


def _instant(digits: bytes) -> int | None:
    """Epoch milliseconds; None for anything that is not plainly between 2001 and 2100."""
    if len(digits) == _LENGTH_OF_INSTANT and digits.isdigit():
        ms = int(digits)
        return ms if FIRST_MS <= ms < LAST_MS else None
    return None


def _read(json: bytes) -> RecordData:
    """What a record says beside its stamp; it is remembered. Raises Corrupt."""
    data = decode_record_data(json)
    said = RecordData(
        data.school_number, data.full_name, _SOURCES[data.source], data.reason, data.actor
    )
    # A cache that knows which were asked for last takes more memory, and no less time.
    if len(_remembered) >= MOST_REMEMBERED:
        _remembered.clear()
    _remembered[json] = said
    return said
