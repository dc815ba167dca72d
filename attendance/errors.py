"""What can go wrong with attendance, each with a stable code.

`code` is for programs and never changes; the message is a sentence that tells
the reader what to do. attendance/http_status.py maps the codes to HTTP.
"""

from users.errors import AttnError
from users.errors import gettext_noop as _


class AttendanceError(AttnError):
    """Base of every error that ATTN raises about lessons and records."""

    code = "attendance_error"
    default_message = _("Something is wrong with this request.")


class InvalidInput(AttendanceError):
    code = "invalid_input"


class InvalidWindow(AttendanceError):
    code = "invalid_window"


class ReasonRequired(AttendanceError):
    code = "reason_required"
    default_message = _("Say why: this change needs a reason.")


class LessonNotFound(AttendanceError):
    code = "lesson_not_found"
    default_message = _("There is no such lesson. Check the address or the code and try again.")


class LessonNotOpen(AttendanceError):
    code = "lesson_not_open"
    default_message = _("This lesson has not begun. Try again when it has.")
    facts = frozenset({"starts_at"})


class LessonClosed(AttendanceError):
    code = "lesson_closed"
    default_message = _("This lesson is over. Ask your teacher to add you.")
    facts = frozenset({"ends_at"})


class LessonFull(AttendanceError):
    code = "lesson_full"
    default_message = _("This lesson holds as many records as a lesson can. Start another one.")


class LessonHasTooManyChanges(AttendanceError):
    code = "lesson_has_too_many_changes"
    default_message = _(
        "This lesson was changed as often as a lesson can be. Ask your staff: they can still "
        "correct it."
    )


class RequestIdReused(AttendanceError):
    """One request id, two changes: the second one is refused."""

    code = "request_id_reused"
    default_message = _(
        "The id of this request (Idempotency-Key or webhook-id) was used for another change. "
        "Nothing was changed. Send this change again with a new id."
    )


class CodeMissing(AttendanceError):
    code = "code_missing"
    default_message = _("This lesson wants its code. Scan it from the screen, or type it.")


class CodeWrong(AttendanceError):
    code = "code_wrong"
    default_message = _("This is not the code of this lesson. Scan it from the screen, or type it.")


class CodeExpired(AttendanceError):
    code = "code_expired"
    default_message = _("This code is too old. Scan the one that is on the screen now.")


class CodeLonger(AttendanceError):
    """Many wrong codes were typed in this lesson, so its typed code has more letters."""

    code = "code_longer"
    default_message = _(
        "The code to type is longer now. Type all of it from the screen, or scan the picture."
    )


class TooManyWrongCodes(AttendanceError):
    """This student has typed as many wrong codes as one lesson takes."""

    code = "too_many_wrong_codes"
    default_message = _(
        "You have typed too many wrong codes in this lesson, so typing does not help any more. "
        "Scan the picture on the screen, or ask your teacher to add you."
    )


class ScanNotYours(AttendanceError):
    """A scan makes one mark, of whoever made it."""

    code = "scan_not_yours"
    default_message = _(
        "This scan was made or used by somebody else. Scan the code that is on the screen now."
    )


class NetworkNotAllowed(AttendanceError):
    code = "network_not_allowed"
    default_message = _(
        "This lesson takes check-ins from the network of the campus only. Join it and try again."
    )


class NotOnRoster(AttendanceError):
    code = "not_on_roster"
    default_message = _(
        "You are not on the roster of this course. Your teacher sees that you were here, and can "
        "add you."
    )


class LessonNotHeld(AttendanceError):
    code = "lesson_not_held"
    default_message = _("This lesson is not held, so nobody has to check in.")


class RejectedByTeacher(AttendanceError):
    code = "rejected_by_teacher"
    default_message = _("Your check-in was rejected. Speak to your teacher.")


class LessonAlreadyLive(AttendanceError):
    code = "lesson_already_live"
    default_message = _("You have a live lesson already. Finish it before you start another.")
    facts = frozenset({"lesson_id", "lesson_name"})


class LessonUnreadable(AttendanceError):
    """What the live store holds for this lesson cannot be understood."""

    code = "lesson_unreadable"
    default_message = _(
        "The live data of this lesson is damaged. Tell your staff: they can see it."
    )


class NotYourLesson(AttendanceError):
    code = "not_your_lesson"
    default_message = _("Only the teacher of this lesson and staff may do this.")


class NotATeacher(AttendanceError):
    code = "not_a_teacher"
    default_message = _("Only a teacher or staff may start a lesson. Ask your staff for the role.")


class RecordNotFound(AttendanceError):
    code = "record_not_found"
    default_message = _(
        "This student has no record in this lesson. Give the full name as well to add one."
    )


class NothingToUndo(AttendanceError):
    code = "nothing_to_undo"
    default_message = _("This record was never corrected, so there is nothing to undo.")


class Conflict(AttendanceError):
    code = "conflict"
    default_message = _("Somebody changed this in the meantime. Load it again and decide anew.")


class NothingToAccept(AttendanceError):
    code = "nothing_to_accept"
    default_message = _(
        "This lesson lacks nothing that was seen of it. Look at its line in the ledger."
    )


