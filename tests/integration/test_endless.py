"""What would grow for ever ends by a rule: rows of runs, executions, names, outboxes."""

from datetime import timedelta
from itertools import chain, repeat
from typing import Any
from uuid import uuid4

import pytest
from django.utils import timezone
from django_apscheduler.models import DjangoJob, DjangoJobExecution

from attendance import scheduler
from attendance.errors import LessonAlreadyLive, LiveStoreUnavailable
from attendance.live import client, codes, keys, store
from attendance.live.payloads import LiveLesson
from attendance.live.store import names as names_module
from attendance.live.store import starting
from attendance.live.store.names import take_code
from attendance.models import AttendanceRecord, PersistenceRun
from attendance.rules import instants
from attendance.services.check_in import check_in
from attendance.services.corrections import Correction, correct_record
from attendance.services.lessons import LessonPlan, start_lesson
from attendance.services.persistence import failpoints, runs, unified_persistence_task
from attendance.services.persistence.candidates import RunOptions
from attendance.services.persistence.runs import UNSTORED_KEPT
from attendance.services.stores import sites
from attendance.vocabulary import Trigger, Verdict
from tests.support.callers import signed_in
from tests.support.death import Died
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
from tests.support.sections import section_lesson, section_of_today
from users.identity import Person, Role
from users.models import SignInSession

pytestmark = pytest.mark.django_db(transaction=True)


def tick(trigger: Trigger = Trigger.SCHEDULER) -> None:
    unified_persistence_task(options=RunOptions(trigger=trigger))


def kept() -> list[int]:
    return list(PersistenceRun.objects.order_by("pk").values_list("pk", flat=True))


def test_of_the_runs_that_had_nothing_to_do_the_newest_row_is_kept() -> None:
    ended_lesson(2)
    tick()
    [stored] = kept()
    live_lesson(1)

    for _ in range(3):
        tick()
    tick(Trigger.COMMAND)
    for _ in range(2):
        tick()

    first, command, last = kept()
    assert first == stored
    rows = PersistenceRun.objects.in_bulk()
    assert rows[command].trigger == Trigger.COMMAND
    assert rows[last].trigger == Trigger.SCHEDULER
    assert rows[last].finished_at is not None
    # Redis has counted every run, and the row that is left has the highest number.
    assert rows[last].live_mark == 7


def test_runs_that_failed_or_were_cut_off_are_kept_for_thirty_days() -> None:
    tick()
    beginning, ago = timezone.now(), UNSTORED_KEPT + timedelta(days=1)
    made = {
        "failed": PersistenceRun(failed=1, finished_at=beginning),
        "error": PersistenceRun(error="Redis: gone", finished_at=beginning),
        "killed": PersistenceRun(),
        "cut off": PersistenceRun(is_interrupted=True, finished_at=beginning),
    }
    for run in made.values():
        run.trigger, run.live_mark = Trigger.SCHEDULER, 1
        run.save()
    stored = PersistenceRun.objects.create(
        trigger=Trigger.SCHEDULER, lessons=1, commit_mark=1, started_at=beginning - 2 * ago
    )

    tick()
    assert {run.pk for run in made.values()} <= set(kept())

    PersistenceRun.objects.filter(pk__in=[run.pk for run in made.values()]).update(
        started_at=beginning - ago
    )
    tick()
    assert kept()[:-1] == [stored.pk]


def test_the_row_that_says_how_far_redis_was_tells_of_an_older_redis() -> None:
    for _ in range(5):
        tick()
    [highest] = kept()
    forget_everything()

    tick()

    assert sites.disagreement() is not None
    # It was told before this run was counted: Redis counts on from there, and the row that said
    # so is not needed any more.
    [newest] = PersistenceRun.objects.all()
    assert (newest.live_mark, newest.pk > highest) == (6, True)


def test_many_runs_without_a_mark_hide_neither_mark() -> None:
    ended_lesson(1)
    tick()
    PersistenceRun.objects.bulk_create(
        PersistenceRun(trigger=Trigger.API, error="Redis: gone")
        for _ in range(sites.RUNS_LOOKED_AT + 1)
    )
    tick()
    assert sites.disagreement() is None

    forget_everything()
    tick()

    told = sites.disagreement()
    assert told is not None
    assert told.disagreement == sites.REDIS_IS_OLDER


def test_executions_are_kept_for_a_week() -> None:
    job = DjangoJob.objects.create(id=scheduler.JOB_ID)
    ages = {days: timezone.now() - timedelta(days=days) for days in (1, 6, 8, 400)}
    for at in ages.values():
        DjangoJobExecution.objects.create(job=job, status="Executed", run_time=at)

    scheduler._tick()

    left = set(DjangoJobExecution.objects.values_list("run_time", flat=True))
    assert left == {ages[1], ages[6]}


