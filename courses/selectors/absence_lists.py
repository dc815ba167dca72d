"""Who sees which absences, and what they may do with each."""

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from typing import NamedTuple

from django.db.models import DateField, DateTimeField, Exists, F, Func, OuterRef, Q, QuerySet
from django.db.models.functions import Cast
from django.utils import timezone

from courses import rules
from courses.errors import AbsenceNotFound, EvidenceNotFound, NotYourAbsence
from courses.models import Absence, AbsenceEvidence, AbsenceReason, Enrolment, Section
from courses.vocabulary import AbsenceState, Asker, EnrolmentRole
from users.identity import Person, Role
from users.selectors import accounts_of_number, accounts_of_outer_row, accounts_query

_ASKED = {
    Role.STUDENT: (Asker.STUDENT,),
    Role.TEACHER: (Asker.STUDENT, Asker.TEACHER),
    Role.STAFF: (Asker.STUDENT, Asker.TEACHER, Asker.STAFF),
}
_OPEN = (AbsenceState.REQUESTED, AbsenceState.APPROVED)


class Viewer(NamedTuple):
    """Who looks, and when."""

    user_id: int
    person: Person
    taught: frozenset[int]
    """The sections whose teacher, no assistant, they are on that day."""
    at: datetime


class AbsenceFilter(NamedTuple):
    state: str = ""
    school_number: str = ""
    section_id: int | None = None
    """Those that name it, and those for all sections of its students."""
    ends_after: datetime | None = None
    starts_before: datetime | None = None


class AbsenceView(NamedTuple):
    """An absence as one person sees it."""

    absence: Absence
    sections: Sequence[Section]
    evidence: Sequence[AbsenceEvidence] | None
    """None where the viewer may not read it."""
    can_decide: bool
    can_withdraw: bool
    can_attach: bool


def absences_of(user_id: int) -> QuerySet[Absence]:
    """Those of a person, with whichever of their accounts they were asked for."""
    return Absence.objects.filter(user__in=accounts_query(user_id))


def viewer_of(*, user_id: int, person: Person, at: datetime) -> Viewer:
    """Somebody who looks at absences; one query."""
    return Viewer(user_id, person, taught_by(user_id=user_id, at=at), at)


def taught_by(*, user_id: int, at: datetime) -> frozenset[int]:
    """The sections whose teacher, no assistant, somebody is at an instant; one query.

    The day is the local one of each section, so a day more on both sides is read.
    """
    today, day = timezone.localdate(at), timedelta(days=1)
    rows = Enrolment.objects.filter(
        Q(ends_on=None) | Q(ends_on__gt=today - day),
        user__in=accounts_query(user_id),
        role=EnrolmentRole.TEACHER,
        begins_on__lte=today + day,
    ).select_related("section")
    return frozenset(row.section_id for row in rows if _covers(row, at))


def _covers(row: Enrolment, at: datetime) -> bool:
    on = row.section.local_date(at)
    return row.begins_on <= on and (row.ends_on is None or on < row.ends_on)


def absences_seen_by(viewer: Viewer) -> QuerySet[Absence]:
    """One's own and those that one asked for; a teacher's students'; for staff, all.

    Of their students a teacher sees what names one of their sections, or is for all.
    Assistants and observers decide nothing, and see nobody else's.
    """
    if viewer.person.role is Role.STAFF:
        return Absence.objects.all()
    accounts = accounts_query(viewer.user_id)
    own = Q(user__in=accounts) | Q(requested_by__in=accounts)
    return Absence.objects.filter(own | _about(viewer.taught) if viewer.taught else own)


