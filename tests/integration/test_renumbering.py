"""Somebody gets another number: they stay the same person, with each mark once."""

from typing import Any

import pytest
from django.db import IntegrityError, connection, transaction
from django.utils import timezone

from attendance.live import client, keys
from attendance.models import Attendance, AttendanceRecord, LessonLedger, QuarantinedPayload
from attendance.selectors.registers import find_record
from attendance.services import receipts
from attendance.services.check_in import Given, check_in
from attendance.services.corrections import Correction, correct_record
from attendance.services.lessons import finish_lesson
from attendance.services.persistence import unified_persistence_task
from attendance.services.persistence.discard import store as live_store
from attendance.vocabulary import Verdict
from tests.support.callers import PASSWORD, Api, account
from tests.support.lessons import (
    TEACHER,
    end,
    ended_lesson,
    forget_everything,
    live_lesson,
    put_back,
    redis_state,
    student,
)
from tests.support.sections import register_of, section_lesson, section_of_today, user_of
from users.identity import Person
from users.models import FormerNumber, User
from users.services import ensure_users

pytestmark = pytest.mark.django_db(transaction=True)

OLD, NEW = "S-0001", "S-9001"


def renumber(old: str = OLD, new: str = NEW) -> User:
    user = User.objects.get(school_number=old)
    user.school_number = new
    user.save()
    return user


def by_sql(old: str = OLD, new: str = NEW) -> User:
    with connection.cursor() as cursor:
        cursor.execute(
            "UPDATE users_user SET school_number = %s WHERE school_number = %s", [new, old]
        )
    return User.objects.get(school_number=new)


def in_bulk(old: str = OLD, new: str = NEW) -> User:
    user = User.objects.get(school_number=old)
    user.school_number = new
    User.objects.bulk_update([user], ["school_number"])
    return user


@pytest.fixture(params=[renumber, by_sql, in_bulk])
def change(request: pytest.FixtureRequest) -> Any:
    return request.param


def stored(lesson_id: Any) -> list[tuple[str, str, str]]:
    """The number now, the number seen and the status of each record."""
    rows = AttendanceRecord.objects.filter(attendance_id=lesson_id).order_by("school_number")
    return list(rows.values_list("student__school_number", "school_number", "status"))


def correct(lesson_id: Any, number: str, verdict: Verdict = Verdict.LATE, **values: Any) -> Any:
    return correct_record(
        Correction(
            lesson_id=lesson_id,
            school_number=number,
            verdict=verdict,
            actor=TEACHER,
            reason="a test",
            **values,
        )
    )


def keep_in_redis(monkeypatch: pytest.MonkeyPatch) -> None:
    """A task that dies behind its commit: nothing is discarded."""
    monkeypatch.setattr(live_store, "discard_if_unchanged", lambda *_, **__: {})


