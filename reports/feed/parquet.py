"""A query as a Parquet file, by pyarrow, which is an extra (requirements/parquet.txt)."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Final

import pyarrow as pa
import pyarrow.parquet as pq
from django.db import connection
from psycopg import adapters

BATCH: Final = 10_000
"""Rows that are Python's at a time."""
GROUP: Final = 100_000
"""Rows of a group of the file, what a reader takes or leaves; they wait as Arrow's."""

_TYPES: Final[Mapping[str, Any]] = {
    "bool": pa.bool_(),
    "int8": pa.int64(),
    "int4": pa.int32(),
    "text": pa.string(),
    "date": pa.date32(),
    "timestamptz": pa.timestamp("us", tz="UTC"),
    "uuid": pa.string(),
}
"""By the types of attn_v1. Few readers know a type for keys that are UUIDs: they are texts."""
_COMPRESSION: Final = "zstd"
# A cursor that is read to its end is planned as the query would be.
_PLAN_FOR_ALL: Final = "SET LOCAL cursor_tuple_fraction = 1"


def write_parquet(cursor: Any, query: str, path: Path, advance: Callable[[int], object]) -> int:
    """Write what a query finds, in the transaction of the cursor; returns how many rows."""
    cursor.execute(_PLAN_FOR_ALL)
    written = 0
    # A cursor of the server's: its rows come in batches, where another one has all of them at once.
    with connection.chunked_cursor() as rows:
        rows.execute(query)
        schema = _schema_of(rows.description)
        with pq.ParquetWriter(path, schema, compression=_COMPRESSION) as file:
            for group in _groups(rows, schema, advance):
                file.write_table(group, row_group_size=GROUP)
                written += group.num_rows
    return written


def _schema_of(description: Sequence[Any]) -> Any:
    known = adapters.types
    return pa.schema(
        [(column.name, _TYPES[known[column.type_code].name]) for column in description]
    )


def _groups(rows: Any, schema: Any, advance: Callable[[int], object]) -> Iterator[Any]:
    batches: list[Any] = []
    while found := rows.fetchmany(BATCH):
        batches.append(_batch(found, schema))
        advance(len(found))
        if sum(batch.num_rows for batch in batches) >= GROUP:
            yield pa.Table.from_batches(batches, schema)
            batches = []
    if batches:
        yield pa.Table.from_batches(batches, schema)


def _batch(found: Sequence[Sequence[Any]], schema: Any) -> Any:
    columns = zip(*found, strict=True)
    arrays = [
        pa.array(_plain(values, field.type), field.type)
        for values, field in zip(columns, schema, strict=True)
    ]
    return pa.record_batch(arrays, schema=schema)


def _plain(values: Sequence[Any], kind: Any) -> Sequence[Any]:
    # pyarrow makes no text of a UUID.
    if kind != pa.string():
        return values
    return [None if value is None else str(value) for value in values]
