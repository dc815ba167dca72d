"""Apply a plan: one transaction for each section, so that a bad one holds up no other."""

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Sequence
from datetime import date, datetime

import msgspec
from django.conf import settings

from courses.errors import CourseError, PlanChanged, SectionChanged
from courses.models import Enrolment, Section, SourceSystem, Term
from courses.services.database_rules import writing
from courses.services.rosters import world
from courses.services.rosters.brake import check_brake
from courses.services.rosters.deciding import decide_section
from courses.services.rosters.plan import (
    Action,
    PersonChange,
    PlannedPerson,
    PlannedRow,
    PlannedSection,
    RosterPlan,
)
from courses.services.rosters.planning import (
    PlannedRoster,
    RosterSource,
    SectionTask,
    plan_roster,
)
from courses.services.rosters.turns import only_import
from courses.services.sections import lock_section
from courses.services.systems import CSV, csv_system
from courses.signals import tell_enrolments_changed
from users.errors import UsersMissing
from users.identity import Person, Role
from users.reading.table import Advance
from users.services import ensure_users, update_people
from users.wording import in_words


class SectionFailure(msgspec.Struct, frozen=True):
    """A section of which nothing was applied."""

    section: str
    code: str
    detail: str


class RosterReport(msgspec.Struct, frozen=True, kw_only=True):
    plan: RosterPlan
    applied: dict[str, int]
    """Rows that were written, by action."""
    failed: tuple[SectionFailure, ...]


def apply_roster(
    source: RosterSource,
    *,
    at: datetime,
    digest: str = "",
    allow_drop: int | None = None,
    advance: Advance = lambda count: None,
) -> RosterReport:
    """Apply a roster; applied again, or after it was killed in the middle, the rest follows.

    `digest` names the plan that was shown: another one is not applied (PlanChanged).
    `allow_drop` is how many enrolments may end; without it what is usual. `advance` gets
    the number of sections done. Raises as `plan_roster`, ImportRunning, PlanChanged and
    TooManyEnds, all before anything is written.
    """
    with only_import(CSV) as check_turn:
        planned = plan_roster(source, at=at)
        if digest and digest != planned.plan.digest:
            raise PlanChanged
        check_brake(planned.plan, allow_drop=allow_drop)
        return _Applying(planned, at=at).run(check_turn, advance)


class _Applying:
    def __init__(self, planned: PlannedRoster, *, at: datetime) -> None:
        self._planned = planned
        self._at = at
        self._people = {person.school_number: person for person in planned.plan.people}

    def run(self, check_turn: Callable[[], None], advance: Advance) -> RosterReport:
        applied: Counter[str] = Counter()
        failed = []
        system = None if self._planned.plan.is_empty else csv_system()
        for section, task in zip(self._planned.plan.sections, self._planned.tasks, strict=True):
            check_turn()
            try:
                if system is not None and self._is_work(section):
                    self._apply(section, task, system)
                    applied.update(row.action.value for row in section.writes)
            except (CourseError, UsersMissing) as error:
                failed.append(SectionFailure(section.code, error.code, in_words(error)))
            advance(1)
        return RosterReport(plan=self._planned.plan, applied=dict(applied), failed=tuple(failed))

    def _is_work(self, section: PlannedSection) -> bool:
        return bool(section.writes) or any(
            row.line is not None
            and row.action is not Action.BAD
            and row.school_number in self._people
            for row in section.rows
        )

    def _apply(self, planned: PlannedSection, task: SectionTask, system: SourceSystem) -> None:
        with writing():
            section = self._locked(planned, task, system)
            held = world.held_in([section.pk])[section.pk]
            state = world.state_of(section, held, at=self._at)
            # Whoever was enrolled or ended here since the plan was made decides anew.
            if _acts(decide_section(state, task.wanted)) != _acts(planned):
                raise SectionChanged
            ids = self._users_of(planned)
            # What ends makes room for what begins.
            _move(planned.writes)
            _create(planned.writes, ids, section=section, system=system)
            if planned.writes:
                tell_enrolments_changed(section.pk)

    def _locked(self, planned: PlannedSection, task: SectionTask, system: SourceSystem) -> Section:
        if planned.section_id is not None:
            lock_section(planned.section_id)
            return world.find_section(planned.section_id)
        # As whoever makes a section: one at a time in a term.
        term = Term.objects.select_for_update(no_key=True).get(pk=self._planned.term.pk)
        if world.sections_in(term).find(task.key, named=planned.code) is not None:
            raise SectionChanged
        return Section.objects.create(
            system=system,
            term=term,
            code=planned.code,
            title=planned.title,
            time_zone=settings.TIME_ZONE,
            starts_on=term.starts_on,
            ends_on=term.ends_on,
        )

    def _users_of(self, planned: PlannedSection) -> dict[str, int]:
        """The ids of whoever is created here; people are made, and completed, on the way."""
        good = _good(planned)
        creates = {row.school_number: row for row in good if row.action is Action.CREATE}
        changes = {number for row in good if (number := row.school_number) in self._people}
        update_people(
            _person(self._people[number])
            for number in changes
            if self._people[number].change is not PersonChange.CREATE
        )
        return ensure_users(
            _person(self._people[number])
            if number in self._people
            else Person(number, row.full_name)
            for number, row in creates.items()
        )


def _good(section: PlannedSection) -> list[PlannedRow]:
    """The rows of the file that are good."""
    return [row for row in section.rows if row.line is not None and row.action is not Action.BAD]


def _acts(section: PlannedSection) -> set[tuple[object, ...]]:
    return {
        (row.action, row.enrolment_id, row.school_number, row.role, row.begins_on, row.ends_on)
        for row in section.writes
    }


def _person(planned: PlannedPerson) -> Person:
    return Person(planned.school_number, planned.full_name, Role(planned.role))


def _move(rows: Sequence[PlannedRow]) -> None:
    """Give enrolments the days of the plan; one query for each pair of days."""
    ids: dict[tuple[date | None, date | None], list[int]] = defaultdict(list)
    for row in rows:
        if row.enrolment_id is not None:
            ids[row.begins_on, row.ends_on].append(row.enrolment_id)
    for (begins_on, ends_on), of_days in ids.items():
        Enrolment.objects.filter(pk__in=of_days).update(begins_on=begins_on, ends_on=ends_on)


def _create(
    rows: Iterable[PlannedRow], ids: dict[str, int], *, section: Section, system: SourceSystem
) -> None:
    new = ((row, row.begins_on) for row in rows if row.action is Action.CREATE)
    Enrolment.objects.bulk_create(
        [
            Enrolment(
                section=section,
                user_id=ids[row.school_number],
                role=row.role,
                begins_on=begins_on,
                ends_on=row.ends_on,
                system=system,
            )
            for row, begins_on in sorted(new, key=lambda each: each[0].school_number)
            if begins_on is not None
        ],
        batch_size=1_000,
    )
