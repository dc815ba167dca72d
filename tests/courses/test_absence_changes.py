"""What a decision tells others, in which transaction, and many decisions at once."""

import threading
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import connection, transaction
from django.test.utils import CaptureQueriesContext
from pytest_django import DjangoAssertNumQueries
from pytest_django.fixtures import Settings

from courses import errors
from courses.models import Absence, AbsenceEvidence, Section
from courses.selectors.absence_lists import (
    AbsenceFilter,
    absences_seen_by,
    filter_absences,
    find_absence,
    find_evidence,
    viewer_of,
    views_of,
    with_details,
)
from courses.services.absence_decisions import decide_absences
from courses.services.absences import (
    AbsencePlan,
    attach_evidence,
    decide_absence,
    request_absence,
    withdraw_absence,
)
from courses.services.closures import reopen
from courses.services.evidence import EvidenceFile, read_sent_files
from courses.signals import absence_changed
from courses.vocabulary import (
    MEGABYTE,
    MOST_EVIDENCE_BYTES,
    MOST_EVIDENCE_FILES,
    AbsenceState,
    EnrolmentRole,
)
from tests.support.course_factories import (
    IN_TERM,
    AbsenceEvidenceFactory,
    AbsenceFactory,
    AbsenceReasonFactory,
    ClosureFactory,
    EnrolmentFactory,
    SectionFactory,
)
from tests.support.excuses import excused, is_closed
from tests.support.factories import UserFactory
from tests.support.waiting import wait_until
from users.models import User
from users.services.merging import merge_people

pytestmark = pytest.mark.django_db

PDF = EvidenceFile(name="note.pdf", content=b"%PDF-1.7\n")
HOUR = timedelta(hours=1)
SOON = datetime(2090, 1, 1, 9, tzinfo=UTC)


@pytest.fixture(autouse=True)
def folder(settings: Settings, tmp_path: Path) -> None:
    settings.EVIDENCE_FOLDER = str(tmp_path)


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


@pytest.fixture
def told() -> Iterator[list[tuple[int, str, bool]]]:
    """Each signal: the absence, its state by then, whether a transaction is open."""
    heard: list[tuple[int, str, bool]] = []

    def hear(absence_id: int, **_: Any) -> None:
        state = Absence.objects.values_list("state", flat=True).get(pk=absence_id)
        heard.append((absence_id, state, connection.in_atomic_block))

    absence_changed.connect(hear)
    yield heard
    absence_changed.disconnect(hear)


@pytest.mark.django_db(transaction=True)
def test_a_decision_and_a_withdrawal_tell_once_inside_their_transaction(
    told: list[tuple[int, str, bool]], office: User
) -> None:
    absence, refused = AbsenceFactory.create(), AbsenceFactory.create()
    for _ in range(2):
        decide_absence(absence_id=absence.pk, approve=True, actor=office)
    for _ in range(2):
        withdraw_absence(absence_id=absence.pk, actor=office)
    decide_absence(absence_id=refused.pk, approve=False, actor=office, why="an exam")
    with pytest.raises(errors.AbsenceSettled):
        decide_absence(absence_id=refused.pk, approve=True, actor=office)
    assert told == [
        (absence.pk, "approved", True),
        (absence.pk, "withdrawn", True),
        (refused.pk, "refused", True),
    ]


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("verb", ["decide", "withdraw"])
def test_what_a_listener_cannot_do_takes_the_change_back(verb: str, office: User) -> None:
    absence = AbsenceFactory.create()

    def fail(**_: Any) -> None:
        raise RuntimeError("no register today")

    absence_changed.connect(fail)
    try:
        with pytest.raises(RuntimeError):
            if verb == "decide":
                decide_absence(absence_id=absence.pk, approve=True, actor=office)
            else:
                withdraw_absence(absence_id=absence.pk, actor=office)
    finally:
        absence_changed.disconnect(fail)
    absence.refresh_from_db()
    assert absence.state == AbsenceState.REQUESTED


