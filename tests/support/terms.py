"""Stored lessons of a course by the dozen: written straight into the tables, by one seed."""

from collections.abc import Sequence
from datetime import timedelta
from random import Random

from django.utils import timezone

from attendance.models import Attendance, AttendanceRecord
from attendance.services.persistence import unified_persistence_task
from attendance.vocabulary import Source, Status
from courses.models import Section
from reports.totals import recompute_sections
from tests.support.factories import AttendanceFactory, AttendanceRecordFactory
from tests.support.lessons import student
from tests.support.sections import ended_section_lesson, user_of
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


def marks(section: Section, of: dict[int, str], *, hours: int = 1) -> None:
    """Lessons up to yesterday: for each student a letter for each of them, the newest last."""
    statuses = {"P": "present", "L": "late", "A": "absent", "E": "excused"}
    now, lessons = timezone.now(), max(map(len, of.values()))
    for place in range(lessons):
        begins = now - timedelta(days=lessons - place)
        lesson = AttendanceFactory.create(
            section=section,
            policy=section.policy,
            starts_at=begins,
            ends_at=begins + timedelta(hours=hours),
            held_on=section.local_date(begins),
        )
        for number, letters in of.items():
            AttendanceRecordFactory.create(
                attendance=lesson,
                student=user_of(student(number)),
                status=statuses[letters[place]],
                is_expected=True,
            )
    recompute_sections([section.pk])


def stored(section: Section, *here: int) -> Attendance:
    """A lesson of today that is over and saved, to which these students came."""
    lesson = ended_section_lesson(section, here)
    unified_persistence_task(lesson_ids=[lesson.id])
    return Attendance.objects.get(pk=lesson.id)
