"""The rows of a report: a page of them, or all in parts of constant size.

Parts are read one after the other by where the last one ended, each by a query of its own: memory
stays flat, no transaction is open while a slow reader takes a file, and a pooler may stand between.
"""

import base64
import binascii
import json
from collections.abc import Iterator, Sequence
from datetime import datetime
from functools import reduce
from typing import Any, Final, NamedTuple

from django.core.exceptions import ValidationError
from django.core.serializers.json import DjangoJSONEncoder
from django.db.models import Field, Model, Q, QuerySet
from django.utils.timezone import is_naive

from reports.report import Report
from reports.scope import Scope

BATCH: Final = 2_000
_LONGEST_KEY: Final = 500
Key = tuple[Any, ...]


class ReportPage(NamedTuple):
    """Some rows, and where those before and behind them begin."""

    rows: Sequence[Any]
    next_key: str
    """'' where there are no others."""
    previous_key: str


def page_of(
    report: Report, scope: Scope, *, limit: int, before: str = "", after: str = ""
) -> ReportPage:
    """The cells of at most `limit` rows; the keys as those of `part_of`."""
    part = part_of(report.query(scope), report.order, limit=limit, before=before, after=after)
    return part._replace(rows=list(report.cells(part.rows, scope)))


def part_of(
    query: QuerySet[Any], order: Sequence[str], *, limit: int, before: str = "", after: str = ""
) -> ReportPage:
    """At most `limit` rows behind the key `before`, or in front of the key `after`.

    The greatest come first. A key that is none shows the first rows.
    """
    if after and (key := read_key(query, order, after)):
        query = query.filter(_beyond(order, key, "gt"))
        found = list(_ordered(query, order, "")[: limit + 1])
        items, has_previous = found[:limit][::-1], len(found) > limit
        has_next = bool(items)
    else:
        key = read_key(query, order, before) if before else None
        if key:
            query = query.filter(_beyond(order, key, "lt"))
        found = list(_ordered(query, order, "-")[: limit + 1])
        items, has_next = found[:limit], len(found) > limit
        has_previous = key is not None and bool(items)
    return ReportPage(
        rows=items,
        next_key=written_key(key_of(order, items[-1])) if has_next else "",
        previous_key=written_key(key_of(order, items[0])) if has_previous else "",
    )


def batches(report: Report, scope: Scope) -> Iterator[list[Any]]:
    """All rows, in lists of at most 2,000."""
    key: Key | None = None
    while True:
        query = report.query(scope)
        if key is not None:
            query = query.filter(_beyond(report.order, key, "lt"))
        part = list(_ordered(query, report.order, "-")[:BATCH])
        if part:
            yield part
        if len(part) < BATCH:
            return
        key = key_of(report.order, part[-1])


def key_of(order: Sequence[str], row: Any) -> Key:
    """Where a row stands: an object, or a row of values under the names of their lookups."""
    if isinstance(row, tuple):
        return tuple(getattr(row, name) for name in order)
    return tuple(reduce(getattr, name.split("__"), row) for name in order)


def written_key(key: Key) -> str:
    """A key as an address carries it."""
    text = json.dumps(key, cls=_Exactly, separators=(",", ":"))
    return base64.urlsafe_b64encode(text.encode()).decode().rstrip("=")


def read_key(query: QuerySet[Any], order: Sequence[str], text: str) -> Key | None:
    """The key that an address carries; None where it is none."""
    try:
        if len(text) > _LONGEST_KEY:
            return None
        found = json.loads(base64.urlsafe_b64decode(text + "=" * (-len(text) % 4)))
        fields = [_field(query, name) for name in order]
        key = tuple(
            field.to_python(_plain(value)) for field, value in zip(fields, found, strict=True)
        )
        return None if any(_is_naive(value) for value in key) else key
    except (ValueError, TypeError, OverflowError, RecursionError, binascii.Error, ValidationError):
        return None


class _Exactly(DjangoJSONEncoder):
    """Instants to the microsecond: two lessons can begin within one millisecond."""

    def default(self, o: Any) -> Any:
        return o.isoformat() if hasattr(o, "isoformat") else super().default(o)


def _is_naive(value: Any) -> bool:
    return isinstance(value, datetime) and is_naive(value)


def _plain(value: Any) -> Any:
    if not isinstance(value, str | int) or isinstance(value, bool) or value == "":
        raise TypeError(value)
    if isinstance(value, int) and abs(value) >= 1 << 63:
        raise OverflowError(value)
    return value


def _field(query: QuerySet[Any], name: str) -> Field[Any, Any]:
    """Of the model, or what is reckoned for each row."""
    field: Any = query.query.annotations.get(name)
    if field is not None:
        reckoned: Field[Any, Any] = field.output_field
        return reckoned
    model: type[Model] = query.model
    for part in name.split("__"):
        field = model._meta.get_field(part if not part.endswith("_id") else part[:-3])
        if field.is_relation and not part.endswith("_id"):
            model = field.related_model
    found: Field[Any, Any] = field.target_field if field.is_relation else field
    return found


def _ordered(query: QuerySet[Any], order: Sequence[str], sign: str) -> QuerySet[Any]:
    return query.order_by(*(f"{sign}{name}" for name in order))


def _beyond(order: Sequence[str], key: Key, side: str) -> Q:
    """Rows whose keys are less, or greater: the first bound alone is what an index can use."""
    found = Q()
    for place in reversed(range(len(order))):
        name, value = order[place], key[place]
        further = Q(**{f"{name}__{side}": value})
        found = further | (Q(**{name: value}) & found) if found else further
    return found & Q(**{f"{order[0]}__{side}e": key[0]})
