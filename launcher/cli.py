"""The command line of `./attn`."""

import argparse
import os
import signal
import sys
from collections.abc import Sequence
from typing import Any, NoReturn

from launcher import commands, network, testing
from launcher.problem import USAGE, Problem
from launcher.project import Project

INTERRUPTED, TERMINATED = 130, 143
PASSED_ON = ("test", "manage", "exec")
"""Commands that pass their arguments on to another program."""
ANY_HOST = "0.0.0.0"  # noqa: S104 - what --lan asks for
COMMANDS: dict[str, tuple[str, tuple[str, ...]]] = {
    "demo": (
        "run the main job on real input, then serve the site with three logins and a live lesson",
        ("./attn demo", "./attn demo --lan", "./attn demo --exit"),
    ),
    "test": (
        "run the tests; further arguments go to pytest",
        ("./attn test", "./attn test --all", "./attn test tests/unit -k names"),
    ),
    "serve": (
        "serve the site until Ctrl-C; an empty one begins with a link to its set-up page",
        ("./attn serve", "./attn serve --lan", "./attn serve --host 192.168.1.5 --port 8080"),
    ),
    "manage": (
        "manage.py with the servers up; its exit status",
        (
            "./attn manage persist_attendance --dry-run",
            "./attn manage import_users people.csv",
            "./attn manage import_users --help",
        ),
    ),
    "exec": (
        "run a command in the development environment, without servers",
        ("./attn exec ruff check .", "./attn exec python -V"),
    ),
    "up": ("start the servers and keep them running", ("./attn up",)),
    "down": ("stop the servers", ("./attn down", "./attn down --force")),
    "status": ("say which servers run", ("./attn status", "./attn status --json")),
}
"""Each with the line that says what it does, and examples."""


def main(arguments: Sequence[str]) -> int:
    """Run one command and return its exit status."""
    # The servers' account must be able to read their programs.
    os.umask(0o022)
    signal.signal(signal.SIGTERM, _terminate)
    signal.signal(signal.SIGHUP, _terminate)
    try:
        return _run(list(arguments))
    except Problem as problem:
        print(f"attn: {problem}", file=sys.stderr)
        return problem.status
    except KeyboardInterrupt:
        return INTERRUPTED


def _terminate(number: int, frame: object) -> None:
    # An exception, so that `finally` blocks stop whatever was started.
    raise SystemExit(TERMINATED)


def _run(arguments: list[str]) -> int:
    if arguments[:1] and arguments[0] in PASSED_ON:
        return _pass_on(arguments[0], arguments[1:])
    options = parser().parse_args(arguments)
    project = Project()
    match options.command:
        case "demo":
            port = options.port
            host, again = _host(options), options.again
            return commands.demo(project, then_exit=options.exit, again=again, host=host, port=port)
        case "serve":
            return commands.serve(project, host=_host(options), port=options.port)
        case "up":
            return commands.up(project)
        case "down":
            return commands.down(project, force=options.force)
        case _:
            return commands.status(project, as_json=options.json)


def _host(options: argparse.Namespace) -> str:
    return ANY_HOST if options.lan else str(options.host)


def _pass_on(command: str, arguments: list[str]) -> int:
    if arguments in (["-h"], ["--help"]) and command != "manage":
        parser().parse_args([command, "--help"])
    if command == "test":
        return testing.test(Project(), arguments)
    if command == "manage":
        return commands.manage(Project(), arguments)
    if not arguments:
        raise Problem("exec needs a command, for example: ./attn exec ruff check", status=2)
    return commands.execute(Project(), arguments)


class _Parser(argparse.ArgumentParser):
    """One line for a wrong argument; whoever wants more is told how to get it."""

    def error(self, message: str) -> NoReturn:
        raise Problem(f"{message.rstrip('.')}. See: ./{self.prog} --help", USAGE)


def parser() -> argparse.ArgumentParser:
    top = _parser(
        "attn",
        "ATTN on this machine: sets everything up, with a real PostgreSQL and a real "
        "Valkey. DATABASE_URL, REDIS_URL and CACHE_URL replace those one by one.",
        "./attn demo",
        "./attn serve --lan",
        "./attn serve --help",
    )
    kinds = top.add_subparsers(
        dest="command", required=True, metavar="COMMAND", parser_class=_Parser
    )
    for name, (line, examples) in COMMANDS.items():
        _add(kinds, name, line, examples)
    return top


def _parser(name: str, line: str, *examples: str) -> _Parser:
    return _Parser(prog=name, description=line, **_with_examples(examples))


def _with_examples(examples: Sequence[str]) -> dict[str, Any]:
    text = "\n".join(f"  {example}" for example in examples)
    kind = argparse.RawDescriptionHelpFormatter
    return {"epilog": f"examples:\n{text}", "formatter_class": kind}


def _add(kinds: Any, name: str, line: str, examples: Sequence[str]) -> None:
    one = kinds.add_parser(name, help=line, description=line, **_with_examples(examples))
    match name:
        case "demo":
            one.add_argument(
                "--exit", action="store_true", help="end after the job, with its status"
            )
            one.add_argument(
                "--again",
                action="store_true",
                help="play and count the lessons also where they are",
            )
            _add_where(one, default=None, said="the first free one from 8000 on")
        case "serve":
            _add_where(one, default=network.FIRST_PORT, said="8000")
        case "down":
            one.add_argument("--force", action="store_true", help="also while somebody uses them")
        case "status":
            one.add_argument("--json", action="store_true", help="print one JSON object")


def _add_where(one: argparse.ArgumentParser, *, default: int | None, said: str) -> None:
    where = one.add_mutually_exclusive_group()
    where.add_argument(
        "--host", default="127.0.0.1", help="address to listen at (default: this machine alone)"
    )
    where.add_argument(
        "--lan",
        action="store_true",
        help="serve the local network as well, and show its addresses and a code for phones",
    )
    one.add_argument(
        "--port", type=network.port_of, default=default, help=f"port to listen at (default: {said})"
    )
