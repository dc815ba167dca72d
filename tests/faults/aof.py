"""The append-only file of a stopped live store, damaged by hand."""

import os
import random
import re
from pathlib import Path
from uuid import UUID

from tests.support.rig.servers import Breakable

_RECORD = re.compile(rb":records\r\n\$\d+\r\n[A-Z0-9-]+\r\n\$\d+\r\n(1\|[^\r]*)\r\n")
_TRANSACTION = re.compile(rb"\*1\r\n\$5\r\nMULTI\r\n.*?\*1\r\n\$4\r\nEXEC\r\n", re.DOTALL)


def path_of(live: Breakable) -> Path:
    """The file that grows."""
    (found,) = live.data.glob("appendonlydir/*.incr.aof")
    return found


def tear(live: Breakable) -> None:
    """A write that was half done: the last transaction begins once more and does not end."""
    path = path_of(live)
    last = _TRANSACTION.findall(path.read_bytes())[-1]
    with path.open("ab") as file:
        file.write(last[: len(last) * 2 // 3])


def cut_last_record(live: Breakable) -> None:
    """Cut the file in the middle of the last record that was written."""
    path = path_of(live)
    last = list(_RECORD.finditer(path.read_bytes()))[-1]
    os.truncate(path, (last.start(1) + last.end(1)) // 2)


_PARTS = re.compile(rb"1\|(?P<checksum>[^|]+)\|(?P<stamp>[^|]+)\|(?P<json>.*)", re.DOTALL)


def flip_byte(live: Breakable, lesson_id: UUID, part: str, chance: random.Random) -> None:
    """Change one byte in a part of the envelope of one record of a lesson.

    What comes of it is a digit or a letter again where one stood: but for the
    checksum, it could be read.
    """
    path = path_of(live)
    raw = bytearray(path.read_bytes())
    begin = raw.index(str(lesson_id).encode())
    found = chance.choice(list(_RECORD.finditer(raw, begin)))
    whole = _PARTS.fullmatch(found[1])
    assert whole
    # The last digit: of the checksum, of the revision, of the student's name.
    digits = [m.start() for m in re.finditer(rb"\d(?=\D|$)", whole[part])]
    place = {"checksum": digits[-1:], "stamp": digits[:1], "json": digits[1:2]}[part][0]
    raw[found.start(1) + whole.start(part) + place] ^= 1
    path.write_bytes(raw)


_NAME = re.compile(
    rb"(?P<key>:records)\r\n\$\d+\r\n(?P<field>[A-Z0-9-]+)\r\n\$\d+\r\n1\|[^\r]*\r\n"
)


def flip_name(live: Breakable, lesson_id: UUID, part: str, chance: random.Random) -> None:
    """Change one bit in what one record of a lesson is stored under: its key, or its field.

    Nobody has that other key, or that other number.
    """
    path = path_of(live)
    raw = bytearray(path.read_bytes())
    found = chance.choice(list(_NAME.finditer(raw, raw.index(str(lesson_id).encode()))))
    place = {"key": found.end("key") - 1, "field": found.start("field")}[part]
    raw[place] ^= 1
    path.write_bytes(raw)
