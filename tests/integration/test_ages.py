"""Stores of different ages: what was acknowledged is stored, or missed loudly."""

import json
from io import StringIO
from typing import Any
from uuid import UUID

import pytest
from django.core.management import call_command
from django.core.management.base import CommandError

from attendance.live import client, keys, store
from attendance.models import (
    Attendance,
    AttendanceEvent,
    AttendanceRecord,
    LessonLedger,
    QuarantinedPayload,
)
from attendance.selectors import health
from attendance.services import receipts
from attendance.services.check_in import check_in
from attendance.services.corrections import Correction, correct_record
from attendance.services.persistence import failpoints, unified_persistence_task
from attendance.services.stores.reconciling import accept_what_is_there, find_differences
from attendance.vocabulary import LessonState, Verdict
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
from users.identity import Person, Role

pytestmark = pytest.mark.django_db(transaction=True)

OTHER = Person("T-2", "Teacher 2", Role.TEACHER)


def correct(lesson_id: UUID, number: int = 1, verdict: Verdict = Verdict.LATE) -> None:
    correct_record(
        Correction(
            lesson_id=lesson_id,
            school_number=student(number).school_number,
            verdict=verdict,
            actor=TEACHER,
            reason="tram",
        )
    )


def die(lesson_ids: Any) -> None:
    raise Died


def die_behind_the_commit() -> None:
    with failpoints.installed("committed", die), pytest.raises(Died):
        unified_persistence_task()


def ledger_row(lesson_id: UUID) -> LessonLedger:
    return LessonLedger.objects.get(pk=lesson_id)


def statuses(lesson_id: UUID) -> dict[str, str]:
    rows = AttendanceRecord.objects.filter(attendance_id=lesson_id)
    return dict(rows.values_list("school_number", "status"))


def promoted(lesson_id: UUID) -> Any:
    """A copy with three of six marks takes the place of the live store that a run has seen."""
    copy = redis_state()
    for number in (4, 5, 6):
        check_in(lesson_id, student=student(number))
    unified_persistence_task()
    newest = redis_state()
    forget_everything()
    put_back(copy)
    end(lesson_id)
    return newest


def test_a_promoted_copy_is_stored_and_missed() -> None:
    lesson = live_lesson(3)
    promoted(lesson.id)

    report = unified_persistence_task()

    assert report.totals.outcomes == {"incomplete": 1}
    assert (report.exit_status, report.sums_agree) == (4, True)
    assert len(statuses(lesson.id)) == 3
    row = ledger_row(lesson.id)
    assert (row.state, row.missing_count) == (LessonState.PERSISTED, 3)
    assert row.last_error.startswith("incomplete: ")
    assert keys_in_redis(lesson.id)
    [difference] = find_differences()
    assert (difference.lesson_id, difference.code) == (lesson.id, "incomplete")


def test_a_newer_word_moves_the_attendance_itself_forward() -> None:
    lesson = ended_lesson(2)
    die_behind_the_commit()
    correct(lesson.id)
    newest = store.read_lesson(lesson.id).revision

    counts = unified_persistence_task().totals.counts

    assert (counts.inserted, counts.updated, counts.unchanged) == (0, 1, 1)
    assert Attendance.objects.get(pk=lesson.id).revision == newest
    correct(lesson.id, 2)
    assert AttendanceRecord.objects.get(student__school_number="S-0002").revision == newest + 1


def test_an_event_that_is_gone_is_missed_although_the_newest_one_is_there() -> None:
    lesson = live_lesson(2)
    correct(lesson.id, 1)
    correct(lesson.id, 2)
    client.connection().lpop(keys.events(lesson.id))
    end(lesson.id)

    report = unified_persistence_task()

    assert report.totals.outcomes == {"incomplete": 1}
    assert "lacks 1 events" in ledger_row(lesson.id).last_error
    assert len(statuses(lesson.id)) == 2
    assert keys_in_redis(lesson.id)


