"""The launcher's servers: started once, adopted after a kill, stopped by the last one to leave."""

import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from django.conf import settings

from launcher import (
    binaries,
    children,
    commands,
    environment,
    instance,
    leases,
    project,
    servers,
)
from launcher.cli import main
from launcher.problem import Problem
from launcher.project import Account, Project
from launcher.servers import Postgres, Server, command_line

ROOT = Path(settings.BASE_DIR)
FOLDERS = ("launcher", "requirements", "attn")


@pytest.fixture
def copy(tmp_path: Path) -> Iterator[Project]:
    """The launcher in a folder of its own, with a space in its path."""
    root = tmp_path / "a project"
    root.mkdir()
    for name in FOLDERS:
        target = root / name
        (shutil.copytree if (ROOT / name).is_dir() else shutil.copy)(ROOT / name, target)
    shutil.copy(ROOT / "requirements.txt", root)
    # pytest's own folders are closed to the account of the servers; each worker has one more.
    shared = Path(tempfile.gettempdir())
    for folder in (tmp_path, *tmp_path.parents):
        if folder.is_relative_to(shared) and folder != shared:
            folder.chmod(0o755)
    found = Project(root)
    yield found
    leases.release(found, force=True)


@pytest.fixture(autouse=True)
def own_servers(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in instance.VARIABLES.values():
        monkeypatch.delenv(name, raising=False)


LEASE = """
import os, sys
sys.path.insert(0, {root!r})
from launcher import leases
from launcher.project import Project
with leases.leased(Project(), os.environ) as servers:
    print(sorted(servers.running().items()), flush=True)
    sys.stdin.readline()
"""


def lease(found: Project) -> "subprocess.Popen[str]":
    return subprocess.Popen(
        [sys.executable, "-c", LEASE.format(root=str(found.root))],
        cwd=found.root,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )


def said(child: "subprocess.Popen[str]") -> str:
    assert child.stdout
    return child.stdout.readline()


def running(found: Project) -> dict[str, int | None]:
    return instance.make(found, found.home, found.name, {}).running()


def test_six_at_once_share_three_servers_and_the_last_one_stops_them(copy: Project) -> None:
    children = [lease(copy) for _ in range(6)]
    told = {said(child) for child in children}

    assert len(told) == 1
    assert "None" not in told.pop()
    for child in children[:5]:
        child.communicate("leave\n", timeout=30)
    assert all(running(copy).values())
    children[5].communicate("leave\n", timeout=30)
    assert not any(running(copy).values())


def test_servers_of_a_killed_launcher_are_adopted(copy: Project) -> None:
    with lease(copy) as first:
        before = said(first)
        first.kill()
    with lease(copy) as second:
        assert said(second) == before
        second.communicate("leave\n", timeout=30)

    assert not any(running(copy).values())


@pytest.mark.parametrize("name", ["postgres", "live", "cache"])
def test_a_server_that_was_killed_is_started_again(name: str, copy: Project) -> None:
    leases.keep(copy, {})
    pid = running(copy)[name]
    assert pid is not None
    os.kill(pid, signal.SIGKILL)

    leases.keep(copy, {})

    again = running(copy)
    assert all(again.values())
    assert again[name] != pid


def test_up_keeps_and_down_asks_whether_somebody_is_there(copy: Project) -> None:
    leases.keep(copy, {})
    assert all(running(copy).values())

    with lease(copy) as user:
        said(user)
        with pytest.raises(Problem, match="--force"):
            leases.release(copy, force=False)
        assert all(running(copy).values())
        leases.release(copy, force=True)
        assert not any(running(copy).values())
        user.communicate("leave\n", timeout=30)


def test_a_killed_initdb_and_a_strange_pid_file_do_no_harm(copy: Project) -> None:
    half = copy.home / "postgres.new"
    half.mkdir()
    (half / "PG_VERSION").write_text("18")
    leases.keep(copy, {})
    leases.release(copy, force=False)
    # The number of a process that is not PostgreSQL.
    (copy.home / "postgres" / "postmaster.pid").write_text(f"{os.getpid()}\n")

    leases.keep(copy, {})

    assert all(running(copy).values())


def test_addresses_that_are_given_replace_servers_one_by_one(copy: Project) -> None:
    given = {"DATABASE_URL": "postgresql://elsewhere/attn"}

    with leases.leased(copy, given) as servers:
        assert sorted(servers.running()) == ["cache", "live"]
        assert "DATABASE_URL" not in servers.urls


@pytest.mark.skipif(sys.platform != "linux", reason="needs prctl")
def test_what_a_killed_launcher_has_started_ends_with_it(copy: Project, tmp_path: Path) -> None:
    code = (
        f"import sys; sys.path.insert(0, {str(copy.root)!r})\n"
        "from launcher import commands; from launcher.project import Project; import os\n"
        "child = 'import os, time; print(os.getpid(), flush=True); time.sleep(60)'\n"
        "commands.run(Project(), [sys.executable, '-c', child], dict(os.environ))\n"
    )
    with subprocess.Popen(
        [sys.executable, "-c", code], stdout=subprocess.PIPE, text=True
    ) as launcher:
        pid = int(said(launcher))
        launcher.kill()

    deadline = time.monotonic() + 20
    while command_line(pid) and time.monotonic() < deadline:
        time.sleep(0.05)
    assert command_line(pid) == ""


def test_another_python_gets_one_clear_line() -> None:
    code = (
        "import sys, runpy; sys.version_info = (3, 9, 1); sys.argv = ['attn', 'demo'];"
        f"runpy.run_path({str(ROOT / 'attn')!r}, run_name='__main__')"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)

    assert done.returncode == 2
    assert len(done.stderr.strip().splitlines()) == 1
    assert "3.11, 3.12, 3.13 or 3.14" in done.stderr


@pytest.mark.parametrize("wanted", [binaries.POSTGRES, binaries.VALKEY])
def test_a_missing_server_is_one_line_that_says_what_to_do(
    wanted: binaries.Wanted, copy: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    # No wheel that can be installed, nothing on the PATH or in the usual folders.
    bare = wanted._replace(elsewhere=())
    with monkeypatch.context() as patch, pytest.raises(Problem) as caught:
        patch.delenv(wanted.override, raising=False)
        patch.setenv("PATH", "/nowhere")
        patch.setattr(binaries, "_install", lambda *args: False)
        binaries.find(bare, copy)

    assert caught.value.status == 69
    assert "\n" not in str(caught.value)
    assert "apt install" in str(caught.value)
    assert "_URL" in str(caught.value)


def test_a_port_that_is_taken_is_said_in_one_line(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(commands.environment, "ensure", lambda *args: None)
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        status = main(["serve", "--port", str(taken.getsockname()[1])])

    assert status == 2
    assert "--port" in capsys.readouterr().err


def test_status_is_json_for_machines(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["status", "--json"]) == 0

    told = json.loads(capsys.readouterr().out)
    assert set(told["servers"]) == {"postgres", "live", "cache"}


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give up its rights")
def test_servers_never_run_as_root(copy: Project) -> None:
    leases.keep(copy, {})

    for pid in running(copy).values():
        assert Path(f"/proc/{pid}").stat().st_uid == copy.account.uid != 0


@pytest.mark.skipif(os.geteuid() != 0, reason="only root has a home that others cannot enter")
def test_a_closed_folder_moves_the_servers_elsewhere(copy: Project, tmp_path: Path) -> None:
    copy.root.chmod(0o700)
    home = copy.home

    assert home != copy.state
    assert home.parent == Path("/var/tmp")
    leases.keep(copy, {})
    assert all(running(copy).values())
    leases.release(copy, force=False)
    copy.root.chmod(0o755)
    project.remove(home)


def test_a_socket_folder_is_short_and_private(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(project.tempfile, "gettempdir", lambda: "/tmp/" + "x" * 120)

    folder = project.socket_folder(f"attn-unit-{os.getpid()}", Account())

    try:
        assert len(str(folder / ".s.PGSQL.5432.lock")) <= 103
        assert folder.stat().st_mode & 0o077 == 0
    finally:
        project.remove(folder)


def test_a_server_that_does_not_start_says_where_its_log_is(
    copy: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("launcher.servers.SECONDS_TO_START", 1)
    monkeypatch.setattr(Postgres, "command", lambda self: ["/bin/false"])
    made = instance.make(copy, copy.home, copy.name, {"REDIS_URL": "x", "CACHE_URL": "x"})
    broken: Server = made["postgres"]

    with pytest.raises(Problem, match=r"postgres\.log"):
        broken.start()


@pytest.mark.skipif(os.geteuid() != 0, reason="only root has rights to drop")
def test_the_site_never_runs_as_root_where_others_can_read_it(
    copy: Project, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(environment, "python", lambda project: Path("/bin/sh"))
    told = tmp_path / "uid"
    tmp_path.chmod(0o777)
    for folder in tmp_path.parents:
        if folder == Path(tempfile.gettempdir()):
            break
        folder.chmod(0o755)
    account = commands.site_account(copy)
    assert account.uid not in {None, 0}
    script = ["/bin/sh", "-c", f"id -u > {told}; id -G >> {told}"]
    assert children.run(copy, script, dict(os.environ), account=account) == 0
    assert told.read_text().split() == [str(account.uid), str(account.gid)]

    copy.root.chmod(0o700)
    assert commands.site_account(copy).uid is None
    copy.root.chmod(0o755)


def test_a_server_that_ends_after_its_file_is_gone_is_waited_for() -> None:
    child = subprocess.Popen(["/bin/sleep", "0.5"])
    servers._STARTED.append(child)

    servers._reap(stopped=child.pid)

    # Popen warns of a child that nobody has waited for.
    assert child.returncode == 0
    assert child not in servers._STARTED
