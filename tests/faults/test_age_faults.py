"""Stores that come back older, emptied or damaged: what is gone with them is told."""

from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from tests.faults import aof, backups, injections
from tests.faults.audit import Audit, count, let_run_to_rest
from tests.faults.processes import LEFT_TO_WORKERS, SITE, backlog, is_left, worker
from tests.faults.rig import Rig, Site
from tests.faults.school import School
from tests.faults.told import alarms, silent, untold
from tests.support.waiting import wait_until

MOMENTS = ("claimed", "rows_written", "committed", "names_held", "discarded")
"""Steps of a run; from `committed` on, PostgreSQL has the lesson."""


@pytest.fixture(scope="module")
def site(shared_rig: Rig) -> Iterator[Site]:
    """A site that leaves every lesson to the workers."""
    with shared_rig.site(app=SITE, env=LEFT_TO_WORKERS) as served:
        yield served


def test_marks_that_a_promoted_copy_lacks_are_told_and_their_receipts_complete_it(
    school: School,
) -> None:
    live = school.rig.live
    desk = school.lesson(10)
    with backups.folder_for(school.rig) as older:
        backups.copy(live, older)
        school.let_in(desk, range(10, 15))
        school.rig.persist()
        backups.restore(live, older)
    desk.finish()
    let_run_to_rest(school.rig)

    audit = count(school.rig, school.journal)
    assert (audit.stored, len(audit.lost)) == (10, 5)
    assert silent(school.rig, audit) == []
    assert alarms(school.site) == {"lesson_incomplete", "stores_disagree"}
    assert school.send_receipts() == 15
    assert school.holds().stored == 15
    assert alarms(school.site) == {"stores_disagree"}


def test_marks_that_later_check_ins_hide_are_of_an_uncounted_lesson(school: School) -> None:
    rig = school.rig
    desk = school.lesson(5)
    rig.persist()
    with injections.restored_live_store(rig):
        school.let_in(desk, range(5, 10))
        rig.persist()
    school.let_in(desk, range(10, 20))
    desk.finish()
    let_run_to_rest(rig)

    audit = count(rig, school.journal)
    assert (audit.stored, len(audit.lost)) == (15, 5)
    assert len(silent(rig, audit)) == 5
    assert untold(rig, school.journal, audit).faults == {}
    assert "stores_disagree" in alarms(school.site)
    assert school.send_receipts() == 20
    assert school.holds().stored == 20


@pytest.mark.parametrize("later", [0, 10])
def test_marks_that_no_run_has_seen_are_told_by_whoever_acknowledged_them(
    later: int, school: School
) -> None:
    """No run begins between the copy and its return, and `later` students check in to the copy."""
    rig = school.rig
    rig.persist()
    desk = school.lesson(5)
    with injections.restored_live_store(rig):
        school.let_in(desk, range(5, 10))
    school.let_in(desk, range(10, 10 + later))
    desk.finish()
    let_run_to_rest(rig)
    wait_until(lambda: "stores_disagree" in alarms(school.site), "the alarm")

    audit = count(rig, school.journal)
    assert (audit.stored, len(audit.lost)) == (5 + later, 5)
    assert untold(rig, school.journal, audit).faults == {}
    school.send_receipts()
    assert school.holds().stored == 10 + later


def test_words_that_a_promoted_copy_lacks_are_told(school: School) -> None:
    live = school.rig.live
    desk = school.lesson(10)
    with backups.folder_for(school.rig) as older:
        backups.copy(live, older)
        for _ in range(5):
            desk.correct_somebody()
        backups.restore(live, older)
    # It comes to the same revision again, by other words.
    for _ in range(5):
        desk.correct_somebody()
    desk.finish()
    let_run_to_rest(school.rig)

    audit = count(school.rig, school.journal)
    assert audit.stored == 10
    assert len(audit.lost) == 5
    assert silent(school.rig, audit) == []
    assert "lesson_incomplete" in alarms(school.site)


