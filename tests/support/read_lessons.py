"""A lesson as it was read from Redis, for tests that ask no server."""

from datetime import UTC, datetime
from uuid import UUID

from attendance.live.payloads import LessonData, LiveLesson
from users.identity import Person, Role

AT = datetime(2026, 1, 5, 9, tzinfo=UTC)
GRACE = Person("T-1", "Grace", Role.TEACHER)


def lesson_as_read(number: int = 1, *, records: int = 1, events: int = 0) -> LiveLesson:
    """A lesson at revision 9, with so many records and events."""
    return LiveLesson(
        id=UUID(int=number),
        data=LessonData("Physics", GRACE, "request"),
        revision=9,
        data_revision=1,
        record_count=records,
        event_count=events,
        starts_at=AT,
        ends_at=AT,
        changed_at=AT,
        is_starting=False,
        read_at=AT,
    )
