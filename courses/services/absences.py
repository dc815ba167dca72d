"""Ask for an absence, decide it, withdraw it."""

from collections.abc import Sequence
from datetime import datetime, timedelta

import msgspec
from django.db.models import QuerySet
from django.utils import timezone

from courses import rules
from courses.errors import (
    AbsenceAskedAnew,
    AbsenceBackwards,
    AbsenceNotFound,
    AbsenceReasonNotFound,
    AbsenceSettled,
    AbsenceTooLong,
    EvidenceMissing,
    InvalidAbsence,
    SectionNotFound,
    UserNotFound,
    WhyRequired,
)
from courses.models import Absence, AbsenceEvidence, AbsenceReason, Enrolment, Section
from courses.selectors.absence_lists import taught_by
from courses.services.database_rules import writing
from courses.services.evidence import EvidenceFile, keep_evidence, removing_on_failure
from courses.services.validation import clean_line
from courses.signals import absence_changed
from courses.vocabulary import MOST_ABSENT_DAYS, AbsenceState, EnrolmentRole
from users.constraints import FIRST_INSTANT, LAST_INSTANT
from users.errors import gettext_noop as _
from users.models import User
from users.selectors import accounts_of, accounts_query


class AbsencePlan(msgspec.Struct, frozen=True, kw_only=True):
    """For whom, when and why."""

    user_id: int
    starts_at: datetime
    ends_at: datetime
    reason_id: int
    section_ids: frozenset[int] | None = None
    """None: for all sections."""
    note: str = ""


def request_absence(
    *, plan: AbsencePlan, actor: User, evidence: Sequence[EvidenceFile] = (), request_id: str = ""
) -> Absence:
    """Ask for an absence, with its evidence; all of it is kept, or nothing.

    Sent again with the same id, it is the first one. Raises AbsenceBackwards,
    AbsenceTooLong, InvalidAbsence, InvalidText, UserNotFound, SectionNotFound,
    AbsenceReasonNotFound, NotYourAbsence, ReasonNotForYou, AbsenceAskedAnew for another
    absence under an id that was used, and what `attach_evidence` raises for a file.
    """
    _check_instants(plan)
    note = clean_line(plan.note)
    now = timezone.now()
    with removing_on_failure() as written, writing():
        first = _asked_before(plan, actor, request_id)
        if first is not None:
            return first
        user, reason = _find(plan)
        sections = _sections(plan)
        rules.check_may_ask(
            actor.as_person(),
            number=user.root.school_number,
            who_may_ask=reason.who_may_ask,
            teaches_all_sections=_teaches_all(actor, sections, now),
        )
        absence = Absence.objects.create(
            user=user,
            starts_at=plan.starts_at,
            ends_at=plan.ends_at,
            is_for_all_sections=plan.section_ids is None,
            reason=reason,
            note=note,
            requested_by=actor,
            requested_at=now,
            request_id=request_id,
        )
        absence.sections.set(sections)
        written.extend(keep_evidence(absence, evidence, actor=actor, at=now))
    return absence


def decide_absence(*, absence_id: int, approve: bool, actor: User, why: str = "") -> Absence:
    """Approve or refuse what was requested; staff, or teachers of every section that it names.

    The same decision again changes nothing. Raises AbsenceNotFound, NotYourAbsence,
    WhyRequired for a refusal without one, EvidenceMissing for an approval without
    the evidence that the reason needs, InvalidText, and AbsenceSettled.
    """
    reason_given = clean_line(why)
    wanted = AbsenceState.APPROVED if approve else AbsenceState.REFUSED
    now = timezone.now()
    with writing():
        absence = _lock_with_person(absence_id)
        rules.check_may_decide(
            actor.as_person(),
            number=absence.user.root.school_number,
            teaches_all_sections=_teaches_all(actor, list(absence.sections.all()), now),
        )
        if absence.state == wanted:
            return absence
        if absence.state != AbsenceState.REQUESTED:
            raise AbsenceSettled(state=AbsenceState(absence.state))
        if not approve and not reason_given:
            raise WhyRequired
        if approve and absence.reason.needs_evidence and not _has_evidence(absence):
            raise EvidenceMissing
        absence.state = wanted
        absence.decided_by, absence.decided_at, absence.decided_why = actor, now, reason_given
        absence.save(update_fields=["state", "decided_by", "decided_at", "decided_why"])
        _tell(absence)
    return absence


def attach_evidence(*, absence_id: int, file: EvidenceFile, actor: User) -> AbsenceEvidence:
    """Add a file to an absence; the person, whoever asked, and staff.

    Raises AbsenceNotFound, NotYourAbsence, AbsenceSettled for one that was refused or
    withdrawn, InvalidText for its name, EvidenceNotSetUp, TooMuchEvidence,
    TooMuchEvidenceToday, EvidenceEmpty, EvidenceTooLarge and EvidenceKindRefused.
    """
    with removing_on_failure() as written, writing():
        absence = _lock(absence_id)
        rules.check_may_withdraw(actor.as_person(), numbers=_numbers(absence), has_begun=False)
        if absence.state in {AbsenceState.REFUSED, AbsenceState.WITHDRAWN}:
            raise AbsenceSettled(state=AbsenceState(absence.state))
        written.extend(keep_evidence(absence, [file], actor=actor, at=timezone.now()))
        # While the absence is held: after the commit the last row can be another's.
        return absence.evidence.latest("pk")


