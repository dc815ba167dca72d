"""Whose word counts where several have spoken of one student in one lesson.

    staff > teacher > verifier > student = receipt > system

Of equal rank, the last decision and the first arrival count. Every claim stays in the
history of the record, also one that does not count.
"""

from typing import Final

RANK: Final = {
    "system": 0,
    "student": 1,
    "receipt": 1,
    "verifier": 2,
    "teacher": 3,
    "staff": 4,
}
"""The rank of each source; a higher one is not overruled by a lower one."""

SYSTEM: Final = "system"


def is_outranked(source: str, *, by: str) -> bool:
    """Whether a word of `source` leaves a record as it is that a word of `by` has made."""
    return RANK[source] < RANK[by]


def is_blank(source: str | None) -> bool:
    """Whether nobody has spoken yet: no record, or one that the system made."""
    return source is None or source == SYSTEM
