"""A school whose stored marks are changed in every way there is, step by step."""

from contextlib import suppress
from datetime import date, timedelta
from itertools import count
from typing import Any, NamedTuple
from uuid import UUID

from django.db import transaction
from django.utils import timezone
from hypothesis import strategies as st

from attendance.models import Attendance
from attendance.services import corrections, receipts
from attendance.services.check_in import check_in
from attendance.services.lessons import finish_lesson
from attendance.services.receipts import lessons as lessons_from_receipts
from attendance.services.rosters import closing, not_held
from attendance.services.rosters.recomputing import apply_recompute, plan_recompute
from attendance.services.stored_lessons import delete_attendance, restore_attendance
from attendance.vocabulary import Verdict
from courses.services.absences import decide_absence, withdraw_absence
from courses.services.enrolments import EnrolmentPlan, end_enrolment
from courses.services.enrolments import enrol as enrol_by_service
from courses.vocabulary import EnrolmentRole
from tests.support.course_factories import AbsenceFactory
from tests.support.lessons import forget_everything
from tests.support.people import merge, staff, unmerge
from tests.support.sections import enrol, local, section_lesson, section_of_today, set_rule, user_of
from tests.support.totals import wrong_totals
from users.errors import AttnError
from users.identity import Person, Role

PEOPLE = 4
who = st.integers(0, PEOPLE - 1)
which = st.integers(0, 9)
_schools = count()


class TotalsStep(NamedTuple):
    kind: str
    first: Any = 0
    second: Any = 0
    third: Any = 0


OF_ONE = ("approve", "withdraw", "unmerge", "leave", "come_back")
KINDS = ("say_not_held", "say_held", "delete", "restore", "close", "rule", "lost")
nothing = st.just(0)
STEPS = st.lists(
    st.one_of(
        st.builds(
            TotalsStep,
            st.just("lesson"),
            st.lists(who, unique=True, max_size=PEOPLE),
            nothing,
            nothing,
        ),
        st.builds(TotalsStep, st.just("correct"), which, who, st.sampled_from(list(Verdict))),
        st.builds(TotalsStep, st.sampled_from(KINDS), which, nothing, nothing),
        st.builds(TotalsStep, st.sampled_from(["add", "receipt"]), which, who, nothing),
        st.builds(TotalsStep, st.sampled_from(OF_ONE), who, nothing, nothing),
        st.builds(TotalsStep, st.just("merge"), who, who, nothing),
    ),
    min_size=4,
    max_size=14,
)


