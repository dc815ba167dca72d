"""A lesson of one of the term's sections, held over HTTP and counted like the others."""

import random
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import timedelta
from http import HTTPStatus
from typing import NamedTuple
from uuid import UUID

from django.db import connection, transaction
from django.utils import timezone

from attendance.vocabulary import Verdict
from courses.models import Section
from courses.selectors.rosters import roster_on
from demo import timetable
from demo.logins import tokens_of
from demo.site import SiteApi, check_in
from demo.teaching import THREADS, TaughtLesson, captured_count, say
from demo.term import SEED, DemoSchool
from users.models import User

MINUTES = 50
SHARE_HERE = 0.8
_TURN = "attn.demo.class"


class DemoClass(NamedTuple):
    """A section today: who teaches it, who is on its roster, and somebody who is not."""

    section: Section
    teacher: User
    roster: Sequence[User]
    walk_in: User


def class_of(school: DemoSchool, code: str) -> DemoClass:
    """The people of a section, as its roster is today."""
    section = school.sections[code]
    roster = roster_on(section_id=section.pk, on=section.local_date(timezone.now()))
    on_roster = [student for student in school.students if student.school_number in roster]
    # From the end: those who sign in, and those with a story, come first.
    others = (user for user in reversed(school.students) if user.school_number not in roster)
    plan = next(each for each in timetable.SECTIONS if each.code == code)
    return DemoClass(section, school.teachers[plan.teachers[0]], on_roster, next(others))


def begin_lesson(site: SiteApi, token: str, section: Section, *, begun_minutes: int = 0) -> UUID:
    """A teacher starts a lesson of a section; one that was left from before is ended first."""
    starts_at = timezone.now() - timedelta(minutes=begun_minutes)
    body = {"section": section.pk, "starts_at": starts_at.isoformat(), "minutes": MINUTES}
    status, lesson = site.call("POST", "lessons/", token, body)
    if status == HTTPStatus.OK:
        end_lesson(site, token, UUID(lesson["id"]))
        _, lesson = site.call("POST", "lessons/", token, body)
    return UUID(lesson["id"])


def end_lesson(site: SiteApi, token: str, lesson_id: UUID) -> None:
    """Its teacher ends a lesson; it is persisted at once."""
    site.call("POST", f"lessons/{lesson_id}/finish/", token)


def teach_class(site: SiteApi, school: DemoSchool) -> TaughtLesson:
    """Hold a lesson of a section up to its end: most come, some never, one is no member.

    Of two demos at once, the second waits: a section has one lesson at a time.
    """
    group = class_of(school, timetable.PROVEN)
    with tokens_of([group.teacher, group.walk_in, *group.roster]) as tokens, _turn():
        return _teach(site, group, tokens)


@contextmanager
def _turn() -> Iterator[None]:
    with transaction.atomic():
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_advisory_xact_lock(hashtextextended(%s, 0))", [_TURN])
        yield


def _teach(site: SiteApi, group: DemoClass, tokens: dict[str, str]) -> TaughtLesson:
    teacher = group.teacher.as_person()
    lesson_id = begin_lesson(site, tokens[teacher.school_number], group.section)
    coming = list(group.roster)
    random.Random(SEED).shuffle(coming)  # noqa: S311 - an order, not a secret
    here = round(len(coming) * SHARE_HERE)
    missing = [student.as_person() for student in coming[here:]]
    with ThreadPoolExecutor(THREADS) as pool:
        acknowledged = list(
            pool.map(
                lambda student: check_in(site, tokens[student.school_number], lesson_id),
                [*coming[:here], group.walk_in],
            )
        )
    expected = say(lesson_id, teacher, group.walk_in.as_person(), Verdict.ACCEPT, "")
    expected |= say(lesson_id, teacher, missing[0], Verdict.EXCUSE, "is at a contest")
    captured = captured_count(lesson_id)
    end_lesson(site, tokens[teacher.school_number], lesson_id)
    return TaughtLesson(
        lesson_id=lesson_id,
        lesson_name=group.section.title,
        teacher=teacher,
        students=[student.as_person() for student in group.roster],
        captured=captured,
        acknowledged=acknowledged,
        expected=expected,
        damaged=[],
        roster=frozenset(student.school_number for student in group.roster),
    )
