"""A term in which 400 people teach and learn: made once, and brought up to date by each demo.

Everything hangs on the day on which it was made and on one seed, so that two demos at once, or one
after the other, have the same term and the same lessons. One transaction makes it: a demo that is
killed leaves nothing half done.
"""

import random
from collections.abc import Callable, Iterator
from datetime import date, datetime
from typing import NamedTuple
from zoneinfo import ZoneInfo

from django.conf import settings
from django.db import connection, transaction

from courses.models import Course, Enrolment, Section, SourceSystem, Term
from courses.services.policies import PolicyPlan, set_policy
from courses.services.sections import SectionPlan, create_section
from courses.vocabulary import EnrolmentRole, SystemKind
from demo import absences, past, timetable
from demo.names import full_names
from demo.timetable import SECTIONS, Span
from users.demo_numbers import (
    DEMO_PREFIX,
    DEMO_STAFF_NUMBER,
    DEMO_STUDENT_NUMBER,
    DEMO_SYSTEM,
    DEMO_TEACHER_NUMBER,
)
from users.identity import Person, Role
from users.models import User

SEED = 20260302
_TURN = "attn.demo.term"


class DemoSchool(NamedTuple):
    """The term as it is now, and what this demo has added to it."""

    staff: User
    teachers: list[User]
    students: list[User]
    sections: dict[str, Section]
    """By their code."""
    people: int
    lessons: int
    records: int


def ensure_term(now: datetime, advance: Callable[[int], None]) -> DemoSchool:
    """Make the term of an instant where there is none, and write its lessons up to then.

    `advance` is told of written lessons.
    """
    zone = ZoneInfo(settings.TIME_ZONE)
    with transaction.atomic():
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_advisory_xact_lock(hashtextextended(%s, 0))", [_TURN])
        people = _ensure_people()
        span = _span(now.astimezone(zone).date())
        sections = _sections_of(span) or _make_sections(span, people)
        written = past.write_lessons(
            past.Past(span, zone, people.teachers, people.students, sections),
            until=now,
            advance=advance,
        )
    return DemoSchool(
        staff=people.staff,
        teachers=people.teachers,
        students=people.students,
        sections=sections,
        people=1 + len(people.teachers) + len(people.assistants) + len(people.students),
        lessons=written.lessons,
        records=written.records,
    )


class _People(NamedTuple):
    staff: User
    teachers: list[User]
    assistants: list[User]
    students: list[User]


def _ensure_people() -> _People:
    persons = _persons()
    known = User.objects.in_bulk(
        [person.school_number for group in persons for person in group], field_name="school_number"
    )
    missing = [p for group in persons for p in group if p.school_number not in known]
    made = User.objects.bulk_create([_account(person) for person in missing])
    known |= {user.school_number: user for user in made}
    staff, teachers, assistants, students = (
        [known[person.school_number] for person in group] for group in persons
    )
    return _People(staff[0], teachers, assistants, students)


def _persons() -> tuple[list[Person], ...]:
    """Staff, teachers, assistants and students; whoever signs in has a number to remember."""
    counts = (timetable.TEACHERS, timetable.ASSISTANTS, timetable.STUDENTS)
    names = iter(full_names(1 + sum(counts), random.Random(SEED)))  # noqa: S311 - names, not secrets
    staff = [Person(DEMO_STAFF_NUMBER, next(names), Role.STAFF)]
    teachers = _numbered(names, "T", timetable.TEACHERS, Role.TEACHER)
    teachers[0] = Person(DEMO_TEACHER_NUMBER, teachers[0].full_name, Role.TEACHER)
    # An assistant runs lessons by the enrolment, and is a student elsewhere.
    assistants = _numbered(names, "A", timetable.ASSISTANTS, Role.STUDENT)
    students = _numbered(names, "S", timetable.STUDENTS, Role.STUDENT)
    students[timetable.OWN] = Person(DEMO_STUDENT_NUMBER, students[timetable.OWN].full_name)
    return staff, teachers, assistants, students


