"""How many rows of each list are in view on a laptop, as docs/design.md says."""

import re
from typing import Final, NamedTuple

import pytest
from django.conf import settings
from django.utils import timezone

from attendance.models import PersistenceRun
from attendance.services.persistence import unified_persistence_task
from attendance.vocabulary import Trigger
from tests.browser.opened import BrowserOf
from tests.support import absences
from tests.support.lessons import TEACHER, ended_lessons, put_record, student
from tests.support.members import STAFF, running_section
from tests.support.sections import ended_section_lesson, section_lesson, section_of_today
from users.identity import Person

pytestmark = pytest.mark.django_db(transaction=True)

LAPTOP: Final = {"width": 1280, "height": 800}
MANY: Final = 25
"""More than fit any list."""
DESIGN = settings.BASE_DIR / "docs" / "design.md"
LINE = re.compile(r"^\| ([^|]+) \| (\d+) \|$", re.MULTILINE)
IN_VIEW = """rows => [...document.querySelectorAll(rows)].filter((row) => {
  const box = row.getBoundingClientRect();
  return box.height && box.top >= 0 && box.bottom <= innerHeight;
}).length"""
IN_ADMIN = "#result_list tbody tr"


class List(NamedTuple):
    person: Person
    path: str
    rows: str = IN_ADMIN


def made_lists() -> dict[str, List]:
    """Every list of the site with more rows than fit; the keys are those of the table."""
    section = section_of_today(range(1, 201))
    for _ in range(12):
        ended_section_lesson(section)
    for lesson in ended_lessons(MANY, students=2):
        put_record(lesson.id, "S-0900", b"not a record")
    unified_persistence_task()
    for _ in range(MANY):
        PersistenceRun.objects.create(trigger=Trigger.SCHEDULER, started_at=timezone.now())
        running_section(term=section.term)
    course = absences.made_course()
    for days in range(1, 12):
        absences.asked_absence(course, in_days=days)
    lesson = section_lesson(section, here=range(1, 100))
    admin = "/admin/attendance"
    return {
        "board": List(TEACHER, f"/lessons/{lesson.id}/", ".register tr[id]"),
        "lessons": List(STAFF, "/lessons/", "article.lesson"),
        "courses": List(STAFF, "/courses/", ".list li"),
        "students of a course": List(TEACHER, f"/courses/{section.pk}/", "tbody tr"),
        "lessons of a course": List(TEACHER, f"/courses/{section.pk}/lessons/", "article.lesson"),
        "absences": List(absences.TEACHER, "/absences/", "article.absence"),
        "own attendance": List(student(1), "/me/", "article.own"),
        "operations, alarms": List(STAFF, "/admin/operations/", "#alarms li"),
        "ledger": List(STAFF, f"{admin}/lessonledger/"),
        "registers": List(STAFF, f"{admin}/attendance/"),
        "records": List(STAFF, f"{admin}/attendancerecord/"),
        "events": List(STAFF, f"{admin}/attendanceevent/"),
        "quarantine": List(STAFF, f"{admin}/quarantinedpayload/"),
        "people": List(STAFF, "/admin/users/user/"),
        "courses in the administration": List(STAFF, "/admin/courses/section/"),
    }


def test_as_many_rows_are_in_view_as_the_documents_say(open_browser: BrowserOf) -> None:
    told = {name: int(rows) for name, rows in LINE.findall(DESIGN.read_text())}
    counted = {}
    for name, shown in made_lists().items():
        page = open_browser(shown.person, viewport=LAPTOP)
        page.goto(shown.path)
        counted[name] = page.evaluate(IN_VIEW, shown.rows)
        page.context.close()
    assert set(told) == set(counted)
    # Letters of another device may leave room for one more.
    assert {name: n for name, n in counted.items() if n - told[name] not in {0, 1}} == {}
