"""What bounds a scenario: what may happen in it, how often, and where somebody stops."""

from collections.abc import Mapping
from typing import NamedTuple

EVERY_STEP = (
    *("claimed", "snapshot_taken", "before_commit", "committed", "names_held", "discarded"),
)
"""users_ensured and rows_written are inside the transaction: nobody else sees a difference."""


class Ask(NamedTuple):
    times: int
    """At most, with those of the setting."""
    actor: str = ""
    """Who asks; nobody for what simply happens."""


class Scenario(NamedTuple):
    name: str
    asks: Mapping[str, Ask]
    setting: tuple[str, ...]
    """What has happened before."""
    task_stops: tuple[str, ...]
    tasks: int = 1
    runs: int = 1
    """Runs of the task that begin, by whichever."""
    deaths: int = 0
    mortals: tuple[str, ...] = ("task 1", "task 2")
    with_section: bool = False
    """Whether there is a section, in which both students are enrolled."""
    with_accounts: bool = False
    """Whether both students have accounts from the beginning, and the first has two."""
    runs_elsewhere: int = 0
    """Runs of another site, with a database of its own, that begin on this Redis."""
    with_marks: bool = False
    """Whether what each store has heard of the other one's age is part of the state."""
    with_watch: bool = False
    """Whether what the process of the site remembers is part of the state; needs `with_marks`."""
    call_stops: tuple[str, ...] = ()
    """Scripts before which a request can be overtaken; none makes each request one step."""


BEGUN = {
    "start": Ask(1, "teacher"),
    "check in A": Ask(1, "student"),
    "check in B": Ask(1, "student"),
    "finish": Ask(1, "teacher"),
}
OVER = ("start", "check in A", "check in B", "finish")
"""Both students were there, and the lesson is over."""
