"""manage.py work: send what waits, beside the threads of the site or in their place."""

import json
import signal
import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import InterfaceError, OperationalError
from django.utils import timezone

from jobs import draining, keeping
from jobs.draining import JobOutcome
from users.management.examples import WithExamples

PAUSE_SECONDS = 1.0
UNAVAILABLE = 75


class Command(WithExamples, BaseCommand):
    help = (
        "Run the jobs that are due, such as mail and webhooks, until it is told to end: SIGTERM "
        "and Ctrl-C end it after the job that is under way. Any number of these may run at once. "
        "Exit status: 0 ended as it was told, 1 with --once where a job was given up, 75 "
        "PostgreSQL cannot be reached."
    )
    examples = (
        "./attn manage work",
        "./attn manage work --once --json",
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--once", action="store_true", help="end when nothing is due")
        parser.add_argument(
            "--json", action="store_true", help="say at the end how many ended how, as JSON"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        counts: Counter[JobOutcome] = Counter()
        with _told_to_end() as ending:
            try:
                keeping.remove_old(now=timezone.now())
                while not ending.is_set():
                    counts.update(draining.drain(should_stop=ending.is_set))
                    if options["once"]:
                        break
                    ending.wait(PAUSE_SECONDS)
            except (InterfaceError, OperationalError) as error:
                # Whoever keeps the command running starts it again.
                raise CommandError(
                    f"PostgreSQL cannot be reached: {error}", returncode=UNAVAILABLE
                ) from error
        self._say(counts, as_json=options["json"])
        if options["once"] and counts[JobOutcome.GIVEN_UP]:
            raise CommandError("Some jobs were given up: the admin lists them.")

    def _say(self, counts: "Counter[JobOutcome]", *, as_json: bool) -> None:
        told = {outcome.value: counts[outcome] for outcome in JobOutcome}
        if as_json:
            self.stdout.write(json.dumps(told))
        else:
            words = (f"{n} {name.replace('_', ' ')}" for name, n in told.items())
            self.stdout.write(", ".join(words))


@contextmanager
def _told_to_end() -> Iterator[threading.Event]:
    """Set by SIGTERM and Ctrl-C meanwhile."""
    ending = threading.Event()
    numbers = (signal.SIGTERM, signal.SIGINT)
    before = [signal.signal(number, lambda *_: ending.set()) for number in numbers]
    try:
        yield ending
    finally:
        for number, handler in zip(numbers, before, strict=True):
            signal.signal(number, handler)
