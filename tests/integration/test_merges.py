"""Two accounts of one person: merged, taken apart, never in a chain, each step written down."""

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from django.db import IntegrityError, connection, connections, transaction
from django.test.utils import CaptureQueriesContext

from tests.support.factories import UserFactory
from tests.support.people import REASON, merge, staff, unmerge
from users import errors
from users.models import MergeKind, PersonMerge, User
from users.selectors import accounts_of, numbers_of, roots_of, roots_of_numbers
from users.services import merge_people, unmerge_people

pytestmark = pytest.mark.django_db(transaction=True)


def make(number: str, **values: Any) -> User:
    return UserFactory.create(school_number=number, **values)


def rows() -> list[Any]:
    """What a merge may change: nothing but `merged_into` and the ends of sessions."""
    kept = ("pk", "school_number", "full_name", "role", "email", "password", "is_active")
    return list(User.objects.order_by("pk").values_list(*kept))


def test_a_merge_is_written_down_and_read_as_one_person() -> None:
    old, new, other = make("OLD-1"), make("NEW-1"), make("X-1")
    before = rows()

    written = merge(old, new)

    assert rows()[: len(before)] == before
    assert (written.duplicate, written.into, written.kind) == (old, new, MergeKind.MERGE)
    assert (written.actor, written.actor_name, written.reason) == (staff(), "Merger", REASON)
    assert accounts_of(old.pk) == accounts_of(new.pk) == {old.pk, new.pk}
    assert roots_of([old.pk, new.pk, other.pk]) == {
        old.pk: new.pk,
        new.pk: new.pk,
        other.pk: other.pk,
    }
    assert numbers_of(old.pk) == numbers_of(new.pk) == ("NEW-1", "OLD-1")
    assert roots_of_numbers(["OLD-1", "NEW-1", "X-1", "NOBODY"]) == {
        "OLD-1": "NEW-1",
        "NEW-1": "NEW-1",
        "X-1": "X-1",
        "NOBODY": "NOBODY",
    }
    assert accounts_of(other.pk) == {other.pk}
    assert accounts_of(0) == frozenset()
    assert numbers_of(0) == ()


def test_a_merge_that_is_taken_back_leaves_all_as_it_was() -> None:
    old, new = make("OLD-1"), make("NEW-1")
    before = rows()
    merge(old, new)

    written = unmerge(old)

    assert rows()[: len(before)] == before
    assert old.merged_into is None
    assert (written.kind, written.into) == (MergeKind.UNMERGE, new)
    assert accounts_of(old.pk) == {old.pk}
    assert numbers_of(new.pk) == ("NEW-1",)
    assert PersonMerge.objects.count() == 2


def test_several_are_merged_into_one_and_each_is_taken_back_alone() -> None:
    first, second, root = make("A-1"), make("B-1"), make("R-1")
    merge(second, root)
    merge(first, root)
    assert numbers_of(first.pk) == ("R-1", "A-1", "B-1")

    unmerge(first)

    assert numbers_of(root.pk) == ("R-1", "B-1")
    assert numbers_of(first.pk) == ("A-1",)


def test_the_same_again_changes_nothing_and_answers_the_first() -> None:
    old, new = make("OLD-1"), make("NEW-1")
    merged = merge(old, new)
    assert merge(old, new, reason="asked twice") == merged
    version = old.session_version
    taken_back = unmerge(old)
    assert unmerge(old, reason="asked twice") == taken_back
    assert merged.reason == REASON
    assert PersonMerge.objects.count() == 2
    assert old.session_version == version
    again = merge(old, new)
    assert again.pk > taken_back.pk
    assert old.merged_into == new


def test_a_number_is_found_however_it_is_typed() -> None:
    old, new = make("OLD-1"), make("NEW-1")
    merge_people(duplicate=" old-1", into="new-1 ", actor=staff(), reason=" why ")
    old.refresh_from_db()
    assert old.merged_into == new
    assert PersonMerge.objects.get().reason == "why"


