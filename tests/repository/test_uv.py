"""Who installs: uv from the PATH, one of our own, or pip."""

import os
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from launcher import environment, progress, uv
from launcher.project import ROOT, Project

INSTALLED = "pip install --compile-bytecode"


@pytest.fixture
def site(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Project:
    """A project with a virtual environment, on a machine that has no uv."""
    monkeypatch.setenv("PATH", "/nowhere")
    for name in ("UV_DEFAULT_INDEX", "SSL_CERT_FILE"):
        monkeypatch.delenv(name, raising=False)
    (tmp_path / "site" / "requirements").mkdir(parents=True)
    shutil.copy(ROOT / uv.LOCK, tmp_path / "site" / uv.LOCK)
    made = Project(tmp_path / "site")
    (made.state / "venv").mkdir()
    return made


Pip = Callable[..., Path]


@pytest.fixture
def pip(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Pip:
    """A pip that notes what it is told, knows settings, and has a uv to give, or not."""

    def make(*, settings: str = "", has_uv: bool = True) -> Path:
        gives = (
            'if [ "$1" = install ]; then while [ "$1" != --target ]; do shift; done;'
            ' /bin/mkdir -p "$2/bin";'
            f" printf '#!/bin/sh\\necho $UV_DEFAULT_INDEX $SSL_CERT_FILE $@ > {tmp_path}/uv\\n'"
            ' > "$2/bin/uv"; /bin/chmod +x "$2/bin/uv"; fi'
        )
        program = tmp_path / "pip"
        program.write_text(
            f"#!/bin/sh\necho $@ >> {tmp_path}/asked\n"
            f'[ "$1" = config ] && printf "{settings}"\n{gives if has_uv else "exit 1"}\n'
        )
        program.chmod(0o755)
        monkeypatch.setattr(uv, "pip_of_this_python", lambda: [str(program)])
        return tmp_path / "asked"

    return make


def install(site: Project) -> bool:
    with progress.stage("Installing") as now:
        return uv.done(site, ["pip", "install", "--compile-bytecode"], now)


def test_where_there_is_none_a_pinned_one_is_fetched_once(
    site: Project, pip: Pip, tmp_path: Path
) -> None:
    asked = pip()
    assert install(site)
    assert install(site)
    fetched = [line for line in asked.read_text().splitlines() if line.startswith("install")]
    assert len(fetched) == 1
    assert "--require-hashes" in fetched[0]
    assert f"-r {site.root / uv.LOCK}" in fetched[0]
    assert INSTALLED in (tmp_path / "uv").read_text()


def test_it_asks_the_index_that_pip_asks(
    site: Project, pip: Pip, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pip(
        settings=":env:.index-url='https://near.example/simple'\\n"
        "global.cert='/etc/campus.pem'\\nglobal.index-url='https://far.example/simple'\\n"
    )
    assert install(site)
    told = (tmp_path / "uv").read_text()
    assert told.startswith("https://near.example/simple /etc/campus.pem --no-progress pip")
    monkeypatch.setenv("UV_DEFAULT_INDEX", "https://chosen.example/simple")
    assert install(site)
    assert (tmp_path / "uv").read_text().startswith("https://chosen.example/simple ")


@pytest.mark.parametrize("has_pip", [True, False])
def test_pip_does_it_where_there_is_no_uv_for_this_machine(
    site: Project, pip: Pip, monkeypatch: pytest.MonkeyPatch, has_pip: bool
) -> None:
    pip(has_uv=False)
    if not has_pip:
        monkeypatch.setattr(uv, "pip_of_this_python", list)
    assert not install(site)
    commands: list[list[str]] = []
    monkeypatch.setattr(environment, "_run", lambda site, command, *rest: commands.append(command))
    with progress.stage("Installing") as now:
        environment._install(site, environment.SITE, now)
    assert commands[0][1:4] == ["-m", "pip", "install"]
    assert not list(site.state.glob("wheel-uv-*"))


def test_a_python_without_pip_has_the_wheel_of_ensurepip(monkeypatch: pytest.MonkeyPatch) -> None:
    found = uv.find_spec
    monkeypatch.setattr(uv, "find_spec", lambda name: None if name == "pip" else found(name))
    command = uv.pip_of_this_python()
    if not command:
        pytest.skip("This Python has no ensurepip.")
    done = subprocess.run(
        [*command, "--version"], capture_output=True, text=True, check=True, env=dict(os.environ)
    )
    assert done.stdout.startswith("pip ")
