"""Records of a person with two accounts: all are theirs, one is effective, none is rewritten."""

import re
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from attendance.models import AttendanceRecord
from attendance.selectors import own
from attendance.selectors.paging import Slice
from attendance.services.check_in import check_in
from attendance.services.corrections import Correction, correct_record
from attendance.services.lessons import finish_lesson
from attendance.services.persistence import unified_persistence_task
from attendance.vocabulary import Source, Status, Verdict
from tests.support.callers import Api, account
from tests.support.factories import AttendanceFactory, AttendanceRecordFactory
from tests.support.lessons import TEACHER, end, forget_everything, live_lesson
from tests.support.people import merge, unmerge
from users.identity import Person, Role
from users.models import User

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("totals_agree")]

OLD, NEW = Person("OLD-1", "Ada Old"), Person("NEW-1", "Ada New")
BOTH = ("NEW-1", "OLD-1")


@pytest.fixture
def old() -> User:
    return account(OLD)


@pytest.fixture
def new() -> User:
    return account(NEW)


def stored(student: User, *, lesson: Any = None, **values: Any) -> AttendanceRecord:
    return AttendanceRecordFactory.create(
        student=student, attendance=lesson or AttendanceFactory.create(), **values
    )


def mine() -> dict[str, tuple[str, str]]:
    """Number and status in each lesson, as the API tells the person who signs in."""
    results = Api(NEW).get("me/records/").json()["results"]
    found = {each["lesson"]["id"]: (each["school_number"], each["status"]) for each in results}
    assert len(found) == len(results)
    return found


def shares() -> dict[str, int]:
    counts = own.find_own_attendance(BOTH, Slice()).counts
    return {status: n for status, n in counts.items() if n}


def test_records_of_both_accounts_are_the_person_s(old: User, new: User) -> None:
    first, second = stored(old), stored(new, status=Status.LATE)
    live = live_lesson(0)
    check_in(live.id, student=OLD)
    before = {str(second.attendance_id): ("NEW-1", "late")}
    assert mine() == before

    merge(old, new)

    assert mine() == before | {
        str(first.attendance_id): ("OLD-1", "present"),
        str(live.id): ("OLD-1", "present"),
    }
    assert Api(NEW).get(f"lessons/{live.id}/my-record/").json()["school_number"] == "OLD-1"
    assert Api(NEW).get(f"lessons/{first.attendance_id}/my-record/").status_code == 200
    unmerge(old)
    assert mine() == before
    assert Api(NEW).get(f"lessons/{live.id}/my-record/").status_code == 404


def test_two_marks_in_a_lesson_stay_and_one_is_shown(old: User, new: User) -> None:
    lesson = AttendanceFactory.create()
    at = timezone.now() - timedelta(hours=1)
    stored(new, lesson=lesson, checked_in_at=at, status=Status.PRESENT)
    stored(old, lesson=lesson, source=Source.TEACHER, status=Status.EXCUSED, reason="ill")
    stored(old)
    merge(old, new)

    assert mine()[str(lesson.pk)] == ("OLD-1", "excused")
    assert Api(NEW).get(f"lessons/{lesson.pk}/my-record/").json()["status"] == "excused"
    assert shares() == {"present": 1, "excused": 1}
    assert AttendanceRecord.objects.filter(attendance=lesson).count() == 2


def test_a_mark_that_was_deleted_loses_to_one_that_was_kept(old: User, new: User) -> None:
    lesson = AttendanceFactory.create()
    stored(
        new,
        lesson=lesson,
        source=Source.STAFF,
        deleted_at=timezone.now(),
        deleted_reason="a test",
        deleted_by=new,
    )
    stored(old, lesson=lesson, status=Status.LATE)
    merge(old, new)
    assert mine() == {str(lesson.pk): ("OLD-1", "late")}
    assert shares() == {"late": 1}


def test_two_live_marks_are_one_for_the_person_before_and_after_the_lesson(
    old: User, new: User
) -> None:
    lesson = live_lesson(0)
    check_in(lesson.id, student=OLD)
    check_in(lesson.id, student=NEW)
    merge(old, new)

    def told() -> Any:
        found = own.find_own(lesson.id, BOTH)
        assert found is not None
        return (found.record.school_number, mine(), shares())

    arrived_first = ("OLD-1", {str(lesson.id): ("OLD-1", "present")}, {"present": 1})
    assert told() == arrived_first
    end(lesson.id)
    assert told() == arrived_first
    unified_persistence_task()
    assert told() == arrived_first
    assert AttendanceRecord.objects.count() == 2

    correct_record(
        Correction(
            lesson_id=lesson.id,
            school_number="NEW-1",
            verdict=Verdict.LATE,
            actor=TEACHER,
            reason="tram",
        )
    )
    assert told() == ("NEW-1", {str(lesson.id): ("NEW-1", "late")}, {"late": 1})


