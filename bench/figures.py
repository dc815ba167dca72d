"""Figures: what a bench has measured, printed at once and written into docs/performance.md.

    make bench

Every figure is a ratio of two sides measured in one run, the median of the
rounds, because machines differ and are never quite at rest.
"""

import json
import os
import platform
from collections.abc import Callable, Iterable
from datetime import UTC, datetime
from pathlib import Path
from statistics import median
from typing import Any, NamedTuple

from django.db import connection

from attendance.live import client

PAGE = Path(__file__).resolve().parent.parent / "docs" / "performance.md"
BEGIN, END = "<!-- figures: begin -->", "<!-- figures: end -->"
ROUNDS = 5


class Figure(NamedTuple):
    """One row of the page."""

    what: str
    goal: str
    ratio: str
    """The measured ratio, with its unit."""
    beside: str
    """What stands behind it, in absolute numbers of this machine."""


_found: list[Figure] = []
_where: list[str] = []


def note(figure: Figure) -> None:
    """Print a figure, and keep it for the page."""
    _found.append(figure)
    # Asked while a test runs: when the page is written, the database is closed to this process.
    if not _where:
        _where.append(_machine())
    print(json.dumps(figure._asdict(), ensure_ascii=False), flush=True)


def middle(values: Iterable[float]) -> float:
    found = list(values)
    assert len(found) >= ROUNDS
    return median(found)


def spread(values: Iterable[float]) -> str:
    """The median with the least and the most, so that a reader sees the noise."""
    found = sorted(values)
    return f"{median(found):.2f} ({found[0]:.2f} to {found[-1]:.2f})"


def write_page() -> None:
    """Put the figures of this run between the marks of the page; the other rows stay."""
    if _found and writes_the_page():
        between_marks(BEGIN, END, _with_what_was_found)


def writes_the_page() -> bool:
    """Whether what is measured is to be written down."""
    return os.environ.get("ATTN_WRITE_FIGURES") == "yes"


def between_marks(begin: str, end: str, lines: Callable[[str], Iterable[str]]) -> None:
    """Put other lines between two marks of the page; `lines` is given what stands there."""
    before, _, rest = PAGE.read_text().partition(begin)
    old, _, after = rest.partition(end)
    PAGE.write_text("\n".join([before + begin, *lines(old), end]) + after)


def _with_what_was_found(table: str) -> Iterable[str]:
    today = datetime.now(UTC).date()
    rows = {line.split(" | ")[0]: line for line in table.splitlines() if line[:2] == "| "}
    rows |= {
        f"| {f.what}": f"| {f.what} | {f.goal} | **{f.ratio}** | {f.beside} | {today} |"
        for f in _found
    }
    heads = ["| figure | goal | measured | beside it | on |", "|---|---|---|---|---|"]
    rows.pop("| figure", None)
    return ["", *_where, "", *heads, *rows.values(), ""]


def _machine() -> str:
    cores, memory = os.cpu_count(), os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    with connection.cursor() as cursor:
        cursor.execute("SHOW server_version")
        postgres = cursor.fetchone()[0]
    info: Any = client.connection().info("server")
    redis = info.get("valkey_version") or info.get("redis_version")
    return (
        f"Measured on {cores} cores, {memory / 2**30:.0f} GiB, {platform.system()}, "
        f"Python {platform.python_version()}, PostgreSQL {postgres}, Valkey {redis}, all on this "
        f"one machine, with `appendfsync always`, `fsync` and `synchronous_commit` on."
    )
