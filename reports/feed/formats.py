"""A query as a file, row by row: memory does not grow with it."""

import gzip
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Final

from django.db import connection

from reports.errors import ParquetUnavailable

Advance = Callable[[int], object]
"""Told how many more rows are written."""
Write = Callable[[Any, str, Path, Advance], int]
"""Writes what a query finds; returns how many rows."""

_LEVEL: Final = 6


def _write_csv(cursor: Any, query: str, path: Path, advance: Advance) -> int:
    copy = cursor.copy(f"COPY ({query}) TO STDOUT (FORMAT csv, HEADER)")
    zipped = gzip.open(path, "wb", compresslevel=_LEVEL)  # noqa: SIM115 - closed below
    with connection.wrap_database_errors, zipped as file, copy as blocks:
        for block in blocks:
            file.write(block)
            advance(bytes(block).count(b"\n"))
    return int(cursor.rowcount)


def _write_parquet(cursor: Any, query: str, path: Path, advance: Advance) -> int:
    # pyarrow may be missing, and takes a while to load.
    from reports.feed.parquet import write_parquet

    return write_parquet(cursor, query, path, advance)


FORMATS: Final[Mapping[str, Write]] = {
    "csv.gz": _write_csv,
    "parquet": _write_parquet,
}
"""By the endings of the files."""


def check_is_possible(ending: str) -> None:
    """Raises ParquetUnavailable."""
    if ending != "parquet":
        return
    try:
        import pyarrow  # noqa: F401
    except ImportError:
        raise ParquetUnavailable from None
