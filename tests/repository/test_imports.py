"""Who may import whom among the tests: what is shared is in tests/support, and nowhere else."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest
from django.conf import settings

from tests.support.sources import parsed, statements

ROOT = Path(settings.BASE_DIR)
FOLDERS = (
    *("attendance", "attn_project", "bench", "courses", "demo", "jobs", "launcher"),
    *("reports", "tests", "users", "webhooks"),
)
SHARED = "tests.support"


def imported(text: str) -> Iterator[str]:
    """The full name of everything that a module imports, also inside its functions."""
    for node in statements(parsed(text)):
        if isinstance(node, ast.Import):
            yield from (each.name for each in node.names)
        elif isinstance(node, ast.ImportFrom):
            start = "." * node.level + (node.module or "")
            yield from (f"{start}.{each.name}" for each in node.names)


def folder_of(name: str) -> str:
    """The part of the project that a name belongs to; each folder of tests is one."""
    parts = name.split(".")
    return ".".join(parts[:2]) if parts[0] == "tests" and len(parts) > 2 else parts[0]


def is_wrong(module: str, name: str) -> bool:
    """Whether a module may not import this."""
    source, target = folder_of(module), folder_of(name)
    first, *others = name.split(".")
    if first not in {"bench", "tests"}:
        return False
    if any(each == "conftest" or each.startswith("test_") for each in others):
        return True
    if first == "bench":
        return source != "bench"
    is_own = source == target != "tests"
    is_user = source == "bench" or source.startswith("tests")
    return not (is_user and (is_own or target == SHARED))


def modules() -> Iterator[tuple[str, Path]]:
    for folder in FOLDERS:
        for path in sorted((ROOT / folder).rglob("*.py")):
            yield ".".join(path.relative_to(ROOT).with_suffix("").parts), path


def test_what_is_shared_is_imported_from_one_folder() -> None:
    wrong = [
        f"{module} imports {name}"
        for module, path in modules()
        for name in imported(path.read_text())
        if is_wrong(module, name)
    ]
    assert wrong == []


@pytest.mark.parametrize(
    ("module", "line", "is_found"),
    [
        ("tests.api.test_a", "from bench.site import Caller", True),
        ("tests.api.test_a", "def f():\n    import bench.site", True),
        ("tests.api.test_a", "from tests.api.test_b import made", True),
        ("tests.api.test_a", "from tests.api import test_b", True),
        ("tests.browser.shots", "from tests.browser.conftest import opened", True),
        ("tests.api.test_a", "from tests.faults.rig import Rig", True),
        ("tests.support.rig.servers", "from tests.faults.rig import Rig", True),
        ("tests.conftest", "from tests.api.people import made", True),
        ("bench.board", "from tests.browser.school import School", True),
        ("bench.board", "from tests.conftest import teacher", True),
        ("demo.site", "from tests.support.lessons import student", True),
        ("attendance.checks", "import tests", True),
        ("bench.board", "from tests.support.lessons import student", False),
        ("bench.board", "from bench.site import served", False),
        ("tests.conftest", "from tests.support.lessons import student", False),
        ("tests.faults.test_a", "from tests.faults.rig import Rig", False),
        ("tests.support.campus", "from tests.support.oidc_server.people import PASSWORD", False),
    ],
)
def test_an_import_past_it_is_found(module: str, line: str, is_found: bool) -> None:
    assert any(is_wrong(module, name) for name in imported(line)) is is_found
