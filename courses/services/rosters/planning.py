"""From a file to its plan: whose row it is, which section it means, what it would do."""

from collections import defaultdict
from collections.abc import Iterable
from datetime import datetime

import msgspec
from django.utils import timezone

from courses.errors import (
    AmbiguousSection,
    ContradictoryRow,
    OtherSection,
    RosterEmpty,
    ZerosGone,
)
from courses.models import Section, Term
from courses.services.rosters import world
from courses.services.rosters.deciding import decide_section
from courses.services.rosters.people import plan_people
from courses.services.rosters.plan import Action, PlannedRow, RosterPlan, make_plan
from courses.services.rosters.reading import BadRosterRow, RosterRow, RosterTable, read_roster
from courses.services.rosters.state import SectionState, WantedRows
from users.errors import AttnError, InvalidFullName
from users.identity import LONGEST_FULL_NAME, Person, Role
from users.reading.cells import fold_case
from users.reading.text import as_text
from users.wording import in_words


class RosterSource(msgspec.Struct, frozen=True, kw_only=True):
    """A file, and what whoever imports it says of it."""

    content: bytes
    encoding: str = ""
    """Of a file that is not UTF-8."""
    section_id: int | None = None
    """The only section that it may be about; None where its rows name sections."""
    term: str = ""
    """The title of the term; '' is the one of today."""
    actor: Person | None = None
    """None for a command, which whoever has the server runs."""

    @property
    def is_trusted(self) -> bool:
        """Teachers bring in students; names, and who teaches, are for staff."""
        return self.actor is None or self.actor.role is Role.STAFF


class SectionTask(msgspec.Struct, frozen=True, kw_only=True):
    """One section of a file, with what is needed to decide it again."""

    state: SectionState
    wanted: WantedRows
    key: str


class PlannedRoster(msgspec.Struct, frozen=True, kw_only=True):
    plan: RosterPlan
    tasks: tuple[SectionTask, ...]
    """In the order of the plan's sections."""
    term: Term


def plan_roster(source: RosterSource, *, at: datetime) -> PlannedRoster:
    """What a roster would do at an instant; nothing is written.

    Raises UnreadableFile, EncodingUnknown, RosterColumns, RosterEmpty, NoCurrentTerm,
    TermUnclear and SectionNotFound.
    """
    only = None if source.section_id is None else world.find_section(source.section_id)
    label = "" if only is None else only.code or only.title
    table = read_roster(as_text(source.content, fallback=source.encoding), section=label)
    if not table.rows and not table.bad:
        raise RosterEmpty
    term = only.term if only else world.find_term(source.term, at=at)
    sorting = _Sorting(table, only=only, term=term)
    tasks = _tasks(sorting, term, at=at, says_end=table.says_end, may_teach=source.is_trusted)
    sections = [decide_section(task.state, task.wanted) for task in tasks]
    people = plan_people(
        (row for section in sections for row in section.rows),
        sorting.known,
        may_change=source.is_trusted,
    )
    plan = make_plan(
        term=term.title,
        sections=sections,
        people=people,
        elsewhere=[_bad_row(row) for row in sorting.bad],
        unread_columns=table.unread_columns,
    )
    return PlannedRoster(plan=plan, tasks=tuple(tasks), term=term)


