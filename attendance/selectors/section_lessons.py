"""The lessons of sections: all of one, those that are live, and which section is taught now."""

from collections.abc import Iterable, Sequence
from datetime import UTC, date, datetime, time, timedelta
from typing import Final
from zoneinfo import ZoneInfo

from attendance.errors import LiveStoreUnavailable
from attendance.models import LessonLedger
from attendance.selectors.lessons import LessonFilter, list_lessons
from attendance.selectors.paging import Page, Slice
from attendance.selectors.shapes import LessonView
from attendance.vocabulary import LessonState
from courses.models import Section
from courses.selectors.sections import DaysRun, days_run
from users.identity import Role
from users.models import User

LOOKED_BACK: Final = timedelta(weeks=5)
USUAL_MINUTES: Final = 60
"""A lesson that began so near to this time of the week makes its section a likely one."""

_WEEK_MINUTES: Final = 7 * 24 * 60
_DAY: Final = timedelta(days=1)
_MOST_LIVE: Final = 50


def lessons_of_section(section: Section, *, user: User, part: Slice) -> Page[LessonView]:
    """The lessons of a section in both stores, the newest first.

    Staff see all, others those of the days on which they ran the section. A fixed number
    of queries and round trips. Raises LiveStoreUnavailable.
    """
    criteria = LessonFilter(section_ids=frozenset({section.pk}))
    if user.role == Role.STAFF:
        return _of_section(section, list_lessons(criteria, part))
    spans = days_run(section_id=section.pk, user=user)
    if not spans:
        return Page([], None, None)
    page = list_lessons(_between(spans, criteria), part)
    return _of_section(section, page, spans)


def _of_section(
    section: Section, page: Page[LessonView], spans: Sequence[DaysRun] | None = None
) -> Page[LessonView]:
    """Without what the list knows from Redis alone and is of another section, or another day."""
    items = [
        lesson
        for lesson in page.items
        if lesson.section is not None
        and lesson.section.id == section.pk
        and (spans is None or any(span.covers(lesson.section.held_on) for span in spans))
    ]
    return page._replace(items=items)


def _between(spans: Sequence[DaysRun], criteria: LessonFilter) -> LessonFilter:
    """From the first of the days to the last, wherever on earth they are: a page is not empty
    because its lessons are somebody else's."""
    ends = [span.ends_on for span in spans]
    last = None if None in ends else max(end for end in ends if end is not None)
    return criteria._replace(
        starts_from=_midnight(min(span.begins_on for span in spans) - _DAY),
        starts_to=None if last is None else _midnight(last + _DAY),
    )


def _midnight(day: date) -> datetime:
    return datetime.combine(day, time(), UTC)


def live_lessons(section_ids: Iterable[int]) -> dict[int, LessonView] | None:
    """The lesson that is live now of each section that has one; a fixed number of queries.

    None where the live store does not answer: what else a page of courses shows needs it not.
    """
    wanted = frozenset(section_ids)
    if not wanted:
        return {}
    try:
        return _live_lessons(wanted)
    except LiveStoreUnavailable:
        return None


def _live_lessons(wanted: frozenset[int]) -> dict[int, LessonView]:
    criteria = LessonFilter(section_ids=wanted, state=LessonState.LIVE)
    page = list_lessons(criteria, Slice(limit=_MOST_LIVE))
    return {x.section.id: x for x in page.items if x.section and x.section.id in wanted}


def usual_now(sections: Sequence[Section], *, at: datetime) -> list[int]:
    """The ids of sections whose lessons of the last weeks began at about this time of the week.

    The nearest first; by the clock on the wall where each is taught. One query.
    """
    zones = {section.pk: ZoneInfo(section.time_zone) for section in sections}
    rows = LessonLedger.objects.filter(
        section_id__in=zones, starts_at__gte=at - LOOKED_BACK, starts_at__lt=at
    )
    nearest: dict[int, float] = {}
    for row in rows.only("section_id", "starts_at"):
        if row.section_id is not None and row.starts_at is not None:
            apart = _minutes_apart(row.starts_at, at, zones[row.section_id])
            nearest[row.section_id] = min(apart, nearest.get(row.section_id, apart))
    likely = [(apart, pk) for pk, apart in nearest.items() if apart <= USUAL_MINUTES]
    return [pk for _, pk in sorted(likely)]


def _minutes_apart(one: datetime, other: datetime, zone: ZoneInfo) -> float:
    """On a clock that shows the day of the week and the time, the shorter way round."""
    shown = [at.astimezone(zone).replace(tzinfo=None) for at in (one, other)]
    minutes = (shown[1] - shown[0]).total_seconds() / 60 % _WEEK_MINUTES
    return min(minutes, _WEEK_MINUTES - minutes)
