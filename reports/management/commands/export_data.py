"""manage.py export_data: the views of attn_v1 as files, all or what has changed."""

import json
import sys
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from rich.console import Console
from rich.progress import Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

from reports.feed.export import Feed, FeedRequest, export_feed
from reports.feed.formats import FORMATS, Advance
from users import security_log
from users.errors import AttnError
from users.management.examples import WithExamples
from users.models import SecurityKind
from users.security_log import Details

_COLUMNS = (SpinnerColumn(), TextColumn("{task.description}: {task.completed} rows"))


class Command(WithExamples, BaseCommand):
    help = (
        "Write the views of attn_v1 into a new folder: all rows, or those of lessons that have "
        "changed since a revision. The manifest in it has the revision for the next time."
    )
    examples = (
        "./attn manage export_data --since 0 --output data",
        "./attn manage export_data --since 7713071139203323425-1-885 --output data --json",
        "./attn manage export_data --since 0 --output data --format parquet",
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "--since",
            required=True,
            metavar="REVISION",
            help="`next` of the manifest before; 0 for everything",
        )
        parser.add_argument("--format", choices=sorted(FORMATS), default="csv.gz")
        parser.add_argument("--output", required=True, type=Path, metavar="DIR")
        parser.add_argument("--names", action="store_true", help="with dim_person_names")
        parser.add_argument("--json", action="store_true", help="print the manifest")

    def handle(self, **options: Any) -> None:
        asked = FeedRequest(options["since"], options["format"], options["names"])
        try:
            folder, feed = self._export(asked, options["output"])
        except (AttnError, OSError) as error:
            raise CommandError(str(error)) from None
        what = "data with names" if asked.with_names else "data"
        security_log.write(SecurityKind.EXPORTED, details=Details(what=what))
        if options["json"]:
            told = {"folder": str(folder), **feed.manifest()}
            self.stdout.write(json.dumps(told))
        else:
            self._tell(folder, feed)

    def _export(self, asked: FeedRequest, into: Path) -> tuple[Path, Feed]:
        console = Console(stderr=True)
        columns = (*_COLUMNS, TimeElapsedColumn())
        with Progress(*columns, console=console, disable=not sys.stderr.isatty()) as progress:

            def follow(view: str) -> Advance:
                task = progress.add_task(view, total=None)
                return lambda rows: progress.advance(task, rows)

            return export_feed(asked, into=into, follow=follow)

    def _tell(self, folder: Path, feed: Feed) -> None:
        self.stdout.write(str(folder))
        for file in feed.files:
            self.stdout.write(f"  {file.name}: {file.rows} rows")
        self.stdout.write(f"Next time: --since {feed.next}")
