"""Lessons to be watched: students come one by one while somebody looks at the board.

They go on until the demo ends. Whoever looks may do what a teacher does: end the lesson,
reject somebody, start another one.
"""

import random
import time
from itertools import cycle
from typing import NamedTuple
from uuid import UUID

from django.db import connection

from demo import timetable
from demo.classes import MINUTES, DemoClass, begin_lesson, class_of, end_lesson
from demo.logins import tokens_of
from demo.site import SiteApi, SiteRefused, check_in
from demo.term import DemoSchool
from users.demo_numbers import DEMO_STUDENT_NUMBER
from users.models import User

BEGUN_MINUTES = 7
"""The lesson has begun before, so that somebody comes late while one looks."""
HERE, LATE = 0.82, 0.08
"""Shares of the roster; the others never come."""
OVER = "lesson_closed"


class Pace(NamedTuple):
    """Seconds from the moment at which a demo begins its lesson."""

    come: float = 150
    """Until then most have come."""
    come_late: float = 480
    over: float = (MINUTES - BEGUN_MINUTES) * 60 - 10
    """Just before the lesson would end by itself."""
    pause: float = 60
    """Between two lessons, and before another attempt where none can start."""


class Arrival(NamedTuple):
    after: float
    student: User


def watch(site: SiteApi, school: DemoSchool, pace: Pace) -> None:
    """One lesson after the other, of the sections of the teacher who signs in; it never ends.

    Raises SiteGone once the site does not answer any more.
    """
    for code in cycle(timetable.LIVE):
        play_lesson(site, class_of(school, code), pace)
        time.sleep(pace.pause)


def play_lesson(site: SiteApi, group: DemoClass, pace: Pace) -> UUID | None:
    """One lesson: its start, the arrivals, its end. None where its teacher has another one."""
    with tokens_of([group.teacher, group.walk_in, *group.roster]) as tokens:
        # For an hour only the site needs PostgreSQL.
        connection.close()
        own = tokens[group.teacher.school_number]
        try:
            lesson_id = begin_lesson(site, own, group.section, begun_minutes=BEGUN_MINUTES)
        except SiteRefused:
            return None
        began = time.monotonic()
        for arrival in arrivals(group, pace):
            _sleep_until(began + arrival.after)
            try:
                check_in(site, tokens[arrival.student.school_number], lesson_id)
            except SiteRefused as error:
                if error.code == OVER:
                    return lesson_id
        _sleep_until(began + pace.over)
        end_lesson(site, own, lesson_id)
        return lesson_id


def arrivals(group: DemoClass, pace: Pace) -> list[Arrival]:
    """Who comes and when: most soon, some late, one who is not on the roster, some never.

    The student who signs in is left to whoever does that.
    """
    rng = random.Random()  # noqa: S311 - each lesson is another one
    coming = [user for user in group.roster if user.school_number != DEMO_STUDENT_NUMBER]
    rng.shuffle(coming)
    here, late = round(len(coming) * HERE), round(len(coming) * LATE)
    found = [Arrival(rng.uniform(0, pace.come), user) for user in coming[:here]]
    found += [
        Arrival(rng.uniform(pace.come, pace.come_late), user) for user in coming[here : here + late]
    ]
    found.append(Arrival(pace.come / 3, group.walk_in))
    return sorted(found, key=lambda arrival: arrival.after)


def _sleep_until(at: float) -> None:
    time.sleep(max(0.0, at - time.monotonic()))
