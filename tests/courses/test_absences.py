"""Absences: asked for with their evidence, decided, withdrawn; and what they cover."""

from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from django.db import IntegrityError, OperationalError, transaction
from pytest_django import DjangoAssertNumQueries
from pytest_django.fixtures import Settings

from courses import errors
from courses.models import Absence, AbsenceEvidence, Section
from courses.services import absences as service
from courses.services.absences import (
    AbsencePlan,
    attach_evidence,
    decide_absence,
    request_absence,
    withdraw_absence,
)
from courses.services.evidence import EvidenceFile
from courses.vocabulary import MOST_EVIDENCE_BYTES, AbsenceState, Asker, Effect, EnrolmentRole
from tests.support.course_factories import (
    IN_TERM,
    AbsenceEvidenceFactory,
    AbsenceFactory,
    AbsenceReasonFactory,
    EnrolmentFactory,
    SectionFactory,
)
from tests.support.excuses import excused
from tests.support.factories import UserFactory
from users.models import User

pytestmark = pytest.mark.django_db

PDF = EvidenceFile(name="note.pdf", content=b"%PDF-1.7\n")
HOUR = timedelta(hours=1)
SOON = datetime(2026, 12, 1, 9, tzinfo=UTC)


@pytest.fixture(autouse=True)
def folder(settings: Settings, tmp_path: Path) -> Path:
    settings.EVIDENCE_FOLDER = str(tmp_path / "evidence")
    return tmp_path / "evidence"


@pytest.fixture
def office() -> User:
    return UserFactory.create(staff=True)


@pytest.fixture
def section() -> Section:
    return SectionFactory.create(starts_on=IN_TERM.date() - timedelta(days=10))


@pytest.fixture
def student(section: Section) -> User:
    return EnrolmentFactory.create(section=section).user


@pytest.fixture
def teacher(section: Section) -> User:
    return EnrolmentFactory.create(section=section, teaching=True).user


def planned(user: User, **changes: Any) -> AbsencePlan:
    values: dict[str, Any] = {"user_id": user.pk, "starts_at": SOON, "ends_at": SOON + 3 * HOUR}
    if "reason_id" not in changes:
        values["reason_id"] = AbsenceReasonFactory.create().pk
    return AbsencePlan(**{**values, **changes})


def files_in(folder: Path) -> list[Path]:
    return sorted(folder.rglob("*")) if folder.exists() else []


def test_a_student_asks_with_a_file_and_it_is_kept_outside_of_what_is_served(
    student: User, folder: Path
) -> None:
    made = request_absence(plan=planned(student, note="flu"), actor=student, evidence=[PDF])

    absence = Absence.objects.get()
    assert absence == made
    assert (absence.state, absence.note, absence.requested_by) == ("requested", "flu", student)
    assert absence.is_for_all_sections
    row = AbsenceEvidence.objects.get()
    assert (row.name, row.kind, row.size, row.added_by) == ("note.pdf", "pdf", 9, student)
    assert row.kept_until > absence.ends_at.date()
    (file,) = files_in(folder)
    assert file.read_bytes() == PDF.content
    assert file.suffix == ".pdf"
    assert "note" not in file.name
    assert file.stat().st_mode & 0o077 == 0


BAD_FILES: list[tuple[type[errors.CourseError], EvidenceFile]] = [
    (
        errors.EvidenceTooLarge,
        EvidenceFile(name="a.pdf", content=b"%PDF-".ljust(6 * 1024 * 1024, b" ")),
    ),
    (errors.EvidenceKindRefused, EvidenceFile(name="a.pdf", content=b"#!/bin/sh\nexit\n")),
    (errors.EvidenceKindRefused, EvidenceFile(name="a.png", content=b"PK\x03\x04zip")),
    (errors.EvidenceEmpty, EvidenceFile(name="a.pdf", content=b"")),
    (errors.InvalidText, EvidenceFile(name="", content=PDF.content)),
    (errors.InvalidText, EvidenceFile(name="a\n.pdf", content=PDF.content)),
]


