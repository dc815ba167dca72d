"""Whatever is enrolled, moved, merged and decided: what was stored stays, and no word is beaten."""

from collections.abc import Iterator
from contextlib import suppress
from datetime import timedelta
from itertools import count
from typing import Any, NamedTuple
from uuid import UUID

import pytest
from django.utils import timezone
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from attendance.live import client, keys
from attendance.models import Attendance, AttendanceEvent, AttendanceRecord
from attendance.services import receipts
from attendance.services.check_in import check_in
from attendance.services.lessons import finish_lesson
from courses.models import Absence, Enrolment
from courses.selectors.rosters import roster_on
from courses.services.absences import decide_absence, withdraw_absence
from courses.services.enrolments import end_enrolment
from tests.support import examples
from tests.support.course_factories import AbsenceFactory
from tests.support.lessons import put_back, redis_state
from tests.support.people import merge, staff, unmerge
from tests.support.sections import enrol, local, section_lesson, section_of_today, user_of
from users.errors import UserError
from users.identity import Person, Role
from users.models import User
from users.selectors import accounts_of, roots_of

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.timeout(600)]

PEOPLE = 4
who = st.integers(0, PEOPLE - 1)
some = st.lists(who, unique=True, max_size=PEOPLE)
_years = count()


class WorldStep(NamedTuple):
    kind: str
    first: Any = 0
    second: Any = 0


OF_ONE = ("approve", "withdraw", "enrol", "leave", "move", "unmerge")
ROSTER_STEPS = st.lists(
    st.one_of(
        st.builds(WorldStep, st.just("lesson"), some, some),
        st.builds(WorldStep, st.just("receipt"), st.integers(0, 20), st.just(0)),
        st.builds(WorldStep, st.sampled_from(OF_ONE), who, st.just(0)),
        st.builds(WorldStep, st.just("rename"), who, st.integers(0, 9)),
        st.builds(WorldStep, st.just("merge"), who, who),
    ),
    min_size=3,
    max_size=10,
)


