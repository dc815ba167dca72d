"""manage.py work: send what waits, beside the threads of the site or in their place."""

import json
import signal
import threading
from collections import Counter
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import close_old_connections

from jobs import draining
from jobs.draining import JobOutcome
from users.management.examples import WithExamples

PAUSE_SECONDS = 1.0


class Command(WithExamples, BaseCommand):
    help = (
        "Run the jobs that are due, such as mail, until it is told to end: SIGTERM and Ctrl-C end "
        "it after the job that is under way. Any number of these may run at once. Exit status: "
        "0 ended as it was told, 1 with --once where a job was given up."
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
        stopping = threading.Event()
        _end_by_signal(stopping)
        counts: Counter[JobOutcome] = Counter()
        while not stopping.is_set():
            counts.update(draining.drain(should_stop=stopping.is_set))
            if options["once"]:
                break
            stopping.wait(PAUSE_SECONDS)
            close_old_connections()
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


def _end_by_signal(stopping: threading.Event) -> None:
    # Only the main thread may; a test that calls the command from another one ends it by --once.
    if threading.current_thread() is threading.main_thread():
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, lambda *_: stopping.set())
