"""The names of a lesson: keys that hold its id while it lives."""

from attendance.live import keys
from attendance.live.payloads import LessonData


def names_that_exclude(data: LessonData) -> list[str]:
    """One lesson at a time has each of these: its section's, where it has one, and its teacher's.

    The section comes first: whoever finds it taken joins that lesson.
    """
    section = [keys.section(data.section.id)] if data.section is not None else []
    return [*section, keys.teacher(data.teacher.school_number)]


def names_of(data: LessonData) -> list[str]:
    """All of them; they are freed once the lesson has left the live store."""
    code = [keys.code(data.short_code)] if data.short_code else []
    return [*names_that_exclude(data), *code]
