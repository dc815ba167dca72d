"""Courses in the admin: staff look at everything, and change it through services only."""

from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import IntegrityError, connection, transaction
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone
from pytest_django.fixtures import Settings

from courses.models import (
    Absence,
    AbsenceEvidence,
    AbsenceReason,
    Closure,
    Enrolment,
    Policy,
    Section,
    SourceSystem,
)
from courses.services.absences import attach_evidence
from courses.services.evidence import EvidenceFile
from courses.vocabulary import EnrolmentRole
from tests.support import course_factories as factories
from tests.support.course_factories import (
    TERM_ENDS,
    TERM_STARTS,
    AbsenceFactory,
    EnrolmentFactory,
    SectionFactory,
    TermFactory,
)
from tests.support.factories import UserFactory
from users.models import User

pytestmark = pytest.mark.django_db

DAY = timedelta(days=1)
SURE = {"post": "yes"}


@pytest.fixture(autouse=True)
def site(settings: Settings, tmp_path: Path) -> None:
    settings.SECURE_SSL_REDIRECT = False
    settings.EVIDENCE_FOLDER = str(tmp_path)


@pytest.fixture
def office() -> User:
    return UserFactory.create(school_number="STAFF-1", full_name="Staff 1", staff=True)


@pytest.fixture
def desk(client: Client, office: User) -> Client:
    client.force_login(office)
    return client


@pytest.fixture
def running() -> Section:
    """A section that runs today, whenever that is."""
    today = timezone.localdate()
    term = TermFactory.create(starts_on=today - 30 * DAY, ends_on=today + 30 * DAY)
    return SectionFactory.create(term=term)


OWNED: dict[str, Callable[[], Any]] = {
    "section": factories.SectionFactory,
    "enrolment": factories.EnrolmentFactory,
    "absence": factories.AbsenceFactory,
    "absenceevidence": factories.AbsenceEvidenceFactory,
    "closure": lambda: factories.ClosureFactory(section=SectionFactory()),
    "policy": factories.PolicyFactory,
}
EDITED: dict[str, Callable[[], Any]] = {
    "sourcesystem": lambda: factories.SourceSystemFactory(code=f"s-{timezone.now()}"),
    "term": factories.TermFactory,
    "course": factories.CourseFactory,
    "absencereason": factories.AbsenceReasonFactory,
}
MODELS = {**OWNED, **EDITED}


@pytest.mark.parametrize("name", MODELS)
def test_a_list_takes_no_query_per_row(name: str, desk: Client) -> None:
    url = reverse(f"admin:courses_{name}_changelist")

    def queries() -> int:
        with CaptureQueriesContext(connection) as captured:
            assert desk.get(url, {"q": "-"}).status_code == 200
            assert desk.get(url).status_code == 200
        return len(captured)

    for _ in range(3):
        MODELS[name]()
    queries()
    few = queries()
    for _ in range(27):
        MODELS[name]()
    assert queries() == few


@pytest.mark.parametrize("name", MODELS)
def test_a_row_can_be_looked_at(name: str, desk: Client) -> None:
    row = MODELS[name]()
    assert desk.get(reverse(f"admin:courses_{name}_change", args=[row.pk])).status_code == 200


@pytest.mark.parametrize("name", OWNED)
def test_what_services_own_is_not_added_changed_or_deleted_here(name: str, desk: Client) -> None:
    row = OWNED[name]()
    for address in (
        reverse(f"admin:courses_{name}_add"),
        reverse(f"admin:courses_{name}_delete", args=[row.pk]),
        reverse(f"admin:courses_{name}_change", args=[row.pk]),
    ):
        assert desk.post(address, SURE).status_code == 403


def test_a_list_counts_the_people_of_today(desk: Client, running: Section) -> None:
    EnrolmentFactory.create_batch(2, section=running)
    EnrolmentFactory(section=running, ends_on=timezone.localdate())
    twice = EnrolmentFactory.create(section=running, teaching=True)
    EnrolmentFactory(section=running, user=twice.user, role=EnrolmentRole.TEACHER)
    SectionFactory(term=running.term)

    page = desk.get(reverse("admin:courses_section_changelist"))

    counts = {
        row.pk: (row.student_total, row.teacher_total) for row in page.context["cl"].result_list
    }
    assert counts.pop(running.pk) == (2, 1)
    assert set(counts.values()) == {(0, 0)}


