"""What stored lessons add up to: people by status, and who was expected; each person once."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any, NamedTuple
from uuid import UUID

from django.db.models import Count, Q, QuerySet

from attendance.models import AttendanceRecord
from attendance.rules.effective import effective
from attendance.selectors.shapes import RosterCounts
from attendance.vocabulary import Status
from users.models import User
from users.selectors import root_id

CAME = (Status.PRESENT, Status.LATE, Status.PENDING)
"""Statuses of those who came, or say so."""


def roster_counts(ids: Sequence[UUID]) -> dict[UUID, RosterCounts]:
    """How many were expected at stored lessons, and missed them; only where that is known."""
    rows = AttendanceRecord.objects.filter(
        attendance_id__in=ids, is_expected=True, attendance__roster_closed_at__isnull=False
    )
    here = Q(status__in=CAME, deleted_at=None)
    counted = rows.values("attendance_id").order_by()
    counted = counted.annotate(n=Count("pk"), came=Count("pk", filter=here))
    expected = {row["attendance_id"]: row["n"] for row in counted}
    came = {row["attendance_id"]: row["came"] for row in counted}
    for group in _of_two_accounts(rows):
        # One person, and the record of one of the accounts is the one that counts.
        expected[group[0].attendance_id] -= len(group) - 1
        came[group[0].attendance_id] -= sum(map(_is_here, group)) - _is_here(effective(group))
    return {i: RosterCounts(n, n - came[i]) for i, n in expected.items()}


def status_counts(ids: Sequence[UUID]) -> dict[UUID, dict[str, int]]:
    """How many people have each status in each stored lesson; what is deleted is left out."""
    records = AttendanceRecord.objects.filter(attendance_id__in=ids, deleted_at=None)
    counts: dict[UUID, dict[str, int]] = {}
    for row in records.values("attendance_id", "status").annotate(n=Count("pk")).order_by():
        counts.setdefault(row["attendance_id"], {})[row["status"]] = row["n"]
    for group in _of_two_accounts(records):
        shown = effective(group)
        for record in group:
            counts[record.attendance_id][record.status] -= record is not shown
    return counts


class _Counted(NamedTuple):
    """What decides between two records of one person, and whether they came."""

    attendance_id: UUID
    school_number: str
    status: str
    source: str
    checked_in_at: datetime | None
    revision: int
    changed_at: datetime
    is_deleted: bool


def _is_here(record: _Counted) -> bool:
    return record.status in CAME and not record.is_deleted


def _of_two_accounts(records: QuerySet[AttendanceRecord]) -> Iterable[Sequence[_Counted]]:
    """The records of each person who has several in one lesson: hardly any lesson has one."""
    merged = User.objects.exclude(merged_into=None)
    if not merged.exists():
        return []
    # Before they are counted: a lesson has thousands of records, and hardly one of these.
    is_one = Q(student__in=merged.values("pk")) | Q(student__in=merged.values("merged_into"))
    owned = records.filter(is_one).annotate(person=root_id("student"))
    twice = owned.values("attendance_id", "person").annotate(n=Count("pk")).filter(n__gt=1)
    found = list(twice.order_by())
    if not found:
        return []
    rows = owned.filter(
        attendance_id__in={row["attendance_id"] for row in found},
        person__in={row["person"] for row in found},
    )
    groups: dict[Any, list[_Counted]] = defaultdict(list)
    for row in rows.select_related("student"):
        groups[row.attendance_id, row.person].append(_counted(row))
    return [group for group in groups.values() if len(group) > 1]


def _counted(row: AttendanceRecord) -> _Counted:
    return _Counted(
        attendance_id=row.attendance_id,
        school_number=row.student.school_number,
        status=row.status,
        source=row.source,
        checked_in_at=row.checked_in_at,
        revision=row.revision,
        changed_at=row.changed_at,
        is_deleted=row.is_deleted,
    )
