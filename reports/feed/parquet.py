"""The same rows as Parquet: with types, and one group of rows in memory at a time.

Both formats read the same COPY, so they cannot differ in rows: what Parquet adds is the types of
the columns, and Arrow reads the text faster than Python makes values. pyarrow is an extra, so this
module is imported where it is asked for (reports/feed/formats.py).
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any, Final, NamedTuple

import pyarrow
from django.db import connection
from pyarrow import csv, parquet

ROWS_OF_A_GROUP: Final = 50_000
BYTES_OF_A_GROUP: Final = 16 * 1024 * 1024
"""As text; whichever comes first."""
_TYPES: Final[Mapping[int, Any]] = {
    16: pyarrow.bool_(),
    20: pyarrow.int64(),
    23: pyarrow.int32(),
    25: pyarrow.string(),
    1082: pyarrow.date32(),
    1184: pyarrow.timestamp("us", tz="UTC"),
    2950: pyarrow.string(),
}
"""By the numbers that PostgreSQL has given its types. A UUID is text: few readers know more."""


class _Columns(NamedTuple):
    schema: Any
    read: Callable[[bytes], Any]
    """Lines of a COPY as a table of this schema."""


def write_parquet(cursor: Any, query: str, path: Path, advance: Callable[[int], object]) -> int:
    """Write what a query finds, in the transaction of the cursor; returns how many rows."""
    columns = _columns_of(cursor, query)
    rows = 0
    writer = parquet.ParquetWriter(path, columns.schema, compression="zstd")
    copy = cursor.copy(f"COPY ({query}) TO STDOUT (FORMAT csv)")
    with writer, connection.wrap_database_errors, copy as blocks:
        for lines in _groups(blocks):
            table = columns.read(lines)
            writer.write_table(table, row_group_size=ROWS_OF_A_GROUP)
            rows += table.num_rows
            advance(table.num_rows)
    return rows


def _columns_of(cursor: Any, query: str) -> _Columns:
    cursor.execute(f"SELECT * FROM ({query}) AS q LIMIT 0")
    fields = [(each.name, _TYPES[each.type_code]) for each in cursor.description]
    schema = pyarrow.schema(fields)
    options = _csv_options(schema)

    def read(lines: bytes) -> Any:
        return csv.read_csv(pyarrow.BufferReader(lines), **options)

    return _Columns(schema, read)


def _csv_options(schema: Any) -> dict[str, Any]:
    """As PostgreSQL writes it: no value is an empty cell, and an empty text is two quotes."""
    return {
        "read_options": csv.ReadOptions(
            # A group is read in one block: a row that two blocks share would be an error.
            block_size=2 * BYTES_OF_A_GROUP,
            column_names=schema.names,
            use_threads=False,
        ),
        "parse_options": csv.ParseOptions(newlines_in_values=True, ignore_empty_lines=False),
        "convert_options": csv.ConvertOptions(
            column_types=schema,
            null_values=[""],
            strings_can_be_null=True,
            quoted_strings_can_be_null=False,
            true_values=["t"],
            false_values=["f"],
        ),
    }


def _groups(blocks: Iterable[Any]) -> Iterator[bytes]:
    """Whole rows, as many as one group has: each block of a COPY is one row."""
    group: list[bytes] = []
    size = 0
    for block in blocks:
        group.append(bytes(block))
        size += len(group[-1])
        if len(group) == ROWS_OF_A_GROUP or size >= BYTES_OF_A_GROUP:
            yield b"".join(group)
            group, size = [], 0
    if group:
        yield b"".join(group)
