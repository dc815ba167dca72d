"""What the people of the model were told: the truth that both stores are held against.

A word is what somebody said of a student and was acknowledged: `here` for a
check-in, `receipt` for a mark that a receipt brought back, the request id for a
correction. Two words whose requests overlapped may come in either order. `blank` says that
nobody has spoken: a mark of the system, or an addition that was taken back.
"""

from typing import NamedTuple

from tests.model.remembering import Remembered
from tests.model.stores import Postgresql, RedisContent, canonical_redis

HERE, RECEIPT, BLANK = "here", "receipt", "blank"


class StudentSeen(NamedTuple):
    words: tuple[str, ...] = ()
    """Acknowledged, in this order."""
    floor: int = -1
    """The first of them that may be the last word: what is older must not be."""
    stored: int = -1
    """What PostgreSQL held of them when Redis came back older."""
    receipt: str = ""
    is_sure: bool = True
    """Whether the ledger sent the last word to PostgreSQL: then it stands there."""

    def place(self, word: str) -> int:
        """The last place of a word, or -1."""
        places = [i for i, each in enumerate(self.words) if each == word]
        return places[-1] if places else -1

    def told(self, word: str, call: "RequestUnderWay", gone: frozenset[str]) -> "StudentSeen":
        """A word is acknowledged: what was acknowledged before its request began is older.

        `gone` are the words that neither store holds, and that may come back.
        """
        if word == RECEIPT and 0 <= self.stored == self.place(HERE):
            # PostgreSQL has the very check-in: either may stand.
            return self._replace(
                words=(*self.words[: self.stored + 1], RECEIPT, *self.words[self.stored + 1 :])
            )
        if word == RECEIPT and gone.intersection(self.words[self.place(HERE) + 1 :]):
            return self._back_by_receipt()
        if word == BLANK:
            # Taken back: any word may stand again, and none has to.
            return self._replace(floor=-1)
        return self._replace(words=(*self.words, word), floor=call.known, is_sure=call.is_sure)

    def _back_by_receipt(self) -> "StudentSeen":
        """A receipt is as old as its check-in: a teacher's word that comes back is newer."""
        place = self.place(HERE) + 1
        words = (*self.words[:place], RECEIPT, *self.words[place:])
        return self._replace(words=words, floor=place, stored=-1, is_sure=True)


class RequestUnderWay(NamedTuple):
    """A request under way."""

    action: str
    request_id: str
    number: str = ""
    """The student of whom it speaks."""
    known: int = 0
    """How many words were acknowledged of them when it began."""
    is_sure: bool = False
    """Whether the ledger said `discarded` when it began."""


class Memory(NamedTuple):
    clock_ms: int
    students: dict[str, StudentSeen]
    events: frozenset[str] = frozenset()
    """Request ids that were acknowledged and must be events in the end."""
    calls: tuple[tuple[str, RequestUnderWay], ...] = ()
    """By the actor that makes it."""
    used: tuple[str, ...] = ()
    """The actions taken so far that are bounded, in canonical order."""
    backup: RedisContent | None = None
    is_rewound: bool = False
    """Whether Redis has come back older, or empty."""
    early: RedisContent | None = None
    """A backup that is older than `backup`."""
    rosters: frozenset[tuple[str, ...]] = frozenset()
    """Who was expected at any instant until now."""

    older: Postgresql | None = None
    """A backup of PostgreSQL."""
    gone: frozenset[str] = frozenset()
    """Whose check-in is gone with a store, although a run had seen it: it has to be told."""
    dropped: frozenset[str] = frozenset()
    """Request ids that were acknowledged and are gone with a store: each has to be told."""
    seen: frozenset[str] = frozenset()
    """Whose check-in was there when a run began, or is remembered by the process of the site."""
    site: Remembered = Remembered()

    @property
    def key(self) -> str:
        parts = (
            *(self.clock_ms, sorted(self.students.items()), sorted(self.events)),
            *(sorted(self.calls), self.used, self.is_rewound, sorted(self.rosters)),
            *(sorted(self.gone), sorted(self.dropped), sorted(self.seen)),
            *(
                None if each is None else canonical_redis(each)
                for each in (self.backup, self.early)
            ),
            None if self.older is None else self.older.canonical,
            self.site.key,
        )
        return repr(parts)

    def with_student(self, number: str, student: StudentSeen) -> "Memory":
        return self._replace(students={**self.students, number: student})
