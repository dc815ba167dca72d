"""What there is of a section, and what a file says of it: all that a decision needs."""

from datetime import date
from typing import NamedTuple

from courses.services.rosters.reading import RosterRow


class Held(NamedTuple):
    """An enrolment that is there; those that never came about are left out."""

    id: int
    school_number: str
    """Of the person."""
    account: str
    """The number of the account that is enrolled: another one where accounts were merged."""
    full_name: str
    role: str
    begins_on: date
    ends_on: date | None
    system: str
    """Its name, or '' where it is of the source that is being imported."""

    def is_running(self, today: date) -> bool:
        return self.ends_on is None or self.ends_on > today

    def meets(self, first: date | None, end: date | None) -> bool:
        """Whether it shares a day with [first, end); None is open."""
        begins_before = end is None or self.begins_on < end
        return begins_before and (first is None or self.ends_on is None or first < self.ends_on)


class SectionState(NamedTuple):
    section_id: int | None
    code: str
    title: str
    term: str
    starts_on: date
    ends_on: date
    is_archived: bool
    today: date
    """Where the section is taught."""
    held: tuple[Held, ...]


class WantedRows(NamedTuple):
    """What a file says of a section."""

    rows: tuple[RosterRow, ...]
    protected: frozenset[str]
    """The numbers in its bad rows: these enrolments are left as they are."""
    says_end: bool
    withholds_ends: bool
    may_teach: bool
    """Whether whoever imports may enrol others than students."""
