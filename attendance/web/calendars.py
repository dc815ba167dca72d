"""Calendar files (RFC 5545): lessons as events, in UTC, with no line too long for any reader."""

from collections.abc import Iterable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Final, NamedTuple
from uuid import UUID

from django.http import HttpResponse

from attendance.selectors.shapes import LessonBrief

MOST_LESSONS: Final = 500
SHORTEST_EVENT: Final = timedelta(minutes=1)
_TIME_ZONE: Final = (
    *("BEGIN:VTIMEZONE", "TZID:UTC", "BEGIN:STANDARD", "DTSTART:19700101T000000"),
    *("TZOFFSETFROM:+0000", "TZOFFSETTO:+0000", "END:STANDARD", "END:VTIMEZONE"),
)
"""A calendar has at least one component (RFC 5545, 3.6), also where there is no event yet."""
_LONGEST_LINE: Final = 75
"""Octets of one line of a calendar file (RFC 5545)."""


class CalendarEvent(NamedTuple):
    """One lesson in a calendar."""

    lesson_id: UUID
    changed_at: datetime
    starts_at: datetime
    ends_at: datetime
    summary: str
    description: str
    location: str = ""
    is_cancelled: bool = False


def event_of(
    lesson: LessonBrief, *, changed_at: datetime, summary: str, description: str
) -> CalendarEvent:
    """The event of a lesson. It ends behind its start, also where it was ended before it began."""
    return CalendarEvent(
        lesson_id=lesson.id,
        changed_at=changed_at,
        starts_at=lesson.starts_at,
        ends_at=max(lesson.ends_at, lesson.starts_at + SHORTEST_EVENT),
        summary=summary,
        description=description,
        is_cancelled=bool(lesson.not_held_reason),
    )


def calendar_file(events: Iterable[CalendarEvent], *, name: str) -> HttpResponse:
    """The answer that a calendar opens; `name` is that of the file."""
    lines = "".join(f"{line}\r\n" for line in _lines(events))
    answer = HttpResponse(lines, content_type="text/calendar; charset=utf-8")
    answer["Content-Disposition"] = f'attachment; filename="{name}"'
    answer["Cache-Control"] = "private, no-store"
    return answer


def _lines(events: Iterable[CalendarEvent]) -> Iterator[str]:
    yield from ("BEGIN:VCALENDAR", "VERSION:2.0", "PRODID:-//ATTN//Attendance//EN")
    yield from _TIME_ZONE
    for event in events:
        yield "BEGIN:VEVENT"
        # The same in every file: a second import replaces events instead of adding them.
        yield f"UID:{event.lesson_id}"
        yield f"DTSTAMP:{_instant(event.changed_at)}"
        yield f"DTSTART:{_instant(event.starts_at)}"
        yield f"DTEND:{_instant(event.ends_at)}"
        yield from _fold(f"SUMMARY:{_escape(event.summary)}")
        yield from _fold(f"DESCRIPTION:{_escape(event.description)}")
        if event.location:
            yield from _fold(f"LOCATION:{_escape(event.location)}")
        if event.is_cancelled:
            yield "STATUS:CANCELLED"
        yield "END:VEVENT"
    yield "END:VCALENDAR"


def _instant(at: datetime) -> str:
    return at.astimezone(UTC).strftime("%Y%m%dT%H%M%SZ")


def _escape(text: str) -> str:
    for char in "\\;,":
        text = text.replace(char, f"\\{char}")
    return text.replace("\n", "\\n")


def _fold(line: str) -> Iterator[str]:
    """Lines of at most 75 octets; no character is cut in two."""
    part = b""
    for char in line:
        raw = char.encode()
        if len(part) + len(raw) > _LONGEST_LINE:
            yield part.decode()
            part = b" "
        part += raw
    yield part.decode()
