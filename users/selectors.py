"""Which accounts are of one person: the root, under which they are known, and all merged into it.

A merge rewrites no row, so whoever reads rows of a person asks here for all of their accounts.
An account that was never merged is its own root. A number that a person had before stands for
them as their present one does.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from contextlib import suppress
from datetime import datetime
from typing import Any

from django.contrib.postgres.expressions import ArraySubquery
from django.db.models import Case, Exists, F, OuterRef, Q, QuerySet, Subquery, Value, When
from django.db.models.expressions import Combinable
from django.db.models.functions import Coalesce

from users.derived_keys import Purpose, fingerprints
from users.errors import AttnError
from users.identity import canonical_school_number
from users.models import ErasedNumber, FormerNumber, User


def root_id(relation: str = "") -> Combinable:
    """The root of each row's user, as an expression; `relation` leads to the user, as in "user"."""
    if not relation:
        return Coalesce(F("merged_into_id"), F("pk"))
    return Coalesce(F(f"{relation}__merged_into_id"), F(f"{relation}_id"))


def accounts_query(user_id: int) -> QuerySet[User]:
    """All accounts of the person whose account this is, to be used inside a query."""
    return _accounts(Subquery(User.objects.filter(pk=user_id).values(root=root_id())))


def accounts_of_number(school_number: str) -> QuerySet[User]:
    """As `accounts_query`, by a number that the person has or had."""
    has = User.objects.filter(school_number=school_number).values(root=root_id())
    had = FormerNumber.objects.filter(number=school_number).values(root=root_id("user"))
    return _accounts(Coalesce(Subquery(has), Subquery(had)))


def account_id(school_number: str) -> Combinable:
    """The id of the account that has or had a number, as an expression; itself, not its root."""
    has = User.objects.filter(school_number=school_number).values("pk")
    had = FormerNumber.objects.filter(number=school_number).values("user")
    return Coalesce(Subquery(has), Subquery(had))


def account_ids(school_numbers: Iterable[str]) -> dict[str, int]:
    """The account that has or had each number, itself and not its root; unknown ones are left out.

    One query, none where nobody is asked for.
    """
    wanted = list(school_numbers)
    if not wanted:
        return {}
    has = User.objects.filter(school_number__in=wanted).order_by()
    had = FormerNumber.objects.filter(number__in=wanted).order_by()
    rows = has.values_list("school_number", "pk").union(had.values_list("number", "user_id"))
    return dict(rows)


def find_account(school_number: str) -> User | None:
    """The account that has or had a number, itself and not its root; one query."""
    return User.objects.filter(pk=account_id(school_number)).first()


def accounts_of_outer_row(relation: str) -> QuerySet[User]:
    """As `accounts_query`, for a condition of a subquery: of the user of the row around that.

    `relation` leads from the row to the user.
    """
    # Twice: once out of this query into the subquery, once out of that.
    merged_into = OuterRef(OuterRef(f"{relation}__merged_into_id"))
    root = Coalesce(merged_into, OuterRef(OuterRef(f"{relation}_id")))
    return User.objects.filter(Q(pk=root) | Q(merged_into=root)).order_by()


def _accounts(root: Combinable) -> QuerySet[User]:
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
    """The root's number for each number that somebody has or had; one query for many.

    Unknown numbers are their own.
    """
    wanted = list(numbers)
    merged = User.objects.filter(school_number__in=wanted, merged_into__isnull=False).order_by()
    former = FormerNumber.objects.filter(number__in=wanted).order_by()
    root = Coalesce("user__merged_into__school_number", "user__school_number")
    rows = merged.values_list("school_number", "merged_into__school_number").union(
        former.values_list("number", root)
    )
    return {number: number for number in wanted} | dict(rows)


