"""The admin: staff look at everything, and change it through services only."""

from collections.abc import Callable
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django_apscheduler.models import DjangoJob
from pytest_django.fixtures import Settings

from attendance.models import Attendance, AttendanceRecord, LessonLedger, QuarantinedPayload
from attendance.services.persistence import unified_persistence_task
from tests.support import factories
from tests.support.callers import signed_in, text_of
from tests.support.factories import (
    AttendanceEventFactory,
    AttendanceRecordFactory,
    LessonLedgerFactory,
    PersistenceRunFactory,
    QuarantinedPayloadFactory,
    UserFactory,
)
from tests.support.lessons import end, ended_lesson, live_lesson, put_record, sealed_record
from tests.support.members import STAFF
from users.models import User

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture(autouse=True)
def no_redirect(settings: Settings) -> None:
    settings.SECURE_SSL_REDIRECT = False


@pytest.fixture
def staff_client(client: Client) -> Client:
    user = UserFactory.create(school_number="STAFF-1", full_name="Staff 1", staff=True)
    client.force_login(user)
    return client


MODELS: dict[str, Callable[[], Any]] = {
    "attendance_alarmepisode": factories.AlarmEpisodeFactory,
    "attendance_alarmacknowledgement": factories.AlarmAcknowledgementFactory,
    "attendance_attendance": factories.AttendanceFactory,
    "attendance_attendancerecord": AttendanceRecordFactory,
    "attendance_attendanceevent": AttendanceEventFactory,
    "attendance_lessonledger": LessonLedgerFactory,
    "attendance_persistencerun": PersistenceRunFactory,
    "attendance_quarantinedpayload": QuarantinedPayloadFactory,
    "users_user": UserFactory,
    "users_securityevent": factories.SecurityEventFactory,
}


@pytest.mark.parametrize("name", MODELS)
def test_a_list_takes_no_query_per_row(name: str, staff_client: Client) -> None:
    url = reverse(f"admin:{name}_changelist")

    def queries() -> int:
        with CaptureQueriesContext(connection) as captured:
            assert staff_client.get(url, {"q": "-"}).status_code == 200
            assert staff_client.get(url).status_code == 200
        return len(captured)

    for _ in range(3):
        MODELS[name]()
    # The first look is written into the security log.
    queries()
    few = queries()
    for _ in range(27):
        MODELS[name]()
    assert queries() == few


@pytest.mark.parametrize("name", MODELS)
def test_a_row_can_be_looked_at(name: str, staff_client: Client) -> None:
    row = MODELS[name]()

    answer = staff_client.get(reverse(f"admin:{name}_change", args=[row.pk]))

    assert answer.status_code == 200


@pytest.mark.parametrize("name", [name for name in MODELS if name != "users_user"])
def test_rows_are_not_added_changed_or_deleted_here(name: str, staff_client: Client) -> None:
    row = MODELS[name]()
    for address in (
        reverse(f"admin:{name}_add"),
        reverse(f"admin:{name}_delete", args=[row.pk]),
    ):
        assert staff_client.post(address, {"post": "yes"}).status_code == 403
    assert staff_client.post(reverse(f"admin:{name}_change", args=[row.pk]), {}).status_code == 403


@pytest.mark.parametrize("role", ["student", "teacher"])
def test_the_admin_is_closed_to_others(role: str, client: Client) -> None:
    client.force_login(UserFactory.create(role=role))
    row = AttendanceRecordFactory()
    for name, args in (
        ("admin:index", []),
        ("admin:attendance_correct", [row.pk]),
        ("admin:attendance_flag", [row.attendance_id]),
    ):
        assert client.get(reverse(name, args=args)).status_code == 302


def stored() -> AttendanceRecord:
    ended_lesson(2)
    unified_persistence_task()
    return AttendanceRecord.objects.get(student__school_number="S-0001")


def test_a_record_is_corrected_with_a_reason(staff_client: Client) -> None:
    row = stored()
    url = reverse("admin:attendance_correct", args=[row.pk])
    page = staff_client.get(url)
    form = page.context["form"]
    typed = {**form.initial, "verdict": "late", "reason": "tram"}

    answer = staff_client.post(url, typed)

    assert answer.status_code == 302
    row.refresh_from_db()
    assert (row.status, row.source, row.reason) == ("late", "staff", "tram")
    # The same form sent again meets another revision and changes nothing.
    again = staff_client.post(url, {**typed, "request_id": "another"})
    assert "Somebody changed this" in again.content.decode()


def test_a_reason_that_is_missing_is_asked_for(staff_client: Client) -> None:
    row = stored()
    url = reverse("admin:attendance_correct", args=[row.pk])
    initial = staff_client.get(url).context["form"].initial

    answer = staff_client.post(url, {**initial, "verdict": "late", "reason": ""})

    assert "needs a reason" in answer.content.decode()
    row.refresh_from_db()
    assert row.status == "present"


