"""What Redis lacks of a lesson: it was seen before, or counted, and is not there any more."""

from typing import NamedTuple

INCOMPLETE = (
    "incomplete: of this lesson Redis lacks %s that were seen before. What is there is stored, and "
    "stays in Redis too. Ask the students for their receipts, or bring the newer copy of Redis "
    "back; where nothing more will come, accept it: manage.py reconcile."
)


class Lack(NamedTuple):
    records: int = 0
    """Marks that were counted and are not there."""
    events: int = 0
    """Changes with an event that are not there."""
    revisions: int = 0
    """By how much the copy is older than the newest revision that was seen."""

    @property
    def is_whole(self) -> bool:
        return not any(self)

    @property
    def text(self) -> str:
        """One line for the ledger and the report; '' where nothing is missing."""
        names = ("records", "events", "revisions")
        parts = [f"{count} {name}" for count, name in zip(self, names, strict=True) if count]
        return INCOMPLETE % ", ".join(parts) if parts else ""


WHOLE = Lack()