def _about(section_ids: Iterable[int]) -> Q:
    """Absences that name one of the sections, or are for all of those of one of its students."""
    wanted = list(section_ids)
    named = Absence.sections.through.objects.filter(
        absence_id=OuterRef("pk"), section_id__in=wanted
    )
    enrolled = Enrolment.objects.came_about().filter(
        Q(ends_on=None) | Q(ends_on__gt=_local_day("starts_at")),
        user__in=accounts_of_outer_row("user"),
        section_id__in=wanted,
        role=EnrolmentRole.STUDENT,
        begins_on__lte=_local_day("ends_at"),
    )
    return Exists(named) | (Q(is_for_all_sections=True) & Exists(enrolled))


def _local_day(field: str) -> Cast:
    """The day of an absence's instant in the time zone of an enrolment's section."""
    wall = Func(
        F("section__time_zone"),
        OuterRef(field),
        function="timezone",
        output_field=DateTimeField(),
    )
    return Cast(wall, DateField())


def filter_absences(rows: QuerySet[Absence], wanted: AbsenceFilter) -> QuerySet[Absence]:
    """Those of the absences that a filter asks for."""
    if wanted.state:
        rows = rows.filter(state=wanted.state)
    if wanted.school_number:
        rows = rows.filter(user__in=accounts_of_number(wanted.school_number))
    if wanted.section_id is not None:
        rows = rows.filter(_about([wanted.section_id]))
    if wanted.ends_after is not None:
        rows = rows.filter(ends_at__gt=wanted.ends_after)
    if wanted.starts_before is not None:
        rows = rows.filter(starts_at__lt=wanted.starts_before)
    return rows


def with_details(rows: QuerySet[Absence]) -> QuerySet[Absence]:
    """What `views_of` needs, in three queries whatever the number of rows."""
    people = ("user__merged_into", "requested_by__merged_into", "decided_by", "withdrawn_by")
    details = rows.select_related("reason", *people)
    return details.prefetch_related("sections", "evidence__added_by")


def views_of(rows: Iterable[Absence], viewer: Viewer) -> list[AbsenceView]:
    """Absences, read by `with_details`, as one person sees them."""
    return [_view(row, viewer) for row in rows]


def _view(row: Absence, viewer: Viewer) -> AbsenceView:
    person, sections = viewer.person, list(row.sections.all())
    number = row.user.root.school_number
    numbers = {number, row.requested_by.root.school_number}
    teaches = bool(sections) and {section.pk for section in sections} <= viewer.taught
    may_read = rules.allows(
        rules.check_may_read_evidence, person, numbers=numbers, teaches_all_sections=teaches
    )
    may_decide = rules.allows(
        rules.check_may_decide, person, number=number, teaches_all_sections=teaches
    )
    may_attach, may_withdraw = (
        rules.allows(rules.check_may_withdraw, person, numbers=numbers, has_begun=has_begun)
        for has_begun in (False, row.starts_at <= viewer.at)
    )
    return AbsenceView(
        absence=row,
        sections=sections,
        evidence=list(row.evidence.all()) if may_read else None,
        can_decide=may_decide and row.state == AbsenceState.REQUESTED,
        can_withdraw=may_withdraw and row.state in _OPEN,
        can_attach=may_attach and row.state in _OPEN,
    )


def find_absence(absence_id: int, viewer: Viewer) -> AbsenceView:
    """An absence as somebody sees it. Raises AbsenceNotFound where they do not."""
    row = with_details(absences_seen_by(viewer)).filter(pk=absence_id).first()
    if row is None:
        raise AbsenceNotFound
    return _view(row, viewer)


def find_evidence(absence_id: int, evidence_id: int, viewer: Viewer) -> AbsenceEvidence:
    """A file that somebody may read. Raises AbsenceNotFound, NotYourAbsence, EvidenceNotFound."""
    view = find_absence(absence_id, viewer)
    if view.evidence is None:
        raise NotYourAbsence
    for row in view.evidence:
        if row.pk == evidence_id:
            return row
    raise EvidenceNotFound


def reasons_for(person: Person) -> QuerySet[AbsenceReason]:
    """The reasons with which somebody may ask."""
    return AbsenceReason.objects.filter(who_may_ask__in=_ASKED[person.role]).order_by("label", "pk")
