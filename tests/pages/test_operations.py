"""Staff's operations: what runs, what waits, what needs a person."""

import re
from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from attendance.models import AttendanceRecord, LessonLedger, PersistenceRun
from attendance.services.lessons import LessonPlan, start_lesson
from attendance.vocabulary import LessonState, Trigger
from courses.vocabulary import EnrolmentRole
from jobs.models import Job
from tests.pages.visitors import STAFF, STUDENT, signed_in, text_of
from tests.support.factories import LessonLedgerFactory
from tests.support.lessons import TEACHER, ended_lesson, live_lesson
from tests.support.members import enrolled, running_section

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.mark.parametrize("person", [STUDENT, TEACHER])
def test_operations_are_for_staff(person: Any) -> None:
    client = signed_in(person)
    assert client.get("/admin/operations/").status_code == 403
    assert client.post("/admin/operations/persist/").status_code == 403


def test_what_waits_is_seen_and_persisted_with_one_click() -> None:
    ended_lesson(3)
    staff = signed_in(STAFF)
    led = staff.get("/admin/operations/persist/")
    assert led.headers["Location"] == "/admin/operations/"
    assert not AttendanceRecord.objects.exists()

    page = staff.post("/admin/operations/persist/", follow=True)
    assert "1 lesson: 3 records inserted" in text_of(page)
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
    with django_assert_max_num_queries(20):
        staff.get("/admin/operations/figures/")


def test_figures_that_are_known_are_not_sent_again() -> None:
    staff = signed_in(STAFF)
    known = re.search(r'name="known" value="(\w+)"', text_of(staff.get("/admin/operations/")))
    assert known
    again = f"/admin/operations/figures/?known={known[1]}"
    assert staff.get(again).status_code == 204

    live_lesson(1)
    LessonLedger.objects.update(ends_at=timezone.now())
    page = staff.get(again)
    assert page.status_code == 200
    assert '?now=ended"><strong>1</strong>' in text_of(page)
    # The clock ends a lesson; the ledger hears of it with the next run.
    ledger = "/admin/attendance/lessonledger/"
    assert "Physics" in text_of(staff.get(f"{ledger}?now=ended"))
    assert "Physics" not in text_of(staff.get(f"{ledger}?now=live"))


def test_jobs_that_were_given_up_or_wait_too_long_are_told_and_tried_again() -> None:
    staff = signed_in(STAFF)
    now = timezone.now()
    Job.objects.create(kind="a.b", settled_at=now)
    Job.objects.create(kind="a.b", run_after=now + timedelta(days=1))
    fresh = Job.objects.create(kind="a.b", attempts=1, run_after=now + timedelta(minutes=5))
    assert "other job" not in text_of(staff.get("/admin/operations/"))

    Job.objects.filter(pk=fresh.pk).update(enqueued_at=now - timedelta(minutes=20))
    failed = Job.objects.create(kind="a.b", failed_at=now, attempts=3, last_error="no (550)")
    page = text_of(staff.get("/admin/operations/"))
    assert ">1 mail or other job was given up</a>" in page
    assert "<code>jobs_late</code>" in page
    assert "2 wait." in page
    assert "Nothing needs a person now." not in page

    jobs = "/admin/jobs/job/"
    shown = text_of(staff.get(f"{jobs}?state=failed"))
    assert "no (550)" in shown
    action = {"action": "try_again", "_selected_action": [failed.pk, fresh.pk]}
    assert "2 jobs are due now." in text_of(staff.post(jobs, action, follow=True))
    assert list(Job.objects.waiting().filter(run_after__lte=timezone.now())) == [failed, fresh]
    assert signed_in(TEACHER).get(jobs).status_code == 302


def test_health_says_what_is_wrong_in_the_reader_s_language() -> None:
    LessonLedgerFactory(state=LessonState.LOST)
    LessonLedgerFactory(state=LessonState.QUARANTINED)
    LessonLedgerFactory(state=LessonState.QUARANTINED)
    late = LessonLedgerFactory(
        state=LessonState.ENDED, ends_at=timezone.now() - timedelta(minutes=20)
    )
    staff = signed_in(STAFF)
    page = text_of(staff.get("/admin/operations/"))
    assert "A lesson is lost from the live store." in page
    assert page.count("A lesson is unreadable and waits in the live store.") == 2
    assert "waits to be stored for longer than it should" in page
    assert f"/lessonledger/{late.pk}/change/" in page
    assert "for 20 minutes" in page

    turkish = text_of(staff.get("/admin/operations/", HTTP_ACCEPT_LANGUAGE="tr"))
    assert "Bir ders canlı depodan kayboldu." in turkish
    assert "needs a person" not in turkish


def test_the_administration_leads_to_operations() -> None:
    page = text_of(signed_in(STAFF).get("/admin/"))
    assert 'href="/admin/operations/"' in page


def test_a_run_that_was_cut_off_says_so() -> None:
    PersistenceRun.objects.create(trigger=Trigger.SCHEDULER)
    assert "under way, or cut off" in text_of(signed_in(STAFF).get("/admin/operations/"))


def test_courses_that_run_without_a_teacher_are_counted() -> None:
    address = "/admin/courses/section/?teachers=none"
    assert address not in text_of(signed_in(STAFF).get("/admin/operations/"))
    section = running_section()
    text = text_of(signed_in(STAFF).get("/admin/operations/"))
    assert "1 course runs without a teacher" in text
    assert address in text
    enrolled(section, TEACHER, EnrolmentRole.TEACHER)
    assert address not in text_of(signed_in(STAFF).get("/admin/operations/"))