def accounts_found(text: str, *, most: int) -> tuple[list[int], bool]:
    """The accounts of whoever has or had what was typed in number or name, each word of it.

    With all that are merged with them. A whole number, present or former, is its one person. At
    most `most` people are found by words, in the order of numbers; the second value says whether
    there are more. Three queries at most, of people alone.
    """
    with suppress(AttnError):
        owner = list(accounts_of_number(canonical_school_number(text)).values_list("pk", flat=True))
        if owner:
            return owner, False
    rows = User.objects.order_by("school_number")
    for word in text.split():
        former = FormerNumber.objects.filter(user=OuterRef("pk"), number__found=word)
        rows = rows.filter(Q(school_number__found=word) | Q(full_name__found=word) | Exists(former))
    roots = list(rows.values_list(root_id(), flat=True)[: most + 1])
    people = Q(pk__in=roots[:most]) | Q(merged_into__in=roots[:most])
    accounts = User.objects.filter(people).order_by().values_list("pk", flat=True)
    return list(accounts), len(roots) > most


def numbers_of(user_id: int) -> tuple[str, ...]:
    """The numbers of a person: the root's, of merged accounts, former ones; empty for nobody.

    One query.
    """
    place = Case(When(merged_into=None, then=Value(0)), default=Value(1))
    has = accounts_query(user_id).annotate(place=place).values_list("place", "school_number")
    had = FormerNumber.objects.filter(user__in=accounts_query(user_id)).order_by()
    return _in_order(has.union(had.annotate(place=Value(2)).values_list("place", "number")))


def _in_order(rows: QuerySet[Any, tuple[int, str]]) -> tuple[str, ...]:
    return tuple(number for _, number in sorted(rows))


def numbers_of_account(school_number: str) -> tuple[str, ...]:
    """The numbers of the account that has or had this one, the present one first; one query.

    Empty where nobody has or had it. Merged accounts are accounts of their own.
    """
    has = User.objects.filter(pk=account_id(school_number)).order_by()
    had = FormerNumber.objects.filter(user=account_id(school_number)).order_by()
    return _in_order(
        has.annotate(place=Value(0))
        .values_list("place", "school_number")
        .union(had.annotate(place=Value(1)).values_list("place", "number"))
    )


def merged_numbers(root: str) -> ArraySubquery:
    """The numbers merged into each row's root, as an array; `root` names that id in the row."""
    return _of_merged(root, "school_number")


def merged_ids(root: str) -> ArraySubquery:
    """The ids of those accounts, in the same order."""
    return _of_merged(root, "pk")


def _of_merged(root: str, field: str) -> ArraySubquery:
    merged = User.objects.filter(merged_into=OuterRef(root)).order_by("school_number")
    return ArraySubquery(merged.values(field))


def former_numbers(root: str) -> ArraySubquery:
    """The numbers that each row's root and the accounts merged into it had before, as an array."""
    outer = OuterRef(OuterRef(root))
    # Not by a condition on both tables: that would read every former number of everybody.
    accounts = User.objects.filter(Q(pk=outer) | Q(merged_into=outer)).order_by().values("pk")
    rows = FormerNumber.objects.filter(user__in=accounts).order_by("number")
    return ArraySubquery(rows.values("number"))


def numbers_merged_into(user_ids: Iterable[int]) -> Mapping[int, tuple[str, ...]]:
    """The numbers that are merged into each of these accounts; one query for many."""
    found: dict[int, list[str]] = defaultdict(list)
    rows = User.objects.filter(merged_into__in=list(user_ids)).order_by("school_number")
    for root, number in rows.values_list("merged_into_id", "school_number"):
        found[root].append(number)
    return {root: tuple(numbers) for root, numbers in found.items()}


def was_erased(number: str, *, after: datetime) -> bool:
    """Whether somebody who had this number was deleted at that instant or later."""
    known = fingerprints(number, Purpose.ERASED_NUMBERS)
    return ErasedNumber.objects.filter(fingerprint__in=known, erased_at__gte=after).exists()
