"""The evidence of one person: each mark, correction, absence and file, with who and when.

Files are named and not shown; who may read them takes them from the absence.
"""

from collections.abc import Iterator, Sequence
from datetime import datetime, time, timedelta
from typing import Any, Final, NamedTuple
from uuid import UUID

from django.db.models import QuerySet
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from attendance.models import Attendance, AttendanceEvent, AttendanceRecord
from attendance.vocabulary import EventKind, Source, Status
from courses.models import Absence, Term
from courses.selectors.absence_lists import (
    AbsenceFilter,
    AbsenceView,
    absences_seen_by,
    filter_absences,
    viewer_of,
    views_of,
    with_details,
)
from courses.vocabulary import AbsenceState
from reports.asking import ReportView
from reports.listed.corrections import status_or_word
from reports.report import PERSON, Cell, CellKind, ReportColumn
from reports.table import ReportTable
from users.models import User

COLUMNS: Final = (
    ReportColumn("begins_at", pgettext_lazy("of a lesson", "Begins"), CellKind.INSTANT),
    ReportColumn(
        "ends_at", pgettext_lazy("of a lesson", "Ends"), CellKind.INSTANT, is_on_pages=False
    ),
    ReportColumn("section_code", _("Code")),
    ReportColumn("subject", _("Lesson or absence"), CellKind.LONG),
    ReportColumn("kind", _("What happened"), CellKind.LONG),
    ReportColumn("old", _("Before")),
    ReportColumn("new", _("After")),
    ReportColumn("checked_in_at", _("Came at"), CellKind.INSTANT),
    ReportColumn("reason", _("Reason"), CellKind.LONG),
    ReportColumn("actor", pgettext_lazy("who did it", "By")),
    ReportColumn("source", _("As")),
    ReportColumn("happened_at", _("When"), CellKind.INSTANT),
    ReportColumn("school_number", _("Number"), is_on_pages=False),
)
_OF_MARKS: Final = (
    *("school_number", "status", "checked_in_at", "reason", "source", "changed_at"),
    *("deleted_at", "deleted_reason", "deleted_by__full_name"),
    *("attendance__starts_at", "attendance__ends_at", "attendance__lesson_name"),
    *("attendance__not_held_at", "attendance__section__code"),
)
_DECIDED: Final = {
    AbsenceState.APPROVED: _("absence approved"),
    AbsenceState.REFUSED: _("absence refused"),
}


class About(NamedTuple):
    """The lesson or the absence that lines are about."""

    begins_at: datetime
    ends_at: datetime
    id: UUID | int
    section_code: str
    subject: str


class PersonLine(NamedTuple):
    about: About
    kind: str | Promise
    happened_at: datetime
    school_number: str
    old: Status | str = ""
    new: Status | str = ""
    checked_in_at: datetime | None = None
    reason: str = ""
    actor: str = ""
    source: Source | None = None

    @property
    def place(self) -> tuple[Any, ...]:
        """In the order of lessons and absences, and in each of them as it came about."""
        return (self.about.begins_at, str(self.about.id), self.happened_at)

    def cells(self) -> list[Cell]:
        """In the order of COLUMNS."""
        about = self.about
        return [
            *(about.begins_at, about.ends_at, about.section_code, about.subject),
            *(self.kind, self.old, self.new, self.checked_in_at, self.reason),
            *(self.actor, self.source, self.happened_at, self.school_number),
        ]


class PersonEvidence(NamedTuple):
    """What a reader sees of somebody; without a line they learn not even the name."""

    full_name: str
    numbers: Sequence[str]
    subject_id: int | None
    lines: Sequence[PersonLine]


NOBODY: Final = PersonEvidence("", (), None, ())


def evidence_of(found: ReportView, *, reader: User, at: datetime) -> PersonEvidence:
    """Of the person whom a reader has chosen; a fixed number of queries. Empty without one."""
    accounts = found.scope.account_ids
    if not accounts:
        return NOBODY
    lines = [*_marks(found), *_events(found), *_absences(found, reader, at)]
    if not lines:
        return NOBODY
    people = User.objects.filter(pk__in=accounts).order_by("school_number")
    root, *others = sorted(people, key=lambda user: user.is_merged)
    return PersonEvidence(
        full_name=root.full_name,
        numbers=[user.school_number for user in (root, *others)],
        subject_id=root.pk,
        lines=sorted(lines, key=lambda line: line.place),
    )


