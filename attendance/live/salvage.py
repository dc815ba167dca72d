"""What damaged bytes of a record still seem to say: for a person to look at, never to be believed.

A checksum that does not match says that some part is wrong, not which. Whatever is read here is
shown to somebody, who confirms it or says otherwise.
"""

import json
import re
from datetime import datetime
from typing import Final, NamedTuple

from attendance.rules.instants import instant, is_sane
from attendance.rules.verdicts import Mark
from attendance.vocabulary import Source, Status

_STAMP: Final = re.compile(rb"[0-9]{1,18},[0-9]{1,18},([0-9]{0,18}),([a-z]*),[a-z]*,([a-z]*)\|")
_STATUS: Final = re.compile("|".join(Status.values).encode())


class Salvaged(NamedTuple):
    """The parts of a record; what cannot be made out is '' or None."""

    school_number: str = ""
    full_name: str = ""
    status: str = ""
    checked_in_at: datetime | None = None
    source: str = ""
    reason: str = ""
    mark: str = ""


def salvage(raw: bytes) -> Salvaged:
    """What can be made out in bytes where a record should be. It never raises."""
    stamp, text = _STAMP.search(raw), raw.decode("utf-8", "backslashreplace")
    arrived, status, mark = stamp.groups() if stamp else (b"", _status(raw), b"")
    source = _value("source", text)
    return Salvaged(
        school_number=_value("school_number", text),
        full_name=_value("full_name", text),
        status=_known(status, Status.values),
        checked_in_at=instant(int(arrived)) if arrived and is_sane(int(arrived)) else None,
        source=source if source in Source.values else "",
        reason=_value("reason", text),
        mark=_known(mark, [each.value for each in Mark]),
    )


def _status(raw: bytes) -> bytes:
    # A script wrote it in the stamp, before the JSON.
    found = _STATUS.search(raw.partition(b"{")[0])
    return found[0] if found else b""


def _known(word: bytes, words: list[str]) -> str:
    text = word.decode("ascii", "replace")
    return text if text in words else ""


def _value(field: str, text: str) -> str:
    """The value of a field, where it can still be read although the JSON is damaged."""
    match = re.search(rf'"{field}":"((?:[^"\\]|\\.)*)"', text)
    return _unescape(match[1]) if match else ""


def _unescape(text: str) -> str:
    try:
        return str(json.loads(f'"{text}"'))
    except ValueError:
        return text
