"""A lesson with as many events as it can have: found in one step, and never in anybody's way."""

from collections.abc import Iterator
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest

from attendance.errors import LessonHasTooManyChanges, RequestIdReused
from attendance.live import client, envelope, keys, payloads, store
from attendance.live.payloads import EventData
from attendance.live.store import request_ids
from attendance.models import AttendanceEvent, AttendanceRecord, LessonLedger
from attendance.rules import instants
from attendance.selectors.shapes import RegisterRecord
from attendance.services import receipts, request_keys
from attendance.services.check_in import check_in
from attendance.services.corrections import Correction, correct_record
from attendance.services.lessons import extend_lesson, finish_lesson, rename_lesson
from attendance.services.rosters import not_held
from attendance.services.verifier import DEFAULT_REASON, VERIFIER
from attendance.vocabulary import MOST_EVENTS, LessonState, Verdict
from tests.support.lessons import TEACHER, live_lesson, put_counts, redis_state, student
from tests.support.sections import user_of
from users.identity import Person, Role

pytestmark = pytest.mark.django_db(transaction=True)

STAFF = Person("STAFF-1", "Staff 1", Role.STAFF)
FEW = 3


@pytest.fixture
def few(monkeypatch: pytest.MonkeyPatch) -> None:
    for module in (request_ids, request_keys):
        monkeypatch.setattr(module, "MOST_EVENTS", FEW)


def say(lesson_id: UUID, number: int = 1, actor: Person = TEACHER, **more: Any) -> RegisterRecord:
    values = {"verdict": Verdict.LATE, "reason": "tram"} | more
    number_of = student(number).school_number
    return correct_record(
        Correction(lesson_id=lesson_id, school_number=number_of, actor=actor, **values)
    )


def changes_of_a_teacher(lesson_id: UUID, *, is_live: bool) -> Iterator[Any]:
    later = store.now() + timedelta(hours=3)
    yield lambda: say(lesson_id)
    yield lambda: say(lesson_id, 9, verdict=Verdict.ACCEPT, full_name="Nine")
    yield lambda: rename_lesson(lesson_id, "Art", actor=TEACHER)
    yield lambda: not_held.say_not_held(lesson_id, actor=TEACHER, reason="snow")
    if is_live:
        yield lambda: extend_lesson(lesson_id, later, actor=TEACHER)


def full_lesson() -> UUID:
    lesson_id = live_lesson(3).id
    for n in range(FEW):
        say(lesson_id, reason=f"reason {n}", request_id=f"r-{n}")
    return lesson_id


def test_a_teacher_is_refused_and_nothing_is_changed(few: None) -> None:
    lesson_id = full_lesson()
    before = redis_state()

    for change in changes_of_a_teacher(lesson_id, is_live=True):
        with pytest.raises(LessonHasTooManyChanges):
            change()

    assert redis_state() == before
    assert say(lesson_id, reason="reason 0", request_id="r-0").reason == f"reason {FEW - 1}"
    with pytest.raises(RequestIdReused):
        say(lesson_id, 2, request_id="r-0")


def test_nobody_else_is_kept_from_anything(few: None) -> None:
    user_of(STAFF)
    lesson_id = live_lesson(3).id
    say(lesson_id, 8, verdict=Verdict.ACCEPT, full_name="Student 0008")
    receipt = receipts.issue(check_in(lesson_id, student=student(1)))
    for n in range(FEW):
        say(lesson_id, 2, actor=STAFF, reason=f"reason {n}")
    redis: Any = client.connection()
    redis.hset(keys.records(lesson_id), "S-0001", b"garbage")

    assert check_in(lesson_id, student=student(7)).record.status == "present"
    assert check_in(lesson_id, student=student(8)).record.checked_in_at is not None
    assert receipts.redeem(receipt, caller=student(1)).outcome is receipts.Found.RESTORED
    assert say(lesson_id, 3, STAFF).status == "late"
    verdict = {"verdict": Verdict.REJECT, "reason": DEFAULT_REASON, "is_verdict": True}
    assert say(lesson_id, 7, VERIFIER, **verdict).source in {"verifier", "student"}
    done = finish_lesson(lesson_id, actor=TEACHER)

    assert done.report is not None
    assert LessonLedger.objects.get(pk=lesson_id).state == LessonState.DISCARDED
    assert AttendanceRecord.objects.count() == 5
    assert AttendanceEvent.objects.count() == FEW + 6


