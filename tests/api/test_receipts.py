"""Receipts: a mark survives the loss of the live store, and is there once."""

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection, transaction

from attendance.errors import ReceiptExpired
from attendance.live import client, keys, store
from attendance.models import Attendance, AttendanceEvent, AttendanceRecord, LessonLedger
from attendance.rules import instants
from attendance.services import claims
from attendance.services import receipts as services
from attendance.services.corrections import Correction, correct_record
from attendance.services.lessons import finish_lesson
from attendance.services.persistence import unified_persistence_task
from attendance.services.persistence.report import Outcome
from attendance.services.stored_lessons import delete_attendance, restore_attendance
from attendance.services.stores.stored_revisions import LOST_LIFT
from attendance.vocabulary import LessonState, Verdict
from tests.support.callers import Api
from tests.support.lessons import (
    TEACHER,
    end,
    forget_everything,
    live_lesson,
    put_back,
    put_counts,
    redis_state,
    student,
)
from users.identity import Person, Role

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("totals_agree")]

STAFF = Person("STAFF-1", "Staff 1", Role.STAFF)


def check_in(lesson_id: Any, who: Person) -> str:
    return str(Api(who).post(f"lessons/{lesson_id}/check-in/").json()["receipt"])


def send(receipt: str, who: Person) -> Any:
    return Api(who).post("receipts/", {"receipt": receipt})


def test_a_receipt_of_a_live_mark_changes_nothing() -> None:
    lesson = live_lesson(0)
    receipt = check_in(lesson.id, student(1))

    answer = send(receipt, student(1))

    assert (answer.status_code, answer.json()["outcome"]) == (200, "kept")
    assert answer.json()["source"] == "student"


def test_an_emptied_live_store_is_healed_by_receipts() -> None:
    lesson = live_lesson(0)
    receipts = {n: check_in(lesson.id, student(n)) for n in range(1, 6)}
    forget_everything()

    again = Api(student(1)).post(f"lessons/{lesson.id}/check-in/")
    seen = Api(TEACHER).get(f"lessons/{lesson.id}/")
    answers = [send(receipt, student(n)) for n, receipt in receipts.items() for _ in range(3)]

    assert (again.status_code, again.json()["code"]) == (404, "lesson_not_found")
    assert seen.json()["state"] == "lost"
    told = [answer.json()["outcome"] for answer in answers]
    assert told == ["restored", "kept", "kept"] * 5
    rows = AttendanceRecord.objects.all()
    assert {(row.source, row.status) for row in rows} == {("receipt", "present")}
    assert rows.count() == AttendanceEvent.objects.count() == 5
    assert LessonLedger.objects.get().state == LessonState.LOST
    # A correction goes on from there.
    body = {"status": "late", "reason": "tram"}
    path = f"lessons/{lesson.id}/records/S-0001/"
    assert Api(TEACHER).patch(path, body).json()["status"] == "late"
    assert send(receipts[1], student(1)).json()["status"] == "late"


def test_many_receipts_at_once_bring_each_mark_back_once() -> None:
    lesson = live_lesson(0)
    receipts = [(student(n), check_in(lesson.id, student(n))) for n in range(1, 21)]
    callers = [(Api(who), receipt) for who, receipt in receipts for _ in range(2)]
    forget_everything()

    def redeem(pair: tuple[Api, str]) -> int:
        try:
            return int(pair[0].post("receipts/", {"receipt": pair[1]}).status_code)
        finally:
            connection.close()

    with ThreadPoolExecutor(16) as pool:
        statuses = set(pool.map(redeem, callers))

    assert statuses == {200}
    assert AttendanceRecord.objects.count() == 20


