"""Shapes: values told by name, a field of a row in one place, functions that say what they do."""

import ast
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings
from django.db.models import Model

from attendance.models import Attendance, AttendanceEvent, AttendanceRecord
from attendance.services.persistence import row_values
from attendance.services.persistence.row_values import Layout
from tests.support.sources import parsed

FOLDERS = (
    "attendance",
    "attn_project",
    "bench",
    "courses",
    "demo",
    "jobs",
    "launcher",
    "reports",
    "users",
    "webhooks",
)
MOST_POSITIONAL = 5
LAYOUTS = [
    # What PostgreSQL fills in, or nobody has said when a lesson is stored, is not sent.
    (
        row_values.ATTENDANCE,
        Attendance,
        {"persisted_at", "deleted_at", "deleted_by_id", "deleted_reason"},
    ),
    (row_values.RECORD, AttendanceRecord, {"id", "device_group"}),
    (row_values.EVENT, AttendanceEvent, {"id"}),
]


@pytest.mark.parametrize(
    ("layout", "model", "left_out"), LAYOUTS, ids=("attendance", "record", "event")
)
def test_every_column_of_a_table_has_its_line(
    layout: Layout[Any], model: type[Model], left_out: set[str]
) -> None:
    columns = {field.column for field in model._meta.concrete_fields}
    assert layout.table == model._meta.db_table
    assert set(layout.names) == columns - left_out
    assert len(layout.names) == len(set(layout.names)) == len(layout.kinds)


def python_files() -> list[Path]:
    root = Path(settings.BASE_DIR)
    return [file for folder in FOLDERS for file in sorted((root / folder).rglob("*.py"))]


def test_no_call_has_six_values_that_only_their_order_tells_apart() -> None:
    long = []
    for file in python_files():
        for node in ast.walk(parsed(file.read_text())):
            if isinstance(node, ast.Call):
                values = [each for each in node.args if not isinstance(each, ast.Starred)]
                # The words of a command line are a list, whatever the call looks like.
                words = sum(isinstance(each, ast.Constant) for each in values)
                if len(values) > MOST_POSITIONAL and len(values) - words > 1:
                    long.append(f"{file.name}:{node.lineno} {ast.unparse(node.func)}")
    assert long == []


DOCUMENTED = ("attendance/live", "attendance/rules", "attendance/selectors", "attendance/services")


def test_every_public_function_says_what_it_does() -> None:
    silent = []
    for folder in DOCUMENTED:
        for file in sorted((Path(settings.BASE_DIR) / folder).rglob("*.py")):
            for node in parsed(file.read_text()).body:
                if not isinstance(node, ast.FunctionDef) or node.name.startswith("_"):
                    continue
                if not ast.get_docstring(node):
                    silent.append(f"{file.name}: {node.name}")
    assert silent == []
