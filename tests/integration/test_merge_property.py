"""Whatever is merged, taken apart and renamed: rows never change, and every way back is whole."""

from typing import Any, NamedTuple

import pytest
from django.db import transaction
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from attendance.models import AttendanceEvent, AttendanceRecord
from attendance.selectors import own
from attendance.selectors.paging import Slice
from attendance.vocabulary import Source, Status
from courses.models import Absence, Enrolment, Section
from courses.selectors.rosters import roles_in, roster_on, sections_of
from tests.support import examples
from tests.support.course_factories import (
    IN_TERM,
    AbsenceFactory,
    EnrolmentFactory,
    SectionFactory,
)
from tests.support.excuses import excused
from tests.support.factories import (
    AttendanceEventFactory,
    AttendanceFactory,
    AttendanceRecordFactory,
    UserFactory,
)
from tests.support.people import merge, staff, unmerge
from users.errors import UserError
from users.models import PersonMerge, User
from users.selectors import accounts_of, numbers_merged_into, numbers_of, roots_of

pytestmark = pytest.mark.django_db

PEOPLE, LESSONS = 3, 2
DAY = IN_TERM.date()
who = st.integers(0, PEOPLE - 1)


class MergeStep(NamedTuple):
    kind: str
    first: int
    second: int = 0


class DrawnSchool(NamedTuple):
    """What there is before anybody is merged."""

    enrolled: list[int]
    absent: list[int]
    marks: dict[tuple[int, int], tuple[str, str]]
    """Source and status by lesson and account."""


STEPS = st.lists(
    st.one_of(
        st.builds(MergeStep, st.just("merge"), who, who),
        # Twice: most of what can go wrong needs two merges, or one that is met again.
        st.builds(MergeStep, st.just("merge"), who, who),
        st.builds(MergeStep, st.just("unmerge"), who),
        st.builds(MergeStep, st.just("rename"), who, st.integers(0, 9)),
    ),
    min_size=2,
    max_size=7,
)
SCHOOLS = st.builds(
    DrawnSchool,
    st.lists(who, unique=True),
    st.lists(who, unique=True),
    st.dictionaries(
        st.tuples(st.integers(0, LESSONS - 1), who),
        st.one_of(
            st.tuples(
                st.sampled_from([each for each in Source.values if each != Source.SYSTEM]),
                st.sampled_from(Status.values),
            ),
            st.tuples(st.just(Source.SYSTEM), st.sampled_from([Status.ABSENT, Status.EXCUSED])),
        ),
    ),
)


class TwiceKnown:
    """A section, lessons and accounts, with all that is written about them."""

    def __init__(self, drawn: DrawnSchool) -> None:
        self.actor = staff()
        self.users = [UserFactory.create(full_name=f"Name {n}") for n in range(PEOPLE)]
        self.section: Section = SectionFactory.create()
        for n in drawn.enrolled:
            EnrolmentFactory.create(section=self.section, user=self.users[n])
        for n in drawn.absent:
            AbsenceFactory.create(user=self.users[n], approved=True)
        lessons = [AttendanceFactory.create() for _ in range(LESSONS)]
        for (lesson, n), (source, status) in drawn.marks.items():
            user = self.users[n]
            # Of whom the system speaks, nobody has come.
            arrival = {"checked_in_at": None} if source == Source.SYSTEM else {}
            row = AttendanceRecordFactory.create(
                attendance=lessons[lesson], student=user, source=source, status=status, **arrival
            )
            AttendanceEventFactory.create(attendance=row.attendance, student=user)

    def written(self) -> list[Any]:
        """Every row that a merge must not touch, and the log up to here."""
        models = (AttendanceRecord, AttendanceEvent, Enrolment, Absence)
        return [list(model.objects.order_by("pk").values()) for model in models]

    def names(self) -> list[str]:
        rows = User.objects.filter(pk__in=[user.pk for user in self.users])
        return list(rows.order_by("pk").values_list("full_name", flat=True))

    def told(self) -> list[Any]:
        """What every reader says."""
        ids = [user.pk for user in self.users]
        return [
            roster_on(section_id=self.section.pk, on=DAY),
            [(s.pk, s.student_total) for s in Section.objects.with_counts(on=DAY)],
            excused(self.section, self.users, IN_TERM, IN_TERM),
            roots_of(ids),
            numbers_merged_into(ids),
            [self._told_of(user) for user in self.users],
        ]

    def _told_of(self, user: User) -> list[Any]:
        numbers = numbers_of(user.pk)
        mine = own.find_own_attendance(numbers, Slice())
        return [
            numbers,
            accounts_of(user.pk),
            sections_of(user_id=user.pk, on=DAY),
            roles_in(user_id=user.pk, section_ids=[self.section.pk], on=DAY),
            mine,
            own.list_own_records(numbers, Slice(limit=1)),
            [own.find_own(each.lesson.id, numbers) for each in mine.page.items],
        ]

    def is_done(self, step: MergeStep) -> bool:
        user = self.users[step.first]
        if step.kind == "rename":
            User.objects.filter(pk=user.pk).update(full_name=f"Other {step.second}")
            return True
        try:
            if step.kind == "merge":
                merge(user, self.users[step.second])
            else:
                unmerge(user)
        except UserError:
            return False
        return True


