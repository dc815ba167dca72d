"""Quarantine: payloads that cannot be read or stored, kept byte for byte."""

from collections import Counter
from collections.abc import Iterable, Sequence
from hashlib import sha256
from typing import Any
from uuid import UUID

from django.db import connection

from attendance.live.payloads import LiveRecord
from attendance.live.store import CorruptPayload
from attendance.services.database_errors import storable
from attendance.services.persistence.refused import Refused
from attendance.services.persistence.snapshots import ChunkSnapshots
from attendance.services.persistence.sums import QuarantineCounts
from attendance.vocabulary import PayloadKind

LONGEST_FIELD = 200


def keep_payloads(lessons: ChunkSnapshots, refused: Sequence[Refused]) -> QuarantineCounts:
    """Within the persisting transaction: keep everything that this chunk sets apart."""
    payloads: list[tuple[UUID, CorruptPayload]] = []
    for fresh in lessons.to_write:
        payloads += ((fresh.snapshot.lesson.id, payload) for payload in fresh.corrupt)
    for rewound in lessons.rewound:
        payloads += ((rewound.snapshot.lesson.id, payload) for payload in rewound.differing)
    for lesson_id, unsnapped in lessons.unsnapped.items():
        if unsnapped.outcome == "unreadable":
            lesson = CorruptPayload(PayloadKind.LESSON, "data", unsnapped.payload, unsnapped.reason)
            payloads.append((lesson_id, lesson))
    payloads += _raw_of(lessons, refused)
    records = Counter(each.lesson_id for each in refused if isinstance(each.item, LiveRecord))
    return QuarantineCounts(records, Counter(_keep(payloads)))


def _raw_of(
    lessons: ChunkSnapshots, refused: Sequence[Refused]
) -> Iterable[tuple[UUID, CorruptPayload]]:
    by_id = {each.snapshot.lesson.id: each.snapshot for each in lessons.to_write}
    for lesson_id, item, reason in refused:
        snapshot = by_id[lesson_id]
        if isinstance(item, LiveRecord):
            raw = snapshot.raw_records[item.school_number.encode()]
            yield lesson_id, CorruptPayload("record", item.school_number, raw, reason)
        else:
            raw = snapshot.raw_event(item)
            yield lesson_id, CorruptPayload("event", str(item.revision), raw, reason)


def _keep(payloads: Sequence[tuple[UUID, CorruptPayload]]) -> list[UUID]:
    """Insert payloads that are not there. Returns the lesson of each new one."""
    if not payloads:
        return []
    columns: list[Any] = [
        [lesson_id for lesson_id, _ in payloads],
        [str(payload.kind) for _, payload in payloads],
        [_short(payload.field) for _, payload in payloads],
        [sha256(payload.payload).hexdigest() for _, payload in payloads],
        [payload.payload for _, payload in payloads],
        [storable(payload.reason) for _, payload in payloads],
    ]
    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO attendance_quarantinedpayload (lesson_id, kind, field, sha256, payload,"
            " reason, found_at, state, corrected, settled_reason)"
            " SELECT i.*, statement_timestamp(), 'open', '', '' FROM unnest(%s::uuid[],"
            " %s::text[], %s::text[], %s::text[], %s::bytea[], %s::text[]) AS i"
            " ON CONFLICT ON CONSTRAINT quarantined_payload_kept_once DO NOTHING"
            " RETURNING lesson_id",
            columns,
        )
        return [row[0] for row in cursor.fetchall()]


def _short(field: str) -> str:
    # Two long fields must not be cut to the same name: a digest keeps them apart.
    if len(field) <= LONGEST_FIELD:
        return field
    digest = sha256(field.encode()).hexdigest()
    return f"{field[: LONGEST_FIELD - 65]}#{digest}"