Attempt = Callable[[User], object]


def merging(duplicate: str, into: str, **values: Any) -> Attempt:
    return lambda actor: merge_people(
        **{"duplicate": duplicate, "into": into, "actor": actor, "reason": "a test", **values}
    )


def unmerging(duplicate: str, **values: Any) -> Attempt:
    return lambda actor: unmerge_people(
        **{"duplicate": duplicate, "actor": actor, "reason": "a test", **values}
    )


CASES: dict[str, tuple[Attempt, type[errors.UserError], str]] = {
    "oneself": (merging("s-1", "S-1"), errors.MergeWithOneself, "S-1"),
    "unknown duplicate": (merging("S-9", "S-1"), errors.PersonNotFound, "S-9"),
    "unknown target": (merging("S-1", "S-9"), errors.PersonNotFound, "S-9"),
    "unknown unmerge": (unmerging("S-9"), errors.PersonNotFound, "S-9"),
    "no number": (merging("S-1", "a b"), errors.InvalidSchoolNumber, "school number"),
    "no reason": (merging("S-1", "S-2", reason=" "), errors.InvalidReason, "500"),
    "long reason": (merging("S-1", "S-2", reason="x" * 501), errors.InvalidReason, "500"),
    "lines": (unmerging("OLD-1", reason="a\nb"), errors.InvalidReason, "one line"),
    "merged elsewhere": (merging("OLD-1", "S-1"), errors.AlreadyMerged, "NEW-1"),
    "target is merged": (merging("S-1", "OLD-1"), errors.MergeTargetMerged, "into NEW-1 instead"),
    "circle": (merging("NEW-1", "OLD-1"), errors.MergeInACircle, "OLD-1 is merged into NEW-1"),
    "has others": (merging("NEW-1", "S-1"), errors.HasMergedAccounts, "first OLD-1"),
    "never merged": (unmerging("S-1"), errors.NotMerged, "S-1"),
    "roles": (merging("S-1", "T-1"), errors.MergeRolesDiffer, "is student, that of T-1 is teacher"),
    "nobody could sign in": (merging("S-1", "GONE-1"), errors.MergeTargetInactive, "GONE-1"),
    "staff": (merging("STAFF-1", "STAFF-2"), errors.MergeNeedsSuperuser, "superuser"),
    "into staff": (merging("S-1", "STAFF-2"), errors.MergeNeedsSuperuser, "superuser"),
    "oneself as actor": (merging("MERGER-1", "STAFF-1"), errors.MergeOfOwnAccount, "MERGER-1"),
}


@pytest.mark.parametrize("case", CASES)
def test_what_cannot_be_merged_is_refused_with_what_to_do(case: str) -> None:
    attempt, kind, told = CASES[case]
    old, new = make("OLD-1"), make("NEW-1")
    make("S-1"), make("S-2"), make("T-1", teacher=True)
    make("GONE-1", is_active=False)
    make("STAFF-1", staff=True), make("STAFF-2", staff=True)
    merge(old, new)
    before = rows(), list(PersonMerge.objects.values())

    with pytest.raises(kind) as caught:
        attempt(staff())

    assert type(caught.value) is kind
    assert told in caught.value.detail
    assert (rows(), list(PersonMerge.objects.values())) == before


@pytest.mark.parametrize("role", ["student", "teacher"])
def test_only_staff_merge_and_unmerge(role: str) -> None:
    old, new = make("OLD-1"), make("NEW-1")
    actor = make("A-1", role=role)
    with pytest.raises(errors.MayNotMerge):
        merging("OLD-1", "NEW-1")(actor)
    merge(old, new)
    with pytest.raises(errors.MayNotMerge):
        unmerging("OLD-1")(actor)


