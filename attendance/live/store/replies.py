"""The replies of the scripts: a record, or an outcome word that says why not."""

from typing import Any, NoReturn
from uuid import UUID

from attendance.errors import (
    CodeExpired,
    CodeLonger,
    CodeMissing,
    CodeWrong,
    Conflict,
    LessonClosed,
    LessonFull,
    LessonHasTooManyChanges,
    LessonNotFound,
    LessonNotHeld,
    LessonNotOpen,
    LessonUnreadable,
    NetworkNotAllowed,
    NotOnRoster,
    RejectedByTeacher,
    RequestIdReused,
    ScanNotYours,
    TooManyWrongCodes,
)
from attendance.live import decoding
from attendance.live.envelope import Corrupt
from attendance.live.payloads import LiveRecord
from attendance.rules import instants
from users.errors import gettext_noop as _


def decode_record(lesson_id: UUID, number: str, raw: bytes) -> LiveRecord:
    """The record in a script's answer. Raises LessonUnreadable."""
    try:
        return decoding.decode_record(lesson_id, number, raw)
    except Corrupt as error:
        raise LessonUnreadable(
            _("The record of %(number)s cannot be read: %(error)s."),
            number=number,
            error=str(error),
        ) from error


_PLAIN = {
    b"not_found": LessonNotFound,
    b"starting": LessonNotFound,
    b"lesson_full": LessonFull,
    b"full": LessonFull,
    b"conflict": Conflict,
    b"reused": RequestIdReused,
    b"too_many": LessonHasTooManyChanges,
    b"code_missing": CodeMissing,
    b"code_wrong": CodeWrong,
    b"code_expired": CodeExpired,
    b"code_longer": CodeLonger,
    b"too_many_wrong_codes": TooManyWrongCodes,
    b"scan_not_yours": ScanNotYours,
    b"network_not_allowed": NetworkNotAllowed,
    b"rejected_by_teacher": RejectedByTeacher,
    b"not_on_roster": NotOnRoster,
    b"lesson_not_held": LessonNotHeld,
}


def refuse(reply: list[Any]) -> NoReturn:
    """Raise the error that the outcome word of a reply stands for."""
    match reply[0]:
        case b"lesson_not_open":
            raise LessonNotOpen(starts_at=instants.instant(int(reply[1])))
        case b"lesson_closed" | b"closed":
            raise LessonClosed(ends_at=instants.instant(int(reply[1])))
        case outcome:
            raise _PLAIN.get(outcome, LessonUnreadable)