def test_a_death_behind_the_commit_makes_no_second_person(
    change: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    lesson = ended_lesson(2)
    with monkeypatch.context() as patch:
        keep_in_redis(patch)
        unified_persistence_task()
    change()
    correct(lesson.id, "S-0002")

    report = unified_persistence_task(lesson_ids=[lesson.id])

    assert report.sums_agree
    assert stored(lesson.id) == [(NEW, OLD, "present"), ("S-0002", "S-0002", "late")]
    assert not User.objects.filter(school_number=OLD).exists()
    assert LessonLedger.objects.get().state == "discarded"


def test_a_receipt_is_of_the_person(change: Any) -> None:
    lesson = live_lesson(1)
    receipt = receipts.issue(check_in(lesson.id, student=student(1)))
    finish_lesson(lesson.id, actor=TEACHER)
    user = change()

    assert receipts.redeem(receipt, caller=Person(OLD, "Student 0001")).outcome == "kept"
    AttendanceRecord.objects.all().delete()
    answer = Api(user.as_person()).post("receipts/", {"receipt": receipt})

    assert (answer.status_code, answer.json()["outcome"]) == (200, "restored"), answer.content
    assert stored(lesson.id) == [(NEW, OLD, "present")]
    assert User.objects.count() == 2


def test_a_receipt_of_a_lesson_that_is_live_finds_the_record() -> None:
    lesson = live_lesson(0)
    receipt = receipts.issue(check_in(lesson.id, student=student(1)))
    account(student(1))
    user = renumber()
    check_in(lesson.id, student=user.as_person(), given=Given(other_numbers=(OLD,)))
    answer = Api(user.as_person()).post("receipts/", {"receipt": receipt})
    assert answer.json()["outcome"] == "kept"


def test_a_lesson_that_stays_in_redis_for_a_while_makes_no_second_person(
    change: Any, settings: Any
) -> None:
    settings.DISCARD_AFTER_MINUTES = 60
    lesson = ended_lesson(2)
    unified_persistence_task()
    change()
    settings.DISCARD_AFTER_MINUTES = 0

    report = unified_persistence_task(lesson_ids=[lesson.id])

    assert report.sums_agree
    assert report.totals.counts.unchanged == 2
    assert stored(lesson.id) == [(NEW, OLD, "present"), ("S-0002", "S-0002", "present")]


def test_a_number_is_never_given_to_somebody_else(change: Any) -> None:
    account(student(1))
    change()
    with pytest.raises(IntegrityError, match="was somebody else's"), transaction.atomic():
        User.objects.create_user(OLD, "Somebody Else")
    account(student(2))
    with pytest.raises(IntegrityError, match="was somebody else's"), transaction.atomic():
        change("S-0002", OLD)
    assert ensure_users_once([Person(OLD, "Somebody Else")]) == {
        OLD: User.objects.get(school_number=NEW).pk
    }


def ensure_users_once(people: list[Person]) -> dict[str, int]:
    with transaction.atomic():
        return ensure_users(people)


def test_somebody_may_take_their_own_number_back(change: Any) -> None:
    user = account(student(1))
    change()
    change(NEW, OLD)
    assert list(FormerNumber.objects.values_list("number", "user")) == [(NEW, user.pk)]
    change(OLD, "S-9002")
    assert set(FormerNumber.objects.values_list("number", flat=True)) == {OLD, NEW}


def test_a_change_in_mid_lesson_makes_nobody_new(change: Any) -> None:
    lesson = live_lesson(0)
    account(student(1))
    check_in(lesson.id, student=student(1))
    user = change()
    finish_lesson(lesson.id, actor=TEACHER)
    assert stored(lesson.id) == [(NEW, OLD, "present")]
    assert User.objects.filter(role="student").get() == user


def test_a_second_check_in_under_the_new_number_is_a_repeat() -> None:
    lesson = live_lesson(0)
    account(student(1))
    first = Api(student(1)).post(f"lessons/{lesson.id}/check-in/")
    user = renumber()
    again = Api(user.as_person()).post(f"lessons/{lesson.id}/check-in/")

    assert (first.status_code, again.status_code) == (201, 200)
    assert again.json()["checked_in_at"] == first.json()["checked_in_at"]
    finish_lesson(lesson.id, actor=TEACHER)
    assert stored(lesson.id) == [(NEW, OLD, "present")]


def test_two_records_of_one_person_are_one_row_and_one_in_quarantine() -> None:
    lesson = live_lesson(0)
    account(student(1))
    check_in(lesson.id, student=student(1))
    user = renumber()
    # As by a process that does not know of the change yet.
    check_in(lesson.id, student=user.as_person())
    end(lesson.id)

    report = unified_persistence_task()

    assert report.sums_agree
    assert (report.totals.counts.inserted, report.totals.counts.quarantined) == (1, 1)
    assert stored(lesson.id) == [(NEW, OLD, "present")]
    assert QuarantinedPayload.objects.get().field == NEW
    assert LessonLedger.objects.get().state == "discarded"


def test_two_records_of_one_person_in_a_lesson_that_is_halved() -> None:
    lesson = live_lesson(1, first=3)
    account(student(1))
    check_in(lesson.id, student=student(1))
    user = renumber()
    check_in(lesson.id, student=user.as_person())
    check_in(lesson.id, student=student(2))
    end(lesson.id)
    with connection.cursor() as cursor:
        cursor.execute(
            "ALTER TABLE attendance_attendancerecord ADD CONSTRAINT refuses_one"
            " CHECK (school_number <> 'S-0002')"
        )
    try:
        report = unified_persistence_task()
    finally:
        with connection.cursor() as cursor:
            cursor.execute("ALTER TABLE attendance_attendancerecord DROP CONSTRAINT refuses_one")
    assert report.sums_agree
    assert stored(lesson.id) == [(NEW, OLD, "present"), ("S-0003", "S-0003", "present")]
    fields = QuarantinedPayload.objects.values_list("field", flat=True)
    assert set(fields) == {"S-0002", NEW}


@pytest.mark.parametrize("number", [OLD, NEW])
def test_a_correction_finds_the_person_by_either_number(number: str) -> None:
    lesson = live_lesson(0)
    account(student(1))
    check_in(lesson.id, student=student(1))
    renumber()
    assert correct(lesson.id, number).status == "late"
    finish_lesson(lesson.id, actor=TEACHER)
    assert stored(lesson.id) == [(NEW, OLD, "late")]
    assert correct(lesson.id, number, Verdict.ABSENT).status == "absent"
    found = find_record(lesson.id, number)
    assert found is not None
    assert found.status == "absent"
    assert stored(lesson.id) == [(NEW, OLD, "absent")]


def test_an_older_copy_that_comes_back_makes_no_second_person(change: Any) -> None:
    lesson = ended_lesson(2)
    copy = redis_state()
    unified_persistence_task()
    correct(lesson.id, "S-0002")
    change()
    forget_everything()
    put_back(copy)

    report = unified_persistence_task()

    assert report.sums_agree
    assert stored(lesson.id) == [(NEW, OLD, "present"), ("S-0002", "S-0002", "late")]
    assert User.objects.filter(role="student").count() == 2


def test_a_teacher_with_another_number_keeps_the_lesson() -> None:
    account(TEACHER)
    lesson = live_lesson(1)
    teacher = renumber(TEACHER.school_number, "T-9")
    api = Api(teacher.as_person())
    ids = [row["id"] for row in api.get("lessons/").json()["results"]]
    assert ids == [str(lesson.id)]
    assert api.get(f"lessons/{lesson.id}/").status_code == 200
    assert api.post(f"lessons/{lesson.id}/finish/").status_code == 200
    row = Attendance.objects.get()
    assert (row.teacher.school_number, row.pk) == ("T-9", lesson.id)
    assert [x["id"] for x in api.get("lessons/").json()["results"]] == [str(lesson.id)]


def test_whoever_is_expected_under_an_old_number_came() -> None:
    section = section_of_today([1, 2])
    lesson = section_lesson(section, [1])
    renumber()
    assert api_counts(lesson.id) == {"expected": 2, "missing": 1}
    finish_lesson(lesson.id, actor=TEACHER)
    assert register_of(lesson.id) == {
        NEW: ("present", "student", True),
        "S-0002": ("absent", "system", True),
    }


def api_counts(lesson_id: Any) -> dict[str, int]:
    counts = Api(TEACHER).get(f"lessons/{lesson_id}/").json()["counts"]
    return {name: counts[name] for name in ("expected", "missing")}


def test_signing_in_with_an_old_number_opens_the_account_and_shares_its_limit() -> None:
    account(student(1), password=PASSWORD)
    user = renumber()
    answer = Api().post("auth/tokens/", {"school_number": OLD, "password": PASSWORD})
    assert answer.status_code == 201, answer.content
    for typed in [OLD, NEW, "s-9001", " s-0001", "Ｓ-0001"] * 2:
        wrong = Api().post("auth/tokens/", {"school_number": typed, "password": "wrong"})
        assert wrong.status_code == 401, wrong.content
    for typed in (OLD, NEW):
        refused = Api().post("auth/tokens/", {"school_number": typed, "password": PASSWORD})
        assert (refused.status_code, refused.json()["code"]) == (429, "too_many_attempts")
    assert user.pk


def test_a_check_in_under_the_new_number_costs_no_query(django_assert_num_queries: Any) -> None:
    lesson = live_lesson(0)
    account(student(1))
    check_in(lesson.id, student=student(1))
    api = Api(renumber().as_person())
    api.get("me/")
    with django_assert_num_queries(0):
        assert api.post(f"lessons/{lesson.id}/check-in/").status_code == 200


def test_sums_ask_the_table(monkeypatch: pytest.MonkeyPatch) -> None:
    """A row that went missing behind the task's back is seen before Redis forgets it."""
    lesson = ended_lesson(2)
    with monkeypatch.context() as patch:
        keep_in_redis(patch)
        unified_persistence_task()
    AttendanceRecord.objects.filter(school_number=OLD).delete()

    report = unified_persistence_task(lesson_ids=[lesson.id])

    assert report.totals.outcomes == {"failed": 1}
    assert client.connection().exists(keys.lesson(lesson.id))
    assert "SumsDisagree" in LessonLedger.objects.get().last_error


def test_a_number_that_was_seen_stands_once_in_a_lesson() -> None:
    lesson = ended_lesson(1)
    unified_persistence_task()
    other = account(student(5))
    with pytest.raises(IntegrityError, match="attendance_record_once_per_number"):
        AttendanceRecord.objects.create(
            attendance_id=lesson.id,
            student=other,
            school_number=OLD,
            full_name="Somebody Else",
            status="present",
            source="student",
            revision=9,
            changed_at=timezone.now(),
        )
    assert user_of(student(5)) == other
