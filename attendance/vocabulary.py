"""The choices and limits that both stores, the API and the pages share."""

from django.db.models import TextChoices
from django.utils.translation import gettext_lazy as _

MOST_RECORDS = 5_000
"""Records that one lesson can hold; one more is refused as `lesson_full`."""

MOST_EVENTS = 50_000
"""Events up to which a lesson takes what teachers say; then `lesson_has_too_many_changes`."""

MOST_REFUSALS = 10_000
"""Students and codes of refused check-ins that one lesson keeps."""

MOST_NETWORKS = 32
LONGEST_LESSON_NAME = 200
LONGEST_REASON = 500
LONGEST_REQUEST_ID = 64


class Status(TextChoices):
    PRESENT = "present", _("present")
    LATE = "late", _("late")
    ABSENT = "absent", _("absent")
    EXCUSED = "excused", _("excused")
    PENDING = "pending", _("waiting for verification")
    REJECTED = "rejected", _("rejected")


class Source(TextChoices):
    """Who made the mark what it is."""

    STUDENT = "student", _("student")
    TEACHER = "teacher", _("teacher")
    STAFF = "staff", _("staff")
    SYSTEM = "system", _("system")
    VERIFIER = "verifier", _("verifier")
    RECEIPT = "receipt", _("receipt")


class Check(TextChoices):
    """What a lesson asks of a check-in."""

    CODE = "code", _("rotating code")
    NETWORK = "network", _("network of the campus")
    EXTERNAL = "external", _("external verifier")


class Refusal(TextChoices):
    """Why a check-in was refused; the values are the codes of the errors."""

    NOT_OPEN = "lesson_not_open", _("before the lesson began")
    CLOSED = "lesson_closed", _("after the lesson")
    FULL = "lesson_full", _("the lesson was full")
    CODE_MISSING = "code_missing", _("without a code")
    CODE_WRONG = "code_wrong", _("wrong code")
    CODE_EXPIRED = "code_expired", _("code too old")
    CODE_LONGER = "code_longer", _("typed a code of fewer letters than it has now")
    WRONG_CODES = "too_many_wrong_codes", _("too many wrong codes typed")
    NOT_THEIR_SCAN = "scan_not_yours", _("scan of somebody else")
    NETWORK = "network_not_allowed", _("from another network")
    REJECTED = "rejected_by_teacher", _("rejected by the teacher")
    NOT_ON_ROSTER = "not_on_roster", _("not on the roster")
    NOT_HELD = "lesson_not_held", _("the lesson is not held")


class Verdict(TextChoices):
    """What a teacher can say of a student's record."""

    ACCEPT = "accept", _("accept")
    REJECT = "reject", _("reject")
    LATE = "late", _("mark late")
    EXCUSE = "excuse", _("excuse")
    ABSENT = "absent", _("mark absent")
    UNDO = "undo", _("undo the last correction")
    DELETE = "delete", _("flag as deleted")


class EventKind(TextChoices):
    RECORD_CORRECTED = "record_corrected", _("record corrected")
    RECORD_VERIFIED = "record_verified", _("verdict of the verifier")
    RECORD_RESTORED = "record_restored", _("brought back by a receipt")
    RECORD_REPLAYED = "record_replayed", _("restored from quarantine")
    RECORD_ARRIVED = "record_arrived", _("came, after a teacher had decided")
    RECORD_CLAIMED = "record_claimed", _("said, but a word of higher rank stands")
    RECORD_EXCUSED = "record_excused", _("excused by an approved absence")
    RECORD_RECOMPUTED = "record_recomputed", _("status decided anew by the rule")
    ROSTER_CLOSED = "roster_closed", _("who was missing was marked absent")
    ROSTER_ADDED = "roster_added", _("added to the roster of the lesson")
    LESSON_RENAMED = "lesson_renamed", _("lesson renamed")
    LESSON_FINISHED = "lesson_finished", _("lesson finished")
    LESSON_EXTENDED = "lesson_extended", _("lesson extended")
    LESSON_DELETED = "lesson_deleted", _("lesson flagged as deleted")
    LESSON_RESTORED = "lesson_restored", _("deletion of the lesson taken back")
    LESSON_NOT_HELD = "lesson_not_held", _("the lesson was not held")
    LESSON_HELD = "lesson_held", _("the lesson was held after all")


class LessonState(TextChoices):
    """The state of a lesson, as the ledger has it."""

    SCHEDULED = "scheduled", _("scheduled")
    LIVE = "live", _("live")
    ENDED = "ended", _("ended, waits to be stored")
    PERSISTED = "persisted", _("stored")
    DISCARDED = "discarded", _("stored, and gone from the live store")
    FAILED = "failed", _("failed, is tried again")
    QUARANTINED = "quarantined", _("unreadable, waits for a person")
    LOST = "lost", _("lost from the live store")


class PayloadKind(TextChoices):
    """What a quarantined payload was in the live store."""

    LESSON = "lesson", _("lesson")
    RECORD = "record", _("record")
    EVENT = "event", _("event")
    RECEIPT = "receipt", _("receipt of a lesson that nobody knows")
    """It came from a phone, not from the live store."""


class PayloadState(TextChoices):
    OPEN = "open", _("waits for a person")
    REPLAYED = "replayed", _("replayed")
    DISCARDED = "discarded", _("set aside")


class Trigger(TextChoices):
    """Who started a run of the persistence task."""

    SCHEDULER = "scheduler", _("scheduler")
    COMMAND = "command", _("command")
    ADMIN = "admin", _("admin")
    API = "api", _("API")
    FINISH = "finish", _("end of a lesson")