def withdraw_absence(*, absence_id: int, actor: User) -> Absence:
    """Take an absence back: the person or whoever asked until it begins, staff always.

    What was decided stays on the row. Once more changes nothing. Raises
    AbsenceNotFound, NotYourAbsence, and AbsenceSettled for one that was refused.
    """
    now = timezone.now()
    with writing():
        absence = _lock_with_person(absence_id)
        rules.check_may_withdraw(
            actor.as_person(), numbers=_numbers(absence), has_begun=absence.starts_at <= now
        )
        if absence.state == AbsenceState.REFUSED:
            raise AbsenceSettled(state=AbsenceState.REFUSED)
        if absence.state != AbsenceState.WITHDRAWN:
            absence.state = AbsenceState.WITHDRAWN
            absence.withdrawn_by, absence.withdrawn_at = actor, now
            absence.save(update_fields=["state", "withdrawn_by", "withdrawn_at"])
            _tell(absence)
    return absence


def _tell(absence: Absence) -> None:
    """Whoever depends on it follows in this transaction, or it does not happen."""
    absence_changed.send(Absence, absence_id=absence.pk)


def _numbers(absence: Absence) -> set[str]:
    return {absence.user.root.school_number, absence.requested_by.root.school_number}


def _lock_with_person(absence_id: int) -> Absence:
    """The absence, held with its person until the commit. Raises AbsenceNotFound.

    The person first, every account of theirs in order, FOR UPDATE: a run that persists lessons
    holds the accounts of its people FOR KEY SHARE while it looks for absences. So either it
    sees a decision, or the decision sees its marks.
    """
    for user_id in Absence.objects.filter(pk=absence_id).values_list("user_id", flat=True):
        accounts = User.objects.filter(pk__in=accounts_of(user_id)).order_by("pk")
        list(accounts.select_for_update().values_list("pk"))
    return _lock(absence_id)


def _lock(absence_id: int) -> Absence:
    rows: QuerySet[Absence] = Absence.objects.select_related("user", "reason", "requested_by")
    found = rows.select_for_update(of=("self",)).filter(pk=absence_id).first()
    if found is None:
        raise AbsenceNotFound
    return found


def _has_evidence(absence: Absence) -> bool:
    return absence.evidence.filter(removed_at=None).exists()


def _asked_before(plan: AbsencePlan, actor: User, request_id: str) -> Absence | None:
    """What came of the same request, held so that two of them at once come one after the other.

    Raises AbsenceAskedAnew.
    """
    if not request_id:
        return None
    # The asker's own row: two tabs of one person wait for each other, and nobody else does.
    User.objects.select_for_update(no_key=True).filter(pk=actor.pk).values_list("pk").first()
    first = Absence.objects.filter(requested_by=actor, request_id=request_id).first()
    if first is None:
        return None
    named = set(first.sections.values_list("pk", flat=True))
    is_same = (
        first.user_id == plan.user_id
        and (first.starts_at, first.ends_at) == (plan.starts_at, plan.ends_at)
        and first.reason_id == plan.reason_id
        and named == (plan.section_ids or set())
    )
    if not is_same:
        raise AbsenceAskedAnew
    return first


def _find(plan: AbsencePlan) -> tuple[User, AbsenceReason]:
    user = User.objects.filter(pk=plan.user_id).first()
    if user is None:
        raise UserNotFound
    reason = AbsenceReason.objects.filter(pk=plan.reason_id).first()
    if reason is None:
        raise AbsenceReasonNotFound
    return user, reason


def _check_instants(plan: AbsencePlan) -> None:
    if timezone.is_naive(plan.starts_at) or timezone.is_naive(plan.ends_at):
        raise InvalidAbsence(_("An instant needs its offset, as in 2026-03-02T09:00:00+03:00."))
    if plan.starts_at >= plan.ends_at:
        raise AbsenceBackwards
    if plan.ends_at - plan.starts_at > timedelta(days=MOST_ABSENT_DAYS):
        raise AbsenceTooLong(most=MOST_ABSENT_DAYS)
    if plan.starts_at < FIRST_INSTANT or plan.ends_at > LAST_INSTANT:
        raise InvalidAbsence(_("The absence is not between 2000 and 2100. Correct the year."))


def _sections(plan: AbsencePlan) -> list[Section]:
    """The sections that an absence names; the person has to be a student of each."""
    if plan.section_ids is None:
        return []
    if not plan.section_ids:
        raise InvalidAbsence(_("Name the sections that the absence is for, or ask for all."))
    found = list(Section.objects.filter(pk__in=plan.section_ids))
    if len(found) < len(plan.section_ids):
        raise SectionNotFound
    enrolled = Enrolment.objects.filter(
        user__in=accounts_query(plan.user_id), section__in=found, role=EnrolmentRole.STUDENT
    )
    if set(enrolled.values_list("section_id", flat=True)) != set(plan.section_ids):
        raise InvalidAbsence(_("The person is no student of every one of these sections."))
    return found


def _teaches_all(actor: User, sections: Sequence[Section], now: datetime) -> bool:
    """Whether somebody is a teacher, no assistant, of every section today."""
    taught = taught_by(user_id=actor.pk, at=now)
    return bool(sections) and {section.pk for section in sections} <= taught
