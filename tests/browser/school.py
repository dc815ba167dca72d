"""A small school for pictures of pages and for looks at all of them."""

from datetime import timedelta
from tempfile import TemporaryDirectory
from typing import NamedTuple
from uuid import UUID

from django.test import override_settings

from attendance.errors import AttendanceError
from attendance.live import client, keys, store
from attendance.models import LessonLedger
from attendance.services.check_in import check_in
from attendance.services.corrections import Correction, correct_record
from attendance.services.lessons import LessonPlan, finish_lesson, start_lesson
from attendance.services.persistence import unified_persistence_task
from attendance.vocabulary import LessonState, Verdict
from courses.services.absences import decide_absence, withdraw_absence
from courses.services.policies import PolicyPlan, set_policy
from courses.vocabulary import Component, EnrolmentRole
from tests.support.absences import added_file, asked_absence, made_course
from tests.support.callers import account
from tests.support.lessons import ended_lesson
from tests.support.members import enrolled, running_section
from tests.support.terms import term_of_lessons
from users.identity import Person, Role
from users.models import User
from users.tokens import issue_token
from webhooks.models import Delivery, WebhookEndpoint, WebhookEvent
from webhooks.signing import new_secret

TEACHER = Person("T-2", "Teacher 2", Role.TEACHER)
FOURTH = Person("T-4", "Teacher 4", Role.TEACHER)
OTHER = Person("T-3", "Teacher 3", Role.TEACHER)
SIXTH = Person("T-6", "Teacher 6", Role.TEACHER)
STAFF = Person("STAFF-1", "Staff 1", Role.STAFF)
STUDENT = Person("S-014", "Student 014")
NEWCOMER = Person("S-031", "Student 031")


class SmallSchool(NamedTuple):
    past: UUID
    """A lesson that is saved, with a correction."""
    live: UUID
    """A live one that asks for its code: refused students wait."""
    open: UUID
    """A live one of another teacher, without a code."""
    scheduled: UUID
    waiting: UUID
    """Over, and not saved yet."""
    failed: UUID
    lost: UUID
    unreadable: UUID
    absence: int
    """One that waits for a decision; others of the same student are decided."""
    course: int
    """A section with a roster and rules."""
    course_lesson: UUID
    """A live lesson of that section: some of its roster are missing."""


def made_school() -> SmallSchool:
    """A past lesson, a live one with refused students, and one that anybody may join."""
    issue_token(account(STAFF).pk)
    past = start_lesson(LessonPlan("Chemistry", minutes=45), teacher=TEACHER).id
    _fill(past, 24)
    finish_lesson(past, actor=TEACHER)
    live = start_lesson(LessonPlan("Physics", minutes=45), teacher=TEACHER).id
    _fill(live, 18)
    open_one = start_lesson(LessonPlan("Geometry", minutes=45, checks=("code",)), teacher=OTHER).id
    for number in range(20, 23):
        try:
            check_in(open_one, student=Person(f"S-{number:03}", f"Student {number:03}"))
        except AttendanceError:
            continue
    course, course_lesson = _courses()
    _told_elsewhere()
    return SmallSchool(
        past,
        live,
        open_one,
        **_in_trouble(),
        absence=_made_absences(),
        course=course,
        course_lesson=course_lesson,
    )


def _told_elsewhere() -> None:
    """A delivery to another system, which has not taken it."""
    endpoint = WebhookEndpoint(
        name="Timetable", url="https://timetable.example.org/hook", kinds=["lesson.started"]
    )
    endpoint.give_secret(new_secret())
    endpoint.save()
    event = WebhookEvent.objects.create(kind="lesson.started", cause="a", data={"lesson_id": "a"})
    delivery = Delivery.objects.create(event=event, endpoint=endpoint, tries=1, last_status=503)
    delivery.attempts.create(status=503, milliseconds=120, error="it has not taken it")


