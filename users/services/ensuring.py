"""Users first: their rows exist before attendance points to them."""

from collections.abc import Collection, Iterable
from functools import partial

from django.db import connection, transaction

from users.credentials import forget_users
from users.errors import UsersMissing
from users.identity import Person, Role
from users.models import User

_BATCH = 1_000


def ensure_users(
    people: Iterable[Person], *, numbers: Collection[str] | None = None
) -> dict[str, int]:
    """Make sure that each person has a user, and hold those rows until the commit.

    Call it inside a transaction. A known user is never changed: the name seen
    in a lesson stays on the record. A new one has no usable password and is a
    student, or a teacher where anybody among `people` says so. The rows stay
    locked FOR KEY SHARE, so that a delete, and a change of number, waits until what points
    to them is in. A number that somebody had before stands for them.

    `numbers` are those of all `people`, where the caller has them: then `people` are looked at
    only where somebody is not known yet.

    Returns the primary key of each school number. Raises UsersMissing where a
    user is still not there; the caller must roll back.
    """
    if numbers is None:
        people = list(people)
        numbers = {person.school_number for person in people}
    ids = _hold(numbers)
    # Inserting known users again would use up an id of the sequence for each. Writers that
    # insert in different orders deadlock: always by number.
    unknown = sorted(number for number in numbers if number not in ids)
    if unknown:
        # Somebody who got another number is no new person.
        ids |= _hold_by_former(unknown)
        unknown = [number for number in unknown if number not in ids]
    if unknown:
        people_by_number = _one_per_number(people)
        User.objects.bulk_create(
            [_new_user(people_by_number[number]) for number in unknown], ignore_conflicts=True
        )
        ids |= _hold(unknown)
    missing = [number for number in unknown if number not in ids]
    if missing:
        raise UsersMissing(count=len(missing), first=missing[0])
    return ids


def update_people(people: Iterable[Person]) -> None:
    """Give known users the names of these people, and a teacher's role where one is a student.

    Call it inside a transaction. A role is never lowered, and staff is never made;
    superusers are left alone. Whoever has signed in once keeps the role that they have.
    """
    wanted = {person.school_number: person for person in people}
    if not wanted:
        return
    # NO KEY: persistence points to these rows and must not wait.
    rows = User.objects.select_for_update(no_key=True).filter(
        school_number__in=wanted, is_superuser=False
    )
    changed = [
        user for user in rows.order_by("school_number") if _take(user, wanted[user.school_number])
    ]
    User.objects.bulk_update(changed, ["full_name", "role"], batch_size=_BATCH)
    # Bulk changes send no signal.
    transaction.on_commit(partial(forget_users, [user.pk for user in changed]))


def _take(user: User, person: Person) -> bool:
    """Change a user to what is known of the person; returns whether anything differs."""
    is_fresh = user.last_login is None and not user.has_usable_password()
    is_promoted = person.role is Role.TEACHER and user.role == Role.STUDENT and is_fresh
    differs = is_promoted or user.full_name != person.full_name
    user.full_name = person.full_name
    if is_promoted:
        user.role = Role.TEACHER
    return differs


def _one_per_number(people: Iterable[Person]) -> dict[str, Person]:
    people_by_number: dict[str, Person] = {}
    for person in people:
        first = people_by_number.setdefault(person.school_number, person)
        if person.role is not Role.STUDENT and first.role is Role.STUDENT:
            people_by_number[person.school_number] = person
    return people_by_number


def _new_user(person: Person) -> User:
    # No staff is made from a lesson: that role opens the admin.
    role = Role.TEACHER if person.role is not Role.STUDENT else Role.STUDENT
    user = User(school_number=person.school_number, full_name=person.full_name, role=role)
    user.set_unusable_password()
    return user


def _hold_by_former(numbers: list[str]) -> dict[str, int]:
    """As `_hold`, by numbers that users had before."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT f.number, u.id FROM users_formernumber AS f"
            " JOIN users_user AS u ON u.id = f.user_id"
            " WHERE f.number = ANY(string_to_array(%s, ',')) ORDER BY u.school_number"
            " FOR KEY SHARE OF u",
            [",".join(numbers)],
        )
        return dict(cursor.fetchall())


def _hold(numbers: Collection[str]) -> dict[str, int]:
    """The ids of the users that exist, locked so that none is deleted before our commit."""
    if not numbers:
        return {}
    # Django has no FOR KEY SHARE; FOR UPDATE would block the foreign keys of others.
    with connection.cursor() as cursor:
        cursor.execute(
            # One text costs less than an array or a row for each; no number has a comma.
            "SELECT coalesce(string_agg(held.school_number, ','), ''),"
            " coalesce(string_agg(held.id::text, ','), '')"
            " FROM (SELECT school_number, id FROM users_user"
            " WHERE school_number = ANY(string_to_array(%s, ','))"
            " ORDER BY school_number FOR KEY SHARE) AS held",
            [",".join(numbers)],
        )
        found, ids = cursor.fetchone()
    return dict(zip(found.split(","), map(int, ids.split(",")), strict=True)) if found else {}
