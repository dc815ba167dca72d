"""`manage.py remove_old_evidence`: once a day, by a timer."""

import json
from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.db import InterfaceError, OperationalError
from django.utils import timezone

from courses.errors import CourseError
from courses.services.retention import remove_old_evidence
from users.management.examples import WithExamples
from users.wording import in_words

UNAVAILABLE = 75
NOT_SET_UP = 2


class Command(WithExamples, BaseCommand):
    help = "Removes the files of evidence that were to be kept until yesterday or earlier."
    examples = (
        "./attn manage remove_old_evidence --dry-run",
        "./attn manage remove_old_evidence",
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--dry-run", action="store_true", help="count, remove nothing")
        parser.add_argument("--json", action="store_true", help="print one JSON object")

    def handle(self, *args: Any, **options: Any) -> None:
        now, is_dry_run = timezone.now(), bool(options["dry_run"])
        try:
            done = remove_old_evidence(today=timezone.localdate(now), now=now, dry_run=is_dry_run)
        except CourseError as error:
            raise CommandError(in_words(error), returncode=NOT_SET_UP) from error
        except (InterfaceError, OperationalError) as error:
            raise CommandError(
                f"PostgreSQL cannot be reached: {error}", returncode=UNAVAILABLE
            ) from error
        if options["json"]:
            told = {"files": done.files, "size": done.size, "is_dry_run": is_dry_run}
            self.stdout.write(json.dumps(told))
            return
        begin = "Would remove" if is_dry_run else "Removed"
        self.stdout.write(f"{begin} {done.files} files, {done.size} bytes.")