def test_a_receipt_waits_for_whoever_stores_its_lesson() -> None:
    lesson = live_lesson(0)
    receipt = check_in(lesson.id, student(1))
    api = Api(student(1))
    forget_everything()

    def redeem() -> int:
        try:
            return int(api.post("receipts/", {"receipt": receipt}).status_code)
        finally:
            connection.close()

    with ThreadPoolExecutor(1) as pool:
        with transaction.atomic():
            claims.claim([lesson.id])
            answer = pool.submit(redeem)
            with pytest.raises(TimeoutError):
                answer.result(0.5)
        assert answer.result(10) == 200


def test_a_stored_lesson_whose_newer_copy_is_lost_is_lifted_with_the_first_word() -> None:
    lesson = live_lesson(0)
    receipt = check_in(lesson.id, student(1))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(store, "discard_if_unchanged", lambda *_, **__: {})
        finish_lesson(lesson.id, actor=TEACHER)
    # A correction after the commit: Redis has something newer, and is lost with it.
    LessonLedger.objects.update(state=LessonState.ENDED)
    forget_everything()

    assert send(receipt, student(1)).json()["outcome"] == "kept"

    # Nothing was said here yet: a newer copy that comes back is simply newer.
    assert Attendance.objects.get().revision < LOST_LIFT
    assert LessonLedger.objects.get().state == LessonState.LOST
    correct_record(
        Correction(
            lesson_id=lesson.id,
            school_number="S-0001",
            verdict=Verdict.LATE,
            actor=TEACHER,
            reason="tram",
        )
    )
    assert Attendance.objects.get().revision > LOST_LIFT


def test_a_copy_that_comes_back_replaces_nothing() -> None:
    lesson = live_lesson(0)
    receipt = check_in(lesson.id, student(1))
    check_in(lesson.id, student(2))
    saved = redis_state()
    forget_everything()
    send(receipt, student(1))
    Api(TEACHER).patch(
        f"lessons/{lesson.id}/records/S-0001/", {"status": "excused", "reason": "a contest"}
    )
    put_back(saved)

    end(lesson.id)
    report = unified_persistence_task()

    assert [each.outcome for each in report.lessons] == [Outcome.REWOUND]
    assert AttendanceRecord.objects.get(student__school_number="S-0001").status == "excused"


def test_a_mark_that_is_missing_in_a_stored_lesson_is_restored() -> None:
    lesson = live_lesson(0)
    receipt = check_in(lesson.id, student(1))
    redis = client.connection()
    redis.hdel(keys.records(lesson.id), "S-0001")
    put_counts(lesson.id, record_count=0)
    finish_lesson(lesson.id, actor=TEACHER)

    assert [send(receipt, student(1)).json()["outcome"] for _ in range(2)] == ["restored", "kept"]


def test_a_mark_that_is_missing_in_an_older_live_copy_is_restored() -> None:
    lesson = live_lesson(0)
    receipt = check_in(lesson.id, student(1))
    redis = client.connection()
    redis.hdel(keys.records(lesson.id), "S-0001")
    put_counts(lesson.id, record_count=0, revision=1)

    answers = [send(receipt, student(1)).json() for _ in range(2)]
    finish_lesson(lesson.id, actor=TEACHER)

    assert [each["outcome"] for each in answers] == ["restored", "kept"]
    assert AttendanceRecord.objects.get().source == "receipt"


@pytest.mark.parametrize("change", [lambda r: r[:-2], lambda r: "x" + r, lambda r: "garbage"])
def test_a_changed_receipt_is_refused(change: Any) -> None:
    lesson = live_lesson(0)
    receipt = check_in(lesson.id, student(1))
    forget_everything()

    answer = send(change(receipt), student(1))

    assert (answer.status_code, answer.json()["code"]) == (400, "invalid_receipt")
    assert not AttendanceRecord.objects.exists()


def test_a_receipt_is_its_students_or_for_staff() -> None:
    lesson = live_lesson(0)
    receipt = check_in(lesson.id, student(1))
    forget_everything()

    assert send(receipt, student(2)).json()["code"] == "not_your_receipt"
    assert send(receipt, TEACHER).json()["code"] == "not_your_receipt"
    assert send(receipt, STAFF).json()["outcome"] == "restored"


