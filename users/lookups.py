"""The lookup `found`: `full_name__found="ismail"`, in filters and in the admin's search_fields.

It reads each row that it looks at, so `newest_of` says of how many.
"""

from typing import Any, TypeVar

from django.db.models import CharField, Lookup, QuerySet, TextField

from users.searching import search_pattern

Rows = TypeVar("Rows", bound=QuerySet[Any])


@CharField.register_lookup
@TextField.register_lookup
class FoundLookup(Lookup[Any]):
    """Whether what somebody typed is a part of a text, as `users.searching` compares them."""

    lookup_name = "found"

    def get_prep_lookup(self) -> str:
        return search_pattern(str(self.rhs))

    def as_sql(self, compiler: Any, connection: Any) -> tuple[str, tuple[str | int, ...]]:
        left, of_left = self.process_lhs(compiler, connection)
        right, of_right = self.process_rhs(compiler, connection)
        return f"{left} ~ {right}", (*of_left, *of_right)


MOST_SEARCHED = 20_000
"""So many of the newest rows are searched; filters lead to older ones."""


def newest_of(queryset: Rows, *, by: str) -> Rows:
    """The newest MOST_SEARCHED rows, and those of the same value as the last of them.

    `by` names a field with an index, which grows with the years. One query finds where they begin.
    """
    values = queryset.order_by(f"-{by}").values_list(by, flat=True)
    bound = list(values[MOST_SEARCHED - 1 : MOST_SEARCHED])
    return queryset.filter(**{f"{by}__gte": bound[0]}) if bound else queryset
