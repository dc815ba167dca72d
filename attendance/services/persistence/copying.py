"""Rows by binary COPY, into tables of which this transaction has made the attendances.

A record is put into bytes here, because there are so many; an event by the driver. Both have the
columns of `row_values.py`, and a test compares the bytes of a record with what the driver makes
of its row.
"""

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from struct import Struct
from typing import Any, Final

from django.db import connection
from psycopg import Copy

from attendance.live.payloads import LiveRecord
from attendance.rules.instants import FIRST_MS
from attendance.rules.verdicts import Mark
from attendance.services.persistence import row_values
from attendance.services.persistence.row_values import Layout, Readable, Writing
from attendance.vocabulary import Source

_BEGIN: Final = b"PGCOPY\n\xff\r\n\0" + bytes(8)
_END: Final = b"\xff\xff"
BLOCK: Final = 64 * 1024
"""Bytes that are written at once, and the rest of a lesson."""
# Each value goes after its length.
_length: Final = Struct(">i").pack
_int8: Final = Struct(">iq").pack
_two_int8: Final = Struct(">iqiq").pack
_int8_and_length: Final = Struct(">iqi").pack
_count_and_id: Final = Struct(">hi16s").pack
_NULL: Final = _length(-1)
_EMPTY: Final = _length(0)
_NOT_DELETED: Final = _NULL + _NULL + _EMPTY
_BOOLS: Final = (_length(1) + b"\0", _length(1) + b"\1")
# Compared for each record: members of an enumeration take twice as long.
_KEPT, _SYSTEM = Mark.KEPT.value, Source.SYSTEM.value
_Words = dict[tuple[str, str, str, str], tuple[bytes, bytes, bytes]]


class _Lengths(dict[int, bytes]):
    """Lengths as they go before a value: to pack one takes longer than to look it up."""

    def __missing__(self, length: int) -> bytes:
        return _length(length)


_LENGTHS: Final = _Lengths((length, _length(length)) for length in range(256))


class RowsMissing(Exception):
    """A table has taken fewer rows than it was given, without an error."""


def copy_records(lessons: Sequence[Readable], users: dict[str, int]) -> None:
    """Write the records of new attendances; `users` maps numbers to ids. Raises RowsMissing."""
    with _copy(row_values.RECORD, expected=sum(len(each.records) for each in lessons)) as copy:
        copy.write(_BEGIN)
        for block in record_blocks(lessons, users):
            copy.write(block)
        copy.write(_END)


def copy_events(lessons: Sequence[Readable], users: dict[str, int]) -> None:
    """Write the events of new attendances; `users` maps numbers to ids. Raises RowsMissing."""
    with _copy(row_values.EVENT, expected=sum(len(each.events) for each in lessons)) as copy:
        copy.set_types(row_values.EVENT.copy_kinds)
        for row in row_values.event_rows(lessons, users, row_values.COPY):
            copy.write_row(row)


@contextmanager
def _copy(layout: Layout[Any], *, expected: int) -> Iterator[Copy]:
    with connection.cursor() as cursor:
        into = f"COPY {layout.table} ({', '.join(layout.names)}) FROM STDIN (FORMAT binary)"
        # Django wraps what a call raises, and not what leaving a COPY raises.
        with connection.wrap_database_errors, cursor.copy(into) as copy:
            yield copy
        row_count = cursor.rowcount
    if row_count != expected:
        raise RowsMissing(f"{layout.table} took {row_count} of {expected} rows. Has it a trigger?")


def record_blocks(lessons: Iterable[Readable], users: dict[str, int]) -> Iterator[bytes]:
    """The rows of the records of these lessons as binary COPY has them, nothing before or after.

    `users` maps numbers to ids. In blocks, because each connection keeps room for the largest.
    """
    words: _Words = {}
    block = bytearray()
    for readable in lessons:
        block += _bytes_of(readable, users, words)
        if len(block) >= BLOCK:
            yield bytes(block)
            block.clear()
    yield bytes(block)


def _bytes_of(readable: Readable, users: dict[str, int], words: _Words) -> bytes:
    head = _count_and_id(len(row_values.RECORD.names), 16, readable.lesson.id.bytes)
    writing = row_values.writing(readable, users, row_values.COPY)
    is_open, numbers = writing.closed_at is None, writing.numbers
    parts: list[bytes] = []
    for record in readable.records:
        school_number, said_by = record.school_number, record.source
        number, name = school_number.encode(), record.full_name.encode()
        # As `row_values.COPY.instant` has it: to call that for each record takes longer.
        changed_at, at = (record.changed_at_ms - FIRST_MS) * 1_000, record.checked_in_at_ms
        said = (record.status, said_by, record.reason, record.previous)
        status, source, previous = words.get(said) or words.setdefault(said, _in_words(record))
        # One after another as `row_values.RECORD` has the columns.
        parts += (
            head,
            _int8_and_length(8, users[school_number], len(number)),
            number,
            _LENGTHS[len(name)],
            name,
            status,
            _NULL if at is None else _int8(8, (at - FIRST_MS) * 1_000),
            source,
            _NULL if is_open else _BOOLS[school_number in numbers],
            _NULL if said_by != _SYSTEM else _absence(writing, record),
            previous,
            _two_int8(8, record.revision, 8, changed_at),
            _NOT_DELETED if record.mark == _KEPT else _deletion(writing, record),
        )
    return b"".join(parts)


def _in_words(record: LiveRecord) -> tuple[bytes, bytes, bytes]:
    """What a record says in words that many have in common: status; source, reason; previous."""
    source, reason = _text(record.source), _text(row_values.reason_of(record))
    return _text(record.status), source + reason, _text(record.previous)


def _absence(writing: Writing, record: LiveRecord) -> bytes:
    return _integer(row_values.absence_of(writing, record))


def _deletion(writing: Writing, record: LiveRecord) -> bytes:
    deleted_at = _integer(row_values.deleted_at(writing, record))
    deleted_by = _integer(row_values.deleted_by(writing, record))
    return deleted_at + deleted_by + _text(row_values.deleted_reason(record))


def _text(text: str) -> bytes:
    raw = text.encode()
    return _length(len(raw)) + raw


def _integer(number: int | None) -> bytes:
    return _NULL if number is None else _int8(8, number)