class SchoolOfTotals:
    """A section, four people of whom three are enrolled, and all that is said of its lessons."""

    def __init__(self) -> None:
        number = next(_schools)
        forget_everything()
        self.staff = staff()
        self.teacher = Person(f"T-{number}", f"Teacher {number}", Role.TEACHER)
        self.people = [Person(f"P{number}-{n}", f"Name {n}") for n in range(PEOPLE)]
        self.users = [user_of(person) for person in self.people]
        self.section = section_of_today([], teachers=[self.teacher], policy={})
        for person in self.people[:3]:
            enrol(self.section, person)
        now, day = timezone.now(), timedelta(days=1)
        self.absences = [
            AbsenceFactory.create(
                user=user, starts_at=now - day, ends_at=now + day, is_for_all_sections=True
            )
            for user in self.users
        ]
        self.lessons: list[UUID] = []
        self.receipts: list[tuple[Person, str]] = []

    def take(self, step: TotalsStep) -> None:
        with suppress(AttnError, LookupError):
            getattr(self, f"_{step.kind}")(step)
        assert wrong_totals() == [], step

    def _of(self, step: TotalsStep) -> UUID:
        return self.lessons[step.first % len(self.lessons)] if self.lessons else UUID(int=0)

    def _lesson(self, step: TotalsStep) -> None:
        lesson = section_lesson(self.section, teacher=self.teacher)
        for n in step.first:
            made = check_in(lesson.id, student=self.people[n])
            self.receipts.append((self.people[n], receipts.issue(made)))
        finish_lesson(lesson.id, actor=self.teacher)
        self.lessons.append(lesson.id)

    def _lost(self, step: TotalsStep) -> None:
        """Redis loses a lesson; staff make it anew of a receipt, and nobody else has a mark."""
        lesson = section_lesson(self.section, teacher=self.teacher)
        made = check_in(lesson.id, student=self.people[0])
        text = receipts.issue(made)
        forget_everything()
        self.lessons.append(lesson.id)
        receipts.redeem(text, caller=self.people[0])
        with transaction.atomic():
            lessons_from_receipts.make_for_staff(receipts.open_receipt(text))
        receipts.redeem(text, caller=self.people[0])

    def _receipt(self, step: TotalsStep) -> None:
        if not self.receipts:
            return
        person, text = self.receipts[step.first % len(self.receipts)]
        receipts.redeem(text, caller=person)

    def _correct(self, step: TotalsStep) -> None:
        person = self.people[step.second]
        corrections.correct_record(
            corrections.Correction(
                lesson_id=self._of(step),
                school_number=person.school_number,
                full_name=person.full_name,
                verdict=step.third,
                actor=self.teacher,
                reason="seen",
            )
        )

    def _say_not_held(self, step: TotalsStep) -> None:
        not_held.say_not_held(self._of(step), actor=self.teacher, reason="no light")

    def _say_held(self, step: TotalsStep) -> None:
        not_held.say_held(self._of(step), actor=self.teacher)

    def _delete(self, step: TotalsStep) -> None:
        delete_attendance(self._of(step), actor=self.teacher, reason="twice")

    def _restore(self, step: TotalsStep) -> None:
        restore_attendance(self._of(step), actor=self.teacher, reason="once")

    def _close(self, step: TotalsStep) -> None:
        closing.close_roster(self._of(step), actor=self.teacher)

    def _add(self, step: TotalsStep) -> None:
        number = self.people[step.second].school_number
        actor = self.staff.as_person()
        closing.add_expected(self._of(step), number, actor=actor, reason="enrolled late")

    def _rule(self, step: TotalsStep) -> None:
        """Other rules in mid-term, and the lessons so far decided anew by them."""
        set_rule(
            self.section, late_after_s=0, late_credit_permille=500 + step.first, set_by=self.staff
        )
        rows = Attendance.objects.filter(section=self.section)
        days = [row.held_on for row in rows if row.held_on]
        if not days:
            return
        asked: dict[str, Any] = {"section": self.section, "first": min(days), "last": max(days)}
        apply_recompute(**asked, digest=plan_recompute(**asked).digest, actor=self.staff)

    def _approve(self, step: TotalsStep) -> None:
        absence = self.absences[step.first]
        absence.refresh_from_db()
        if absence.state == "requested":
            decide_absence(absence_id=absence.pk, approve=True, actor=self.staff)

    def _withdraw(self, step: TotalsStep) -> None:
        withdraw_absence(absence_id=self.absences[step.first].pk, actor=self.staff)

    def _leave(self, step: TotalsStep) -> None:
        rows = self.section.enrolments.filter(user=self.users[step.first], ends_on=None)
        for row in rows:
            end_enrolment(enrolment_id=row.pk, ends_on=self._today(), actor=self.staff)

    def _come_back(self, step: TotalsStep) -> None:
        plan = EnrolmentPlan(
            section_id=self.section.pk,
            user_id=self.users[step.first].pk,
            role=EnrolmentRole.STUDENT,
            begins_on=self._today(),
        )
        enrol_by_service(plan=plan, actor=self.staff)

    def _today(self) -> date:
        return local(timezone.now()).date()

    def _merge(self, step: TotalsStep) -> None:
        merge(self.users[step.first], self.users[step.second])

    def _unmerge(self, step: TotalsStep) -> None:
        unmerge(self.users[step.first])