def test_an_older_copy_in_redis_is_not_taken_for_the_register() -> None:
    lesson = live_lesson(0)
    receipts = [check_in(lesson.id, student(n)) for n in (1, 2)]
    end(lesson.id)
    saved = redis_state()
    forget_everything()
    send(receipts[0], student(1))
    put_back(saved)
    unified_persistence_task()

    # The copy is not discarded and takes no more words; what it alone had is stored.
    assert AttendanceRecord.objects.count() == 2
    answer = send(receipts[1], student(2)).json()
    renamed = Api(TEACHER).patch(f"lessons/{lesson.id}/", {"lesson_name": "Physics II"})

    assert answer["outcome"] == "kept"
    assert AttendanceRecord.objects.count() == 2
    assert renamed.json()["lesson_name"] == Attendance.objects.get().lesson_name == "Physics II"


def code_of(answer: Any) -> tuple[int, str]:
    return answer.status_code, answer.json()["code"]


def test_a_receipt_is_refused_a_year_after_its_lesson(monkeypatch: pytest.MonkeyPatch) -> None:
    lesson = live_lesson(0)
    receipt = check_in(lesson.id, student(1))
    forget_everything()
    ended = instants.instant(services.open_receipt(receipt).ends_at)
    now = ended + timedelta(days=365, seconds=1)
    monkeypatch.setattr("attendance.services.receipts.redeeming.timezone.now", lambda: now)

    for who in (student(1), STAFF):
        with pytest.raises(ReceiptExpired):
            services.redeem(receipt, caller=who)
    assert not Attendance.objects.exists()

    now = ended + timedelta(days=365)
    assert services.redeem(receipt, caller=student(1)).outcome == "restored"


def test_an_old_receipt_is_answered_as_gone(settings: Any) -> None:
    lesson = live_lesson(0)
    receipt = check_in(lesson.id, student(1))
    settings.RECEIPT_DAYS = -1
    assert code_of(send(receipt, student(1))) == (410, "receipt_expired")


def test_a_page_gives_no_receipt_that_would_be_refused(settings: Any) -> None:
    lesson = live_lesson(0)
    assert check_in(lesson.id, student(1))
    settings.RECEIPT_DAYS = -1
    assert check_in(lesson.id, student(2)) == ""


def test_a_lesson_that_was_erased_does_not_come_back_by_a_receipt() -> None:
    lesson = live_lesson(0)
    receipt = check_in(lesson.id, student(1))
    finish_lesson(lesson.id, actor=TEACHER)
    with connection.cursor() as cursor:
        cursor.execute("TRUNCATE attendance_attendanceevent")
    AttendanceRecord.objects.all().delete()
    Attendance.objects.all().delete()

    for who in (student(1), STAFF):
        assert code_of(send(receipt, who)) == (409, "lesson_deleted")

    assert not Attendance.objects.exists()
    assert LessonLedger.objects.get().state == LessonState.DISCARDED


def test_a_receipt_adds_no_mark_to_a_lesson_that_is_flagged_as_deleted() -> None:
    lesson = live_lesson(0)
    receipts = {n: check_in(lesson.id, student(n)) for n in (1, 2)}
    finish_lesson(lesson.id, actor=TEACHER)
    AttendanceRecord.objects.filter(school_number="S-0001").delete()
    delete_attendance(lesson.id, actor=TEACHER, reason="a test")

    assert code_of(send(receipts[1], student(1))) == (409, "lesson_deleted")
    # What is there is flagged with its lesson, and needs nothing.
    assert send(receipts[2], student(2)).json()["outcome"] == "kept"
    assert AttendanceRecord.objects.count() == 1

    restore_attendance(lesson.id, actor=TEACHER, reason="not a test")
    assert send(receipts[1], student(1)).json()["outcome"] == "restored"
