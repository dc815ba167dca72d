"""Small rules: verdicts, ids, folding errors into kinds."""

from datetime import UTC, datetime, timedelta
from itertools import pairwise

import pytest
from django.db import OperationalError

from attendance.errors import AttendanceError, NothingToUndo, RecordNotFound
from attendance.rules.verdicts import Change, Standing, decide
from attendance.selectors.shapes import RegisterRecord
from attendance.services.database_errors import Kind, kind_of, storable, text_of
from attendance.services.ids import new_lesson_id
from attendance.services.persistence.report import (
    Counts,
    LessonReport,
    Outcome,
    PersistenceReport,
    Tally,
    Totals,
)
from attendance.vocabulary import Trigger, Verdict

AT = datetime(2026, 3, 2, 9, tzinfo=UTC)


def record(status: str = "present", previous: str = "", mark: str = "kept") -> RegisterRecord:
    return RegisterRecord(
        school_number="S-1",
        full_name="Ada",
        status=status,
        checked_in_at=AT,
        source="student",
        reason="",
        previous=previous,
        mark=mark,
        revision=5,
        changed_at=AT,
    )


def apply(before: RegisterRecord | None, verdict: Verdict) -> RegisterRecord:
    change = decide(before.standing if before else None, verdict)
    return record(change.status, change.previous, change.mark)


@pytest.mark.parametrize("verdict", [v for v in Verdict if v not in {"undo", "delete"}])
def test_undo_takes_back_and_undone_again_brings_back(verdict: Verdict) -> None:
    before = record("pending")
    corrected = apply(before, verdict)
    undone = apply(corrected, Verdict.UNDO)
    assert undone.status == "pending"
    assert apply(undone, Verdict.UNDO).status == corrected.status


@pytest.mark.parametrize(
    ("before", "verdict", "change"),
    [
        (None, "late", ("late", "none", "kept", "none", "late")),
        (("late", "", "kept"), "accept", ("present", "late", "kept", "late", "present")),
        (("late", "", "deleted"), "excuse", ("excused", "deleted", "kept", "deleted", "excused")),
        (("late", "", "undone"), "excuse", ("excused", "deleted", "kept", "deleted", "excused")),
        (("late", "", "kept"), "delete", ("late", "late", "deleted", "late", "deleted")),
        (("late", "present", "kept"), "undo", ("present", "late", "kept", "late", "present")),
        (("late", "none", "kept"), "undo", ("late", "late", "undone", "late", "deleted")),
        (("late", "deleted", "kept"), "undo", ("late", "late", "deleted", "late", "deleted")),
        (("late", "blank", "kept"), "undo", ("absent", "late", "kept", "late", "absent")),
        (("late", "late", "undone"), "undo", ("late", "none", "kept", "deleted", "late")),
        (("late", "late", "deleted"), "undo", ("late", "deleted", "kept", "deleted", "late")),
    ],
)
def test_what_a_verdict_makes_of_a_record(
    before: tuple[str, str, str] | None, verdict: str, change: tuple[str, ...]
) -> None:
    assert decide(Standing(*before) if before else None, verdict) == Change(*change)


@pytest.mark.parametrize(
    ("before", "verdict"),
    [(None, "undo"), (None, "delete"), (("late", "late", "deleted"), "delete")],
)
def test_what_is_not_there_is_neither_undone_nor_deleted(
    before: tuple[str, str, str] | None, verdict: str
) -> None:
    with pytest.raises(RecordNotFound):
        decide(Standing(*before) if before else None, verdict)


def test_a_run_adds_up_every_figure_of_its_lessons() -> None:
    advanced: list[int] = []
    tally = Tally(advanced.append)
    ids = [new_lesson_id(AT) for _ in range(3)]
    outcomes = [Outcome.PERSISTED, Outcome.PERSISTED, Outcome.FAILED]
    reports = [
        LessonReport(
            lesson_id=lesson_id,
            outcome=outcome,
            counts=Counts(recorded=n, read=n, inserted=n),
            events_inserted=n + 1,
            newly_quarantined=n + 2,
            expected=n + 3,
            marked_absent=n + 4,
        )
        for n, (lesson_id, outcome) in enumerate(zip(ids, outcomes, strict=True), start=1)
    ]

    tally.add(reports[:1])
    tally.add(reports[1:])

    assert tally.totals() == Totals(
        lessons=3,
        counts=Counts(recorded=6, read=6, inserted=6),
        events_inserted=9,
        newly_quarantined=12,
        expected=15,
        marked_absent=18,
        outcomes={"persisted": 2, "failed": 1},
    )
    assert [report.lesson_id for report in tally.lessons] == ids
    assert advanced == [1, 2, 3]


