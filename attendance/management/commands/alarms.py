"""manage.py alarms: what needs a person, and the word of a member of staff on it."""

import sys
from collections.abc import Iterator
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.core.serializers.json import DjangoJSONEncoder

from attendance.management.arguments import lesson_id
from attendance.selectors import alarms
from attendance.selectors.alarms import Alarm
from attendance.services import alarms as service
from attendance.wording import alarms as wording
from users.errors import AttnError
from users.identity import Person
from users.management.examples import WithExamples
from users.models import User


class Command(WithExamples, BaseCommand):
    help = (
        "List every alarm: since when, why, what to do, and who has acknowledged it. Exit status: "
        "0 none is open, 1 the command line or the word was refused, 3 some are open, 75 marks "
        "cannot be taken or kept."
    )
    examples = (
        "./attn manage alarms",
        './attn manage alarms --acknowledge CODE --by STAFF-1 --reason "Seen"',
    )
    # A server that is away is an alarm.
    requires_system_checks: list[str] = []  # noqa: RUF012 - the base class has it so

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--json", action="store_true", help="print one JSON object")
        word = parser.add_mutually_exclusive_group()
        word.add_argument("--acknowledge", metavar="CODE", help="say that this alarm may stay")
        word.add_argument(
            "--settle",
            action="append",
            type=lesson_id,
            metavar="ID",
            help="say that nothing more can come of this lost lesson; may be given several times",
        )
        parser.add_argument("--subject", default="", help="of which lesson or server")
        parser.add_argument("--by", metavar="NUMBER", help="who says so: a member of staff")
        parser.add_argument("--reason", default="", help="why")

    def handle(self, *args: Any, **options: Any) -> None:
        if options["acknowledge"] or options["settle"]:
            _say(options)
        now = alarms.current()
        if options["json"]:
            told = {"status": now.status, "alarms": [wording.told(x) for x in now.alarms]}
            self.stdout.write(DjangoJSONEncoder(ensure_ascii=False).encode(told))
        else:
            lines = [line for alarm in now.alarms for line in _lines(alarm)]
            self.stdout.write("\n".join(lines) or "No alarm.")
        status = {"ok": 0, "degraded": 3, "unavailable": 75}[now.status]
        if status:
            sys.exit(status)


def _say(options: dict[str, Any]) -> None:
    actor, reason = _actor(options["by"]), options["reason"]
    try:
        if options["settle"]:
            service.settle_lost(options["settle"], actor=actor, reason=reason)
        else:
            service.acknowledge(
                options["acknowledge"], options["subject"], actor=actor, reason=reason
            )
    except AttnError as error:
        raise CommandError(error.detail) from None


def _actor(number: str | None) -> Person:
    row = User.objects.filter(school_number=number or "", is_active=True).first()
    if row is None:
        raise CommandError("Say who does so: --by with the number of a member of staff.")
    return row.as_person()


def _lines(alarm: Alarm) -> Iterator[str]:
    told = wording.told(alarm)
    yield f"{told['code']} {told['subject']}".strip()
    yield f"  {told['cause']} {told['about']}".rstrip()
    yield f"  since: {told['since'] or 'no run has seen it yet'}"
    yield f"  {told['what_to_do']} See {told['see']}."
    if not alarm.is_open:
        yield f"  {wording.acknowledged(alarm)}"
