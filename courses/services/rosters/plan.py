"""What an import would do, row by row. A plan is shown, named by its digest, and applied."""

import hashlib
from collections import Counter
from collections.abc import Sequence
from datetime import date
from enum import StrEnum

import msgspec


class Action(StrEnum):
    CREATE = "create"
    UPDATE = "update"
    END = "end"
    UNCHANGED = "unchanged"
    BAD = "bad"


WRITES = frozenset({Action.CREATE, Action.UPDATE, Action.END})


class PlannedRow(msgspec.Struct, frozen=True, kw_only=True):
    action: Action
    line: int | None
    """None: an enrolment that the file does not have any more."""
    section: str
    school_number: str = ""
    full_name: str = ""
    role: str = ""
    begins_on: date | None = None
    ends_on: date | None = None
    enrolment_id: int | None = None
    code: str = ""
    """Why it is bad, or what there is to know of it."""
    detail: str = ""
    """The same as a sentence, in the language of whoever reads the plan."""


class Note(msgspec.Struct, frozen=True):
    """What there is to know of a section; no error."""

    code: str
    detail: str


class PlannedSection(msgspec.Struct, frozen=True, kw_only=True):
    section_id: int | None
    """None: it would be made."""
    code: str
    title: str
    enrolled: int
    """The running enrolments of the source system, before."""
    rows: tuple[PlannedRow, ...]
    notes: tuple[Note, ...] = ()

    @property
    def ends(self) -> int:
        return sum(row.action is Action.END for row in self.rows)

    @property
    def writes(self) -> tuple[PlannedRow, ...]:
        return tuple(row for row in self.rows if row.action in WRITES)


class PersonChange(StrEnum):
    CREATE = "create"
    COMPLETE = "complete"
    """A teacher whom a lesson or another roster made as a student, and who never signed in."""
    RENAME = "rename"


class PlannedPerson(msgspec.Struct, frozen=True, kw_only=True):
    school_number: str
    full_name: str
    change: PersonChange
    role: str
    """Of the account."""


class RosterPlan(msgspec.Struct, frozen=True, kw_only=True):
    digest: str
    term: str
    sections: tuple[PlannedSection, ...]
    people: tuple[PlannedPerson, ...]
    elsewhere: tuple[PlannedRow, ...]
    """Bad rows that belong to no section."""
    unread_columns: tuple[str, ...]

    @property
    def rows(self) -> list[PlannedRow]:
        """All rows in the order of the file; after them what ends because it is missing."""
        rows = [row for section in self.sections for row in section.rows]
        return sorted([*rows, *self.elsewhere], key=_place)

    @property
    def bad(self) -> list[PlannedRow]:
        return [row for row in self.rows if row.action is Action.BAD]

    @property
    def counts(self) -> dict[str, int]:
        """How many rows there are of each action, and what else would be made or changed."""
        actions = Counter(row.action for row in self.rows)
        changes = Counter(person.change for person in self.people)
        new_sections = sum(s.section_id is None and bool(s.writes) for s in self.sections)
        return {
            **{action.value: actions[action] for action in Action},
            "sections_created": new_sections,
            "people_created": changes[PersonChange.CREATE],
            "people_completed": changes[PersonChange.COMPLETE],
            "people_renamed": changes[PersonChange.RENAME],
        }

    @property
    def ends(self) -> int:
        return sum(section.ends for section in self.sections)

    @property
    def is_empty(self) -> bool:
        """Whether applying it would write nothing."""
        return not self.people and not any(section.writes for section in self.sections)


def make_plan(
    *,
    term: str,
    sections: Sequence[PlannedSection],
    people: Sequence[PlannedPerson],
    elsewhere: Sequence[PlannedRow],
    unread_columns: Sequence[str],
) -> RosterPlan:
    plan = RosterPlan(
        digest="",
        term=term,
        sections=tuple(sections),
        people=tuple(people),
        elsewhere=tuple(elsewhere),
        unread_columns=tuple(unread_columns),
    )
    return msgspec.structs.replace(plan, digest=_digest(plan))


def _digest(plan: RosterPlan) -> str:
    """A name for what the plan does; the language in which it is shown is no part of it."""
    names = hashlib.sha256()
    for section in plan.sections:
        names.update(msgspec.json.encode((section.section_id, section.code, section.enrolled)))
        names.update(msgspec.json.encode([note.code for note in section.notes]))
        names.update(msgspec.json.encode([_without_words(row) for row in section.rows]))
    names.update(msgspec.json.encode((plan.people, [_without_words(r) for r in plan.elsewhere])))
    return names.hexdigest()[:32]


def _without_words(row: PlannedRow) -> PlannedRow:
    return msgspec.structs.replace(row, detail="") if row.detail else row


def _place(row: PlannedRow) -> tuple[bool, int, str, str]:
    return (row.line is None, row.line or 0, row.section, row.school_number)
