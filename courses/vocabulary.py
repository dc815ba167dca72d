"""The words of courses: who belongs where, what is excused, by which rules."""

from django.db.models import TextChoices
from django.utils.translation import gettext_lazy as _

LONGEST_CODE = 64
LONGEST_TITLE = 200
LONGEST_NOTE = 500
LONGEST_SOURCED_ID = 255
LONGEST_ZONE = 64
LONGEST_REQUEST_ID = 64

MOST_STUDENTS = 5_000
"""Students of one section at a time: a lesson holds no more records."""
MOST_UPLOADED_BYTES = 5 * 1024 * 1024
"""Of a roster that comes over a page."""

MOST_ABSENT_DAYS = 366
"""Days that one absence can last: a year, and no typing error in it."""

MEGABYTE = 1024 * 1024
MOST_EVIDENCE_BYTES = 5 * MEGABYTE
MOST_EVIDENCE_FILES = 10
MOST_EVIDENCE_TOGETHER = 20 * MEGABYTE
"""Files of one absence, and their bytes."""

MOST_EVIDENCE_A_DAY = 100 * MEGABYTE
"""Bytes that one person, other than staff, adds in a day: nobody fills the disk alone."""

MOST_DECISIONS = 100
"""Absences that are decided at once."""

WHOLE_PERMILLE = 1000
DAY_SECONDS = 86_400


class SystemKind(TextChoices):
    """Where rows come from."""

    MANUAL = "manual", _("by hand")
    CSV = "csv", _("CSV file")
    ONEROSTER = "oneroster", _("OneRoster")
    CANVAS = "canvas", _("Canvas")
    MOODLE = "moodle", _("Moodle")
    API = "api", _("API")


class Component(TextChoices):
    """Which part of a course a section is; an empty one is the whole."""

    WHOLE = "", _("whole course")
    THEORY = "theory", _("theory")
    LAB = "lab", _("lab")


class WalkIns(TextChoices):
    """What becomes of a check-in by somebody who is not on the roster."""

    ACCEPT = "accept", _("accept")
    HOLD = "hold", _("hold for the teacher")
    REFUSE = "refuse", _("refuse")


class EnrolmentRole(TextChoices):
    STUDENT = "student", _("student")
    TEACHER = "teacher", _("teacher")
    ASSISTANT = "assistant", _("assistant")
    OBSERVER = "observer", _("observer")


class Effect(TextChoices):
    """What an excused lesson is worth in the figures."""

    NEUTRAL = "neutral", _("does not count")
    COUNTS_PRESENT = "counts_present", _("counts as present")
    COUNTS_ABSENT = "counts_absent", _("counts as absent")


class Asker(TextChoices):
    """Who may ask for an absence with a reason; each includes those after it."""

    STUDENT = "student", _("the student")
    TEACHER = "teacher", _("a teacher of the section")
    STAFF = "staff", _("staff")


class AbsenceState(TextChoices):
    REQUESTED = "requested", _("requested")
    APPROVED = "approved", _("approved")
    REFUSED = "refused", _("refused")
    WITHDRAWN = "withdrawn", _("withdrawn")


class EvidenceKind(TextChoices):
    """By the first bytes of a file, whatever its name says."""

    PDF = "pdf", "PDF"
    JPEG = "jpeg", "JPEG"
    PNG = "png", "PNG"


class Counted(TextChoices):
    """What a rate adds up."""

    LESSONS = "lessons", _("lessons")
    HOURS = "hours", _("hours")
    DAYS = "days", _("days")


class Basis(TextChoices):
    """Which share is compared with what is needed."""

    RATE = "rate", _("what is reached so far")
    BEST = "best", _("what can still be reached")


class ExcusedAs(TextChoices):
    """What an excused lesson is worth by the rules of a section."""

    REASON = "reason", _("what its reason says")
    ABSENT = "absent", _("as an absent one")


class Preset(TextChoices):
    """Rules under a name, which a section can take over."""

    PLAIN = "plain", _("Plain (lessons, 70 %)")
    TR_THEORY_70 = "tr_theory_70", _("Türkiye, theory (hours, 70 %)")
    TR_LAB_80 = "tr_lab_80", _("Türkiye, practice (hours, 80 %)")
    UK_SPONSOR = "uk_sponsor", _("United Kingdom, sponsored students")
    US_R2T4 = "us_r2t4", _("United States, return of federal aid")
    US_CHRONIC = "us_chronic", _("United States, chronic absence")
    AU_80 = "au_80", _("Australia (hours of a course, 80 %)")
    ENGLAND_REGISTER = "england_register", _("England, school register")
    HALF_LATE = "half_late", _("Late is worth a half")
