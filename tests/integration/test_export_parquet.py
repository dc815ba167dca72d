"""Parquet: the rows of csv.gz with types, batch by batch, by an extra that may be missing."""

import csv
import gzip
import io
import sys
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any
from uuid import UUID

import pyarrow.parquet as pq
import pytest
from django.core.management import CommandError, call_command
from django.db import connection, transaction

from attendance.services.corrections import Correction, correct_record
from attendance.services.persistence import unified_persistence_task
from attendance.vocabulary import Verdict
from reports.feed import parquet
from reports.feed.tables import tables_of
from tests.support.lessons import TEACHER, student
from tests.support.sections import ended_section_lesson, section_of_today

pytestmark = pytest.mark.django_db(transaction=True)


def export(into: Path, ending: str) -> Path:
    call_command("export_data", since="0", output=into, format=ending, names=True)
    (folder,) = into.iterdir()
    return folder


def read_csv(path: Path) -> list[dict[str, str | None]]:
    """An empty cell is no value, a quoted one without text is a text; both read as ''."""
    text = gzip.decompress(path.read_bytes()).decode()
    return [dict(row) for row in csv.DictReader(io.StringIO(text))]


def as_cell(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return "t" if value else "f"
    if isinstance(value, datetime):
        seconds, _, fraction = value.isoformat(sep=" ").removesuffix("+00:00").partition(".")
        return f"{seconds}{'.' if fraction else ''}{fraction.rstrip('0')}+00"
    return str(value)


def test_it_has_the_rows_of_csv_with_types(tmp_path: Path) -> None:
    lesson = ended_section_lesson(section_of_today((1, 2)), [1])
    unified_persistence_task()
    correct_record(
        Correction(
            lesson_id=lesson.id,
            school_number=student(2).school_number,
            verdict=Verdict.EXCUSE,
            actor=TEACHER,
            reason="ill",
        )
    )
    as_csv, typed = export(tmp_path / "csv", "csv.gz"), export(tmp_path / "parquet", "parquet")
    for view in (table.name for table in tables_of(with_names=True)):
        rows = pq.read_table(typed / f"{view}.parquet").to_pylist()
        cells = [{name: as_cell(value) for name, value in row.items()} for row in rows]
        expected = read_csv(as_csv / f"{view}.csv.gz")
        assert sorted(map(repr, cells)) == sorted(map(repr, expected)), view
        assert rows, view
    schema = pq.read_schema(typed / "dim_lesson.parquet")
    names = ("section_key", "late_after_s", "is_held", "held_on", "starts_at", "lesson_key")
    assert [str(schema.field(name).type) for name in names] == [
        *("int64", "int32", "bool", "date32[day]", "timestamp[us, tz=UTC]", "string"),
    ]


def test_what_there_is_and_what_there_is_not_stay_apart(tmp_path: Path) -> None:
    path = tmp_path / "types.parquet"
    key, at = UUID(int=7), datetime(2026, 10, 25, 0, 30, 0, 5, tzinfo=UTC)
    query = (
        f"SELECT '{key}'::uuid AS key, true AS yes, 2::int8 AS big, 3::int4 AS small,"
        f" 'ğ'::text AS words, '2026-10-25'::date AS day, '{at.isoformat()}'::timestamptz AS at"
        " UNION ALL SELECT NULL, NULL, NULL, NULL, '', NULL, NULL"
    )
    with transaction.atomic(), connection.cursor() as cursor:
        assert parquet.write_parquet(cursor, query, path, lambda rows: None) == 2
    first, second = pq.read_table(path).to_pylist()
    assert list(first.values()) == [str(key), True, 2, 3, "ğ", date(2026, 10, 25), at]
    assert list(second.values()) == [None, None, None, None, "", None, None]


def test_no_more_than_a_batch_is_read_at_a_time(tmp_path: Path, monkeypatch: Any) -> None:
    monkeypatch.setattr(parquet, "BATCH", 10)
    monkeypatch.setattr(parquet, "GROUP", 40)
    path, told = tmp_path / "many.parquet", list[int]()
    query = "SELECT n::int8 AS n FROM generate_series(1, 105) AS n ORDER BY n"
    with transaction.atomic(), connection.cursor() as cursor:
        assert parquet.write_parquet(cursor, query, path, told.append) == 105
    assert told == [10] * 10 + [5]
    groups = pq.read_metadata(path)
    assert [groups.row_group(n).num_rows for n in range(groups.num_row_groups)] == [40, 40, 25]
    assert pq.read_table(path)["n"].to_pylist() == list(range(1, 106))
    with transaction.atomic(), connection.cursor() as cursor:
        assert parquet.write_parquet(cursor, f"{query} LIMIT 0", path, told.append) == 0
    assert pq.read_table(path).column_names == ["n"]


def test_without_pyarrow_it_says_what_to_install(tmp_path: Path, monkeypatch: Any) -> None:
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    into = tmp_path / "data"
    with pytest.raises(CommandError, match=r"requirements/parquet\.txt"):
        call_command("export_data", since="0", output=into, format="parquet")
    assert not into.exists()
    assert export(into, "csv.gz")
