"""Whoever was rejected tries again: the teacher is told, and nothing else changes."""

from typing import Any
from uuid import UUID

import pytest

from attendance.errors import RejectedByTeacher
from attendance.live import client, keys, store
from attendance.models import Attendance, RefusedCheckIn
from attendance.selectors import registers
from attendance.selectors.boards import find_board
from attendance.services import receipts
from attendance.services.check_in import check_in
from attendance.services.corrections import Correction, correct_record
from attendance.services.persistence import unified_persistence_task
from attendance.services.persistence.report import Outcome
from attendance.vocabulary import Verdict
from attendance.web.board_rows import ALL, rows_of
from tests.support.lessons import TEACHER, end, live_lesson, redis_state, student

pytestmark = pytest.mark.django_db(transaction=True)

OUT = pytest.mark.parametrize("verdict", [Verdict.REJECT, Verdict.DELETE])


def put_out(lesson_id: UUID, verdict: Verdict = Verdict.REJECT) -> int:
    """Say that the first student was not there. Returns the lesson's revision."""
    correct_record(
        Correction(
            lesson_id=lesson_id,
            school_number=student(1).school_number,
            verdict=verdict,
            actor=TEACHER,
            reason="not here",
        )
    )
    return revision_of(lesson_id)


def revision_of(lesson_id: UUID) -> int:
    """Of whichever store holds the lesson."""
    row = Attendance.objects.filter(pk=lesson_id).first()
    return row.revision if row else store.read_lesson(lesson_id).revision


def try_again(lesson_id: UUID, times: int = 1) -> None:
    for _ in range(times):
        with pytest.raises(RejectedByTeacher):
            check_in(lesson_id, student=student(1))


def attempts(lesson_id: UUID) -> list[tuple[str, str, int]]:
    told = registers.find_refusals(lesson_id).refusals
    assert all(each.first_at <= each.last_at for each in told)
    return [(each.school_number, each.code, each.times) for each in told]


@OUT
@pytest.mark.parametrize("place", ["live", "over", "stored"])
def test_attempts_after_a_rejection_are_counted_wherever_the_lesson_is(
    place: str, verdict: Verdict
) -> None:
    lesson = live_lesson(2)
    if place != "live":
        end(lesson.id)
    if place == "stored":
        unified_persistence_task()
    before = put_out(lesson.id, verdict)

    try_again(lesson.id, 3)

    assert attempts(lesson.id) == [("S-0001", "rejected_by_teacher", 3)]
    assert revision_of(lesson.id) == before


def test_attempts_are_stored_with_the_lesson_and_counted_on() -> None:
    lesson = live_lesson(2)
    put_out(lesson.id)
    try_again(lesson.id, 2)
    end(lesson.id)
    unified_persistence_task()

    try_again(lesson.id)

    assert attempts(lesson.id) == [("S-0001", "rejected_by_teacher", 3)]


@pytest.mark.parametrize("is_stored", [False, True], ids=["live", "stored"])
def test_the_board_shows_who_tried_again_in_their_own_row(is_stored: bool) -> None:
    lesson = live_lesson(2)
    put_out(lesson.id)
    version = find_board(lesson.id).version
    try_again(lesson.id, 2)
    if is_stored:
        end(lesson.id)
        unified_persistence_task()

    board = find_board(lesson.id, version=version)

    assert not board.is_unchanged
    rows = {row.school_number: row for row in rows_of(board, tab=ALL, search="").groups[0].rows}
    again = rows["S-0001"].tried_again
    assert again is not None
    assert (again.times, again.first_at <= again.last_at) == (2, True)
    assert rows["S-0002"].tried_again is None


def test_whoever_is_accepted_after_all_has_tried_nothing() -> None:
    lesson = live_lesson(1)
    put_out(lesson.id)
    try_again(lesson.id)
    correct_record(
        Correction(
            lesson_id=lesson.id, school_number="S-0001", verdict=Verdict.ACCEPT, actor=TEACHER
        )
    )

    (row,) = rows_of(find_board(lesson.id), tab=ALL, search="").groups[0].rows

    assert row.tried_again is None


def test_a_receipt_of_a_rejected_check_in_is_no_attempt() -> None:
    lesson = live_lesson(0)
    receipt = receipts.issue(check_in(lesson.id, student=student(1)))
    put_out(lesson.id)
    before = redis_state()

    # A phone sends it by itself, again and again.
    redeemed = receipts.redeem(receipt, caller=student(1))

    assert redeemed.record
    assert (redeemed.outcome, redeemed.record.status) == ("kept", "rejected")
    assert redis_state() == before


def test_attempts_at_an_older_copy_that_came_back_are_not_lost_with_it() -> None:
    lesson = live_lesson(2)
    put_out(lesson.id)
    end(lesson.id)
    redis: Any = client.connection()
    copy = {key: redis.dump(key) for key in keys.of_lesson(lesson.id) if redis.exists(key)}
    unified_persistence_task()
    correct_record(
        Correction(
            lesson_id=lesson.id,
            school_number="S-0002",
            verdict=Verdict.LATE,
            actor=TEACHER,
            reason="tram",
        )
    )
    for key, raw in copy.items():
        assert raw is not None
        redis.restore(key, 0, raw)
    store.sync_due(lesson.id)
    try_again(lesson.id, 2)

    report = unified_persistence_task()

    assert [each.outcome for each in report.lessons] == [Outcome.REWOUND]
    assert attempts(lesson.id) == [("S-0001", "rejected_by_teacher", 2)]
    assert RefusedCheckIn.objects.count() == Attendance.objects.count() == 1
