"""The roster of live lessons: asked once more before a refusal, and kept up to date."""

import logging
from uuid import UUID

from django.db import Error, connection

from attendance.errors import AttendanceError, LiveStoreUnavailable
from attendance.live import store
from attendance.live.payloads import LiveLesson
from attendance.live.store import Listed
from attendance.models import LessonLedger
from attendance.selectors import shapes
from attendance.services.rosters.lesson_sections import live_roster
from attendance.vocabulary import LessonState
from courses.models import Section
from courses.selectors.expected import find_on_roster

logger = logging.getLogger(__name__)


def ask_once_more(lesson_id: UUID, school_number: str) -> None:
    """Before a check-in is held or refused: look whether PostgreSQL expects this student.

    Whoever was enrolled since the start is added to the copy: one query. While PostgreSQL does
    not answer, the copy's word stands.
    """
    try:
        lesson = shapes.brief_of_live(store.read_lesson(lesson_id))
        if lesson.section is None:
            return
        person = find_on_roster(
            section_id=lesson.section.id, on=lesson.section.held_on, school_number=school_number
        )
        if person is not None:
            listed = Listed(person.full_name, person.school_number)
            store.add_to_roster(lesson_id, {school_number: listed})
    except (AttendanceError, Error) as error:
        if connection.in_atomic_block:
            raise
        logger.warning("The roster of lesson %s cannot be asked for: %s", lesson_id, error)


def refresh_roster(lesson: LiveLesson) -> None:
    """Write the copy of a lesson's roster anew.

    Raises LiveStoreUnavailable and django.db.Error.
    """
    if lesson.data.section is None:
        return
    section = Section.objects.filter(pk=lesson.data.section.id).first()
    if section is None:
        return
    # The day is the one that was decided at the start, wherever the section has moved since.
    section.time_zone = lesson.data.section.time_zone
    store.write_roster(lesson.id, live_roster(section, at=lesson.starts_at))


def refresh_rosters_of(section_id: int) -> None:
    """After a section's enrolments changed: bring the copies of its live lessons up to date.

    Best effort: a check-in that would be refused asks PostgreSQL anyhow, and persistence reads
    nothing else.
    """
    ids = list(
        LessonLedger.objects.filter(
            section_id=section_id, state__in=[LessonState.SCHEDULED, LessonState.LIVE]
        ).values_list("lesson_id", flat=True)
    )
    try:
        for lesson in store.read_lessons(ids).values():
            if isinstance(lesson, LiveLesson):
                refresh_roster(lesson)
    except LiveStoreUnavailable as error:
        logger.warning("The roster of section %s is copied later: %s", section_id, error)
