"""What a page weighs over the wire, and that nothing keeps it from being drawn."""

import gzip
import re
from typing import Any

import pytest
from django.conf import settings

from tests.pages.visitors import signed_in
from tests.support.lessons import TEACHER, student
from tests.support.sections import section_lesson, section_of_today

pytestmark = pytest.mark.django_db(transaction=True)

MOST_BYTES = 60_000
STATIC = settings.BASE_DIR / "attendance" / "static"
OWN = re.compile(r"""(?:href|src)="/static/(attendance/[^"]+)\"""")
SCRIPT = re.compile(r"<script\b[^>]*>")


def weight(page: Any) -> int:
    """Of the page and of what is ours beside it, as it is sent."""
    files = {STATIC / name for name in OWN.findall(page.content.decode())}
    parts = [page.content, *(path.read_bytes() for path in files)]
    return sum(len(gzip.compress(part)) for part in parts)


def test_a_page_weighs_little_and_no_script_holds_it_up() -> None:
    lesson = section_lesson(section_of_today(range(1, 62)), here=range(1, 39))
    pages = [
        signed_in(TEACHER).get(f"/lessons/{lesson.id}/"),
        signed_in(TEACHER).get("/lessons/"),
        signed_in(student(40)).get(f"/lessons/{lesson.id}/here/"),
    ]
    for page in pages:
        assert page.status_code == 200
        assert 2_000 < weight(page) <= MOST_BYTES
        scripts = SCRIPT.findall(page.content.decode())
        assert scripts
        assert [each for each in scripts if "defer" not in each] == []