def _numbered(names: Iterator[str], letter: str, count: int, role: Role) -> list[Person]:
    return [Person(f"{DEMO_PREFIX}{letter}{i + 1:03}", next(names), role) for i in range(count)]


def _account(person: Person) -> User:
    return User(
        school_number=person.school_number,
        full_name=person.full_name,
        role=person.role.value,
        password="!",  # noqa: S106 - no password: users/backends.py signs three of them in
    )


def _span(today: date) -> Span:
    """The demo's term that covers a day, or a new one."""
    terms = Term.objects.filter(sections__system__code=DEMO_SYSTEM, starts_on__lte=today)
    found = terms.filter(ends_on__gt=today).order_by("-starts_on").first()
    return Span(found.starts_on, found.ends_on) if found else timetable.span_at(today)


def _sections_of(span: Span) -> dict[str, Section]:
    rows = Section.objects.filter(system__code=DEMO_SYSTEM, term__starts_on=span.starts_on)
    return {row.code: row for row in rows}


def _make_sections(span: Span, people: _People) -> dict[str, Section]:
    system = SourceSystem.objects.get_or_create(
        code=DEMO_SYSTEM, defaults={"name": "ATTN's demo", "kind": SystemKind.MANUAL}
    )[0]
    term = Term.objects.create(
        title=f"Term {span.starts_on:%Y-%m}", starts_on=span.starts_on, ends_on=span.ends_on
    )
    catalogue = {
        code: Course.objects.get_or_create(code=code, defaults={"title": title})[0]
        for code, title in timetable.COURSES.items()
    }
    sections: dict[str, Section] = {}
    for each in SECTIONS:
        plan = SectionPlan(
            term_id=term.pk,
            title=each.title,
            time_zone=settings.TIME_ZONE,
            starts_on=span.starts_on,
            ends_on=span.ends_on,
            course_id=catalogue[each.course].pk,
            parent_id=sections[each.parent].pk if each.parent else None,
            component=each.component,
            code=each.code,
            location=each.location,
            walk_ins=each.walk_ins,
        )
        there = f"{span.starts_on}:{each.code}"
        section = create_section(plan=plan, actor=people.staff, system=system, sourced_id=there)
        set_policy(section_id=section.pk, plan=_rules(), actor=people.staff)
        section.refresh_from_db()
        sections[each.code] = section
    Enrolment.objects.bulk_create(_enrolments(sections, span, people, system))
    absences.make(span, people.students, sections, staff=people.staff)
    return sections


def _rules() -> PolicyPlan:
    return PolicyPlan(
        opens_before_s=timetable.OPENS_BEFORE_S,
        late_after_s=timetable.LATE_AFTER_S,
        absent_after_s=timetable.ABSENT_AFTER_S,
        threshold_permille=700,
        warn_permille=800,
        in_a_row=3,
        min_lessons=4,
    )


def _enrolments(
    sections: dict[str, Section], span: Span, people: _People, system: SourceSystem
) -> list[Enrolment]:
    """In bulk: one after the other, as services do it, takes many seconds."""
    whole = {"begins_on": span.starts_on, "system": system}
    rows = []
    for each in SECTIONS:
        own = {"section": sections[each.code]}
        rows += [
            Enrolment(
                user=people.teachers[number],
                role=EnrolmentRole.TEACHER,
                is_primary=number == each.teachers[0],
                **own,
                **whole,
            )
            for number in each.teachers
        ]
        rows += [
            Enrolment(user=people.assistants[number], role=EnrolmentRole.ASSISTANT, **own, **whole)
            for number in each.assistants
        ]
        rows += [
            Enrolment(
                user=people.students[stay.student],
                role=EnrolmentRole.STUDENT,
                begins_on=stay.begins_on,
                ends_on=stay.ends_on,
                system=system,
                **own,
            )
            for stay in timetable.stays(each, span)
        ]
    return rows
