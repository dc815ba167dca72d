"""Staff's operations: what runs, what waits, what needs a person."""

from typing import Any

import pytest

from attendance.models import AttendanceRecord, PersistenceRun
from attendance.services.lessons import LessonPlan, start_lesson
from attendance.vocabulary import Trigger
from tests.lessons import TEACHER, ended_lesson
from tests.pages.test_check_in import text_of
from tests.pages.test_home import STUDENT, signed_in
from tests.pages.test_sign_in import STAFF

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.mark.parametrize("person", [STUDENT, TEACHER])
def test_operations_are_for_staff(person: Any) -> None:
    client = signed_in(person)
    assert client.get("/admin/operations/").status_code == 403
    assert client.post("/admin/operations/persist/").status_code == 403


def test_what_waits_is_seen_and_persisted_with_one_click() -> None:
    ended_lesson(3)
    staff = signed_in(STAFF)
    assert staff.get("/admin/operations/persist/").status_code == 405
    assert not AttendanceRecord.objects.exists()

    page = staff.post("/admin/operations/persist/", follow=True)
    assert "1 lessons: 3 records inserted" in text_of(page)
    assert page.context["books"].states["discarded"] == 1
    assert AttendanceRecord.objects.count() == 3
    assert PersistenceRun.objects.get().trigger == Trigger.ADMIN
    assert "<rect" in text_of(page)


def test_queries_do_not_grow_with_lessons_and_runs(django_assert_max_num_queries: Any) -> None:
    staff = signed_in(STAFF)
    staff.get("/admin/operations/")
    for _ in range(5):
        PersistenceRun.objects.create(trigger=Trigger.COMMAND)
    start_lesson(LessonPlan("Physics", minutes=45), teacher=TEACHER)
    with django_assert_max_num_queries(12):
        staff.get("/admin/operations/figures/")


def test_a_run_that_was_cut_off_says_so() -> None:
    PersistenceRun.objects.create(trigger=Trigger.SCHEDULER)
    assert "under way, or cut off" in text_of(signed_in(STAFF).get("/admin/operations/"))
