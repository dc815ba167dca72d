"""The faults of a soak, beside what was acknowledged of the lessons in question."""

import re
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import NamedTuple

from tests.faults.journal import Journal

_LESSON = re.compile(r"\b[0-9a-f]{12}\b")


class Noted(NamedTuple):
    began: float
    ended: float
    kind: str


class Timeline:
    """The faults, by the monotonic clock."""

    def __init__(self) -> None:
        self._began = time.monotonic()
        self._faults: list[Noted] = []

    @contextmanager
    def noted(self, kind: str) -> Iterator[None]:
        began = time.monotonic()
        yield
        self._faults.append(Noted(began, time.monotonic(), kind))

    def around(self, journal: Journal, texts: Iterable[str]) -> list[str]:
        """What was acknowledged of the lessons that an audit names, and the faults meanwhile."""
        named = {name for text in texts for name in _LESSON.findall(text)}
        said = [each for each in journal.acknowledged if str(each.lesson_id)[-12:] in named]
        lines = [
            (
                each.heard_at,
                f"{str(each.lesson_id)[-12:]} {each.kind} {each.school_number} {each.status}"
                f" at {each.revision}{' (new)' if each.is_first else ''}",
            )
            for each in said
        ]
        first = min((at for at, _ in lines), default=0.0)
        last = max((at for at, _ in lines), default=0.0)
        for fault in list(self._faults):
            if fault.began <= last and first <= fault.ended:
                lines += [(fault.began, f"> {fault.kind}"), (fault.ended, f"< {fault.kind}")]
        return [f"{at - self._began:8.2f} {what}" for at, what in sorted(lines)]
