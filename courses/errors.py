"""What can go wrong with courses, each with a stable code; see attendance/errors.py."""

from users.errors import AttnError, RowError
from users.errors import gettext_noop as _


class CourseError(AttnError):
    """Base of every error about sections, enrolments, absences and closures."""

    code = "course_error"
    default_message = _("Something is wrong with this request.")


class InvalidText(CourseError):
    code = "invalid_text"


class InvalidDates(CourseError):
    """An end before its beginning, or days outside of what they belong to."""

    code = "invalid_dates"


class InvalidParent(CourseError):
    code = "invalid_parent"


class InvalidPolicy(CourseError):
    code = "invalid_policy"


class PolicyNeedsPlan(CourseError):
    code = "policy_needs_plan"
    default_message = _(
        "What can still be reached depends on what is planned for the term. Say how much that is."
    )


class InvalidEnrolment(CourseError):
    code = "invalid_enrolment"


class InvalidAbsence(CourseError):
    code = "invalid_absence"


class AbsenceBackwards(CourseError):
    code = "absence_backwards"
    default_message = _("The absence ends before it starts. Choose a later end.")


class AbsenceTooLong(CourseError):
    code = "absence_too_long"
    default_message = _("An absence lasts at most %(most)d days. Ask for several.")


class AbsenceAskedAnew(CourseError):
    """The id of a request that was sent before comes with another absence."""

    code = "absence_asked_anew"
    default_message = _(
        "This was sent before, for another absence. Load the page again, and ask anew."
    )


class UnknownTimeZone(CourseError):
    code = "unknown_time_zone"
    default_message = _(
        "There is no time zone %(zone)r. Write one as in Europe/Istanbul, with its capital letters."
    )


class WhyRequired(CourseError):
    code = "why_required"
    default_message = _("Say why: the person will read it.")


class EvidenceEmpty(CourseError):
    code = "evidence_empty"
    default_message = _("This file is empty. Choose another one.")


class EvidenceTooLarge(CourseError):
    code = "evidence_too_large"
    default_message = _("A file has at most %(most)d MB. Send a smaller one.")


class EvidenceKindRefused(CourseError):
    code = "evidence_kind_refused"
    default_message = _(
        "By its content this file is no PDF, JPEG or PNG, whatever its name says. "
        "Save it as one of these."
    )


class TooMuchEvidence(CourseError):
    code = "too_much_evidence"
    default_message = _(
        "An absence has at most %(files)d files, of %(most)d MB together. "
        "Leave some out, or make them smaller."
    )


class TooMuchEvidenceToday(CourseError):
    code = "too_much_evidence_today"
    default_message = _("You have sent more than %(most)d MB in a day. Go on tomorrow.")


class EvidenceNotFound(CourseError):
    code = "evidence_not_found"
    default_message = _("There is no such file.")


class EvidenceRemoved(CourseError):
    code = "evidence_removed"
    default_message = _("This file was kept until %(day)s, and is removed. Ask for it anew.")


class EvidenceNotSetUp(CourseError):
    code = "evidence_not_set_up"
    default_message = _("This site keeps no files. Ask your staff to name a folder for them.")


class EvidenceMissing(CourseError):
    code = "evidence_missing"
    default_message = _("An absence with this reason needs evidence. Attach it first.")


class NotStaff(CourseError):
    code = "not_staff"
    default_message = _("Only staff may do this.")


class ReasonNotForYou(CourseError):
    code = "reason_not_for_you"
    default_message = _("You may not ask with this reason. Choose another one, or ask your staff.")


class NotYourSection(CourseError):
    """Somebody belongs to the section, and not as one who teaches it."""

    code = "not_your_section"
    default_message = _("Only those who teach this course, and staff, may see this.")


class NotYourAbsence(CourseError):
    code = "not_your_absence"
    default_message = _(
        "Only staff, or the teachers of every section that it is about, may do this."
    )


class TermNotFound(CourseError):
    code = "term_not_found"
    default_message = _("There is no such term.")


class CourseNotFound(CourseError):
    code = "course_not_found"
    default_message = _("There is no such course.")


class SectionNotFound(CourseError):
    code = "section_not_found"
    default_message = _("There is no such section.")


class UserNotFound(CourseError):
    code = "user_not_found"
    default_message = _("There is no such user.")


class EnrolmentNotFound(CourseError):
    code = "enrolment_not_found"
    default_message = _("There is no such enrolment.")


class AbsenceReasonNotFound(CourseError):
    code = "absence_reason_not_found"
    default_message = _("There is no such reason for an absence.")


class AbsenceNotFound(CourseError):
    code = "absence_not_found"
    default_message = _("There is no such absence.")


