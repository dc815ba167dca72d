"""The append-only file of a stopped live store, damaged by hand."""

import os
import random
import re
from pathlib import Path
from uuid import UUID

from tests.faults.servers import Breakable

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


def flip_byte(live: Breakable, lesson_id: UUID, chance: random.Random) -> None:
    """Change one byte in the envelope of one record of a lesson, anywhere in it."""
    path = path_of(live)
    raw = bytearray(path.read_bytes())
    begin = raw.index(str(lesson_id).encode())
    found = chance.choice(list(_RECORD.finditer(raw, begin)))
    place = chance.randrange(*found.span(1))
    raw[place] ^= 1
    path.write_bytes(raw)
