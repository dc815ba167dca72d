"""Promise 6, person by person: who was captured at a lesson, and who of them has a row."""

from collections.abc import Mapping, Sequence
from uuid import UUID

from django.db import connection

from attendance.live.store import CorruptPayload, Snapshot
from attendance.models import QuarantinedPayload
from attendance.services.persistence.refused import Refused
from attendance.services.persistence.snapshots import ChunkSnapshots
from attendance.vocabulary import PayloadKind
from users.identity import is_canonical
from users.selectors import account_ids


def count_rows(lessons: ChunkSnapshots, without_row: Sequence[Refused]) -> dict[UUID, int]:
    """How many of those who were captured at each lesson have a row; the table is asked.

    Left out are those whose record is in quarantine: it stands for them. Two statements at
    most, and two for whoever has another number now.
    """
    captured = _of_written(lessons, without_row) | _of_stored(lessons) | _of_rewound(lessons)
    return _count({i: numbers for i, numbers in captured.items() if numbers})


def _of_written(lessons: ChunkSnapshots, without_row: Sequence[Refused]) -> dict[UUID, set[str]]:
    captured = {
        each.snapshot.lesson.id: {record.school_number for record in each.readable.records}
        for each in lessons.to_write
    }
    for lesson_id, item, _ in without_row:
        captured[lesson_id].discard(getattr(item, "school_number", ""))
    return captured


def _of_stored(lessons: ChunkSnapshots) -> dict[UUID, set[str]]:
    set_apart = _in_quarantine([x.snapshot.lesson.id for x in lessons.stored if x.quarantined])
    return {
        each.snapshot.lesson.id: numbers_in(each.snapshot)
        - set_apart.get(each.snapshot.lesson.id, set())
        for each in lessons.stored
    }


def _in_quarantine(lesson_ids: Sequence[UUID]) -> dict[UUID, set[str]]:
    found: dict[UUID, set[str]] = {lesson_id: set() for lesson_id in lesson_ids}
    if lesson_ids:
        rows = QuarantinedPayload.objects.filter(lesson_id__in=lesson_ids, kind=PayloadKind.RECORD)
        for lesson_id, field in rows.values_list("lesson_id", "field"):
            found[lesson_id].add(field)
    return found


def _of_rewound(lessons: ChunkSnapshots) -> dict[UUID, set[str]]:
    return {
        each.snapshot.lesson.id: numbers_in(each.snapshot) - _fields(each.differing)
        for each in lessons.rewound
    }


def _fields(payloads: Sequence[CorruptPayload]) -> set[str]:
    return {payload.field for payload in payloads if payload.kind == PayloadKind.RECORD}


def numbers_in(snapshot: Snapshot) -> set[str]:
    """Where it has records; a field that is no number is corrupt, and has no row."""
    fields = snapshot.raw_records
    # As one text, which takes a quarter of the time; only what is no number has a zero byte.
    numbers = b"\0".join(fields).decode("ascii", "replace").split("\0")
    if len(numbers) == len(fields):
        return set(numbers)
    return {field.decode("ascii", "replace") for field in fields}


def _count(captured: Mapping[UUID, set[str]]) -> dict[UUID, int]:
    if not captured:
        return {}
    there = _numbers_there(list(captured))
    nobody: frozenset[str] = frozenset()
    found = {i: numbers & there.get(i, nobody) for i, numbers in captured.items()}
    elsewhere = {
        i: numbers
        for i, of_lesson in captured.items()
        if len(found[i]) < len(of_lesson)
        and (numbers := set(filter(is_canonical, of_lesson - found[i])))
    }
    under_another = _count_users(elsewhere) if elsewhere else {}
    return {i: len(numbers) + under_another.get(i, 0) for i, numbers in found.items()}


def _numbers_there(lesson_ids: list[UUID]) -> dict[UUID, set[str]]:
    """The numbers that stand in the rows of each lesson."""
    with connection.cursor() as cursor:
        cursor.execute(
            # One text costs the driver less than an array; no number has a comma.
            "SELECT attendance_id, string_agg(school_number, ',')"
            " FROM attendance_attendancerecord WHERE attendance_id = ANY(%s)"
            " GROUP BY attendance_id",
            [lesson_ids],
        )
        return {lesson_id: set(numbers.split(",")) for lesson_id, numbers in cursor.fetchall()}


def _count_users(elsewhere: Mapping[UUID, set[str]]) -> dict[UUID, int]:
    """How many of these numbers are of somebody whose row has another number."""
    users = account_ids({number for numbers in elsewhere.values() for number in numbers})
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT attendance_id, array_agg(student_id)"
            " FROM attendance_attendancerecord WHERE attendance_id = ANY(%s)"
            " AND student_id = ANY(%s) GROUP BY attendance_id",
            [list(elsewhere), list(users.values())],
        )
        there = {lesson_id: set(user_ids) for lesson_id, user_ids in cursor.fetchall()}
    nobody: frozenset[int] = frozenset()
    return {
        i: len({users.get(number) for number in numbers} & there.get(i, nobody))
        for i, numbers in elsewhere.items()
    }