class SectionAmbiguous(CourseError):
    """A code that several sections have; `ids` says which."""

    code = "section_ambiguous"
    default_message = _(
        "%(key)s stands for several of your courses. Name one by its id, with # before it: %(ids)s."
    )
    facts = frozenset({"ids"})


class ClosureNotFound(CourseError):
    code = "closure_not_found"
    default_message = _("There are no such days without lessons.")


class SectionArchived(CourseError):
    code = "section_archived"
    default_message = _("This section is archived: nothing changes in it any more.")


class EnrolmentOverlaps(CourseError):
    code = "enrolment_overlaps"
    default_message = _(
        "This student is enrolled in this section on some of these days. End that enrolment first."
    )


class EnrolmentOver(CourseError):
    code = "enrolment_over"
    default_message = _(
        "This enrolment ends on %(end)s already. Enrol the person again from a later day."
    )


class EnrolmentsOutside(CourseError):
    code = "enrolments_outside"
    default_message = _(
        "%(count)d enrolments lie outside of these days. End them first, or choose other days."
    )


class SourcedIdTaken(CourseError):
    code = "sourced_id_taken"
    default_message = _("The same system has this id already. Change what is there.")


class AbsenceSettled(CourseError):
    """It is not in the state that the change begins with."""

    code = "absence_settled"
    default_message = _("This absence is %(state)s by now. Load the page again.")


class RosterTooLarge(CourseError):
    code = "roster_too_large"
    default_message = _(
        "A section has at most %(most)d students at a time. Make another section for the others."
    )


class NoCurrentTerm(CourseError):
    code = "no_current_term"
    default_message = _(
        "No term covers today, %(day)s. Make one in the administration, under Terms, "
        "or name one (for a command: --term TITLE)."
    )


class TermUnclear(CourseError):
    code = "term_unclear"
    default_message = _(
        "%(count)d terms fit: %(titles)s. Name one of them (for a command: --term TITLE)."
    )


class RosterEmpty(CourseError):
    """A bulk file without a row would end everybody: it always stops."""

    code = "roster_empty"
    default_message = _("The file has no rows. Nothing was changed. Export it again.")


class RosterColumns(CourseError):
    code = "roster_columns"
    default_message = _(
        "A roster needs the columns %(missing)s, and the first line names %(named)s. "
        "Write their names into the first line."
    )


class ImportRunning(CourseError):
    code = "import_running"
    default_message = _("Another import of rosters is running. Wait until it has ended.")


class PlanChanged(CourseError):
    code = "plan_changed"
    default_message = _(
        "What the file would do has changed since it was shown. Nothing was applied: "
        "look at the new plan and apply that."
    )


class SectionChanged(CourseError):
    code = "section_changed"
    default_message = _(
        "Somebody changed this section meanwhile. Nothing of it was applied: import the file again."
    )


class TooManyEnds(CourseError):
    """The brake of an import: more would end than one expects of a day."""

    code = "too_many_ends"
    default_message = _(
        "%(ends)d enrolments would end, and that is more than usual (%(where)s). Nothing was "
        "applied. Where this is right, allow it (for a command: --allow-drop %(ends)d)."
    )
    facts = frozenset({"ends"})


class UploadMissing(CourseError):
    code = "upload_missing"
    default_message = _("The file is not kept any more. Choose it again.")


class SectionRequired(RowError):
    code = "section_required"
    default_message = _("This row names no section. Write its code.")


class OtherSection(RowError):
    code = "other_section"
    default_message = _(
        "This row is of the section %(named)s, and the upload is for %(section)s. Upload it there."
    )


class AmbiguousSection(RowError):
    code = "ambiguous_section"
    default_message = _(
        "%(count)d sections of this term are called %(named)s. Give them different codes."
    )


class InvalidSectionRole(RowError):
    code = "invalid_section_role"
    default_message = _("A role is student, teacher, assistant or observer.")


class NulInRow(RowError):
    code = "nul_character"
    default_message = _("This row has a NUL character. Remove it.")


class ContradictoryRow(RowError):
    code = "contradictory_row"
    default_message = _("Line %(line)d says something else of this person. Correct one of them.")


class ZerosGone(RowError):
    code = "leading_zeros_gone"
    default_message = _(
        "There is a person with the number %(number)s: the zeros at the front of this one seem "
        "to be gone. Make the column text, and enter it again."
    )


class EnrolledElsewhere(RowError):
    code = "enrolled_by_other_system"
    default_message = _(
        "%(system)s has this student in the section from %(first)s to %(end)s. "
        "End that enrolment there, or remove this row."
    )


class RoleNeedsStaff(RowError):
    code = "role_needs_staff"
    default_message = _("Only staff enrol teachers, assistants and observers. Ask them.")
