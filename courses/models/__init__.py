"""The tables of courses: sections and who belongs to them, absences, closures, policies."""

from courses.models.absences import Absence, AbsenceEvidence, AbsenceReason, Closure
from courses.models.catalogue import Course, SourceSystem, Term
from courses.models.policies import Policy
from courses.models.sections import Enrolment, Section
from courses.models.uploads import RosterUpload

__all__ = [
    "Absence",
    "AbsenceEvidence",
    "AbsenceReason",
    "Closure",
    "Course",
    "Enrolment",
    "Policy",
    "RosterUpload",
    "Section",
    "SourceSystem",
    "Term",
]