def test_receipts_complete_what_a_promoted_copy_lacks() -> None:
    lesson = live_lesson(3)
    given = {n: receipts.issue(check_in(lesson.id, student=student(n))) for n in (4, 5, 6)}
    client.connection().hdel(keys.records(lesson.id), *(f"S-{number:04}" for number in given))
    end(lesson.id)
    assert unified_persistence_task().totals.outcomes == {"incomplete": 1}

    for number, receipt in given.items():
        assert receipts.redeem(receipt, caller=student(number)).outcome == "restored"
    report = unified_persistence_task()

    assert report.totals.outcomes == {"persisted": 1}
    assert len(statuses(lesson.id)) == 6
    assert ledger_row(lesson.id).state == LessonState.DISCARDED
    assert keys_in_redis(lesson.id) == []


def test_the_newest_copy_that_comes_back_completes_it() -> None:
    lesson = live_lesson(3)
    newest = promoted(lesson.id)
    unified_persistence_task()
    forget_everything()
    put_back(newest)
    end(lesson.id)

    report = unified_persistence_task(lesson_ids=[lesson.id])

    assert report.totals.outcomes == {"persisted": 1}
    assert len(statuses(lesson.id)) == 6
    row = ledger_row(lesson.id)
    assert (row.state, row.incomplete_since) == (LessonState.DISCARDED, None)


def test_what_nobody_can_bring_back_is_accepted() -> None:
    lesson = live_lesson(3)
    promoted(lesson.id)
    unified_persistence_task()

    accept_what_is_there(lesson.id)
    report = unified_persistence_task()

    assert report.totals.outcomes == {"unchanged": 1}
    row = ledger_row(lesson.id)
    assert (row.state, row.incomplete_since, row.last_error) == (LessonState.DISCARDED, None, "")
    assert find_differences() == []


def test_a_word_that_nobody_can_bring_back_is_accepted() -> None:
    lesson = ended_lesson(2)
    before = redis_state()
    correct(lesson.id)
    forget_everything()
    put_back(before)
    assert unified_persistence_task().totals.outcomes == {"incomplete": 1}

    accept_what_is_there(lesson.id)
    unified_persistence_task()

    assert unified_persistence_task().totals.lessons == 0
    row = ledger_row(lesson.id)
    assert (row.state, row.incomplete_since) == (LessonState.DISCARDED, None)


def test_a_newer_word_on_a_stored_lesson_is_missed_with_the_live_store() -> None:
    lesson = ended_lesson(2)
    die_behind_the_commit()
    correct(lesson.id)
    assert ledger_row(lesson.id).state == LessonState.ENDED
    forget_everything()

    report = unified_persistence_task()

    assert report.totals.outcomes == {"lost": 1}
    assert ledger_row(lesson.id).state == LessonState.LOST
    assert health.waiting(at=store.now()).lost == 1


def test_a_word_between_the_snapshot_and_the_commit_is_missed_too() -> None:
    lesson = ended_lesson(2)

    def say_then_die(lesson_ids: Any) -> None:
        raise Died

    with (
        failpoints.installed("snapshot_taken", lambda ids: correct(lesson.id)),
        failpoints.installed("committed", say_then_die),
        pytest.raises(Died),
    ):
        unified_persistence_task()
    assert ledger_row(lesson.id).state == LessonState.ENDED
    forget_everything()
    assert unified_persistence_task().totals.outcomes == {"lost": 1}


def test_a_newer_word_does_not_wait_for_the_discard(settings: Any) -> None:
    settings.DISCARD_AFTER_MINUTES = 60
    lesson = ended_lesson(2)
    unified_persistence_task()
    assert unified_persistence_task().totals.lessons == 0

    correct(lesson.id)
    report = unified_persistence_task()

    assert report.totals.outcomes == {"persisted": 1}
    assert statuses(lesson.id)["S-0001"] == "late"
    assert ledger_row(lesson.id).state == LessonState.PERSISTED


