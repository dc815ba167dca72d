"""Named steps of the persistence task at which tests stop, crash or interfere.

A hook is a Python function that the same process has installed; nothing outside
can install one. Without a hook, a step costs one look into an empty dict.
"""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from uuid import UUID

Hook = Callable[[Sequence[UUID]], None]

STEPS = (
    "claimed",
    "snapshot_taken",
    "users_ensured",
    "rosters_read",
    "records_written",
    "rows_written",
    "before_commit",
    "committed",
    "names_held",
    "discarded",
)

_hooks: dict[str, Hook] = {}


def reach(step: str, lesson_ids: Sequence[UUID]) -> None:
    """Tell a hook, if there is one, that the task has come to this step."""
    hook = _hooks.get(step)
    if hook is not None:
        hook(lesson_ids)


@contextmanager
def installed(step: str, hook: Hook) -> Iterator[None]:
    """Call `hook` with the lesson ids each time the task comes to `step`."""
    if step not in STEPS:
        raise ValueError(f"{step!r} is not a step of the task; there are {', '.join(STEPS)}.")
    _hooks[step] = hook
    try:
        yield
    finally:
        del _hooks[step]
