"""Envelopes: `1|<checksum>|<stamp>|<JSON>`.

The stamp is what a script decided, the JSON is what the caller sent. The
checksum covers lesson, kind, field, stamp and JSON, because an append-only file
with a flipped byte loads without an error, and a value in the wrong place is as
corrupt as a flipped one. scripts/prelude.lua seals and opens envelopes in Redis.
"""

from hashlib import sha1
from typing import TYPE_CHECKING, NoReturn
from uuid import UUID

if TYPE_CHECKING:
    from _hashlib import HASH

BYTES_OF_SUM = 8
_SUM_DIGITS = 2 * BYTES_OF_SUM
STAMP_AT = 2 + _SUM_DIGITS + 1
"""Where the stamp begins: after version, checksum and their bars."""


class Corrupt(Exception):
    """A value that no script of ATTN wrote, or that changed since. Says why."""


def seal(lesson_id: UUID, kind: str, field: str, stamp: str, json: bytes) -> bytes:
    """The envelope as the scripts write it (prelude.lua); readers and tests need it."""
    tail = stamp.encode() + b"|" + json
    return b"1|" + checksum_of(lesson_id, kind, field, tail) + b"|" + tail


def unseal(
    lesson_id: UUID, kind: str, field: str, raw: bytes, part_count: int
) -> tuple[list[str], bytes]:
    """The stamp, in `part_count` parts, and the JSON. Raises Corrupt."""
    if not raw.startswith(b"1|"):
        refuse("the format version is unknown")
    checksum, tail = raw[2:STAMP_AT], raw[STAMP_AT:]
    if checksum != checksum_of(lesson_id, kind, field, tail) + b"|":
        refuse("the checksum does not match")
    stamp, _, json = tail.partition(b"|")
    parts = stamp.decode("ascii", "replace").split(",")
    if len(parts) != part_count:
        refuse("the stamp has another number of parts")
    return parts, json


def checksum_of(lesson_id: UUID, kind: str, field: str, tail: bytes) -> bytes:
    """The checksum over lesson, kind, field, and all that follows it."""
    digest = begin_checksum(lesson_id, kind)
    digest.update(field.encode("utf-8", "surrogateescape") + b"|" + tail)
    return digest.hexdigest()[:_SUM_DIGITS].encode()


def counts_checksum(
    lesson_id: UUID,
    *,
    revision: bytes,
    record_count: bytes,
    event_count: bytes,
    phase: bytes,
    clock: bytes = b"",
) -> bytes:
    """The checksum over a lesson's revision, counts, phase and clock, as the scripts write it.

    A lesson of before there was a clock has none.
    """
    counts = (revision, record_count, event_count, phase, *([clock] if clock else []))
    return checksum_of(lesson_id, "lesson", "counts", b",".join(counts))


def begin_checksum(lesson_id: UUID, kind: str) -> "HASH":
    """The part of a checksum that all values of a kind in one lesson share.

    Whoever reads many of them begins once and goes on from a copy: quicker than a hash of its own.
    """
    return sha1(f"{lesson_id}|{kind}|".encode(), usedforsecurity=False)


def refuse(why: str) -> NoReturn:
    """Say why a value is corrupt."""
    raise Corrupt(why)
