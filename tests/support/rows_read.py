"""How many rows of a table PostgreSQL reads for an answer, by its own account."""

import json
from collections.abc import Callable, Iterator
from typing import Any

from django.db import connection
from django.test.utils import CaptureQueriesContext


def rows_read(act: Callable[[], Any], table: str) -> int:
    """The most rows of a table that one query of an act reads, also those that it throws away."""
    with CaptureQueriesContext(connection) as captured:
        act()
    asked = [q["sql"] for q in captured if table in q["sql"] and q["sql"].startswith("SELECT")]
    assert asked
    most = 0
    for sql in asked:
        with connection.cursor() as cursor:
            cursor.execute("EXPLAIN (ANALYZE, FORMAT JSON) " + sql)
            (plan,) = cursor.fetchone()
        plan = json.loads(plan) if isinstance(plan, str) else plan
        read = [n for n in _nodes(plan[0]["Plan"]) if n.get("Relation Name") == table]
        most = max(most, sum(map(_rows, read)))
    return most


def _nodes(node: dict[str, Any]) -> Iterator[dict[str, Any]]:
    yield node
    for below in node.get("Plans", ()):
        yield from _nodes(below)


def _rows(node: dict[str, Any]) -> int:
    seen = node["Actual Rows"] + node.get("Rows Removed by Filter", 0)
    return int(seen * node["Actual Loops"])
