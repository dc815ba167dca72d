"""People at work over HTTP: students who check in, teachers who start, correct and finish.

They repeat what was not answered, as a browser or an app would, and write each
acknowledgement down. Chance comes from a seed; the order in which threads get
their turn does not.
"""

import json
import random
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from http.client import HTTPConnection, HTTPException
from types import TracebackType
from typing import Any
from uuid import UUID, uuid5

from tests.faults.journal import ADD, CHECK_IN, CORRECT, RECEIPT, Acknowledged, Journal, Sent
from tests.faults.rig import Member, People
from tests.faults.servers import wait_until

PATIENCE = 40.0
"""Seconds that somebody goes on repeating one request."""

_ANSWER = 20.0
_REPEATED = 0.15
"""Share of acknowledged check-ins that are sent again."""

_LOOKED_AFTER = 3

STATUSES = ("late", "absent", "excused", "present")


class Caller:
    """A connection to the site that repeats until there is an answer."""

    def __init__(self, port: int, chance: random.Random) -> None:
        self._port, self._chance = port, chance
        self._connection: HTTPConnection | None = None

    def call(
        self, method: str, path: str, token: str, body: Any = None, request_id: str = ""
    ) -> tuple[int, dict[str, Any]]:
        """The first answer that is not "try again"; (0, {}) when patience is at its end."""
        headers = {"Authorization": f"Token {token}", "Content-Type": "application/json"}
        if request_id:
            headers["Idempotency-Key"] = request_id
        until = time.monotonic() + PATIENCE
        while time.monotonic() < until:
            status, told = self._once(method, f"/api/v1/{path}", body, headers)
            if 200 <= status < 500 and status != 429:
                return status, told
            time.sleep(self._chance.uniform(0.02, 0.15))
        return 0, {}

    def _once(
        self, method: str, path: str, body: Any, headers: dict[str, str]
    ) -> tuple[int, dict[str, Any]]:
        if self._connection is None:
            self._connection = HTTPConnection("127.0.0.1", self._port, timeout=_ANSWER)
        try:
            self._connection.request(method, path, json.dumps(body or {}), headers)
            answer = self._connection.getresponse()
            return answer.status, json.loads(answer.read() or b"{}")
        except (OSError, HTTPException, ValueError):
            self.close()
            return 0, {}

    def close(self) -> None:
        if self._connection is not None:
            self._connection.close()
        self._connection = None


class Lesson:
    """A lesson as those in it see it: who has still to come, and who was acknowledged."""

    def __init__(self, lesson_id: UUID, students: list[Member]) -> None:
        self.id = lesson_id
        self.to_come = students
        self.here: list[Member] = []
        self.is_over = False


class Load:
    """A school at work for as long as the block runs; then every lesson is finished."""

    def __init__(
        self, port: int, people: People, journal: Journal, *, seed: int, teachers: int = 2
    ) -> None:
        self.port, self.people, self.journal = port, people, journal
        self.seed = seed
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
        caller = Caller(self.port, chance)
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
        caller, teacher = Caller(self.port, chance), self.people.teachers[n]
        number = 0
        while not self._stopping.is_set():
            number += 1
            lesson = self._start(caller, teacher, chance, number)
            if lesson is not None:
                self._hold(caller, teacher, lesson, chance)
        caller.close()

    def _start(
        self, caller: Caller, teacher: Member, chance: random.Random, number: int
    ) -> Lesson | None:
        request_id = f"start-{self.seed}-{teacher.school_number}-{number}"
        body = {"lesson_name": f"Lesson {number}", "minutes": 45}
        status, told = caller.call("POST", "lessons/", teacher.token, body, request_id)
        if status != 201:
            # The one before may not be over: finish it.
            if told.get("lesson_id"):
                caller.call("POST", f"lessons/{told['lesson_id']}/finish/", teacher.token)
            return None
        students = chance.sample(self.people.students, self.students_of_a_lesson)
        lesson = Lesson(UUID(told["id"]), students)
        with self._lock:
            self.lessons.append(lesson)
            self._live.append(lesson)
        return lesson

    def _hold(self, caller: Caller, teacher: Member, lesson: Lesson, chance: random.Random) -> None:
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
        caller, person = Caller(self.port, chance), self.people.staff[0]
        desks: dict[UUID, Desk] = {}
        while not self._stopping.is_set() or self._live:
            time.sleep(0.01)
            if self.lessons:
                # The newest are those that end.
                lesson = chance.choice(self.lessons[-_LOOKED_AFTER:])
                new = Desk(caller, self.journal, person, lesson, chance)
                desks.setdefault(lesson.id, new).correct_somebody()
        caller.close()


