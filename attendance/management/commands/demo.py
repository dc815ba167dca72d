"""manage.py demo: the main job on real input, counted afterwards."""

import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from time import monotonic
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser
from rich.console import Console
from rich.progress import Progress
from rich.table import Table

from attendance.management.demo import people, proof, rivals, teaching
from attendance.management.demo.proof import Proof
from attendance.services.persistence import unified_persistence_task
from users.backends import DEMO_STAFF_NUMBER


class Command(BaseCommand):
    help = (
        "Four lessons with 600 students: check-ins from many threads, corrections, damaged "
        "payloads, two persistence tasks at once, one of them killed; then everything is counted. "
        "Exit status: 0 captured = stored everywhere, 1 a count is off."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--json", action="store_true", help="print one JSON object")

    def handle(self, *args: Any, **options: Any) -> None:
        self._said: dict[str, Any] = {}
        self._is_quiet = options["json"]
        proofs = self._run()
        if options["json"]:
            rows = [row._asdict() | {"agrees": row.agrees} for row in proofs]
            self.stdout.write(json.dumps(self._said | {"lessons": rows}, default=str))
        else:
            self._table(proofs)
        wrong = [f"{row.lesson_name}: {text}" for row in proofs for text in row.wrong]
        if not all(row.agrees for row in proofs):
            raise CommandError("Captured and stored differ. " + "; ".join(wrong[:10]))
        if not options["json"]:
            self._invite()

    def _run(self) -> list[Proof]:
        cast = people.make_cast()
        started = monotonic()
        with _bar(len(cast.students) * 6 // 5) as advance:
            lessons = teaching.teach(cast, advance)
        captured = proof.captured_counts(lessons)
        arrivals = sum(len(taught.acknowledged) for taught in lessons)
        repeated = sum(taught.repeated for taught in lessons)
        self._say(
            "taught",
            f"{arrivals} check-ins by {len(cast.students)} students in "
            f"{monotonic() - started:.1f} s, {repeated} of them repeats.",
        )
        ids = [taught.lesson_id for taught in lessons]
        started = monotonic()
        said = rivals.run_rivals(ids)
        self._say(
            "rivals",
            "Two persistence tasks at once: one was killed before its commit; the other one's "
            f"lessons: {said} ({monotonic() - started:.1f} s).",
        )
        report = unified_persistence_task(lesson_ids=ids)
        self._say("last_run", f"The next run completed the rest in {report.seconds:.2f} s.")
        teaching.correct_afterwards(lessons[0])
        return proof.prove(lessons, captured)

    def _say(self, key: str, line: str) -> None:
        self._said[key] = line
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
        with console.capture() as drawn:
            console.print(table)
        self.stdout.write(drawn.get(), ending="")

    def _invite(self) -> None:
        address = os.environ.get("ATTN_DEMO_ADDRESS", "")
        if not address:
            return
        people.ensure_demo_staff()
        self.stdout.write(f"The admin is at {address}/admin/")
        if settings.DEMO_PASSWORD:
            self.stdout.write(
                f"Sign in as {DEMO_STAFF_NUMBER} with {settings.DEMO_PASSWORD} "
                "(works only while this demo runs)."
            )


@contextmanager
def _bar(total: int) -> Iterator[Any]:
    """A progress bar on stderr, only where that is a terminal."""
    console = Console(stderr=True)
    with Progress(console=console, disable=not console.is_terminal) as bar:
        task = bar.add_task("checking in", total=total)
        yield lambda count: bar.advance(task, count)
