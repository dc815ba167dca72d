"""What was sent and what was acknowledged, written down by whoever heard it."""

import threading
import time
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple
from uuid import UUID

CHECK_IN, CORRECT, ADD, RECEIPT = "check_in", "correct", "add", "receipt"


class Sent(NamedTuple):
    """One change that somebody asked for, whatever became of it."""

    kind: str
    lesson_id: UUID
    school_number: str
    status: str
    """What a correction says; '' where the server decides."""
    request_id: str


class Acknowledged(NamedTuple):
    """What the server has promised."""

    kind: str
    lesson_id: UUID
    school_number: str
    full_name: str
    status: str
    checked_in_at: str | None
    revision: int
    request_id: str
    is_first: bool
    """201: the server says that it has made this record now."""
    receipt: str
    heard_at: float
    """By the monotonic clock, in seconds."""


class Journal:
    """Thread-safe, and only ever added to."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self.sent: list[Sent] = []
        self.acknowledged: list[Acknowledged] = []
        self.refused: list[tuple[Sent, int, str]] = []
        self.given_up: list[Sent] = []

    def send(self, sent: Sent) -> None:
        with self._lock:
            self.sent.append(sent)

    def acknowledge(self, sent: Sent, status: int, told: Mapping[str, Any]) -> None:
        with self._lock:
            self.acknowledged.append(
                Acknowledged(
                    sent.kind,
                    sent.lesson_id,
                    told["school_number"],
                    told["full_name"],
                    told["status"],
                    told["checked_in_at"],
                    told["revision"],
                    sent.request_id,
                    status == 201,
                    told.get("receipt", ""),
                    time.monotonic(),
                )
            )

    def refuse(self, sent: Sent, status: int, told: Mapping[str, Any]) -> None:
        with self._lock:
            self.refused.append((sent, status, str(told.get("code", ""))))

    def give_up(self, sent: Sent) -> None:
        with self._lock:
            self.given_up.append(sent)

    def marks(self) -> dict[tuple[UUID, str], list[Acknowledged]]:
        """All that was acknowledged, by lesson and student."""
        found: dict[tuple[UUID, str], list[Acknowledged]] = {}
        with self._lock:
            for each in self.acknowledged:
                found.setdefault((each.lesson_id, each.school_number), []).append(each)
        return found

    def receipts(self) -> Iterator[Acknowledged]:
        """The first receipt of each student and lesson."""
        for marks in self.marks().values():
            first = next((each for each in marks if each.receipt), None)
            if first is not None:
                yield first
