"""A site with each fault of docs/how-to/repair.md, for the commands that mend it there."""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any, cast
from uuid import uuid4

from django.db import connection
from django.utils import timezone

from attendance.live import client, keys, store
from attendance.models import Attendance, AttendanceRecord, LessonLedger
from attendance.selectors import alarms, health
from attendance.services import alarms as service
from attendance.services.persistence import unified_persistence_task
from attendance.services.stores.sites import find_sites
from attendance.vocabulary import LessonState
from reports.models import SectionTotal
from reports.verifying import verify
from tests.support.alarm_scenes import live_setting, patched, postgresql_setting, told
from tests.support.lessons import (
    TEACHER,
    end,
    ended_lesson,
    forget_everything,
    keys_in_redis,
    live_lesson,
    put_back,
    redis_state,
    student,
)
from tests.support.repair_page import own_connection
from tests.support.sections import section_of_today, user_of
from tests.support.terms import term_of_lessons

Values = dict[str, str]
Scene = Callable[[Path], AbstractContextManager[Values]]


def _is_over(code: str) -> None:
    service.look()
    assert told(code) is None


@contextmanager
def damaged_counts(folder: Path, *, then: str = "") -> Iterator[Values]:
    lesson = ended_lesson(3)
    client.connection().hset(keys.lesson(lesson.id), "record_count", "2")
    unified_persistence_task()
    assert told("lesson_unreadable")["count"] == 1
    if then:
        store_recount(lesson.id)
    yield {"lesson id": str(lesson.id)}
    if then == "look":
        return
    if not then:
        unified_persistence_task()
    assert AttendanceRecord.objects.filter(attendance=lesson.id).count() == 3
    assert not keys_in_redis(lesson.id)
    _is_over("lesson_unreadable")


def store_recount(lesson_id: Any) -> None:
    """As the step before on the page does."""
    assert store.recount(lesson_id, seen_revision=0)


@contextmanager
def looked_at(folder: Path) -> Iterator[Values]:
    with damaged_counts(folder, then="look") as values:
        yield values


@contextmanager
def stored_by_hand(folder: Path) -> Iterator[Values]:
    with damaged_counts(folder, then="store") as values:
        yield values


@contextmanager
def damaged_data(folder: Path) -> Iterator[Values]:
    lesson = ended_lesson(3)
    name = keys.lesson(lesson.id)
    data = cast(bytes, client.connection().hget(name, "data"))
    (folder / "data-of-the-backup").write_bytes(data)
    client.connection().hset(name, "data", cast(Any, data.replace(b"Physics", b"Phxsics")))
    client.connection().hset(name, "starts_at", "1")
    unified_persistence_task()
    assert told("lesson_unreadable")["count"] == 1
    yield {"lesson id": str(lesson.id)}
    unified_persistence_task()
    assert Attendance.objects.get(pk=lesson.id).lesson_name == "Physics"
    assert AttendanceRecord.objects.filter(attendance=lesson.id).count() == 3
    _is_over("lesson_unreadable")


@contextmanager
def lost(folder: Path) -> Iterator[Values]:
    lesson = live_lesson(2)
    unified_persistence_task()
    forget_everything()
    unified_persistence_task()
    assert told("lesson_lost")["count"] == 1
    yield {"lesson id": str(lesson.id)}
    row = LessonLedger.objects.get(pk=lesson.id)
    assert (row.state, row.settled_reason) == (LessonState.LOST, "all 24 receipts came")
    _is_over("lesson_lost")


@contextmanager
def rewound(folder: Path) -> Iterator[Values]:
    lesson = live_lesson(2)
    dumped = redis_state()
    end(lesson.id)
    unified_persistence_task()
    Attendance.objects.filter(pk=lesson.id).update(revision=100)
    put_back(dumped)
    end(lesson.id)
    unified_persistence_task()
    assert told("lesson_rewound")["count"] == 1
    yield {"lesson id": str(lesson.id)}
    assert not keys_in_redis(lesson.id)
    unified_persistence_task()
    assert AttendanceRecord.objects.filter(attendance=lesson.id).count() == 2
    _is_over("lesson_rewound")


@contextmanager
def incomplete(folder: Path) -> Iterator[Values]:
    lesson = ended_lesson(3)
    client.connection().hdel(keys.records(lesson.id), "S-0002")
    unified_persistence_task()
    assert told("lesson_incomplete")["count"] == 1
    yield {"lesson id": str(lesson.id)}
    unified_persistence_task()
    assert LessonLedger.objects.get(pk=lesson.id).state == LessonState.DISCARDED
    _is_over("lesson_incomplete")


@contextmanager
def foreign(folder: Path) -> Iterator[Values]:
    find_sites()
    lesson, other = ended_lesson(2), str(uuid4())
    client.connection().hset(keys.SITE, "id", other)
    unified_persistence_task()
    assert told("foreign_site")
    assert not Attendance.objects.exists()
    yield {"id of the other site": other}
    unified_persistence_task()
    assert Attendance.objects.filter(pk=lesson.id).exists()
    _is_over("foreign_site")


@contextmanager
def older_redis(folder: Path) -> Iterator[Values]:
    ended_lesson(1)
    unified_persistence_task()
    forget_everything()
    ended_lesson(1)
    unified_persistence_task()
    assert told("stores_disagree")
    yield {}
    _is_over("stores_disagree")


