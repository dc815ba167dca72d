"""Students who check in at once, and what each of them was told."""

import threading
import time
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from uuid import UUID

from attendance.errors import LiveStoreUnavailable
from attendance.models import AttendanceRecord
from attendance.services.check_in import check_in
from tests.support.lessons import student

THREADS, SECONDS = 6, 60


class Crowd:
    """Each student checks in to each lesson, and again until somebody says that it is done."""

    def __init__(self, lesson_ids: list[UUID]) -> None:
        self.lesson_ids = lesson_ids
        self.acknowledged: set[tuple[UUID, str]] = set()
        self.unavailable = 0
        self._next = 0
        self._lock = threading.Lock()
        self._is_over = threading.Event()

    @contextmanager
    def checking_in(self) -> Iterator[None]:
        """New students come for as long as the block runs; nobody is left half way."""
        with ThreadPoolExecutor(THREADS) as pool:
            crowd: list[Future[None]] = [pool.submit(self._come) for _ in range(THREADS)]
            try:
                yield
            finally:
                self._is_over.set()
        for one in crowd:
            one.result()

    def wait_for(self, more: int) -> None:
        """Wait until so many more check-ins are acknowledged."""
        wanted, deadline = len(self.acknowledged) + more, time.monotonic() + SECONDS
        while len(self.acknowledged) < wanted:
            assert time.monotonic() < deadline, "nobody gets in any more"
            time.sleep(0.01)

    def wait_for_refusals(self, more: int) -> None:
        wanted, deadline = self.unavailable + more, time.monotonic() + SECONDS
        while self.unavailable < wanted:
            assert time.monotonic() < deadline, "nobody was told to try again"
            time.sleep(0.01)

    def stored(self) -> set[tuple[UUID, str]]:
        rows = AttendanceRecord.objects.filter(attendance_id__in=self.lesson_ids)
        found = list(rows.values_list("attendance_id", "student__school_number"))
        assert len(found) == len(set(found))
        return set(found)

    def _come(self) -> None:
        while not self._is_over.is_set():
            with self._lock:
                self._next += 1
                number = self._next
            for lesson_id in self.lesson_ids:
                self._check_in(lesson_id, number)

    def _check_in(self, lesson_id: UUID, number: int) -> None:
        deadline = time.monotonic() + SECONDS
        while time.monotonic() < deadline:
            try:
                check_in(lesson_id, student=student(number))
            except LiveStoreUnavailable:
                with self._lock:
                    self.unavailable += 1
                time.sleep(0.02)
            else:
                with self._lock:
                    self.acknowledged.add((lesson_id, student(number).school_number))
                return
        raise AssertionError(f"{number} never got in")
