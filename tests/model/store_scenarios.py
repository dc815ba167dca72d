"""Scenarios in which a store comes back older, or is not the one it should be."""

from tests.model.bounds import BEGUN, OVER, Ask, Scenario

OLDER_POSTGRESQL = Scenario(
    "PostgreSQL comes back older",
    {
        **BEGUN,
        "correct A": Ask(1, "teacher"),
        "redeem A": Ask(1, "student"),
        "backup PostgreSQL": Ask(2),
        "restore PostgreSQL": Ask(1),
    },
    ("backup PostgreSQL", *OVER),
    ("committed",),
    runs=2,
    with_marks=True,
)
PROMOTED = Scenario(
    "a promoted copy with fewer marks",
    {
        **BEGUN,
        "check in B": Ask(2, "student"),
        "correct A": Ask(2, "teacher"),
        "redeem B": Ask(1, "student"),
        "backup": Ask(1),
        "restore": Ask(1),
    },
    ("start", "check in A", "backup", "check in B"),
    ("committed",),
    runs=2,
    with_marks=True,
)
JOINED = Scenario(
    "the true Redis returns after an empty one was in use",
    {
        **BEGUN,
        "correct A": Ask(2, "teacher"),
        "redeem A": Ask(1, "student"),
        "redeem B": Ask(1, "student"),
        "take away": Ask(1),
        "return": Ask(1),
    },
    (*OVER, "correct A"),
    (),
    with_marks=True,
)
TWO_SITES = Scenario(
    "two sites on one Redis",
    {
        "start": Ask(1, "teacher"),
        "check in A": Ask(1, "student"),
        "finish": Ask(1, "teacher"),
        "correct A": Ask(1, "teacher"),
        "take away": Ask(1),
        "return": Ask(1),
    },
    ("start", "check in A", "task 1 begins", "finish"),
    ("committed",),
    runs=2,
    runs_elsewhere=2,
    with_marks=True,
)
REMEMBERED = Scenario(
    "the site remembers more than Redis",
    {
        **BEGUN,
        "check in B": Ask(2, "student"),
        "correct A": Ask(1, "teacher"),
        "backup": Ask(1),
        "restore": Ask(1),
        "site looks": Ask(1, "site"),
    },
    ("start", "check in A", "backup", "check in B"),
    ("committed",),
    with_marks=True,
    with_watch=True,
)
ALL = (OLDER_POSTGRESQL, PROMOTED, JOINED, TWO_SITES, REMEMBERED)
