"""Which of several records of a person is effective: pure, total, the same in every order."""

from datetime import UTC, datetime, timedelta
from itertools import permutations
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from attendance.rules.effective import (
    DECISIONS,
    effective,
    effective_by_person,
    only_effective,
)
from attendance.rules.precedence import RANK
from attendance.rules.verdicts import Mark
from attendance.selectors.shapes import RegisterRecord
from attendance.vocabulary import Source, Status

NINE = datetime(2026, 3, 2, 9, tzinfo=UTC)


def record(number: str = "A", **values: Any) -> RegisterRecord:
    """A check-in at nine, changed as told; `minute` moves its instants."""
    at = NINE + timedelta(minutes=values.pop("minute", 0))
    source = values.get("source", "student")
    has_come = source in {"student", "receipt"}
    good = {
        "school_number": number,
        "full_name": "Ada",
        "status": "present",
        "checked_in_at": at if has_come else None,
        "source": source,
        "reason": "",
        "previous": "",
        "mark": Mark.KEPT,
        "revision": 2,
        "changed_at": at,
    }
    return RegisterRecord(**(good | values))


def test_every_source_has_its_rank() -> None:
    assert set(RANK) == set(Source.values)
    assert set(RANK) > DECISIONS
    order = ["system", "student", "verifier", "teacher", "staff"]
    assert sorted(order, key=RANK.__getitem__) == order
    assert RANK["student"] == RANK["receipt"]


HIGHER = [
    ("kept, of a system", {"source": "system", "status": "absent"}, {"mark": Mark.DELETED}),
    ("kept, against staff", {}, {"source": "staff", "mark": Mark.DELETED}),
    ("kept, against undone", {}, {"source": "teacher", "mark": Mark.UNDONE}),
    ("staff", {"source": "staff", "status": "absent"}, {"source": "teacher", "revision": 9}),
    ("teacher", {"source": "teacher", "status": "rejected"}, {"source": "verifier"}),
    ("verifier", {"source": "verifier", "minute": 9}, {"source": "receipt"}),
    ("student", {"minute": 9}, {"source": "system", "status": "excused"}),
    ("the later decision", {"source": "teacher", "revision": 5}, {"source": "teacher"}),
    (
        "the later instant of one revision",
        {"source": "staff", "minute": 5},
        {"source": "staff"},
    ),
    ("the earlier arrival", {"minute": 1, "revision": 9}, {"source": "receipt", "minute": 2}),
    ("an arrival that is known", {"minute": 9}, {"checked_in_at": None}),
    (
        "excused by the system",
        {"source": "system", "status": "excused"},
        {"source": "system", "status": "absent", "minute": 9},
    ),
    ("deleted by staff", {"source": "staff", "mark": Mark.DELETED}, {"mark": Mark.DELETED}),
]


@pytest.mark.parametrize(("higher", "lower"), [row[1:] for row in HIGHER], ids=lambda _: "")
def test_the_higher_is_effective_whatever_its_number(
    higher: dict[str, Any], lower: dict[str, Any]
) -> None:
    for numbers in ("AB", "BA"):
        first, second = record(numbers[0], **higher), record(numbers[1], **lower)
        assert effective([first, second]) is first
        assert effective([second, first]) is first


def test_of_equals_the_smaller_number_is_effective() -> None:
    assert effective([record("B"), record("A")]).school_number == "A"


def test_persons_are_told_apart_by_their_root() -> None:
    records = [record("A", minute=2), record("B"), record("C", minute=1)]
    assert effective_by_person(records, {"A": "C"}) == {"C": records[2], "B": records[1]}
    assert effective_by_person(records, {}) == {r.school_number: r for r in records}
    assert effective_by_person([], {"A": "C"}) == {}


def test_what_another_account_outranks_is_left_out_in_the_order_of_the_records() -> None:
    records = [record("A", minute=2), record("B"), record("C", minute=1)]

    assert only_effective(iter(records), {"A": "C"}) == [records[1], records[2]]
    assert only_effective(iter(records), {}) == records


values = st.fixed_dictionaries(
    {
        "source": st.sampled_from(Source.values),
        "status": st.sampled_from(Status.values),
        "mark": st.sampled_from(list(Mark)),
        "revision": st.integers(0, 3),
        "minute": st.integers(0, 3),
    }
)


@given(st.lists(values, min_size=1, max_size=4))
def test_the_order_of_records_does_not_matter_and_one_who_loses_is_not_missed(
    drawn: list[dict[str, Any]],
) -> None:
    records = [record(str(n), **each) for n, each in enumerate(drawn)]
    chosen = effective(records)
    assert all(effective(some) is chosen for some in permutations(records))
    for loser in records:
        if loser is not chosen:
            assert effective([r for r in records if r is not loser]) is chosen
    assert chosen.is_deleted == all(r.is_deleted for r in records)
