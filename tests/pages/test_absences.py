"""Absences on pages: a student asks on a phone, a teacher or staff decide."""

from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import OperationalError, connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone, translation
from pytest_django.fixtures import Settings

from attendance.web.pages import absences as pages
from attendance.web.pages import my_absences
from attendance.wording.absences import span
from courses.models import Absence
from courses.services.absences import decide_absence
from tests.pages.visitors import form_of, signed_in, text_of
from tests.support import absences as school
from tests.support.absences import (
    ASSISTANT,
    NOT_ON_ROSTER,
    OBSERVER,
    ON_ROSTER,
    OTHER_TEACHER,
    PDF,
    STAFF,
    TEACHER,
    SmallCourse,
    added_file,
    asked_absence,
)
from tests.support.callers import account
from tests.support.course_factories import AbsenceReasonFactory
from users.services.merging import merge_people

pytestmark = pytest.mark.django_db(transaction=True)

ASK = "/me/absences/ask/"
BERLIN = "Europe/Berlin"


@pytest.fixture(autouse=True)
def folder(settings: Settings, tmp_path: Path) -> Path:
    settings.EVIDENCE_FOLDER = str(tmp_path)
    settings.TIME_ZONE = BERLIN
    return tmp_path


@pytest.fixture
def course() -> SmallCourse:
    return school.made_course()


def sent(name: str = "note.pdf", content: bytes = PDF) -> SimpleUploadedFile:
    return SimpleUploadedFile(name, content)


def ask(course: SmallCourse, **changes: Any) -> Any:
    phone = signed_in(ON_ROSTER)
    values = form_of(phone.get(ASK), reason=course.reason.pk) | {"sections": []}
    return phone.post(ASK, values | changes)


def test_a_student_asks_for_today_with_two_touches(course: SmallCourse) -> None:
    answer = ask(course)
    assert (answer.status_code, answer["Location"]) == (302, "/me/absences/")
    absence = Absence.objects.get()
    midnight = datetime.combine(timezone.localdate(), time(), ZoneInfo(BERLIN))
    assert absence.starts_at == midnight
    assert absence.ends_at == datetime.combine(
        timezone.localdate() + timedelta(days=1), time(), ZoneInfo(BERLIN)
    )
    assert absence.is_for_all_sections
    page = text_of(signed_in(ON_ROSTER).get("/me/absences/"))
    assert "Waits for a decision" in page
    assert "It is for all courses: staff decide." in page
    assert "the whole day" in page


@pytest.mark.parametrize(
    ("typed", "starts_at", "ends_at"),
    [
        (
            {"from_time": "09:00", "until_time": "12:30"},
            datetime(2026, 10, 5, 7, tzinfo=UTC),
            datetime(2026, 10, 5, 10, 30, tzinfo=UTC),
        ),
        # A day of 25 hours, and one of 23.
        (
            {"first_day": "2026-10-25", "last_day": "2026-10-25"},
            datetime(2026, 10, 24, 22, tzinfo=UTC),
            datetime(2026, 10, 25, 23, tzinfo=UTC),
        ),
        (
            {"first_day": "2026-03-29", "last_day": "2026-03-29"},
            datetime(2026, 3, 28, 23, tzinfo=UTC),
            datetime(2026, 3, 29, 22, tzinfo=UTC),
        ),
        # 02:30 does not exist then, and 02:30 is there twice.
        (
            {"first_day": "2026-03-29", "from_time": "02:30", "last_day": "2026-03-29"},
            datetime(2026, 3, 29, 1, tzinfo=UTC),
            datetime(2026, 3, 29, 22, tzinfo=UTC),
        ),
        (
            {"first_day": "2026-10-25", "last_day": "2026-10-25", "until_time": "02:30"},
            datetime(2026, 10, 24, 22, tzinfo=UTC),
            datetime(2026, 10, 25, 0, 30, tzinfo=UTC),
        ),
    ],
)
def test_times_are_those_of_the_campus(
    typed: dict[str, str], starts_at: datetime, ends_at: datetime, course: SmallCourse
) -> None:
    days = {"first_day": "2026-10-05", "last_day": "2026-10-05"}
    assert ask(course, **{**days, **typed}).status_code == 302
    absence = Absence.objects.get()
    assert (absence.starts_at, absence.ends_at) == (starts_at, ends_at)


