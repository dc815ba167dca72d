"""Deciding stored arrivals anew by the section's present rule: with a preview, and by events.

A new version of a policy counts for lessons that start afterwards. Older lessons keep theirs
until somebody asks for this. Only what an arrival was worth changes, never a word of a person.
"""

from collections.abc import Mapping, Sequence
from datetime import date
from hashlib import sha256
from typing import NamedTuple
from uuid import UUID

from django.db import transaction
from django.utils import timezone

from attendance.errors import Conflict
from attendance.models import Attendance, AttendanceEvent, AttendanceRecord
from attendance.rules.instants import milliseconds
from attendance.rules.status import ABSENT, LATE, PRESENT, ArrivalRule, worth_of_arrival
from attendance.services import telling
from attendance.services.ids import new_request_key
from attendance.services.rosters.lesson_sections import rule_of_policy
from attendance.services.stored_records import Saying, new_event
from attendance.services.stores.stored_revisions import lift_lost
from attendance.vocabulary import EventKind, Source
from courses.models import Section
from reports import totals
from users.errors import gettext_noop as _
from users.models import User

REASON = "the rule of the course was changed"
MOST_LESSONS = 1_000
"""So many of the newest lessons at a time: a term has fewer."""


class StatusChange(NamedTuple):
    """One record whose arrival is worth something else by the present rule."""

    lesson_id: UUID
    record_id: int
    school_number: str
    full_name: str
    old: str
    new: str


class RecomputePlan(NamedTuple):
    lessons: int
    """How many lessons were looked at."""
    changes: Sequence[StatusChange]
    digest: str
    """Stands for this very plan: another one is not applied under it."""


def plan_recompute(*, section: Section, first: date, last: date) -> RecomputePlan:
    """What the section's present rule would change in its lessons of these days, both included.

    Three queries. Nothing is written.
    """
    rule, attendances = rule_of_policy(section.policy), _attendances(section, first, last)
    changes = _changes(attendances, rule)
    text = "\n".join(f"{x.record_id} {x.old} {x.new}" for x in changes)
    digest = sha256(f"{section.policy_id} {text}".encode()).hexdigest()
    return RecomputePlan(len(attendances), changes, digest)


def apply_recompute(
    *, section: Section, first: date, last: date, digest: str, actor: User
) -> RecomputePlan:
    """Apply the plan that was shown; each change is an event, and the lessons get the new rule.

    Raises Conflict where it would do something else by now: then nothing is written.
    """
    with transaction.atomic():
        held = _attendances(section, first, last, is_held=True)
        plan = plan_recompute(section=section, first=first, last=last)
        if plan.digest != digest:
            raise Conflict(_("Something has changed since the preview. Look at it again."))
        _write(held, plan.changes, actor)
        rule = rule_of_policy(section.policy)
        Attendance.objects.filter(pk__in=list(held)).update(
            policy=section.policy,
            opens_before_s=rule.opens_before_s,
            late_after_s=rule.late_after_s,
            absent_after_s=rule.absent_after_s,
        )
        # All of them, changed or not: what late is worth is of the rules that they have now.
        totals.recompute(list(held))
    return plan


def _attendances(
    section: Section, first: date, last: date, *, is_held: bool = False
) -> dict[UUID, Attendance]:
    rows = Attendance.objects.kept().filter(section=section, held_on__gte=first, held_on__lte=last)
    newest = rows.order_by("-id").values("pk")[:MOST_LESSONS]
    found = Attendance.objects.filter(pk__in=newest).order_by("pk")
    return {row.pk: row for row in (found.select_for_update() if is_held else found)}


def _changes(attendances: Mapping[UUID, Attendance], rule: ArrivalRule) -> list[StatusChange]:
    rows = AttendanceRecord.objects.filter(
        attendance_id__in=list(attendances),
        source__in=[Source.STUDENT, Source.RECEIPT],
        status__in=[PRESENT, LATE, ABSENT],
        checked_in_at__isnull=False,
        deleted_at=None,
    )
    changes = []
    for row in rows.select_related("student").order_by("attendance_id", "pk"):
        assert row.checked_in_at is not None  # noqa: S101 - filtered
        starts_at = milliseconds(attendances[row.attendance_id].starts_at)
        new = worth_of_arrival(milliseconds(row.checked_in_at), starts_at=starts_at, rule=rule)
        if new != row.status:
            number, name = row.student.school_number, row.full_name
            changes.append(
                StatusChange(row.attendance_id, row.pk, number, name, old=row.status, new=new)
            )
    return changes


def _write(held: Mapping[UUID, Attendance], changes: Sequence[StatusChange], actor: User) -> None:
    rows = AttendanceRecord.objects.in_bulk([change.record_id for change in changes])
    now, told = timezone.now(), []
    lift_lost(held[change.lesson_id] for change in changes)
    for change in changes:
        attendance, row = held[change.lesson_id], rows[change.record_id]
        attendance.revision += 1
        row.status, row.revision, row.changed_at = change.new, attendance.revision, now
        saying = Saying(
            kind=EventKind.RECORD_RECOMPUTED,
            actor=actor.as_person(),
            actor_id=actor.pk,
            source=row.source,
            reason=REASON,
            request=new_request_key(),
        )
        event = new_event(attendance, row, saying, old=change.old, new=change.new)
        told.append((attendance, row, event))
    Attendance.objects.bulk_update(held.values(), ["revision"])
    AttendanceRecord.objects.bulk_update(rows.values(), ["status", "revision", "changed_at"])
    AttendanceEvent.objects.bulk_create([event for _, _, event in told])
    telling.tell_marks(told)
