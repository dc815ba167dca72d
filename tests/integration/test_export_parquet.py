"""Parquet: the rows of csv.gz with types, group by group, by an extra that may be missing."""

import csv
import gzip
import io
import sys
import tracemalloc
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any
from uuid import UUID

import pyarrow
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
        assert parquet.write_parquet(cursor, query, path, _nothing) == 2
    first, second = pq.read_table(path).to_pylist()
    assert list(first.values()) == [str(key), True, 2, 3, "ğ", date(2026, 10, 25), at]
    assert list(second.values()) == [None, None, None, None, "", None, None]


def test_texts_that_look_like_something_else_stay_as_they_are(tmp_path: Path) -> None:
    texts = (
        '"A", b',
        "line\nend\r\n",
        "NULL",
        "\\N",
        "\\.",
        "t",
        "7",
        " x ",
        "=1+1",
        "漢字 😀",
        "",
    )
    rows = " UNION ALL ".join(
        f"SELECT {n} AS n, $q${text}$q$ AS text" for n, text in enumerate(texts)
    )
    path = tmp_path / "texts.parquet"
    with transaction.atomic(), connection.cursor() as cursor:
        parquet.write_parquet(cursor, f"SELECT text FROM ({rows}) AS r ORDER BY n", path, _nothing)
    assert pq.read_table(path)["text"].to_pylist() == [*texts]


def test_a_group_of_rows_is_in_memory_and_not_the_file(tmp_path: Path, monkeypatch: Any) -> None:
    monkeypatch.setattr(parquet, "ROWS_OF_A_GROUP", 5_000)
    small = _write(tmp_path / "small", rows=10_000)
    large = _write(tmp_path / "large", rows=57_000)
    assert large < 1.2 * small
    assert _groups_of(tmp_path / "large") == [*[5_000] * 11, 2_000]
    assert pq.read_table(tmp_path / "large")["n"].to_pylist() == list(range(1, 57_001))
    # Of long rows a group has fewer, and no row is cut.
    monkeypatch.setattr(parquet, "BYTES_OF_A_GROUP", 100_000)
    _write(tmp_path / "long", rows=10_000)
    assert 1 < max(_groups_of(tmp_path / "long")) < 5_000
    assert _write(tmp_path / "none", rows=0) < small
    assert pq.read_table(tmp_path / "none").column_names == ["n", "text", "at"]


def _groups_of(path: Path) -> list[int]:
    found = pq.read_metadata(path)
    return [found.row_group(number).num_rows for number in range(found.num_row_groups)]


def _write(path: Path, *, rows: int) -> int:
    """Write so many rows; returns the most bytes that Python and Arrow have held meanwhile."""
    query = f"SELECT n, 'text ' || n AS text, now() AS at FROM generate_series(1, {rows}) AS n"
    told, held = [0], [0]

    def advance(more: int) -> None:
        told.append(more)
        held.append(pyarrow.total_allocated_bytes())

    tracemalloc.start()
    try:
        with transaction.atomic(), connection.cursor() as cursor:
            assert parquet.write_parquet(cursor, query, path, advance) == rows
        return tracemalloc.get_traced_memory()[1] + max(held)
    finally:
        tracemalloc.stop()
        assert sum(told) == rows


def _nothing(rows: int) -> None:
    """Nobody looks at how far it is."""


def test_without_pyarrow_it_says_what_to_install(tmp_path: Path, monkeypatch: Any) -> None:
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    into = tmp_path / "data"
    with pytest.raises(CommandError, match=r"requirements/parquet\.txt"):
        call_command("export_data", since="0", output=into, format="parquet")
    assert not into.exists()
    assert export(into, "csv.gz")
