"""Which section somebody means: by id or code, among those that they may run."""

import string
import unicodedata
from datetime import UTC, date, datetime, timedelta

import pytest
from pytest_django import DjangoAssertNumQueries

from courses.errors import SectionAmbiguous, SectionArchived, SectionNotFound
from courses.models import Section
from courses.selectors.sections import find_section, sections_at
from courses.services.sections import archive_section
from courses.vocabulary import EnrolmentRole
from tests.support.course_factories import (
    TERM_ENDS,
    TERM_STARTS,
    EnrolmentFactory,
    SectionFactory,
    TermFactory,
)
from tests.support.factories import UserFactory
from users.models import User

pytestmark = pytest.mark.django_db

OCTOBER = date(2026, 10, 1)
DAY = timedelta(days=1)


@pytest.fixture
def teacher() -> User:
    return UserFactory.create(teacher=True)


@pytest.fixture
def section(teacher: User) -> Section:
    made = SectionFactory.create(code="FİZ-101")
    EnrolmentFactory(section=made, user=teacher, role=EnrolmentRole.TEACHER)
    return made


@pytest.mark.parametrize("key", ["FİZ-101", "fiz-101", " Fız-101 ", "FIZ-101", "\uff26iz-101"])
def test_letter_case_and_the_dot_of_an_i_do_not_matter(
    key: str, section: Section, teacher: User
) -> None:
    assert find_section(key=key, user=teacher, on=OCTOBER) == section


@pytest.mark.parametrize("key", ["", " ", "#", "FİZ", "FİZ-1011", "0", "#FİZ-101", "9" * 40])
def test_what_is_no_code_and_no_id_is_not_found(key: str, section: Section, teacher: User) -> None:
    with pytest.raises(SectionNotFound):
        find_section(key=key, user=teacher, on=OCTOBER)


def test_an_id_names_a_section_without_a_code(teacher: User) -> None:
    made = SectionFactory.create(code="")
    EnrolmentFactory(section=made, user=teacher, role=EnrolmentRole.TEACHER)
    for key in (str(made.pk), f"#{made.pk}"):
        assert find_section(key=key, user=teacher, on=OCTOBER) == made


@pytest.mark.parametrize(
    ("role", "is_found"),
    [
        (EnrolmentRole.TEACHER, True),
        (EnrolmentRole.ASSISTANT, True),
        (EnrolmentRole.STUDENT, False),
        (EnrolmentRole.OBSERVER, False),
    ],
)
def test_only_those_who_run_a_section_find_it(
    role: EnrolmentRole, is_found: bool, section: Section
) -> None:
    user = UserFactory.create()
    EnrolmentFactory(section=section, user=user, role=role)
    for key in (section.code, str(section.pk)):
        if is_found:
            assert find_section(key=key, user=user, on=OCTOBER) == section
            continue
        with pytest.raises(SectionNotFound):
            find_section(key=key, user=user, on=OCTOBER)


def test_staff_finds_all_that_is_not_archived(section: Section) -> None:
    office = UserFactory.create(staff=True)
    assert find_section(key="fiz-101", user=office, on=OCTOBER) == section
    archive_section(section_id=section.pk, actor=office)
    for key in (section.code, str(section.pk)):
        with pytest.raises(SectionArchived):
            find_section(key=key, user=office, on=OCTOBER)


def test_nobody_finds_a_section_before_and_after_their_enrolment(teacher: User) -> None:
    made = SectionFactory.create(code="A")
    EnrolmentFactory(
        section=made,
        user=teacher,
        role=EnrolmentRole.TEACHER,
        begins_on=OCTOBER,
        ends_on=OCTOBER + DAY,
    )
    assert find_section(key="A", user=teacher, on=OCTOBER) == made
    for day in (OCTOBER - DAY, OCTOBER + DAY):
        with pytest.raises(SectionNotFound):
            find_section(key="A", user=teacher, on=day)


