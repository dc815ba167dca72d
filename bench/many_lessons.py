"""Lists of a student and of staff with 4,000 lessons in Redis, against the same with 40; counts.

ATTN_WRITE_FIGURES=yes ./attn test bench/many_lessons.py -s
"""

import time
from functools import partial
from typing import Any
from uuid import UUID

import pytest

from attendance.live import client, keys, store
from attendance.live.payloads import LiveLesson
from attendance.models import LessonLedger
from attendance.services import ledger
from attendance.services.check_in import check_in
from attendance.services.corrections import Correction, correct_record
from attendance.services.lessons import LessonPlan, start_lesson
from attendance.services.persistence import unified_persistence_task
from attendance.vocabulary import Verdict
from bench.figures import ROUNDS, Figure, middle, note, spread
from tests.support.backlog import Backlog, fill, student, teacher
from tests.support.callers import Api
from tests.support.lessons import TEACHER, end, forget_everything
from tests.support.members import STAFF
from users.identity import Person

FEW, MANY, ASKED = 40, 4_000, 10
MANY_CHANGES, CHANGES = {"live": 4_000, "stored": 1_000}, 50
ME = student(19_999)
"""In none of the filled lessons."""


@pytest.mark.django_db(transaction=True)
@pytest.mark.timeout(600)
def test_lists_with_many_lessons_in_redis() -> None:
    lists = {
        "`GET me/records/` of a student who is in one lesson": partial(
            asked, Api(ME), "me/records/"
        ),
        "`GET lessons/` of staff": partial(asked, Api(STAFF), "lessons/"),
    }
    found: dict[str, list[tuple[float, float]]] = {what: [] for what in lists}
    for _ in range(ROUNDS + 1):
        few = {what: ask() for what, ask in after(FEW, lists)}
        many = {what: ask() for what, ask in after(MANY, lists)}
        for what in lists:
            found[what].append((few[what], many[what]))
    for what, pairs in found.items():
        note(
            Figure(
                f"{what}, {MANY:,} lessons in Redis against {FEW}",
                "none set",
                f"{spread(many / few for few, many in pairs[1:])} ×",
                f"{middle(m for _, m in pairs[1:]):.1f} ms and "
                f"{middle(f for f, _ in pairs[1:]):.1f} ms",
            )
        )


@pytest.mark.django_db(transaction=True)
def test_counts_of_a_lesson_of_5000() -> None:
    (lesson_id,) = fill(Backlog(1, share=5_000))
    ratios, counted, unchanged = [], [], []
    for number in range(ROUNDS + 1):
        # A hint of boards: the lesson is in another state, and all of it is counted.
        client.connection().hset(keys.lesson(lesson_id), "roster_changes", number + 1)
        counted.append(microseconds(lesson_id))
        unchanged.append(microseconds(lesson_id))
        ratios.append(counted[-1] / unchanged[-1])
    note(
        Figure(
            "what Redis takes to count the statuses of a lesson of 5,000, against saying that "
            "nothing has changed",
            "none set",
            f"{spread(ratios[1:])} ×",
            f"{middle(counted[1:]):,.0f} µs and {middle(unchanged[1:]):,.0f} µs",
        )
    )


@pytest.mark.django_db(transaction=True)
@pytest.mark.timeout(600)
def test_a_correction_after_many_changes() -> None:
    """Once in each store."""
    for series, where in enumerate(MANY_CHANGES):
        few, many = (
            _corrected_lesson(who, is_stored=where == "stored")
            for who in map(teacher, (series, series + 2))
        )
        correct(many, MANY_CHANGES[where])
        pairs = [(correct(few, CHANGES), correct(many, CHANGES)) for _ in range(ROUNDS + 1)][1:]
        note(
            Figure(
                f"a correction in a {where} lesson with {MANY_CHANGES[where]:,} changes, against "
                "one with few",
                "none set",
                f"{spread(late / early for early, late in pairs)} ×",
                f"{middle(p[1] for p in pairs):.1f} ms and {middle(p[0] for p in pairs):.1f} ms",
            )
        )


def _corrected_lesson(who: Person, *, is_stored: bool) -> UUID:
    lesson_id = start_lesson(LessonPlan("Bench", minutes=30), teacher=who).id
    check_in(lesson_id, student=ME)
    if is_stored:
        end(lesson_id, teacher=who)
        assert unified_persistence_task().totals.counts.inserted == 1
    return lesson_id


def correct(lesson_id: UUID, changes: int) -> float:
    """Milliseconds of one of so many corrections."""
    begun = time.perf_counter()
    for n in range(changes):
        verdict = (Verdict.LATE, Verdict.EXCUSE)[n % 2]
        correct_record(
            Correction(
                lesson_id=lesson_id,
                school_number=ME.school_number,
                verdict=verdict,
                actor=STAFF,
                reason=f"Reason {n}",
            )
        )
    return (time.perf_counter() - begun) * 1_000 / changes


def microseconds(lesson_id: UUID) -> int:
    """In which the server does nothing else."""
    before = _spent()
    assert store.count_lessons([lesson_id])[lesson_id].statuses == {"present": 5_000}
    return _spent() - before


def _spent() -> int:
    told: Any = client.connection().info("commandstats")
    return int(told.get("cmdstat_evalsha", {"usec": 0})["usec"])


def after(lessons: int, lists: Any) -> Any:
    """The same lists, once Redis holds so many lessons, and the ledger names them."""
    forget_everything()
    LessonLedger.objects.all().delete()
    held = store.read_lessons(fill(Backlog(lessons, share=1))).values()
    ledger.observe([lesson for lesson in held if isinstance(lesson, LiveLesson)])
    check_in(start_lesson(LessonPlan("Bench", minutes=30), teacher=TEACHER).id, student=ME)
    return lists.items()


def asked(caller: Api, path: str) -> float:
    """Milliseconds of one answer."""
    assert caller.get(path).json()["results"]
    begun = time.perf_counter()
    for _ in range(ASKED):
        caller.get(path)
    return (time.perf_counter() - begun) * 1_000 / ASKED