def test_a_student_names_courses_and_sends_files(course: SmallCourse) -> None:
    photo = sent("photo.jpg", b"\xff\xd8\xff\xe0")
    sections = [str(course.section.pk)]
    answer = ask(course, sections=sections, photo=photo, files=[sent(), sent("2.pdf")])
    assert answer.status_code == 302
    absence = Absence.objects.get()
    assert list(absence.sections.all()) == [course.section]
    assert [row.kind for row in absence.evidence.order_by("pk")] == ["jpeg", "pdf", "pdf"]


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"last_day": "2020-01-01"}, "ends before it starts"),
        ({"from_time": "12:00", "until_time": "12:00"}, "ends before it starts"),
        ({"last_day": "2028-01-01"}, "at most 366 days"),
        ({"first_day": "1999-12-31"}, "between 2000 and 2099"),
        ({"last_day": "9999-12-31"}, "between 2000 and 2099"),
        ({"first_day": "tomorrow"}, "Enter a valid date"),
        ({"reason": "999999"}, "Select a valid choice"),
        ({"sections": ["999999"]}, "Select a valid choice"),
        ({"note": "x" * 501}, "at most 500 characters"),
        ({"files": sent("a.pdf", b"#!/bin/sh")}, "no PDF, JPEG or PNG"),
        ({"files": sent("a.pdf", PDF.ljust(6 * 1024 * 1024))}, "at most 5 MB"),
    ],
)
def test_what_is_typed_is_kept_where_something_is_wrong(
    changes: dict[str, Any], words: str, course: SmallCourse, folder: Path
) -> None:
    answer = ask(course, **{"note": "at the dentist", **changes})
    page = text_of(answer)
    assert answer.status_code in {400, 413, 415}
    assert words in page
    assert "Nothing was sent yet" in page
    if "note" not in changes:
        assert 'value="at the dentist"' in page
    assert ("Choose your files again" in page) is ("files" in changes)
    assert not Absence.objects.exists()
    assert list(folder.iterdir()) == []


def test_a_form_that_is_sent_twice_is_one_absence(course: SmallCourse) -> None:
    phone = signed_in(ON_ROSTER)
    values = form_of(phone.get(ASK), reason=course.reason.pk) | {"sections": []}
    for _ in range(2):
        assert phone.post(ASK, values).status_code == 302
    assert Absence.objects.count() == 1
    other = phone.post(ASK, values | {"first_day": "2026-10-05", "last_day": "2026-10-05"})
    assert other.status_code == 409
    assert "Load the page again" in text_of(other)


def test_reasons_are_those_that_a_student_may_ask_with(course: SmallCourse) -> None:
    AbsenceReasonFactory(code="duty", label="Duty", who_may_ask="staff")
    AbsenceReasonFactory(code="exam", label="Exam elsewhere", needs_evidence=True)
    page = text_of(signed_in(ON_ROSTER).get(ASK))
    assert "Illness" in page
    assert "Exam elsewhere (a file is needed)" in page
    assert "Duty" not in page
    assert f"{course.section}" in page
    course.reason.delete()
    AbsenceReasonFactory._meta.model.objects.exclude(code="duty").delete()
    assert "There is no reason to choose from yet" in text_of(signed_in(ON_ROSTER).get(ASK))


def test_a_page_that_postgresql_leaves_does_not_send_a_form_without_its_files(
    course: SmallCourse, monkeypatch: pytest.MonkeyPatch
) -> None:
    def away(**_: Any) -> None:
        raise OperationalError("away")

    monkeypatch.setattr(my_absences, "request_absence", away)
    with_file, without = ask(course, files=sent()), ask(course)
    assert (with_file.status_code, without.status_code) == (503, 503)
    assert 'name="request_id"' not in text_of(with_file)
    assert 'name="request_id"' in text_of(without)


def test_a_form_that_is_too_large_is_refused_before_it_is_read(course: SmallCourse) -> None:
    phone = signed_in(ON_ROSTER)
    upload = "/sections/1/import/"
    for address in (ASK, "/me/absences/1/file/", upload, f"{upload}preview/"):
        answer = phone.generic(
            "POST",
            address,
            b"x",
            "multipart/form-data; boundary=x",
            CONTENT_LENGTH=str(22 * 1024 * 1024),
        )
        assert answer.status_code == 413
        assert "at most 20 MB together" in text_of(answer)


