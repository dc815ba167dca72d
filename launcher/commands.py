"""What each command of `./attn` does; each returns an exit status."""

import contextlib
import hashlib
import hmac
import json
import os
import secrets
import socket
from collections.abc import Callable, Iterator, Sequence

from launcher import demo_logins, environment, instance, leases
from launcher.children import in_background, run, wait
from launcher.environment import DEMO, DEV, SITE, say
from launcher.instance import Instance
from launcher.problem import USAGE, Problem
from launcher.project import OURS, Account, Project, digest, is_open_to

FIRST_PORT, PORTS = 8000, 100
WORKERS, THREADS = 2, 8
LOOPBACK = {"127.0.0.1", "localhost"}
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


def demo(project: Project, *, then_exit: bool) -> int:
    """The main job on real input, then the site until Ctrl-C."""
    environment.ensure(project, DEMO)
    with leases.leased(project, os.environ) as servers:
        port = _free_port()
        env = child_environment(project, servers)
        env["ATTN_DEMO_PASSWORD"] = secrets.token_urlsafe(9)
        env["ATTN_DEMO_ADDRESS"] = "" if then_exit else f"http://127.0.0.1:{port}"
        migrate(project, env)
        address = f"http://127.0.0.1:{port}"
        with (
            demo_logins.open_while(project, end_logins(project, env)),
            _streaming(project, env, "127.0.0.1", port + 1),
            in_background(
                project,
                site_command(project, "127.0.0.1", port),
                env,
                port=port,
                account=site_account(project),
            ) as site,
        ):
            status = run(project, manage_command(project, "demo", "--site", address), env)
            if status or then_exit:
                return status
            say(f"ATTN is at {address}/ (Ctrl-C stops it)")
            lessons = manage_command(project, "demo_lessons", "--site", address)
            with in_background(project, lessons, env):
                return wait(site)


def end_logins(project: Project, env: dict[str, str]) -> Callable[[], bool]:
    """What ends the logins of demos, and says whether it did."""
    command = manage_command(project, "demo", "--end-logins", "--skip-checks")
    return lambda: run(project, command, env) == 0


def serve(project: Project, *, host: str, port: int) -> int:
    """The site, until Ctrl-C."""
    environment.ensure(project, SITE)
    if not _is_free(host, port):
        raise Problem(f"{host}:{port} is taken: choose another with --port.", USAGE)
    with leases.leased(project, os.environ) as servers:
        env = child_environment(project, servers)
        if host not in LOOPBACK:
            env.setdefault("ATTN_ALLOWED_HOSTS", f"localhost,127.0.0.1,{host}")
        migrate(project, env)
        demo_logins.end_left(project, end_logins(project, env))
        return _serve(project, env, host, port)


def manage(project: Project, arguments: Sequence[str]) -> int:
    """manage.py with the servers up; its exit status."""
    environment.ensure(project, DEMO if "demo" in arguments[:1] else SITE)
    with leases.leased(project, os.environ) as servers:
        env = child_environment(project, servers)
        # A database of the user's own is migrated only when they ask for it.
        if "DATABASE_URL" in servers.urls and not _NEEDS_NO_TABLES & set(arguments[:1]):
            migrate(project, env)
        return run(project, manage_command(project, *arguments), env)


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
        exit_status = run(
            project,
            manage_command(project, "migrate", "--noinput", "-v", "0", "--skip-checks"),
            env,
        )
        if exit_status:
            raise Problem("The migrations failed: see above.", status=exit_status)
        if is_embedded:
            stamp.write_text(current)


def _serve(project: Project, env: dict[str, str], host: str, port: int) -> int:
    with _streaming(project, env, host, port + 1):
        say(f"ATTN is at http://{host}:{port}/ (Ctrl-C stops it)")
        account = site_account(project)
        return run(project, site_command(project, host, port), env, account=account)


@contextlib.contextmanager
def _streaming(project: Project, env: dict[str, str], host: str, first: int) -> Iterator[None]:
    """The event stream on a port of its own; without a free port, boards poll.

    It is not started for other machines: their address for it is not known here.
    """
    ports = (port for port in range(first, first + PORTS) if _is_free(host, port))
    port = next(ports, None)
    if port is None or host not in LOOPBACK or env.get("ATTN_STREAM_URL"):
        yield
        return
    env["ATTN_STREAM_URL"] = f"http://{host}:{port}/stream/"
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
    say("The site runs as root: other accounts cannot read its files or its Python.")
    return OURS


def stream_command(project: Project, host: str, port: int) -> list[str]:
    """The event stream, as production would serve it."""
    return [
        *(str(environment.python(project)), "-m", "granian", "--interface", "asgi"),
        *("--host", host, "--port", str(port), "--no-log", "attendance.stream.app:application"),
        # A stream has no end of its own to wait for.
        *("--workers-kill-timeout", "2"),
    ]


def site_command(project: Project, host: str, port: int, *, workers: int = WORKERS) -> list[str]:
    """The site, as production would serve it."""
    return [
        *(str(environment.python(project)), "-m", "gunicorn", "attn_project.wsgi:application"),
        *("--bind", f"{host}:{port}", "--worker-class", "gthread"),
        *("--workers", str(workers), "--threads", str(THREADS), "--log-level", "warning"),
        "--no-control-socket",
    ]


def _is_free(host: str, port: int) -> bool:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError:
            return False
    return True


def _free_port() -> int:
    for port in range(FIRST_PORT, FIRST_PORT + PORTS):
        if _is_free("127.0.0.1", port):
            return port
    raise Problem(f"Every port from {FIRST_PORT} to {FIRST_PORT + PORTS - 1} is taken.")
