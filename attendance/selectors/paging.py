"""A part of a list that is ordered by one key, the greatest first."""

from collections.abc import Iterable, Sequence
from typing import Any, Generic, NamedTuple, TypeVar

from django.db.models import QuerySet

T = TypeVar("T")


class Bounds(NamedTuple):
    """Keys above one and below another; None for no bound."""

    above: Any
    below: Any

    def holds(self, key: Any) -> bool:
        """Whether a key is between them."""
        return (self.above is None or bool(key > self.above)) and (
            self.below is None or bool(key < self.below)
        )


class Slice(NamedTuple):
    """At most `limit` items below the key `before`, or above the key `after`."""

    before: Any = None
    after: Any = None
    limit: int = 50

    def rows(self, rows: QuerySet[Any], key: str) -> list[Any]:
        """The rows of this part and one more, so that `cut` sees whether there are others."""
        if self.after is not None:
            newer = rows.filter(**{f"{key}__gt": self.after}).order_by(key)
            return list(reversed(newer[: self.limit + 1]))
        if self.before is not None:
            rows = rows.filter(**{f"{key}__lt": self.before})
        return list(rows.order_by(f"-{key}")[: self.limit + 1])

    def holds(self, key: Any) -> bool:
        """Whether an item with this key can be in this part."""
        if self.after is not None:
            return bool(key > self.after)
        return self.before is None or bool(key < self.before)

    def bounds(self, beside: Sequence[Any]) -> "Bounds":
        """Between which keys others can be in this part beside those that `rows` has found."""
        is_full = len(beside) > self.limit
        if self.after is not None:
            return Bounds(self.after, max(beside) if is_full else None)
        return Bounds(min(beside) if is_full else None, self.before)

    def in_order(self, keys: Iterable[Any]) -> list[Any]:
        """First the key where this part begins: so many as its limit, and one more, are enough."""
        return sorted(keys, reverse=self.after is None)

    def cut(self, keys: Sequence[Any]) -> "Cut":
        """Sort keys, drop those beyond the limit, and name where the next parts begin."""
        ordered = sorted(keys, reverse=True)
        has_more = len(ordered) > self.limit
        if self.after is not None:
            part = ordered[-self.limit :]
            return Cut(part, part[-1] if part else None, part[0] if has_more else None)
        part = ordered[: self.limit]
        has_newer = self.before is not None and bool(part)
        return Cut(part, part[-1] if has_more else None, part[0] if has_newer else None)


class Cut(NamedTuple):
    keys: Sequence[Any]
    next_key: Any
    """Older items are below this key; None where there are none."""
    previous_key: Any
    """Newer items may be above this key; None where there are none."""


class Page(NamedTuple, Generic[T]):
    items: Sequence[T]
    next_key: Any
    previous_key: Any


def page_of_rows(rows: QuerySet[Any], part: Slice) -> Page[Any]:
    """A page of rows, the newest first."""
    rows_by_key = {row.pk: row for row in part.rows(rows, "pk")}
    cut = part.cut(list(rows_by_key))
    return Page([rows_by_key[key] for key in cut.keys], cut.next_key, cut.previous_key)


def rising_page(rows: QuerySet[Any], key: str, part: Slice) -> Page[Any]:
    """A page of rows with the least key first: `before` goes on behind its key, `after` back.

    The key is a field or an annotation that no two rows share.
    """
    if part.after is not None:
        found = list(
            rows.filter(**{f"{key}__lt": part.after}).order_by(f"-{key}")[: part.limit + 1]
        )
        items = found[: part.limit][::-1]
        has_next, has_previous = bool(items), len(found) > part.limit
    else:
        if part.before is not None:
            rows = rows.filter(**{f"{key}__gt": part.before})
        found = list(rows.order_by(key)[: part.limit + 1])
        items = found[: part.limit]
        has_next, has_previous = len(found) > part.limit, part.before is not None and bool(items)
    return Page(
        items,
        getattr(items[-1], key) if has_next else None,
        getattr(items[0], key) if has_previous else None,
    )
