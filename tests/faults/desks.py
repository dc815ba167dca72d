"""People over HTTP: they repeat what was not answered, and write down what was acknowledged."""

import json
import random
import time
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from http.client import HTTPConnection, HTTPException
from typing import Any
from uuid import UUID, uuid5

from tests.faults.journal import ADD, CHECK_IN, CORRECT, RECEIPT, Acknowledged, Journal, Sent
from tests.faults.rig import Member, People

PATIENCE = 40.0
"""Seconds that somebody goes on repeating one request."""

_ANSWER = 20.0
STATUSES = ("late", "absent", "excused", "present")


class PatientCaller:
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


class Desk:
    """A teacher at one lesson; one change after the other."""

    def __init__(
        self,
        caller: PatientCaller,
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

    def use_an_id_twice(self) -> str:
        """Correct one student, and another one under the same id. Returns the second's code."""
        one, other = self._chance.sample(self.lesson.here, 2)
        sent = self._sent(CORRECT, one.school_number, "late")
        self._change("PATCH", sent, {"status": "late", "reason": "tram"})
        path = f"lessons/{self.lesson.id}/records/{other.school_number}/"
        # Nothing is promised for it, so nothing of it may be found.
        answer = self._caller.call(
            "PATCH",
            path,
            self._teacher.token,
            {"status": "absent", "reason": "gone"},
            sent.request_id,
        )
        return str(answer[1].get("code"))

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


def check_in(caller: PatientCaller, journal: Journal, lesson_id: UUID, student: Member) -> bool:
    """One student says "here". Returns whether it was acknowledged."""
    sent = Sent(CHECK_IN, lesson_id, student.school_number, "", "")
    journal.send(sent)
    answer = caller.call("POST", f"lessons/{lesson_id}/check-in/", student.token)
    return _write_down(journal, sent, *answer)


def send_receipts(port: int, people: People, journal: Journal) -> int:
    """Every student sends the receipts that they were given. Returns how many were taken."""
    caller = PatientCaller(port, random.Random(0))
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
