"""A whole ATTN of a test's own: its servers, the site under gunicorn, and persisting workers.

Nothing of it is shared with the servers of the test process. A template is made
once: PostgreSQL with migrations, people and their tokens; each rig is a copy.
"""

import contextlib
import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

import psycopg
import redis
from redis.backoff import NoBackoff
from redis.retry import Retry

from launcher.commands import site_command
from launcher.project import ROOT, Project, remove
from tests.support.migrated import KeptDatabase
from tests.support.ports import free_port, listens
from tests.support.rig.folder import folder_of_a_rig, name_of
from tests.support.rig.servers import Servers
from tests.support.waiting import SECONDS, wait_until

STUDENTS, TEACHERS = 40, 6
NOTHING: Mapping[str, str] = {}


class Member(NamedTuple):
    """Somebody with an account and a token for the API."""

    school_number: str
    full_name: str
    token: str


class People(NamedTuple):
    students: list[Member]
    teachers: list[Member]
    staff: list[Member]


class Template(NamedTuple):
    """PostgreSQL as each rig finds it, at rest."""

    data: Path
    people: People


class Site:
    """The site, as `./attn serve` starts it."""

    def __init__(self, child: "subprocess.Popen[bytes]", port: int, log: Path) -> None:
        self.child, self.port, self.log = child, port, log

    def get(self, path: str) -> tuple[int, Any]:
        """Ask a page that says JSON, such as /readyz."""
        from http.client import HTTPConnection

        with contextlib.closing(HTTPConnection("127.0.0.1", self.port, timeout=SECONDS)) as ask:
            ask.request("GET", path)
            answer = ask.getresponse()
            return answer.status, json.loads(answer.read())


class Worker:
    """A process that runs the persistence task: see worker.py."""

    def __init__(self, child: "subprocess.Popen[str]") -> None:
        self.child = child

    def ask(self) -> dict[str, Any]:
        """Let a worker that waits to be asked run once; its report, or nothing if it died."""
        assert self.child.stdin is not None
        assert self.child.stdout is not None
        self.child.stdin.write("run\n")
        self.child.stdin.flush()
        line = self.child.stdout.readline()
        return json.loads(line) if line else {}


