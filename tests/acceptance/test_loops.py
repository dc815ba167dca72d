"""`./attn test`: seconds without a server, minutes in several processes, nothing left behind."""

import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings

from launcher import testing
from launcher.instance import VARIABLES
from launcher.project import Project
from launcher.servers import command_line

ROOT = Path(settings.BASE_DIR)


@pytest.fixture(autouse=True)
def own_servers(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in VARIABLES.values():
        monkeypatch.delenv(name, raising=False)


def attn_test(*arguments: str, **env: str) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        [sys.executable, "attn", "test", "-p", "no:cacheprovider", *arguments],
        cwd=ROOT,
        env={**os.environ, **env},
        capture_output=True,
        text=True,
        timeout=240,
        check=False,
    )


@pytest.fixture
def no_servers() -> Iterator[dict[str, str]]:
    """Programs that fail at once."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        # Also the account of the servers has to get there.
        folder.chmod(0o755)
        for program in ("initdb", "postgres", "valkey-server"):
            (folder / program).write_text("#!/bin/sh\nexit 1\n")
            (folder / program).chmod(0o755)
        found = {"ATTN_POSTGRES_BIN": "initdb", "ATTN_VALKEY_BIN": "valkey-server"}
        yield {variable: str(folder / program) for variable, program in found.items()}


def test_unit_tests_pass_where_no_server_can_start(no_servers: dict[str, str]) -> None:
    done = attn_test("tests/unit/test_identity.py", "-q", **no_servers)

    assert done.returncode == 0, done.stdout
    assert " passed" in done.stdout


def test_a_server_that_does_not_start_is_one_line_and_69(no_servers: dict[str, str]) -> None:
    done = attn_test("tests/pages/test_home.py", "-q", **no_servers)

    assert done.returncode == 69
    assert "postgres failed" in done.stdout.splitlines()[-1]


def test_the_status_is_that_of_pytest() -> None:
    assert attn_test("tests/unit/there_is_none.py").returncode == 4


@pytest.mark.long
def test_a_run_that_is_shared_out_has_servers_for_each_process_and_names_what_it_leaves() -> None:
    left_out = ("tests/faults/test_deploy_faults.py", "tests/pages/test_home.py")
    minutes = "not long and not beside"
    done = attn_test("-n", "2", "-m", minutes, "tests/integration/test_starting.py", *left_out)

    assert done.returncode == 0, done.stdout
    assert "2 workers" in done.stdout
    left = done.stdout.partition("left out")[2].splitlines()
    assert [line.split()[1] for line in left[1:3]] == list(left_out)
    assert "./attn test --all" in left[3]


def test_each_whole_run_takes_its_own_tests() -> None:
    def marks(*arguments: str) -> tuple[bool, str]:
        found = testing.pytest_arguments(arguments, given=[])
        return "-n" in found, found[found.index("-m") + 1]

    assert marks() == (True, "not long and not beside")
    assert marks("--quick", "-x") == marks()
    assert marks("--beside") == (True, "beside and not long")
    assert marks("--later") == (True, "long")
    assert marks("--all") == (True, "")
    assert testing.pytest_arguments(["tests/unit", "-x"], given=[]) == ["tests/unit", "-x"]


@pytest.mark.long
def test_the_parts_of_what_is_left_for_later_are_all_of_it() -> None:
    def chosen(*arguments: str) -> list[str]:
        done = attn_test("tests/model", "-m", "long", "--collect-only", "-q", *arguments)
        return [line for line in done.stdout.splitlines() if "::" in line]

    parts = [chosen("--part", f"{part}/3") for part in (1, 2, 3)]
    assert sorted(name for part in parts for name in part) == sorted(chosen())
    assert all(part and part != chosen() for part in parts)
    assert attn_test("tests/model", "--part", "4/3").returncode == 4


def test_addresses_of_others_are_used_by_one_process(capsys: pytest.CaptureFixture[str]) -> None:
    found = testing.pytest_arguments(["--all"], given=["REDIS_URL"])

    assert "-n" not in found
    assert "REDIS_URL" in capsys.readouterr().err


VICTIM = """
import sys, time
sys.path.insert(0, {root!r})
from launcher import testing
from launcher.project import Project
with testing.folder_of_a_run(Project()) as folder:
    servers = testing.servers_of(Project(), folder, "gw0", {{}})
    servers.start()
    print(folder, *servers.running().values(), flush=True)
    time.sleep(60)
"""


@pytest.fixture
def victim() -> Any:
    """A run with servers, as its launcher: the process, its folder, its servers' processes."""
    command = [sys.executable, "-c", VICTIM.format(root=str(ROOT))]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) as launcher:
        assert launcher.stdout
        folder, *pids = launcher.stdout.readline().split()
        yield launcher, Path(folder), [int(pid) for pid in pids]
        launcher.kill()


def test_a_killed_run_leaves_nothing_that_the_next_one_does_not_clear(victim: Any) -> None:
    launcher, folder, pids = victim
    launcher.kill()
    launcher.wait()
    assert len([pid for pid in pids if command_line(pid)]) == 3

    with testing.folder_of_a_run(Project()) as another:
        assert another.is_dir()

    assert_gone(folder, pids)


@pytest.mark.long
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_run_that_is_told_to_stop_stops_its_servers(number: int) -> None:
    command = [sys.executable, "attn", "test", "-n", "2", "tests/faults/test_kills.py"]
    with subprocess.Popen(
        command,
        cwd=ROOT,
        stdout=subprocess.PIPE,
        text=True,
        preexec_fn=_heed_ctrl_c,  # noqa: PLW1509 - nothing else runs in the test
    ) as launcher:
        folder = wait_for(lambda: folder_with_servers(launcher.pid))
        launcher.send_signal(number)
        launcher.communicate(timeout=200)

    assert launcher.returncode not in {0, 1}
    wait_for(lambda: not folder.exists())


def _heed_ctrl_c() -> None:
    """A shell lets what it starts in the background ignore it."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)


def folder_with_servers(pid: int) -> Path | None:
    """The folder of a run whose servers have begun to start."""
    for place in (Path(tempfile.gettempdir()), testing.MEMORY):
        for folder in place.glob(f"{testing.TEST_FOLDER}*"):
            owner = folder / "owner"
            if owner.exists() and owner.read_text() == str(pid) and any(folder.glob("gw*/live")):
                return folder
    return None


def assert_gone(folder: Path, pids: list[int]) -> None:
    assert not folder.exists()
    assert [pid for pid in pids if command_line(pid)] == []
    sockets = f"attn-t-{folder.name[len(testing.TEST_FOLDER) :]}*"
    assert list(Path(tempfile.gettempdir()).glob(sockets)) == []


def wait_for(look: Callable[[], Any]) -> Any:
    deadline = time.monotonic() + 200
    while time.monotonic() < deadline:
        if found := look():
            return found
        time.sleep(0.05)
    raise AssertionError("nothing of the kind happened in 200 seconds")
