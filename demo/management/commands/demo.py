"""manage.py demo: the main job on real input, counted afterwards."""

import json
import os
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from time import monotonic
from typing import Any
from uuid import UUID

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import OperationalError
from rich.console import Console
from rich.progress import Progress
from rich.table import Table

from attendance.errors import AttendanceError
from attendance.models import LessonLedger
from attendance.services.persistence import unified_persistence_task
from attendance.vocabulary import LessonState
from demo import people, proof, rivals, site, teaching
from demo.proof import Proof
from demo.teaching import Stage
from users.backends import DEMO_STAFF_NUMBER

SECONDS_TO_COMPLETE = 30
PAUSE_SECONDS = 0.2
MISMATCHES_SHOWN = 10


class Command(BaseCommand):
    help = (
        "Four lessons with 600 students: check-ins over HTTP from many threads, corrections, "
        "damaged payloads, two persistence tasks at once, one of them killed; then everything is "
        "counted. "
        "Exit status: 0 captured = stored everywhere, 1 a count is off or a server is not there."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--json", action="store_true", help="print one JSON object")
        parser.add_argument(
            "--site", default="", help="address of the site to use; without it, one is started"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        self._figures: dict[str, Any] = {}
        self._is_quiet = options["json"]
        self._replace_what_cannot_be_shown()
        try:
            with site.served(options["site"]) as stage:
                proofs = self._run(stage)
        except AttendanceError as error:
            raise CommandError(error.detail) from error
        except OperationalError as error:
            raise CommandError(
                f"PostgreSQL does not answer any more ({error}). Start it and run the demo again."
            ) from error
        if options["json"]:
            rows = [row._asdict() | {"agrees": row.agrees} for row in proofs]
            self.stdout.write(json.dumps(self._figures | {"lessons": rows}, default=str))
        else:
            self._table(proofs)
        _check(proofs)
        if not options["json"]:
            self._invite()

    def _replace_what_cannot_be_shown(self) -> None:
        # Names are in several alphabets; a terminal may be able to show only one.
        reconfigure = getattr(self.stdout, "reconfigure", None)
        if reconfigure:
            reconfigure(errors="replace")

    def _run(self, where: site.SiteApi) -> list[Proof]:
        cast = people.make_cast()
        started = monotonic()
        with _bar(len(cast.students) * 6 // 5) as advance:
            lessons = teaching.teach(Stage(where, cast, advance))
        seconds = monotonic() - started
        check_ins = [check_in for taught in lessons for check_in in taught.acknowledged]
        repeats = sum(check_in.is_repeated for check_in in check_ins)
        self._tell(
            f"{len(check_ins)} check-ins by {len(cast.students)} students in {seconds:.1f} s, "
            f"{repeats} of them repeats, over HTTP.",
            check_ins=len(check_ins),
            students=len(cast.students),
            repeats=repeats,
            check_in_seconds=seconds,
        )
        ids = [taught.lesson_id for taught in lessons]
        self._persist_by_two(ids)
        seconds = _complete(ids)
        self._tell(f"The next run completed the rest in {seconds:.2f} s.", last_seconds=seconds)
        teaching.correct_afterwards(lessons[0])
        return proof.prove(lessons)

    def _persist_by_two(self, ids: Sequence[UUID]) -> None:
        started = monotonic()
        rivalry = rivals.run_rivals(ids)
        seconds = monotonic() - started
        fate = "was killed before its commit" if rivalry.is_killed else "found nothing to do"
        self._tell(
            f"Two persistence tasks at once: one {fate}; the other one's lessons: "
            f"{rivalry.survivor_said} ({seconds:.1f} s).",
            is_killed=rivalry.is_killed,
            survivor=rivalry.survivor_said,
            rivals_seconds=seconds,
        )

    def _tell(self, line: str, **figures: Any) -> None:
        self._figures |= figures
        if not self._is_quiet:
            self.stdout.write(line)

    def _table(self, proofs: list[Proof]) -> None:
        table = Table()
        for name in ("lesson", "teacher"):
            table.add_column(name)
        for name in ("captured", "persisted", "quarantined"):
            table.add_column(name, justify="right")
        table.add_column("captured = stored")
        for row in proofs:
            counts = (str(row.captured), str(row.persisted), str(row.quarantined))
            agrees = "yes" if row.agrees else "NO"
            table.add_row(row.lesson_name, row.teacher_name, *counts, agrees)
        console = Console(width=None if self.stdout.isatty() else 100)
        with console.capture() as capture:
            console.print(table)
        self.stdout.write(capture.get(), ending="")

    def _invite(self) -> None:
        address = os.environ.get("ATTN_DEMO_ADDRESS", "")
        if not address:
            self.stdout.write("To see it in the admin, run ./attn demo: it serves the site.")
            return
        self.stdout.write(f"Lessons and operations are at {address}/")
        self.stdout.write(f"The admin is at {address}/admin/")
        if settings.DEMO_PASSWORD:
            people.ensure_demo_staff()
            self.stdout.write(
                f"Sign in as {DEMO_STAFF_NUMBER} with {settings.DEMO_PASSWORD} "
                "(works only while this demo runs)."
            )


def _complete(ids: Sequence[UUID]) -> float:
    """Persist until these lessons are only in PostgreSQL; returns the seconds it took.

    A task of a served site may hold one of them for a moment.
    """
    started = monotonic()
    unfinished = LessonLedger.objects.filter(pk__in=ids).exclude(state=LessonState.DISCARDED)
    while True:
        unified_persistence_task(lesson_ids=ids)
        seconds = monotonic() - started
        if seconds > SECONDS_TO_COMPLETE or not unfinished.exists():
            return seconds
        time.sleep(PAUSE_SECONDS)


def _check(proofs: Sequence[Proof]) -> None:
    wrong = []
    for row in proofs:
        stored = row.persisted + row.quarantined
        if row.captured != stored:
            wrong.append(f"{row.lesson_name}: {row.captured} captured, {stored} stored")
        wrong += [f"{row.lesson_name}: {text}" for text in row.wrong]
    if wrong:
        raise CommandError("Captured and stored differ. " + "; ".join(wrong[:MISMATCHES_SHOWN]))


@contextmanager
def _bar(total: int) -> Iterator[Any]:
    """A progress bar on stderr, only where that is a terminal."""
    console = Console(stderr=True)
    with Progress(console=console, disable=not console.is_terminal) as bar:
        task = bar.add_task("checking in", total=total)
        yield lambda count: bar.advance(task, count)
