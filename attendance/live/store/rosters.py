"""The copy of who is expected at a live lesson: a check-in looks there, and costs no SQL.

PostgreSQL is the truth. A copy that is older, damaged or gone makes a check-in ask there
once before it is held or refused; nobody is refused because of the copy alone.
"""

from collections.abc import Mapping, Sequence
from uuid import UUID

import msgspec

from attendance.live import client, keys
from attendance.live.envelope import Corrupt, seal, unseal
from users.identity import is_canonical, is_clean_name

_PART = 1_000
"""Names that one run of the script writes, so that no run is long."""

_encode = msgspec.json.Encoder().encode
_decode = msgspec.json.Decoder(str).decode


def write_roster(lesson_id: UUID, names: Mapping[str, str]) -> bool:
    """Replace the copy of a lesson's roster: full names by school number.

    Returns False where Redis holds no such lesson. Raises LiveStoreUnavailable.
    """
    return _write(lesson_id, names, first="first")


def add_to_roster(lesson_id: UUID, names: Mapping[str, str]) -> bool:
    """Add people to the copy of a lesson's roster; as `write_roster`."""
    return _write(lesson_id, names, first="more")


def _write(lesson_id: UUID, names: Mapping[str, str], *, first: str) -> bool:
    people = list(names.items())
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


def _sealed(lesson_id: UUID, part: Sequence[tuple[str, str]]) -> list[str | bytes]:
    fields: list[str | bytes] = []
    for number, name in part:
        fields += number, seal(lesson_id, "roster", number, "", _encode(name))
    return fields


def read_roster(lesson_id: UUID) -> dict[str, str]:
    """The names by school number, in that order; what cannot be read is left out.

    Raises LiveStoreUnavailable.
    """
    flat: dict[bytes, bytes] = client.command(
        lambda redis: redis.hgetall(keys.roster(lesson_id)), key=keys.roster(lesson_id)
    )
    return decode_roster(lesson_id, [part for pair in flat.items() for part in pair])


def decode_roster(lesson_id: UUID, flat: Sequence[bytes]) -> dict[str, str]:
    """Read a roster's fields and values in turn."""
    names: dict[str, str] = {}
    for field, raw in zip(flat[::2], flat[1::2], strict=True):
        number = field.decode("ascii", "replace")
        try:
            _stamp, json = unseal(lesson_id, "roster", number, raw, 1)
            name = _decode(json)
        except (Corrupt, msgspec.MsgspecError, ValueError):
            continue
        if is_canonical(number) and is_clean_name(name):
            names[number] = name
    return dict(sorted(names.items()))