def person_table(found: ReportView, evidence: PersonEvidence) -> ReportTable:
    """The same as a file."""
    rows = [line.cells() for line in evidence.lines]
    return ReportTable(
        key=PERSON.key,
        title=PERSON.title,
        columns=COLUMNS,
        zone=found.scope.zone,
        count=lambda most: min(len(rows), most),
        parts=lambda: iter([rows]),
    )


def _lesson(row: Attendance) -> About:
    code = row.section.code if row.section else ""
    return About(row.starts_at, row.ends_at, row.pk, code, row.lesson_name)


def _marks(found: ReportView) -> Iterator[PersonLine]:
    """Also those that count for nothing, which say so."""
    rows = AttendanceRecord.objects.filter(found.scope.marks())
    # A model with all its fields takes longer than the query, and there are thousands.
    for row in rows.select_related("attendance__section", "deleted_by").only(*_OF_MARKS):
        about, number = _lesson(row.attendance), row.school_number
        off = row.attendance.not_held_at is not None
        yield PersonLine(
            about,
            kind=_("mark, the lesson was not held") if off else _("mark"),
            happened_at=row.changed_at,
            school_number=number,
            new=Status(row.status),
            checked_in_at=row.checked_in_at,
            reason=row.reason,
            source=Source(row.source),
        )
        if row.deleted_at and row.deleted_by:
            yield PersonLine(
                about,
                kind=_("mark taken out of the register"),
                happened_at=row.deleted_at,
                school_number=number,
                reason=row.deleted_reason,
                actor=row.deleted_by.full_name,
            )


def _events(found: ReportView) -> Iterator[PersonLine]:
    rows = AttendanceEvent.objects.filter(found.scope.marks())
    for row in rows.select_related("attendance__section", "student"):
        yield PersonLine(
            _lesson(row.attendance),
            kind=EventKind(row.kind).label,
            happened_at=row.happened_at,
            school_number=row.student.school_number if row.student else "",
            old=status_or_word(row.old),
            new=status_or_word(row.new),
            reason=row.reason,
            actor=row.actor_name,
            source=Source(row.source),
        )


def _absences(found: ReportView, reader: User, at: datetime) -> Iterator[PersonLine]:
    """Those that the reader sees on the page of absences."""
    viewer = viewer_of(user_id=reader.pk, person=reader.as_person(), at=at)
    rows = absences_seen_by(viewer).filter(user__in=found.scope.account_ids or ())
    section_id = found.section.pk if found.section else None
    rows = filter_absences(rows, AbsenceFilter(section_id=section_id))
    for view in views_of(with_details(_of_days(found, rows)), viewer):
        yield from _absence(view)


def _of_days(found: ReportView, rows: QuerySet[Absence]) -> QuerySet[Absence]:
    scope = found.scope
    firsts, ends = [scope.first_on], [scope.last_on and scope.last_on + timedelta(days=1)]
    if scope.term_id is not None:
        term = Term.objects.get(pk=scope.term_id)
        firsts.append(term.starts_on)
        ends.append(term.ends_on)
    for day in filter(None, firsts):
        rows = rows.filter(ends_at__gt=datetime.combine(day, time(), scope.zone))
    for day in filter(None, ends):
        rows = rows.filter(starts_at__lt=datetime.combine(day, time(), scope.zone))
    return rows


def _absence(view: AbsenceView) -> Iterator[PersonLine]:
    row = view.absence
    codes = ", ".join(section.code or section.title for section in view.sections)
    about = About(row.starts_at, row.ends_at, row.pk, codes, row.reason.label)
    number = row.user.school_number
    asked = (_("absence asked for"), row.requested_at, row.requested_by, row.note)
    # What was decided before an absence was withdrawn is not kept.
    decision = _DECIDED.get(AbsenceState(row.state), _("absence decided"))
    decided = (decision, row.decided_at, row.decided_by, row.decided_why)
    withdrawn = (_("absence withdrawn"), row.withdrawn_at, row.withdrawn_by, "")
    for kind, happened_at, actor, reason in (asked, decided, withdrawn):
        if happened_at and actor:
            yield PersonLine(about, kind, happened_at, number, reason=reason, actor=actor.full_name)
    for file in view.evidence or ():
        added = file.added_by.full_name
        yield PersonLine(
            about, _("file added"), file.added_at, number, reason=file.name, actor=added
        )
        if file.removed_at:
            yield PersonLine(about, _("file removed"), file.removed_at, number, reason=file.name)
