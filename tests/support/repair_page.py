"""The commands of docs/how-to/repair.md, and running them as somebody at a shell would."""

import os
import re
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

import psycopg
from django.conf import settings
from django.db import connection

from tests.support.processes import environment

PAGE = Path(settings.BASE_DIR) / "docs" / "how-to" / "repair.md"
_FENCE = re.compile(r"^( *)```(\w+)\n(.*?)^\1```$", re.MULTILINE | re.DOTALL)
_VALKEY_CLI = """#!{python}
import os, sys, redis
words = sys.argv[1:]
store = redis.Redis.from_url(os.environ["REDIS_URL"])
if words[0] == "--scan":
    found = store.scan_iter(match=words[2])
elif words[0] == "-x":
    found = [store.execute_command(*words[1:], sys.stdin.buffer.read())]
else:
    found = [store.execute_command(*words)]
for each in found:
    print(each.decode() if isinstance(each, bytes) else each)
"""


class Block(NamedTuple):
    """One fenced block of commands."""

    section: str
    number: int
    """Of its section."""
    language: str
    text: str

    @property
    def name(self) -> str:
        return f"{self.section} {self.number}"


def blocks() -> list[Block]:
    """Every block of the page, by its section; the text before the first one is "how"."""
    found = []
    for part in re.split(r"^## ", PAGE.read_text(), flags=re.MULTILINE):
        title = "how" if part.startswith("# ") else part.partition("\n")[0]
        fences = enumerate(_FENCE.findall(part), 1)
        found += [Block(title, n, language, text) for n, (_, language, text) in fences]
    return found


def run(block: Block, folder: Path, values: Mapping[str, str]) -> str:
    """Run a block with its placeholders filled in; returns what it printed.

    `./attn manage` is manage.py on the test's own servers, and so is the client of the live store.
    """
    text = block.text
    for name, value in values.items():
        text = text.replace(f"<{name}>", value)
    assert "<" not in re.sub(r" < \S+", "", text), f"{block.name} has an unknown placeholder"
    if block.language == "sql":
        return _run_sql(text)
    _write(folder / "valkey-cli", _VALKEY_CLI.replace("{python}", sys.executable))
    manage = f'#!/bin/sh\nshift\ncd "{settings.BASE_DIR}"\nexec "{sys.executable}" manage.py "$@"\n'
    _write(folder / "attn", manage)
    done = subprocess.run(
        ["bash", "-c", f"set -o pipefail\n{text}"],
        cwd=folder,
        env=environment(PATH=f"{folder}:{os.environ['PATH']}"),
        capture_output=True,
        text=True,
        timeout=240,
        check=False,
    )
    assert "Traceback" not in done.stderr, done.stderr
    assert "rror:" not in done.stderr, done.stderr
    return done.stdout + done.stderr


def _write(path: Path, text: str) -> None:
    path.write_text(text)
    path.chmod(0o755)


def _run_sql(text: str) -> str:
    """As the owner of the database; the page calls account and database `attn`."""
    at = connection.get_connection_params()
    text = text.replace("ROLE attn", "ROLE current_user").replace(
        "DATABASE attn", f'DATABASE "{at["dbname"]}"'
    )
    with own_connection() as own:
        for statement in filter(str.strip, text.split(";")):
            own.execute(statement.strip().encode())
    return ""


def own_connection() -> "psycopg.Connection[tuple[object, ...]]":
    """A connection with the defaults of the account, as another program opens it."""
    at = connection.get_connection_params()
    return psycopg.connect(
        host=at["host"], user=at["user"], dbname=at["dbname"], autocommit=True, port=at.get("port")
    )
