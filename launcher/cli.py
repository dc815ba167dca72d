"""The command line of `./attn`."""

import argparse
import os
import signal
import sys
from collections.abc import Sequence

from launcher import commands, testing
from launcher.problem import Problem
from launcher.project import Project

INTERRUPTED, TERMINATED = 130, 143
PASSED_ON = ("test", "manage", "exec")
"""Commands that pass their arguments on to another program."""


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
            return commands.demo(project, then_exit=options.exit)
        case "serve":
            return commands.serve(project, host=options.host, port=options.port)
        case "up":
            return commands.up(project)
        case "down":
            return commands.down(project, force=options.force)
        case _:
            return commands.status(project, as_json=options.json)


def _pass_on(command: str, arguments: list[str]) -> int:
    if command == "test":
        return testing.test(Project(), arguments)
    if command == "manage":
        return commands.manage(Project(), arguments)
    if not arguments:
        raise Problem("exec needs a command, for example: ./attn exec ruff check", status=2)
    return commands.execute(Project(), arguments)


def parser() -> argparse.ArgumentParser:
    top = argparse.ArgumentParser(
        prog="attn",
        description="ATTN on this machine: sets everything up, with a real PostgreSQL and a real "
        "Valkey. DATABASE_URL, REDIS_URL and CACHE_URL replace those one by one.",
    )
    kinds = top.add_subparsers(dest="command", required=True)
    demo = kinds.add_parser("demo", help="run the main job on real input, then serve the site")
    demo.add_argument("--exit", action="store_true", help="end after the job, with its status")
    kinds.add_parser("test", help="run the tests; further arguments go to pytest")
    serve = kinds.add_parser("serve", help="serve the site until Ctrl-C")
    serve.add_argument("--host", default="127.0.0.1")
    serve.add_argument("--port", type=int, default=commands.FIRST_PORT)
    kinds.add_parser("manage", help="manage.py with the servers up; its exit status")
    kinds.add_parser("exec", help="run a command in the development environment")
    kinds.add_parser("up", help="start the servers and keep them running")
    down = kinds.add_parser("down", help="stop the servers")
    down.add_argument("--force", action="store_true", help="also while somebody uses them")
    status = kinds.add_parser("status", help="say which servers run")
    status.add_argument("--json", action="store_true", help="print one JSON object")
    return top
