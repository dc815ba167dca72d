"""`manage.py reconcile`: lessons of which the two stores differ, and what can be done."""

import argparse
import json
from typing import Any
from uuid import UUID

from django.core.management.base import BaseCommand, CommandError

from attendance.services.stores import sites
from attendance.services.stores.reconciling import (
    Difference,
    accept_what_is_there,
    count_anew,
    find_differences,
)
from users.errors import AttnError
from users.management.examples import WithExamples
from users.wording import in_words


class Command(WithExamples, BaseCommand):
    help = (
        "Show the lessons that are incomplete, lost, rewound or uncounted: what was seen of each, "
        "what is missing, and what can be done. Changes nothing without an option."
    )
    examples = (
        "./attn manage reconcile",
        "./attn manage reconcile --json",
    )

    # It mends what a check finds: that must not keep it from running.
    requires_system_checks: list[str] = []  # noqa: RUF012 - the base class has it so

    def add_arguments(self, parser: argparse.ArgumentParser) -> None:
        parser.add_argument(
            "--accept",
            metavar="LESSON",
            type=UUID,
            help="nothing more will come to this incomplete lesson: what is there is all",
        )
        parser.add_argument(
            "--settle",
            action="store_true",
            help="somebody has looked at stores of different ages: stop telling of it",
        )
        parser.add_argument(
            "--recount",
            metavar="LESSON",
            type=UUID,
            help="the counts of this unreadable lesson are damaged: count what Redis holds of it",
        )
        parser.add_argument("--json", action="store_true", help="for machines")

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            self._act(options)
            differences, found = find_differences(), sites.disagreement()
        except AttnError as error:
            raise CommandError(in_words(error)) from None
        cause = found.disagreement if found else ""
        if options["json"]:
            told = {"disagreement": cause, "lessons": [each._asdict() for each in differences]}
            self.stdout.write(json.dumps(told, default=str, ensure_ascii=False))
            return
        if cause:
            self.stdout.write(cause)
        for each in differences:
            self._tell(each)
        if not (differences or cause):
            self.stdout.write("The stores agree.")

    def _act(self, options: dict[str, Any]) -> None:
        if options["accept"]:
            accept_what_is_there(options["accept"])
        if options["recount"]:
            self._recount(options["recount"])
        if options["settle"]:
            sites.settle_disagreement()

    def _recount(self, lesson_id: UUID) -> None:
        was_wrong = count_anew(lesson_id)
        told = "It was counted anew, the next run takes it up." if was_wrong else "It was right."
        self.stderr.write(f"{lesson_id}: {told}")

    def _tell(self, each: Difference) -> None:
        in_redis = "nothing" if each.in_redis is None else f"{each.in_redis} marks"
        self.stdout.write(
            f"{each.lesson_id}  {each.code}  {each.lesson_name}\n"
            f"    {each.seen} marks were seen, {each.missing} are missing, Redis has {in_redis}\n"
            f"    {each.what_to_do}"
        )
