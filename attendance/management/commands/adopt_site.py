"""`manage.py adopt_site`: take over the lessons that Redis holds for another site."""

import argparse
from typing import Any
from uuid import UUID

from django.core.management.base import BaseCommand, CommandError

from attendance.live import store
from attendance.services.stores.sites import adopt_site, find_sites
from users.errors import AttnError
from users.management.examples import WithExamples
from users.wording import in_words


class Command(WithExamples, BaseCommand):
    help = (
        "Show which site this database is and which one Redis holds lessons for; with the id of "
        "that one and a reason, take its lessons over. Do that only where the other site is gone "
        "for good: two sites on one Redis store each other's lessons."
    )
    examples = (
        "./attn manage adopt_site",
        './attn manage adopt_site SITE --reason "The old server is gone"',
    )

    # It mends what a check finds: that must not keep it from running.
    requires_system_checks: list[str] = []  # noqa: RUF012 - the base class has it so

    def add_arguments(self, parser: argparse.ArgumentParser) -> None:
        parser.add_argument("site", nargs="?", type=UUID, help="the id of the other site")
        parser.add_argument("--reason", default="", help="why; it is kept")

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            if options["site"]:
                adopt_site(options["site"], reason=options["reason"])
            other = store.site_of_redis()
        except AttnError as error:
            raise CommandError(in_words(error)) from None
        sites = find_sites()
        self.stdout.write(f"This database is site {sites.own}.")
        self.stdout.write(f"Redis holds the lessons of site {other or 'nobody yet'}.")
        for adopted in sites.adopted:
            self.stdout.write(f"Adopted: {adopted}")
