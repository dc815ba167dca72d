"""manage.py persist_attendance: the unified persistence task, by hand."""

import json
import signal
import sys
import threading
from argparse import ArgumentTypeError
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from django.core.management.base import BaseCommand, CommandParser
from django.utils import timezone
from django.utils.translation import gettext, gettext_lazy
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from attendance.management.arguments import lesson_id
from attendance.models import LessonLedger
from attendance.services import alarms
from attendance.services.persistence import Observer, unified_persistence_task
from attendance.services.persistence.candidates import CHUNK_RECORDS, RunOptions
from attendance.services.persistence.report import (
    TROUBLE,
    LessonReport,
    Outcome,
    PersistenceReport,
)
from users.management.examples import WithExamples

LEFT_ALONE = (Outcome.NOT_OVER, Outcome.BUSY)
_NOTHING_IS_LOST = gettext_lazy("Nothing is lost: the next run goes on here.")


class Command(WithExamples, BaseCommand):
    help = (
        "Move every lesson that is over from Redis to PostgreSQL. Exit status: 0 done or nothing "
        "to do, 2 bad arguments, 3 something went into quarantine, 4 some lessons failed, "
        "75 Redis or PostgreSQL cannot be reached, 130 interrupted."
    )
    examples = (
        "./attn manage persist_attendance",
        "./attn manage persist_attendance --dry-run",
        "./attn manage persist_attendance --lesson 0198f5a0-0000-7000-8000-000000000000",
    )
    # The task itself reports a server that it cannot reach, with its own exit status.
    requires_system_checks: list[str] = []  # noqa: RUF012 - the base class has it so

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "--lesson",
            action="append",
            type=lesson_id,
            metavar="ID",
            help="only this lesson, also one that waits; may be given several times",
        )
        parser.add_argument("--limit", type=_positive, metavar="N", help="at most N lessons")
        parser.add_argument(
            "--chunk-records",
            type=_positive,
            default=CHUNK_RECORDS,
            metavar="N",
            help=f"records in one transaction (default {CHUNK_RECORDS})",
        )
        parser.add_argument(
            "--dry-run",
            action="store_true",
            help="read, decode and compare, and change nothing; constraints are not tried",
        )
        parser.add_argument(
            "--retry-parked", action="store_true", help="also try the lessons that wait"
        )
        parser.add_argument("--json", action="store_true", help="print one JSON object")
        parser.add_argument("--no-progress", action="store_true", help="show no progress bar")

    def handle(self, *args: Any, **options: Any) -> None:
        with _stop_on_signals() as stopped, _progress(hide=options["no_progress"]) as (more, done):
            report = unified_persistence_task(
                lesson_ids=options["lesson"],
                dry_run=options["dry_run"],
                options=RunOptions(
                    limit=options["limit"],
                    chunk_records=options["chunk_records"],
                    retry_parked=options["retry_parked"],
                ),
                observer=Observer(stopped.is_set, more, done),
            )
        if not (options["dry_run"] or options["lesson"]):
            alarms.look()
        if options["json"]:
            self.stdout.write(json.dumps(report.as_dict(), ensure_ascii=False))
        else:
            self.stdout.write("\n".join(_text(report)))
        if report.unavailable:
            self.stderr.write(f"{gettext(report.unavailable)} {_NOTHING_IS_LOST}")
        if report.exit_status:
            sys.exit(report.exit_status)


def _positive(text: str) -> int:
    if not (text.isdecimal() and int(text) > 0):
        raise ArgumentTypeError(f"{text!r} is not a whole number above 0")
    return int(text)


@contextmanager
def _stop_on_signals() -> Iterator[threading.Event]:
    """SIGINT and SIGTERM stop the run between two chunks; a second signal stops it at once."""
    stopped = threading.Event()

    def stop(number: int, frame: object) -> None:
        if stopped.is_set():
            sys.exit(130)
        stopped.set()

    numbers = (signal.SIGINT, signal.SIGTERM)
    is_main = threading.current_thread() is threading.main_thread()
    before = {number: signal.signal(number, stop) for number in numbers if is_main}
    try:
        yield stopped
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


@contextmanager
def _progress(*, hide: bool) -> Iterator[tuple[Any, Any]]:
    """A progress bar on stderr, only where that is a terminal."""
    console = Console(stderr=True)
    bar = Progress(
        TextColumn("persisting"),
        BarColumn(),
        MofNCompleteColumn(),
        TextColumn("records"),
        TimeRemainingColumn(),
        console=console,
        disable=hide or not console.is_terminal,
    )
    with bar:
        task = bar.add_task("records", total=0)
        total = 0

        def more(count: int) -> None:
            nonlocal total
            total += count
            bar.update(task, total=total)

        yield more, lambda count: bar.advance(task, count)


def _text(report: PersistenceReport) -> Iterator[str]:
    totals, counts = report.totals, report.totals.counts
    if not totals.lessons and not report.unavailable:
        yield "Nothing to do: no lesson waits."
        return
    if report.is_dry_run:
        yield "Dry run: nothing was changed, and no constraint was tried."
    yield f"{totals.lessons} lessons in {report.seconds:.1f} s."
    for name in ("recorded", "read", "inserted", "updated", "unchanged", "quarantined"):
        yield f"  {name:12}{getattr(counts, name):>10,}"
    yield f"  captured = stored: {'yes' if report.sums_agree else 'NO'}"
    yield from (_trouble(lesson) for lesson in report.lessons if lesson.outcome in TROUBLE)
    yield from _left_alone(report)
    if report.is_interrupted:
        yield "Interrupted between two chunks; the next run goes on here."
    if not report.is_dry_run and not counts.inserted + counts.updated + totals.newly_quarantined:
        yield "Nothing had to be changed."


def _left_alone(report: PersistenceReport) -> Iterator[str]:
    """Why a lesson that was named was not stored, though nothing is wrong."""
    found = {each.lesson_id: each.outcome for each in report.lessons if each.outcome in LEFT_ALONE}
    rows = LessonLedger.objects.in_bulk(found)
    for waiting_id, outcome in found.items():
        row = rows.get(waiting_id)
        name = row.lesson_name if row and row.lesson_name else waiting_id
        until = f" It ends at {timezone.localtime(row.ends_at):%Y-%m-%d %H:%M %Z}." if row else ""
        if outcome == Outcome.NOT_OVER:
            yield f"  not over yet: {name}.{until} The run after that stores it."
        else:
            yield f"  busy: {name}. Another run works on it."


def _trouble(lesson: LessonReport) -> str:
    return f"  {lesson.outcome}: {lesson.lesson_name or lesson.lesson_id}: {lesson.error}"
