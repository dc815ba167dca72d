"""manage.py encrypt_factors: secrets of second factors, encrypted under the present key."""

import json
import sys
from typing import Any

import msgspec
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import InterfaceError, OperationalError
from django.utils.translation import gettext as _

from users.management.examples import WithExamples
from users.services.encrypting import EncryptingReport, encrypt_factors

EXIT_UNREADABLE = 3
EXIT_UNAVAILABLE = 75


class Command(WithExamples, BaseCommand):
    help = (
        "Encrypt the secrets of second factors under the present ATTN_SECRET_KEY: those that are "
        "plain, and those under a key of ATTN_SECRET_KEY_FALLBACKS. Nobody is signed out. With "
        "--dry-run it counts: a former key may go when none is under a former key. Exit status: 0 "
        "every secret can be read, 3 some cannot be read with any key, 75 PostgreSQL cannot be "
        "reached."
    )
    examples = (
        "./attn manage encrypt_factors --dry-run",
        "./attn manage encrypt_factors --json",
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--dry-run", action="store_true", help="count, write nothing")
        parser.add_argument("--json", action="store_true", help="print one JSON object")

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            report = encrypt_factors(dry_run=options["dry_run"])
        except (OperationalError, InterfaceError) as error:
            raise CommandError(
                _("PostgreSQL cannot be reached. What was encrypted stays: run it again."),
                returncode=EXIT_UNAVAILABLE,
            ) from error
        self.stdout.write(
            json.dumps(msgspec.to_builtins(report)) if options["json"] else _text(report)
        )
        if report.unreadable:
            sys.exit(EXIT_UNREADABLE)


def _text(report: EncryptingReport) -> str:
    done = "to encrypt" if report.is_dry_run else "encrypted now"
    return (
        f"{report.to_encrypt} {done} ({report.former} under a former key, {report.plain} plain), "
        f"{report.present} under the present key before, {report.unreadable} that no key opens."
    )
