"""A school at work: students who check in, teachers who start, correct and finish.

Chance comes from a seed; the order in which threads get their turn does not.
"""

import random
import threading
import time
from collections.abc import Callable, Mapping
from types import TracebackType
from typing import Any
from uuid import UUID

from tests.faults.desks import PATIENCE, Desk, Lesson, PatientCaller, check_in
from tests.faults.journal import Journal
from tests.faults.rig import NOTHING, Member, People
from tests.support.waiting import wait_until

_REPEATED = 0.15
"""Share of acknowledged check-ins that are sent again."""

_LOOKED_AFTER = 3
_OF_A_SECTION = 0.5
"""Share of lessons that are of a section, where there are any."""


class Load:
    """A school at work for as long as the block runs; then every lesson is finished."""

    def __init__(
        self,
        port: int,
        people: People,
        journal: Journal,
        *,
        seed: int,
        teachers: int = 2,
        sections: Mapping[str, str] = NOTHING,
    ) -> None:
        self.port, self.people, self.journal = port, people, journal
        self.seed, self._sections = seed, sections
        self.lessons: list[Lesson] = []
        self.students_of_a_lesson = 20
        self._live: list[Lesson] = []
        self._stopping = threading.Event()
        self._lock = threading.Lock()
        self._errors: list[BaseException] = []
        self._teachers = [self._thread(self._teach, n) for n in range(teachers)]
        self._staff = [self._thread(self._look_after, 200)]
        self._students = [self._thread(self._attend, n) for n in range(100, 106)]

    def __enter__(self) -> "Load":
        for thread in (*self._teachers, *self._staff, *self._students):
            thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._stopping.set()
        for thread in (*self._teachers, *self._staff, *self._students):
            thread.join(3 * PATIENCE)
        if error is None and self._errors:
            raise self._errors[0]

    def acknowledged(self, more: int = 20) -> None:
        """Wait until so many more check-ins and corrections were acknowledged."""
        wanted = len(self.journal.acknowledged) + more
        wait_until(
            lambda: len(self.journal.acknowledged) >= wanted or self._errors,
            f"{more} more acknowledgements",
            seconds=PATIENCE,
        )

    def _thread(self, work: Callable[[int, random.Random], None], n: int) -> threading.Thread:
        def guarded() -> None:
            try:
                work(n, random.Random(f"{self.seed}-{n}"))
            except BaseException as error:
                self._errors.append(error)
                raise

        return threading.Thread(target=guarded, name=f"load-{n}", daemon=True)

    # Students

    def _attend(self, n: int, chance: random.Random) -> None:
        caller = PatientCaller(self.port, chance)
        while not self._stopping.is_set() or self._live:
            found = self._next_student(chance)
            if found is None:
                time.sleep(0.01)
                continue
            lesson, student = found
            if check_in(caller, self.journal, lesson.id, student):
                lesson.here.append(student)
            if chance.random() < _REPEATED:
                check_in(caller, self.journal, lesson.id, student)
        caller.close()

    def _next_student(self, chance: random.Random) -> tuple[Lesson, Member] | None:
        with self._lock:
            open_ones = [lesson for lesson in self._live if lesson.to_come and not lesson.is_over]
            if not open_ones:
                return None
            lesson = chance.choice(open_ones)
            return lesson, lesson.to_come.pop()

    # Teachers

    def _teach(self, n: int, chance: random.Random) -> None:
        caller, teacher = PatientCaller(self.port, chance), self.people.teachers[n]
        number = 0
        while not self._stopping.is_set():
            number += 1
            lesson = self._start(caller, teacher, chance, number)
            if lesson is not None:
                self._hold(caller, teacher, lesson, chance)
        caller.close()

    def _start(
        self, caller: PatientCaller, teacher: Member, chance: random.Random, number: int
    ) -> Lesson | None:
        request_id = f"start-{self.seed}-{teacher.school_number}-{number}"
        body: dict[str, Any] = {"lesson_name": f"Lesson {number}", "minutes": 45}
        section = self._sections.get(teacher.school_number)
        if section and chance.random() < _OF_A_SECTION:
            body["section"] = section
        status, told = caller.call("POST", "lessons/", teacher.token, body, request_id)
        if status != 201:
            # The one before may not be over: finish it.
            # A lesson of a section is joined.
            before = told.get("lesson_id") or told.get("id")
            if before:
                caller.call("POST", f"lessons/{before}/finish/", teacher.token)
            return None
        students = chance.sample(self.people.students, self.students_of_a_lesson)
        lesson = Lesson(UUID(told["id"]), students)
        with self._lock:
            self.lessons.append(lesson)
            self._live.append(lesson)
        return lesson

    def _hold(
        self, caller: PatientCaller, teacher: Member, lesson: Lesson, chance: random.Random
    ) -> None:
        desk = Desk(caller, self.journal, teacher, lesson, chance)
        while lesson.to_come and not self._stopping.is_set():
            desk.correct_somebody()
            time.sleep(0.01)
        desk.add_somebody()
        if chance.random() < 0.5:
            desk.extend()
        lesson.is_over = True
        # A finish persists; a correction after it may find the lesson in either store.
        desk.finish()
        with self._lock:
            self._live.remove(lesson)
        desk.correct_somebody()

    # Staff

    def _look_after(self, n: int, chance: random.Random) -> None:
        """Corrections at any moment of a lesson, also while it is being stored."""
        caller, person = PatientCaller(self.port, chance), self.people.staff[0]
        desks: dict[UUID, Desk] = {}
        while not self._stopping.is_set() or self._live:
            time.sleep(0.01)
            if self.lessons:
                # The newest are those that end.
                lesson = chance.choice(self.lessons[-_LOOKED_AFTER:])
                new = Desk(caller, self.journal, person, lesson, chance)
                desks.setdefault(lesson.id, new).correct_somebody()
        caller.close()
