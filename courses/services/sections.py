"""Make, change and archive what is taught."""

from datetime import date

import msgspec
from django.db.models import Q
from django.utils import timezone

from courses import rules
from courses.errors import (
    CourseNotFound,
    EnrolmentsOutside,
    InvalidParent,
    SectionArchived,
    SectionNotFound,
    TermNotFound,
)
from courses.models import Course, Section, SourceSystem, Term
from courses.services.database_rules import writing
from courses.services.systems import manual_system
from courses.services.validation import (
    check_days,
    check_lies_within,
    clean_line,
    clean_time_zone,
    clean_title,
)
from courses.vocabulary import (
    LONGEST_CODE,
    LONGEST_SOURCED_ID,
    LONGEST_TITLE,
    Component,
    WalkIns,
)
from users.errors import gettext_noop as _
from users.models import User


class SectionPlan(msgspec.Struct, frozen=True, kw_only=True):
    """What a section is to be."""

    term_id: int
    title: str
    time_zone: str
    starts_on: date
    ends_on: date
    """Exclusive."""
    course_id: int | None = None
    parent_id: int | None = None
    component: Component = Component.WHOLE
    code: str = ""
    location: str = ""
    walk_ins: WalkIns = WalkIns.ACCEPT


def create_section(
    *,
    plan: SectionPlan,
    actor: User,
    system: SourceSystem | None = None,
    sourced_id: str = "",
) -> Section:
    """Make a section, of another system where one is named, else of what is made by hand.

    Raises NotStaff, TermNotFound, CourseNotFound, InvalidText, InvalidDates,
    UnknownTimeZone, SourcedIdTaken; and for its lecture InvalidParent, SectionNotFound
    and SectionArchived.
    """
    rules.check_may_manage(actor.as_person())
    section = Section(sourced_id=clean_line(sourced_id, most=LONGEST_SOURCED_ID))
    with writing():
        section.system = system or manual_system()
        _apply(plan, section, term=_lock_term(plan.term_id))
        section.save()
    return section


def update_section(*, section_id: int, plan: SectionPlan, actor: User) -> Section:
    """Make a section what the plan says; its system, its roster and its policy stay.

    A new time zone counts for lessons that start afterwards: their roster is that of the
    local date. What is stored keeps its instants and who was expected. A lecture with groups
    stays in its term (InvalidParent). Raises as `create_section`, SectionNotFound,
    SectionArchived, and EnrolmentsOutside where an enrolment would lie outside of the new days.
    """
    rules.check_may_manage(actor.as_person())
    with writing():
        # The term first: two sections that become each other's lecture would deadlock.
        term = _lock_term(plan.term_id)
        section = lock_section(section_id)
        _apply(plan, section, term=term)
        _check_enrolments(section)
        section.save()
    return section


def archive_section(*, section_id: int, actor: User) -> Section:
    """Close a section: it is read, and nothing changes in it. Once more changes nothing.

    Raises NotStaff and SectionNotFound.
    """
    rules.check_may_manage(actor.as_person())
    with writing():
        section = lock_section(section_id, allow_archived=True)
        if not section.is_archived:
            section.archived_at = timezone.now()
            section.save(update_fields=["archived_at"])
    return section


def unarchive_section(*, section_id: int, actor: User) -> Section:
    """Open an archived section again, as it was. Once more changes nothing.

    Raises NotStaff and SectionNotFound.
    """
    rules.check_may_manage(actor.as_person())
    with writing():
        section = lock_section(section_id, allow_archived=True)
        if section.is_archived:
            section.archived_at = None
            section.save(update_fields=["archived_at"])
    return section


def lock_section(section_id: int, *, allow_archived: bool = False) -> Section:
    """The section, held until the commit. Raises SectionNotFound and SectionArchived."""
    found = (
        Section.objects.select_for_update(of=("self",), no_key=True).filter(pk=section_id).first()
    )
    if found is None:
        raise SectionNotFound
    if found.is_archived and not allow_archived:
        raise SectionArchived
    return found


def _lock_term(term_id: int) -> Term:
    found = Term.objects.select_for_update(no_key=True).filter(pk=term_id).first()
    if found is None:
        raise TermNotFound
    return found


def _apply(plan: SectionPlan, section: Section, *, term: Term) -> None:
    check_days(plan.starts_on, plan.ends_on)
    check_lies_within(plan.starts_on, plan.ends_on, outer=(term.starts_on, term.ends_on))
    if plan.course_id is not None and not Course.objects.filter(pk=plan.course_id).exists():
        raise CourseNotFound
    if plan.parent_id is not None:
        _check_parent(section, parent_id=plan.parent_id, term=term)
    if section.pk is not None and section.term_id != term.pk:
        _check_no_groups(section)
    section.term, section.course_id, section.parent_id = term, plan.course_id, plan.parent_id
    section.title = clean_title(plan.title, most=LONGEST_TITLE)
    section.code = clean_line(plan.code, most=LONGEST_CODE)
    section.location = clean_line(plan.location, most=LONGEST_TITLE)
    section.time_zone = clean_time_zone(plan.time_zone)
    section.component, section.walk_ins = plan.component, plan.walk_ins
    section.starts_on, section.ends_on = plan.starts_on, plan.ends_on


def _check_parent(section: Section, *, parent_id: int, term: Term) -> None:
    """One level only: a lecture has groups, and a group has none."""
    if parent_id == section.pk:
        raise InvalidParent(_("A section is not its own lecture. Choose another one."))
    # A group stays with a lecture that was archived meanwhile; no group comes to one.
    parent = lock_section(parent_id, allow_archived=parent_id == section.parent_id)
    if parent.term_id != term.pk:
        raise InvalidParent(_("The lecture is in another term. Choose one of this term."))
    if parent.parent_id is not None:
        raise InvalidParent(_("This lecture is a group of another one. Choose that one."))
    if section.pk is not None:
        _check_no_groups(section)


def _check_no_groups(section: Section) -> None:
    if section.groups.exists():
        raise InvalidParent(_("This section has groups of its own. Take them out first."))


def _check_enrolments(section: Section) -> None:
    outside = (
        section.enrolments.came_about()
        .filter(
            Q(begins_on__lt=section.starts_on)
            | Q(begins_on__gte=section.ends_on)
            | Q(ends_on__gt=section.ends_on)
        )
        .count()
    )
    if outside:
        raise EnrolmentsOutside(count=outside)
