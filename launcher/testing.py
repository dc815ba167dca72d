"""`./attn test`: pytest on servers of its own, each process with its own, started at first use."""

import contextlib
import os
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from launcher import binaries, environment, instance, leases
from launcher.children import run
from launcher.commands import child_environment
from launcher.environment import DEV
from launcher.instance import VARIABLES, Instance
from launcher.problem import Problem
from launcher.progress import say
from launcher.project import Project, remove

TEST_FOLDER = "attn-test-"
SERVERS, GIVEN = "ATTN_TEST_SERVERS", "ATTN_TEST_GIVEN"
"""For the processes of pytest: the folder of their servers, and which addresses the user gave."""
MEMORY = Path("/dev/shm")  # noqa: S108 - folders in it are private
ENOUGH_MEMORY = 4_000_000_000
MEASURED = "bench"
"""A folder whose figures are those of a disk."""
_WHOLE = {
    "--quick": "not long and not beside",
    "--beside": "beside and not long",
    "--later": "long",
    "--all": "",
}
"""The runs that are shared out among processes, and the marks of their tests."""


def test(project: Project, arguments: Sequence[str]) -> int:
    """pytest; without arguments, what guards each promise, shared out among processes."""
    environment.ensure(project, DEV)
    given = [name for name in VARIABLES.values() if os.environ.get(name)]
    is_measured = any(each.startswith(MEASURED) for each in arguments)
    with folder_of_a_run(project, None if is_measured else _memory_or_disk()) as folder:
        # Whoever needs a server that is nowhere to be found is told before anything runs.
        remove(servers_of(project, folder, "none", os.environ).sockets)
        env = child_environment(project, None)
        env |= {SERVERS: str(folder), GIVEN: " ".join(given)}
        # Hundreds of processes start in a run: compiling everything anew in each takes minutes.
        env.pop("PYTHONDONTWRITEBYTECODE", None)
        for wanted in (binaries.POSTGRES, binaries.VALKEY):
            with contextlib.suppress(Problem):
                env[wanted.override] = str(binaries.find(wanted, project))
        python = str(environment.python(project))
        return run(project, [python, "-m", "pytest", *pytest_arguments(arguments, given)], env)


def pytest_arguments(arguments: Sequence[str], given: Sequence[str]) -> list[str]:
    wanted = arguments[0] if arguments else "--quick"
    if wanted not in _WHOLE:
        return list(arguments)
    chosen = ["-m", _WHOLE[wanted], *arguments[1:]]
    if given:
        say(f"One process, on {' and '.join(given)} as set: unset them, and the tests share out.")
        return chosen
    bar = ["-p", "tests.support.bar"] if sys.stdout.isatty() else []
    return ["-n", str(processes()), *bar, *chosen]


def processes() -> int:
    """One more than there are cores: some tests mostly wait."""
    has_affinity = hasattr(os, "sched_getaffinity")
    return 1 + (len(os.sched_getaffinity(0)) if has_affinity else os.cpu_count() or 1)


def servers_of(
    project: Project, folder: Path, process: str, environ: Mapping[str, str]
) -> Instance:
    """The servers of one process of a run, not started. Raises Problem where one is missing."""
    name = f"attn-t-{folder.name[len(TEST_FOLDER) :]}-{process}"
    home = folder / process
    home.mkdir(exist_ok=True)
    return instance.make(project, home, name, environ)


@contextlib.contextmanager
def folder_of_a_run(project: Project, place: Path | None = None) -> Iterator[Path]:
    """A folder for servers, which are stopped; those of a killed launcher are cleared first."""
    _clear_abandoned(project)
    folder = Path(tempfile.mkdtemp(prefix=TEST_FOLDER, dir=place))
    owner = leases.lock_of_owner(str(folder / "owner"))
    (folder / "owner").write_text(str(os.getpid()))
    folder.chmod(0o755)
    try:
        yield folder
    finally:
        with leases.uninterrupted():
            _clear(project, folder)
            if owner is not None:
                os.close(owner)


def _clear(project: Project, folder: Path) -> None:
    """Stop what runs in a folder, of a run or of a test's own, and remove it."""
    whole = f"attn-t-{folder.name[len(TEST_FOLDER) :]}"
    homes = {whole: folder} | {
        f"{whole}-{each.name}": each for each in folder.iterdir() if each.is_dir()
    }
    for name, home in homes.items():
        servers = instance.make(project, home, name, {})
        servers.stop()
        remove(servers.sockets)
    remove(folder)


def _memory_or_disk() -> Path | None:
    """Memory where there is room: tests would wait for disks, and look at none."""
    with contextlib.suppress(OSError):
        room = os.statvfs(MEMORY)
        if os.access(MEMORY, os.W_OK) and room.f_bavail * room.f_frsize > ENOUGH_MEMORY:
            return MEMORY
    return None


def _clear_abandoned(project: Project) -> None:
    places = {Path(tempfile.gettempdir()), MEMORY}
    for folder in [each for place in places for each in place.glob(f"{TEST_FOLDER}*")]:
        mine = folder.is_dir() and folder.stat().st_uid == os.geteuid()
        # A folder without its lock is one that somebody makes at this moment.
        if not mine or not (folder / "owner").exists():
            continue
        lock = leases.lock_of_owner(str(folder / "owner"))
        if lock is not None:
            _clear(project, folder)
            os.close(lock)