def test_filters_find_what_they_say(desk: Client, running: Section) -> None:
    taught = EnrolmentFactory.create(section=running, teaching=True)
    bare = SectionFactory.create(term=running.term)
    old = SectionFactory.create(term=running.term, archived_at=timezone.now())

    def found(name: str, **query: str) -> set[Any]:
        page = desk.get(reverse(f"admin:courses_{name}_changelist"), query)
        return set(page.context["cl"].result_list)

    assert found("section", archived="yes") == {old}
    assert found("section", archived="no", teachers="none") == {bare}
    assert found("section", q=running.code) >= {running}
    assert found("enrolment", today="yes") == {taught}
    assert found("enrolment", q=taught.user.school_number) == {taught}
    taught.ends_on = timezone.localdate()
    taught.save()
    assert found("enrolment", today="yes") == set()


def section_form(**changes: Any) -> dict[str, Any]:
    return {
        "title": "Physics",
        "time_zone": "Europe/Istanbul",
        "component": "lab",
        "walk_ins": "hold",
        "starts_on": TERM_STARTS,
        "ends_on": TERM_ENDS,
        **changes,
    }


def test_a_section_is_made_changed_and_archived(desk: Client) -> None:
    term = TermFactory.create()
    make = reverse("admin:courses_make_section")
    assert desk.get(make).status_code == 200
    assert desk.post(make, section_form(term=term.pk)).status_code == 302
    section = Section.objects.get()
    update = reverse("admin:courses_update_section", args=[section.pk])
    assert "Physics" in desk.get(update).content.decode()

    page = desk.post(update, section_form(term=term.pk, time_zone="Europe/Atlantis"))
    assert "There is no time zone" in page.content.decode()
    assert desk.post(update, section_form(term=term.pk, title="Optics")).status_code == 302
    archive = reverse("admin:courses_archive_section", args=[section.pk])
    assert desk.get(archive).status_code == 200
    section.refresh_from_db()
    assert (section.title, section.walk_ins, section.is_archived) == ("Optics", "hold", False)
    assert desk.post(archive, SURE).status_code == 302
    section.refresh_from_db()
    assert section.is_archived


def test_a_section_gets_rules_and_comes_back_from_the_archive(
    desk: Client, running: Section
) -> None:
    rules = reverse("admin:courses_set_policy", args=[running.pk])
    page = desk.get(rules)
    assert page.context["form"].initial["threshold"] == 70
    typed = {
        "opens_before": "10",
        "late_after": "10.5",
        "absent_after": "5",
        "late_credit": "50",
        "min_presence": "0",
        "counted": "hours",
        "threshold": "69.9",
    }
    assert "Nobody is absent before they are late" in desk.post(rules, typed).content.decode()
    assert desk.post(rules, {**typed, "absent_after": "30"}).status_code == 302
    made = Policy.objects.get()
    assert (made.opens_before_s, made.late_after_s, made.absent_after_s) == (600, 630, 1800)
    assert (made.late_credit_permille, made.threshold_permille) == (500, 699)
    assert 'value="10.5"' in desk.get(rules).content.decode()

    Section.objects.filter(pk=running.pk).update(archived_at=timezone.now())
    change = desk.get(reverse("admin:courses_section_change", args=[running.pk])).content.decode()
    unarchive = reverse("admin:courses_unarchive_section", args=[running.pk])
    assert unarchive in change
    assert rules not in change
    assert desk.get(unarchive).status_code == 200
    running.refresh_from_db()
    assert running.is_archived
    assert desk.post(unarchive, SURE).status_code == 302
    running.refresh_from_db()
    assert not running.is_archived


def test_somebody_is_enrolled_and_the_enrolment_ended(desk: Client, running: Section) -> None:
    student = UserFactory.create()
    enrol = reverse("admin:courses_enrol", args=[running.pk])
    today = timezone.localdate()
    form = {"user": student.pk, "role": "student", "begins_on": today}
    assert desk.post(enrol, form).status_code == 302
    again = desk.post(enrol, form).content.decode()
    assert "enrolled in this section on some of these days" in again

    row = Enrolment.objects.get()
    assert (row.user, row.role) == (student, EnrolmentRole.STUDENT)
    end = reverse("admin:courses_end_enrolment", args=[row.pk])
    assert desk.get(end).status_code == 200
    assert "Choose a later end" in desk.post(end, {"ends_on": today - DAY}).content.decode()
    assert desk.post(end, {"ends_on": today + DAY}).status_code == 302
    row.refresh_from_db()
    assert row.ends_on == today + DAY


