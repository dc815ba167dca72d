"""manage.py demo_lessons: students come to lessons of the demo's term while somebody looks."""

import signal
import sys
from contextlib import closing
from typing import Any

from django.core.management.base import BaseCommand, CommandParser
from django.utils import timezone

from demo import playground
from demo.site import SiteApi, SiteGone
from demo.term import ensure_term
from demo.watching import Pace, watch
from users.management.examples import WithExamples


class Command(WithExamples, BaseCommand):
    help = (
        "One lesson after the other of the demo's term, with students who check in one by one, "
        "until it is stopped. Exit status: 0 stopped, or the site has ended."
    )
    examples = ("./attn manage demo_lessons --site http://127.0.0.1:8000",)

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--site", required=True, help="address of the site to use")

    def handle(self, *args: Any, **options: Any) -> None:
        playground.check_is_no_production()
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, _stop)
        school = ensure_term(timezone.now(), lambda count: None)
        with closing(SiteApi(options["site"])) as site:
            try:
                watch(site, school, Pace())
            except SiteGone:
                # The launcher stops both; whoever is told first does not matter.
                return


def _stop(number: int, frame: object) -> None:
    # An exception, so that tokens are taken back.
    sys.exit(0)
