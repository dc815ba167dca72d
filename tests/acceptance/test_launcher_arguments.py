"""What is typed after `./attn`: one line for what is wrong, and which addresses are served."""

import io
import os
import socket
import subprocess
import sys
from pathlib import Path

import pytest
from django.conf import settings

from launcher import addresses, cli, environment, network, progress
from launcher.problem import Problem
from launcher.project import Project

ROOT = Path(settings.BASE_DIR)


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["serve", "--port", "99999"], "99999 is no port"),
        (["serve", "--port", "0"], "0 is no port"),
        (["serve", "--port", "http"], "http is no port"),
        (["serve", "--host", "192.0.2.77"], "no address of this machine"),
        (["serve", "--lan", "--host", "::1"], "not allowed with"),
        (["demo", "--port", "99999"], "99999 is no port"),
        (["serv"], "invalid choice"),
        ([], "COMMAND"),
        (["exec"], "needs a command"),
    ],
)
def test_a_wrong_argument_is_one_line(
    arguments: list[str], said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert cli.main(arguments) == 2
    told = capsys.readouterr().err
    assert said in told
    assert len(told.splitlines()) == 1


def test_a_busy_port_is_one_line_for_the_demo_as_well(capsys: pytest.CaptureFixture[str]) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        for command in ("serve", "demo"):
            assert cli.main([command, "--port", str(port)]) == 2
            assert capsys.readouterr().err.splitlines() == [
                f"attn: 127.0.0.1:{port} is taken: choose another with --port."
            ]


@pytest.mark.parametrize("command", cli.COMMANDS)
def test_help_of_a_command_has_examples(command: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        cli.parser().parse_args([command, "--help"])
    assert f"  ./attn {command}" in capsys.readouterr().out.partition("examples:")[2]


def test_the_local_network_is_served_under_its_addresses(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(network, "_routed", lambda kinds: iter(["192.168.1.5"]))
    monkeypatch.setattr(network, "_named", lambda kinds: iter(["127.0.1.1", "10.0.0.7"]))
    monkeypatch.setattr(socket, "gethostname", lambda: "desk")
    monkeypatch.delenv("ATTN_PUBLIC_URL", raising=False)
    env: dict[str, str] = {}

    addresses.call_site(env, "0.0.0.0", 8000)

    assert env["ATTN_PUBLIC_URL"] == "http://192.168.1.5:8000"
    assert env["ATTN_ALLOWED_HOSTS"] == (
        "localhost,127.0.0.1,[::1],192.168.1.5,10.0.0.7,desk,desk.local"
    )
    alone: dict[str, str] = {"ATTN_ALLOWED_HOSTS": "attn.example.org"}
    addresses.call_site(alone, "127.0.0.1", 8000)
    assert alone == {"ATTN_ALLOWED_HOSTS": "attn.example.org"}


def test_each_address_is_said_and_a_terminal_shows_a_code(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(network, "addresses", lambda host: ["192.168.1.5", "fd00::5"])
    ran: list[list[str]] = []
    monkeypatch.setattr(addresses, "run", lambda project, command, env: ran.append(command))

    addresses.say_where(Project(), "0.0.0.0", 8000)
    told = capsys.readouterr().err
    assert "http://192.168.1.5:8000/ and http://[fd00::5]:8000/" in told
    assert "in the clear" in told
    assert ran == []

    monkeypatch.setattr(sys.stderr, "isatty", lambda: True)
    addresses.say_where(Project(), "0.0.0.0", 8000)
    drawn = subprocess.run(
        [sys.executable, *ran[0][1:]], capture_output=True, text=True, check=True
    )
    assert "▀" in drawn.stderr or "▄" in drawn.stderr


def test_an_environment_is_never_made_anew_under_who_uses_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "requirements").mkdir()
    for lock in (environment.SITE, environment.DEMO, environment.PARQUET, environment.DEV):
        (tmp_path / lock).write_text("# nothing\n")
    made: list[str] = []
    monkeypatch.setattr(environment, "_is_sound", lambda project: True)
    monkeypatch.setattr(environment, "_install", lambda project, lock, now: made.append(lock))
    site = Project(tmp_path)
    python = environment.python(site)
    python.parent.mkdir(parents=True)
    python.touch()
    (site.state / "venv" / "pyvenv.cfg").write_text("home = x\nversion = 3.12.4\n")
    # As another process sees it: what this one uses is not its own.
    users = site.state / environment.USERS
    environment.ensure(site)
    assert users in environment._USED
    environment.ensure(site, environment.DEMO)
    assert made == [environment.SITE, environment.DEMO]

    (tmp_path / environment.SITE).write_text("# another\n")
    (tmp_path / environment.DEMO).write_text("# another\n")
    with pytest.raises(Problem, match=r"runs here with Python 3\.12\.4, and this is 3\.") as caught:
        environment.ensure(site)
    assert caught.value.status == 1
    assert "\n" not in str(caught.value)
    assert made == [environment.SITE, environment.DEMO]

    environment.os.close(environment._USED.pop(users))
    environment.ensure(site)
    assert made[2:] == [environment.SITE]
    environment.os.close(environment._USED.pop(users))


@pytest.mark.parametrize("is_terminal", [True, False])
def test_a_stage_says_what_it_does_and_how_long_it_took(
    is_terminal: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    told = io.StringIO()
    told.isatty = lambda: is_terminal  # type: ignore[method-assign]
    monkeypatch.setattr(sys, "stderr", told)
    monkeypatch.setattr(progress, "TICK", 0.01)
    monkeypatch.setattr(progress, "SHOWN_FROM", 0)
    with progress.stage("Installing") as now, Path("/dev/null").open("wb") as log:
        status = progress.watch([sys.executable, "-c", "import time; time.sleep(.1)"], log, now)
    assert status == 0
    lines = told.getvalue()
    assert lines.startswith("Installing...")
    assert lines.endswith(" s\n")
    assert ("\r" in lines) is is_terminal


@pytest.mark.parametrize("works", [True, False])
def test_uv_on_the_path_is_used_and_pip_where_it_fails(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, works: bool
) -> None:
    """Only pip knows how the package index is set up on this machine."""
    for name, status in (("uv", 0 if works else 2), ("python", 0)):
        program = tmp_path / "bin" / name
        program.parent.mkdir(exist_ok=True)
        program.write_text(f'#!/bin/sh\necho {name} "$@" >> {tmp_path}/called\nexit {status}\n')
        program.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path / "bin"), prepend=os.pathsep)
    monkeypatch.setattr(environment.sys, "executable", str(tmp_path / "bin" / "python"))
    monkeypatch.setattr(environment, "python", lambda project: tmp_path / "bin" / "python")
    (tmp_path / "site").mkdir()
    site = Project(tmp_path / "site")
    (site.state / "venv").mkdir(parents=True)
    with progress.stage("Making an environment") as now:
        environment._create(site, now)
        environment._install(site, environment.SITE, now)
    called = [" ".join(line.split()[:4]) for line in (tmp_path / "called").read_text().splitlines()]
    by_uv = ["uv --no-progress venv --seed", "uv --no-progress pip install"]
    by_pip = ["python -m venv", "python -m pip install"]
    if works:
        assert called == by_uv
    else:
        assert [each.split(" /")[0] for each in called] == [
            *(by_uv[0], by_pip[0]),
            *(by_uv[1], by_pip[1]),
        ]