@contextmanager
def waiting(folder: Path, *, code: str = "lesson_late") -> Iterator[Values]:
    """A lesson that is over for long, and nothing has stored it."""
    lesson = ended_lesson(2)
    unified_persistence_task(dry_run=True)
    at = timezone.now() - timedelta(minutes=20)
    LessonLedger.objects.update(ends_at=at)
    if code == "lesson_failed":
        store.park(lesson.id, timezone.now() + timedelta(hours=6))
        LessonLedger.objects.update(state=LessonState.FAILED, last_error="Error 55P03: locked")
    if code != "scheduler_late":
        assert told(code)["count"] == 1
    yield {}
    assert AttendanceRecord.objects.filter(attendance=lesson.id).count() == 2
    _is_over(code)


@contextmanager
def setting(name: str, wrong: str, code: str) -> Iterator[Values]:
    with live_setting(name, wrong):
        assert told(code)
        yield {}
        _is_over(code)


@contextmanager
def postgresql(name: str, code: str) -> Iterator[Values]:
    with postgresql_setting(name, "off"):
        assert told(code)
        yield {}
        # The server reads its file again a moment later.
        _wait_until(lambda: told(code) is None)


@contextmanager
def early_commits(folder: Path) -> Iterator[Values]:
    """A server whose default is weak, as a connection meets it that ATTN has not opened."""
    name = connection.ops.quote_name(str(connection.settings_dict["NAME"]))
    with own_connection() as own:
        try:
            own.execute("ALTER SYSTEM SET synchronous_commit = off")
            own.execute("SELECT pg_reload_conf()")
            _wait_until(lambda: _default_of_account() == "off")
            yield {}
            assert _default_of_account() == "on"
        finally:
            own.execute("ALTER SYSTEM RESET synchronous_commit")
            own.execute("SELECT pg_reload_conf()")
            reset = f"ALTER ROLE current_user IN DATABASE {name} RESET synchronous_commit"
            own.execute(reset.encode())


def _default_of_account() -> str:
    with own_connection() as own:
        (value,) = own.execute("SHOW synchronous_commit").fetchone() or ("",)
    return str(value)


def _wait_until(is_so: Callable[[], bool]) -> None:
    until = timezone.now() + timedelta(seconds=10)
    while not is_so():
        assert timezone.now() < until


@contextmanager
def unmigrated(folder: Path) -> Iterator[Values]:
    """What it says is missing is there in the end: a database of a test is never behind."""
    with patched(health, "missing_migrations", lambda: ["x.0009_y"]):
        assert told("migrations_missing")
    yield {}
    _is_over("migrations_missing")


@contextmanager
def own_alarm(folder: Path) -> Iterator[Values]:
    with live_setting("appendfsync", "everysec"):
        assert told("live_store_syncs_late")["acknowledged"] == 0
        yield {}
        assert told("live_store_syncs_late")["acknowledged"] == 1
        assert alarms.current().status == "ok"


@contextmanager
def key_of_another_type(folder: Path) -> Iterator[Values]:
    name = keys.teacher(TEACHER.school_number)
    client.connection().rpush(name, "x")
    yield {"school number": TEACHER.school_number}
    assert live_lesson(1).data.teacher == TEACHER


@contextmanager
def wrong_totals(folder: Path) -> Iterator[Values]:
    section = section_of_today((1, 2))
    students = [user_of(student(number)) for number in (1, 2)]
    term_of_lessons(section, students, lessons=3, teacher=user_of(TEACHER))
    SectionTotal.objects.update(n=99)
    assert len(verify().wrong) == 2
    assert told("totals_wrong")
    yield {}
    assert not verify().wrong
    _is_over("totals_wrong")


SCENES: dict[str, Scene] = {
    "how 1": own_alarm,
    "lesson_unreadable 1": looked_at,
    "lesson_unreadable 2": damaged_counts,
    "lesson_unreadable 3": damaged_data,
    "lesson_unreadable 4": stored_by_hand,
    "lesson_lost 1": lost,
    "lesson_rewound 1": rewound,
    "lesson_incomplete 1": incomplete,
    "foreign_site 1": foreign,
    "stores_disagree 1": older_redis,
    "scheduler_late 1": lambda folder: waiting(folder, code="scheduler_late"),
    "lesson_failed 1": lambda folder: waiting(folder, code="lesson_failed"),
    "lesson_late 1": waiting,
    "live_store_evicts 1": lambda _: setting(
        "maxmemory-policy", "allkeys-lru", "live_store_evicts"
    ),
    "live_store_keeps_nothing 1": lambda _: setting("appendonly", "no", "live_store_keeps_nothing"),
    "live_store_syncs_late 1": lambda _: setting(
        "appendfsync", "everysec", "live_store_syncs_late"
    ),
    "live_store_pauses_syncs 1": lambda _: setting(
        "no-appendfsync-on-rewrite", "yes", "live_store_pauses_syncs"
    ),
    "postgresql_fsync_off 1": lambda _: postgresql("fsync", "postgresql_fsync_off"),
    "postgresql_pages_tear 1": lambda _: postgresql("full_page_writes", "postgresql_pages_tear"),
    "postgresql_commits_early 1": early_commits,
    "migrations_missing 1": unmigrated,
    "A key of another type 1": key_of_another_type,
    "totals_wrong 1": wrong_totals,
}