def test_undoing_an_addition_takes_the_record_away_and_back() -> None:
    added = apply(None, Verdict.ACCEPT)
    undone = apply(added, Verdict.UNDO)
    assert undone.is_deleted
    assert not apply(undone, Verdict.UNDO).is_deleted


def test_undoing_a_deletion_brings_the_status_back() -> None:
    deleted = apply(record("late"), Verdict.DELETE)
    assert deleted.is_deleted
    back = apply(deleted, Verdict.UNDO)
    assert (back.status, back.is_deleted) == ("late", False)
    assert apply(back, Verdict.UNDO).is_deleted


def test_what_was_never_corrected_cannot_be_undone() -> None:
    with pytest.raises(NothingToUndo):
        decide(record().standing, Verdict.UNDO)
    for verdict in (Verdict.UNDO, Verdict.DELETE):
        with pytest.raises(RecordNotFound):
            decide(None, verdict)


def test_lesson_ids_are_ordered_by_time_and_of_version_7() -> None:
    ids = [new_lesson_id(AT + timedelta(milliseconds=n)) for n in range(50)]
    assert all(a < b for a, b in pairwise(ids))
    assert {each.version for each in ids} == {7}


class Stated(Exception):
    def __init__(self, sqlstate: str) -> None:
        super().__init__(f"line 1 {sqlstate}\nline 2")
        self.sqlstate = sqlstate


@pytest.mark.parametrize(
    ("error", "kind"),
    [
        (Stated("40P01"), Kind.RETRY),
        (Stated("40001"), Kind.RETRY),
        (Stated("55P03"), Kind.RETRY),
        (Stated("53100"), Kind.RETRY),
        (Stated("23503"), Kind.RETRY),
        (Stated("25006"), Kind.RETRY),
        (Stated("57P01"), Kind.GONE),
        (Stated("08006"), Kind.GONE),
        (Stated("22021"), Kind.DATA),
        (Stated("23514"), Kind.DATA),
        (Stated("42P01"), Kind.OTHER),
        (UnicodeEncodeError("utf-8", "x", 0, 1, "no"), Kind.DATA),
        (OverflowError(), Kind.DATA),
        (RecursionError(), Kind.DATA),
        # The driver alone speaks where the server has hung up.
        (OperationalError("consuming input failed: server closed the connection"), Kind.GONE),
        (KeyError("bug"), Kind.OTHER),
    ],
)
def test_errors_fall_in_three_kinds_and_a_lost_connection(error: Exception, kind: Kind) -> None:
    assert kind_of(error) is kind


def test_the_text_of_an_error_is_one_line_that_can_be_stored() -> None:
    assert text_of(Stated("40P01")) == "Stated 40P01: line 1 40P01"
    assert storable("a\0b\ud800") == "a\\x00b\\ud800"
    assert len(storable("x" * 5000)) == 1000


@pytest.mark.parametrize(
    ("changes", "status"),
    [
        ({}, 0),
        ({"newly_quarantined": 1}, 3),
        ({"newly_quarantined": 1, "outcomes": {"failed": 1}}, 4),
        ({"outcomes": {"lost": 1}}, 4),
        ({"outcomes": {"failed": 1}, "unavailable": "gone"}, 75),
        ({"unavailable": "gone", "is_interrupted": True}, 130),
    ],
)
def test_the_gravest_exit_status_wins(changes: dict[str, object], status: int) -> None:
    given = {"unavailable": "", "is_interrupted": False, "newly_quarantined": 0, "outcomes": {}}
    given |= changes
    totals = Totals(
        lessons=1,
        counts=Counts(),
        events_inserted=0,
        newly_quarantined=given["newly_quarantined"],  # type: ignore[arg-type]
        expected=0,
        marked_absent=0,
        outcomes=given["outcomes"],  # type: ignore[arg-type]
    )
    report = PersistenceReport(
        run_id=None,
        trigger=Trigger.COMMAND,
        is_dry_run=False,
        is_interrupted=bool(given["is_interrupted"]),
        unavailable=str(given["unavailable"]),
        lessons=(),
        totals=totals,
        seconds=0.0,
    )
    assert report.exit_status == status


def test_every_error_has_a_code_of_its_own_and_says_what_to_do() -> None:
    errors = AttendanceError.__subclasses__()
    assert len({error.code for error in errors}) == len(errors)
    for error in errors:
        assert error("Do this.").as_dict() == {"code": error.code, "detail": "Do this."}
