"""The table of faults and the tests agree."""

import ast
import re
from pathlib import Path

TABLE = Path(__file__).parents[2] / "docs" / "reliability.md"
OWN = {"test_matrix.py", "test_rig.py"}
"""Tests of the tests themselves."""


def fault_tests() -> set[str]:
    return {
        node.name
        for path in Path(__file__).parent.glob("test_*.py")
        if path.name not in OWN
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.FunctionDef) and node.name.startswith("test_")
    }


def rows() -> list[list[str]]:
    """The cells of each row of the matrix: those whose last one names a test."""
    _, _, after = TABLE.read_text().partition("\n## The matrix\n")
    matrix, _, _ = after.partition("\n## ")
    lines = [line for line in matrix.splitlines() if line.startswith("| ")]
    cells = [[cell.strip() for cell in line.strip("|").split("|")] for line in lines]
    return [row for row in cells if re.fullmatch(r"`test_\w+`", row[-1])]


def test_every_fault_test_is_in_the_table_once() -> None:
    named = sorted(row[-1].strip("`") for row in rows())
    assert named == sorted(fault_tests())


def test_every_row_says_how_and_what() -> None:
    assert len(rows()) >= 35
    assert all(len(row) == 4 and all(row) for row in rows())