def test_a_file_is_added_later_and_an_absence_withdrawn(course: SmallCourse) -> None:
    course.reason.needs_evidence = True
    course.reason.save()
    absence, phone = asked_absence(course), signed_in(ON_ROSTER)
    assert "A file is missing" in text_of(phone.get("/me/absences/"))
    address = f"/me/absences/{absence.pk}/file/"
    assert phone.get(address).status_code == 200
    assert "Choose a file first" in text_of(phone.post(address))
    wrong = phone.post(address, {"files": sent("a.pdf", b"<html>")})
    assert (wrong.status_code, "no PDF, JPEG or PNG" in text_of(wrong)) == (415, True)
    assert phone.post(address, {"photo": sent()}).status_code == 302
    assert "A file is missing" not in text_of(phone.get("/me/absences/"))
    file = absence.evidence.get()
    answer = phone.get(f"/absences/{absence.pk}/evidence/{file.pk}/")
    assert answer["Content-Disposition"] == 'attachment; filename="note.pdf"'
    assert "sandbox" in answer["Content-Security-Policy"]
    answer.close()
    assert phone.post(f"/me/absences/{absence.pk}/withdraw/").status_code == 302
    page = text_of(phone.get("/me/absences/"))
    assert "Withdrawn" in page
    assert "Add a file" not in page
    assert phone.post(address, {"files": sent()}).status_code == 409


def test_a_student_sees_what_was_asked_with_a_merged_account(course: SmallCourse) -> None:
    asked_absence(course, person=NOT_ON_ROSTER, for_all=True, note="of the old number")
    merge_people(
        duplicate=NOT_ON_ROSTER.school_number,
        into=ON_ROSTER.school_number,
        actor=account(STAFF),
        reason="a new number",
    )
    assert "of the old number" in text_of(signed_in(ON_ROSTER).get("/me/absences/"))


@pytest.mark.parametrize("path", ["file", "withdraw"])
def test_nobody_touches_another_s(path: str, course: SmallCourse) -> None:
    absence = asked_absence(course)
    address = f"/me/absences/{absence.pk}/{path}/"
    for person in (NOT_ON_ROSTER, ASSISTANT, OBSERVER):
        assert signed_in(person).post(address, {"files": sent()}).status_code == 404
    assert signed_in(TEACHER).post(address).status_code == 403
    absence.refresh_from_db()
    assert absence.state == "requested"


def test_a_teacher_approves_with_one_click(course: SmallCourse) -> None:
    absence, every = asked_absence(course), asked_absence(course, for_all=True)
    desk = signed_in(TEACHER)
    page = text_of(desk.get("/absences/"))
    assert page.count(">Approve<") == 1
    assert "It is for all courses: staff decide." in page
    answer = desk.post("/absences/approve/", {"one": absence.pk, "ids": [every.pk]}, follow=True)
    assert "1 absence is approved." in text_of(answer)
    states = dict(Absence.objects.values_list("pk", "state"))
    assert states == {absence.pk: "approved", every.pk: "requested"}


def test_many_are_approved_at_once_and_each_that_is_not_says_why(course: SmallCourse) -> None:
    made = [asked_absence(course, in_days=n) for n in (1, 2, 3)]
    decide_absence(absence_id=made[2].pk, approve=False, actor=account(STAFF), why="an exam")
    foreign = asked_absence(course._replace(section=course.other))
    wanted = [absence.pk for absence in (*made, foreign)]
    answer = signed_in(TEACHER).post("/absences/approve/", {"ids": wanted}, follow=True)
    page = text_of(answer)
    assert "2 absences are approved." in page
    assert "Student 0001: This absence is refused by now." in page
    assert "There is no such absence." in page
    nothing = signed_in(TEACHER).post("/absences/approve/", {"many": "yes"}, follow=True)
    assert "Nothing is selected" in text_of(nothing)
    strange = signed_in(TEACHER).post("/absences/approve/", {"ids": ["x", "٣", "-1"]}, follow=True)
    assert "Nothing is selected" in text_of(strange)


def test_a_refusal_asks_why_and_the_student_reads_it(course: SmallCourse) -> None:
    absence, desk = asked_absence(course), signed_in(TEACHER)
    address = f"/absences/{absence.pk}/refuse/"
    assert "a cold" in text_of(desk.get(address))
    assert desk.post(address, {"why": " "}).status_code == 400
    assert desk.post(address, {"why": "an exam that day"}).status_code == 302
    again = desk.post(f"/absences/{asked_absence(course).pk}/refuse/", {"why": "x\ty"})
    assert again.status_code == 400
    page = text_of(signed_in(ON_ROSTER).get("/me/absences/"))
    assert "Not approved" in page
    assert "an exam that day" in page


