"""manage.py import_roster: who belongs to which section, from a CSV file."""

import json
import sys
from pathlib import Path
from typing import Any

import msgspec
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import InterfaceError, OperationalError
from django.utils import timezone
from django.utils.translation import gettext as _
from rich.console import Console
from rich.progress import Progress

from courses.errors import CourseError, ImportRunning, PlanChanged, TooManyEnds
from courses.services.rosters.applying import RosterReport, apply_roster
from courses.services.rosters.plan import RosterPlan
from courses.services.rosters.planning import RosterSource, plan_roster
from courses.services.rosters.tables import as_objects, as_text_table
from users.errors import UserError
from users.management.examples import WithExamples
from users.reading.text import FALLBACKS, read_bounded
from users.wording import in_words

EXIT_BAD_ROWS = 3
EXIT_FAILED_SECTIONS = 4
EXIT_STOPPED = 5
EXIT_UNAVAILABLE = 75


class Command(WithExamples, BaseCommand):
    help = (
        "Enrol people in sections from a CSV file with the columns school_number, full_name, "
        "section, role (student, teacher, assistant or observer), begins_on and ends_on; the last "
        "three may be left out. Whoever an earlier file named in one of these sections, and this "
        "one does not, is enrolled there no longer. Exit status: 0 all rows are good, 2 bad "
        "arguments or the file cannot be read, 3 some rows were left out, 4 some sections were "
        "not applied, 5 nothing was applied: too many enrolments would end, or the plan is another "
        "one, 75 PostgreSQL cannot be reached or another import is running."
    )
    examples = (
        "./attn manage import_roster roster.csv --dry-run",
        "./attn manage import_roster roster.csv",
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("file", type=Path, metavar="FILE.csv")
        parser.add_argument("--dry-run", action="store_true", help="show the plan, write nothing")
        parser.add_argument("--json", action="store_true", help="print one JSON object")
        parser.add_argument("--digest", default="", help="apply only the plan with this digest")
        parser.add_argument(
            "--allow-drop", type=_count, metavar="N", help="let N enrolments end, and no more"
        )
        parser.add_argument("--term", default="", metavar="TITLE", help="of another term than now")
        parser.add_argument(
            "--encoding", choices=FALLBACKS, default="", help="of a file that is not UTF-8"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        path = options["file"]
        try:
            with path.open("rb") as file:
                content = read_bounded(file)
            source = RosterSource(
                content=content, encoding=options["encoding"], term=options["term"]
            )
            self._run(source, options)
        except OSError as error:
            said = _("%(path)s cannot be read: %(why)s.") % {"path": path, "why": error.strerror}
            raise CommandError(said, returncode=2) from None
        except ImportRunning as error:
            raise CommandError(in_words(error), returncode=EXIT_UNAVAILABLE) from None
        except (UserError, CourseError) as error:
            raise CommandError(f"{path}: {in_words(error)}", returncode=2) from None
        except (OperationalError, InterfaceError) as error:
            raise CommandError(
                _("PostgreSQL cannot be reached. What was applied stays: run it again."),
                returncode=EXIT_UNAVAILABLE,
            ) from error

    def _run(self, source: RosterSource, options: dict[str, Any]) -> None:
        at = timezone.now()
        if options["dry_run"]:
            plan = plan_roster(source, at=at).plan
            self._show(plan, None, is_json=options["json"])
            _exit(plan, None)
            return
        try:
            report = _apply(source, options, at=at)
        except (PlanChanged, TooManyEnds) as error:
            # What would happen now, to be looked at.
            self._show(plan_roster(source, at=at).plan, None, is_json=options["json"], stop=error)
            raise CommandError(in_words(error), returncode=EXIT_STOPPED) from None
        self._show(report.plan, report, is_json=options["json"])
        _exit(report.plan, report)

    def _show(
        self,
        plan: RosterPlan,
        report: RosterReport | None,
        *,
        is_json: bool,
        stop: CourseError | None = None,
    ) -> None:
        if not is_json:
            self.stdout.write(as_text_table(plan))
            if report is not None:
                self.stdout.write(_outcome(report))
            return
        told = as_objects(plan) | {"is_dry_run": report is None and stop is None}
        told["stopped"] = {"code": stop.code, "detail": in_words(stop)} if stop else None
        told["applied"] = report.applied if report else {}
        told["failed"] = msgspec.to_builtins(report.failed) if report else []
        self.stdout.write(json.dumps(told, ensure_ascii=False))


def _count(text: str) -> int:
    count = int(text)
    if count < 0:
        raise ValueError
    return count


def _apply(source: RosterSource, options: dict[str, Any], *, at: Any) -> RosterReport:
    console = Console(stderr=True)
    with Progress(console=console, disable=not console.is_terminal) as bar:
        task = bar.add_task("sections", total=None)
        return apply_roster(
            source,
            at=at,
            digest=options["digest"],
            allow_drop=options["allow_drop"],
            advance=lambda count: bar.advance(task, count),
        )


def _outcome(report: RosterReport) -> str:
    lines = [
        _("Applied: %(create)d created, %(update)d updated, %(end)d ended.")
        % {name: report.applied.get(name, 0) for name in ("create", "update", "end")}
    ]
    lines += [f"  {each.section}: {each.code}: {each.detail}" for each in report.failed]
    return "\n".join(lines)


def _exit(plan: RosterPlan, report: RosterReport | None) -> None:
    if report is not None and report.failed:
        sys.exit(EXIT_FAILED_SECTIONS)
    if plan.bad:
        sys.exit(EXIT_BAD_ROWS)
