"""The tables of ATTN: the stored register, and the books about how it got there."""

from attendance.models.books import LessonLedger, PersistenceRun, QuarantinedPayload
from attendance.models.register import (
    Attendance,
    AttendanceEvent,
    AttendanceRecord,
    RefusedCheckIn,
)

__all__ = [
    "Attendance",
    "AttendanceEvent",
    "AttendanceRecord",
    "LessonLedger",
    "PersistenceRun",
    "QuarantinedPayload",
    "RefusedCheckIn",
]