def test_a_student_is_added(staff_client: Client) -> None:
    lesson_id = stored().attendance_id
    url = reverse("admin:attendance_add_student", args=[lesson_id])
    initial = staff_client.get(url).context["form"].initial
    typed = {**initial, "school_number": "x-9", "full_name": "New One", "verdict": "accept"}

    assert staff_client.post(url, typed).status_code == 302

    assert AttendanceRecord.objects.get(student__school_number="X-9").full_name == "New One"
    bad = staff_client.post(url, {**typed, "school_number": "no number!"})
    assert "school number has" in bad.content.decode()


def test_an_attendance_is_flagged_and_restored(staff_client: Client) -> None:
    lesson_id = stored().attendance_id
    for name, is_deleted in (("attendance_flag", True), ("attendance_restore", False)):
        url = reverse(f"admin:{name}", args=[lesson_id])
        assert staff_client.get(url).status_code == 200
        assert staff_client.post(url, {"reason": "a test"}).status_code == 302
        assert Attendance.objects.get(pk=lesson_id).is_deleted is is_deleted


def test_persist_now_runs_the_task_for_the_chosen_lessons(staff_client: Client) -> None:
    lesson = ended_lesson(2)
    url = reverse("admin:attendance_lessonledger_changelist")
    chosen = {"action": "persist_now", "_selected_action": [str(lesson.id)]}

    answer = staff_client.post(url, chosen, follow=True)

    assert "2 records inserted" in answer.content.decode()
    assert LessonLedger.objects.get(pk=lesson.id).state == "discarded"


def damaged(raw: bytes = b"<script>alert(1)</script>\x00\xff") -> QuarantinedPayload:
    lesson = live_lesson(2)
    put_record(lesson.id, "S-0002", raw)
    end(lesson.id)
    unified_persistence_task()
    return QuarantinedPayload.objects.get()


def test_raw_bytes_are_shown_escaped_and_downloaded_as_they_are(staff_client: Client) -> None:
    row = damaged()

    page = staff_client.get(reverse("admin:attendance_quarantinedpayload_change", args=[row.pk]))
    raw = staff_client.get(reverse("admin:attendance_quarantine_raw", args=[row.pk]))

    assert "<script>alert(1)" not in page.content.decode()
    assert "&lt;script&gt;alert(1)&lt;/script&gt;\\x00\\xff" in page.content.decode()
    assert raw.content == bytes(row.payload)
    assert raw["Content-Type"] == "application/octet-stream"
    assert "attachment" in raw["Content-Disposition"]


def test_a_payload_is_replayed_from_a_corrected_copy(staff_client: Client) -> None:
    row = damaged()
    url = reverse("admin:attendance_quarantine_replay", args=[row.pk])
    assert staff_client.get(url).status_code == 200
    typed = {"school_number": "S-0001", "full_name": "Ada", "status": "late", "reason": "read"}

    taken = staff_client.post(url, typed)
    done = staff_client.post(url, {**typed, "school_number": "S-0002"})

    assert "has a record already" in taken.content.decode()
    assert done.status_code == 302
    assert AttendanceRecord.objects.get(student__school_number="S-0002").status == "late"
    row.refresh_from_db()
    assert row.state == "replayed"


def test_what_is_in_the_way_of_a_replay_is_told_in_turkish(staff_client: Client) -> None:
    url = reverse("admin:attendance_quarantine_replay", args=[damaged().pk])
    typed = {"school_number": "S-0001", "full_name": "Ada", "status": "late", "reason": "read"}

    def told(**changes: str) -> str:
        answer = staff_client.post(url, {**typed, **changes}, headers={"accept-language": "tr"})
        return answer.content.decode()

    page = told()
    assert "Bu öğrencinin zaten bir kaydı var" in page
    assert "yoklamada" in page
    assert "Yoklamadaki kayıt. Karantinadaki bir kenara konur." in page
    nameless = told(school_number="S-0002", full_name="A\x07da")
    assert "Bir ad soyad 1 ile 200 karakter arasındadır" in nameless


def test_both_records_are_shown_and_somebody_chooses(staff_client: Client) -> None:
    row = damaged()
    url = reverse("admin:attendance_quarantine_replay", args=[row.pk])
    typed = {"school_number": "S-0001", "full_name": "Ada", "status": "late", "reason": "read"}

    asked = staff_client.post(url, typed)

    page = asked.content.decode()
    assert "<td>Student 0001</td><td>Ada</td>" in page
    assert "<td>present</td><td>late</td>" in page
    assert "<td>student</td><td>staff</td>" in page
    # Sent again without a choice, it asks again.
    form = asked.context["form"]
    seen = form["seen_revision"].value()
    answer = staff_client.post(url, {**typed, "seen_revision": seen})
    assert "Which of the two counts" in answer.content.decode()
    done = staff_client.post(url, {**typed, "seen_revision": seen, "choice": "replace"})
    assert done.status_code == 302
    assert AttendanceRecord.objects.get(school_number="S-0001").status == "late"


