"""Receipts of lessons that nobody knows wait for staff, and are no row by themselves."""

from concurrent.futures import ThreadPoolExecutor
from typing import Any
from uuid import uuid4

import msgspec
import pytest
from django.conf import settings as project_settings
from django.core import signing
from django.db import connection
from django.test import Client

from attendance.errors import AlreadySettled, LessonDeleted, RecordExists
from attendance.models import (
    Attendance,
    AttendanceEvent,
    AttendanceRecord,
    LessonLedger,
    QuarantinedPayload,
)
from attendance.services import quarantine, receipts
from attendance.services.quarantine.records import CorrectedCopy
from attendance.services.receipts.data import Receipt, encode
from attendance.services.stores.stored_revisions import LOST_LIFT
from attendance.vocabulary import LessonState, PayloadState
from tests.support.callers import Api, account
from tests.support.lessons import (
    TEACHER,
    forget_everything,
    live_lesson,
    put_back,
    redis_state,
    student,
)
from users.derived_keys import Purpose, signer_for
from users.identity import Person, Role
from users.models import User

pytestmark = pytest.mark.django_db(transaction=True)

STAFF = Person("STAFF-1", "Staff 1", Role.STAFF)


def send(receipt: str, who: Person) -> Any:
    return Api(who).post("receipts/", {"receipt": receipt})


def unknown_receipt(number: int = 1) -> str:
    """The receipt of a lesson that PostgreSQL has never heard of, and that Redis has lost."""
    lesson = live_lesson(0)
    receipt = Api(student(number)).post(f"lessons/{lesson.id}/check-in/").json()["receipt"]
    LessonLedger.objects.all().delete()
    forget_everything()
    return str(receipt)


@pytest.fixture(autouse=True)
def staff() -> User:
    return account(STAFF)


def nothing_is_stored() -> bool:
    rows = (Attendance, AttendanceRecord, AttendanceEvent, LessonLedger)
    return not any(model._default_manager.exists() for model in rows)


def test_a_receipt_of_a_lesson_that_nobody_knows_waits_once_and_says_so() -> None:
    receipt = unknown_receipt()

    answers = [send(receipt, student(1)) for _ in range(3)]

    assert {answer.status_code for answer in answers} == {202}
    told = answers[0].json()
    assert told["outcome"] == "waits"
    assert (told["school_number"], told["lesson"]["lesson_name"]) == ("S-0001", "Physics")
    assert [answer.json() for answer in answers] == [told] * 3
    row = QuarantinedPayload.objects.get()
    assert (row.kind, row.field, row.state) == ("receipt", "S-0001", "open")
    assert nothing_is_stored()


def test_many_at_once_are_kept_once() -> None:
    receipt = unknown_receipt()
    callers = [Api(student(1)) for _ in range(12)]

    def redeem(api: Api) -> int:
        try:
            return int(api.post("receipts/", {"receipt": receipt}).status_code)
        finally:
            connection.close()

    with ThreadPoolExecutor(12) as pool:
        assert set(pool.map(redeem, callers)) == {202}
    assert QuarantinedPayload.objects.count() == 1


def test_another_signature_of_the_same_mark_is_kept_once() -> None:
    receipt = unknown_receipt()
    body = receipt.rpartition(":")[0]
    other = signing.Signer(key=project_settings.SECRET_KEY, salt="attn.receipt").sign(body)
    for text in (receipt, other):
        assert send(text, student(1)).json()["outcome"] == "waits"
    assert QuarantinedPayload.objects.count() == 1


def test_a_forged_lesson_makes_no_rows_and_no_users() -> None:
    """As whoever has stolen the key could write it."""
    forged = Receipt(
        lesson_id=uuid4(),
        lesson_name="Physics",
        teacher=Person("T-99", "Nobody"),
        starts_at=1_790_000_000_000,
        ends_at=1_790_000_000_000 + 3_600_000,
        student=Person("S-0099", "Student 99"),
        status="present",  # type: ignore[arg-type]
        checked_in_at=1_790_000_000_001,
        revision=1,
    )
    body = signing.b64_encode(encode(forged)).decode()
    text = signer_for(Purpose.RECEIPTS, salt="attn.receipt").sign(body)

    assert send(text, STAFF).json()["outcome"] == "waits"
    assert nothing_is_stored()
    assert not User.objects.filter(school_number__in=["T-99", "S-0099"]).exists()


