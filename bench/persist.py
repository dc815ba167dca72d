"""Persisting, against COPY, against what one would write first, and against itself.

./attn test bench/persist.py -s
"""

import os
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from django.db import connection

from attendance.live import client
from attendance.models import AttendanceRecord
from attendance.services.persistence import discard, lanes, unified_persistence_task
from bench import original, raw_copy, worker
from bench.figures import ROUNDS, Figure, middle, note, spread
from tests.support.backlog import Backlog, fill, students_of
from tests.support.factories import AttendanceFactory

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.timeout(3_000)]

USUAL = Backlog(lessons=500)
FOREIGN_KEYS = 1_000_000


def timed(work: Callable[[], object]) -> float:
    started = time.perf_counter()
    work()
    return time.perf_counter() - started


def fresh(backlog: Backlog) -> None:
    """A backlog in Redis, nothing of it in PostgreSQL, and its statistics at rest."""
    raw_copy.empty_tables()
    fill(backlog)
    with connection.cursor() as cursor:
        # What an earlier round has left to be written is not this round's work.
        cursor.execute("CHECKPOINT")


def persist(backlog: Backlog) -> float:
    """Persist all of it, and see that all of it is there and gone from Redis."""
    fresh(backlog)
    seconds = timed(lambda: check(backlog))
    assert raw_copy.counted() == (backlog.lessons, backlog.records, backlog.lessons)
    assert not client.connection().exists("attn:{queue}:due")
    return seconds


def check(backlog: Backlog) -> None:
    report = unified_persistence_task()
    assert report.sums_agree
    assert report.totals.counts.inserted == backlog.records, report


def test_against_raw_copy() -> None:
    persist(USUAL)
    rows = [raw_copy.stored_rows(form) for form in ("text", "binary")]
    ratios, ours, limits = [], [], []
    for _ in range(ROUNDS):
        limit = []
        for each in rows:
            raw_copy.empty_tables()
            limit.append(raw_copy.copy_in(each))
            assert raw_copy.counted() == (USUAL.lessons, USUAL.records, USUAL.lessons)
        ours.append(persist(USUAL))
        limits.append(min(limit))
        ratios.append(limits[-1] / ours[-1])
    note(
        Figure(
            "persisting 100,000 records (500 lessons), from Redis to commit and discard, against "
            "raw COPY of the same prebuilt rows into the same tables, in text or binary, whichever "
            "is faster",
            "≥ 0.75, then 0.9",
            spread(ratios),
            f"{USUAL.records / middle(ours):,.0f} records/s, "
            f"COPY {USUAL.records / middle(limits):,.0f}",
        )
    )


def test_against_a_query_for_each_row() -> None:
    share = Backlog(lessons=5)
    persist(USUAL)
    ratios, rates = [], []
    for _ in range(ROUNDS):
        attendances = [AttendanceFactory.create() for _ in range(share.lessons)]
        parts = [
            [
                {"number": who.school_number, "name": who.full_name, "at": 1_767_600_000_000}
                for who in students_of(number, share.share)
            ]
            for number in range(share.lessons)
        ]
        started, stored = time.perf_counter(), 0
        for attendance, part in zip(attendances, parts, strict=True):
            stored += original.persist_row_by_row(attendance, part)
        theirs = (time.perf_counter() - started) / stored
        assert stored == share.records
        ours = persist(USUAL) / USUAL.records
        ratios.append(theirs / ours)
        rates.append(1 / theirs)
    note(
        Figure(
            "persisting, a record, against `get_or_create` for each user and record",
            "≥ 30 ×",
            f"{spread(ratios)} ×",
            f"row by row {middle(rates):,.0f} records/s",
        )
    )


@pytest.mark.parametrize("lessons", [10, 30, 90])
def test_against_the_original(lessons: int) -> None:
    backlog = Backlog(lessons)
    persist(backlog)
    ratios, rates = [], []
    for _ in range(ROUNDS):
        raw_copy.empty_tables()
        ids = original.fill(backlog)
        theirs = timed(lambda found=ids: original.persist(found))  # type: ignore[misc]
        assert AttendanceRecord.objects.count() == backlog.records
        ours = persist(backlog)
        ratios.append(theirs / ours)
        rates.append(backlog.records / theirs)
    note(
        Figure(
            f"persisting {backlog.records:,} records, against the original's algorithm (a key for "
            "each record, SCAN for each lesson, three transactions, delete)",
            "≥ 30 ×, growing with the backlog",
            f"{spread(ratios)} ×",
            f"original {middle(rates):,.0f} records/s",
        )
    )


def test_cost_beside_a_million_foreign_keys() -> None:
    persist(USUAL)
    alone = [persist(USUAL) for _ in range(ROUNDS)]
    redis = client.connection()
    pipe = redis.pipeline(transaction=False)
    for number in range(FOREIGN_KEYS):
        pipe.set(f"foreign:{number}", "x")
        if number % 10_000 == 9_999:
            pipe.execute()
    redis.config_resetstat()
    beside = [persist(USUAL) for _ in range(ROUNDS)]
    commands = {name.lower() for name in redis.info("commandstats")}
    assert redis.dbsize() >= FOREIGN_KEYS
    assert not commands & {"cmdstat_scan", "cmdstat_keys"}, commands
    note(
        Figure(
            "100,000 records beside 1,000,000 foreign keys in Redis, against alone; "
            "`INFO commandstats` has no SCAN, no KEYS",
            "≤ 1.15",
            f"{middle(beside) / middle(alone):.2f}",
            f"{middle(alone):.2f} s alone, {middle(beside):.2f} s beside them",
        )
    )