def test_the_record_of_the_register_may_be_chosen(staff_client: Client) -> None:
    row = damaged()
    url = reverse("admin:attendance_quarantine_replay", args=[row.pk])
    typed = {"school_number": "S-0001", "full_name": "Ada", "status": "late", "reason": ""}

    assert staff_client.post(url, {**typed, "choice": "keep"}).status_code == 302

    row.refresh_from_db()
    assert (row.state, row.settled_reason) == ("discarded", "the record of the register counts")
    assert AttendanceRecord.objects.get(school_number="S-0001").status == "present"


def test_chosen_payloads_are_retried_and_the_others_stay(staff_client: Client) -> None:
    row = damaged()
    json = b'{"school_number":"S-0002","full_name":"Ada","source":"student"}'
    raw = sealed_record(row.lesson_id, "S-0002", json)
    fine = QuarantinedPayloadFactory.create(lesson_id=row.lesson_id, field="S-0002", payload=raw)
    url = reverse("admin:attendance_quarantinedpayload_changelist")
    chosen = {"action": "retry_chosen", "_selected_action": [row.pk, fine.pk]}

    page = staff_client.post(url, chosen, follow=True).content.decode()

    assert "1 of 2 payloads could be read and are settled." in page
    assert f"{row.pk}: It still cannot be read" in page
    assert AttendanceRecord.objects.get(school_number="S-0002").source == "student"


def test_a_corrected_copy_is_shown_beside_what_the_raw_bytes_still_say(
    staff_client: Client,
) -> None:
    broken = b"1|0000000000000000|2,1,1,present,,kept|"
    row = damaged(broken + b'{"school_number":"S-0002","full_name":"A\\u0064a <b>","source":"st')
    url = reverse("admin:attendance_quarantine_replay", args=[row.pk])
    typed = {"school_number": "S-0002", "full_name": "Ada Two", "status": "present", "reason": "r"}
    assert staff_client.post(url, typed).status_code == 302

    page = staff_client.get(reverse("admin:attendance_quarantinedpayload_change", args=[row.pk]))
    told = page.content.decode()
    assert "<td>S-0002</td><td>S-0002</td>" in told
    assert "<td><del>Ada &lt;b&gt;</del></td><td><ins>Ada Two</ins></td>" in told
    assert "<td>present</td><td>present</td>" in told


def test_a_payload_is_retried_by_post_only_and_set_aside(staff_client: Client) -> None:
    row = damaged()
    retry = reverse("admin:attendance_quarantine_retry", args=[row.pk])
    page = reverse("admin:attendance_quarantinedpayload_change", args=[row.pk])
    assert staff_client.get(retry).headers["Location"] == page
    answer = staff_client.post(retry, follow=True)
    assert "still cannot be read" in answer.content.decode()

    url = reverse("admin:attendance_quarantine_set_aside", args=[row.pk])
    assert staff_client.post(url, {"reason": "a test card"}).status_code == 302

    row.refresh_from_db()
    assert row.state == "discarded"


def test_the_scheduled_job_is_looked_at_and_not_run_here(staff_client: Client) -> None:
    DjangoJob.objects.create(id="unified_persistence_task", job_state=b"")
    url = reverse("admin:django_apscheduler_djangojob_changelist")

    page = staff_client.get(url)

    assert "unified_persistence_task" in page.content.decode()
    assert "run_selected_jobs" not in page.content.decode()


def test_staff_makes_users_but_no_staff(staff_client: Client) -> None:
    url = reverse("admin:users_user_add")
    typed = {
        "school_number": " n-1 ",
        "full_name": "New One",
        "role": "teacher",
        "email": "",
        "usable_password": "false",
    }

    assert staff_client.post(url, typed).status_code == 302
    assert User.objects.get(school_number="N-1").role == "teacher"
    staff_client.post(url, {**typed, "school_number": "N-2", "role": "staff"})
    assert not User.objects.filter(school_number="N-2").exists()


def test_staff_touches_no_superuser(staff_client: Client) -> None:
    root = User.objects.create_superuser("ROOT", "Root", "a sturdy password")
    for name in ("admin:users_user_change", "admin:auth_user_password_change"):
        url = reverse(name, args=[root.pk])
        assert staff_client.post(url, {"full_name": "x"}).status_code == 403


@pytest.mark.parametrize("name", ["lessonledger", "attendancerecord", "attendance"])
def test_a_search_has_a_label_of_text_and_keeps_the_other_filters(name: str) -> None:
    page = text_of(signed_in(STAFF).get(f"/admin/attendance/{name}/", {"q": "x", "p": "1"}))
    assert '<label for="searchbar">Search</label>' in page
    assert 'value="x" id="searchbar" aria-describedby="searchbar_helptext"' in page