@pytest.mark.parametrize("moment", MOMENTS)
def test_a_postgresql_restored_to_any_moment_of_a_run_keeps_silent_about_nothing(
    moment: str, school: School
) -> None:
    rig = school.rig
    school.lesson(5, teacher=1).finish()
    let_run_to_rest(rig)
    (desk,) = backlog(school, lessons=1)
    with backups.folder_for(rig) as older:
        with worker(rig, "pause", moment) as sleeper:
            wait_until(sleeper.is_stopped, "the pause")
            backups.copy(rig.postgres, older)
        with worker(rig, "loop", "0.1"):
            wait_until(lambda: not is_left(school, desk), "a next run")
        school.holds()
        backups.restore(rig.postgres, older)
    let_run_to_rest(rig)

    audit = count(rig, school.journal)
    is_stored = MOMENTS.index(moment) >= MOMENTS.index("committed")
    assert (audit.stored, bool(audit.lost)) == ((11, False) if is_stored else (5, True))
    assert silent(rig, audit) == []
    # A run has come behind the copy: PostgreSQL is older, whether or not a mark has gone with it.
    assert alarms(school.site) - {"stores_disagree"} == (set() if is_stored else {"lesson_lost"})
    assert is_stored or "stores_disagree" in alarms(school.site)
    school.send_receipts()
    # Who was added by the teacher had no receipt, and words of the teacher are in none.
    assert count(rig, school.journal).stored == (11 if is_stored else 10)


def test_a_lesson_that_a_restored_postgresql_never_heard_of_is_told(school: School) -> None:
    rig = school.rig
    # From here on it has the id of its site.
    rig.persist()
    with backups.folder_for(rig) as older:
        backups.copy(rig.postgres, older)
        school.lesson(5).finish()
        let_run_to_rest(rig)
        backups.restore(rig.postgres, older)
    let_run_to_rest(rig)

    audit = count(rig, school.journal)
    assert (audit.stored, len(audit.lost)) == (0, 5)
    assert silent(rig, audit) == []
    assert alarms(school.site) == {"lesson_lost", "stores_disagree"}


def test_a_word_on_a_stored_lesson_that_a_restored_postgresql_lacks_is_told(
    school: School,
) -> None:
    rig = school.rig
    desk = school.lesson(5)
    desk.finish()
    let_run_to_rest(rig)
    with backups.folder_for(rig) as older:
        backups.copy(rig.postgres, older)
        desk.correct_somebody()
        backups.restore(rig.postgres, older)
    let_run_to_rest(rig)

    assert count(rig, school.journal).lost
    assert "stores_disagree" in alarms(school.site)


def test_a_record_under_a_flipped_key_is_missed_and_its_receipt_brings_it_back(
    school: School,
) -> None:
    with flipped(school, "key") as audit:
        assert (audit.stored, len(audit.lost)) == (11, 1)
        assert silent(school.rig, audit) == []
        assert "lesson_incomplete" in alarms(school.site)
    # Nobody knows the other key: it stays, with the bytes of the record.
    assert len(count(school.rig, school.journal).left) == 1


def test_a_record_under_a_flipped_number_is_quarantined_and_its_receipt_brings_it_back(
    school: School,
) -> None:
    with flipped(school, "field") as audit:
        assert (audit.stored, audit.quarantined) == (11, 1)
        assert "quarantine_open" in alarms(school.site)


@contextmanager
def flipped(school: School, part: str) -> Iterator[Audit]:
    """The audit with one flipped bit in a name; behind the block, every receipt is sent."""
    live = school.rig.live
    desk = school.lesson(12)
    live.stop()
    aof.flip_name(live, desk.lesson.id, part, school.chance)
    live.start()
    desk.finish()
    let_run_to_rest(school.rig)
    yield count(school.rig, school.journal)
    assert school.send_receipts() == 12
    let_run_to_rest(school.rig)
    audit = count(school.rig, school.journal)
    assert (audit.stored, audit.lost, audit.broken) == (12, [], [])
    assert "lesson_incomplete" not in alarms(school.site)


def test_a_live_store_that_was_empty_for_one_run_returns_and_doubles_nothing(
    school: School,
) -> None:
    rig, live = school.rig, school.rig.live
    desk = school.lesson(10)
    rig.persist()
    for _ in range(6):
        desk.correct_somebody()
    desk.finish()
    with backups.folder_for(rig) as true:
        backups.copy(live, true)
        backups.start_empty(live)
        let_run_to_rest(rig)
        assert alarms(school.site) == {"lesson_lost", "stores_disagree"}
        assert school.send_receipts() == 10
        backups.restore(live, true)
    let_run_to_rest(rig)

    audit = count(rig, school.journal)
    # What has come back stays in Redis until a person has looked at it.
    # The words of the teacher, too: all that is left is the copy.
    assert audit.faults.keys() == {"left"}, audit.line
    assert (audit.stored, audit.quarantined) == (10, 0)
    assert alarms(school.site) == {"lesson_rewound", "stores_disagree"}