def test_expired_sessions_go_with_a_scheduled_run() -> None:
    ended, live = signed_in(TEACHER), signed_in(TEACHER)
    past = timezone.now() - timedelta(seconds=1)
    rows = SignInSession.objects
    rows.filter(pk=ended.cookies["sessionid"].value).update(expire_date=past)

    scheduler._tick()

    assert [row.pk for row in rows.all()] == [live.cookies["sessionid"].value]


def names(kind: str = "") -> list[str]:
    """The names that stand for lessons; in the tests nobody else uses this Redis."""
    found: list[Any] = [key for each in client.servers() for key in each.keys(f"attn:{kind}*:*")]
    return sorted(key.decode() for key in found if b"{" not in key)


def noted() -> Any:
    return client.connection().zrange(keys.NAMES, 0, -1)


def die(lesson_ids: Any) -> None:
    raise Died


def correct(lesson: LiveLesson) -> None:
    correct_record(
        Correction(
            lesson_id=lesson.id,
            school_number="S-0001",
            verdict=Verdict.LATE,
            actor=TEACHER,
            reason="tram",
        )
    )


@pytest.mark.parametrize("has_section", [False, True])
def test_names_of_a_task_that_died_behind_the_discard_are_freed_by_the_next_run(
    has_section: bool,
) -> None:
    lesson = section_lesson(section_of_today()) if has_section else live_lesson(1)
    code = keys.code(lesson.data.short_code)
    end(lesson.id)
    with failpoints.installed("names_held", die), pytest.raises(Died):
        unified_persistence_task()
    assert len(names()) == len(noted()) == 2 + has_section
    assert keys_in_redis(lesson.id) == []

    tick()

    assert names() == [code]
    assert client.connection().get(code) == f"over:{lesson.id}".encode()
    assert client.connection().ttl(code) > 149 * 86_400
    assert noted() == []


def test_a_name_that_another_lesson_has_meanwhile_stays_with_it() -> None:
    ended_lesson(1)
    with failpoints.installed("names_held", die), pytest.raises(Died):
        unified_persistence_task()
    following = live_lesson(1)

    tick()

    own = store.teachers_lesson(TEACHER.school_number)
    assert own is not None
    assert own.id == following.id
    assert store.lesson_by_code(following.data.short_code) is not None
    assert client.connection().ttl(keys.code(following.data.short_code)) == -1


def test_a_lesson_that_changed_before_its_discard_keeps_its_names() -> None:
    lesson = ended_lesson(1)
    with failpoints.installed("committed", lambda ids: correct(lesson)):
        unified_persistence_task(lesson_ids=[lesson.id])

    assert keys_in_redis(lesson.id)
    assert (len(names()), noted()) == (2, [])
    tick()
    assert names("teacher") == []


def test_names_of_a_copy_that_somebody_removed_are_freed() -> None:
    lesson = ended_lesson(2)
    dumped = redis_state()
    unified_persistence_task()
    correct(lesson)
    put_back(dumped)
    unified_persistence_task()
    assert len(names()) == 2

    for key in keys_in_redis(lesson.id):
        client.connection().delete(key)
    tick()

    assert names("teacher") == []
    assert noted() == []


def test_a_start_that_dies_leaves_no_code_for_ever() -> None:
    lesson_id = uuid4()
    short = take_code(lesson_id)
    assert 0 < client.connection().ttl(keys.code(short)) <= 86_400
    # The answer may be lost, and the script run again.
    assert names_module._take_code(lesson_id, short, b"") is None

    lesson = live_lesson(0)

    assert client.connection().ttl(keys.code(lesson.data.short_code)) == -1