class Rig:
    """Servers, and the processes that use them."""

    def __init__(self, project: Project, folder: Path, people: People) -> None:
        self.project, self.folder, self.people = project, folder, people
        self.servers = Servers(project, folder, f"attn-t-{name_of(folder)}")
        self.postgres, self.live = self.servers.postgres, self.servers.live
        self.cache = self.servers.cache
        self._children: list[subprocess.Popen[Any]] = []
        self._settler = contextlib.ExitStack()
        self._asked: Worker | None = None
        self.returns: list[tuple[float, float]] = []
        """When a copy of the live store was taken, and when it had come back (monotonic)."""

    def start(self) -> None:
        for server in self.servers.all:
            server.start()

    def heal(self) -> None:
        """Let every server run again, as it was set at first."""
        for server in self.servers.all:
            server.resume()
            if server.settings_on_top:
                server.stop()
                server.settings_on_top = ()
            server.start()

    def empty(self) -> None:
        """Forget every lesson, in both stores; people and their tokens stay."""
        self.redis().flushall()
        with self.sql() as connection:
            names = connection.execute(
                "SELECT string_agg(format('%I', tablename), ', ') FROM pg_tables"
                " WHERE schemaname = 'public' AND tablename LIKE 'attendance%'"
            ).fetchone()
            assert names
            connection.execute(f"TRUNCATE {names[0]} RESTART IDENTITY CASCADE")

    def environment(self, **changes: str) -> dict[str, str]:
        """What a process of this rig finds; `changes` may wrap addresses."""
        ours = {
            **self.servers.urls,
            "DJANGO_SETTINGS_MODULE": "attn_project.settings",
            "ATTN_HTTPS": "false",
            "ATTN_LOG_LEVEL": "WARNING",
            "ATTN_SCHEDULER": "off",
            "ATTN_PERSIST_MINUTES": "1",
            # Students of a test repeat more than people do.
            "ATTN_CHECK_INS_PER_MINUTE": "1000000",
            "ATTN_CHANGES_PER_MINUTE": "1000000",
        }
        return {**os.environ, **ours, **changes}

    @contextmanager
    def site(
        self,
        *,
        workers: int = 2,
        scheduler: bool = False,
        app: str = "attn_project.wsgi:application",
        server: str = "gunicorn",
        env: Mapping[str, str] = NOTHING,
    ) -> Iterator[Site]:
        """The site, as the launcher serves it, or under granian. `app` may be a test's own."""
        port = free_port()
        command = site_command(self.project, "127.0.0.1", port, workers=workers)[4:]
        if server == "granian":
            command = ["--interface", "wsgi", "--port", str(port), "--blocking-threads", "8"]
            command += ["--workers", str(workers), "--respawn-failed-workers"]
        command = [sys.executable, "-m", server, app, *command]
        full = {**self.environment(**env), "ATTN_SCHEDULER": "auto" if scheduler else "off"}
        log = self.folder / f"site-{port}.log"
        with log.open("wb") as out:
            child = self._spawn(command, full, stdout=out, stderr=out)
        site = Site(child, port, log)
        try:
            wait_until(lambda: listens(port) or child.poll() is not None, "a site that listens")
            assert child.poll() is None, log.read_text()
            yield site
        finally:
            self._end(child)

    @contextmanager
    def worker(self, *arguments: str, env: Mapping[str, str] = NOTHING) -> Iterator[Worker]:
        """A persisting process; `arguments` as worker.py has them."""
        command = [sys.executable, "-m", "tests.faults.worker", *arguments]
        # Nobody reads what a loop says: a full pipe would stop it.
        pipe = subprocess.PIPE if arguments == ("asked",) else None
        with (self.folder / "workers.log").open("ab") as log:
            child = self._spawn(
                command,
                self.environment(**env),
                stdin=pipe,
                stdout=pipe or log,
                stderr=log,
                text=True,
            )
        try:
            yield Worker(child)
        finally:
            self._end(child)
            for end in filter(None, (child.stdin, child.stdout)):
                with contextlib.suppress(OSError):
                    end.close()

    def persist(self) -> dict[str, Any]:
        """One run of the task, also of what is parked, in a process that is kept for it."""
        if self._asked is None or self._asked.child.poll() is not None:
            self._asked = self._settler.enter_context(self.worker("asked"))
        return self._asked.ask()

    def make_sections(self) -> dict[str, str]:
        """A section for each teacher. Returns their codes by the number of the teacher."""
        command = [sys.executable, "-m", "tests.faults.sections"]
        done = subprocess.run(
            command, env=self.environment(), cwd=ROOT, check=True, stdout=subprocess.PIPE
        )
        codes: dict[str, str] = json.loads(done.stdout)
        return codes

    def sql(self, **options: Any) -> "psycopg.Connection[tuple[Any, ...]]":
        """A connection to the rig's own database, past everything that stands between."""
        return psycopg.connect(self.postgres.url, autocommit=True, **options)

    def redis(self) -> redis.Redis:
        """A connection to the rig's own live store."""
        return redis.Redis(
            unix_socket_path=str(self.live.socket),
            socket_timeout=SECONDS,
            retry=Retry(NoBackoff(), 0),
        )

    def close(self) -> None:
        self._settler.close()
        for child in list(self._children):
            self._end(child)
        for server in self.servers.all:
            server.resume()
            server.stop()
        remove(self.servers.sockets)

    def _spawn(
        self, command: Sequence[str], env: Mapping[str, str], **options: Any
    ) -> "subprocess.Popen[Any]":
        child = subprocess.Popen(command, env=env, cwd=ROOT, start_new_session=True, **options)
        self._children.append(child)
        return child

    def _end(self, child: "subprocess.Popen[Any]") -> None:
        """End a child with all its own, also one that is stalled."""
        for number in (signal.SIGCONT, signal.SIGTERM, signal.SIGKILL):
            with contextlib.suppress(ProcessLookupError):
                os.killpg(child.pid, number)
            if number != signal.SIGCONT:
                with contextlib.suppress(subprocess.TimeoutExpired):
                    child.wait(SECONDS)
        if child in self._children:
            self._children.remove(child)


@contextmanager
def made_template() -> Iterator[Template]:
    """Make the database once: migrated, as far as the kept one is not, with people."""
    with folder_of_a_rig() as folder:
        rig = Rig(Project(), folder, People([], [], []))
        kept = KeptDatabase(Project())
        kept.give(rig.postgres)
        kept.leave()
        try:
            rig.start()
            people = _seed(rig)
        finally:
            rig.close()
        yield Template(rig.postgres.data, people)


@contextmanager
def made_rig(
    template: Template, *, folder: Path | None = None, **settings: Sequence[str]
) -> Iterator[Rig]:
    """A rig on a copy of the template, its servers running; `settings` by server."""
    with folder_of_a_rig() if folder is None else contextlib.nullcontext(folder) as where:
        rig = Rig(Project(), where, template.people)
        # It keeps owners, which shutil does not.
        subprocess.run(["cp", "-a", f"{template.data}/.", str(rig.postgres.data)], check=True)
        for server in rig.servers.all:
            server.own_settings = tuple(settings.get(server.name, ()))
        try:
            rig.start()
            yield rig
        finally:
            rig.close()


def _seed(rig: Rig) -> People:
    env = rig.environment()
    migrate = [sys.executable, "manage.py", "migrate", "--noinput", "-v", "0", "--skip-checks"]
    subprocess.run(migrate, env=env, cwd=ROOT, check=True)
    command = [sys.executable, "-m", "tests.faults.people", str(STUDENTS), str(TEACHERS)]
    done = subprocess.run(command, env=env, cwd=ROOT, check=True, stdout=subprocess.PIPE)
    told = json.loads(done.stdout)
    return People(*([Member(*each) for each in told[name]] for name in People._fields))
