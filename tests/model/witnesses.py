"""For each guard a shortest way on which the model lost or doubled something without it.

A way is tried before anything is searched: one that still leads to a fault is proof enough.
Where the protocol has changed and it does not, the search finds another, and prints it.
"""

from collections.abc import Mapping

WAYS: Mapping[str, tuple[str, ...]] = {
    "discard before the commit": (
        "task 1 begins",
        "task 1 goes on",
        "task 1 goes on",
    ),
    "DO NOTHING for known records": (
        "task 1 begins",
        "task 1 goes on",
        "task 1 dies",
        "correct A",
    ),
    "discard whatever has changed": (
        "task 1 begins",
        "task 1 goes on",
        "correct A",
        "task 1 goes on",
    ),
    "discard whatever the revision": (
        "time passes",
        "task 1 begins",
        "task 1 goes on",
        "clock is set back",
        "check in B",
        "time passes",
        "task 1 goes on",
    ),
    "discard whatever the last event": (
        "task 1 begins",
        "task 1 goes on",
        "restore",
        "correct A",
        "task 1 goes on",
    ),
    "discard also before the end": (
        "finish",
        "task 1 begins",
        "task 1 goes on",
        "clock is set back",
        "task 1 goes on",
    ),
    "an error taken for absence": (
        "task 1 begins",
        "task 1 goes on",
        "cut off: correct A",
    ),
    "a rewound copy taken for one that is gone": (
        "task 1 begins",
        "task 1 goes on",
        "task 1 goes on",
        "restore",
    ),
    "a word that was overruled is counted as unchanged": (
        "task 1 begins",
        "task 1 goes on",
        "task 1 dies",
        "restore",
        "correct A",
        "correct B",
    ),
    "no lift for a lost lesson": (
        "empty",
        "redeem A",
        "restore",
    ),
    "the ledger is not asked where to correct": (
        "task 1 begins",
        "task 1 goes on",
        "task 1 goes on",
        "restore",
        "correct A",
    ),
    "a rewound copy taken for a new one": (
        "task 1 begins",
        "task 1 goes on",
        "task 1 dies",
        "restore",
        "correct A",
    ),
    "a correction raises no revision": ("correct A",),
    "a correction in PostgreSQL raises no revision": (
        "task 1 begins",
        "task 1 goes on",
        "task 1 goes on",
        "correct A",
    ),
    "a check-in raises no revision": (
        "time passes",
        "task 1 begins",
        "task 1 goes on",
        "clock is set back",
        "task 1 goes on",
        "check in B",
    ),
    "a correction does not look at the revision that was read": (
        "correct A",
        "teacher goes on",
        "again: correct A",
        "staff goes on",
        "staff goes on",
        "teacher goes on",
    ),
    "a late word about a discard is believed": (
        "task 1 begins",
        "task 1 goes on",
        "correct A",
        "task 2 begins",
        "task 1 goes on",
        "task 2 goes on",
        "task 1 goes on",
        "task 2 goes on",
        "task 2 goes on",
    ),
    "due is left before the lesson is discarded": (
        "task 1 begins",
        "task 1 goes on",
        "correct A",
        "task 1 goes on",
    ),
    "a teacher's name is taken whoever has it": (
        "start now",
        "starter 1 goes on",
        "starter 1 goes on",
        "start too",
        "starter 1 goes on",
        "starter 1 goes on",
        "starter 2 goes on",
        "starter 2 goes on",
        "starter 2 goes on",
    ),
    "a name is freed whoever has it": (
        "task 1 begins",
        "start now",
        "starter 1 goes on",
        "starter 1 goes on",
        "starter 1 goes on",
        "task 1 goes on",
        "starter 1 goes on",
    ),
}