@pytest.mark.parametrize(("error", "bad"), BAD_FILES)
def test_a_bad_file_leaves_nothing_behind(
    error: type[errors.CourseError], bad: EvidenceFile, student: User, folder: Path
) -> None:
    assert MOST_EVIDENCE_BYTES < 6 * 1024 * 1024
    with pytest.raises(error):
        request_absence(plan=planned(student), actor=student, evidence=[PDF, bad])
    assert not Absence.objects.exists()
    assert files_in(folder) == []
    absence = AbsenceFactory.create(user=student)
    with pytest.raises(error):
        attach_evidence(absence_id=absence.pk, file=bad, actor=student)
    assert not AbsenceEvidence.objects.exists()


def test_evidence_is_kept_no_longer_than_a_day_can_be_written(student: User) -> None:
    last = datetime(2099, 12, 31, 9, tzinfo=UTC)
    request_absence(
        plan=planned(student, starts_at=last, ends_at=last + HOUR), actor=student, evidence=[PDF]
    )
    assert AbsenceEvidence.objects.get().kept_until == date(2100, 1, 1)


@pytest.mark.django_db(transaction=True)
def test_who_attaches_a_file_gets_its_row_and_nobody_else_s(
    student: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    absence = AbsenceFactory.create(user=student)
    kept_before = service.keep_evidence

    def keep_and_let_another_follow(*args: Any, **values: Any) -> Any:
        transaction.on_commit(
            lambda: AbsenceEvidenceFactory(absence=absence, name="later.pdf", file="later.pdf")
        )
        return kept_before(*args, **values)

    monkeypatch.setattr(service, "keep_evidence", keep_and_let_another_follow)
    row = attach_evidence(absence_id=absence.pk, file=PDF, actor=student)
    assert row.name == PDF.name
    assert AbsenceEvidence.objects.count() == 2


def test_a_site_without_a_folder_takes_no_file(student: User, settings: Settings) -> None:
    settings.EVIDENCE_FOLDER = ""
    with pytest.raises(errors.EvidenceNotSetUp):
        request_absence(plan=planned(student), actor=student, evidence=[PDF])
    assert not Absence.objects.exists()
    request_absence(plan=planned(student), actor=student)


@pytest.mark.parametrize(("fault", "kept"), [(IntegrityError, 0), (OperationalError, 1)])
def test_files_of_a_transaction_that_fails_are_removed_unless_it_may_have_happened(
    fault: type[Exception], kept: int, student: User, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    kept_before = service.keep_evidence

    def keep_and_fail(*args: Any, **values: Any) -> Any:
        written = kept_before(*args, **values)
        assert len(written) == 1

        class Failing(list[Any]):
            def __iter__(self) -> Any:
                yield from written
                raise fault

        return Failing()

    monkeypatch.setattr(service, "keep_evidence", keep_and_fail)
    with pytest.raises(fault):
        request_absence(plan=planned(student), actor=student, evidence=[PDF])
    assert not Absence.objects.exists()
    assert len(files_in(folder)) == kept


@pytest.mark.parametrize(
    ("error", "changes"),
    [
        (errors.AbsenceBackwards, {"ends_at": SOON}),
        (errors.AbsenceBackwards, {"ends_at": SOON - HOUR}),
        (errors.AbsenceTooLong, {"ends_at": SOON + timedelta(days=366, seconds=1)}),
        (errors.AbsenceTooLong, {"ends_at": SOON + timedelta(days=400)}),
        (errors.InvalidAbsence, {"starts_at": SOON.replace(tzinfo=None)}),
        (
            errors.InvalidAbsence,
            {"starts_at": SOON.replace(year=1999), "ends_at": SOON.replace(year=1999, hour=10)},
        ),
        (errors.InvalidAbsence, {"section_ids": frozenset()}),
        (errors.SectionNotFound, {"section_ids": frozenset({0})}),
        (errors.UserNotFound, {"user_id": 0}),
        (errors.AbsenceReasonNotFound, {"reason_id": 0}),
        (errors.InvalidText, {"note": "x" * 501}),
    ],
)
def test_a_bad_request_is_refused(
    error: type[errors.CourseError], changes: dict[str, Any], student: User, office: User
) -> None:
    with pytest.raises(error):
        request_absence(plan=planned(student, **changes), actor=office)
    assert not Absence.objects.exists()


def test_an_absence_names_sections_of_the_student_only(
    student: User, section: Section, teacher: User
) -> None:
    other = SectionFactory.create()
    EnrolmentFactory(section=other, user=student, role=EnrolmentRole.OBSERVER)
    both = frozenset({section.pk, other.pk})
    with pytest.raises(errors.InvalidAbsence):
        request_absence(plan=planned(student, section_ids=both), actor=student)
    one = planned(student, section_ids=frozenset({section.pk}))
    made = request_absence(plan=one, actor=student)
    assert not made.is_for_all_sections
    assert list(made.sections.all()) == [section]


def test_any_number_of_absences_a_day(student: User) -> None:
    for hour in range(3):
        request_absence(
            plan=planned(student, starts_at=SOON + hour * HOUR, ends_at=SOON + (hour + 1) * HOUR),
            actor=student,
        )
    assert Absence.objects.count() == 3


@pytest.mark.parametrize(
    ("asker", "refused"),
    [
        (Asker.STUDENT, {}),
        (Asker.TEACHER, {"student": errors.ReasonNotForYou}),
        (Asker.STAFF, {"student": errors.ReasonNotForYou, "teacher": errors.ReasonNotForYou}),
    ],
)
def test_a_reason_says_who_may_ask(
    asker: Asker,
    refused: dict[str, type[errors.CourseError]],
    student: User,
    teacher: User,
    section: Section,
    office: User,
) -> None:
    reason = AbsenceReasonFactory.create(who_may_ask=asker)
    plan = planned(student, reason_id=reason.pk, section_ids=frozenset({section.pk}))
    assistant = EnrolmentFactory.create(section=section, role=EnrolmentRole.ASSISTANT).user
    everybody = {"student": student, "teacher": teacher, "staff": office}
    for name, actor in everybody.items():
        if name in refused:
            with pytest.raises(refused[name]):
                request_absence(plan=plan, actor=actor)
        else:
            assert request_absence(plan=plan, actor=actor).requested_by == actor
    for stranger in (UserFactory.create(), UserFactory.create(teacher=True), assistant):
        with pytest.raises(errors.NotYourAbsence):
            request_absence(plan=plan, actor=stranger)


def test_a_teacher_asks_for_no_absence_from_all_sections(student: User, teacher: User) -> None:
    with pytest.raises(errors.NotYourAbsence):
        request_absence(plan=planned(student), actor=teacher)


def test_a_decision_has_somebody_and_stands(student: User, section: Section, office: User) -> None:
    absence = AbsenceFactory.create(user=student)
    for _ in range(2):
        decided = decide_absence(absence_id=absence.pk, approve=True, actor=office, why="seen")
    absence.refresh_from_db()
    assert decided == absence
    assert (absence.state, absence.decided_by, absence.decided_why) == ("approved", office, "seen")
    assert absence.decided_at is not None
    with pytest.raises(errors.AbsenceSettled, match="approved"):
        decide_absence(absence_id=absence.pk, approve=False, actor=office, why="no")
    with pytest.raises(errors.AbsenceNotFound):
        decide_absence(absence_id=0, approve=True, actor=office)


def test_a_refusal_says_why(student: User, office: User) -> None:
    absence = AbsenceFactory.create(user=student)
    with pytest.raises(errors.WhyRequired):
        decide_absence(absence_id=absence.pk, approve=False, actor=office, why=" ")
    refused = decide_absence(absence_id=absence.pk, approve=False, actor=office, why="an exam")
    assert refused.state == AbsenceState.REFUSED
    with pytest.raises(errors.AbsenceSettled):
        withdraw_absence(absence_id=absence.pk, actor=office)
    with pytest.raises(errors.AbsenceSettled):
        attach_evidence(absence_id=absence.pk, file=PDF, actor=office)


def test_an_approval_waits_for_the_evidence_that_its_reason_needs(
    student: User, office: User
) -> None:
    reason = AbsenceReasonFactory.create(needs_evidence=True)
    absence = AbsenceFactory.create(user=student, reason=reason)
    with pytest.raises(errors.EvidenceMissing):
        decide_absence(absence_id=absence.pk, approve=True, actor=office)
    with pytest.raises(errors.NotYourAbsence):
        attach_evidence(absence_id=absence.pk, file=PDF, actor=UserFactory.create())
    assert attach_evidence(absence_id=absence.pk, file=PDF, actor=student).absence == absence
    assert decide_absence(absence_id=absence.pk, approve=True, actor=office).state == "approved"


def test_a_teacher_decides_what_is_about_their_sections_alone(
    student: User, section: Section, teacher: User
) -> None:
    other = SectionFactory.create()
    EnrolmentFactory(section=other, user=student)
    own = AbsenceFactory.create(user=student, is_for_all_sections=False)
    own.sections.set([section])
    wider = AbsenceFactory.create(user=student, is_for_all_sections=False)
    wider.sections.set([section, other])
    every = AbsenceFactory.create(user=student)
    for absence in (wider, every):
        with pytest.raises(errors.NotYourAbsence):
            decide_absence(absence_id=absence.pk, approve=True, actor=teacher)
    assistant = EnrolmentFactory.create(section=section, role=EnrolmentRole.ASSISTANT).user
    for actor in (assistant, student):
        with pytest.raises(errors.NotYourAbsence):
            decide_absence(absence_id=own.pk, approve=True, actor=actor)
    assert decide_absence(absence_id=own.pk, approve=True, actor=teacher).decided_by == teacher


def test_nobody_decides_their_own(office: User) -> None:
    absence = AbsenceFactory.create(user=office)
    with pytest.raises(errors.NotYourAbsence):
        decide_absence(absence_id=absence.pk, approve=True, actor=office)


def test_an_absence_is_withdrawn_by_its_person_until_it_begins(student: User, office: User) -> None:
    ahead = AbsenceFactory.create(
        user=student,
        approved=True,
        starts_at=datetime(2090, 1, 1, 9, tzinfo=UTC),
        ends_at=datetime(2090, 1, 1, 10, tzinfo=UTC),
    )
    with pytest.raises(errors.NotYourAbsence):
        withdraw_absence(absence_id=ahead.pk, actor=UserFactory.create())
    first = withdraw_absence(absence_id=ahead.pk, actor=student)
    again = withdraw_absence(absence_id=ahead.pk, actor=student)
    assert (first.state, first.withdrawn_by) == ("withdrawn", student)
    assert again.withdrawn_at == first.withdrawn_at
    assert again.decided_by is not None
    with pytest.raises(errors.AbsenceSettled):
        decide_absence(absence_id=ahead.pk, approve=True, actor=office)

    begun = AbsenceFactory.create(user=student)
    with pytest.raises(errors.NotYourAbsence):
        withdraw_absence(absence_id=begun.pk, actor=student)
    assert withdraw_absence(absence_id=begun.pk, actor=office).state == "withdrawn"


def test_what_is_covered(
    section: Section, student: User, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    other, users = SectionFactory.create(), [UserFactory.create() for _ in range(20)]
    noon = IN_TERM + 3 * HOUR
    reason = AbsenceReasonFactory.create(code="ill", label="Ill", effect=Effect.COUNTS_PRESENT)
    every = AbsenceFactory.create(user=student, approved=True, reason=reason)
    one = AbsenceFactory.create(user=student, approved=True, is_for_all_sections=False)
    one.sections.set([section])
    for user in users:
        AbsenceFactory(user=user, approved=True)
    AbsenceFactory(user=student)
    AbsenceFactory(user=student, approved=True, is_for_all_sections=False)

    def covering(of: Section, start: datetime, end: datetime) -> int | None:
        return excused(of, [student], start, end).get(student.pk)

    assert covering(section, IN_TERM, noon) == every.pk
    assert covering(other, IN_TERM, noon) == every.pk
    assert covering(section, IN_TERM + HOUR, noon - HOUR) == every.pk
    second = timedelta(seconds=1)
    assert covering(section, IN_TERM - second, noon) is None
    assert covering(section, IN_TERM, noon + second) is None
    asked = [student, *users, UserFactory.create()]
    with django_assert_num_queries(2):
        found = excused(section, asked, IN_TERM, noon)
    assert set(found) == {user.pk for user in asked[:-1]}
    every.state = AbsenceState.WITHDRAWN
    every.withdrawn_by, every.withdrawn_at = student, IN_TERM
    every.save()
    assert covering(section, IN_TERM, noon) == one.pk
    assert covering(other, IN_TERM, noon) is None
