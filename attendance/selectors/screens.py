"""What a projector shows of a live lesson."""

from typing import NamedTuple
from uuid import UUID

from attendance.errors import LessonClosed
from attendance.live import codes, store
from attendance.live.codes import Code
from attendance.selectors import whereabouts
from attendance.selectors.registers import find_attendance
from users.errors import gettext_noop as _


class ShownCode(NamedTuple):
    short_code: str
    """The letters that name the lesson."""
    code: Code


def find_code(lesson_id: UUID) -> ShownCode:
    """The code of a lesson now, by the live store's clock.

    Raises LessonNotFound, LessonClosed where the lesson is over, and
    LiveStoreUnavailable.
    """
    return whereabouts.read(
        lesson_id, live=lambda: _code(lesson_id), stored=lambda: _none(lesson_id)
    )


def _code(lesson_id: UUID) -> ShownCode:
    lesson = store.read_lesson(lesson_id)
    if lesson.is_over:
        raise LessonClosed(_("This lesson is over: there is no code to show."))
    data = lesson.data
    # After the lesson was read: an answer is never that of fewer letters than are asked for.
    letters = store.letters_of_code(lesson_id)
    code = codes.code_at(data.secret, data.code_seconds, lesson.read_at, letters=letters)
    return ShownCode(data.short_code, code)


def _none(lesson_id: UUID) -> ShownCode:
    find_attendance(lesson_id)
    raise LessonClosed(_("This lesson is over: there is no code to show."))
