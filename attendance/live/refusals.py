"""Refused check-ins: kept by student and code, for the teacher to see and accept.

They are not marks: they raise no revision, and a refusal that cannot be read is left out.

refusal  stamp  times, first_at, last_at
"""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

import msgspec

from attendance.live.envelope import Corrupt, unseal
from attendance.live.payloads import RecordData
from attendance.rules import instants
from attendance.vocabulary import Refusal
from users import identity

_decode = msgspec.json.Decoder(RecordData).decode
_MOST_TIMES = 2_000_000_000


class LiveRefusal(msgspec.Struct, frozen=True, kw_only=True):
    """How often one student was refused with one code."""

    school_number: str
    full_name: str
    code: str
    times: int
    first_at: datetime
    last_at: datetime


def decode_refusals(lesson_id: UUID, flat: Sequence[bytes]) -> list[LiveRefusal]:
    """Read a hash of refusals, fields and values in turn; what is damaged is left out."""
    refusals = []
    for field, raw in zip(flat[::2], flat[1::2], strict=True):
        refusal = _refusal(lesson_id, field, raw)
        if refusal is not None:
            refusals.append(refusal)
    return sorted(refusals, key=lambda refusal: (refusal.school_number, refusal.code))


def _refusal(lesson_id: UUID, field: bytes, raw: bytes) -> LiveRefusal | None:
    try:
        name = field.decode("ascii")
        stamp, json = unseal(lesson_id, "refusal", name, raw, 3)
        times, first_at, last_at = (int(part) for part in stamp)
        full_name = _decode(json).full_name
    except (Corrupt, ValueError, msgspec.MsgspecError, RecursionError):
        return None
    number, _, code = name.partition("|")
    is_sane = (
        identity.is_canonical(number)
        and identity.is_clean_name(full_name)
        and code in Refusal.values
        and 0 < times <= _MOST_TIMES
        and instants.FIRST_MS <= first_at <= last_at < instants.LAST_MS
    )
    if not is_sane:
        return None
    return LiveRefusal(
        school_number=number,
        full_name=full_name,
        code=code,
        times=times,
        first_at=instants.instant(first_at),
        last_at=instants.instant(last_at),
    )
