"""Two chunks at a time: in order, never three, each with a connection that is closed again."""

import queue
import threading
from collections.abc import Iterator

import pytest
from django.db import connection

from attendance.models import AttendanceRecord, PersistenceRun
from attendance.services.persistence import (
    Observer,
    failpoints,
    halving,
    lanes,
    unified_persistence_task,
)
from attendance.services.persistence.candidates import RunOptions
from tests.support.lessons import ended_lessons

pytestmark = pytest.mark.django_db(transaction=True)

SECONDS = 20


def others() -> int:
    """Connections to this database beside our own."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database()"
            " AND pid <> pg_backend_pid()"
        )
        return int(cursor.fetchone()[0])


def test_results_come_in_the_order_of_the_chunks() -> None:
    second_is_done = threading.Event()

    def treat(number: int) -> int:
        if number == 0:
            assert second_is_done.wait(SECONDS)
        if number == 1:
            second_is_done.set()
        return number

    assert list(lanes.run(treat, iter(range(7)))) == list(range(7))


def test_two_are_under_way_and_no_third_is_asked_for() -> None:
    asked, done = 0, 0
    both = threading.Barrier(lanes.LANES, timeout=SECONDS)

    def chunks() -> Iterator[int]:
        nonlocal asked
        for number in range(10):
            asked += 1
            yield number

    def treat(number: int) -> int:
        nonlocal done
        both.wait()
        ahead = asked - done
        both.wait()
        done += 1
        return ahead

    assert max(lanes.run(treat, chunks())) <= lanes.LANES


@pytest.mark.parametrize("chunks", [0, 1])
def test_one_chunk_needs_no_thread(chunks: int) -> None:
    names: list[str] = []

    def treat(number: int) -> None:
        names.append(threading.current_thread().name)

    list(lanes.run(treat, iter(range(chunks))))
    assert names == [threading.current_thread().name] * chunks


def test_an_error_comes_out_when_the_other_lane_is_done() -> None:
    finished: list[int] = []

    def treat(number: int) -> int:
        if number == 0:
            raise RuntimeError("broken")
        finished.append(number)
        return number

    with pytest.raises(RuntimeError, match="broken"):
        list(lanes.run(treat, iter(range(5))))
    assert finished == [1]


def test_one_lane_reads_while_the_other_writes() -> None:
    turns, steps = lanes.Turns(), queue.SimpleQueue[str]()
    may_write, may_end = threading.Event(), threading.Event()

    def read_and_write(name: str) -> None:
        with turns.begin() as turn:
            steps.put(f"{name} reads")
            assert may_write.wait(SECONDS)
            turn.write()
            steps.put(f"{name} writes")
            assert may_end.wait(SECONDS)

    threads = [threading.Thread(target=read_and_write, args=(name,)) for name in "ab"]
    for thread in threads:
        thread.start()
    first = steps.get(timeout=SECONDS)[0]
    [other] = {"a", "b"} - {first}
    assert steps.empty()
    may_write.set()
    # The other one reads as soon as the first one writes, and writes once that is over.
    assert {steps.get(timeout=SECONDS) for _ in range(2)} == {f"{first} writes", f"{other} reads"}
    assert steps.empty()
    may_end.set()
    assert steps.get(timeout=SECONDS) == f"{other} writes"
    for thread in threads:
        thread.join(SECONDS)


def test_a_chunk_is_decoded_while_another_one_is_written() -> None:
    """A run waits for nothing else: each lane would wait for the other's step in vain."""
    ended_lessons(4, students=2)
    next_is_decoded = threading.Event()
    decoded: list[int] = []

    def note_decoded(_: object) -> None:
        decoded.append(1)
        if len(decoded) == 2:
            next_is_decoded.set()

    written: list[bool] = []

    def wait_for_the_next(_: object) -> None:
        written.append(next_is_decoded.wait(SECONDS if not written else 0))

    with (
        failpoints.installed("snapshot_taken", note_decoded),
        failpoints.installed("records_written", wait_for_the_next),
    ):
        report = unified_persistence_task(options=RunOptions(chunk_records=4))

    assert report.totals.outcomes == {"persisted": 4}
    assert written == [True, True]


def test_parts_of_a_lesson_are_written_in_the_turn_to_read() -> None:
    """They ensure users, and whoever writes must not wait for those of another lane."""
    turns = lanes.Turns()
    with turns.begin() as turn:
        halving.write([], turn)
        assert turns._reading.locked()


def test_a_run_in_two_lanes_stores_everything_once_and_closes_what_it_opened() -> None:
    lessons = ended_lessons(6, students=3)
    before = others()
    threads: set[str] = set()

    with failpoints.installed("committed", lambda _: threads.add(threading.current_thread().name)):
        report = unified_persistence_task(options=RunOptions(chunk_records=3))

    assert report.sums_agree
    assert report.totals.outcomes == {"persisted": len(lessons)}
    assert [each.lesson_name for each in report.lessons] == [f"Lesson {n}" for n in range(1, 7)]
    assert AttendanceRecord.objects.count() == 18
    assert PersistenceRun.objects.get().inserted == 18
    assert threads <= {f"attn-lane_{n}" for n in range(lanes.LANES)}
    assert others() == before


def test_a_stop_finishes_what_is_under_way_and_begins_nothing_else() -> None:
    ended_lessons(6, students=2)
    seen: Iterator[bool] = iter([False, False, True, True, True, True])

    report = unified_persistence_task(
        options=RunOptions(chunk_records=2), observer=Observer(should_stop=lambda: next(seen))
    )

    assert report.is_interrupted
    assert AttendanceRecord.objects.count() == 4
    assert unified_persistence_task().exit_status == 0
    assert AttendanceRecord.objects.count() == 12
