"""What docs/how-to/import-rosters.md shows is what a reader would see."""

import re
from datetime import datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from django.conf import settings

from courses.errors import TooManyEnds
from courses.services.rosters.applying import apply_roster
from courses.services.rosters.planning import RosterSource, plan_roster
from courses.services.rosters.tables import as_text_table
from tests.support.course_factories import TermFactory

pytestmark = pytest.mark.django_db

TEXT = (Path(settings.BASE_DIR) / "docs" / "how-to" / "import-rosters.md").read_text()
FILE, PLAN, STOP = re.findall(r"```text\n(.*?)\n```", TEXT, re.DOTALL)
AT = datetime(2026, 9, 21, 9, tzinfo=ZoneInfo("UTC"))


def test_the_plan_is_the_one_that_is_shown() -> None:
    TermFactory(title="Autumn")
    plan = plan_roster(RosterSource(content=FILE.encode()), at=AT).plan
    assert as_text_table(plan) == PLAN


def test_the_brake_says_what_is_shown() -> None:
    TermFactory(title="Autumn")
    head, *_rows = FILE.splitlines()
    rows = [f"S-{n},Student {n},PHY-101,,," for n in range(30)]
    apply_roster(RosterSource(content="\n".join([head, *rows]).encode()), at=AT)
    with pytest.raises(TooManyEnds) as caught:
        apply_roster(RosterSource(content="\n".join([head, *rows[:10]]).encode()), at=AT)
    assert caught.value.detail == STOP