@pytest.mark.parametrize("size", [1, 2, 3])
def test_pages_hold_so_many_lessons_however_many_records(old: User, new: User, size: int) -> None:
    lessons = [AttendanceFactory.create() for _ in range(5)]
    for lesson in lessons:
        stored(old, lesson=lesson)
        stored(new, lesson=lesson)
    merge(old, new)
    caller, seen, address = Api(NEW), [], f"me/records/?page_size={size}"
    for _ in range(6):
        page = caller.get(address).json()
        assert len(page["results"]) <= size
        seen += [each["lesson"]["id"] for each in page["results"]]
        if page["next"] is None:
            break
        address = page["next"].partition("/api/v1/")[2]
    assert seen == sorted((str(lesson.pk) for lesson in lessons), reverse=True)


def test_the_pages_of_the_student_tell_the_same(old: User, new: User) -> None:
    lesson = AttendanceFactory.create(lesson_name="Physics")
    stored(new, lesson=lesson, status=Status.PRESENT)
    stored(old, lesson=lesson, source=Source.TEACHER, status=Status.LATE, reason="tram")
    stored(old, lesson=AttendanceFactory.create(lesson_name="Art"))
    merge(old, new)
    browser = Client()
    browser.force_login(new, "users.backends.AccountBackend")

    page = browser.get("/me/")
    calendar = browser.get("/me/attendance.ics").content.decode()
    mark = browser.get(f"/lessons/{lesson.pk}/mine/")

    statuses = {line[0].record.status for line in page.context["shown"]}
    assert (len(page.context["shown"]), statuses) == (2, {"late", "present"})
    assert sum(n for _status, n, _share in page.context["shares"]) == 2
    assert len(re.findall("BEGIN:VEVENT", calendar)) == 2
    assert "Physics (late)" in calendar
    assert mark.context["own"].record.status == "late"


def test_who_was_here_under_the_old_number_is_not_asked_again(old: User, new: User) -> None:
    lesson = live_lesson(0)
    check_in(lesson.id, student=OLD)
    merge(old, new)
    browser = Client()
    browser.force_login(new, "users.backends.AccountBackend")
    answer = browser.get(f"/lessons/{lesson.id}/here/")
    assert answer["Location"] == f"/lessons/{lesson.id}/mine/"


def test_a_receipt_of_the_old_number_is_the_person_s(old: User, new: User) -> None:
    lesson = live_lesson(0)
    receipt = Api(OLD).post(f"lessons/{lesson.id}/check-in/").json()["receipt"]
    forget_everything()
    refused = Api(NEW).post("receipts/", {"receipt": receipt})
    assert (refused.status_code, refused.json()["code"]) == (403, "not_your_receipt")

    merge(old, new)

    answer = Api(NEW).post("receipts/", {"receipt": receipt})
    assert (answer.status_code, answer.json()["outcome"]) == (200, "restored")
    row = AttendanceRecord.objects.get()
    # Written for the account, and under the name, of then.
    assert (row.student, row.full_name) == (old, "Ada Old")
    unmerge(old)
    assert Api(NEW).post("receipts/", {"receipt": receipt}).status_code == 403


def test_a_teacher_sees_the_lessons_of_the_other_account_in_the_api() -> None:
    old_teacher = Person("T-OLD", "Teacher Old", Role.TEACHER)
    new_teacher = Person("T-NEW", "Teacher New", Role.TEACHER)
    lesson = live_lesson(1, teacher=old_teacher)
    assert Api(new_teacher).get(f"lessons/{lesson.id}/").status_code == 404
    merge(account(old_teacher), account(new_teacher))
    for part in ("", "records/", "events/", "refusals/", "code/"):
        assert Api(new_teacher).get(f"lessons/{lesson.id}/{part}").status_code == 200
    unmerge(account(old_teacher))
    assert Api(new_teacher).get(f"lessons/{lesson.id}/").status_code == 404


def test_a_merge_leaves_every_stored_row_as_it_is(old: User, new: User) -> None:
    lesson = live_lesson(2)
    check_in(lesson.id, student=OLD)
    finish_lesson(lesson.id, actor=TEACHER)
    stored(new)
    rows = list(AttendanceRecord.objects.order_by("pk").values())
    merge(old, new)
    assert list(AttendanceRecord.objects.order_by("pk").values()) == rows
    unmerge(old)
    assert list(AttendanceRecord.objects.order_by("pk").values()) == rows


def test_the_statements_do_not_grow_with_the_lessons(old: User, new: User) -> None:
    merge(old, new)

    def statements() -> int:
        with CaptureQueriesContext(connection) as captured:
            own.find_own_attendance(BOTH, Slice())
        return len(captured)

    for user in (old, new):
        stored(user, lesson=None)
    few = statements()
    for _ in range(10):
        lesson = AttendanceFactory.create()
        stored(old, lesson=lesson)
        stored(new, lesson=lesson)
    assert statements() == few
    with CaptureQueriesContext(connection) as alone:
        own.find_own_attendance(("NEW-1",), Slice())
    # Whoever has one account pays for no merge.
    assert len(alone) == 2
