"""`manage.py verify_totals`: whether the totals are what the marks add up to."""

import argparse
import json
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from reports.verifying import MOST_NAMED, Verified, verify
from users.management.examples import WithExamples


class Command(WithExamples, BaseCommand):
    help = (
        "Compare every total of a person in a section with the marks that it is of. Changes "
        "nothing without --repair but the note of this check. Exits with 1 where one is wrong "
        "and stays so."
    )
    examples = (
        "./attn manage verify_totals",
        "./attn manage verify_totals --repair",
        "./attn manage verify_totals --json",
    )

    # It mends what a check finds: that must not keep it from running.
    requires_system_checks: list[str] = []  # noqa: RUF012 - the base class has it so

    def add_arguments(self, parser: argparse.ArgumentParser) -> None:
        parser.add_argument("--repair", action="store_true", help="add up anew what is wrong")
        parser.add_argument("--json", action="store_true", help="for machines")

    def handle(self, *args: Any, **options: Any) -> None:
        found = verify(repair=options["repair"])
        if options["json"]:
            self.stdout.write(json.dumps(_told(found)))
        else:
            self._tell(found)
        left = len(found.wrong) - found.repaired
        if left:
            raise CommandError(f"{left} totals are wrong. Run it with --repair.")

    def _tell(self, found: Verified) -> None:
        for each in found.wrong[:MOST_NAMED]:
            self.stdout.write(f"section {each.section_id}, user {each.user_id}")
        if len(found.wrong) > MOST_NAMED:
            self.stdout.write(f"and {len(found.wrong) - MOST_NAMED} more")
        self.stdout.write(
            f"{found.pairs} people in sections: {len(found.wrong)} wrong, {found.repaired} repaired"
        )


def _told(found: Verified) -> dict[str, Any]:
    return {
        "pairs": found.pairs,
        "wrong": [each._asdict() for each in found.wrong],
        "repaired": found.repaired,
    }
