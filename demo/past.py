"""The term's past lessons: written in bulk, by the same code that persists a live lesson.

Only what a live store would have held is made up (demo/habits.py). Who was expected, and who was
absent or excused, is decided by the functions of the persistence task.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from hashlib import sha256
from typing import NamedTuple
from uuid import UUID
from zoneinfo import ZoneInfo

from attendance.live.payloads import LessonData, LiveLesson, SectionData
from attendance.models import Attendance
from attendance.rules.instants import milliseconds
from attendance.services import ledger
from attendance.services.ledger import PersistedLesson
from attendance.services.persistence import people, rosters, rows
from attendance.services.persistence.row_values import Readable
from attendance.services.rosters.lesson_sections import rule_of_policy
from courses.models import Section
from demo import habits, timetable
from demo.timetable import SECTIONS, MeetingOfDemo, SectionOfDemo, Span, Stay
from reports import totals
from users.models import User
from users.services import ensure_users

LESSONS_AT_ONCE = 50
_CLOSED_AFTER = timedelta(minutes=1)
"""The task stores a lesson and closes its roster soon after its end."""


class Past(NamedTuple):
    """What the lessons are made from."""

    span: Span
    zone: ZoneInfo
    teachers: Sequence[User]
    students: Sequence[User]
    sections: Mapping[str, Section]
    """By their code."""


class WrittenLessons(NamedTuple):
    lessons: int
    records: int


class _Planned(NamedTuple):
    lesson_id: UUID
    section: SectionOfDemo
    meeting: MeetingOfDemo


def write_lessons(past: Past, *, until: datetime, advance: Callable[[int], None]) -> WrittenLessons:
    """Write the lessons that were over at an instant and are not there yet.

    Call it inside a transaction. Returns how many lessons and records were added, those of
    the system among them.
    """
    planned = _missing(past, until)
    stays = {each.code: timetable.stays(each, past.span) for each in SECTIONS}
    records = 0
    for first in range(0, len(planned), LESSONS_AT_ONCE):
        chunk = planned[first : first + LESSONS_AT_ONCE]
        records += _store([_readable(past, each, stays[each.section.code]) for each in chunk])
        advance(len(chunk))
    return WrittenLessons(len(planned), records)


def _missing(past: Past, until: datetime) -> list[_Planned]:
    planned = list(_planned(past, until))
    ids = [each.lesson_id for each in planned]
    stored = set(Attendance.objects.filter(pk__in=ids).values_list("pk", flat=True))
    return [each for each in planned if each.lesson_id not in stored]


def _planned(past: Past, until: datetime) -> Iterator[_Planned]:
    for section in SECTIONS:
        for meeting in timetable.meetings(section, past.span, past.zone):
            if meeting.ends_at <= until:
                lesson_id = _id_of(past.sections[section.code], meeting)
                yield _Planned(lesson_id, section, meeting)


def _id_of(section: Section, meeting: MeetingOfDemo) -> UUID:
    """The same for each demo on this database: a UUID of version 7, as lessons have."""
    seed = sha256(f"{section.pk}:{section.sourced_id}:{meeting.starts_at}".encode()).digest()
    value = milliseconds(meeting.starts_at) << 80 | int.from_bytes(seed[:10])
    value = value & ~(0xF << 76) | 0x7 << 76
    return UUID(int=value & ~(0b11 << 62) | 0b10 << 62)


def _readable(past: Past, planned: _Planned, stays: Sequence[Stay]) -> Readable:
    """A lesson as a snapshot of the live store would have it."""
    teachers = [past.teachers[number].as_person() for number in planned.section.teachers]
    # Where two share a section, each has a day of the week.
    teacher = teachers[planned.meeting.weekday % len(teachers)]
    section = past.sections[planned.section.code]
    told = habits.tell(
        habits.Scene(
            section=planned.section,
            meeting=planned.meeting,
            rule=rule_of_policy(section.policy),
            teacher=teacher,
            people={i: user.as_person() for i, user in enumerate(past.students)},
            stays=stays,
        )
    )
    starts_at, ends_at = planned.meeting.starts_at, planned.meeting.ends_at
    data = LessonData(
        lesson_name=section.title,
        teacher=teacher,
        request_id=f"demo-{planned.lesson_id}",
        rule=rule_of_policy(section.policy),
        section=SectionData(
            id=section.pk,
            code=section.code,
            title=section.title,
            time_zone=section.time_zone,
            walk_ins=section.walk_ins,
            policy_id=section.policy_id,
        ),
        not_held=told.not_held,
    )
    lesson = LiveLesson(
        id=planned.lesson_id,
        data=data,
        revision=told.revision,
        data_revision=1,
        record_count=len(told.records),
        event_count=len(told.events),
        starts_at=starts_at,
        ends_at=ends_at,
        changed_at=ends_at,
        is_starting=False,
        read_at=ends_at + _CLOSED_AFTER,
    )
    return Readable(lesson, told.records, told.events)


def _store(lessons: list[Readable]) -> int:
    """Steps 3 and 4 of persisting a chunk, and its ledger; returns the records that were added."""
    users = ensure_users(people.of_lessons(lessons))
    with_rosters = [_closed_then(lesson) for lesson in rosters.read(lessons)]
    written = rows.write_lessons(with_rosters, users)
    ledger.mark_persisted([PersistedLesson(x.lesson, digest="", quarantined=0) for x in lessons])
    ledger.settle_discards([x.lesson.id for x in lessons], still_there={})
    totals.recompute([x.lesson.id for x in lessons])
    return sum(each.inserted + each.closed.marked_absent for each in written.values())


def _closed_then(lesson: Readable) -> Readable:
    if lesson.closed_at is None:
        return lesson
    return lesson._replace(closed_at=milliseconds(lesson.lesson.read_at))
