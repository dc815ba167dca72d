"""Scenarios in which people get other numbers, while their lesson is live and afterwards."""

from tests.model.bounds import BEGUN, Ask, Scenario

NEW_NUMBER = Scenario(
    "a student gets another number around the task",
    {
        **BEGUN,
        "correct A": Ask(1, "teacher"),
        "renumber A": Ask(1, "office"),
        "give away A": Ask(1, "office"),
        "restore": Ask(1),
        "backup": Ask(1),
    },
    ("start", "check in A", "backup", "finish"),
    ("snapshot_taken", "committed"),
    with_accounts=True,
)
TWO_NUMBERS = Scenario(
    "one student under two numbers, in a lesson that is live",
    {
        **BEGUN,
        "check in A": Ask(2, "student"),
        "stale: check in A": Ask(1, "student"),
        "check in D": Ask(1, "student"),
        "merge A": Ask(1, "office"),
        "renumber A": Ask(1, "office"),
        "correct A": Ask(1, "teacher"),
    },
    ("start",),
    (),
    runs=0,
    with_accounts=True,
)
ALL = (NEW_NUMBER, TWO_NUMBERS)