@pytest.mark.parametrize(
    ("zone", "first", "end"),
    [
        ("Pacific/Kiritimati", datetime(2026, 9, 30, 10, tzinfo=UTC), 24),
        ("Europe/Istanbul", datetime(2026, 9, 30, 21, tzinfo=UTC), 24),
        ("Etc/GMT+12", datetime(2026, 10, 1, 12, tzinfo=UTC), 24),
    ],
)
def test_an_instant_stands_for_the_day_where_the_section_is_taught(
    zone: str, first: datetime, end: int, teacher: User
) -> None:
    made = SectionFactory.create(code="A", time_zone=zone)
    EnrolmentFactory(
        section=made,
        user=teacher,
        role=EnrolmentRole.TEACHER,
        begins_on=OCTOBER,
        ends_on=OCTOBER + DAY,
    )
    second = timedelta(seconds=1)
    last = first + timedelta(hours=end) - second
    for at in (first, last):
        assert find_section(key="A", user=teacher, on=at) == made
    for at in (first - second, last + second):
        assert sections_at(user_id=teacher.pk, at=at) == []
        with pytest.raises(SectionNotFound):
            find_section(key="A", user=teacher, on=at)


def test_a_code_of_several_is_named_with_their_ids(section: Section, teacher: User) -> None:
    other = SectionFactory.create(code="fiz-101")
    EnrolmentFactory(section=other, user=teacher, role=EnrolmentRole.ASSISTANT)
    with pytest.raises(SectionAmbiguous) as caught:
        find_section(key="FİZ-101", user=teacher, on=OCTOBER)
    assert caught.value.context == {"ids": f"#{section.pk}, #{other.pk}"}
    assert find_section(key=f"#{other.pk}", user=teacher, on=OCTOBER) == other


def test_an_id_that_is_the_code_of_another_is_never_guessed(teacher: User) -> None:
    one = SectionFactory.create()
    other = SectionFactory.create(code=str(one.pk))
    for each in (one, other):
        EnrolmentFactory(section=each, user=teacher, role=EnrolmentRole.TEACHER)
    with pytest.raises(SectionAmbiguous):
        find_section(key=str(one.pk), user=teacher, on=OCTOBER)
    assert find_section(key=f"#{one.pk}", user=teacher, on=OCTOBER) == one


def test_of_two_with_one_code_the_one_of_these_days_is_meant(teacher: User) -> None:
    last_year = TermFactory.create(starts_on=date(2025, 9, 15), ends_on=date(2026, 1, 17))
    old = SectionFactory.create(code="A", term=last_year)
    now = SectionFactory.create(code="A")
    for each in (old, now):
        EnrolmentFactory(section=each, user=teacher, role=EnrolmentRole.TEACHER)
    office = UserFactory.create(staff=True)
    for user in (teacher, office):
        assert find_section(key="A", user=user, on=OCTOBER) == now
        assert find_section(key="A", user=user, on=datetime(2026, 10, 1, tzinfo=UTC)) == now
    assert find_section(key="A", user=office, on=date(2026, 1, 16)) == old
    assert find_section(key=str(old.pk), user=teacher, on=OCTOBER) == old
    with pytest.raises(SectionAmbiguous):
        find_section(key="A", user=office, on=TERM_STARTS - DAY)
    with pytest.raises(SectionAmbiguous):
        find_section(key="A", user=teacher, on=TERM_ENDS)


def test_finding_takes_as_many_queries_for_one_as_for_many(
    section: Section, teacher: User, django_assert_max_num_queries: DjangoAssertNumQueries
) -> None:
    for _ in range(20):
        row = EnrolmentFactory.create(user=teacher, role=EnrolmentRole.TEACHER)
        assert row.section != section
    with django_assert_max_num_queries(3):
        find_section(key="fiz-101", user=teacher, on=datetime(2026, 10, 1, tzinfo=UTC))
    office = UserFactory.create(staff=True)
    with django_assert_max_num_queries(1):
        find_section(key="fiz-101", user=office, on=OCTOBER)


@pytest.mark.parametrize("sign", [*string.printable.strip(), "ß", "e\u0301", "²", "中", "😀"])
def test_whatever_is_searched_for_is_found_by_the_server(sign: str) -> None:
    title = unicodedata.normalize("NFC", f"x{sign}y")
    made = SectionFactory.create(title=title)
    SectionFactory.create(title="xy")
    for text in (f"X{sign}y", f"x{sign.upper() if len(sign.upper()) == 1 else sign}Y"):
        assert list(Section.objects.filter(title__found=text)) == [made]
