"""How PostgreSQL finds what a page asks for: the plan of its dearest query.

Printed at once, and written below the figures of docs/performance.md.
"""

import json
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

from django.db import connection
from django.test.utils import CaptureQueriesContext

from bench.figures import between_marks, writes_the_page

BEGIN, END = "<!-- plans: begin -->", "<!-- plans: end -->"
LONGEST_CONDITION = 90
GROWING = ("attendance_attendance", "attendance_lessonledger", "attendance_persistencerun")
"""Beginnings of the names of tables that grow with the years."""


class Plan(NamedTuple):
    """Of one query."""

    milliseconds: float
    lines: list[str]
    """A line for each step, what it is given standing further in."""


_noted: dict[str, Plan] = {}


def dearest(act: Callable[[], Any]) -> Plan:
    """The plan of the query on a growing table that PostgreSQL takes longest for."""
    with CaptureQueriesContext(connection) as captured:
        act()
    return max(_explained(captured), key=lambda plan: plan.milliseconds)


def _explained(captured: CaptureQueriesContext) -> Iterator[Plan]:
    for query in captured:
        sql = query["sql"]
        if not (sql.startswith(("SELECT", "WITH", "(SELECT")) and any(x in sql for x in GROWING)):
            continue
        with connection.cursor() as cursor:
            cursor.execute("EXPLAIN (ANALYZE, FORMAT JSON) " + sql)
            (told,) = cursor.fetchone()
        (plan,) = json.loads(told) if isinstance(told, str) else told
        yield Plan(plan["Execution Time"], list(_steps(plan["Plan"])))


def _steps(node: dict[str, Any], depth: int = 0) -> Iterator[str]:
    what = " ".join(
        [
            node["Node Type"],
            *([f"on {node['Relation Name']}"] if "Relation Name" in node else []),
            *([f"by {node['Index Name']}"] if "Index Name" in node else []),
        ]
    )
    seen = node["Actual Rows"] + node.get("Rows Removed by Filter", 0)
    rows = f"{round(seen * node['Actual Loops']):,} rows"
    yield f"{'  ' * depth}{what}: {rows}{_condition(node)}"
    for below in node.get("Plans", ()):
        yield from _steps(below, depth + 1)


def _condition(node: dict[str, Any]) -> str:
    for name in ("Index Cond", "Recheck Cond", "Hash Cond", "Sort Key", "Filter"):
        if name in node:
            found = node[name] if isinstance(node[name], str) else ", ".join(node[name])
            short = found if len(found) <= LONGEST_CONDITION else f"{found[:LONGEST_CONDITION]}..."
            return f", {name.lower()} {short}"
    return ""


def note(address: str, plan: Plan) -> None:
    """Print a plan, and keep it for the page."""
    _noted[address] = plan
    print("\n".join([address, *(f"    {line}" for line in plan.lines)]), flush=True)


def write_page() -> None:
    """Put the plans of this run in the place of those that stand on the page."""
    if not _noted or not writes_the_page():
        return
    blocks = [
        "\n".join(
            [f"`{address}`: {plan.milliseconds:.1f} ms", "", "```text", *plan.lines, "```", ""]
        )
        for address, plan in _noted.items()
    ]
    between_marks(BEGIN, END, lambda old: ["", *blocks])
