"""What `./attn test` runs at once, what stands beside that, and how a run is shared out."""

from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any
from zlib import crc32

import pytest
from hypothesis import HealthCheck, settings
from xdist.scheduler import LoadScopeScheduling

from tests.support import examples

_LAUNCHER = "tests/acceptance/test_launcher.py::"
_SCHEDULER = "tests/acceptance/test_scheduler.py::"
_SENDER = "tests/acceptance/test_sender.py::"
_DEPLOYING = "tests/integration/test_deploying.py::"
LATER = (
    *("tests/browser/", "tests/faults/", "tests/acceptance/"),
    "tests/integration/test_persist_command.py",
    f"{_DEPLOYING}test_static_files_are_collected_and_named_after_their_content",
)
"""Left for `./attn test --later`, with every test that has the mark `long` for itself..."""
AT_ONCE = (
    *("tests/faults/test_kills.py", "tests/faults/test_matrix.py"),
    "tests/faults/test_worker_faults.py::test_six_workers_killed_at_random_lose_and_double_nothing",
    "tests/faults/test_postgresql_faults.py::test_postgresql_killed_under_load_loses_nothing",
    *(
        "tests/faults/test_live_store_faults.py::"
        "test_a_live_store_killed_under_load_keeps_what_it_acknowledged",
    ),
    "tests/faults/test_payload_faults.py::test_corrupt_records_of_every_kind_harm_nobody_else",
    "tests/acceptance/test_demo_term.py",
    f"{_LAUNCHER}test_six_at_once_share_three_servers_and_the_last_one_stops_them",
    f"{_LAUNCHER}test_a_server_that_was_killed_is_started_again[live]",
    "tests/acceptance/test_loops.py::test_unit_tests_pass_where_no_server_can_start",
    f"{_SCHEDULER}test_a_lesson_that_waits_is_persisted_as_soon_as_the_site_is_live",
    f"{_SCHEDULER}test_a_stop_ends_a_run_between_two_chunks_and_the_next_completes_it",
    f"{_SENDER}test_mail_and_webhooks_leave_a_served_site_once_while_one_receiver_hangs",
    "tests/integration/test_persist_command.py::test_json_is_one_object_with_the_totals",
    "tests/integration/test_persist_command.py::test_something_in_quarantine_is_3",
    "tests/integration/test_persist_command.py::test_a_failed_lesson_is_4_and_the_others_are_saved",
)
"""... but for these: one fault of each kind of server, and one way of each way to run it, stay in
the minutes."""

BESIDE = (
    *("tests/pages/", "tests/attacks/", "tests/jobs/", "tests/webhooks/", "tests/pooled/"),
    "tests/acceptance/test_demo_term.py",
    *("tests/api/test_matrix.py", "tests/api/test_schema.py", "tests/api/test_documents.py"),
    *("tests/api/test_absences.py", "tests/api/test_sections.py", "tests/api/test_reports.py"),
    *("tests/api/test_section_lessons.py", "tests/api/test_verifications.py"),
    *("tests/courses/test_course_admin.py", "tests/courses/test_finding.py"),
    *("tests/cluster/test_faults.py", "tests/integration/test_growing.py"),
    *(
        "tests/integration/test_admin",
        "tests/integration/test_alarm",
        "tests/integration/test_data_",
    ),
    *("tests/integration/test_export", "tests/integration/test_repair_page.py"),
    *("tests/integration/test_import_users.py", "tests/integration/test_many_changes.py"),
    *("tests/integration/test_deploying.py", "tests/integration/test_scheduler_clock.py"),
    *("tests/integration/test_security_log", "tests/integration/test_logs.py"),
    *("tests/integration/test_totals", "tests/integration/test_verify_totals.py"),
    *("tests/integration/test_warnings", "tests/integration/test_reads_of_others.py"),
)
"""Left for `./attn test --beside`: what people see, who gets in, figures, exports, operations..."""
KEPT = (
    *("tests/pages/test_check_in.py", "tests/pages/test_board.py", "tests/pages/test_outages.py"),
    *("tests/attacks/test_scans.py", "tests/attacks/test_one_device.py"),
    *("tests/attacks/test_receipts_end.py", "tests/attacks/test_credentials_end.py"),
    "tests/jobs/test_draining.py",
)
"""... but for these, which look at a mark on its way."""

TOGETHER = (
    *("tests/browser/", "tests/cluster/", "tests/faults/", "tests/acceptance/test_demo_term.py"),
    *("tests/integration/test_isolation.py", "tests/integration/test_stream.py"),
    "tests/pages/test_campus.py",
)
"""Modules that make something for themselves; all other tests go out one by one."""
IN_ONE_PROCESS = ("tests/faults/",)
"""Of the minutes: what these make for themselves takes longer than they do."""
FIRST = ("tests/faults/", "tests/acceptance/", "tests/cluster/", "tests/pooled/", "tests/model/")
"""Long tests begin first, so that no process works alone in the end."""