class MergeModel:
    """Who stands for whom, in one dictionary."""

    def __init__(self) -> None:
        self.roots = {n: n for n in range(PEOPLE)}
        self.was_unmerged: set[int] = set()

    def is_done(self, step: MergeStep) -> bool:
        if step.kind == "merge":
            return self._merge(step.first, step.second)
        if step.kind == "unmerge":
            if self.roots[step.first] == step.first:
                return step.first in self.was_unmerged
            self.roots[step.first] = step.first
            self.was_unmerged.add(step.first)
        return True

    def _merge(self, first: int, second: int) -> bool:
        if first != second and self.roots[first] == second:
            return True
        is_possible = first != second and all(
            (self.roots[second] == second, list(self.roots.values()).count(first) == 1)
        )
        if is_possible and self.roots[first] == first:
            self.roots[first] = second
            return True
        return False


@settings(
    max_examples=examples.of_all(15),
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(drawn=SCHOOLS, steps=STEPS)
@example(
    drawn=DrawnSchool(
        enrolled=[0, 1],
        absent=[0],
        marks={
            (0, 0): (Source.STUDENT, Status.PRESENT),
            (0, 1): (Source.TEACHER, Status.LATE),
            (1, 2): (Source.SYSTEM, Status.ABSENT),
        },
    ),
    steps=[
        MergeStep("merge", 0, 1),
        MergeStep("merge", 1, 2),
        MergeStep("rename", 1, 5),
        MergeStep("merge", 2, 1),
        MergeStep("unmerge", 0),
        MergeStep("unmerge", 2),
        MergeStep("merge", 1, 0),
    ],
)
def test_rows_never_change_and_every_way_back_is_whole(
    drawn: DrawnSchool, steps: list[MergeStep]
) -> None:
    with transaction.atomic():
        _try(TwiceKnown(drawn), steps)
        transaction.set_rollback(True)


def _try(school: TwiceKnown, steps: list[MergeStep]) -> None:
    model, written = MergeModel(), school.written()
    at_first, names = school.told(), school.names()
    log: list[Any] = []
    for step in steps:
        is_new = step.kind == "merge" and model.roots[step.first] != step.second
        before = school.told() if is_new else []
        is_done = school.is_done(step)
        assert is_done == model.is_done(step), step
        assert school.written() == written
        now = list(PersonMerge.objects.order_by("pk").values())
        assert now[: len(log)] == log
        log = now
        _compare(school, model, drawn_people=school.users)
        if is_new and is_done:
            _go_back_and_forth(school, model, step, before)
    _take_all_back(school, names)
    assert school.told() == at_first
    assert school.written() == written


def _compare(school: TwiceKnown, model: MergeModel, *, drawn_people: list[User]) -> None:
    """The readers say what the dictionary says."""
    ids = [user.pk for user in drawn_people]
    assert roots_of(ids) == {ids[n]: ids[root] for n, root in model.roots.items()}
    enrolled = set(Enrolment.objects.values_list("user_id", flat=True))
    expected = {ids[root] for n, root in model.roots.items() if ids[n] in enrolled}
    roster = roster_on(section_id=school.section.pk, on=DAY)
    assert {entry.user_id for entry in roster.values()} == expected
    for entry in roster.values():
        assert set(entry.user_ids) == accounts_of(entry.user_id)
        assert entry.numbers == numbers_of(entry.user_id)


def _go_back_and_forth(
    school: TwiceKnown, model: MergeModel, step: MergeStep, before: list[Any]
) -> None:
    """A merge that is taken back at once is as if it had never been, and once more it is there."""
    together = school.told()
    unmerge(school.users[step.first])
    assert school.told() == before
    merge(school.users[step.first], school.users[step.second])
    assert school.told() == together
    model.was_unmerged.add(step.first)


def _take_all_back(school: TwiceKnown, names: list[str]) -> None:
    for user, name in zip(school.users, names, strict=True):
        User.objects.filter(pk=user.pk).update(full_name=name)
        user.refresh_from_db()
        if user.merged_into:
            unmerge(user)