def test_a_stored_lesson_takes_no_more_of_a_teacher_either(few: None) -> None:
    user_of(STAFF)
    lesson_id = full_lesson()
    finish_lesson(lesson_id, actor=TEACHER)
    before = AttendanceEvent.objects.count()

    for change in changes_of_a_teacher(lesson_id, is_live=False):
        with pytest.raises(LessonHasTooManyChanges):
            change()

    assert AttendanceEvent.objects.count() == before
    assert say(lesson_id, 2, STAFF).status == "late"


def fill(lesson_id: UUID, most: int = MOST_EVENTS) -> None:
    """Give a live lesson events of requests `many-0` and so on, as the scripts write them."""
    lesson = store.read_lesson(lesson_id)
    at, first = instants.milliseconds(lesson.read_at), lesson.revision + 1
    json = payloads.encode(EventData("record_corrected", TEACHER, "teacher", student(1), "tram"))
    pipe: Any = client.connection().pipeline(transaction=False)
    for n in range(most):
        revision, request_id = first + n, f"many-{n}"
        stamp = f"{revision},{at},{request_id},{n:032x},late,late"
        event = envelope.seal(lesson_id, "event", str(revision), stamp, json)
        entry = envelope.seal(lesson_id, "request", request_id, f"{revision},{n:032x}", b"")
        pipe.rpush(keys.events(lesson_id), event)
        pipe.hset(keys.requests(lesson_id), request_id, entry)
    pipe.execute()
    put_counts(lesson_id, revision=first + most - 1, event_count=lesson.event_count + most)


def commands() -> dict[str, int]:
    """How often each command was run, inside scripts too."""
    counted: dict[str, int] = {}
    for server in client.servers():
        stats: Any = server.info("commandstats")
        for name, stat in stats.items():
            counted[name] = counted.get(name, 0) + stat["calls"]
    return counted


def cost_of(change: Any) -> dict[str, int]:
    before = commands()
    change()
    after = commands()
    ran = {name: after[name] - before.get(name, 0) for name in after}
    return {name: n for name, n in ran.items() if n and name != "cmdstat_info"}


def test_fifty_thousand_events_cost_no_step_more() -> None:
    user_of(STAFF)
    small, large = (
        live_lesson(3, teacher=Person(f"T-{n}", f"Teacher {n}", Role.TEACHER)).id for n in (1, 2)
    )
    fill(large)
    assert store.read_lesson(large).event_count == MOST_EVENTS
    for lesson_id in (small, large):
        # The first use of a script loads it, whichever test that was.
        say(lesson_id, 3, STAFF, request_id="warm")
        rename_lesson(lesson_id, "Music", actor=STAFF, request_id="warm-name")

    costs = [
        [
            cost_of(lambda i=lesson_id: say(i, 1, STAFF, request_id="new")),
            cost_of(lambda i=lesson_id: say(i, 1, STAFF, request_id="new")),
            cost_of(lambda i=lesson_id: rename_lesson(i, "Art", actor=STAFF, request_id="name")),
        ]
        for lesson_id in (small, large)
    ]

    assert costs[0] == costs[1]
    assert not any("lrange" in name or "hgetall" in name for cost in costs[1] for name in cost)
    with pytest.raises(RequestIdReused):
        say(large, 2, STAFF, request_id="many-25000")
    with pytest.raises(LessonHasTooManyChanges):
        say(large, 2, Person("T-2", "Teacher 2", Role.TEACHER))


def test_a_lesson_that_is_full_of_changes_is_stored() -> None:
    lesson_id = live_lesson(3).id
    fill(lesson_id)

    done = finish_lesson(lesson_id, actor=TEACHER)

    assert done.report is not None
    assert done.report.sums_agree
    assert AttendanceEvent.objects.count() == MOST_EVENTS + 1
    assert not client.connection().exists(*keys.of_lesson(lesson_id))
