"""manage.py export: a report as a file, by hand or by a job of the campus."""

import sys
from argparse import ArgumentTypeError
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date
from pathlib import Path
from typing import IO, Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.utils import timezone
from rich.console import Console
from rich.progress import Progress

from courses.selectors.sections import find_section_by_id
from reports.asking import FIRST_DAY, LAST_DAY, ReportView, accounts_of_person
from reports.errors import InvalidDays
from reports.files.csv import lines_for_programs
from reports.files.xlsx import workbook
from reports.scope import Scope
from reports.table import ReportTable
from reports.tables import KEYS, table_for
from users import security_log
from users.errors import AttnError
from users.management.examples import WithExamples
from users.models import SecurityKind
from users.security_log import Details

MOST_COUNTED = 10_000_000
"""For the progress alone: counting further would take longer than it tells."""


class Command(WithExamples, BaseCommand):
    help = (
        "Write all rows of a report as CSV, to standard output or to a file; a name that ends in "
        ".xlsx gets a workbook. Instants have their offset, columns the keys of the API."
    )
    examples = (
        "./attn manage export marks > marks.csv",
        "./attn manage export lessons --section 12 --from 2026-09-01 --to 2026-12-31 -o term.xlsx",
        "./attn manage export people --section 12",
        "./attn manage export corrections --person S-014",
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("report", choices=KEYS, help="which report")
        parser.add_argument("--section", type=int, metavar="ID", help="of this course alone")
        parser.add_argument("--person", metavar="NUMBER", help="of this person alone")
        parser.add_argument("--from", dest="first_on", type=_day, metavar="DAY")
        parser.add_argument("--to", dest="last_on", type=_day, metavar="DAY", help="included")
        parser.add_argument("-o", "--output", type=Path, metavar="FILE")

    def handle(self, **options: Any) -> None:
        try:
            table = table_for(options["report"], _view(**options), at=timezone.now())
            self._write(table, options["output"])
        except (AttnError, OSError) as error:
            raise CommandError(str(error)) from None
        security_log.write(SecurityKind.EXPORTED, details=Details(what=f"report:{table.key}"))

    def _write(self, table: ReportTable, output: Path | None) -> None:
        if output is not None and output.suffix == ".xlsx":
            with workbook(table) as book, _replacing(output, "wb") as file:
                file.write(book.read())
        elif output is not None:
            with _replacing(output, "w") as file:
                _copy(table, file)
        else:
            _copy(table, self.stdout)


def _copy(table: ReportTable, to: Any) -> None:
    """Write line by line; on a terminal that is not written to, the progress."""
    total = table.count(MOST_COUNTED) if sys.stderr.isatty() else 0
    with Progress(console=Console(stderr=True), disable=not sys.stderr.isatty()) as progress:
        task = progress.add_task(table.key, total=total)
        for lines in lines_for_programs(table):
            to.write(lines)
            progress.update(task, advance=lines.count("\n"))


@contextmanager
def _replacing(path: Path, mode: str) -> Iterator[IO[Any]]:
    """A file that is there when it is whole; what it replaces stays until then."""
    part = path.with_name(f".{path.name}.part")
    text: dict[str, Any] = {} if "b" in mode else {"encoding": "utf-8", "newline": ""}
    try:
        with part.open(mode, **text) as file:
            yield file
        part.replace(path)
    finally:
        part.unlink(missing_ok=True)


def _view(
    *,
    section: int | None,
    person: str | None,
    first_on: date | None,
    last_on: date | None,
    **_options: Any,
) -> ReportView:
    """Raises SectionNotFound, PersonNotFound, InvalidSchoolNumber and InvalidDays."""
    if first_on and last_on and first_on > last_on:
        raise InvalidDays
    found = find_section_by_id(section) if section is not None else None
    scope = Scope(
        section_ids=frozenset({found.pk}) if found else None,
        account_ids=accounts_of_person(person or ""),
        first_on=first_on,
        last_on=last_on,
        at=timezone.now(),
        time_zone=found.time_zone if found else settings.TIME_ZONE,
    )
    return ReportView(scope=scope, section=found, is_own=False, may_take_files=True)


def _day(text: str) -> date:
    try:
        day = date.fromisoformat(text)
    except ValueError:
        raise ArgumentTypeError(f"{text!r} is no day: give one as 2026-03-02") from None
    if not FIRST_DAY <= day <= LAST_DAY:
        raise ArgumentTypeError(f"{text} is not of this era")
    return day
