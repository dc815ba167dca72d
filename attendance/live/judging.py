"""Whether what an envelope holds can be what it says: raises Corrupt with the reason."""

import re
from functools import lru_cache
from typing import TYPE_CHECKING, Final

from attendance.live.envelope import refuse
from attendance.vocabulary import (
    LONGEST_LESSON_HOURS,
    LONGEST_LESSON_NAME,
    LONGEST_REASON,
    Check,
)
from users import identity
from users.identity import Person

if TYPE_CHECKING:
    from attendance.live.records import LessonData, RecordData

MOST_REMEMBERED: Final = 32_768
_CHECKS: Final = frozenset(Check.values)

# The same people come lesson after lesson.
_is_canonical = lru_cache(maxsize=MOST_REMEMBERED)(identity.is_canonical)
_is_clean_name = lru_cache(maxsize=MOST_REMEMBERED)(identity.is_clean_name)

_request_id = re.compile(r"[A-Za-z0-9._:-]{1,64}")


def is_request_id(text: str) -> bool:
    """Whether a request id can stand in a stamp."""
    return _request_id.fullmatch(text) is not None


def check_lesson(lesson: "LessonData") -> None:
    check_text("lesson_name", lesson.lesson_name, LONGEST_LESSON_NAME, required=True)
    check_person(lesson.teacher)
    late = lesson.late_after_minutes
    if late is not None and not 0 <= late <= LONGEST_LESSON_HOURS * 60:
        refuse("late_after_minutes is out of range")
    if not is_request_id(lesson.request_id):
        refuse("the request id is not one")
    if not _CHECKS.issuperset(lesson.checks) or lesson.code_seconds < 1:
        refuse("a check is unknown")


def check_record(record: "RecordData", *, is_kept: bool) -> None:
    if not _is_canonical(record.school_number):
        refuse("the school number is not canonical")
    if not _is_clean_name(record.full_name):
        refuse("the full name has characters that no name may have")
    if record.reason:
        check_text("reason", record.reason, LONGEST_REASON)
    if record.actor is not None:
        check_person(record.actor)
    elif not is_kept:
        refuse("nobody stands for its deletion")


def check_person(person: Person) -> None:
    if not identity.is_canonical(person.school_number):
        refuse("a person's school number is not canonical")
    if not identity.is_clean_name(person.full_name):
        refuse("a person's name has characters that no name may have")


def check_text(name: str, text: str, longest: int, *, required: bool = False) -> None:
    if not text and not required:
        return
    if len(text) > longest or not identity.is_clean_text(text):
        refuse(f"the {name} is empty, too long or has control characters")