def _made_absences() -> int:
    """Absences in every state, of one student of one course."""
    course, staff = made_course(), account(STAFF)
    course.reason.needs_evidence = True
    course.reason.save()
    made = [asked_absence(course, in_days=days) for days in range(1, 6)]
    asked_absence(course, in_days=6, for_all=True, note="")
    with TemporaryDirectory() as folder, override_settings(EVIDENCE_FOLDER=folder):
        added_file(made[0], name="letter of the doctor.pdf")
        added_file(made[1])
        decide_absence(absence_id=made[1].pk, approve=True, actor=staff)
    decide_absence(absence_id=made[2].pk, approve=False, actor=staff, why="an exam that day")
    withdraw_absence(absence_id=made[3].pk, actor=staff)
    return made[0].pk


def _in_trouble() -> dict[str, UUID]:
    """Lessons of a fourth teacher that have not begun, wait, failed, or are damaged or gone."""
    later = store.now() + timedelta(minutes=20)
    plan = LessonPlan("Biology", minutes=45, starts_at=later)
    made = {"scheduled": start_lesson(plan, teacher=Person("T-5", "Teacher 5", Role.TEACHER)).id}
    for name, lesson_name in (
        ("lost", "History"),
        ("unreadable", "Art"),
        ("failed", "Music"),
        ("waiting", "Latin"),
    ):
        made[name] = ended_lesson(8, teacher=FOURTH, lesson_name=lesson_name).id
    client.connection().delete(*keys.of_lesson(made["lost"]))
    client.connection().hset(keys.lesson(made["unreadable"]), "data", "{")
    unified_persistence_task(lesson_ids=[made["unreadable"]])
    ledger = LessonLedger.objects
    ledger.filter(pk=made["lost"]).update(state=LessonState.LOST)
    ledger.filter(pk=made["failed"]).update(state=LessonState.FAILED, attempts=2)
    ledger.filter(pk=made["waiting"]).update(ends_at=store.now())
    return made


def _courses() -> tuple[int, UUID]:
    """A course with a roster, its lab, and one that nobody teaches."""
    physics = running_section(title="Physics I", code="PHY-101", location="Hall B 12")
    lab = running_section(
        title="Physics I, group A",
        code="PHY-101-A",
        component=Component.LAB,
        parent=physics,
        term=physics.term,
    )
    running_section(title="Thermodynamics", code="PHY-204", term=physics.term)
    for section in (physics, lab):
        enrolled(section, TEACHER, EnrolmentRole.TEACHER, is_primary=True)
        enrolled(section, STUDENT, EnrolmentRole.STUDENT)
    enrolled(physics, SIXTH, EnrolmentRole.TEACHER)
    enrolled(physics, OTHER, EnrolmentRole.ASSISTANT)
    enrolled(lab, NEWCOMER, EnrolmentRole.ASSISTANT)
    for number in range(32, 60):
        enrolled(physics, Person(f"S-{number:03}", f"Student {number:03}"), EnrolmentRole.STUDENT)
    plan_of_lesson = LessonPlan(section=f"#{physics.pk}", minutes=45)
    for present in (18, 9):
        lesson = start_lesson(plan_of_lesson, teacher=SIXTH)
        for number in range(32, 32 + present):
            check_in(lesson.id, student=Person(f"S-{number:03}", f"Student {number:03}"))
        if present == 18:
            finish_lesson(lesson.id, actor=SIXTH)
    for late in (900, 600):
        plan = PolicyPlan(
            opens_before_s=600, late_after_s=late, absent_after_s=1800, warn_permille=800
        )
        set_policy(section_id=physics.pk, plan=plan, actor=account(TEACHER))
    physics.refresh_from_db()
    students = User.objects.filter(enrolments__section=physics, enrolments__role="student")
    term_of_lessons(physics, list(students), lessons=16, teacher=account(TEACHER))
    return physics.pk, lesson.id


def _fill(lesson_id: UUID, students: int) -> None:
    for number in range(1, students + 1):
        check_in(lesson_id, student=Person(f"S-{number:03}", f"Student {number:03}"))
    for number, verdict, reason in (
        (3, Verdict.LATE, "arrived with the tram"),
        (7, Verdict.EXCUSE, "a letter from the parents"),
        (9, Verdict.REJECT, "somebody else's phone"),
    ):
        correct_record(
            Correction(
                lesson_id=lesson_id,
                school_number=f"S-{number:03}",
                verdict=verdict,
                actor=TEACHER,
                reason=reason,
            )
        )