def test_a_start_whose_code_another_lesson_got_meanwhile_is_refused(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    real = starting._create

    def and_another_gets_its_code(new: store.NewLesson) -> None:
        real(new)
        client.connection().set(keys.code(new.data.short_code), str(uuid4()))

    monkeypatch.setattr(starting, "_create", and_another_gets_its_code)

    with pytest.raises(LessonAlreadyLive):
        live_lesson(0)

    assert names("teacher") == []


def use_codes(monkeypatch: pytest.MonkeyPatch, *shorts: str) -> None:
    given = chain(shorts, repeat(shorts[-1]))
    monkeypatch.setattr(codes, "new_short_code", lambda: next(given))


def test_a_code_is_not_given_to_another_lesson_within_a_term(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    use_codes(monkeypatch, "AAAA")
    over = ended_lesson(1)
    unified_persistence_task()
    assert over.data.short_code == "AAAA"

    use_codes(monkeypatch, "AAAA", "AAAA", "CCCC")
    following = live_lesson(1)

    assert following.data.short_code == "CCCC"
    assert store.lesson_by_code("AAAA") is None
    assert store.is_code_over("AAAA")
    assert not store.is_code_over("CCCC")
    assert not store.is_code_over("DDDD")


def test_where_no_code_is_left_the_one_that_is_over_for_longest_is_used_again(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    redis = client.connection()
    for short, seconds in {"AAAA": 900, "CCCC": 100, "DDDD": 500}.items():
        redis.set(keys.code(short), f"over:{uuid4()}", ex=seconds)
    # A start that is under way, and a live lesson: neither loses its code.
    redis.set(keys.code("EEEE"), str(uuid4()), ex=10)
    use_codes(monkeypatch, "FFFF")
    other = live_lesson(0, teacher=Person("T-2", "Teacher 2", Role.TEACHER))
    use_codes(monkeypatch, "AAAA", "EEEE", "CCCC", "FFFF", "DDDD")

    lesson = live_lesson(0)

    assert lesson.data.short_code == "CCCC"
    assert redis.ttl(keys.code("CCCC")) == -1
    assert "is used again" in caplog.text
    found = store.lesson_by_code("FFFF")
    assert found is not None
    assert found.id == other.id


def test_without_any_code_a_start_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    use_codes(monkeypatch, "FFFF")
    live_lesson(0, teacher=Person("T-2", "Teacher 2", Role.TEACHER))
    with pytest.raises(LiveStoreUnavailable, match="No short code"):
        live_lesson(0)


def test_a_code_whose_lesson_was_removed_by_hand_is_retired_when_it_is_met(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    client.connection().set(keys.code("AAAA"), str(uuid4()))
    use_codes(monkeypatch, "AAAA", "CCCC")

    assert live_lesson(0).data.short_code == "CCCC"
    assert store.is_code_over("AAAA")


def external_lesson(settings: Any, students: int = 2) -> LiveLesson:
    settings.VERIFIER_URL = "http://127.0.0.1:1/"
    plan = LessonPlan("Physics", minutes=30, checks=["external"])
    lesson = start_lesson(plan, teacher=TEACHER)
    for number in range(1, students + 1):
        check_in(lesson.id, student=student(number))
    return lesson


def make_old(lesson: LiveLesson, hours: int) -> None:
    """Its end was so long ago, as its outbox knows it."""
    ended = instants.milliseconds(store.now() - timedelta(hours=hours))
    client.connection().zadd(keys.OUTBOXES, {str(lesson.id): ended})


def test_an_outbox_ends_where_no_verifier_is_set_up_any_more(
    settings: Any, caplog: pytest.LogCaptureFixture
) -> None:
    lesson = external_lesson(settings)
    end(lesson.id)
    unified_persistence_task()
    settings.VERIFIER_URL = ""
    redis = client.connection()

    make_old(lesson, 23)
    tick()
    assert redis.hlen(keys.outbox(lesson.id)) == 2

    make_old(lesson, 25)
    tick()

    assert not redis.exists(keys.outbox(lesson.id), keys.OUTBOXES)
    assert f"2 check-ins of lesson {lesson.id} waited" in caplog.text
    assert "Student" not in caplog.text
    # It is decided as where a verifier never answers: by a person.
    assert set(AttendanceRecord.objects.values_list("status", flat=True)) == {"pending"}


def test_an_outbox_that_is_not_listed_any_more_is_listed_before_its_lesson_leaves(
    settings: Any,
) -> None:
    lesson = external_lesson(settings)
    end(lesson.id)
    client.connection().delete(keys.OUTBOXES)
    client.connection().zadd(keys.OUTBOXES, {"no lesson": 1})

    unified_persistence_task()

    assert client.connection().zrange(keys.OUTBOXES, 0, -1) == [str(lesson.id).encode()]


def test_a_run_whose_row_a_later_run_has_removed_ends_as_any_other(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    real = runs._remove_old

    def after_a_later_one(run_id: int) -> None:
        monkeypatch.setattr(runs, "_remove_old", real)
        tick()
        real(run_id)

    monkeypatch.setattr(runs, "_remove_old", after_a_later_one)

    report = unified_persistence_task(options=RunOptions(trigger=Trigger.SCHEDULER))

    assert report.exit_status == 0
    assert report.run_id not in kept()
    assert len(kept()) == 1
