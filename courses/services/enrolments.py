"""Who belongs to a section, from when to when: rows are added and ended, never removed."""

from datetime import date

import msgspec

from courses import rules
from courses.errors import (
    EnrolmentNotFound,
    EnrolmentOver,
    InvalidDates,
    InvalidEnrolment,
    RosterTooLarge,
    UserNotFound,
)
from courses.models import Enrolment, Section, SourceSystem
from courses.services.database_rules import writing
from courses.services.sections import lock_section
from courses.services.systems import manual_system
from courses.services.validation import (
    check_days,
    check_lies_within,
    check_years,
    clean_line,
)
from courses.signals import tell_enrolments_changed
from courses.vocabulary import LONGEST_SOURCED_ID, MOST_STUDENTS, EnrolmentRole
from users.errors import gettext_noop as _
from users.models import User


class EnrolmentPlan(msgspec.Struct, frozen=True, kw_only=True):
    """Who is to belong to which section."""

    section_id: int
    user_id: int
    role: EnrolmentRole
    begins_on: date
    ends_on: date | None = None
    """Exclusive; None where no end is known."""
    is_primary: bool = False


def enrol(
    *,
    plan: EnrolmentPlan,
    actor: User,
    system: SourceSystem | None = None,
    sourced_id: str = "",
) -> Enrolment:
    """Enrol somebody; a second time is a new row.

    Raises NotStaff, SectionNotFound, SectionArchived, UserNotFound, InvalidText,
    InvalidDates for days that are none or outside of the section, InvalidEnrolment
    for somebody in charge who is no teacher, RosterTooLarge, EnrolmentOverlaps for a
    student who is enrolled on some of these days, and SourcedIdTaken.
    """
    rules.check_may_manage(actor.as_person())
    there = clean_line(sourced_id, most=LONGEST_SOURCED_ID)
    if plan.is_primary and plan.role != EnrolmentRole.TEACHER:
        raise InvalidEnrolment(_("Only a teacher is in charge of a section."))
    with writing():
        # Held: its days must not change between this look and the commit.
        section = lock_section(plan.section_id)
        _check_days(plan, section)
        if not User.objects.filter(pk=plan.user_id).exists():
            raise UserNotFound
        if plan.role == EnrolmentRole.STUDENT:
            _check_size(plan)
        row = Enrolment.objects.create(
            section=section,
            user_id=plan.user_id,
            role=plan.role,
            is_primary=plan.is_primary,
            begins_on=plan.begins_on,
            ends_on=plan.ends_on,
            system=system or manual_system(),
            sourced_id=there,
        )
        tell_enrolments_changed(section.pk)
    return row


def end_enrolment(*, enrolment_id: int, ends_on: date, actor: User) -> Enrolment:
    """Let an enrolment end before a day; the row stays. On its first day: it never came about.

    The same end again changes nothing. An enrolment never comes back by this: whoever
    returns is enrolled again. Raises NotStaff, EnrolmentNotFound, SectionArchived,
    InvalidDates for an end before the beginning or after the section's, and
    EnrolmentOver where it ends earlier already.
    """
    rules.check_may_manage(actor.as_person())
    with writing():
        row = _lock_enrolment(enrolment_id)
        _check_end(row, ends_on)
        if row.ends_on != ends_on:
            row.ends_on = ends_on
            row.save(update_fields=["ends_on"])
            tell_enrolments_changed(row.section_id)
    return row


def _check_days(plan: EnrolmentPlan, section: Section) -> None:
    ends_on = section.ends_on if plan.ends_on is None else plan.ends_on
    check_days(plan.begins_on, ends_on)
    check_lies_within(plan.begins_on, ends_on, outer=(section.starts_on, section.ends_on))


def _check_size(plan: EnrolmentPlan) -> None:
    students = Enrolment.objects.filter(section=plan.section_id, role=EnrolmentRole.STUDENT)
    if students.meeting(plan.begins_on, plan.ends_on).count() >= MOST_STUDENTS:
        raise RosterTooLarge(most=MOST_STUDENTS)


def _lock_enrolment(enrolment_id: int) -> Enrolment:
    """The section first, as everywhere: two who wait for each other would deadlock."""
    found = Enrolment.objects.filter(pk=enrolment_id).first()
    if found is None:
        raise EnrolmentNotFound
    section = lock_section(found.section_id)
    found.refresh_from_db()
    found.section = section
    return found


def _check_end(row: Enrolment, ends_on: date) -> None:
    section = row.section
    check_years(ends_on)
    if ends_on < row.begins_on:
        raise InvalidDates(
            _("The end, %(end)s, is before the first day, %(first)s. Choose a later end."),
            end=ends_on,
            first=row.begins_on,
        )
    if row.ends_on is not None and row.ends_on < ends_on:
        raise EnrolmentOver(end=row.ends_on)
    check_lies_within(row.begins_on, ends_on, outer=(section.starts_on, section.ends_on))