def test_a_copy_without_the_newest_word_is_not_taken_for_what_is_stored() -> None:
    lesson = ended_lesson(2)
    die_behind_the_commit()
    before = redis_state()
    correct(lesson.id)
    newest = redis_state()
    forget_everything()
    put_back(before)

    assert unified_persistence_task().totals.outcomes == {"incomplete": 1}
    assert keys_in_redis(lesson.id)

    forget_everything()
    put_back(newest)
    report = unified_persistence_task(lesson_ids=[lesson.id])
    assert report.totals.outcomes == {"persisted": 1}
    assert statuses(lesson.id)["S-0001"] == "late"


def test_the_true_live_store_comes_back_after_a_receipt() -> None:
    """Emptied for one run, one receipt is sent, then all ten marks and two words return."""
    lesson = live_lesson(0)
    given = {n: receipts.issue(check_in(lesson.id, student=student(n))) for n in range(1, 11)}
    correct(lesson.id, 2)
    correct(lesson.id, 3, Verdict.EXCUSE)
    end(lesson.id)
    true_state = redis_state()
    forget_everything()
    assert unified_persistence_task().totals.outcomes == {"lost": 1}
    assert receipts.redeem(given[1], caller=student(1)).outcome == "restored"
    assert receipts.redeem(given[2], caller=student(2)).outcome == "restored"
    forget_everything()
    put_back(true_state)

    report = unified_persistence_task(lesson_ids=[lesson.id])

    assert report.totals.outcomes == {"rewound": 1}
    assert report.sums_agree
    expected = {f"S-{n:04}": "present" for n in range(1, 11)}
    assert statuses(lesson.id) == expected | {"S-0002": "late", "S-0003": "excused"}
    kinds = list(AttendanceEvent.objects.values_list("kind", flat=True).order_by("revision"))
    assert kinds.count("record_corrected") == 2
    assert kinds.count("record_restored") == 2
    assert not QuarantinedPayload.objects.exists()


def test_a_word_that_postgresql_took_meanwhile_stands_over_what_comes_back() -> None:
    lesson = live_lesson(0)
    given = {n: receipts.issue(check_in(lesson.id, student=student(n))) for n in (1, 2)}
    correct(lesson.id, 1)
    end(lesson.id)
    true_state = redis_state()
    forget_everything()
    unified_persistence_task()
    for number, receipt in given.items():
        receipts.redeem(receipt, caller=student(number))
    correct(lesson.id, 1, Verdict.EXCUSE)
    forget_everything()
    put_back(true_state)

    unified_persistence_task(lesson_ids=[lesson.id])

    assert statuses(lesson.id) == {"S-0001": "excused", "S-0002": "present"}
    assert QuarantinedPayload.objects.get().field == "S-0001"
    assert AttendanceEvent.objects.filter(kind="record_corrected").count() == 2


def test_the_command_shows_what_differs_and_accepts() -> None:
    lesson = live_lesson(3)
    promoted(lesson.id)
    unified_persistence_task()

    told = reconcile()
    assert f"{lesson.id}  incomplete  Physics" in told
    assert "6 marks were seen, 3 are missing, Redis has 3 marks" in told
    [row] = json.loads(reconcile("--json"))["lessons"]
    assert (row["lesson_id"], row["seen"], row["missing"]) == (str(lesson.id), 6, 3)
    assert "Redis has 3 marks" in reconcile("--accept", str(lesson.id))
    unified_persistence_task()
    # The copy that was promoted is older, as a whole: that is said until somebody has looked.
    assert "Redis is older" in reconcile()
    assert reconcile("--settle") == "The stores agree.\n"
    with pytest.raises(CommandError, match="lacks nothing"):
        reconcile("--accept", str(lesson.id))


def reconcile(*arguments: str) -> str:
    out = StringIO()
    call_command("reconcile", *arguments, stdout=out)
    return out.getvalue()


