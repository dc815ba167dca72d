"""What the demo's term consists of: courses, sections, when they meet, who belongs to them."""

from collections.abc import Iterator
from datetime import date, datetime, time, timedelta
from typing import NamedTuple
from zoneinfo import ZoneInfo

from courses.vocabulary import Component, WalkIns

WEEKS_BEFORE, WEEKS = 12, 16
"""Weeks of a new term that are over, and all of them."""
STUDENTS = 392
TEACHERS, ASSISTANTS = 5, 2
MONDAY, TUESDAY, WEDNESDAY, THURSDAY, FRIDAY = range(5)
LATE_AFTER_S, ABSENT_AFTER_S, OPENS_BEFORE_S = 600, 1_800, 600
CLOSED_WEEK, CLOSED_WEEKDAY = 7, THURSDAY
"""The day without lessons; weeks count from 0."""

COURSES = {
    "MATH 101": "Calculus I",
    "PHYS 101": "Physics I",
    "TURK 101": "Türk Dili I",
}


class Slot(NamedTuple):
    """A meeting of each week, by the clock of the campus."""

    weekday: int
    at: time
    minutes: int


class SectionOfDemo(NamedTuple):
    code: str
    title: str
    course: str
    students: tuple[range, ...]
    """Which students, by their place among all of them."""
    teachers: tuple[int, ...]
    slots: tuple[Slot, ...]
    location: str
    assistants: tuple[int, ...] = ()
    walk_ins: WalkIns = WalkIns.ACCEPT
    parent: str = ""
    component: Component = Component.WHOLE


SECTIONS = (
    SectionOfDemo(
        code="MATH 101-1",
        title="Calculus I, group 1",
        course="MATH 101",
        students=(range(80),),
        # The first one is in charge; two share this one.
        teachers=(0, 1),
        assistants=(0,),
        slots=(Slot(MONDAY, time(9), 50), Slot(WEDNESDAY, time(9), 50)),
        location="A-101",
        walk_ins=WalkIns.HOLD,
    ),
    SectionOfDemo(
        code="MATH 101-2",
        title="Calculus I, group 2",
        course="MATH 101",
        students=(range(80, 152),),
        teachers=(0,),
        slots=(Slot(TUESDAY, time(10), 50), Slot(THURSDAY, time(10), 50)),
        location="A-102",
    ),
    SectionOfDemo(
        code="PHYS 101",
        title="Physics I",
        course="PHYS 101",
        students=(range(100, 240),),
        teachers=(2,),
        slots=(Slot(MONDAY, time(13, 30), 100),),
        location="B-201",
        component=Component.THEORY,
    ),
    SectionOfDemo(
        code="PHYS 101-A",
        title="Physics I, lab A",
        course="PHYS 101",
        students=(range(100, 124),),
        teachers=(3,),
        assistants=(1,),
        slots=(Slot(THURSDAY, time(14), 100),),
        location="B-011",
        walk_ins=WalkIns.HOLD,
        parent="PHYS 101",
        component=Component.LAB,
    ),
    SectionOfDemo(
        code="PHYS 101-B",
        title="Physics I, lab B",
        course="PHYS 101",
        students=(range(124, 148),),
        teachers=(3,),
        assistants=(1,),
        slots=(Slot(FRIDAY, time(14), 100),),
        location="B-012",
        walk_ins=WalkIns.REFUSE,
        parent="PHYS 101",
        component=Component.LAB,
    ),
    SectionOfDemo(
        code="TURK 101",
        title="Türk Dili I",
        course="TURK 101",
        students=(range(40), range(220, STUDENTS)),
        teachers=(4,),
        slots=(Slot(FRIDAY, time(10), 100),),
        location="C-001",
    ),
)

LIVE = ("MATH 101-1", "MATH 101-2")
"""Of the teacher who signs in: one lesson after the other while the demo is served."""
PROVEN = "PHYS 101-A"
"""Of another teacher: its lesson is counted before the site is shown."""

# Students with a story, by their place among all of them.
OWN, EXCUSED, ASKING, FADING = WITH_A_STORY = 0, 1, 2, 3
"""Who signs in; ill in one week; asks for an absence; comes less and less from week 6 on."""
ENROLLED_LATE, ENDED_EARLY, CHANGED_GROUP = range(74, 80), range(68, 71), 110
WALK_IN = 85
"""Of another group: comes along twice, and is held."""
OLD_GROUP, NEW_GROUP = "PHYS 101-A", "PHYS 101-B"
LATE_WEEK, ENDED_WEEK, CHANGED_WEEK, EXCUSED_WEEK, FADING_WEEK = 2, 3, 5, 3, 5
NOT_HELD = ("MATH 101-2", 6, TUESDAY, "The teacher was ill.")
WALKED_IN = (("MATH 101-1", 1, MONDAY), ("MATH 101-1", 9, WEDNESDAY))
"""The teacher accepts the first time, and has not decided on the second."""


class Span(NamedTuple):
    """The days of a term; the last one is exclusive."""

    starts_on: date
    ends_on: date

    def day(self, week: int, weekday: int) -> date:
        return self.starts_on + timedelta(weeks=week, days=weekday)


class MeetingOfDemo(NamedTuple):
    week: int
    weekday: int
    starts_at: datetime
    ends_at: datetime


def span_at(today: date) -> Span:
    """A term that began twelve weeks ago, on a Monday."""
    starts_on = today - timedelta(days=today.weekday(), weeks=WEEKS_BEFORE)
    return Span(starts_on, starts_on + timedelta(weeks=WEEKS))


def meetings(section: SectionOfDemo, span: Span, zone: ZoneInfo) -> Iterator[MeetingOfDemo]:
    """When a section meets in a term; nobody meets on the day without lessons."""
    for week in range(WEEKS):
        for slot in section.slots:
            if (week, slot.weekday) == (CLOSED_WEEK, CLOSED_WEEKDAY):
                continue
            day = span.day(week, slot.weekday)
            starts_at = datetime.combine(day, slot.at, zone)
            ends_at = starts_at + timedelta(minutes=slot.minutes)
            yield MeetingOfDemo(week, slot.weekday, starts_at, ends_at)


class Stay(NamedTuple):
    """From when to when a student belongs to a section; the last day is exclusive."""

    student: int
    begins_on: date
    ends_on: date | None = None

    def covers(self, day: date) -> bool:
        return self.begins_on <= day and (self.ends_on is None or day < self.ends_on)


def stays(section: SectionOfDemo, span: Span) -> list[Stay]:
    """Who belongs to a section: some come late, some leave, one changes the lab group."""
    found = [_stay(section, student, span) for part in section.students for student in part]
    if section.code == NEW_GROUP:
        found.append(Stay(CHANGED_GROUP, span.day(CHANGED_WEEK, MONDAY)))
    return found


def _stay(section: SectionOfDemo, student: int, span: Span) -> Stay:
    if student in ENROLLED_LATE:
        return Stay(student, span.day(LATE_WEEK, MONDAY))
    if student in ENDED_EARLY:
        return Stay(student, span.starts_on, span.day(ENDED_WEEK, MONDAY))
    if student == CHANGED_GROUP and section.code == OLD_GROUP:
        return Stay(student, span.starts_on, span.day(CHANGED_WEEK, MONDAY))
    return Stay(student, span.starts_on)
