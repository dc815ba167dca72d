"""As `witnesses.py`: of stores of different ages, and of people whose numbers change."""

from collections.abc import Mapping

_RUN = ("task 1 begins", "task 1 goes on")
"""One that stores and discards: it stops behind its commit."""

_IN_BETWEEN = (
    *("take away", "elsewhere begins", "return"),
    *("elsewhere goes on", "elsewhere goes on"),
)
"""Another site looks at a Redis that is empty, and goes on with the true one."""

WAYS: Mapping[str, tuple[str, ...]] = {
    "a run does not look whose Redis it is": (
        "elsewhere begins",
        "elsewhere goes on",
        "elsewhere goes on",
        "task 1 begins",
    ),
    "a snapshot does not look whose lesson it is": _IN_BETWEEN,
    "neither a snapshot nor a discard looks whose lesson it is": _IN_BETWEEN,
    "a copy is whole, whatever was seen": ("correct A", "restore", "check in B", "finish"),
    "a word in Redis is not written down": ("correct A", "restore"),
    "Redis hears of no commit": (*_RUN, "restore PostgreSQL"),
    "Redis remembers no lesson that has left it": (*_RUN, "restore PostgreSQL"),
    "a word on a stored lesson has no number": (
        *_RUN,
        "backup PostgreSQL",
        "correct A",
        "restore PostgreSQL",
    ),
    "a number that two commits have says nothing": (
        *("task 1 begins", "backup PostgreSQL", "task 1 goes on"),
        *("correct A", "restore PostgreSQL", "redeem A"),
    ),
    "nobody compares what was acknowledged with both stores": ("restore",),
    "a finish is not remembered": ("restore", "finish"),
    "nothing comes in from an older copy": ("take away", "redeem A", "return"),
    "a former number stands for nobody": ("renumber A", "task 1 begins", "task 1 goes on"),
    "a number that has changed is not written down": (
        "renumber A",
        "task 1 begins",
        "task 1 goes on",
    ),
    "a former number is given to somebody else": (
        "renumber A",
        "give away A",
        "task 1 begins",
        "task 1 goes on",
    ),
    "a check-in looks under one number": ("check in A", "renumber A", "check in A"),
    "a correction looks under one number": ("check in A", "renumber A", "correct A"),
}
