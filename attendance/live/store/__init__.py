"""The live store: every change that a lesson in Redis can go through.

Each function runs one script, which decides by Redis's own clock. Errors are
LiveStoreUnavailable (cannot be reached), LessonUnreadable (damaged) and those
that each function names.
"""

from attendance.live.store.ending import extend, finish
from attendance.live.store.marks import (
    CheckIn,
    Correction,
    FoundRecord,
    Register,
    check_in,
    correct,
    read_record,
    register,
)
from attendance.live.store.queue import (
    DueLesson,
    drop_due,
    due_pages,
    due_since,
    park,
    parked_until,
    sync_due,
    unpark,
)
from attendance.live.store.reading import (
    Missing,
    find_lessons,
    now,
    read_lesson,
    read_lessons,
    teachers_lesson,
)
from attendance.live.store.snapshots import (
    CorruptPayload,
    Snapshot,
    Unsnapped,
    discard_if_unchanged,
    free_names,
    snapshot_many,
)
from attendance.live.store.starting import NewLesson, abandon, start

__all__ = [
    "CheckIn",
    "Correction",
    "CorruptPayload",
    "DueLesson",
    "FoundRecord",
    "Missing",
    "NewLesson",
    "Register",
    "Snapshot",
    "Unsnapped",
    "abandon",
    "check_in",
    "correct",
    "discard_if_unchanged",
    "drop_due",
    "due_pages",
    "due_since",
    "extend",
    "find_lessons",
    "finish",
    "free_names",
    "now",
    "park",
    "parked_until",
    "read_lesson",
    "read_lessons",
    "read_record",
    "register",
    "snapshot_many",
    "start",
    "sync_due",
    "teachers_lesson",
    "unpark",
]
