"""What each command of `./attn` does; each returns an exit status."""

import contextlib
import functools
import hashlib
import hmac
import json
import os
import secrets
import subprocess
from collections.abc import Callable, Iterator, Sequence

from launcher import demo_logins, environment, instance, leases, network
from launcher.addresses import address_for_people, call_site, say_where
from launcher.children import in_background, run, wait
from launcher.environment import DEMO, DEV, PARQUET, SITE
from launcher.instance import Instance
from launcher.problem import Problem
from launcher.progress import say, stage
from launcher.project import OURS, Account, Project, digest, is_open_to

WORKERS, THREADS = 2, 8
STREAM_LABEL = b"attn.stream"
"""As users/derived_keys.py has it, which cannot be imported before Django is installed."""
OF_THE_SITE = {
    "ATTN_DEMO_PASSWORD",
    "ATTN_OIDC_CLIENT_SECRET",
    "ATTN_SECRET_KEY",
    "ATTN_SECRET_KEY_FALLBACKS",
    "ATTN_VERIFIER_SECRET",
    "CACHE_URL",
    "DATABASE_URL",
}
"""Secrets that the event stream does not need."""
_NEEDS_NO_TABLES = {"makemigrations", "migrate", "check", "help", "--help", "--version", "version"}


def demo(
    project: Project, *, then_exit: bool, again: bool, host: str, port: int | None = None
) -> int:
    """The main job on real input, where it has not been shown yet; then the site until Ctrl-C."""
    port = _port_of_demo(host, port)
    environment.ensure(project, DEMO)
    with leases.leased(project, os.environ) as servers:
        env = child_environment(project, servers)
        call_site(env, host, port)
        env["ATTN_DEMO_PASSWORD"] = secrets.token_urlsafe(9)
        env["ATTN_DEMO_ADDRESS"] = "" if then_exit else address_for_people(host, port)
        migrate(project, env)
        address = f"http://{network.at(network.reached_at(host), port)}"
        with (
            demo_logins.open_while(project, end_logins(project, env)),
            _streaming(project, env, host, port + 1),
            _site(project, env, host, port) as site,
        ):
            once = () if then_exit or again else ("--once",)
            status = run(project, manage_command(project, "demo", "--site", address, *once), env)
            if status or then_exit:
                return status
            say_where(project, host, port)
            lessons = manage_command(project, "demo_lessons", "--site", address)
            with in_background(project, lessons, env):
                return wait(site)


def _port_of_demo(host: str, port: int | None) -> int:
    if port is not None:
        network.check_is_free(host, port)
        return port
    free = network.free_port(host)
    if free is None:
        last = network.FIRST_PORT + network.PORTS - 1
        raise Problem(f"Every port from {network.FIRST_PORT} to {last} is taken: use --port.")
    return free


def end_logins(project: Project, env: dict[str, str]) -> Callable[[], bool]:
    """What ends the logins of demos, and says whether it did."""
    command = manage_command(project, "demo", "--end-logins", "--skip-checks")
    return lambda: run(project, command, env) == 0


def serve(project: Project, *, host: str, port: int) -> int:
    """The site, until Ctrl-C; on an empty database with a link to the page that sets it up."""
    network.check_is_free(host, port)
    environment.ensure(project, SITE)
    with leases.leased(project, os.environ) as servers:
        env = child_environment(project, servers)
        call_site(env, host, port)
        migrate(project, env)
        demo_logins.end_left(project, end_logins(project, env))
        with _streaming(project, env, host, port + 1), _site(project, env, host, port) as site:
            say_where(project, host, port)
            run(project, manage_command(project, *link_arguments(host, port)), env)
            return wait(site)


def link_arguments(host: str, port: int) -> tuple[str, ...]:
    """Of manage.py: the link to the page that sets an empty site up, or nothing."""
    return ("setup_link", "--if-needed", "--site", address_for_people(host, port))


def manage(project: Project, arguments: Sequence[str]) -> int:
    """manage.py with the servers up; its exit status."""
    environment.ensure(project, lock_for(arguments))
    with leases.leased(project, os.environ) as servers:
        env = child_environment(project, servers)
        # A database of the user's own is migrated only when they ask for it.
        if "DATABASE_URL" in servers.urls and not _NEEDS_NO_TABLES & set(arguments[:1]):
            migrate(project, env)
        return run(project, manage_command(project, *arguments), env)


def lock_for(arguments: Sequence[str]) -> str:
    """The lock with what manage.py needs for these arguments."""
    if "demo" in arguments[:1]:
        return DEMO
    wants_parquet = {"parquet", "--format=parquet"} & set(arguments[1:])
    return PARQUET if "export_data" in arguments[:1] and wants_parquet else SITE


def execute(project: Project, command: Sequence[str]) -> int:
    """A command in the development environment, without servers: for checks and documents."""
    environment.ensure(project, DEV)
    env = child_environment(project, None)
    for name, url in (
        ("DATABASE_URL", "postgresql://attn@localhost/attn"),
        ("REDIS_URL", "redis://localhost:6379/0"),
        ("CACHE_URL", "redis://localhost:6380/0"),
    ):
        env.setdefault(name, url)
    return run(project, list(command), env)


def up(project: Project) -> int:
    environment.ensure(project, SITE)
    leases.keep(project, os.environ)
    return 0


def down(project: Project, *, force: bool) -> int:
    # Without an environment nothing was ever started.
    if environment.python(project).exists():
        leases.release(project, force=force)
    return 0