class Desk:
    """A teacher at one lesson; one change after the other."""

    def __init__(
        self,
        caller: Caller,
        journal: Journal,
        teacher: Member,
        lesson: Lesson,
        chance: random.Random,
    ) -> None:
        self._caller, self._journal, self._teacher = caller, journal, teacher
        self.lesson, self._chance, self._changes = lesson, chance, 0

    def correct_somebody(self) -> None:
        if self.lesson.here:
            student = self._chance.choice(self.lesson.here)
            status = self._chance.choice(STATUSES)
            sent = self._sent(CORRECT, student.school_number, status)
            body = {"status": status, "reason": f"change {self._changes}"}
            self._change("PATCH", sent, body)

    def add_somebody(self) -> None:
        """A student whom nobody knows yet: a user that only the lesson brings along."""
        number = f"N-{uuid5(self.lesson.id, 'added').hex[:12].upper()}"
        sent = self._sent(ADD, number, "present")
        body = {"full_name": "Student without an account", "status": "present"}
        self._change("PUT", sent, body)

    def extend(self) -> None:
        end = (datetime.now(UTC) + timedelta(hours=2)).isoformat()
        path = f"lessons/{self.lesson.id}/"
        self._caller.call("PATCH", path, self._teacher.token, {"ends_at": end}, self._next_id())

    def finish(self) -> None:
        path = f"lessons/{self.lesson.id}/finish/"
        self._caller.call("POST", path, self._teacher.token, None, self._next_id())

    def _next_id(self) -> str:
        self._changes += 1
        return f"change-{self._teacher.school_number}-{self.lesson.id.hex[:12]}-{self._changes}"

    def _sent(self, kind: str, number: str, status: str) -> Sent:
        return Sent(kind, self.lesson.id, number, status, self._next_id())

    def _change(self, method: str, sent: Sent, body: dict[str, str]) -> None:
        path = f"lessons/{sent.lesson_id}/records/{sent.school_number}/"
        self._journal.send(sent)
        answer = self._caller.call(method, path, self._teacher.token, body, sent.request_id)
        _write_down(self._journal, sent, *answer)


def check_in(caller: Caller, journal: Journal, lesson_id: UUID, student: Member) -> bool:
    """One student says "here". Returns whether it was acknowledged."""
    sent = Sent(CHECK_IN, lesson_id, student.school_number, "", "")
    journal.send(sent)
    answer = caller.call("POST", f"lessons/{lesson_id}/check-in/", student.token)
    return _write_down(journal, sent, *answer)


def send_receipts(port: int, people: People, journal: Journal) -> int:
    """Every student sends the receipts that they were given. Returns how many were taken."""
    caller = Caller(port, random.Random(0))
    tokens = {each.school_number: each.token for each in people.students}
    wanted: list[Acknowledged] = list(journal.receipts())
    taken = 0
    for each in wanted:
        sent = Sent(RECEIPT, each.lesson_id, each.school_number, each.status, "")
        journal.send(sent)
        token = tokens[each.school_number]
        answer = caller.call("POST", "receipts/", token, {"receipt": each.receipt})
        taken += _write_down(journal, sent, *answer)
    with suppress(OSError):
        caller.close()
    return taken


def _write_down(journal: Journal, sent: Sent, status: int, told: dict[str, Any]) -> bool:
    if status in {200, 201}:
        journal.acknowledge(sent, status, told)
        return True
    if status:
        journal.refuse(sent, status, told)
    else:
        journal.give_up(sent)
    return False
