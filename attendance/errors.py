"""What can go wrong with attendance, each with a stable code.

`code` is for programs and never changes; `detail` is a sentence that tells
the reader what to do. attendance/api maps the codes to HTTP.
"""

from typing import Any, ClassVar


class AttendanceError(Exception):
    """Base of every error that ATTN raises about lessons and records."""

    code: ClassVar[str] = "attendance_error"
    default_detail: ClassVar[str] = "Something is wrong with this request."

    def __init__(self, detail: str = "", **context: Any) -> None:
        self.detail = detail or self.default_detail
        self.context = context
        super().__init__(self.detail)

    def as_dict(self) -> dict[str, Any]:
        """The shape in which an error leaves ATTN: code, detail, and what it names."""
        return {"code": self.code, "detail": self.detail, **self.context}


class InvalidInput(AttendanceError):
    code = "invalid_input"


class InvalidWindow(AttendanceError):
    code = "invalid_window"


class ReasonRequired(AttendanceError):
    code = "reason_required"
    default_detail = "Say why: this change needs a reason."


class LessonNotFound(AttendanceError):
    code = "lesson_not_found"
    default_detail = "There is no such lesson. Check the address or the code and try again."


class LessonNotOpen(AttendanceError):
    code = "lesson_not_open"
    default_detail = "This lesson has not begun. Try again when it has."


class LessonClosed(AttendanceError):
    code = "lesson_closed"
    default_detail = "This lesson is over. Ask your teacher to add you."


class LessonFull(AttendanceError):
    code = "lesson_full"
    default_detail = "This lesson holds as many records as a lesson can. Start another one."


class LessonAlreadyLive(AttendanceError):
    code = "lesson_already_live"
    default_detail = "You have a live lesson already. Finish it before you start another."


class LessonUnreadable(AttendanceError):
    """What the live store holds for this lesson cannot be understood."""

    code = "lesson_unreadable"
    default_detail = "The live data of this lesson is damaged. Tell your staff: they can see it."


class NotYourLesson(AttendanceError):
    code = "not_your_lesson"
    default_detail = "Only the teacher of this lesson and staff may do this."


class NotATeacher(AttendanceError):
    code = "not_a_teacher"
    default_detail = "Only a teacher or staff may start a lesson. Ask your staff for the role."


class RecordNotFound(AttendanceError):
    code = "record_not_found"
    default_detail = (
        "This student has no record in this lesson. Give the full name as well to add one."
    )


class NothingToUndo(AttendanceError):
    code = "nothing_to_undo"
    default_detail = "This record was never corrected, so there is nothing to undo."


class Conflict(AttendanceError):
    code = "conflict"
    default_detail = "Somebody changed this in the meantime. Load it again and decide anew."


class AlreadySettled(AttendanceError):
    code = "already_settled"
    default_detail = "This payload was settled before. Load the page again."


class RecordExists(AttendanceError):
    """A payload from quarantine would replace a record: somebody has to decide."""

    code = "record_exists"
    default_detail = "This student has a record already. Compare both, then replace it or not."


class StillUnreadable(AttendanceError):
    code = "still_unreadable"


class LiveStoreUnavailable(AttendanceError):
    code = "live_store_unavailable"
    default_detail = "The live store cannot be reached. Try again in a moment."
