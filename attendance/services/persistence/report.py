"""What a run of the persistence task says about itself."""

from collections import Counter
from collections.abc import Callable, Iterable
from enum import StrEnum
from typing import Any
from uuid import UUID

import msgspec

from attendance.vocabulary import Trigger

LESSONS_REPORTED = 1_000
EXIT_DONE, EXIT_QUARANTINED, EXIT_FAILED, EXIT_UNAVAILABLE, EXIT_INTERRUPTED = 0, 3, 4, 75, 130


class Outcome(StrEnum):
    """What became of one lesson in one run."""

    PERSISTED = "persisted"
    """Something was written and committed."""
    UNCHANGED = "unchanged"
    """All of it was stored before."""
    BUSY = "busy"
    """Somebody else works on it."""
    NOT_OVER = "not_over"
    GONE = "gone"
    """Redis does not hold it; the ledger knows whether it should."""
    QUARANTINED = "quarantined"
    """Its own data cannot be read or stored: it stays in Redis and waits for a person."""
    INCOMPLETE = "incomplete"
    """What is there is committed, and Redis lacks something that was seen before: it stays."""
    REWOUND = "rewound"
    """Redis holds an older copy of what PostgreSQL has."""
    FAILED = "failed"
    """It is tried again later."""
    LOST = "lost"
    """The ledger knows it and Redis does not hold it."""


TROUBLE = frozenset(
    {Outcome.FAILED, Outcome.QUARANTINED, Outcome.INCOMPLETE, Outcome.REWOUND, Outcome.LOST}
)
NOT_DONE = (Outcome.FAILED, Outcome.LOST, Outcome.INCOMPLETE)
"""Something that was acknowledged is not stored."""


class Counts(msgspec.Struct, frozen=True):
    """Payloads that stood where records should be, and what became of them."""

    recorded: int = 0
    """How many the scripts counted."""
    unscripted: int = 0
    """How many were there that no script had counted."""
    missing: int = 0
    """How many of those that were counted were not there."""
    read: int = 0
    inserted: int = 0
    updated: int = 0
    unchanged: int = 0
    quarantined: int = 0

    @property
    def sums_agree(self) -> bool:
        """Promise 6: captured = read = inserted + updated + unchanged + quarantined.

        What is missing was captured and cannot be read: it is told of, and nothing is discarded.
        """
        stored = self.inserted + self.updated + self.unchanged + self.quarantined
        return self.recorded + self.unscripted - self.missing == self.read == stored

    def __add__(self, other: "Counts") -> "Counts":
        return Counts(
            *(getattr(self, name) + getattr(other, name) for name in self.__struct_fields__)
        )


class LessonReport(msgspec.Struct, frozen=True):
    lesson_id: UUID
    outcome: Outcome
    lesson_name: str = ""
    counts: Counts = Counts()
    events_inserted: int = 0
    newly_quarantined: int = 0
    expected: int = 0
    """Who was on the roster, where this run closed it. Beside the sums: nobody captured it."""
    marked_absent: int = 0
    """Who of them had no mark, and got one of the system."""
    is_discarded: bool = False
    seconds: float = 0.0
    """From the start of its transaction to its discard; lessons of a chunk share it."""
    error: str = ""


class Totals(msgspec.Struct, frozen=True):
    lessons: int
    counts: Counts
    events_inserted: int
    newly_quarantined: int
    expected: int
    marked_absent: int
    outcomes: dict[str, int]


class PersistenceReport(msgspec.Struct, frozen=True):
    """The result of `unified_persistence_task`."""

    run_id: int | None
    trigger: Trigger
    is_dry_run: bool
    is_interrupted: bool
    unavailable: str
    """Why the run ended early: Redis or PostgreSQL cannot be reached; else ''."""
    lessons: tuple[LessonReport, ...]
    """Every lesson in trouble, and the first 1,000 others."""
    totals: Totals
    seconds: float

    @property
    def sums_agree(self) -> bool:
        return self.totals.counts.sums_agree

    @property
    def exit_status(self) -> int:
        """Interrupted before unavailable before failed before quarantined before done."""
        if self.is_interrupted:
            return EXIT_INTERRUPTED
        if self.unavailable:
            return EXIT_UNAVAILABLE
        if any(self.totals.outcomes.get(outcome) for outcome in NOT_DONE):
            return EXIT_FAILED
        if self.totals.newly_quarantined:
            return EXIT_QUARANTINED
        return EXIT_DONE

    def as_dict(self) -> dict[str, Any]:
        """Plain data for JSON; the counts of the totals stand at one level."""
        data: dict[str, Any] = msgspec.to_builtins(self)
        totals = data["totals"]
        data["totals"] = {**totals.pop("counts"), **totals}
        data["lessons"] = [{**row.pop("counts"), **row} for row in data["lessons"]]
        return data | {"sums_agree": self.sums_agree, "exit_status": self.exit_status}


class Tally:
    """Adds lessons up while a run goes on; its memory does not grow with the backlog."""

    def __init__(self, advance: Callable[[int], None]) -> None:
        self._advance = advance
        self._reports: list[LessonReport] = []
        self._others = 0
        self._counts = Counts()
        self._events = self._newly = self._expected = self._absent = 0
        self._outcomes: Counter[str] = Counter()

    def add(self, lessons: Iterable[LessonReport]) -> None:
        for lesson in lessons:
            self._outcomes[lesson.outcome] += 1
            self._counts += lesson.counts
            self._events += lesson.events_inserted
            self._newly += lesson.newly_quarantined
            self._expected += lesson.expected
            self._absent += lesson.marked_absent
            self._advance(lesson.counts.read)
            if lesson.outcome in TROUBLE:
                self._reports.append(lesson)
            elif self._others < LESSONS_REPORTED:
                self._others += 1
                self._reports.append(lesson)

    @property
    def lessons(self) -> tuple[LessonReport, ...]:
        return tuple(self._reports)

    def totals(self) -> Totals:
        return Totals(
            lessons=self._outcomes.total(),
            counts=self._counts,
            events_inserted=self._events,
            newly_quarantined=self._newly,
            expected=self._expected,
            marked_absent=self._absent,
            outcomes=dict(self._outcomes),
        )