def test_cost_and_memory_at_each_size() -> None:
    """Each run in a process of its own, as from a command."""
    persist(USUAL)
    costs: dict[int, list[float]] = {}
    peaks: dict[int, list[float]] = {}
    for _ in range(ROUNDS):
        for size in (Backlog(50), USUAL, Backlog(5_000)):
            fresh(size)
            seconds, (said,) = worker.run(worker.start(1))
            assert said["inserted"] == size.records
            costs.setdefault(size.records, []).append(seconds / size.records)
            peaks.setdefault(size.records, []).append(said["peak_kib"] / 1024)
    _note_costs({records: middle(found) for records, found in costs.items()})
    small, usual, large = (middle(found) for found in peaks.values())
    note(
        Figure(
            "peak memory of the process at 1,000,000 records, against 10,000",
            "≤ 1.2",
            f"{large / small:.2f}",
            f"{large:.0f} MiB, {small:.0f} MiB; at 100,000 records {usual:.0f} MiB",
        )
    )


def _note_costs(costs: dict[int, float]) -> None:
    note(
        Figure(
            "cost of a record at 10,000, 100,000 and 1,000,000 records: the dearest against the "
            "cheapest",
            "≤ 1.15",
            f"{max(costs.values()) / min(costs.values()):.2f}",
            ", ".join(f"{records:,}: {cost * 1e6:.1f} µs" for records, cost in costs.items()),
        )
    )


def test_again_over_what_is_stored(monkeypatch: pytest.MonkeyPatch) -> None:
    persist(USUAL)
    ratios, seconds = [], []
    for _ in range(ROUNDS):
        fresh(USUAL)
        with monkeypatch.context() as crash:
            # As a process that dies between commit and discard, each time.
            crash.setattr(discard, "tidy_and_discard", lambda lessons, book, commit: set())
            first = timed(lambda: check(USUAL))
        second = timed(unified_persistence_task)
        assert raw_copy.counted() == (USUAL.lessons, USUAL.records, USUAL.lessons)
        assert not client.connection().exists("attn:{queue}:due")
        ratios.append(first / second)
        seconds.append(second)
    note(
        Figure(
            "running again over what is already stored (a crash between commit and discard), "
            "against the first run, which did not discard",
            "≥ 5 ×",
            f"{spread(ratios)} ×",
            f"{middle(seconds):.2f} s for {USUAL.records:,} records",
        )
    )


def test_two_processes_against_one() -> None:
    backlog = USUAL
    persist(backlog)
    ratios: dict[int, list[float]] = {lanes.LANES: [], 1: []}
    parts = []
    for _ in range(ROUNDS):
        for lanes_of_each, found in ratios.items():
            alone, _ = _run_processes(1, lanes_of_each, backlog)
            both, cpu = _run_processes(2, lanes_of_each, backlog)
            found.append(alone / both)
            parts.append(cpu)
    python, postgres, redis = (middle(column) for column in zip(*parts, strict=True))
    note(
        Figure(
            "two persisting processes against one, on two cores, PostgreSQL and Redis beside them",
            "≥ 1.2",
            spread(ratios[lanes.LANES]),
            f"with one lane in each process {spread(ratios[1])}; "
            f"CPU for {backlog.records:,} records: Python {python:.1f} s, "
            f"PostgreSQL {postgres:.1f} s, Redis {redis:.1f} s",
        )
    )


def _run_processes(
    count: int, lanes_of_each: int, backlog: Backlog
) -> tuple[float, tuple[float, float, float]]:
    """Seconds that so many processes take, and the CPU of Python, PostgreSQL and Redis."""
    fresh(backlog)
    workers = worker.start(count, lanes_of_each=lanes_of_each)
    before = cpu_seconds()
    seconds, said = worker.run(workers)
    after = cpu_seconds()
    assert sum(each["inserted"] for each in said) == backlog.records
    assert raw_copy.counted() == (backlog.lessons, backlog.records, backlog.lessons)
    python = sum(each["cpu"] for each in said)
    return seconds, (python, after[0] - before[0], after[1] - before[1])


def cpu_seconds() -> tuple[float, float]:
    """CPU that PostgreSQL and the live store have used until now."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_read_file('postmaster.pid')")
        postmaster = int(cursor.fetchone()[0].split()[0])
    info = client.connection().info("cpu")
    redis = float(info["used_cpu_user"]) + float(info["used_cpu_sys"])
    return _of_processes(postmaster), redis


def _of_processes(postmaster: int) -> float:
    """The server, its processes, and those of them that have ended."""
    ticks = 0
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            text = stat.read_text()
        except OSError:
            continue
        fields = text.rpartition(")")[2].split()
        if int(fields[1]) == postmaster:
            ticks += int(fields[11]) + int(fields[12])
        elif text.split()[0] == str(postmaster):
            ticks += sum(int(n) for n in fields[11:15])
    return ticks / os.sysconf("SC_CLK_TCK")


def test_users_that_nobody_knows_yet() -> None:
    persist(USUAL)
    known, unknown = [], []
    for _ in range(ROUNDS):
        known.append(persist(USUAL))
        with connection.cursor() as cursor:
            cursor.execute("TRUNCATE users_user CASCADE")
        unknown.append(persist(USUAL))
    note(
        Figure(
            "100,000 records of 20,000 students and 500 teachers whom PostgreSQL does not know, "
            "against known ones",
            "none set",
            f"{middle(unknown) / middle(known):.2f}",
            f"{(middle(unknown) - middle(known)) / 20_500 * 1e6:.0f} µs for each new user",
        )
    )
