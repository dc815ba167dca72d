"""The loop of seconds needs no server, and what is left for later is there."""

import ast
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from django.conf import settings

from attendance.live import client
from tests.support import runs
from tests.support.migrated import digest_of
from users.models import User

ROOT = Path(settings.BASE_DIR)


def test_a_unit_test_that_asks_the_live_store_is_told_to_move() -> None:
    with pytest.raises(pytest.fail.Exception, match="Move it"):
        client.connection().ping()


def test_a_unit_test_that_asks_postgresql_is_refused() -> None:
    with pytest.raises(RuntimeError, match="Database access not allowed"):
        User.objects.count()


def test_a_kept_database_is_made_anew_where_what_makes_it_has_changed(tmp_path: Path) -> None:
    made_by = {
        "users/migrations/0001_initial.py": "a",
        "users/models.py": "b",
        "attendance/models/register.py": "c",
        "requirements.txt": "d",
    }
    for name, text in made_by.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text)
    first = digest_of(tmp_path, "postgres")

    (tmp_path / "users/views.py").write_text("nothing to do with it")
    assert digest_of(tmp_path, "postgres") == first

    others = {digest_of(tmp_path, "another postgres")}
    for name, text in made_by.items():
        (tmp_path / name).write_text(f"{text}, changed")
        others.add(digest_of(tmp_path, "postgres"))
    assert len(others | {first}) == len(made_by) + 2


NAMED = (*runs.LATER, *runs.AT_ONCE, *runs.BESIDE, *runs.KEPT, *runs.TOGETHER, *runs.FIRST)


@pytest.mark.parametrize("place", NAMED)
def test_what_a_run_names_exists(place: str) -> None:
    path, _, name = place.partition("::")
    assert list(ROOT.glob(f"{path.rstrip('/')}*"))
    name = name.partition("[")[0]
    if name:
        nodes = ast.walk(ast.parse((ROOT / path).read_text()))
        assert name in {node.name for node in nodes if isinstance(node, ast.FunctionDef)}


LEFT = [
    # Left for later, but for one test; all of it; beside; beside but for what is kept.
    ("tests/acceptance/test_scheduler.py", "", [runs.BESIDE_ALONE]),
    ("tests/faults/test_disks.py", "", [runs.IN_MINUTES, runs.BESIDE_ALONE]),
    ("tests/pages/test_home.py", "", [runs.IN_MINUTES, runs.LATER_ALONE]),
    ("tests/pages/test_board.py", "", [runs.LATER_ALONE]),
    ("tests/pages/test_home.py", "@pytest.mark.long", [runs.IN_MINUTES]),
    ("tests/integration/test_steps.py", "", [runs.BESIDE_ALONE, runs.LATER_ALONE]),
    ("tests/integration/test_persist_command.py", "", [runs.BESIDE_ALONE]),
    ("tests/integration/test_deploying.py", "", [runs.IN_MINUTES]),
]


@pytest.mark.parametrize(("module", "source", "runs_without_it"), LEFT)
def test_only_a_module_of_which_a_run_takes_nothing_is_not_read(
    module: str, source: str, runs_without_it: list[str]
) -> None:
    chosen = (runs.IN_MINUTES, runs.BESIDE_ALONE, runs.LATER_ALONE, "")
    assert [one for one in chosen if runs.is_left_whole(module, source, one)] == runs_without_it


def test_two_tests_with_one_name_end_the_run() -> None:
    items: list[Any] = [SimpleNamespace(nodeid=name) for name in ("a", "b", "a")]
    with pytest.raises(pytest.UsageError, match=r"one name: a$"):
        runs._refuse_equal_names(items)
    runs._refuse_equal_names(items[:2])
