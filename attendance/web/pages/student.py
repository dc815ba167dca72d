"""A student's own attendance: a page, and a calendar file."""

from collections import Counter
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime, timedelta, tzinfo
from typing import NamedTuple

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_safe

from attendance.rules.permissions import MAY_CHECK_IN
from attendance.selectors.access import runs_lessons
from attendance.selectors.own import OwnRecord, find_own_attendance, list_own_records
from attendance.selectors.paging import Slice
from attendance.selectors.shapes import LessonBrief
from attendance.vocabulary import Status
from attendance.web.callers import caller_of, numbers_of, person_of, signed_in
from attendance.web.keys import key_of
from attendance.wording import check_ins
from attendance.wording.why import reason_of_person, why, zone_of
from users import security_log
from users.models import SecurityKind
from users.security_log import Details

CALENDAR_LESSONS = 500
SHORTEST_EVENT = timedelta(minutes=1)
_TIME_ZONE = (
    *("BEGIN:VTIMEZONE", "TZID:UTC", "BEGIN:STANDARD", "DTSTART:19700101T000000"),
    *("TZOFFSETFROM:+0000", "TZOFFSETTO:+0000", "END:STANDARD", "END:VTIMEZONE"),
)
"""A calendar has at least one component (RFC 5545, 3.6), also where there is no event yet."""
_LONGEST_LINE = 75
"""Octets of one line of a calendar file (RFC 5545)."""


@require_safe
@signed_in(*MAY_CHECK_IN)
def my_attendance(request: HttpRequest) -> HttpResponse:
    """A student's records, newest first, with the share of each status in all of them."""
    page, counts = find_own_attendance(numbers_of(request), _slice(request))
    context = {
        "page": page,
        "shown": [line_of(own_record) for own_record in page.items],
        "shares": _shares(counts),
        "runs_lessons": runs_lessons(person_of(request)),
    }
    return render(request, "attendance/pages/my_attendance.html", context)


class OwnLine(NamedTuple):
    """One lesson of a student's own list."""

    own: OwnRecord
    outcome: check_ins.Words
    why: str
    reason: str
    zone: tzinfo
    """The clock of the lesson."""


def line_of(own_record: OwnRecord) -> OwnLine:
    """One lesson of a student's own, as pages show it."""
    lesson, record = own_record
    return OwnLine(
        own=own_record,
        outcome=check_ins.of_record(record, lesson),
        why=why(record, lesson),
        reason=reason_of_person(record),
        zone=zone_of(lesson),
    )


def _slice(request: HttpRequest) -> Slice:
    return Slice(before=key_of(request, "before"), after=key_of(request, "after"), limit=30)


def _shares(counts: Counter[str]) -> list[tuple[str, int, int]]:
    """Each status with its count and its share in percent."""
    total = sum(counts.values())
    return [(status, n, round(100 * n / total)) for status in Status if (n := counts[status])]


@require_safe
@signed_in(*MAY_CHECK_IN)
def calendar(request: HttpRequest) -> HttpResponse:
    """The newest lessons as a calendar file, with the status in each."""
    own = list_own_records(numbers_of(request), Slice(limit=CALENDAR_LESSONS))
    lines = "".join(f"{line}\r\n" for line in _calendar(own.items))
    caller = caller_of(request)
    own_id = caller.user_id if caller else None
    security_log.write(SecurityKind.EXPORTED, subject_id=own_id, details=Details(what="calendar"))
    answer = HttpResponse(lines, content_type="text/calendar; charset=utf-8")
    answer["Content-Disposition"] = 'attachment; filename="attendance.ics"'
    answer["Cache-Control"] = "private, no-store"
    return answer


def _calendar(items: Iterable[OwnRecord]) -> Iterator[str]:
    yield from ("BEGIN:VCALENDAR", "VERSION:2.0", "PRODID:-//ATTN//Attendance//EN")
    yield from _TIME_ZONE
    for own_record in items:
        if own_record.record.is_deleted or own_record.lesson.not_held_reason:
            continue
        status = Status(own_record.record.status)
        yield "BEGIN:VEVENT"
        # The same in every file: a second import replaces events instead of adding them.
        yield f"UID:{own_record.lesson.id}"
        yield f"DTSTAMP:{_instant(own_record.record.changed_at)}"
        yield f"DTSTART:{_instant(own_record.lesson.starts_at)}"
        yield f"DTEND:{_instant(_end_of(own_record.lesson))}"
        yield from _fold(
            f"SUMMARY:{_escape(own_record.lesson.lesson_name)} ({_escape(str(status.label))})"
        )
        yield from _fold(
            f"DESCRIPTION:{_escape(_('Teacher'))}: {_escape(own_record.lesson.teacher.full_name)}"
        )
        yield "END:VEVENT"
    yield "END:VCALENDAR"


def _end_of(lesson: LessonBrief) -> datetime:
    """Of an event: behind its start, also where the lesson was ended before it began."""
    return max(lesson.ends_at, lesson.starts_at + SHORTEST_EVENT)


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
