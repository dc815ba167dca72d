"""The tables of ATTN: the stored register; and ledger, runs and quarantine of persistence."""

from attendance.models.books import LessonLedger, PersistenceRun, QuarantinedPayload
from attendance.models.register import (
    Attendance,
    AttendanceEvent,
    AttendanceRecord,
    RefusedCheckIn,
)
from attendance.models.site import Site

__all__ = [
    "Attendance",
    "AttendanceEvent",
    "AttendanceRecord",
    "LessonLedger",
    "PersistenceRun",
    "QuarantinedPayload",
    "RefusedCheckIn",
    "Site",
]
