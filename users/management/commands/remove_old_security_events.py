"""`manage.py remove_old_security_events`: by hand; the site does the same by itself."""

import json
from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.db import InterfaceError, OperationalError
from django.utils import timezone

from users.management.examples import WithExamples
from users.security_log import remove_old

UNAVAILABLE = 75


class Command(WithExamples, BaseCommand):
    help = "Removes the events of the security log that are older than ATTN_SECURITY_LOG_DAYS."
    examples = (
        "./attn manage remove_old_security_events --dry-run",
        "./attn manage remove_old_security_events --json",
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--dry-run", action="store_true", help="count, remove nothing")
        parser.add_argument("--json", action="store_true", help="print one JSON object")

    def handle(self, *args: Any, **options: Any) -> None:
        is_dry_run = bool(options["dry_run"])
        try:
            done = remove_old(now=timezone.now(), most=None, dry_run=is_dry_run)
        except (InterfaceError, OperationalError) as error:
            raise CommandError(
                f"PostgreSQL cannot be reached: {error}", returncode=UNAVAILABLE
            ) from error
        if options["json"]:
            self.stdout.write(json.dumps({"events": done, "is_dry_run": is_dry_run}))
            return
        begin = "Would remove" if is_dry_run else "Removed"
        self.stdout.write(f"{begin} {done} events.")
