"""manage.py import_users: accounts that people can sign in with, from a CSV file."""

import json
import sys
from pathlib import Path
from typing import Any

import msgspec
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import OperationalError
from django.utils.translation import gettext as _
from rich.console import Console
from rich.progress import Progress

from users.errors import UserError
from users.importing import ImportReport, import_users
from users.management.examples import WithExamples
from users.reading.text import FALLBACKS, as_text, read_bounded
from users.wording import in_words

EXIT_BAD_ROWS = 3
EXIT_UNAVAILABLE = 75
SHOWN = 50


class Command(WithExamples, BaseCommand):
    help = (
        "Make accounts from a CSV file with the columns school_number, full_name, role (student, "
        "teacher or staff), email and password; the last three may be left out. The file decides "
        "name, role and e-mail; an empty cell leaves what a known user has, and makes a new one a "
        "student. A password is an initial one: it is set only where the user has none, and its "
        "owner changes it at the first sign-in. Superusers are left alone. Exit status: 0 all rows "
        "are good, 2 bad arguments or the file cannot be read, 3 some rows were left out, with "
        "line and reason, 75 PostgreSQL cannot be reached."
    )
    examples = (
        "./attn manage import_users people.csv --dry-run",
        "./attn manage import_users people.csv",
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("file", type=Path, metavar="FILE.csv")
        parser.add_argument("--dry-run", action="store_true", help="check and count, write nothing")
        parser.add_argument(
            "--encoding", choices=FALLBACKS, default="", help="of a file that is not UTF-8"
        )
        parser.add_argument("--json", action="store_true", help="print one JSON object")

    def handle(self, *args: Any, **options: Any) -> None:
        report = _import(options["file"], encoding=options["encoding"], dry_run=options["dry_run"])
        if options["json"]:
            self.stdout.write(json.dumps(msgspec.to_builtins(report), ensure_ascii=False))
        else:
            self.stdout.write(_text(report))
        if report.bad:
            sys.exit(EXIT_BAD_ROWS)


def _import(path: Path, *, encoding: str, dry_run: bool) -> ImportReport:
    console = Console(stderr=True)
    try:
        with path.open("rb") as file:
            text = as_text(read_bounded(file), fallback=encoding)
        with Progress(console=console, disable=not console.is_terminal) as bar:
            task = bar.add_task("importing users", total=None)
            return import_users(
                text, dry_run=dry_run, advance=lambda count: bar.advance(task, count)
            )
    except OSError as error:
        said = _("%(path)s cannot be read: %(why)s.") % {"path": path, "why": error.strerror}
        raise CommandError(said, returncode=2) from None
    except UserError as error:
        raise CommandError(f"{path}: {in_words(error)}", returncode=2) from None
    except OperationalError as error:
        raise CommandError(
            _("PostgreSQL cannot be reached. What was applied stays: run it again."),
            returncode=EXIT_UNAVAILABLE,
        ) from error


def _text(report: ImportReport) -> str:
    lines = ["Dry run: nothing was written."] if report.is_dry_run else []
    lines.append(
        f"{report.created} created, {report.completed} completed, {report.updated} updated, "
        f"{report.unchanged} unchanged, {len(report.bad)} left out."
    )
    lines += [f"  line {row.line}: {row.code}: {row.detail}" for row in report.bad[:SHOWN]]
    if len(report.bad) > SHOWN:
        lines.append(f"  and {len(report.bad) - SHOWN} more: --json names them all.")
    return "\n".join(lines)
