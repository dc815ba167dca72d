"""Kinds of jobs for tests, found by the name of this module also in a process of its own."""

import time
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

from django.db import connection

from jobs import mail
from jobs.errors import Later, NeverSucceeds
from jobs.mail import Letter
from jobs.tasks import task

RETRIES = (timedelta(minutes=1), timedelta(minutes=10))
called: list[int] = []
meanwhile: list[Callable[[], None]] = []
"""What happens while the next call is under way."""


@task(retries=RETRIES)
def note(*, number: int) -> None:
    assert not connection.in_atomic_block
    called.append(number)
    while meanwhile:
        meanwhile.pop()()


@task(retries=RETRIES)
def fails(*, how: str) -> None:
    if how == "later":
        raise Later("come back")
    if how == "never":
        raise NeverSucceeds("not like this")
    raise ValueError("ayse@school.example has no such thing")


@task(retries=RETRIES)
def write_line(*, path: str, number: int, seconds: float = 0) -> None:
    _append(path, f"{number} begins\n")
    time.sleep(seconds)
    _append(path, f"{number} ends\n")


@task(retries=RETRIES)
def send_letter(*, to: str) -> None:
    mail.send(Letter(to, "A subject without names", "Text.\n.\nMore.", "<p>Text.</p>"))


def not_a_task(*, number: int) -> None:
    called.append(number)


def _append(path: str, line: str) -> None:
    with Path(path).open("a") as file:
        file.write(line)
