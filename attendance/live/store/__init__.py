"""The live store: every change that a lesson in Redis can go through.

Each function runs one script, which decides by Redis's own clock. Errors are
LiveStoreUnavailable (cannot be reached), LessonUnreadable (damaged) and those
that each function names.
"""

from attendance.live.store.check_ins import CheckIn, NotExpected, Shown, check_code, check_in
from attendance.live.store.ending import change_data, extend, finish
from attendance.live.store.marks import (
    CorrectedRecord,
    FoundRecord,
    RecordHistory,
    Register,
    correct,
    read_history,
    read_record,
    read_records_of,
    read_refusals,
    register,
)
from attendance.live.store.queue import (
    DueLesson,
    drop_due,
    due_pages,
    due_since,
    enter_due,
    outside_due,
    park,
    parked_until,
    set_damaged_aside,
    sync_due,
    tidy_parked,
    unpark,
)
from attendance.live.store.reading import (
    LessonCounts,
    Missing,
    count_lessons,
    find_lessons,
    lesson_by_code,
    now,
    read_lesson,
    read_lessons,
    sections_lesson,
    teachers_lesson,
)
from attendance.live.store.rosters import add_to_roster, read_roster, write_roster
from attendance.live.store.snapshots import (
    CorruptPayload,
    DiscardOutcome,
    Snapshot,
    Unsnapped,
    discard_if_unchanged,
    free_names,
    snapshot_many,
)
from attendance.live.store.starting import NewLesson, abandon, start

__all__ = [
    "CheckIn",
    "CorrectedRecord",
    "CorruptPayload",
    "DiscardOutcome",
    "DueLesson",
    "FoundRecord",
    "LessonCounts",
    "Missing",
    "NewLesson",
    "NotExpected",
    "RecordHistory",
    "Register",
    "Shown",
    "Snapshot",
    "Unsnapped",
    "abandon",
    "add_to_roster",
    "change_data",
    "check_code",
    "check_in",
    "correct",
    "count_lessons",
    "discard_if_unchanged",
    "drop_due",
    "due_pages",
    "due_since",
    "enter_due",
    "extend",
    "find_lessons",
    "finish",
    "free_names",
    "lesson_by_code",
    "now",
    "outside_due",
    "park",
    "parked_until",
    "read_history",
    "read_lesson",
    "read_lessons",
    "read_record",
    "read_records_of",
    "read_refusals",
    "read_roster",
    "register",
    "sections_lesson",
    "set_damaged_aside",
    "snapshot_many",
    "start",
    "sync_due",
    "teachers_lesson",
    "tidy_parked",
    "unpark",
    "write_roster",
]
