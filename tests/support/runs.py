"""What `./attn test` runs at once and what it leaves for later, and how a run is shared out."""

from collections import Counter
from collections.abc import Sequence
from typing import Any
from zlib import crc32

import pytest
from hypothesis import HealthCheck, settings
from xdist.scheduler import LoadScopeScheduling

LATER = ("tests/browser/", "tests/faults/")
"""Left for `./attn test --all`, with every test that has the mark `long` for itself..."""
AT_ONCE = (
    *("tests/faults/test_kills.py", "tests/faults/test_matrix.py", "tests/faults/test_rig.py"),
    "tests/faults/test_worker_faults.py::test_six_workers_killed_at_random_lose_and_double_nothing",
    "tests/faults/test_postgresql_faults.py::test_postgresql_killed_under_load_loses_nothing",
    *(
        "tests/faults/test_live_store_faults.py::"
        "test_a_live_store_killed_under_load_keeps_what_it_acknowledged",
    ),
    "tests/faults/test_payload_faults.py::test_corrupt_records_of_every_kind_harm_nobody_else",
)
"""... but for these: one fault of each kind of server stays in the minutes."""

TOGETHER = (
    *("tests/browser/", "tests/cluster/", "tests/faults/"),
    *("tests/integration/test_isolation.py", "tests/integration/test_stream.py"),
    "tests/pages/test_campus.py",
)
"""Modules that make something for themselves; all other tests go out one by one."""
FIRST = ("tests/cluster/", "tests/pooled/", "tests/faults/", "tests/model/", "tests/acceptance/")
"""Long tests begin first, so that no process works alone in the end."""

# How fast examples are made says how busy the machine is, and nothing of what is tested.
settings.register_profile("attn", suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("attn")

HOW = "./attn test --all runs these too (--later: these alone)"


def pytest_addoption(parser: pytest.Parser) -> None:
    text = "of the tests that are left for later only this part, as in 2/4"
    parser.addoption("--part", type=_part, default=(1, 1), metavar="K/N", help=text)


def _part(text: str) -> tuple[int, int]:
    """Raises ValueError, which the parser tells."""
    part, _, parts = text.partition("/")
    if not 1 <= int(part) <= int(parts):
        raise ValueError(text)
    return int(part), int(parts)


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Mark what is left for later, before `-m` chooses."""
    for item in items:
        if item.nodeid.startswith(LATER) and not item.nodeid.startswith(AT_ONCE):
            item.add_marker("long")
    part, parts = config.getoption("part")
    others = [item for item in items if _is_long(item) and _part_of(item, parts) != part]
    if others:
        items[:] = [item for item in items if item not in set(others)]
        config.hook.pytest_deselected(items=others)
    items.sort(key=_place)


def _is_long(item: pytest.Item) -> bool:
    return item.get_closest_marker("long") is not None


def _part_of(item: pytest.Item, parts: int) -> int:
    return crc32(item.nodeid.encode()) % parts + 1


def _place(item: pytest.Item) -> int:
    places = [place for place, folder in enumerate(FIRST) if item.nodeid.startswith(folder)]
    return places[0] if places else len(FIRST)


class SharedOut(LoadScopeScheduling):  # type: ignore[misc]
    """Tests go to whoever is free; those of one module stay together where that saves work."""

    def _split_scope(self, nodeid: str) -> str:
        return _scope(nodeid)


def _scope(nodeid: str) -> str:
    return nodeid.partition("::")[0] if nodeid.startswith(TOGETHER) else nodeid


def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> SharedOut:
    config.option.loadscopereorder = False
    return SharedOut(config, log)


_left = pytest.StashKey[dict[str, int]]()


def pytest_deselected(items: Sequence[pytest.Item]) -> None:
    """Note by module what `-m` has left."""
    if items:
        stash = items[0].config.stash
        left = Counter(stash.get(_left, None))
        left.update(item.nodeid.partition("::")[0] for item in items if _is_long(item))
        stash[_left] = dict(left)


@pytest.hookimpl(trylast=True)
def pytest_sessionfinish(session: pytest.Session) -> None:
    output = getattr(session.config, "workeroutput", None)
    if output is not None:
        output["left"] = session.config.stash.get(_left, None)


@pytest.hookimpl(optionalhook=True)
def pytest_testnodedown(node: Any) -> None:
    """Every process has collected the same."""
    left = (getattr(node, "workeroutput", None) or {}).get("left")
    if left:
        node.config.stash[_left] = left


def pytest_terminal_summary(terminalreporter: Any, config: pytest.Config) -> None:
    left = config.stash.get(_left, None)
    if left and config.option.markexpr == "not long":
        terminalreporter.section(f"left for later: {sum(left.values())} tests")
        for name, count in sorted(left.items()):
            terminalreporter.write_line(f"{count:5} {name}")
        terminalreporter.write_line(HOW)