def status(project: Project, *, as_json: bool) -> int:
    """Which servers run, and whether somebody uses them."""
    if not environment.python(project).exists():
        running: dict[str, int | None] = dict.fromkeys(instance.VARIABLES)
    else:
        running = dict.fromkeys(instance.VARIABLES) | leases.look(project, os.environ)
    report = {
        "servers": {
            name: {"pid": pid, "embedded": not os.environ.get(instance.VARIABLES[name])}
            for name, pid in running.items()
        },
        "in_use": leases.is_leased(project),
        "kept": (project.state / leases.KEEP).exists(),
    }
    if as_json:
        print(json.dumps(report))
        return 0
    for name, pid in running.items():
        print(f"{name:10}{f'running, process {pid}' if pid else 'not running here'}")
    return 0


def child_environment(project: Project, servers: Instance | None) -> dict[str, str]:
    """The environment of the site: what the user has set is left as it is."""
    env = dict(os.environ)
    env.update(servers.urls if servers else {})
    env["PATH"] = f"{project.state / 'venv' / 'bin'}{os.pathsep}{env.get('PATH', os.defpath)}"
    env["DJANGO_SETTINGS_MODULE"] = "attn_project.settings"
    if not env.get("ATTN_SECRET_KEY"):
        env["ATTN_SECRET_KEY"] = project.secret()
    # No proxy speaks TLS before a site that this command serves.
    env.setdefault("ATTN_HTTPS", "false")
    return env


def manage_command(project: Project, *arguments: str) -> list[str]:
    return [str(environment.python(project)), str(project.root / "manage.py"), *arguments]


def migrate(project: Project, env: dict[str, str]) -> None:
    """Run migrations, one launcher at a time; skipped where the same ones were applied here."""
    files = sorted(project.root.glob("*/migrations/0*.py"))
    lock = (project.root / SITE).read_text()
    current = digest("".join(file.read_text() for file in files) + lock + env["DATABASE_URL"])
    stamp = project.home / "postgres" / "attn-migrated"
    is_embedded = not os.environ.get("DATABASE_URL")
    with project.lock("migrate.lock"):
        if is_embedded and stamp.exists() and stamp.read_text() == current:
            return
        command = manage_command(project, "migrate", "--noinput", "-v", "0", "--skip-checks")
        with stage("Preparing the database"):
            exit_status = run(project, command, env)
        if exit_status:
            raise Problem("The migrations failed: see above.", status=exit_status)
        if is_embedded:
            stamp.write_text(current)


def _site(
    project: Project, env: dict[str, str], host: str, port: int
) -> "contextlib.AbstractContextManager[subprocess.Popen[bytes]]":
    """The site, once it listens."""
    return in_background(
        project,
        site_command(project, host, port),
        env,
        port=port,
        host=network.reached_at(host),
        account=site_account(project),
    )


@contextlib.contextmanager
def _streaming(project: Project, env: dict[str, str], host: str, first: int) -> Iterator[None]:
    """The event stream on a port of its own; without a free port, boards poll.

    It is not started for other machines: their address for it is not known here.
    """
    is_wanted = host in network.LOOPBACK and not env.get("ATTN_STREAM_URL")
    port = network.free_port(host, first) if is_wanted else None
    if port is None:
        yield
        return
    env["ATTN_STREAM_URL"] = f"http://{network.at(host, port)}/stream/"
    # Nothing waits for it to listen: the site works without it.
    command = stream_command(project, host, port)
    with in_background(project, command, stream_environment(env), account=site_account(project)):
        yield


def stream_environment(env: dict[str, str]) -> dict[str, str]:
    """What the event stream is given: the keys of its tickets, and no secret of the site."""
    signing = [env["ATTN_SECRET_KEY"], *env.get("ATTN_SECRET_KEY_FALLBACKS", "").split(",")]
    keys = [
        hmac.new(secret.encode(), STREAM_LABEL, hashlib.sha256).hexdigest()
        for secret in signing
        if secret
    ]
    kept = {name: value for name, value in env.items() if name not in OF_THE_SITE}
    return {**kept, "ATTN_STREAM_KEY": ",".join(keys)}


def site_account(project: Project) -> Account:
    """Who runs the site: never root, where another account can read what it is made of."""
    read = (environment.python(project), project.root)
    if all(is_open_to(project.account, path.resolve()) for path in read):
        return project.account
    _say_root()
    return OURS


@functools.cache
def _say_root() -> None:
    say("The site runs as root: other accounts cannot read its files or its Python.")


def stream_command(project: Project, host: str, port: int) -> list[str]:
    """The event stream, as production would serve it."""
    return [
        *(str(environment.python(project)), "-m", "granian", "--interface", "asgi"),
        # It takes no name.
        *("--host", "127.0.0.1" if host == "localhost" else host, "--port", str(port)),
        *("--no-log", "attendance.stream.app:application"),
        # A stream has no end of its own to wait for.
        *("--workers-kill-timeout", "2"),
    ]


def site_command(project: Project, host: str, port: int, *, workers: int = WORKERS) -> list[str]:
    """The site, as production would serve it."""
    return [
        *(str(environment.python(project)), "-m", "gunicorn", "attn_project.wsgi:application"),
        *("--bind", network.at(host, port), "--worker-class", "gthread"),
        *("--workers", str(workers), "--threads", str(THREADS), "--log-level", "warning"),
        "--no-control-socket",
    ]
