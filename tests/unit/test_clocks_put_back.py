"""Times of day in the hour that comes twice."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from django.template import Context, Template
from django.utils import timezone

from attendance.errors import InvalidInput
from attendance.wording.absences import span
from users.wording import in_words

BERLIN = "Europe/Berlin"
BACK = datetime(2026, 10, 25, 1, tzinfo=UTC)
"""Clocks go from 3:00 back to 2:00."""


def shown(at: datetime, zone: str = BERLIN) -> str:
    with timezone.override(zone):
        return Template("{{ at|clock }}").render(Context({"at": at}))


@pytest.mark.parametrize(
    ("minutes", "text"),
    [
        (-61, "01:59"),
        (-60, "02:00 (UTC+02:00)"),
        (-30, "02:30 (UTC+02:00)"),
        (0, "02:00 (UTC+01:00)"),
        (30, "02:30 (UTC+01:00)"),
        (60, "03:00"),
    ],
)
def test_a_time_that_comes_twice_has_its_offset(minutes: int, text: str) -> None:
    assert shown(BACK + timedelta(minutes=minutes)) == text


def test_other_times_have_none() -> None:
    # In spring an hour is left out; Istanbul keeps one offset all year.
    assert shown(datetime(2026, 3, 29, 1, tzinfo=UTC)) == "03:00"
    assert shown(BACK, "Europe/Istanbul") == "04:00"
    assert shown(BACK, "America/St_Johns") == "22:30"


def test_half_hours_and_western_offsets_are_written_out() -> None:
    back = datetime(2026, 11, 1, 4, tzinfo=UTC)
    assert shown(back, "America/St_Johns") == "01:30 (UTC-02:30)"


def test_a_form_may_say_more_and_nothing_is_no_time() -> None:
    form = Template("{{ at|clock:'j M, H:i:s' }}|{{ none|clock }}")
    with timezone.override(BERLIN):
        said = form.render(Context({"at": BACK, "none": None}))
    assert said == "25 Oct, 02:00:00 (UTC+01:00)|"


def test_sentences_tell_it_as_well() -> None:
    with timezone.override(BERLIN):
        assert span(BACK, BACK + timedelta(minutes=30)).endswith("02:30 (UTC+01:00)")
        assert "(UTC+01:00)" in in_words(InvalidInput("Since %(at)s.", at=BACK))


def test_no_template_shows_a_time_without_it() -> None:
    for page in Path().glob("*/templates/**/*.html"):
        text = page.read_text()
        assert 'date:"H:i' not in text, page
        assert not any("H:i" in part.split('"')[0] for part in text.split('|date:"')[1:]), page