def test_staff_takes_an_approval_back_and_a_teacher_does_not(course: SmallCourse) -> None:
    absence = asked_absence(course)
    decide_absence(absence_id=absence.pk, approve=True, actor=account(TEACHER))
    address = f"/absences/{absence.pk}/take-back/"
    assert address not in text_of(signed_in(TEACHER).get("/absences/"))
    assert signed_in(TEACHER).post(address).status_code == 403
    staff = signed_in(STAFF)
    assert address in text_of(staff.get("/absences/"))
    assert staff.post(address).status_code == 302
    absence.refresh_from_db()
    assert (absence.state, absence.withdrawn_by) == ("withdrawn", account(STAFF))


@pytest.mark.parametrize("path", ["", "approve/", "1/refuse/", "1/take-back/"])
def test_pages_of_deciders_are_for_teachers_and_staff(path: str, course: SmallCourse) -> None:
    for person in (ON_ROSTER, ASSISTANT):
        answer = signed_in(person).generic("GET" if not path else "POST", f"/absences/{path}")
        assert answer.status_code == 403


def test_who_may_read_a_file_on_pages(course: SmallCourse) -> None:
    absence = asked_absence(course)
    address = f"/absences/{absence.pk}/evidence/{added_file(absence).pk}/"
    readers = {ON_ROSTER: 200, TEACHER: 200, STAFF: 200}
    others = dict.fromkeys((NOT_ON_ROSTER, ASSISTANT, OBSERVER, OTHER_TEACHER), 404)
    for person, status in (readers | others).items():
        answer = signed_in(person).get(address)
        assert answer.status_code == status
        answer.close()


def test_pages_are_cut_and_take_the_same_queries_however_much_there_is(
    course: SmallCourse, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pages, "PER_PAGE", 3)
    desk, phone = signed_in(STAFF), signed_in(ON_ROSTER)

    def queries() -> list[int]:
        counts = []
        for client, address in ((desk, "/absences/"), (phone, "/me/absences/")):
            with CaptureQueriesContext(connection) as captured:
                assert client.get(address).status_code == 200
            counts.append(len(captured))
        return counts

    def add(number: int) -> None:
        waits, decided = (asked_absence(course, in_days=number) for _ in range(2))
        added_file(waits)
        decide_absence(absence_id=decided.pk, approve=True, actor=account(STAFF))

    add(1)
    queries()
    few = queries()
    for number in range(2, 6):
        add(number)
    assert queries() == few

    first = desk.get("/absences/")
    lists = first.context["to_decide"], first.context["decided"]
    assert [len(page.items) for page in lists] == [3, 3]
    older = desk.get(f"/absences/?before={lists[0].next_key}&decided_before={lists[1].next_key}")
    assert [len(older.context[name].items) for name in ("to_decide", "decided")] == [2, 2]
    assert desk.get("/absences/?before=x&decided_after=" + "9" * 30).status_code == 200
    assert desk.get("/absences/?search=0099").context["to_decide"].items == []
    assert len(desk.get("/absences/?search=student").context["to_decide"].items) == 3


def test_a_span_is_told_as_days_or_hours() -> None:
    zone = ZoneInfo(BERLIN)
    day, at = date(2026, 10, 5), datetime(2026, 10, 5, 9, tzinfo=zone)
    midnight = datetime.combine(day, time(), zone)
    with timezone.override(zone):
        assert span(midnight, midnight + timedelta(days=1)) == "Mon 5 Oct 2026, the whole day"
        three = span(midnight, midnight + timedelta(days=3))
        assert three == "Mon 5 Oct 2026 to Wed 7 Oct 2026"
        assert span(at, at + timedelta(hours=3)) == "Mon 5 Oct 2026, 09:00–12:00"
        two = span(at, at + timedelta(hours=24))
        assert two == "Mon 5 Oct 2026, 09:00 – Tue 6 Oct 2026, 09:00"
        with translation.override("tr"):
            assert span(at, at + timedelta(hours=3)) == "Pzt 5 Eki 2026, 09:00–12:00"