def test_a_superuser_merges_staff_but_not_themself_away() -> None:
    root = make("ROOT-1", staff=True, is_superuser=True)
    first, second = make("STAFF-1", staff=True), make("STAFF-2", staff=True)
    merging("STAFF-1", "STAFF-2")(root)
    with pytest.raises(errors.MergeNeedsSuperuser):
        unmerging("STAFF-1")(second)
    unmerging("STAFF-1")(root)
    merging("STAFF-1", "ROOT-1")(root)
    first.refresh_from_db()
    assert first.merged_into == root
    with pytest.raises(errors.MergeOfOwnAccount):
        merging("ROOT-1", "STAFF-2")(root)


def test_two_who_left_are_merged() -> None:
    old, new = make("OLD-1", is_active=False), make("NEW-1", is_active=False)
    merge(old, new)
    assert old.merged_into == new


def together(*attempts: Callable[[], object]) -> list[str]:
    """The codes of what each raised, '' for none, when all begin at once."""
    barrier = threading.Barrier(len(attempts), timeout=30)

    def run(attempt: Callable[[], object]) -> str:
        try:
            barrier.wait()
            attempt()
        except errors.UserError as error:
            return error.code
        finally:
            connections.close_all()
        return ""

    with ThreadPoolExecutor(len(attempts)) as pool:
        return sorted(pool.map(run, attempts))


def is_without_chains() -> bool:
    return not User.objects.filter(merged_into__merged_into__isnull=False).exists()


@pytest.mark.parametrize("turn", range(8))
def test_two_merges_at_once_make_no_chain_and_no_circle(turn: int) -> None:
    actor = staff()
    for number in ("A-1", "B-1", "C-1"):
        make(number)
    told = together(
        lambda: merging("A-1", "B-1")(actor),
        lambda: merging("B-1", "C-1")(actor),
    )
    assert told in (["", "has_merged_accounts"], ["", "merge_target_merged"])
    assert is_without_chains()

    make("D-1"), make("E-1")
    told = together(
        lambda: merging("D-1", "E-1")(actor),
        lambda: merging("E-1", "D-1")(actor),
    )
    assert told == ["", "merge_in_a_circle"]
    assert is_without_chains()


def test_a_merge_locks_by_id_and_holds_nothing_while_it_waits_for_the_first() -> None:
    """Else two who name the same accounts the other way round would wait for each other."""
    actor, first, second = staff(), make("A-1"), make("B-1")

    def merge_the_later() -> None:
        try:
            merging("B-1", "A-1")(actor)
        finally:
            connections.close_all()

    with ThreadPoolExecutor(1) as pool:
        with transaction.atomic():
            User.objects.select_for_update(no_key=True).get(pk=first.pk)
            told = pool.submit(merge_the_later)
            while not _is_waited_for():
                assert not told.done()
            User.objects.select_for_update(no_key=True, nowait=True).get(pk=second.pk)
        told.result(30)
    second.refresh_from_db()
    assert second.merged_into == first


def test_the_same_merge_at_once_is_written_once() -> None:
    actor = staff()
    make("A-1"), make("B-1")
    assert together(*[lambda: merging("A-1", "B-1")(actor)] * 4) == [""] * 4
    assert PersonMerge.objects.count() == 1


def write(duplicate: User, into: User | None) -> None:
    """By hand, past the service, with its line in the log."""
    PersonMerge.objects.create(
        duplicate=duplicate,
        into=into or duplicate.merged_into or make("ELSE-1"),
        kind=MergeKind.MERGE if into else MergeKind.UNMERGE,
        reason="by hand",
        actor=staff(),
        actor_name="Merger",
    )
    User.objects.filter(pk=duplicate.pk).update(merged_into=into)


def test_the_database_refuses_a_chain() -> None:
    old, new, third = make("OLD-1"), make("NEW-1"), make("X-1")
    merge(old, new)
    with pytest.raises(IntegrityError, match="into no root"), transaction.atomic():
        write(third, old)
    with pytest.raises(IntegrityError, match="has accounts merged into it"), transaction.atomic():
        write(new, third)
    with pytest.raises(IntegrityError, match="person_merge_is_of_two"), transaction.atomic():
        write(third, third)
    with (
        pytest.raises(IntegrityError, match="not_merged_into_itself"),
        transaction.atomic(),
    ):
        User.objects.filter(pk=third.pk).update(merged_into=third)


