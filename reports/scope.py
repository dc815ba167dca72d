"""What a report is about: whose lessons, of which days, and of which person."""

from datetime import date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import msgspec
from django.db.models import Q

_DAY = timedelta(days=1)


class Scope(msgspec.Struct, frozen=True, kw_only=True):
    """Which stored lessons and whose marks; what is None bounds nothing."""

    section_ids: frozenset[int] | None = None
    account_ids: frozenset[int] | None = None
    """All accounts of one person."""
    term_id: int | None = None
    component: str | None = None
    """Theory or lab; "" for sections that are neither."""
    course_id: int | None = None
    """The entry of the catalogue that sections teach."""
    first_on: date | None = None
    last_on: date | None = None
    """Both days are included; a day is that of the clock where the lesson is taught."""
    at: datetime
    """When it is asked: what runs, and who is on a roster, is of that day."""
    time_zone: str
    """By whose clock instants are written: that of the one section, else of the campus."""

    @property
    def zone(self) -> ZoneInfo:
        return ZoneInfo(self.time_zone)

    def lessons(self, lesson: str = "") -> Q:
        """The condition for stored lessons, not deleted; `lesson` leads to them, with "__"."""
        found = Q(**{f"{lesson}deleted_at": None})
        return found & self.sections(f"{lesson}section__") & self._days(lesson)

    def sections(self, section: str = "") -> Q:
        """The condition for sections; `section` leads to them, with "__"."""
        found = Q()
        if self.section_ids is not None:
            found &= Q(**{f"{section}pk__in": self.section_ids})
        if self.term_id is not None:
            found &= Q(**{f"{section}term": self.term_id})
        if self.component is not None:
            found &= Q(**{f"{section}component": self.component})
        if self.course_id is not None:
            found &= Q(**{f"{section}course": self.course_id})
        return found

    def running_sections(self, section: str = "") -> Q:
        """The same; where neither a section, a term nor a person is chosen, those that run today.

        What has no bound of its own is bounded by what is taught at one time.
        """
        found = self.sections(section)
        if (self.section_ids, self.term_id, self.account_ids) != (None, None, None):
            return found
        today = self.at.astimezone(self.zone).date()
        return found & Q(
            **{
                f"{section}starts_on__lte": today,
                f"{section}ends_on__gt": today,
                f"{section}archived_at": None,
            }
        )

    def marks(self, lesson: str = "attendance__", student: str = "student") -> Q:
        """The condition for what is said of somebody in those lessons."""
        found = self.lessons(lesson)
        if self.account_ids is not None:
            found &= Q(**{f"{student}__in": self.account_ids})
        return found

    def _days(self, lesson: str) -> Q:
        """By the day of the lesson, and by instants around it, which have an index."""
        found = Q()
        if self.first_on is not None:
            at = self._midnight(self.first_on)
            found &= Q(**{f"{lesson}starts_at__gte": at - _DAY}) & (
                Q(**{f"{lesson}held_on__gte": self.first_on})
                | Q(**{f"{lesson}held_on": None, f"{lesson}starts_at__gte": at})
            )
        if self.last_on is not None:
            at = self._midnight(self.last_on + _DAY)
            found &= Q(**{f"{lesson}starts_at__lt": at + _DAY}) & (
                Q(**{f"{lesson}held_on__lte": self.last_on})
                | Q(**{f"{lesson}held_on": None, f"{lesson}starts_at__lt": at})
            )
        return found

    def _midnight(self, day: date) -> datetime:
        return datetime.combine(day, time(), self.zone)
