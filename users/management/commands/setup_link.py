"""manage.py setup_link: the link to the page that makes the first member of staff."""

from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser

from users.management.examples import WithExamples
from users.services import first_staff


class Command(WithExamples, BaseCommand):
    help = (
        "Print a link that makes the first member of staff: it works once, for an hour, and ends "
        "the one before. Where somebody is staff already, it makes none. Exit status: 0 printed, "
        "1 somebody is staff."
    )
    requires_system_checks: list[str] = []  # noqa: RUF012 - the base class has it so
    examples = (
        "./attn manage setup_link",
        "./attn manage setup_link --site https://attn.example.org",
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "--site",
            default=settings.PUBLIC_URL or "http://127.0.0.1:8000",
            help="address of the site (default: ATTN_PUBLIC_URL, or port 8000 of this machine)",
        )
        parser.add_argument(
            "--if-needed", action="store_true", help="where there is staff, say nothing"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        if not first_staff.is_needed():
            if options["if_needed"]:
                return
            raise CommandError("Somebody is staff here: they make further accounts.")
        # Written out: to ask for it imports every page, which takes a second.
        path = f"/setup/{first_staff.new_token()}/"
        self.stdout.write(
            "Nobody is staff here yet. This link makes the first account, once, within an hour:\n"
            f"  {options['site'].rstrip('/')}{path}"
        )
