"""A student's own attendance: a page, and a calendar file."""

from collections import Counter
from collections.abc import Iterable, Iterator
from datetime import tzinfo
from typing import NamedTuple

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_safe

from attendance.rules.permissions import MAY_CHECK_IN
from attendance.selectors.access import runs_lessons
from attendance.selectors.own import OwnRecord, find_own_attendance, list_own_records
from attendance.selectors.paging import Slice
from attendance.vocabulary import Status
from attendance.web.calendars import MOST_LESSONS, CalendarEvent, calendar_file, event_of
from attendance.web.callers import caller_of, numbers_of, person_of, signed_in
from attendance.web.keys import key_of
from attendance.wording import check_ins
from attendance.wording.why import reason_of_person, why, zone_of
from users import security_log
from users.models import SecurityKind
from users.security_log import Details


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
    own = list_own_records(numbers_of(request), Slice(limit=MOST_LESSONS))
    caller = caller_of(request)
    own_id = caller.user_id if caller else None
    security_log.write(SecurityKind.EXPORTED, subject_id=own_id, details=Details(what="calendar"))
    return calendar_file(_events(own.items), name="attendance.ics")


def _events(items: Iterable[OwnRecord]) -> Iterator[CalendarEvent]:
    for lesson, record in items:
        if not record.is_deleted and not lesson.not_held_reason:
            yield event_of(
                lesson,
                changed_at=record.changed_at,
                summary=f"{lesson.lesson_name} ({Status(record.status).label})",
                description=f"{_('Teacher')}: {lesson.teacher.full_name}",
            )
