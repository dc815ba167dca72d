"""Stored lessons of a course by the dozen: written straight into the tables, by one seed."""

from collections.abc import Sequence
from datetime import timedelta
from random import Random

from django.utils import timezone

from attendance.models import Attendance, AttendanceRecord
from attendance.vocabulary import Source, Status
from courses.models import Section
from reports.totals import recompute_sections
from tests.support.factories import AttendanceFactory, AttendanceRecordFactory
from users.models import User

OFTEN = (Status.PRESENT,) * 12 + (Status.LATE,) * 2 + (Status.ABSENT,) * 3 + (Status.EXCUSED,)
SOURCES = {Status.ABSENT: Source.SYSTEM, Status.EXCUSED: Source.TEACHER}


def term_of_lessons(
    section: Section, students: Sequence[User], *, lessons: int, teacher: User, seed: int = 1
) -> list[Attendance]:
    """So many lessons up to yesterday, one a day, with a mark of everybody in each."""
    random, now = Random(seed), timezone.now()
    begins = [now - timedelta(days=days) for days in range(lessons, 0, -1)]
    made = Attendance.objects.bulk_create(
        AttendanceFactory.build(
            section=section,
            policy=section.policy,
            teacher=teacher,
            lesson_name=section.title,
            starts_at=at,
            ends_at=at + timedelta(minutes=45),
            held_on=section.local_date(at),
            roster_closed_at=at + timedelta(hours=1),
        )
        for at in begins
    )
    AttendanceRecord.objects.bulk_create(
        _record(lesson, student, random.choice(OFTEN)) for lesson in made for student in students
    )
    recompute_sections([section.pk])
    return made


def _record(lesson: Attendance, student: User, status: Status) -> AttendanceRecord:
    came = status in {Status.PRESENT, Status.LATE}
    record: AttendanceRecord = AttendanceRecordFactory.build(
        attendance=lesson,
        student=student,
        status=status,
        source=SOURCES.get(status, Source.STUDENT),
        is_expected=True,
        reason="ill" if status == Status.EXCUSED else "",
        checked_in_at=lesson.starts_at + timedelta(minutes=3) if came else None,
        changed_at=lesson.ends_at,
        revision=0 if status == Status.ABSENT else 2,
    )
    return record
