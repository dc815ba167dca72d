"""manage.py demo: the main job on real input, counted afterwards."""

import json
import os
import time
from collections.abc import Sequence
from time import monotonic
from typing import Any
from uuid import UUID

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import OperationalError
from django.utils import timezone
from rich.console import Console
from rich.table import Table

from attendance.errors import AttendanceError
from attendance.models import LessonLedger
from attendance.services.persistence import unified_persistence_task
from attendance.vocabulary import LessonState
from demo import classes, people, playground, proof, rivals, site, teaching, term
from demo.logins import end_logins
from demo.proof import Proof
from demo.teaching import Stage
from users.demo_numbers import DEMO_NUMBERS
from users.management.examples import WithExamples

SECONDS_TO_COMPLETE = 30
PAUSE_SECONDS = 0.2
MISMATCHES_SHOWN = 10
STORED_BEFORE = (
    "The four lessons of an earlier demo are stored and counted. "
    "To play them again, run ./attn demo --again."
)
SEEN = (
    "watches a class fill up, beside the list of who is missing",
    "sees their courses, and can check in to the lesson that is live",
    "sees every course and lesson, operations, and the admin",
)
"""By whom, in the order of the numbers."""
TO_TRY = """
What to try:
  1. Sign in as DEMO-TEACHER and open the lesson that is live: the class fills up.
  2. Press Open the screen. In a private window sign in as DEMO-STUDENT, and check in by its code.
  3. Correct a mark: Change, a reason, and Undo takes it back.
  4. Press Finish: the lesson is stored, and whoever did not come is absent.
  5. Sign in as DEMO-STAFF, open Administration, then Quarantine: repair a damaged mark.
"""


class Command(WithExamples, BaseCommand):
    help = (
        "A term of 400 people with twelve weeks of lessons; then four lessons with 600 students: "
        "check-ins over HTTP from many threads, corrections, damaged payloads, two persistence "
        "tasks at once, one of them killed; and a lesson of a section. Then everything is counted. "
        "Exit status: 0 captured = stored everywhere, 1 a count is off or a server is not there."
    )
    examples = (
        "./attn demo",
        "./attn manage demo --json",
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--json", action="store_true", help="print one JSON object")
        parser.add_argument(
            "--site", default="", help="address of the site to use; without it, one is started"
        )
        parser.add_argument(
            "--once",
            action="store_true",
            help="only invite where the lessons of an earlier demo are stored",
        )
        parser.add_argument(
            "--end-logins",
            action="store_true",
            help="only end what the logins of earlier demos have left",
        )

    def handle(self, *args: Any, **options: Any) -> None:
        self._figures: dict[str, Any] = {}
        self._is_quiet = options["json"]
        self._replace_what_cannot_be_shown()
        playground.check_is_no_production()
        if options["end_logins"]:
            end_logins()
            return
        try:
            if options["once"] and teaching.are_stored():
                self._make_term()
                self._tell(STORED_BEFORE)
                self._invite()
                return
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
        school = self._make_term()
        cast = people.make_cast()
        try:
            lessons = self._play(where, cast)
        finally:
            people.end_tokens(cast)
        with playground.stage("A lesson of a section: who does not come is marked absent"):
            lessons.append(classes.teach_class(where, school))
            _complete([lessons[-1].lesson_id])
        with playground.stage("Counting what is stored"):
            return proof.prove(lessons)

    def _play(self, where: site.SiteApi, cast: people.Cast) -> list[teaching.TaughtLesson]:
        started = monotonic()
        title = f"Four lessons: {len(cast.students)} students check in"
        with playground.stage(title, len(cast.students) * 6 // 5) as advance:
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
        return lessons

    def _make_term(self) -> term.DemoSchool:
        started = monotonic()
        with playground.stage("A term with twelve weeks of lessons") as advance:
            school = term.ensure_term(timezone.now(), advance)
        seconds = monotonic() - started
        self._tell(
            f"A term with {len(school.sections)} sections and {school.people} people: "
            f"{school.lessons} past lessons with {school.records} records in {seconds:.1f} s.",
            people=school.people,
            past_lessons=school.lessons,
            past_records=school.records,
            term_seconds=seconds,
        )
        return school

    def _persist_by_two(self, ids: Sequence[UUID]) -> None:
        started = monotonic()
        with playground.stage("Two persistence tasks at once, one of them killed"):
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
        for name in ("captured", "persisted", "quarantined", "absent"):
            table.add_column(name, justify="right")
        table.add_column("captured = stored")
        for row in proofs:
            absent = f"{row.marked_absent} of {row.expected}" if row.expected else ""
            counts = (str(row.captured), str(row.persisted), str(row.quarantined), absent)
            agrees = "yes" if row.agrees else "NO"
            table.add_row(row.lesson_name, row.teacher_name, *counts, agrees)
        console = Console(width=None if self.stdout.isatty() else 100)
        with console.capture() as capture:
            console.print(table)
        self.stdout.write(capture.get(), ending="")

    def _invite(self) -> None:
        address = os.environ.get("ATTN_DEMO_ADDRESS", "")
        if not address:
            self.stdout.write("To see it, run ./attn demo: it serves the site.")
            return
        self.stdout.write(f"\nThe site is at {address}/, its admin at {address}/admin/")
        if settings.DEMO_PASSWORD:
            self.stdout.write("Three logins, which work only while this demo runs:")
            for number, sees in zip(DEMO_NUMBERS, SEEN, strict=True):
                self.stdout.write(f"  {number:13} {settings.DEMO_PASSWORD}   {sees}")
            self.stdout.write(TO_TRY)


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
