"""A bar for a run that is shared out, where a person looks on: loaded by ./attn test."""

from collections.abc import Sequence
from typing import Any

import pytest
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn


class RunProgress:
    """Instead of a dot for each test."""

    def __init__(self) -> None:
        self.progress = Progress(
            BarColumn(None),
            MofNCompleteColumn(),
            TextColumn("tests, {task.fields[failed]} failed,"),
            TimeElapsedColumn(),
            console=Console(),
            transient=True,
        )
        self.task = self.progress.add_task("", total=None, failed=0)
        self.failed = 0

    def pytest_xdist_node_collection_finished(self, ids: Sequence[str]) -> None:
        self.progress.start()
        self.progress.update(self.task, total=len(ids))

    @pytest.hookimpl(wrapper=True)
    def pytest_report_teststatus(self, report: Any) -> Any:
        category, _, _ = yield
        if category in {"failed", "error"}:
            self.failed += 1
            self.progress.console.print(f"{category}: {report.nodeid}", markup=False)
            self.progress.update(self.task, failed=self.failed)
        return category, "", ""

    def pytest_runtest_logfinish(self) -> None:
        self.progress.advance(self.task)

    @pytest.hookimpl(tryfirst=True)
    def pytest_sessionfinish(self) -> None:
        self.progress.stop()


def pytest_configure(config: pytest.Config) -> None:
    if config.getoption("numprocesses"):
        config.pluginmanager.register(RunProgress(), "attn-bar")
