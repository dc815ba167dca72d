"""The copy of who is expected at a live lesson: a check-in looks there, and costs no SQL.

PostgreSQL is the truth. A copy that is older, damaged or gone makes a check-in ask there
once before it is held or refused; nobody is refused because of the copy alone.

roster  stamp  the number under which the person is expected, where it is another one
"""

from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import NamedTuple
from uuid import UUID

import msgspec

from attendance.live import client, keys
from attendance.live.envelope import Corrupt, seal, unseal
from users.identity import is_canonical, is_clean_name

_PART = 1_000
"""Names that one run of the script writes, so that no run is long."""

_encode = msgspec.json.Encoder().encode
_decode = msgspec.json.Decoder(str).decode


class Listed(NamedTuple):
    """Somebody on a roster, under one of their numbers."""

    full_name: str
    number: str
    """Under which the person is expected; the same for every account of theirs."""


LiveRoster = Mapping[str, Listed]
"""Who is expected, by every number under which they may check in."""


NOBODY: LiveRoster = MappingProxyType({})


def expected_numbers(roster: LiveRoster) -> set[str]:
    """One number for each person on a roster."""
    return {listed.number for listed in roster.values()}


def write_roster(lesson_id: UUID, roster: LiveRoster) -> bool:
    """Replace the copy of a lesson's roster.

    Returns False where Redis holds no such lesson. Raises LiveStoreUnavailable.
    """
    return _write(lesson_id, roster, first="first")


def add_to_roster(lesson_id: UUID, roster: LiveRoster) -> bool:
    """Add people to the copy of a lesson's roster; as `write_roster`."""
    return _write(lesson_id, roster, first="more")


def _write(lesson_id: UUID, roster: LiveRoster, *, first: str) -> bool:
    people = list(roster.items())
    parts = [people[at : at + _PART] for at in range(0, len(people), _PART)] or [[]]
    calls = [
        client.Call(
            "set_roster",
            [keys.lesson(lesson_id), keys.roster(lesson_id)],
            ("more" if number else first, *_sealed(lesson_id, part)),
        )
        for number, part in enumerate(parts)
    ]
    return [reply[0] for reply in client.run_many(calls)] == [b"kept"] * len(calls)


def _sealed(lesson_id: UUID, part: Sequence[tuple[str, Listed]]) -> list[str | bytes]:
    fields: list[str | bytes] = []
    for number, listed in part:
        other = "" if listed.number == number else listed.number
        fields += number, seal(lesson_id, "roster", number, other, _encode(listed.full_name))
    return fields


def read_roster(lesson_id: UUID) -> LiveRoster:
    """The copy of a lesson's roster; what cannot be read is left out.

    Raises LiveStoreUnavailable.
    """
    flat: dict[bytes, bytes] = client.command(
        lambda redis: redis.hgetall(keys.roster(lesson_id)), key=keys.roster(lesson_id)
    )
    return decode_roster(lesson_id, [part for pair in flat.items() for part in pair])


def decode_roster(lesson_id: UUID, flat: Sequence[bytes]) -> LiveRoster:
    """Read a roster's fields and values in turn."""
    roster: dict[str, Listed] = {}
    for field, raw in zip(flat[::2], flat[1::2], strict=True):
        number = field.decode("ascii", "replace")
        try:
            (other,), json = unseal(lesson_id, "roster", number, raw, 1)
            listed = Listed(_decode(json), other or number)
        except (Corrupt, msgspec.MsgspecError, ValueError):
            continue
        if is_canonical(number) and is_canonical(listed.number) and is_clean_name(listed.full_name):
            roster[number] = listed
    return dict(sorted(roster.items()))
