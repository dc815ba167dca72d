"""What can go wrong with courses, each with a stable code; see attendance/errors.py."""

from users.errors import AttnError
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


class InvalidEnrolment(CourseError):
    code = "invalid_enrolment"


class InvalidAbsence(CourseError):
    code = "invalid_absence"


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