@pytest.mark.parametrize("way", ["retry", "replay"])
def test_staff_take_it_as_it_is(way: str) -> None:
    receipt = unknown_receipt()
    send(receipt, student(1))
    said = receipts.open_receipt(receipt)
    row = QuarantinedPayload.objects.get()

    if way == "retry":
        quarantine.retry_payload(row.pk, actor=STAFF)
    else:
        copy = CorrectedCopy("S-0001", "Student 0001", "present")
        quarantine.replay_payload(row.pk, corrected=copy, actor=STAFF)

    record = AttendanceRecord.objects.select_related("attendance__teacher").get()
    assert (record.source, record.status, record.school_number) == ("receipt", "present", "S-0001")
    assert record.checked_in_at
    assert int(record.checked_in_at.timestamp() * 1000) == said.checked_in_at
    lesson = record.attendance
    assert (lesson.lesson_name, lesson.teacher.school_number) == ("Physics", TEACHER.school_number)
    assert lesson.revision > LOST_LIFT
    assert LessonLedger.objects.get().state == LessonState.LOST
    event = AttendanceEvent.objects.get()
    assert (event.kind, event.actor.school_number) == ("record_replayed", "STAFF-1")
    row.refresh_from_db()
    assert row.state == PayloadState.REPLAYED

    # The phone is told by its next try, and receipts of others come back by themselves.
    assert send(receipt, student(1)).json()["outcome"] == "kept"
    with pytest.raises(AlreadySettled):
        quarantine.retry_payload(row.pk, actor=STAFF)


def test_once_the_lesson_is_known_the_receipts_of_others_come_back_by_themselves() -> None:
    lesson = live_lesson(0)
    texts = {n: Api(student(n)).post(f"lessons/{lesson.id}/check-in/").json() for n in (1, 2)}
    LessonLedger.objects.all().delete()
    forget_everything()
    for n, told in texts.items():
        assert send(told["receipt"], student(n)).json()["outcome"] == "waits"

    mine, other = QuarantinedPayload.objects.order_by("field")
    quarantine.retry_payload(mine.pk, actor=STAFF)
    assert send(texts[2]["receipt"], student(2)).json()["outcome"] == "restored"
    # What waited of it is there already: settled, with no second event.
    quarantine.retry_payload(other.pk, actor=STAFF)
    assert AttendanceRecord.objects.count() == AttendanceEvent.objects.count() == 2


def test_staff_set_it_aside_and_the_phone_is_told() -> None:
    receipt = unknown_receipt()
    send(receipt, student(1))
    row = QuarantinedPayload.objects.get()
    quarantine.discard_payload(row.pk, actor=STAFF, reason="that lesson was never held")

    answer = send(receipt, student(1))

    assert (answer.status_code, answer.json()["outcome"]) == (202, "set_aside")
    assert nothing_is_stored()


def test_a_lesson_whose_copy_of_redis_comes_back_is_taken_there() -> None:
    lesson = live_lesson(0)
    receipt = Api(student(1)).post(f"lessons/{lesson.id}/check-in/").json()["receipt"]
    saved = redis_state()
    ledger = LessonLedger.objects.get()
    LessonLedger.objects.all().delete()
    forget_everything()
    send(receipt, student(1))
    put_back(saved)
    ledger.save()

    with pytest.raises(RecordExists):
        # The check-in itself is there.
        quarantine.retry_payload(QuarantinedPayload.objects.get().pk, actor=STAFF)
    assert not Attendance.objects.exists()
    assert send(receipt, student(1)).json()["outcome"] == "kept"


def test_a_lesson_that_was_erased_meanwhile_takes_nothing() -> None:
    receipt = unknown_receipt()
    send(receipt, student(1))
    lesson_id = receipts.open_receipt(receipt).lesson_id
    LessonLedger.objects.create(lesson_id=lesson_id, state=LessonState.DISCARDED)
    with pytest.raises(LessonDeleted):
        quarantine.retry_payload(QuarantinedPayload.objects.get().pk, actor=STAFF)
    assert not Attendance.objects.exists()


def test_the_bytes_are_what_the_receipt_says() -> None:
    receipt = unknown_receipt()
    send(receipt, student(1))
    kept = msgspec.json.decode(bytes(QuarantinedPayload.objects.get().payload))
    assert kept["student"]["school_number"] == "S-0001"
    assert kept["lesson_name"] == "Physics"


def test_the_form_of_the_admin_is_filled_from_the_receipt() -> None:
    receipt = unknown_receipt()
    send(receipt, student(1))
    browser = Client()
    User.objects.filter(school_number="STAFF-1").update(is_superuser=True)
    browser.force_login(
        User.objects.get(school_number="STAFF-1"), backend="users.backends.AccountBackend"
    )
    pk = QuarantinedPayload.objects.get().pk
    page = browser.get(f"/admin/attendance/quarantinedpayload/{pk}/replay/").content.decode()
    assert 'value="S-0001"' in page
    assert browser.post(f"/admin/attendance/quarantinedpayload/{pk}/retry/").status_code == 302
    assert AttendanceRecord.objects.get().source == "receipt"