class AlreadySettled(AttendanceError):
    code = "already_settled"
    default_message = _("This payload was settled before. Load the page again.")


class AlarmNotFound(AttendanceError):
    code = "alarm_not_found"
    default_message = _("There is no such alarm now. Load the list again.")


class AlarmStays(AttendanceError):
    """Marks cannot be taken or kept: no word of a person changes that."""

    code = "alarm_stays"
    default_message = _("This alarm ends with its cause alone. Do what it says.")


class PayloadNotFound(AttendanceError):
    code = "payload_not_found"
    default_message = _("There is no such payload in quarantine. Load the list again.")


class NameDiffers(AttendanceError):
    """A number and a name are of two people: one of them would be marked by mistake."""

    code = "name_differs"
    default_message = _(
        "%(number)s is the number of %(known_name)s, and you gave another name. Nobody was marked. "
        "Give that name to mark %(known_name)s, or correct the number."
    )
    facts = frozenset({"known_name"})


class RecordExists(AttendanceError):
    """A payload from quarantine would replace a record: somebody has to decide."""

    code = "record_exists"
    default_message = _("This student has a record already. Compare both, then replace it or not.")
    facts = frozenset({"record"})


class StillUnreadable(AttendanceError):
    code = "still_unreadable"


class InvalidReceipt(AttendanceError):
    code = "invalid_receipt"
    default_message = _("This is not a receipt of this site. Send it exactly as you got it.")


class ReceiptExpired(AttendanceError):
    code = "receipt_expired"
    default_message = _("This receipt is too old to bring a mark back. Ask your staff.")


class PersonErased(AttendanceError):
    code = "person_erased"
    default_message = _("Somebody in this receipt was erased since, so it brings nothing back.")


class LessonDeleted(AttendanceError):
    code = "lesson_deleted"
    default_message = _("This lesson was deleted, so its receipts bring nothing back.")


class NotYourReceipt(AttendanceError):
    code = "not_your_receipt"
    default_message = _("This receipt is somebody else's. Send your own, or give it to your staff.")


class TooManyAttempts(AttendanceError):
    code = "too_many_attempts"
    default_message = _("Too many attempts. Wait, and try again then.")
    facts = frozenset({"retry_after"})


class TooManyFromHere(TooManyAttempts):
    """Of people whom nobody knows, at one address: whoever signs in does not wait."""

    code = "too_many_from_here"
    default_message = _(
        "Too many wrong codes came from this network. Sign in first and type the code then, or "
        "try again in %(wait)s."
    )


class InvalidCredentials(AttendanceError):
    code = "invalid_credentials"
    default_message = _("Number and password do not belong together. Check both and try again.")


class SecondFactorNeeded(AttendanceError):
    """The rights of this role ask for a second factor, and this session or token showed none."""

    code = "second_factor_needed"
    default_message = _(
        "Your role asks for a second factor here. Sign in on a page and set one up, or show the "
        "one that you have; then try again."
    )


class SecondFactorMissing(AttendanceError):
    code = "second_factor_missing"
    default_message = _(
        "This account has a second factor. Send the code of your app, or a recovery code, as "
        "`code`."
    )


class SecondFactorWrong(AttendanceError):
    code = "second_factor_wrong"
    default_message = _(
        "This code is not right, or was used already. Wait for the next one in your app and try it."
    )


class PasswordChangeNeeded(AttendanceError):
    """Number and password are right, and somebody else has set that password."""

    code = "password_change_needed"
    default_message = _(
        "Somebody else has set your password. Sign in on a page, choose a password of your own "
        "there, and try again."
    )


class InvalidSignature(AttendanceError):
    code = "invalid_signature"
    default_message = _(
        "The signature does not fit. Sign id, timestamp and body with the secret that the site has."
    )


class VerificationNotFound(AttendanceError):
    code = "verification_not_found"
    default_message = _("There is no such verification. Send the id as you got it.")


class SignInUnavailable(AttendanceError):
    """Attempts cannot be counted, so nobody may try."""

    code = "sign_in_unavailable"
    default_message = _("Signing in is not possible at this moment. Try again in a moment.")
    facts = frozenset({"retry_after"})


class ForeignSite(AttendanceError):
    """Redis holds the lessons of another site: nothing of them may be stored here."""

    code = "foreign_site"
    default_message = _(
        "The live store holds the lessons of another site (%(other)s), and this database is that "
        "of %(own)s. Nothing is stored and nothing is removed. Correct REDIS_URL or DATABASE_URL; "
        "to take these lessons over on purpose: manage.py adopt_site."
    )


class LiveStoreUnavailable(AttendanceError):
    code = "live_store_unavailable"
    default_message = _("The live store cannot be reached. Try again in a moment.")


class LiveStoreClock(LiveStoreUnavailable):
    """Its clock is outside 2000 to 2100, or far before what it has stamped: nothing is taken."""

    code = "live_store_clock"
    default_message = _(
        "The clock of the live store is wrong, so nothing can be taken now. Tell your staff, and "
        "try again in a minute."
    )