def waits_for_a_lock() -> bool:
    with connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM pg_locks WHERE NOT granted")
        return bool(cursor.fetchone()[0])


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("verb", ["decide", "withdraw"])
@pytest.mark.parametrize("has_other_account", [False, True])
def test_a_change_waits_for_who_holds_the_person_s_key(
    verb: str, has_other_account: bool, office: User
) -> None:
    """As persistence does while it looks for absences: SELECT ... FOR KEY SHARE."""
    absence, done = AbsenceFactory.create(), threading.Event()
    held = absence.user
    if has_other_account:
        # A roster has one account of the person, the absence another.
        held = UserFactory.create()
        merge_people(
            duplicate=absence.user.school_number,
            into=held.school_number,
            actor=office,
            reason="twice",
        )

    def change() -> None:
        if verb == "decide":
            decide_absence(absence_id=absence.pk, approve=True, actor=office)
        else:
            withdraw_absence(absence_id=absence.pk, actor=office)
        done.set()
        connection.close()

    other = threading.Thread(target=change)
    with transaction.atomic():
        with connection.cursor() as cursor:
            cursor.execute("SELECT id FROM users_user WHERE id = %s FOR KEY SHARE", [held.pk])
        other.start()
        wait_until(lambda: done.is_set() or waits_for_a_lock(), "the change waits, or is done")
        assert not done.is_set()
        absence.refresh_from_db()
        assert absence.state == AbsenceState.REQUESTED
    other.join(10)
    assert done.is_set()


def test_the_person_is_held_before_the_absence(office: User) -> None:
    absence = AbsenceFactory.create()
    with CaptureQueriesContext(connection) as captured:
        decide_absence(absence_id=absence.pk, approve=True, actor=office)
    held = [each["sql"] for each in captured if " FOR " in each["sql"]]
    assert 'FROM "users_user"' in held[0]
    assert held[0].endswith("FOR UPDATE")
    assert 'FROM "courses_absence"' in held[1]


def test_many_are_decided_each_for_itself(
    section: Section, student: User, teacher: User, office: User
) -> None:
    other = AbsenceFactory.create(is_for_all_sections=False)
    other.sections.set([SectionFactory.create()])
    own = [AbsenceFactory.create(user=student, is_for_all_sections=False) for _ in range(3)]
    for absence in own:
        absence.sections.set([section])
    every = AbsenceFactory.create(user=student)
    decide_absence(absence_id=own[1].pk, approve=False, actor=office, why="an exam")
    asked = [own[2].pk, other.pk, own[1].pk, 0, every.pk, own[0].pk, own[0].pk]

    done = decide_absences(absence_ids=asked, approve=True, actor=teacher)

    assert [each.absence_id for each in done] == asked[:-1]
    assert [each.error.code if each.error else "" for each in done] == [
        "",
        "absence_not_found",
        "absence_settled",
        "absence_not_found",
        "not_your_absence",
        "",
    ]
    states = dict(Absence.objects.values_list("pk", "state"))
    assert [states[absence.pk] for absence in own] == ["approved", "refused", "approved"]
    assert {states[other.pk], states[every.pk]} == {"requested"}


@pytest.mark.django_db(transaction=True)
def test_a_process_that_dies_between_decisions_leaves_what_is_decided(office: User) -> None:
    absences = [AbsenceFactory.create() for _ in range(3)]

    def die(absence_id: int, **_: Any) -> None:
        if absence_id == absences[1].pk:
            raise SystemExit

    absence_changed.connect(die)
    try:
        with pytest.raises(SystemExit):
            decide_absences(absence_ids=[a.pk for a in absences], approve=True, actor=office)
    finally:
        absence_changed.disconnect(die)
    states = [Absence.objects.get(pk=absence.pk).state for absence in absences]
    assert states == ["approved", "requested", "requested"]


def plan(user: User, **changes: Any) -> AbsencePlan:
    values = {"user_id": user.pk, "starts_at": SOON, "ends_at": SOON + HOUR, **changes}
    values.setdefault("reason_id", AbsenceReasonFactory.create().pk)
    return AbsencePlan(**values)


def test_a_request_that_is_sent_again_is_one_absence(student: User, office: User) -> None:
    asked = plan(student)
    first = request_absence(plan=asked, actor=student, evidence=[PDF], request_id="a")
    again = request_absence(plan=asked, actor=student, evidence=[PDF], request_id="a")
    assert again == first
    assert AbsenceEvidence.objects.count() == 1
    with pytest.raises(errors.AbsenceAskedAnew):
        request_absence(plan=plan(student), actor=student, request_id="a")
    assert request_absence(plan=asked, actor=office, request_id="a") != first
    assert request_absence(plan=asked, actor=student) != first
    assert Absence.objects.count() == 3


