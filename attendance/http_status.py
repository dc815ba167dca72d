"""The one place that maps codes to HTTP, for the API and for pages."""

from attendance.errors import LessonNotFound, NotYourLesson
from users.errors import AttnError

STATUS = {
    "invalid_input": 400,
    "invalid_window": 400,
    "invalid_school_number": 400,
    "invalid_full_name": 400,
    "invalid_receipt": 400,
    "reason_required": 400,
    "invalid_credentials": 401,
    "invalid_signature": 401,
    "code_missing": 403,
    "code_wrong": 403,
    "code_expired": 403,
    "network_not_allowed": 403,
    "rejected_by_teacher": 403,
    "not_a_teacher": 403,
    "not_your_receipt": 403,
    "lesson_not_found": 404,
    "not_your_lesson": 404,
    "record_not_found": 404,
    "verification_not_found": 404,
    "payload_not_found": 404,
    "lesson_not_open": 409,
    "lesson_already_live": 409,
    "lesson_full": 409,
    "conflict": 409,
    "record_exists": 409,
    "nothing_to_undo": 409,
    "already_settled": 409,
    "still_unreadable": 409,
    "lesson_closed": 410,
    "too_many_attempts": 429,
    "lesson_unreadable": 503,
    "users_missing": 503,
    "sign_in_unavailable": 503,
    "live_store_unavailable": 503,
    "database_unavailable": 503,
}
"""The HTTP status of each code; a test fails where one is missing."""


def as_shown(error: AttnError) -> AttnError:
    """The error that callers see: whoever may not see a lesson is told that there is none."""
    return LessonNotFound() if isinstance(error, NotYourLesson) else error
