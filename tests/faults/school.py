"""A rig, a school at work on it, and the count at the end: what a fault test is written with."""

import random
from collections.abc import Iterable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from typing import Any
from uuid import UUID

from tests.faults.audit import Audit, assert_holds
from tests.faults.desks import Desk, Lesson, PatientCaller, check_in, send_receipts
from tests.faults.journal import Journal
from tests.faults.load import Load
from tests.faults.rig import NOTHING, Rig, Site


class School:
    """What one test does to one rig."""

    def __init__(self, rig: Rig, site: Site, seed: int) -> None:
        self.rig, self.site, self.seed = rig, site, seed
        self.journal = Journal()
        self.chance = random.Random(seed)
        self._caller = PatientCaller(site.port, self.chance)

    @contextmanager
    def at_work(
        self,
        *,
        workers: int = 2,
        teachers: int = 2,
        env: Mapping[str, str] = NOTHING,
        sections: Mapping[str, str] = NOTHING,
    ) -> Iterator[Load]:
        """Teachers and students at work, and as many persisting processes.

        Where there are `sections`, their codes by teacher, half of the lessons are of one.

        It is under way when the block begins, and goes on for a while after its end.
        """
        load = Load(
            self.site.port,
            self.rig.people,
            self.journal,
            seed=self.seed,
            teachers=teachers,
            sections=sections,
        )
        with ExitStack() as stack:
            for _ in range(workers):
                stack.enter_context(self.rig.worker("loop", "0.05", env=env))
            with load:
                load.acknowledged(20)
                yield load
                load.acknowledged(20)

    def lesson(self, students: int = 20, *, teacher: int = 0) -> Desk:
        """A live lesson with students who have checked in; its teacher's desk."""
        person = self.rig.people.teachers[teacher]
        told = self._caller.call(
            "POST", "lessons/", person.token, {"lesson_name": "Physics", "minutes": 45}
        )[1]
        # Asked again after an answer that was lost, the site names the lesson that was started.
        lesson = Lesson(UUID(told.get("id") or told["lesson_id"]), [])
        desk = Desk(self._caller, self.journal, person, lesson, self.chance)
        self.let_in(desk, range(students))
        return desk

    def ask_who_they_are(self, students: Iterable[int]) -> None:
        """As a page does before a check-in: the cache knows their tokens from then on."""
        for n in students:
            status, _ = self._caller.call("GET", "me/", self.rig.people.students[n].token)
            assert status == 200

    def let_in(self, desk: Desk, students: Iterable[int]) -> None:
        """These students check in to a lesson."""
        for n in students:
            student = self.rig.people.students[n]
            if check_in(self._caller, self.journal, desk.lesson.id, student):
                desk.lesson.here.append(student)

    def finish_everything(self) -> None:
        """Staff end what a restored copy has opened again: its teacher has gone home."""
        staff = self.rig.people.staff[0]
        due: Any = self.rig.redis().zrange("attn:{queue}:due", 0, -1)
        for each in due:
            self._caller.call("POST", f"lessons/{each.decode()}/finish/", staff.token)

    def close(self) -> None:
        self._caller.close()

    def send_receipts(self) -> int:
        """Every student sends every receipt. Returns how many were taken."""
        return send_receipts(self.site.port, self.rig.people, self.journal)

    def holds(self) -> Audit:
        """Everything is let run to rest, and each promise holds."""
        return assert_holds(self.rig, self.journal)