def test_the_database_refuses_a_chain_that_two_write_at_once() -> None:
    """Without the service's locks: the trigger waits for the other, and looks after it."""
    staff()
    first, second, third = make("A-1"), make("B-1"), make("C-1")
    began, ended = threading.Event(), threading.Event()

    def other() -> str:
        try:
            began.wait(30)
            with transaction.atomic():
                write(second, third)
        except IntegrityError as error:
            return str(error)
        finally:
            connections.close_all()
        return ""

    with ThreadPoolExecutor(1) as pool:
        told = pool.submit(other)
        with transaction.atomic():
            write(first, second)
            began.set()
            while not _is_waited_for():
                assert not ended.wait(0.02)
                assert not told.done()
        assert "has accounts merged into it" in told.result(30)
    assert is_without_chains()


def _is_waited_for() -> bool:
    with connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM pg_locks WHERE NOT granted")
        return bool(cursor.fetchone()[0])


def test_no_account_is_merged_without_its_line_and_no_line_says_something_else() -> None:
    old, new = make("OLD-1"), make("NEW-1")
    with pytest.raises(IntegrityError, match="say something else"):
        User.objects.filter(pk=old.pk).update(merged_into=new)
    with pytest.raises(IntegrityError, match="say something else"):
        make("THIRD-1", merged_into=new)
    with pytest.raises(IntegrityError, match="say something else"):
        PersonMerge.objects.create(
            duplicate=old,
            into=new,
            kind=MergeKind.MERGE,
            reason="a",
            actor=new,
            actor_name="b",
        )
    seen_before = User.objects.get(pk=old.pk)
    merge(old, new)
    with pytest.raises(IntegrityError, match="say something else"):
        # Somebody saves the whole row as they saw it before the merge.
        seen_before.save()
    old.refresh_from_db()
    assert old.merged_into == new


def test_merges_are_only_added() -> None:
    old, new = make("OLD-1"), make("NEW-1")
    written = merge(old, new)
    for change in (
        lambda: PersonMerge.objects.filter(pk=written.pk).update(reason="another"),
        lambda: PersonMerge.objects.all().delete(),
    ):
        with pytest.raises(IntegrityError, match="append-only"):
            change()


@pytest.mark.parametrize(
    ("values", "rule"),
    [
        ({"kind": "other"}, "person_merge_kind_is_known"),
        ({"reason": ""}, "person_merge_is_explained"),
        ({"actor_name": ""}, "person_merge_is_explained"),
        ({"happened_at": "1999-01-01T00:00:00Z"}, "person_merge_instant_is_sane"),
    ],
)
def test_the_database_keeps_the_rules_of_a_merge(values: dict[str, str], rule: str) -> None:
    old, new = make("OLD-1"), make("NEW-1")
    good = {"kind": "merge", "reason": "a", "actor_name": "b"}
    with pytest.raises(IntegrityError, match=rule):
        PersonMerge.objects.create(duplicate=old, into=new, actor=new, **(good | values))


def test_selectors_ask_once_for_many() -> None:
    users = [make(f"S-{n}") for n in range(12)]
    for n in range(6):
        merge(users[n], users[n + 6])

    def queries(some: list[User]) -> int:
        with CaptureQueriesContext(connection) as captured:
            roots_of(user.pk for user in some)
            roots_of_numbers(user.school_number for user in some)
        return len(captured)

    assert queries(users[:1]) == queries(users) == 2
    with CaptureQueriesContext(connection) as captured:
        accounts_of(users[0].pk)
        numbers_of(users[0].pk)
    assert len(captured) == 2
