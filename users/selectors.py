"""Which accounts are of one person: the root, under which they are known, and all merged into it.

A merge rewrites no row, so whoever reads rows of a person asks here for all of their accounts.
An account that was never merged is its own root.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping

from django.contrib.postgres.expressions import ArraySubquery
from django.db.models import F, OuterRef, Q, QuerySet, Subquery
from django.db.models.expressions import Combinable
from django.db.models.functions import Coalesce

from users.models import User


def root_id(relation: str = "") -> Combinable:
    """The root of each row's user, as an expression; `relation` leads to the user, as in "user"."""
    if not relation:
        return Coalesce(F("merged_into_id"), F("pk"))
    return Coalesce(F(f"{relation}__merged_into_id"), F(f"{relation}_id"))


def accounts_query(user_id: int) -> QuerySet[User]:
    """All accounts of the person whose account this is, to be used inside a query."""
    return _accounts(User.objects.filter(pk=user_id))


def accounts_of_number(school_number: str) -> QuerySet[User]:
    """As `accounts_query`, by a number of the person."""
    return _accounts(User.objects.filter(school_number=school_number))


def accounts_of_outer_row(relation: str) -> QuerySet[User]:
    """As `accounts_query`, for a condition of a subquery: of the user of the row around that.

    `relation` leads from the row to the user.
    """
    # Twice: once out of this query into the subquery, once out of that.
    merged_into = OuterRef(OuterRef(f"{relation}__merged_into_id"))
    root = Coalesce(merged_into, OuterRef(OuterRef(f"{relation}_id")))
    return User.objects.filter(Q(pk=root) | Q(merged_into=root)).order_by()


def _accounts(one: QuerySet[User]) -> QuerySet[User]:
    root = Subquery(one.values(root=root_id()))
    return User.objects.filter(Q(pk=root) | Q(merged_into=root)).order_by()


def accounts_of_people(user_ids: Iterable[int]) -> QuerySet[User]:
    """All accounts of the people whose accounts these are, to be used inside a query."""
    roots = User.objects.filter(pk__in=list(user_ids)).values(root=root_id())
    return User.objects.filter(Q(pk__in=roots) | Q(merged_into__in=roots)).order_by()


def accounts_of(user_id: int) -> frozenset[int]:
    """The ids of all accounts of a person, by any of them; empty for nobody. One query."""
    return frozenset(accounts_query(user_id).values_list("pk", flat=True))


def roots_of(user_ids: Iterable[int]) -> dict[int, int]:
    """The id of each user's root; one query for many, users who do not exist are left out."""
    rows = User.objects.filter(pk__in=list(user_ids)).order_by()
    return dict(rows.values_list("pk", root_id()))


def roots_of_numbers(numbers: Iterable[str]) -> dict[str, str]:
    """The root's number for each number; one query for many. Unknown numbers are their own."""
    wanted = list(numbers)
    rows = User.objects.filter(school_number__in=wanted, merged_into__isnull=False).order_by()
    merged = dict(rows.values_list("school_number", "merged_into__school_number"))
    return {number: merged.get(number, number) for number in wanted}


def numbers_of(user_id: int) -> tuple[str, ...]:
    """The numbers of all accounts of a person, the root's first; empty for nobody. One query."""
    rows = accounts_query(user_id).order_by(F("merged_into").asc(nulls_first=True), "school_number")
    return tuple(rows.values_list("school_number", flat=True))


def merged_numbers(root: str) -> ArraySubquery:
    """The numbers merged into each row's root, as an array; `root` names that id in the row."""
    return _of_merged(root, "school_number")


def merged_ids(root: str) -> ArraySubquery:
    """The ids of those accounts, in the same order."""
    return _of_merged(root, "pk")


def _of_merged(root: str, field: str) -> ArraySubquery:
    merged = User.objects.filter(merged_into=OuterRef(root)).order_by("school_number")
    return ArraySubquery(merged.values(field))


def numbers_merged_into(user_ids: Iterable[int]) -> Mapping[int, tuple[str, ...]]:
    """The numbers that are merged into each of these accounts; one query for many."""
    found: dict[int, list[str]] = defaultdict(list)
    rows = User.objects.filter(merged_into__in=list(user_ids)).order_by("school_number")
    for root, number in rows.values_list("merged_into_id", "school_number"):
        found[root].append(number)
    return {root: tuple(numbers) for root, numbers in found.items()}
