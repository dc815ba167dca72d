"""Which record is effective where several accounts of one person have one in the same lesson.

The first of these that tells two records apart:

    kept before flagged as deleted      to delete says "no mark", not "absent"
    the higher source                   staff > teacher > verifier > student = receipt > system
    the last decision                   of staff, teachers, the verifier, by revision
    the first arrival                   of students and receipts, by the check-in
    excused before absent               of the system
    the smaller number                  so that everybody is told the same

Nothing is written: every record stays where it is, and a merge that is taken back leaves no trace.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any, Final, Protocol, TypeVar

from attendance.rules import instants
from attendance.rules.precedence import RANK, SYSTEM

DECISIONS: Final = frozenset({"verifier", "teacher", "staff"})


class MarkOfPerson(Protocol):
    """What is asked of a record, wherever it lives."""

    @property
    def school_number(self) -> str: ...
    @property
    def status(self) -> str: ...
    @property
    def source(self) -> str: ...
    @property
    def checked_in_at(self) -> datetime | None: ...
    @property
    def revision(self) -> int: ...
    @property
    def changed_at(self) -> datetime: ...
    @property
    def is_deleted(self) -> bool: ...


M = TypeVar("M", bound=MarkOfPerson)


def effective(records: Iterable[M]) -> M:
    """The effective one of a person's records in one lesson; at least one has to be given."""
    return min(records, key=_order)


def effective_by_person(records: Iterable[M], roots: Mapping[str, str]) -> dict[str, M]:
    """The effective record of each person in one lesson, by the number of their root.

    `roots` maps the numbers that are merged to their root's; any other is its own. The order
    is that of the records.
    """
    by_person: dict[str, list[M]] = defaultdict(list)
    for record in records:
        by_person[roots.get(record.school_number, record.school_number)].append(record)
    return {root: effective(own) for root, own in by_person.items()}


def only_effective(records: Iterable[M], roots: Mapping[str, str]) -> list[M]:
    """These records, in their order, without those that another account's record outranks."""
    every = list(records)
    chosen = {id(record) for record in effective_by_person(every, roots).values()}
    return [record for record in every if id(record) in chosen]


def _order(record: MarkOfPerson) -> tuple[Any, ...]:
    return (
        record.is_deleted,
        -RANK[record.source],
        _among_equals(record),
        record.school_number,
    )


def _among_equals(record: MarkOfPerson) -> tuple[int, int]:
    """The order of two records of one rank; ranks never mix these kinds."""
    changed_at = instants.milliseconds(record.changed_at)
    if record.source in DECISIONS:
        return -record.revision, -changed_at
    if record.source == SYSTEM:
        return int(record.status != "excused"), -changed_at
    arrived_at = record.checked_in_at
    return instants.milliseconds(arrived_at) if arrived_at else instants.LAST_MS, record.revision