def test_a_user_is_looked_up_while_the_name_is_typed(desk: Client, running: Section) -> None:
    UserFactory.create(full_name="Ada Lovelace")
    UserFactory.create_batch(30)
    page = desk.get(reverse("admin:courses_enrol", args=[running.pk])).content.decode()
    assert 'data-ajax--url="/admin/autocomplete/"' in page
    assert "admin/js/autocomplete.js" in page
    # The calendar of a date speaks through it.
    assert page.index("/admin/jsi18n/") < page.index("admin/js/calendar.js")
    assert "Student 0" not in page
    answer = desk.get(
        "/admin/autocomplete/",
        {"app_label": "courses", "model_name": "enrolment", "field_name": "user", "term": "lovel"},
    )
    assert [each["text"][:12] for each in answer.json()["results"]] == ["Ada Lovelace"]


def test_days_without_lessons_are_added(desk: Client) -> None:
    close = reverse("admin:courses_close")
    form = {"title": "Snow", "starts_on": TERM_STARTS, "ends_on": TERM_STARTS}
    assert "Choose a later end" in desk.post(close, form).content.decode()
    assert desk.post(close, {**form, "ends_on": TERM_STARTS + DAY}).status_code == 302
    assert Closure.objects.get().section is None


def test_an_absence_is_decided_and_withdrawn(desk: Client, office: User) -> None:
    absence = AbsenceFactory.create()
    decide = reverse("admin:courses_decide_absence", args=[absence.pk])
    assert desk.get(decide).status_code == 200
    assert "Say why" in desk.post(decide, {"decision": "refuse"}).content.decode()
    assert desk.post(decide, {"decision": "approve"}).status_code == 302
    absence.refresh_from_db()
    assert (absence.state, absence.decided_by) == ("approved", office)
    withdraw = reverse("admin:courses_withdraw_absence", args=[absence.pk])
    assert desk.get(withdraw).status_code == 200
    assert desk.post(withdraw, SURE).status_code == 302
    assert Absence.objects.get().state == "withdrawn"


def test_evidence_is_saved_and_never_shown_by_the_browser(desk: Client, office: User) -> None:
    row: AbsenceEvidence = attach_evidence(
        absence_id=AbsenceFactory.create().pk,
        file=EvidenceFile(name='"><script>.pdf', content=b"%PDF-1.7"),
        actor=office,
    )
    read = reverse("admin:courses_read_evidence", args=[row.pk])
    answer = desk.get(read)
    assert b"".join(answer) == b"%PDF-1.7"
    assert answer["Content-Disposition"] == 'attachment; filename="script.pdf"'
    assert answer["X-Content-Type-Options"] == "nosniff"
    row.file.delete(save=False)
    assert desk.get(read).status_code == 404


def test_new_days_of_a_term_leave_no_section_outside(desk: Client) -> None:
    section = SectionFactory.create()
    address = reverse("admin:courses_term_change", args=[section.term_id])
    form = {"title": "Autumn", "starts_on": TERM_STARTS, "ends_on": TERM_ENDS - DAY}
    assert "lies outside of these days" in desk.post(address, form).content.decode()
    assert desk.post(address, {**form, "ends_on": TERM_ENDS + DAY}).status_code == 302


def test_new_days_of_a_term_wait_for_who_makes_a_section_in_it(desk: Client) -> None:
    term = TermFactory.create()
    address = reverse("admin:courses_term_change", args=[term.pk])
    form = {"title": "Autumn", "starts_on": TERM_STARTS, "ends_on": TERM_ENDS - DAY}
    with CaptureQueriesContext(connection) as captured:
        assert desk.post(address, form).status_code == 302
    statements = [each["sql"] for each in captured]
    held = [n for n, sql in enumerate(statements) if sql.endswith("FOR NO KEY UPDATE")]
    looked = [n for n, sql in enumerate(statements) if 'FROM "courses_section"' in sql]
    assert held
    assert held[0] < looked[0]


