"""A query as a file, row by row: memory does not grow with it."""

import gzip
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Final

from django.db import connection

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


FORMATS: Final[Mapping[str, Write]] = {"csv.gz": _write_csv}
"""By the endings of the files."""
