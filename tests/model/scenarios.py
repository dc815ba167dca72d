"""What the model lets happen, and how often: each scenario is searched to its end."""

from tests.model import store_scenarios
from tests.model.bounds import BEGUN, EVERY_STEP, OVER, Ask, Scenario

DEATHS = Scenario(
    "two tasks, and deaths at every step",
    BEGUN,
    OVER,
    EVERY_STEP,
    tasks=2,
    runs=2,
    deaths=2,
)
EDITS = Scenario(
    "corrections around two tasks",
    {**BEGUN, "correct A": Ask(2, "teacher")},
    OVER,
    ("snapshot_taken", "committed", "names_held"),
    tasks=2,
    runs=2,
    deaths=1,
)
OUTAGE = Scenario(
    "a correction that cannot reach Redis",
    {
        **BEGUN,
        "finish": Ask(2, "teacher"),
        "correct A": Ask(1, "teacher"),
        "cut off: correct A": Ask(1, "teacher"),
    },
    OVER,
    ("snapshot_taken", "committed", "names_held"),
    runs=2,
    deaths=1,
)
OVERTAKEN = Scenario(
    "corrections that are overtaken between their own steps",
    {**BEGUN, "correct A": Ask(1, "teacher"), "again: correct A": Ask(1, "staff")},
    OVER,
    ("snapshot_taken", "before_commit", "committed", "names_held"),
    call_stops=("read_record", "correct"),
)
ENDS = Scenario(
    "the end moves, and the clock",
    {
        **BEGUN,
        "extend": Ask(1, "teacher"),
        "time passes": Ask(1),
        "clock is set back": Ask(1),
    },
    ("start", "check in A"),
    ("snapshot_taken", "committed"),
)
JUMPS = Scenario(
    "a clock that goes forth, back and forth",
    {
        "start": Ask(1, "teacher"),
        "check in A": Ask(1, "student"),
        "check in B": Ask(1, "student"),
        "time passes": Ask(2),
        "clock is set back": Ask(1),
    },
    ("start", "check in A"),
    ("snapshot_taken", "committed"),
)
REWOUND = Scenario(
    "Redis comes back older",
    {
        **BEGUN,
        "correct A": Ask(2, "teacher"),
        "correct B": Ask(1, "teacher"),
        "backup": Ask(1),
        "restore": Ask(1),
    },
    (*OVER, "backup", "correct A"),
    ("snapshot_taken", "committed"),
    runs=2,
    deaths=1,
)
REUSED = Scenario(
    "one request id for two changes, and a repeat",
    {**BEGUN, "reuse: correct A": Ask(2, "teacher"), "reuse: correct B": Ask(1, "staff")},
    OVER,
    ("snapshot_taken", "committed"),
    runs=2,
    deaths=1,
    call_stops=("correct",),
)
LOST = Scenario(
    "Redis is lost, and receipts are sent back",
    {
        **BEGUN,
        "correct A": Ask(1, "teacher"),
        "redeem A": Ask(1, "student"),
        "redeem B": Ask(1, "student"),
        "backup": Ask(1),
        "restore": Ask(1),
        "empty": Ask(1),
    },
    ("start", "check in A", "backup", "check in B"),
    (),
)
STARTS = Scenario(
    "a teacher starts twice, and starts die",
    {
        "start": Ask(1, "teacher"),
        "finish": Ask(1, "teacher"),
        "start now": Ask(1, "starter 1"),
        "start too": Ask(1, "starter 2"),
    },
    ("start", "finish"),
    ("names_held",),
    deaths=1,
    mortals=("starter 1", "starter 2"),
    call_stops=("take_code", "create_lesson", "take_name", "go_live"),
)
_OF_SECTION = {
    "start of the section": Ask(1, "teacher"),
    "check in A": Ask(1, "student"),
    "finish": Ask(1, "teacher"),
}
_OVER_WITHOUT_B = ("start of the section", "check in A", "finish")

ABSENCES = Scenario(
    "a section: absences that are approved and withdrawn",
    {
        **_OF_SECTION,
        "approve B": Ask(1, "office"),
        "withdraw B": Ask(1, "office"),
        "correct B": Ask(1, "teacher"),
    },
    _OVER_WITHOUT_B,
    ("rosters_read", "committed"),
    runs=2,
    deaths=1,
    with_section=True,
)
ROSTERS = Scenario(
    "a section: a roster that changes around the task",
    {
        **_OF_SECTION,
        "unenrol B": Ask(1, "office"),
        "correct A": Ask(1, "teacher"),
    },
    _OVER_WITHOUT_B,
    ("rosters_read", "committed"),
    runs=2,
    deaths=1,
    with_section=True,
)
NOT_HELD = Scenario(
    "a section: a lesson that was not held, and held after all",
    {
        **_OF_SECTION,
        "not held": Ask(1, "teacher"),
        "held again": Ask(1, "teacher"),
        "approve B": Ask(1, "office"),
    },
    _OVER_WITHOUT_B,
    ("committed",),
    runs=2,
    deaths=1,
    with_section=True,
)
BLANKS = Scenario(
    "a section: marks come back where the system has filled a blank",
    {
        **_OF_SECTION,
        "check in B": Ask(1, "student"),
        "correct B": Ask(1, "teacher"),
        "undo B": Ask(1, "teacher"),
        "redeem B": Ask(1, "student"),
        "backup early": Ask(1),
        "backup": Ask(1),
        "restore early": Ask(1),
        "restore": Ask(1),
    },
    (
        *("start of the section", "check in A", "backup early", "check in B", "backup"),
        *("restore early", "finish"),
    ),
    (),
    with_section=True,
)
WITH_SECTION = (ABSENCES, ROSTERS, NOT_HELD, BLANKS)
ALL = (
    *(DEATHS, EDITS, OUTAGE, OVERTAKEN, ENDS, JUMPS, REWOUND, REUSED, LOST, STARTS),
    *WITH_SECTION,
    *(store_scenarios.REMEMBERED, store_scenarios.OLDER_POSTGRESQL),
)
"""Searched whole. The others of `store_scenarios` and those of `alias_scenarios` are followed along
the ways of their mutants alone: no search of them has come to its end yet."""
