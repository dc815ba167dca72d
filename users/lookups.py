"""The lookup `found`: `full_name__found="ismail"`, in filters and in the admin's search_fields."""

from typing import Any

from django.db.models import CharField, Lookup, TextField

from users.searching import search_pattern


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