def test_a_copy_that_goes_on_from_where_it_was_does_not_hide_what_it_lacks() -> None:
    """It reaches the same revision by other words: the newest one that was seen is not in it."""
    lesson = ended_lesson(2)
    before = redis_state()
    correct(lesson.id, 1)
    forget_everything()
    put_back(before)
    correct(lesson.id, 2)
    correct(lesson.id, 2, Verdict.EXCUSE)

    report = unified_persistence_task()

    assert report.totals.outcomes == {"incomplete": 1}
    assert keys_in_redis(lesson.id)
    assert statuses(lesson.id) == {"S-0001": "present", "S-0002": "excused"}


def test_a_copy_that_reached_the_same_revision_by_check_ins_is_found_out() -> None:
    lesson = live_lesson(2)
    before = redis_state()
    correct(lesson.id, 1)
    forget_everything()
    put_back(before)
    check_in(lesson.id, student=student(9))
    end(lesson.id)
    assert unified_persistence_task().totals.outcomes == {"incomplete": 1}


def test_a_word_that_neither_an_older_copy_nor_postgresql_has_is_missed() -> None:
    lesson = live_lesson(2)
    copy = redis_state()
    correct(lesson.id, 1)
    end(lesson.id)
    die_behind_the_commit()
    correct(lesson.id, 2)
    forget_everything()
    put_back(copy)
    end(lesson.id)

    assert unified_persistence_task().totals.outcomes == {"rewound": 1}
    assert statuses(lesson.id) == {"S-0001": "late", "S-0002": "present"}
    assert [each.code for each in find_differences()] == ["incomplete"]


def test_an_older_copy_of_what_is_stored_lacks_nothing() -> None:
    lesson = live_lesson(2)
    copy = redis_state()
    correct(lesson.id, 1)
    end(lesson.id)
    die_behind_the_commit()
    forget_everything()
    put_back(copy)
    end(lesson.id)

    assert unified_persistence_task().totals.outcomes == {"rewound": 1}
    assert [each.code for each in find_differences()] == ["rewound"]


def test_a_copy_that_check_ins_have_overtaken_is_uncounted_until_somebody_has_looked() -> None:
    """It has more marks than were ever seen, and lacks some of those that were acknowledged."""
    before_it, lesson = ended_lesson(1), live_lesson(1, teacher=OTHER)
    unified_persistence_task()
    copy = redis_state()
    for number in (2, 3):
        check_in(lesson.id, student=student(number))
    unified_persistence_task()
    forget_everything()
    put_back(copy)
    for number in (4, 5, 6):
        check_in(lesson.id, student=student(number))
    end(lesson.id)

    assert unified_persistence_task().totals.outcomes == {"persisted": 1}
    after_it = ended_lesson(1)
    unified_persistence_task()

    assert len(statuses(lesson.id)) == 4
    [difference] = find_differences()
    assert (difference.lesson_id, difference.code) == (lesson.id, "uncounted")
    assert before_it.id != difference.lesson_id != after_it.id
    assert f"{lesson.id}  uncounted  Physics" in reconcile()
    assert reconcile("--settle") == "The stores agree.\n"


def test_a_copy_from_the_middle_of_a_start_is_no_lesson(monkeypatch: pytest.MonkeyPatch) -> None:
    copies: list[Any] = []
    run = client.run

    def run_and_copy(name: str, *arguments: Any, **options: Any) -> Any:
        reply = run(name, *arguments, **options)
        if name == "create_lesson":
            copies.append(redis_state())
        return reply

    with monkeypatch.context() as patch:
        patch.setattr(client, "run", run_and_copy)
        lesson = live_lesson(3)
    unified_persistence_task()
    forget_everything()
    put_back(copies[0])

    report = unified_persistence_task()

    assert report.totals.outcomes == {"lost": 1}
    assert ledger_row(lesson.id).state == LessonState.LOST
    assert unified_persistence_task().totals.outcomes == {}
