"""A receipt ends with its term, and never brings back a person who was erased."""

from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.utils import timezone

from attendance.errors import PersonErased, ReceiptExpired
from attendance.models import (
    Attendance,
    AttendanceRecord,
    LessonLedger,
    QuarantinedPayload,
)
from attendance.services import quarantine, receipts
from attendance.services.check_in import check_in
from attendance.services.lessons import finish_lesson
from courses.models import Term
from courses.selectors.sections import term_end
from tests.support.callers import Api, account
from tests.support.lessons import TEACHER, forget_everything, live_lesson, student
from tests.support.sections import section_lesson, section_of_today
from users.identity import Person, Role
from users.models import ErasedNumber, User

pytestmark = pytest.mark.django_db(transaction=True)

STAFF = Person("STAFF-1", "Staff 1", Role.STAFF)


def at(monkeypatch: pytest.MonkeyPatch, moment: Any) -> None:
    monkeypatch.setattr("attendance.services.receipts.redeeming.timezone.now", lambda: moment)


@pytest.mark.parametrize("names_its_section", [True, False])
def test_a_receipt_ends_with_its_term(
    monkeypatch: pytest.MonkeyPatch, settings: Any, names_its_section: bool
) -> None:
    section = section_of_today([1])
    lesson = section_lesson(section)
    done = check_in(lesson.id, student=student(1))
    text = receipts.issue(done if names_its_section else done._replace(section=None))
    forget_everything()
    end = term_end(section.pk)
    assert end
    settings.RECEIPT_TERM_DAYS = 10

    at(monkeypatch, end + timedelta(days=10, seconds=1))
    for who in (student(1), STAFF):
        with pytest.raises(ReceiptExpired):
            receipts.redeem(text, caller=who)
    assert receipts.issue(done) == ""
    assert not Attendance.objects.exists()

    at(monkeypatch, end + timedelta(days=10))
    assert receipts.redeem(text, caller=student(1)).outcome == "restored"


def test_the_days_after_the_lesson_are_the_most_in_any_case(
    monkeypatch: pytest.MonkeyPatch, settings: Any
) -> None:
    section = section_of_today([1])
    lesson = section_lesson(section)
    text = receipts.issue(check_in(lesson.id, student=student(1)))
    settings.RECEIPT_DAYS = 3
    Term.objects.update(ends_on=timezone.now().date() + timedelta(days=300))
    at(monkeypatch, lesson.ends_at + timedelta(days=3, seconds=1))
    with pytest.raises(ReceiptExpired):
        receipts.redeem(text, caller=student(1))


def test_a_check_in_asks_for_no_term(django_assert_num_queries: Any) -> None:
    section = section_of_today([1])
    lesson = section_lesson(section)
    done = check_in(lesson.id, student=student(1))
    with django_assert_num_queries(0):
        assert receipts.issue(done)


def erase(number: str) -> None:
    """As staff do: what a person has first, then the person."""
    with connection.cursor() as cursor:
        cursor.execute("TRUNCATE attendance_attendanceevent")
    AttendanceRecord.objects.filter(school_number=number).delete()
    User.objects.get(school_number=number).delete()


def stored_lesson(*, is_lost: bool) -> tuple[Any, str, str]:
    lesson = live_lesson(0)
    for n in (1, 2):
        account(student(n))
    mine, other = (receipts.issue(check_in(lesson.id, student=student(n))) for n in (1, 2))
    if is_lost:
        forget_everything()
    else:
        finish_lesson(lesson.id, actor=TEACHER)
    return lesson, mine, other


@pytest.mark.parametrize("is_lost", [True, False])
@pytest.mark.parametrize("has_new_account", [True, False])
def test_nobody_who_was_erased_comes_back_by_a_receipt(
    is_lost: bool, has_new_account: bool
) -> None:
    _lesson, mine, other = stored_lesson(is_lost=is_lost)
    erase("S-0001")
    if has_new_account:
        # The school has given the number to somebody else.
        account(Person("S-0001", "Another"))
    for who in (student(1), STAFF):
        with pytest.raises(PersonErased):
            receipts.redeem(mine, caller=who)
    assert User.objects.filter(school_number="S-0001").exists() == has_new_account
    assert not AttendanceRecord.objects.filter(school_number="S-0001").exists()
    # Others are not concerned.
    assert receipts.redeem(other, caller=student(2)).outcome in {"restored", "kept"}


def test_the_phone_is_told_that_it_is_gone() -> None:
    _lesson, mine, _other = stored_lesson(is_lost=True)
    erase("S-0001")
    answer = Api(STAFF).post("receipts/", {"receipt": mine})
    assert (answer.status_code, answer.json()["code"]) == (410, "person_erased")


def test_a_mark_of_after_the_erasing_is_of_somebody_new() -> None:
    account(student(1))
    erase("S-0001")
    account(student(1))
    _lesson, mine, _other = stored_lesson(is_lost=True)
    assert receipts.redeem(mine, caller=student(1)).outcome == "restored"


def test_a_former_number_of_somebody_who_was_erased_is_theirs_too() -> None:
    _lesson, mine, _other = stored_lesson(is_lost=True)
    user = User.objects.get(school_number="S-0001")
    user.school_number = "S-9001"
    user.save()
    user.delete()
    with pytest.raises(PersonErased):
        receipts.redeem(mine, caller=STAFF)


def test_what_is_remembered_names_nobody_and_outlives_a_change_of_the_key(settings: Any) -> None:
    former = settings.SECRET_KEY
    _lesson, mine, _other = stored_lesson(is_lost=True)
    settings.SECRET_KEY_FALLBACKS = ["the next key 0123456789 abcdefghijklmnopqrstuvwxyz and more"]
    erase("S-0001")
    assert not any("S-0001" in row.fingerprint for row in ErasedNumber.objects.all())
    assert ErasedNumber.objects.count() == 2

    [settings.SECRET_KEY], settings.SECRET_KEY_FALLBACKS = settings.SECRET_KEY_FALLBACKS, [former]
    with pytest.raises(PersonErased):
        receipts.redeem(mine, caller=STAFF)


def test_staff_take_no_receipt_of_somebody_who_was_erased() -> None:
    _lesson, mine, _other = stored_lesson(is_lost=True)
    LessonLedger.objects.all().delete()
    assert receipts.redeem(mine, caller=student(1)).outcome == "waits"
    erase("S-0001")
    with pytest.raises(PersonErased):
        quarantine.retry_payload(QuarantinedPayload.objects.get().pk, actor=_staff())
    assert not User.objects.filter(school_number="S-0001").exists()


def test_the_receipt_of_an_erased_teacher_s_lesson_waits_until_staff_make_the_account() -> None:
    account(TEACHER)
    _lesson, mine, _other = stored_lesson(is_lost=True)
    User.objects.get(school_number=TEACHER.school_number).delete()

    assert receipts.redeem(mine, caller=student(1)).outcome == "waits"
    assert not User.objects.filter(school_number=TEACHER.school_number).exists()
    pk = QuarantinedPayload.objects.get().pk
    with pytest.raises(PersonErased):
        quarantine.retry_payload(pk, actor=_staff())
    account(TEACHER)
    quarantine.retry_payload(pk, actor=_staff())
    assert AttendanceRecord.objects.get().source == "receipt"


def _staff() -> Person:
    account(STAFF)
    return STAFF