# How fast examples are made says how busy the machine is, and nothing of what is tested.
settings.register_profile("attn", suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("attn")

IN_MINUTES, BESIDE_ALONE, LATER_ALONE = "not long and not beside", "beside and not long", "long"
"""What the launcher chooses by for `./attn test`, and with `--beside` and `--later`."""
HOW = "./attn test --all runs these too; --beside or --later: some of them alone"


def pytest_addoption(parser: pytest.Parser) -> None:
    text = "of the tests that ./attn test leaves only this part, as in 2/4"
    parser.addoption("--part", type=_part, default=(1, 1), metavar="K/N", help=text)


def _part(text: str) -> tuple[int, int]:
    """Raises ValueError, which the parser tells."""
    part, _, parts = text.partition("/")
    if not 1 <= int(part) <= int(parts):
        raise ValueError(text)
    return int(part), int(parts)


def pytest_configure(config: pytest.Config) -> None:
    if config.option.markexpr == IN_MINUTES:
        examples.take_a_part()


def pytest_ignore_collect(collection_path: Path, config: pytest.Config) -> bool | None:
    """Do not read a module of which this run takes nothing; to collect one takes long enough."""
    if collection_path.suffix != ".py" or not collection_path.name.startswith("test_"):
        return None
    name = collection_path.relative_to(config.rootpath).as_posix()
    if not is_left_whole(name, collection_path.read_text(), config.option.markexpr):
        return None
    config.stash.setdefault(_left_whole, []).append(name)
    return True


def is_left_whole(module: str, source: str, chosen: str) -> bool:
    """Whether no test of a module can be among those that the marks choose."""
    is_later = module.startswith(LATER) and not _has_any(AT_ONCE, module)
    is_beside = module.startswith(BESIDE) and not _has_any(KEPT, module)
    nothing_of_it = {
        IN_MINUTES: is_later or is_beside,
        BESIDE_ALONE: is_later or not _has_any(BESIDE, module),
        LATER_ALONE: not _has_any(LATER, module) and "mark.long" not in source,
    }
    return nothing_of_it.get(chosen, False)


def _has_any(names: Sequence[str], module: str) -> bool:
    """Whether one of the names is a module, stands in it, or is a folder or beginning of it."""
    return any(module.startswith(name) or name.startswith(f"{module}::") for name in names)


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Mark what the run of minutes leaves, before `-m` chooses."""
    _refuse_equal_names(items)
    for item in items:
        if item.nodeid.startswith(LATER) and not item.nodeid.startswith(AT_ONCE):
            item.add_marker("long")
        elif item.nodeid.startswith(BESIDE) and not item.nodeid.startswith(KEPT):
            item.add_marker("beside")
    part, parts = config.getoption("part")
    others = [item for item in items if _is_left(item) and _part_of(item, parts) != part]
    if others:
        items[:] = [item for item in items if item not in set(others)]
        config.hook.pytest_deselected(items=others)
    items.sort(key=_place)


def _refuse_equal_names(items: Sequence[pytest.Item]) -> None:
    """Of tests with one name, processes that share them run one, and nobody hears of the others."""
    twice = [name for name, n in Counter(item.nodeid for item in items).items() if n > 1]
    if twice:
        raise pytest.UsageError(f"Several tests have one name: {', '.join(twice)}")


def _is_long(item: pytest.Item) -> bool:
    return item.get_closest_marker("long") is not None


def _is_left(item: pytest.Item) -> bool:
    return _is_long(item) or item.get_closest_marker("beside") is not None


def _part_of(item: pytest.Item, parts: int) -> int:
    return crc32(item.nodeid.encode()) % parts + 1


def _place(item: pytest.Item) -> int:
    places = [place for place, folder in enumerate(FIRST) if item.nodeid.startswith(folder)]
    return places[0] if places else len(FIRST)


class SharedOut(LoadScopeScheduling):  # type: ignore[misc]
    """Tests go to whoever is free; those of one module stay together where that saves work."""

    def _split_scope(self, nodeid: str) -> str:
        is_of_minutes = self.config.option.markexpr == IN_MINUTES
        return _scope(nodeid, is_of_minutes=is_of_minutes)


def _scope(nodeid: str, *, is_of_minutes: bool) -> str:
    if is_of_minutes and nodeid.startswith(IN_ONE_PROCESS):
        return next(each for each in IN_ONE_PROCESS if nodeid.startswith(each))
    return nodeid.partition("::")[0] if nodeid.startswith(TOGETHER) else nodeid


def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> SharedOut:
    config.option.loadscopereorder = False
    return SharedOut(config, log)


_left = pytest.StashKey[dict[str, int]]()
_left_whole = pytest.StashKey[list[str]]()


def pytest_deselected(items: Sequence[pytest.Item]) -> None:
    """Note by module what `-m` has left."""
    if items:
        stash = items[0].config.stash
        left = Counter(stash.get(_left, None))
        left.update(item.nodeid.partition("::")[0] for item in items if _is_left(item))
        stash[_left] = dict(left)


@pytest.hookimpl(trylast=True)
def pytest_sessionfinish(session: pytest.Session) -> None:
    output = getattr(session.config, "workeroutput", None)
    if output is not None:
        output["left"] = session.config.stash.get(_left, None)
        output["left_whole"] = session.config.stash.get(_left_whole, None)


@pytest.hookimpl(optionalhook=True)
def pytest_testnodedown(node: Any) -> None:
    """Every process has collected the same."""
    output = getattr(node, "workeroutput", None) or {}
    if output.get("left"):
        node.config.stash[_left] = output["left"]
    if output.get("left_whole"):
        node.config.stash[_left_whole] = output["left_whole"]


def pytest_terminal_summary(terminalreporter: Any, config: pytest.Config) -> None:
    left, whole = config.stash.get(_left, None) or {}, config.stash.get(_left_whole, None) or []
    if (left or whole) and config.option.markexpr == IN_MINUTES:
        count = sum(left.values())
        terminalreporter.section(f"left out: {len(whole)} modules, {count} tests of others")
        for name in sorted({*left, *whole}):
            terminalreporter.write_line(f"{left.get(name, 'all'):>5} {name}")
        terminalreporter.write_line(HOW)