@pytest.mark.django_db(transaction=True)
def test_a_request_that_is_sent_twice_at_once_is_one_absence(student: User) -> None:
    asked, barrier, made = plan(student), threading.Barrier(4), []

    def send() -> None:
        barrier.wait(10)
        made.append(request_absence(plan=asked, actor=student, request_id="a").pk)
        connection.close()

    threads = [threading.Thread(target=send) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(20)
    assert len(made) == 4
    assert len(set(made)) == Absence.objects.count() == 1


def test_an_absence_has_ten_files_and_no_more(student: User) -> None:
    many = [PDF] * (MOST_EVIDENCE_FILES + 1)
    with pytest.raises(errors.TooMuchEvidence):
        request_absence(plan=plan(student), actor=student, evidence=many)
    absence = request_absence(plan=plan(student), actor=student, evidence=many[1:])
    with pytest.raises(errors.TooMuchEvidence):
        attach_evidence(absence_id=absence.pk, file=PDF, actor=student)
    assert AbsenceEvidence.objects.count() == MOST_EVIDENCE_FILES


def test_files_together_have_a_limit(student: User, office: User) -> None:
    absence = AbsenceFactory.create(user=student)
    for _ in range(4):
        AbsenceEvidenceFactory(absence=absence, size=MOST_EVIDENCE_BYTES, added_by=office)
    with pytest.raises(errors.TooMuchEvidence):
        attach_evidence(absence_id=absence.pk, file=PDF, actor=student)
    AbsenceEvidence.objects.filter(absence=absence).update(removed_at=IN_TERM)
    attach_evidence(absence_id=absence.pk, file=PDF, actor=student)


def test_nobody_but_staff_fills_the_disk_in_a_day(student: User, office: User) -> None:
    for _ in range(20):
        AbsenceEvidenceFactory(added_by=student, size=5 * MEGABYTE)
    absence = AbsenceFactory.create(user=student)
    with pytest.raises(errors.TooMuchEvidenceToday):
        attach_evidence(absence_id=absence.pk, file=PDF, actor=student)
    attach_evidence(absence_id=absence.pk, file=PDF, actor=office)
    AbsenceEvidence.objects.filter(added_by=student).update(added_at=IN_TERM)
    if IN_TERM.timestamp() < datetime.now(UTC).timestamp() - 86_400:
        attach_evidence(absence_id=absence.pk, file=PDF, actor=student)


class Unread(SimpleUploadedFile):
    def read(self, *_: Any) -> bytes:
        raise AssertionError("a file that is too large was read")


def test_a_file_that_is_too_large_is_not_read() -> None:
    large = Unread("a.pdf", b"")
    large.size = 6 * MEGABYTE
    with pytest.raises(errors.EvidenceTooLarge):
        read_sent_files([large])
    large.size = 2 * MEGABYTE
    with pytest.raises(errors.TooMuchEvidence):
        read_sent_files([large] * 11)


def covering(section: Section, student: User, start: datetime, end: datetime) -> int | None:
    return excused(section, [student], start, end).get(student.pk)


def test_absences_cover_a_lesson_together(
    section: Section, student: User, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    def absent(first: int, last: int, **more: Any) -> Absence:
        return AbsenceFactory.create(
            user=student,
            approved=True,
            starts_at=IN_TERM + first * HOUR,
            ends_at=IN_TERM + last * HOUR,
            **more,
        )

    later, first = absent(1, 2), absent(-1, 1)
    absent(4, 5)
    # One for the absences, one for the sections that they name.
    with django_assert_num_queries(2):
        assert covering(section, student, IN_TERM, IN_TERM + 2 * HOUR) == first.pk
    second = timedelta(seconds=1)
    assert covering(section, student, IN_TERM, IN_TERM + 2 * HOUR + second) is None
    assert covering(section, student, IN_TERM - HOUR - second, IN_TERM + HOUR) is None
    assert covering(section, student, IN_TERM + HOUR, IN_TERM + 2 * HOUR) == later.pk
    # From 2 to 4 there is a gap; an absence that only touches fills none.
    assert covering(section, student, IN_TERM, IN_TERM + 5 * HOUR) is None
    elsewhere = absent(2, 4, is_for_all_sections=False)
    assert covering(section, student, IN_TERM, IN_TERM + 5 * HOUR) is None
    elsewhere.sections.set([section])
    assert covering(section, student, IN_TERM, IN_TERM + 5 * HOUR) == first.pk
    # What is enough by itself stands alone.
    whole = absent(-1, 6)
    assert covering(section, student, IN_TERM, IN_TERM + 5 * HOUR) == whole.pk


def test_a_closure_that_is_taken_back_closes_nothing(section: Section, office: User) -> None:
    closure = ClosureFactory.create(section=section)

    assert is_closed(section, closure.starts_on)
    with pytest.raises(errors.NotStaff):
        reopen(closure_id=closure.pk, actor=UserFactory.create(teacher=True))
    first = reopen(closure_id=closure.pk, actor=office)
    again = reopen(closure_id=closure.pk, actor=UserFactory.create(staff=True))
    assert (first.reopened_by, again.reopened_at) == (office, first.reopened_at)
    assert again.reopened_by == office
    assert not is_closed(section, closure.starts_on)
    with pytest.raises(errors.ClosureNotFound):
        reopen(closure_id=0, actor=office)
    assert reopen(closure_id=ClosureFactory.create().pk, actor=office).section is None


def seen(user: User, wanted: AbsenceFilter | None = None) -> set[int]:
    viewer = viewer_of(user_id=user.pk, person=user.as_person(), at=IN_TERM)
    rows = filter_absences(absences_seen_by(viewer), wanted or AbsenceFilter())
    return set(rows.values_list("pk", flat=True))


def test_who_sees_which_absences(
    section: Section, student: User, teacher: User, office: User
) -> None:
    named, elsewhere = (
        AbsenceFactory.create(user=student, is_for_all_sections=False) for _ in range(2)
    )
    named.sections.set([section])
    elsewhere.sections.set([SectionFactory.create()])
    every, strange = AbsenceFactory.create(user=student), AbsenceFactory.create()
    assistant, observer = (
        EnrolmentFactory.create(section=section, role=role).user
        for role in (EnrolmentRole.ASSISTANT, EnrolmentRole.OBSERVER)
    )
    foreign = EnrolmentFactory.create(teaching=True).user
    asked = AbsenceFactory.create(requested_by=foreign)

    assert seen(student) == {named.pk, elsewhere.pk, every.pk}
    assert seen(teacher) == {named.pk, every.pk}
    assert seen(office) == {named.pk, elsewhere.pk, every.pk, strange.pk, asked.pk}
    assert seen(assistant) == seen(observer) == seen(UserFactory.create()) == set()
    assert seen(foreign) == {asked.pk}


def test_a_teacher_sees_what_falls_into_the_days_of_an_enrolment(
    section: Section, teacher: User
) -> None:
    day = timedelta(days=1)
    left = EnrolmentFactory.create(section=section, ends_on=IN_TERM.date()).user
    joins = EnrolmentFactory.create(section=section, begins_on=IN_TERM.date() + day).user
    never = EnrolmentFactory.create(
        section=section, begins_on=IN_TERM.date(), ends_on=IN_TERM.date()
    ).user
    during = [
        AbsenceFactory.create(user=left, starts_at=IN_TERM - day, ends_at=IN_TERM + HOUR),
        AbsenceFactory.create(user=joins, ends_at=IN_TERM + day),
    ]
    for user in (left, joins):
        AbsenceFactory.create(user=user)
    # Around the one day that is no day: the enrolment never came about.
    AbsenceFactory.create(user=never, starts_at=IN_TERM - day, ends_at=IN_TERM + day)
    assert seen(teacher) == {absence.pk for absence in during}


def test_a_day_is_that_of_the_section(teacher: User, section: Section) -> None:
    """At 23:30 in Istanbul, in UTC, it is still the day before."""
    late = datetime(2026, 10, 5, 21, 30, tzinfo=UTC)
    student = EnrolmentFactory.create(
        section=section, begins_on=IN_TERM.date() + timedelta(days=1)
    ).user
    absence = AbsenceFactory.create(user=student, starts_at=late - HOUR, ends_at=late)
    assert seen(teacher) == {absence.pk}
    absence.ends_at = late - 45 * timedelta(minutes=1)
    absence.save()
    assert seen(teacher) == set()


def test_absences_are_found_by_what_is_asked(section: Section, student: User, office: User) -> None:
    absence = AbsenceFactory.create(user=student, approved=True)
    other = AbsenceFactory.create(starts_at=IN_TERM + 30 * HOUR, ends_at=IN_TERM + 31 * HOUR)
    assert seen(office, AbsenceFilter(state="approved")) == {absence.pk}
    assert seen(office, AbsenceFilter(school_number=other.user.school_number)) == {other.pk}
    assert seen(office, AbsenceFilter(section_id=section.pk)) == {absence.pk}
    assert seen(office, AbsenceFilter(ends_after=absence.ends_at)) == {other.pk}
    assert seen(office, AbsenceFilter(starts_before=other.starts_at)) == {absence.pk}


def test_what_somebody_may_do_with_an_absence(
    section: Section, student: User, teacher: User, office: User
) -> None:
    ahead = {"user": student, "starts_at": SOON, "ends_at": SOON + HOUR}
    absence = AbsenceFactory.create(is_for_all_sections=False, **ahead)
    absence.sections.set([section])
    every = AbsenceFactory.create(**ahead)
    file = AbsenceEvidenceFactory.create(absence=absence)
    AbsenceEvidenceFactory(absence=every)

    def look(user: User, at: datetime = IN_TERM) -> Any:
        viewer = viewer_of(user_id=user.pk, person=user.as_person(), at=at)
        return lambda row: find_absence(row.pk, viewer)

    views = [look(user)(absence) for user in (student, teacher, office)]
    assert [view.can_decide for view in views] == [False, True, True]
    assert [view.can_withdraw for view in views] == [True, False, True]
    assert [view.can_attach for view in views] == [True, False, True]
    assert all(view.evidence == [file] for view in views)
    assert not look(student, SOON)(absence).can_withdraw
    wide = look(teacher)(every)
    assert (wide.can_decide, wide.evidence) == (False, None)
    decide_absence(absence_id=absence.pk, approve=False, actor=teacher, why="an exam")
    refused = look(office)(absence)
    assert (refused.can_decide, refused.can_withdraw, refused.can_attach) == (False,) * 3


def test_a_file_is_read_by_those_who_may(section: Section, student: User, teacher: User) -> None:
    absence, every = (AbsenceFactory.create(user=student) for _ in range(2))
    absence.is_for_all_sections = False
    absence.save()
    absence.sections.set([section])
    file, wide = (AbsenceEvidenceFactory.create(absence=row) for row in (absence, every))

    def read(user: User, row: Absence, of: AbsenceEvidence) -> AbsenceEvidence:
        viewer = viewer_of(user_id=user.pk, person=user.as_person(), at=IN_TERM)
        return find_evidence(row.pk, of.pk, viewer)

    assert read(student, absence, file) == read(teacher, absence, file) == file
    with pytest.raises(errors.NotYourAbsence):
        read(teacher, every, wide)
    with pytest.raises(errors.EvidenceNotFound):
        read(student, absence, wide)
    with pytest.raises(errors.AbsenceNotFound):
        read(UserFactory.create(), absence, file)


def test_a_list_takes_the_same_queries_for_one_and_for_many(
    section: Section, student: User, teacher: User
) -> None:
    viewer = viewer_of(user_id=teacher.pk, person=teacher.as_person(), at=IN_TERM)

    def queries() -> int:
        with CaptureQueriesContext(connection) as captured:
            views_of(with_details(absences_seen_by(viewer)), viewer)
        return len(captured)

    def add() -> None:
        absence = AbsenceFactory.create(user=student, is_for_all_sections=False)
        absence.sections.set([section])
        AbsenceEvidenceFactory(absence=absence)

    add()
    few = queries()
    for _ in range(20):
        add()
    assert queries() == few


def test_an_absence_of_one_account_is_of_every_account_of_the_person(
    section: Section, student: User, teacher: User, office: User
) -> None:
    """Merged accounts: one is enrolled, the absence is the other's."""
    other = UserFactory.create()
    # One that somebody else has asked for, and one that they have.
    absence = AbsenceFactory.create(user=other, requested_by=office)
    named = AbsenceFactory.create(user=other, is_for_all_sections=False)
    named.sections.set([section])
    merge_people(
        duplicate=other.school_number, into=student.school_number, actor=office, reason="twice"
    )

    assert seen(student) == seen(teacher) == {absence.pk, named.pk}
    found = AbsenceFilter(school_number=student.school_number)
    assert seen(office, found) == {absence.pk, named.pk}
    viewer = viewer_of(user_id=student.pk, person=student.as_person(), at=IN_TERM)
    view = find_absence(named.pk, viewer)
    assert (view.evidence, view.can_attach, view.can_decide) == ([], True, False)
