"""The limit: COPY of the very rows that a run has stored, into the same tables."""

import time
from typing import NamedTuple

from django.db import connection, transaction

from attendance.services.persistence import row_values

BLOCK = 128 * 1024
TABLES = {
    row_values.ATTENDANCE.table: (*row_values.ATTENDANCE.names, "persisted_at", "deleted_reason"),
    row_values.RECORD.table: row_values.RECORD.names,
    row_values.EVENT.table: row_values.EVENT.names,
}


class CopiedRows(NamedTuple):
    """The rows of the three tables as COPY sent them."""

    format: str
    tables: dict[str, bytes]


def empty_tables() -> None:
    """Leave the users, as between two lessons of a school, and the runs, which number commits."""
    with connection.cursor() as cursor:
        cursor.execute(
            f"TRUNCATE {', '.join(TABLES)}, attendance_lessonledger, attendance_refusedcheckin,"
            " attendance_quarantinedpayload CASCADE"
        )


def counted() -> tuple[int, ...]:
    """The rows of the three tables."""
    with connection.cursor() as cursor:
        found = []
        for table in TABLES:
            cursor.execute(f"SELECT count(*) FROM {table}")
            found.append(cursor.fetchone()[0])
        return tuple(found)


def stored_rows(form: str) -> CopiedRows:
    """What the tables hold, in one of COPY's formats: text or binary."""
    tables = {}
    with connection.cursor() as cursor:
        for table, names in TABLES.items():
            query = f"COPY (SELECT {', '.join(names)} FROM {table}) TO STDOUT (FORMAT {form})"
            with cursor.copy(query) as copy:
                tables[table] = b"".join(bytes(block) for block in copy)
    return CopiedRows(form, tables)


def copy_in(rows: CopiedRows) -> float:
    """COPY all rows in one transaction, check the constraints, commit. Returns seconds."""
    started = time.perf_counter()
    with transaction.atomic(), connection.cursor() as cursor:
        for table, names in TABLES.items():
            data = memoryview(rows.tables[table])
            into = f"COPY {table} ({', '.join(names)}) FROM STDIN (FORMAT {rows.format})"
            with cursor.copy(into) as copy:
                for at in range(0, len(data), BLOCK):
                    copy.write(data[at : at + BLOCK])
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
    return time.perf_counter() - started
