"""Users first: there before a row points to them, once each, never changed."""

import random
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest
from django.db import IntegrityError, OperationalError, connection, connections, transaction
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from tests.support.factories import UserFactory
from users.errors import UsersMissing
from users.identity import Person, Role
from users.models import User
from users.services import ensure_users, update_people

pytestmark = pytest.mark.django_db(transaction=True)


def people(first: int, last: int) -> list[Person]:
    return [Person(f"S-{n:04}", f"Student {n}") for n in range(first, last)]


def ensure(wanted: list[Person]) -> dict[str, int]:
    with transaction.atomic():
        return ensure_users(wanted)


def test_overlapping_users_from_many_threads_do_not_deadlock() -> None:
    together = threading.Barrier(8, timeout=30)

    def work(seed: int) -> None:
        try:
            for turn in range(6):
                wanted = people(turn * 400, turn * 400 + 600)
                random.Random(seed).shuffle(wanted)
                together.wait()
                assert len(ensure(wanted)) == 600
        finally:
            connections.close_all()

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(work, range(8)))

    assert User.objects.count() == 2600


def test_known_users_are_not_changed_and_burn_no_ids() -> None:
    known = UserFactory.create(school_number="S-0001", full_name="Known Name")
    ensure([Person("S-0001", "Other Name", Role.TEACHER), *people(2, 4)])
    ensure(people(1, 4))
    ensure(people(1, 5))

    known.refresh_from_db()
    assert (known.full_name, known.role) == ("Known Name", "student")
    ids = sorted(User.objects.values_list("id", flat=True))
    assert ids == list(range(ids[0], ids[0] + 4))


def test_rows_are_held_until_the_commit() -> None:
    ensure(people(1, 3))

    def take(number: str) -> None:
        try:
            with transaction.atomic():
                User.objects.select_for_update(nowait=True).get(school_number=number)
        finally:
            connections.close_all()

    with ThreadPoolExecutor(1) as pool, transaction.atomic():
        ensure_users(people(1, 2))
        with pytest.raises(OperationalError, match="could not obtain lock"):
            pool.submit(take, "S-0001").result()
        pool.submit(take, "S-0002").result()


def test_people_are_looked_at_only_where_somebody_is_not_known() -> None:
    ids = ensure(people(1, 3))

    def nobody() -> Iterator[Person]:
        pytest.fail("looked at")
        yield

    with transaction.atomic():
        assert ensure_users(nobody(), numbers={"S-0001", "S-0002"}) == ids
        assert ensure_users(nobody(), numbers=set()) == {}
        more = ensure_users(iter(people(1, 4)), numbers={"S-0001", "S-0002", "S-0003"})

    assert more == ids | {"S-0003": User.objects.get(school_number="S-0003").pk}


def test_a_new_user_is_a_student_or_a_teacher_and_never_staff() -> None:
    wanted = [
        Person("A", "A"),
        Person("B", "B"),
        Person("B", "B", Role.TEACHER),
        Person("C", "C", Role.STAFF),
    ]
    ensure(wanted)

    assert dict(User.objects.values_list("school_number", "role")) == {
        "A": "student",
        "B": "teacher",
        "C": "teacher",
    }
    assert not any(user.has_usable_password() for user in User.objects.all())


def test_the_query_count_does_not_grow_with_the_people() -> None:
    def queries(first: int, last: int) -> int:
        with CaptureQueriesContext(connection) as captured:
            ensure(people(first, last))
        return len(captured)

    assert queries(0, 1) == queries(1, 500)


def test_a_user_who_vanishes_is_refused_before_anything_points_to_them() -> None:
    with connection.cursor() as cursor:
        cursor.execute(
            "CREATE FUNCTION vanish() RETURNS trigger LANGUAGE plpgsql AS"
            " $$ BEGIN RETURN NULL; END $$;"
            "CREATE TRIGGER vanish BEFORE INSERT ON users_user"
            " FOR EACH ROW WHEN (NEW.school_number = 'S-0002') EXECUTE FUNCTION vanish()"
        )
    try:
        with pytest.raises(UsersMissing) as caught:
            ensure(people(1, 4))
        assert "S-0002" in caught.value.detail
    finally:
        with connection.cursor() as cursor:
            cursor.execute("DROP FUNCTION vanish CASCADE")


def test_a_number_is_found_however_it_is_typed() -> None:
    user = UserFactory.create(school_number="S-0001")

    assert User.objects.get_by_natural_key(" s-0001 ") == user
    with pytest.raises(User.DoesNotExist):
        User.objects.get_by_natural_key("no number!")


@pytest.mark.parametrize(
    ("changes", "rule"),
    [
        ({"school_number": "lower"}, "user_school_number_is_canonical"),
        ({"school_number": "A B"}, "user_school_number_is_canonical"),
        ({"full_name": ""}, "user_full_name_is_clean"),
        ({"full_name": "A\x07"}, "user_full_name_is_clean"),
        ({"role": "boss"}, "user_role_is_known"),
    ],
)
def test_the_database_keeps_the_rules(changes: dict[str, str], rule: str) -> None:
    with pytest.raises(IntegrityError, match=rule):
        UserFactory(**changes)


def test_a_superuser_is_staff() -> None:
    user = User.objects.create_superuser("root-1", "Root", "a sturdy password")

    assert (user.school_number, user.is_staff, user.is_superuser) == ("ROOT-1", True, True)
    assert user.check_password("a sturdy password")


@pytest.mark.parametrize(
    ("fields", "name", "role"),
    [
        ({}, "New", "teacher"),
        ({"last_login": timezone.now()}, "New", "student"),
        ({"password": "md5$x"}, "New", "student"),
        ({"role": "staff"}, "New", "staff"),
        ({"role": "staff", "is_superuser": True}, "Old", "staff"),
    ],
)
def test_known_people_are_completed_and_nobody_is_raised_or_lowered_by_it(
    fields: dict[str, object], name: str, role: str
) -> None:
    UserFactory(**{"school_number": "T-1", "full_name": "Old", **fields})
    with transaction.atomic():
        update_people([Person("T-1", "New", Role.TEACHER), Person("T-2", "Nobody")])
        update_people([Person("T-1", "New")])
    user = User.objects.get()
    assert (user.full_name, user.role) == (name, role)
