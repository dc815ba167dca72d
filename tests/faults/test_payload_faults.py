"""Bytes and keys that no script of ATTN wrote, put in while everybody works."""

from collections.abc import Callable, Iterator
from typing import Any
from uuid import UUID, uuid4

import pytest

from attendance.live import envelope
from tests.faults.processes import LEFT_TO_WORKERS, SITE, backlog, is_left
from tests.faults.rig import Rig, Site
from tests.faults.school import School
from tests.support.damage import DAMAGED_RECORDS, json_of
from tests.support.lessons import put_record, sealed_record
from tests.support.waiting import wait_until

KINDS: dict[str, Callable[[UUID, str], bytes]] = {
    **DAMAGED_RECORDS,
    "huge": lambda i, n: sealed_record(i, n, json_of(n, "x" * 2_000_000)),
    "a record of another lesson": lambda i, n: sealed_record(uuid4(), n, json_of(n)),
    "a control character": lambda i, n: sealed_record(i, n, json_of(n, "A\\u0007da")),
    "an event": lambda i, n: envelope.seal(i, "event", "2", "2,1,r,,", b"{}"),
}


@pytest.fixture(scope="module")
def site(shared_rig: Rig) -> Iterator[Site]:
    """A site that leaves every lesson to the workers, who find it by due alone."""
    with shared_rig.site(app=SITE, env=LEFT_TO_WORKERS) as served:
        yield served


def test_corrupt_records_of_every_kind_harm_nobody_else(school: School) -> None:
    with school.at_work() as load:
        desk = school.lesson(10, teacher=5)
        for n, damage in enumerate(KINDS.values()):
            raw = damage(desk.lesson.id, f"X-{n}")
            put_record(desk.lesson.id, f"X-{n}", raw, redis=school.rig.redis())
        # In place of an acknowledged mark as well: its bytes are kept.
        known = desk.lesson.here.pop().school_number
        put_record(desk.lesson.id, known, b"garbage \x00\xff", redis=school.rig.redis())
        desk.correct_somebody()
        desk.finish()
        load.acknowledged(20)

    audit = school.holds()

    assert audit.quarantined == len(KINDS) + 1
    assert _stored_in(school, desk.lesson.id) == 9


def test_corrupt_events_harm_no_record(school: School) -> None:
    with school.at_work():
        desk = school.lesson(10, teacher=5)
        events = f"attn:{{{desk.lesson.id}}}:events"
        other = envelope.seal(uuid4(), "event", "3", "3,1,r,,", b"{}")
        for raw in (b"", b"garbage", b"2|", b"[" * 5_000, other, b"x" * 2_000_000):
            school.rig.redis().rpush(events, raw)
        desk.correct_somebody()
        desk.finish()

    school.holds()

    with school.rig.sql() as sql:
        kept = sql.execute(
            "SELECT count(*) FROM attendance_quarantinedpayload WHERE kind = 'event'"
        ).fetchone()
    assert kept == (6,)
    assert _stored_in(school, desk.lesson.id) == 10


@pytest.mark.parametrize("part", ["lesson", "records", "events", "corrupt", "refusals"])
def test_a_key_of_a_lesson_of_the_wrong_type_harms_no_other_lesson(
    part: str, school: School
) -> None:
    live = school.rig.redis()
    with school.at_work():
        desk = school.lesson(10, teacher=5)
        key = f"attn:{{{desk.lesson.id}}}:{part}"
        before: Any = live.dump(key)
        _make_wrong(school.rig, key)
        others = backlog(school, lessons=2)
        wait_until(lambda: not any(is_left(school, each) for each in others), "the others")
        # A person puts it right again.
        live.delete(key)
        if before:
            live.restore(key, 0, before)
        school.let_in(desk, [12])
        desk.finish()

    school.holds()


@pytest.mark.parametrize("queue", ["due", "parked", "outboxes"])
def test_a_queue_of_the_wrong_type_under_load_begins_anew(queue: str, school: School) -> None:
    # Over and not yet stored: nobody but the ledger names them any more.
    backlog(school, lessons=2)
    _make_wrong(school.rig, f"attn:{{queue}}:{queue}")
    with school.at_work() as load:
        for _ in range(3):
            _make_wrong(school.rig, f"attn:{{queue}}:{queue}")
            load.acknowledged(15)

    school.holds()


def test_names_of_the_wrong_type_under_load_hold_up_no_mark(school: School) -> None:
    with school.at_work() as load:
        desk = school.lesson(10, teacher=5)
        live = school.rig.redis()
        codes: Any = live.keys("attn:code:*")
        for key in codes:
            _make_wrong(school.rig, key.decode())
        teacher = f"attn:teacher:{school.rig.people.teachers[0].school_number}"
        _make_wrong(school.rig, teacher)
        load.acknowledged(15)
        desk.correct_somebody()
        desk.finish()
        live.delete(teacher, *codes)

    school.holds()


def test_request_ids_of_the_wrong_type_under_load_hold_up_no_change(school: School) -> None:
    with school.at_work():
        desk = school.lesson(10, teacher=5)
        desk.correct_somebody()
        _make_wrong(school.rig, f"attn:{{{desk.lesson.id}}}:requests")
        desk.correct_somebody()
        assert desk.use_an_id_twice() == "request_id_reused"
        school.let_in(desk, [12])
        desk.finish()
        wait_until(lambda: not is_left(school, desk), "the lesson")
        assert desk.use_an_id_twice() == "request_id_reused"

    school.holds()


def _make_wrong(rig: Rig, key: str) -> None:
    pipe = rig.redis().pipeline()
    pipe.delete(key)
    if key.endswith((":events", ":corrupt")):
        pipe.set(key, "a string")
    else:
        pipe.rpush(key, "a list")
    pipe.execute()


def _stored_in(school: School, lesson_id: UUID) -> int:
    with school.rig.sql() as sql:
        row = sql.execute(
            "SELECT count(*) FROM attendance_attendancerecord WHERE attendance_id = %s", [lesson_id]
        ).fetchone()
    assert row is not None
    return int(row[0])