@pytest.mark.parametrize("kind", ["student", "teacher"])
def test_nobody_else_gets_in(client: Client, kind: str) -> None:
    row = EnrolmentFactory.create(teaching=kind == "teacher")
    client.force_login(row.user)
    for address in (
        reverse("admin:courses_section_changelist"),
        reverse("admin:courses_make_section"),
        reverse("admin:courses_enrol", args=[row.section_id]),
        reverse("admin:courses_end_enrolment", args=[row.pk]),
        reverse("admin:courses_set_policy", args=[row.section_id]),
        reverse("admin:courses_unarchive_section", args=[row.section_id]),
        reverse("admin:courses_close"),
    ):
        answer = client.post(address)
        assert answer.status_code == 302
        assert "/login/" in answer["Location"]


def test_staff_asks_for_somebody_and_adds_a_file(desk: Client, office: User) -> None:
    student, reason = UserFactory.create(), factories.AbsenceReasonFactory.create()
    form = {
        "user": student.pk,
        "starts_at_0": "2026-10-05",
        "starts_at_1": "09:00",
        "ends_at_0": "2026-10-05",
        "ends_at_1": "08:00",
        "reason": reason.pk,
        "note": "by telephone",
    }
    ask = reverse("admin:courses_ask_absence")
    page = desk.post(ask, form)
    assert "ends before it starts" in page.content.decode()
    assert 'enctype="multipart/form-data"' in page.content.decode()
    letter = SimpleUploadedFile("letter.pdf", b"%PDF-1.7")
    assert desk.post(ask, {**form, "ends_at_1": "12:00", "file": letter}).status_code == 302
    absence = Absence.objects.get()
    assert (absence.user, absence.requested_by, absence.note) == (student, office, "by telephone")
    assert absence.is_for_all_sections
    attach = reverse("admin:courses_attach_evidence", args=[absence.pk])
    bad = {"file": SimpleUploadedFile("letter.pdf", b"#!/bin/sh")}
    assert "no PDF, JPEG or PNG" in desk.post(attach, bad).content.decode()
    photo = {"file": SimpleUploadedFile("photo.pdf", b"\xff\xd8\xff\xe0")}
    assert desk.post(attach, photo).status_code == 302
    assert [row.kind for row in absence.evidence.order_by("pk")] == ["pdf", "jpeg"]


def test_days_without_lessons_are_taken_back_and_stay_to_be_seen(
    desk: Client, office: User
) -> None:
    closure, other = factories.ClosureFactory.create(), factories.ClosureFactory.create()
    page = desk.get(reverse("admin:courses_closure_change", args=[closure.pk]))
    address = reverse("admin:courses_reopen", args=[closure.pk])
    assert address in page.content.decode()
    assert desk.post(address, SURE).status_code == 302
    closure.refresh_from_db()
    assert closure.reopened_by == office
    changed = desk.get(reverse("admin:courses_closure_change", args=[closure.pk]))
    assert address not in changed.content.decode()
    listed = desk.get(reverse("admin:courses_closure_changelist"), {"reopened": "no"})
    assert list(listed.context["cl"].result_list) == [other]


def test_the_effect_of_a_reason_that_is_used_stays(desk: Client) -> None:
    reason = factories.AbsenceReasonFactory.create(code="ill")
    address = reverse("admin:courses_absencereason_change", args=[reason.pk])
    form = {
        "code": "ill",
        "label": "Ill",
        "effect": "counts_present",
        "who_may_ask": "student",
    }
    assert desk.post(address, form).status_code == 302
    AbsenceFactory(reason=reason)
    refused = desk.post(address, {**form, "effect": "counts_absent"})
    assert "code and effect stay" in refused.content.decode()
    assert desk.post(address, {**form, "label": "Sick"}).status_code == 302
    reason.refresh_from_db()
    assert (reason.effect, reason.label) == ("counts_present", "Sick")
    with pytest.raises(IntegrityError, match="effect of a reason"), transaction.atomic():
        AbsenceReason.objects.filter(pk=reason.pk).update(effect="neutral")


def test_the_code_of_what_is_entered_by_hand_stays(desk: Client) -> None:
    by_hand = factories.SourceSystemFactory.create(code="manual")
    address = reverse("admin:courses_sourcesystem_change", args=[by_hand.pk])
    form = {"code": "other", "name": "By hand", "kind": "api"}
    assert desk.post(address, form).status_code == 302
    by_hand.refresh_from_db()
    assert (by_hand.code, by_hand.kind, by_hand.name) == ("manual", "manual", "By hand")
    delete = reverse("admin:courses_sourcesystem_delete", args=[by_hand.pk])
    assert desk.post(delete, SURE).status_code == 403
    assert SourceSystem.objects.filter(code="manual").exists()
