"""The tables of ATTN: the stored register; ledger, runs and quarantine of persistence; alarms."""

from attendance.models.alarms import AlarmAcknowledgement, AlarmEpisode
from attendance.models.books import (
    LessonLedger,
    LessonWord,
    PersistenceRun,
    QuarantinedPayload,
)
from attendance.models.register import (
    Attendance,
    AttendanceEvent,
    AttendanceRecord,
    RefusedCheckIn,
)
from attendance.models.site import KnownSite, OlderLiveStore

__all__ = [
    "AlarmAcknowledgement",
    "AlarmEpisode",
    "Attendance",
    "AttendanceEvent",
    "AttendanceRecord",
    "KnownSite",
    "LessonLedger",
    "LessonWord",
    "OlderLiveStore",
    "PersistenceRun",
    "QuarantinedPayload",
    "RefusedCheckIn",
]