class Year:
    """A section and another one, four people, and all that becomes of them."""

    def __init__(self) -> None:
        number = next(_years)
        self.actor = staff()
        self.teacher = Person(f"T-{number}", f"Teacher {number}", Role.TEACHER)
        self.people = [Person(f"P{number}-{n}", f"Name {n}") for n in range(PEOPLE)]
        self.users = [user_of(person) for person in self.people]
        self.sections = [section_of_today([], teachers=[self.teacher]) for _ in range(2)]
        for person in self.people[:3]:
            enrol(self.sections[0], person)
        now = timezone.now()
        self.absences = [
            AbsenceFactory.create(
                user=user,
                starts_at=now - timedelta(days=1),
                ends_at=now + timedelta(days=1),
                is_for_all_sections=True,
            )
            for user in self.users
        ]
        self.lessons: list[UUID] = []
        self.receipts: list[tuple[UUID, Person, str]] = []
        """Of marks that the live store has forgotten."""
        self.words: set[tuple[UUID, str]] = set()
        """Who was told of a mark that is stored, by lesson."""
        self.is_merged = False
        """Whether the last step has merged somebody."""

    def stored(self) -> dict[str, Any]:
        """Every row of the registers, by what it is."""
        found: dict[str, Any] = {}
        for model in (Attendance, AttendanceRecord, AttendanceEvent):
            of = {"id__in" if model is Attendance else "attendance_id__in": self.lessons}
            for row in model.objects.filter(**of).values():
                found[f"{model.__name__} {row['id']}"] = row
        return found

    def take(self, step: WorldStep) -> None:
        before, rosters = self.stored(), self._rosters()
        allowed = getattr(self, f"_{step.kind}")(step)
        after = self.stored()
        changed = {key for key, row in before.items() if after[key] != row}
        assert changed <= set(allowed), (step, changed)
        if step.kind == "merge":
            self._is_whole_when_taken_back(step, rosters)
        self._no_word_is_beaten()

    def _rosters(self) -> list[Any]:
        today = local(timezone.now()).date()
        return [roster_on(section_id=each.pk, on=today) for each in self.sections]

    # Lessons

    def _lesson(self, step: WorldStep) -> Iterator[str]:
        """Some come, and the marks of some who came after them are forgotten by the live store."""
        section = self.sections[0]
        lesson = section_lesson(section, teacher=self.teacher)
        self.lessons.append(lesson.id)
        for n in step.first:
            check_in(lesson.id, student=self.people[n])
        own = {name.encode() for name in keys.of_lesson(lesson.id)}
        copy = {name: value for name, value in redis_state().items() if name in own}
        for n in set(step.second) - set(step.first):
            made = check_in(lesson.id, student=self.people[n])
            self.receipts.append((lesson.id, self.people[n], receipts.issue(made)))
        client.connection().delete(*own - copy.keys())
        put_back(copy)
        expected = {entry.user_id: entry for entry in self._rosters()[0].values()}
        report = finish_lesson(lesson.id, actor=self.teacher).report
        assert report is not None
        assert report.sums_agree
        self.words |= {(lesson.id, self.people[n].school_number) for n in step.first}
        here = {self.people[n].school_number for n in step.first}
        missing = {pk for pk, each in expected.items() if here.isdisjoint(each.numbers)}
        rows = AttendanceRecord.objects.filter(attendance_id=lesson.id)
        by_system = rows.filter(source="system")
        assert {row.student_id: row.status for row in by_system} == {
            pk: "excused" if self._is_excused(pk) else "absent" for pk in missing
        }
        assert rows.count() == len(here) + len(missing)
        assert (report.totals.expected, report.totals.marked_absent) == (
            len(expected),
            len(missing),
        )
        return iter(())

    def _is_excused(self, user_id: int) -> bool:
        of_person = Absence.objects.filter(user__in=accounts_of(user_id), state="approved")
        return of_person.exists()

    def _receipt(self, step: WorldStep) -> Iterator[str]:
        """Sent twice; it changes one record, and the revision of its lesson."""
        if not self.receipts:
            return
        lesson_id, person, text = self.receipts[step.first % len(self.receipts)]
        row = AttendanceRecord.objects.filter(
            attendance_id=lesson_id, student__school_number=person.school_number
        ).first()
        for _ in range(2):
            record = receipts.redeem(text, caller=person).record
            assert record
            assert record.source == "receipt"
        self.words.add((lesson_id, person.school_number))
        yield f"Attendance {lesson_id}"
        if row is not None and row.source == "system":
            yield f"AttendanceRecord {row.pk}"

    # Absences: nothing but marks of the system follows

    def _approve(self, step: WorldStep) -> Iterator[str]:
        absence = self.absences[step.first]
        absence.refresh_from_db()
        if absence.state == "requested":
            marks = self._marks_of(step.first)
            decide_absence(absence_id=absence.pk, approve=True, actor=self.actor)
            yield from self._followed(marks)

    def _withdraw(self, step: WorldStep) -> Iterator[str]:
        marks = self._marks_of(step.first)
        withdraw_absence(absence_id=self.absences[step.first].pk, actor=self.actor)
        yield from self._followed(marks)

    def _marks_of(self, n: int) -> list[AttendanceRecord]:
        users = accounts_of(self.users[n].pk)
        return list(AttendanceRecord.objects.filter(student__in=users, source="system"))

    def _followed(self, marks: list[AttendanceRecord]) -> Iterator[str]:
        for mark in marks:
            mark.refresh_from_db()
            wanted = "excused" if self._is_excused(mark.student_id) else "absent"
            assert (mark.status, mark.source, mark.revision) == (wanted, "system", 0)
            yield f"AttendanceRecord {mark.pk}"
            yield f"Attendance {mark.attendance_id}"

    # Rosters and people: nothing that is stored follows

    def _enrol(self, step: WorldStep, section: int = 0) -> Iterator[str]:
        if not self._open_rows(step.first, section):
            Enrolment.objects.filter(
                user=self.users[step.first], section=self.sections[section]
            ).delete()
            enrol(self.sections[section], self.people[step.first])
        return iter(())

    def _leave(self, step: WorldStep) -> Iterator[str]:
        for row in self._open_rows(step.first, 0):
            end_enrolment(enrolment_id=row.pk, ends_on=row.begins_on, actor=self.actor)
        return iter(())

    def _move(self, step: WorldStep) -> Iterator[str]:
        self._leave(step)
        return self._enrol(step, section=1)

    def _open_rows(self, n: int, section: int) -> list[Enrolment]:
        rows = Enrolment.objects.filter(user=self.users[n], section=self.sections[section])
        return list(rows.filter(ends_on=None))

    def _rename(self, step: WorldStep) -> Iterator[str]:
        User.objects.filter(pk=self.users[step.first].pk).update(full_name=f"Other {step.second}")
        return iter(())

    def _merge(self, step: WorldStep) -> Iterator[str]:
        self.is_merged = False
        user = self.users[step.first]
        was_root = roots_of([user.pk])[user.pk] == user.pk
        with suppress(UserError):
            merge(user, self.users[step.second])
            self.is_merged = was_root
        return iter(())

    def _unmerge(self, step: WorldStep) -> Iterator[str]:
        with suppress(UserError):
            unmerge(self.users[step.first])
        return iter(())

    def _is_whole_when_taken_back(self, step: WorldStep, rosters: list[Any]) -> None:
        if not self.is_merged:
            return
        together, rows = self._rosters(), self.stored()
        unmerge(self.users[step.first])
        assert self._rosters() == rosters
        merge(self.users[step.first], self.users[step.second])
        assert self._rosters() == together
        assert self.stored() == rows

    def _no_word_is_beaten(self) -> None:
        rows = AttendanceRecord.objects.filter(attendance_id__in=self.lessons)
        told = {
            (lesson_id, number): source
            for lesson_id, number, source in rows.values_list(
                "attendance_id", "student__school_number", "source"
            )
        }
        assert len(told) == rows.count()
        for word in self.words:
            assert told[word] in {"student", "receipt"}, word
        for key, source in told.items():
            assert source == "system" or key in self.words, key


@settings(
    max_examples=examples.of_all(20),
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(steps=ROSTER_STEPS)
def test_stored_registers_never_change_by_themselves(steps: list[WorldStep]) -> None:
    year = Year()
    for step in steps:
        year.take(step)