class _Sorting:
    """Rows by the section that they mean, and who must not be ended because a row is bad."""

    def __init__(self, table: RosterTable, *, only: Section | None, term: Term) -> None:
        self._only = only
        self._index = world.SectionIndex([only]) if only else world.sections_in(term)
        numbers = {row.school_number for row in table.rows}
        self.known = world.known_people(numbers)
        self._zeros = world.with_zeros(numbers - self.known.keys())
        self._names = _names_of(table.rows)
        self.found: dict[str, Section | None] = {}
        """Section by key; None for one that would be made."""
        self.rows: dict[str, list[RosterRow]] = defaultdict(list)
        self.bad = list(table.bad)
        self._sort(table.rows)
        self.bad.sort(key=lambda row: row.line)
        self.protected: dict[str, set[str]] = defaultdict(set)
        """Numbers of bad rows by the key of their section; '' is any section."""
        for row in self.bad:
            self._protect(row)

    def _sort(self, rows: Iterable[RosterRow]) -> None:
        for row in rows:
            try:
                key, section = self._section_of(row)
                self.rows[key].append(self._with_person(row))
                self.found[key] = section
            except AttnError as error:
                number = self._zeros.get(row.school_number, row.school_number)
                self.bad.append(
                    BadRosterRow(
                        line=row.line,
                        error=error,
                        section=row.section,
                        key=row.key,
                        school_number=number,
                        full_name=row.full_name,
                    )
                )

    def _section_of(self, row: RosterRow) -> tuple[str, Section | None]:
        """One key for each section, whichever of its names a row uses."""
        only = self._only
        if only is None:
            section = self._index.find(row.key, named=row.section)
            return (row.key, None) if section is None else (_key_of(section), section)
        if row.key not in world.keys_of(only) | {fold_case(only.title)}:
            raise OtherSection(named=row.section, section=only.code or only.title)
        return _key_of(only), only

    def _with_person(self, row: RosterRow) -> RosterRow:
        """The row with number and name of the person whom ATTN knows. Raises what is wrong."""
        known = self.known.get(row.school_number)
        if known is None and row.school_number in self._zeros:
            raise ZerosGone(number=self._zeros[row.school_number])
        said = self._names.get(row.school_number)
        if said is None:
            if known is None:
                raise InvalidFullName(most=LONGEST_FULL_NAME)
            return row._replace(school_number=known.school_number, full_name=known.full_name)
        if row.full_name not in {"", said.full_name}:
            raise ContradictoryRow(line=said.line)
        if known is not None and known.school_number != row.school_number:
            # A merged account's name is not the person's.
            return row._replace(school_number=known.school_number, full_name=known.full_name)
        return row._replace(full_name=said.full_name)

    def _protect(self, row: BadRosterRow) -> None:
        if isinstance(row.error, OtherSection):
            return
        try:
            section = self._index.find(row.key, named=row.section) if row.key else None
        except AmbiguousSection:
            section = None
        # Of a section that nobody knows: its name may be a slip in any other's.
        self.protected["" if section is None else _key_of(section)].add(row.school_number)

    def protected_in(self, key: str) -> frozenset[str]:
        return frozenset(self.protected.get(key, set()) | self.protected.get("", set()))


def _names_of(rows: Iterable[RosterRow]) -> dict[str, RosterRow]:
    """The first row that names each person."""
    names: dict[str, RosterRow] = {}
    for row in rows:
        if row.full_name:
            names.setdefault(row.school_number, row)
    return names


def _key_of(section: Section) -> str:
    # No text of a file has this character.
    return f"\0{section.pk}"


def _tasks(
    sorting: _Sorting, term: Term, *, at: datetime, says_end: bool, may_teach: bool
) -> list[SectionTask]:
    sections = sorting.found
    held = world.held_in([section.pk for section in sections.values() if section])
    today = timezone.localdate(at)
    tasks = []
    for key, section in sections.items():
        rows = sorting.rows[key]
        state = (
            world.state_of_new(rows[0].section, term, today=today)
            if section is None
            else world.state_of(section, held[section.pk], at=at)
        )
        protected = sorting.protected_in(key)
        wanted = WantedRows(
            rows=tuple(rows),
            protected=protected,
            says_end=says_end,
            # Somebody without a number that can be read may be anybody.
            withholds_ends="" in protected,
            may_teach=may_teach,
        )
        tasks.append(SectionTask(state=state, wanted=wanted, key=key))
    return sorted(tasks, key=lambda task: (task.state.code, task.key))


def _bad_row(row: BadRosterRow) -> PlannedRow:
    return PlannedRow(
        action=Action.BAD,
        line=row.line,
        section=row.section,
        school_number=row.school_number,
        full_name=row.full_name,
        code=row.error.code,
        detail=in_words(row.error),
    )
