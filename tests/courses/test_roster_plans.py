"""What a roster would do, row by row, and that nothing is written by looking."""

from datetime import date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from django.utils import translation
from pytest_django import DjangoAssertNumQueries

from courses.errors import (
    NoCurrentTerm,
    RosterColumns,
    RosterEmpty,
    SectionNotFound,
    TermUnclear,
)
from courses.models import Enrolment, Section
from courses.services.rosters import deciding
from courses.services.rosters.plan import PlannedRow, RosterPlan
from courses.services.rosters.planning import RosterSource, plan_roster
from courses.vocabulary import EnrolmentRole, SystemKind
from tests.support.course_factories import (
    IN_TERM,
    TERM_ENDS,
    TERM_STARTS,
    ZONE,
    EnrolmentFactory,
    SectionFactory,
    SourceSystemFactory,
    TermFactory,
)
from tests.support.factories import UserFactory
from users.identity import Person, Role
from users.models import User
from users.services import merge_people

pytestmark = pytest.mark.django_db

HEAD = "school_number,full_name,section,role,begins_on,ends_on\n"
TODAY = IN_TERM.date()
DAY = timedelta(days=1)
OTHER = ("enrolled_by_other_system", "Canvas")


@pytest.fixture
def section() -> Section:
    return SectionFactory.create(code="PHY-1", term__title="Autumn")


@pytest.fixture
def csv() -> Any:
    return SourceSystemFactory(code="csv", kind=SystemKind.CSV)


def plan_of(text: str, at: datetime = IN_TERM, **source: Any) -> RosterPlan:
    content = text if isinstance(text, bytes) else text.encode()
    return plan_roster(RosterSource(content=content, **source), at=at).plan


def row_of(line: str, **source: Any) -> PlannedRow:
    """What becomes of the first line of a file."""
    (row,) = [row for row in plan_of(HEAD + line, **source).rows if row.line == 2]
    return row


def enrolled(section: Section, number: str, system: Any, **values: Any) -> Enrolment:
    user = User.objects.filter(school_number=number).first() or UserFactory.create(
        school_number=number, full_name="Ada"
    )
    return EnrolmentFactory.create(section=section, user=user, system=system, **values)


def test_looking_writes_nothing(section: Section) -> None:
    before = (User.objects.count(), Section.objects.count())
    plan = plan_of(HEAD + "S-1,Ada,PHY-1,student,,\nS-2,Lin,NEW-1,teacher,,\n")
    assert plan.counts | {"create": 2, "sections_created": 1, "people_created": 2} == plan.counts
    assert (User.objects.count(), Section.objects.count()) == before
    assert not Enrolment.objects.exists()


@pytest.mark.parametrize(
    ("word", "role"),
    [
        ("", "student"),
        ("Learner", "student"),
        ("ÖĞRENCİ", "student"),
        ("Teacher", "teacher"),
        ("Öğretmen", "teacher"),
        ("ÖĞRETİM ELEMANI", "teacher"),
        ("Instructor", "teacher"),
        ("TA", "assistant"),
        ("Asistan", "assistant"),
        ("TeachingAssistant", "assistant"),
        ("Observer", "observer"),
        ("gözlemci", "observer"),
        ("guardian", "invalid_section_role"),
        ("administrator", "invalid_section_role"),
    ],
)
def test_a_role_is_read_where_its_meaning_is_clear(section: Section, word: str, role: str) -> None:
    row = row_of(f"S-1,Ada,PHY-1,{word},,")
    assert role in {row.role, row.code}


@pytest.mark.parametrize("name", [" PHY-1 ", "phy-1", "Phy-1", "\u00a0PHY-1"])
def test_a_section_is_found_however_its_code_is_typed(section: Section, name: str) -> None:
    plan = plan_of(HEAD + f"S-1,Ada,{name},student,,\nS-2,Lin,PHY-1,student,,\n")
    (found,) = plan.sections
    assert (found.section_id, plan.counts["create"]) == (section.pk, 2)


def test_a_section_is_found_in_turkish_capitals_and_by_the_id_of_its_system() -> None:
    term = TermFactory()
    SectionFactory(term=term, code="Şube ı İ", sourced_id="c-77")
    assert plan_of(HEAD + "S-1,Ada,ŞUBE I i,,,\n").counts["sections_created"] == 0
    assert plan_of(HEAD + "S-1,Ada,C-77,,,\n").counts["sections_created"] == 0


def test_two_sections_of_one_code_are_told_apart_by_nobody(section: Section) -> None:
    other = SectionFactory(term=section.term, code="phy-1")
    row = row_of("S-1,Ada,PHY-1,,,")
    assert (row.action, row.code) == ("bad", "ambiguous_section")
    Section.objects.filter(pk=other.pk).update(archived_at=IN_TERM)
    assert row_of("S-1,Ada,PHY-1,,,").action == "create"
    Section.objects.update(archived_at=IN_TERM)
    section.delete()
    assert row_of("S-1,Ada,PHY-1,,,").code == "section_archived"


def test_an_unknown_section_would_be_made_and_the_plan_says_so(section: Section) -> None:
    plan = plan_of(HEAD + "T-1,Ada, New  1 ,teacher,,\nS-1,Lin,new 1,,,\n")
    (made,) = plan.sections
    assert (made.section_id, made.code, len(made.rows)) == (None, "New 1", 2)
    assert [note.code for note in made.notes] == ["new_section"]
    assert "Autumn" in made.notes[0].detail


def test_a_section_without_a_teacher_is_noted(section: Section, csv: Any) -> None:
    def notes(text: str) -> list[str]:
        return [note.code for note in plan_of(HEAD + text).sections[0].notes]

    assert notes("S-1,Ada,PHY-1,,,\n") == ["no_teacher"]
    assert notes("S-1,Ada,PHY-1,,,\nT-1,Lin,PHY-1,teacher,,\n") == []
    enrolled(section, "T-1", csv, role=EnrolmentRole.TEACHER)
    # Of this system, and not in the file: it ends.
    assert notes("S-1,Ada,PHY-1,,,\n") == ["no_teacher"]
    EnrolmentFactory(section=section, teaching=True)
    assert notes("S-1,Ada,PHY-1,,,\n") == []


def test_the_first_day_is_today_where_the_section_is_taught() -> None:
    SectionFactory(code="TR", term=TermFactory(title="A"), time_zone=ZONE)
    late = datetime(2026, 10, 4, 23, 30, tzinfo=ZoneInfo("UTC"))
    assert plan_of(HEAD + "S-1,Ada,TR,,,", at=late).rows[0].begins_on == date(2026, 10, 5)


def test_before_the_section_starts_the_first_day_is_its_first(section: Section) -> None:
    Section.objects.update(starts_on=TERM_STARTS + 60 * DAY)
    assert row_of("S-1,Ada,PHY-1,,,").begins_on == TERM_STARTS + 60 * DAY


@pytest.mark.parametrize(
    ("begins", "ends", "code"),
    [
        ("2026-10-01", "2026-09-20", "invalid_dates"),
        ("2026-10-01", "2026-10-01", "invalid_dates"),
        ("2026-09-01", "", "invalid_dates"),
        ("", "2027-02-01", "invalid_dates"),
        ("", "2026-10-01", "invalid_dates"),
        ("1999-01-01", "", "invalid_dates"),
        ("2100-01-02", "", "invalid_dates"),
        ("1.2.3", "", "invalid_day"),
        ("31.09.2026", "", "invalid_day"),
        ("14.09.2026", "16.01.2027", ""),
        ("2026-09-14", "2026-10-01", ""),
    ],
)
def test_days_lie_within_the_section(section: Section, begins: str, ends: str, code: str) -> None:
    assert row_of(f"S-1,Ada,PHY-1,,{begins},{ends}").code == code


@pytest.mark.parametrize(
    ("line", "code"),
    [
        ("1.00012E+07,Ada,PHY-1,,,", "number_from_spreadsheet"),
        ("!,Ada,PHY-1,,,", "invalid_school_number"),
        ("S-1,,PHY-1,,,", "invalid_full_name"),
        ("S-1,\u200b,PHY-1,,,", "invalid_full_name"),
        ("S-1,\u202eadA,PHY-1,,,", "invalid_full_name"),
        ("S-1,A\0da,PHY-1,,,", "nul_character"),
        ("S-1,Ada,,,,", "section_required"),
        (f"S-1,Ada,{'x' * 65},,,", "invalid_text"),
        ("S-1,Ada,PHY-1,,,,x", "too_many_values"),
        ("S-1,Ada,PHY-1", "too_few_values"),
        ('"S-1\n",Ada,PHY-1,,,', "row_of_several_lines"),
        ('S-1,"A"da,PHY-1,,,', "unreadable_row"),
    ],
)
def test_a_bad_row_is_told_and_the_others_are_planned(
    section: Section, line: str, code: str
) -> None:
    plan = plan_of(HEAD + line + "\nS-9,Last,PHY-1,,,\n")
    assert [(row.line, row.code) for row in plan.bad] == [(2, code)]
    assert plan.bad[0].detail
    assert plan.counts["create"] == 1
    # Who is in a bad row only is not made.
    assert [person.school_number for person in plan.people] == ["S-9"]


def test_zeros_that_are_gone_are_not_guessed(section: Section) -> None:
    UserFactory(school_number="000123", full_name="Ada")
    assert row_of("123,Ada,PHY-1,,,").code == "leading_zeros_gone"
    assert row_of("000123,Ada,PHY-1,,,").school_number == "000123"
    UserFactory(school_number="123", full_name="Ada")
    assert row_of("123,Ada,PHY-1,,,").action == "create"


def test_one_person_in_a_file_is_one_person(section: Section) -> None:
    text = (
        "S-1,Ada,PHY-1,student,,\n"
        "s-1,Ada,phy-1,student,,\n"
        "S-1,Ada,PHY-1,student,,2026-12-01\n"
        "S-1,Ada,PHY-1,teacher,,\n"
        "S-1,Ada,PHY-1,assistant,,\n"
        "S-1,Eve,PHY-2,student,,\n"
        "S-1,Ada,PHY-2,student,,\n"
    )
    found = {row.line: (row.action.value, row.code) for row in plan_of(HEAD + text).rows}
    assert found == {
        2: ("create", ""),
        3: ("unchanged", "repeated"),
        4: ("bad", "contradictory_row"),
        5: ("bad", "contradictory_row"),
        6: ("create", ""),
        7: ("bad", "contradictory_row"),
        8: ("create", ""),
    }


def test_names_are_compared_in_one_form(section: Section) -> None:
    text = "S-1,\u00c5sa,PHY-1,,,\nS-1,A\u030asa,PHY-2,,,\n"
    plan = plan_of(HEAD + text)
    assert (plan.counts["bad"], plan.people[0].full_name) == (0, "\u00c5sa")


def test_a_known_person_needs_no_name_and_gets_the_one_of_the_file(section: Section) -> None:
    UserFactory(school_number="S-1", full_name="Ada")
    assert plan_of(HEAD + "S-1,,PHY-1,,,\n").people == ()
    (person,) = plan_of(HEAD + "S-1,Ada L,PHY-1,,,\n").people
    assert (person.change, person.full_name) == ("rename", "Ada L")


@pytest.mark.parametrize(
    ("user", "role", "change", "account"),
    [
        (None, "student", "create", "student"),
        (None, "observer", "create", "student"),
        (None, "teacher", "create", "teacher"),
        (None, "assistant", "create", "teacher"),
        ({}, "teacher", "complete", "teacher"),
        ({}, "assistant", None, None),
        ({"last_login": IN_TERM}, "teacher", None, None),
        ({"password": "md5$x"}, "teacher", None, None),
        ({"role": "teacher"}, "student", None, None),
        ({"role": "staff"}, "teacher", None, None),
        ({"is_superuser": True, "full_name": "Root"}, "teacher", None, None),
    ],
)
def test_accounts_are_made_and_completed_and_never_lowered(
    section: Section, user: Any, role: str, change: str | None, account: str | None
) -> None:
    if user is not None:
        UserFactory(**{"school_number": "S-1", "full_name": "Ada", **user})
    people = plan_of(HEAD + f"S-1,Ada,PHY-1,{role},,\n").people
    assert [(p.change, p.role) for p in people] == ([(change, account)] if change else [])


EXISTING: dict[str, tuple[dict[str, Any], str, tuple[str, str], dict[str, Any]]] = {
    # name: (the enrolment that is there, begins and ends in the file, outcome, days after)
    "the same": ({}, ",", ("unchanged", ""), {}),
    "the same days": ({}, "2026-09-14,", ("unchanged", ""), {}),
    "another first day": (
        {},
        "2026-09-20,",
        ("unchanged", "first_day_kept"),
        {"begins_on": TERM_STARTS},
    ),
    "a first day that is still ahead": (
        {},
        "2026-10-20,",
        ("unchanged", "first_day_kept"),
        {"begins_on": TERM_STARTS},
    ),
    "ahead, and a first day that is past": (
        {"begins_on": date(2026, 11, 1)},
        "2026-09-20,",
        ("unchanged", "first_day_kept"),
        {"begins_on": date(2026, 11, 1)},
    ),
    "a new end": (
        {},
        ",2026-12-01",
        ("update", ""),
        {"begins_on": TERM_STARTS, "ends_on": date(2026, 12, 1)},
    ),
    "an end that has come": ({}, ",2026-10-01", ("end", ""), {"ends_on": date(2026, 10, 1)}),
    "an open end again": ({"ends_on": date(2026, 12, 1)}, ",", ("update", ""), {"ends_on": None}),
    "an end before it began": ({}, ",2026-09-13", ("bad", "invalid_dates"), {}),
    "ended before": (
        {"ends_on": date(2026, 10, 1)},
        ",",
        ("create", ""),
        {"begins_on": TODAY, "ends_on": None},
    ),
    "back, by the first day of then": (
        {"ends_on": date(2026, 10, 1)},
        "2026-09-14,",
        ("create", "back_again"),
        {"begins_on": TODAY},
    ),
    "over, and the file says the same": (
        {"ends_on": date(2026, 10, 1)},
        "2026-09-14,2026-10-01",
        ("unchanged", ""),
        {},
    ),
    "over, and the file says another end": (
        {"ends_on": date(2026, 10, 1)},
        "2026-09-14,2026-09-30",
        ("unchanged", "history_kept"),
        {"ends_on": date(2026, 10, 1)},
    ),
    "over, and the file names the end alone": (
        {"ends_on": date(2026, 10, 1)},
        ",2026-10-01",
        ("unchanged", ""),
        {},
    ),
    "over, and days that meet it": (
        {"ends_on": date(2026, 10, 1)},
        "2026-09-20,2026-10-02",
        ("bad", "enrolment_overlaps"),
        {},
    ),
    "ahead, and later still": (
        {"begins_on": date(2026, 11, 1)},
        "2026-11-08,",
        ("update", ""),
        {"begins_on": date(2026, 11, 8)},
    ),
    "never came about": ({"ends_on": TERM_STARTS}, "2026-09-14,", ("create", ""), {}),
}


@pytest.mark.parametrize("name", EXISTING)
def test_what_a_row_does_to_an_enrolment_that_is_there(
    section: Section, csv: Any, name: str
) -> None:
    values, days, outcome, after = EXISTING[name]
    enrolled(section, "S-1", csv, **values)
    row = row_of(f"S-1,Ada,PHY-1,student,{days}")
    assert (row.action, row.code) == outcome
    assert {key: getattr(row, key) for key in after} == after


def test_a_file_without_a_column_of_ends_says_nothing_of_them(section: Section, csv: Any) -> None:
    enrolled(section, "S-1", csv, ends_on=date(2026, 12, 1))
    plan = plan_of("school_number,full_name,section\nS-1,Ada,PHY-1\n")
    assert plan.is_empty


def test_another_system_s_enrolment_is_named_and_left(section: Section, csv: Any) -> None:
    canvas = SourceSystemFactory(code="canvas", name="Canvas", kind=SystemKind.CANVAS)
    enrolled(section, "S-1", canvas)
    row = row_of("S-1,Ada,PHY-1,,,")
    assert (row.action, row.code) == ("bad", OTHER[0])
    assert OTHER[1] in row.detail
    # Nor is it ended where the file does not name it.
    assert plan_of(HEAD + "S-2,Lin,PHY-1,,,\n").ends == 0


def test_an_end_is_not_moved_into_another_system_s_days(section: Section, csv: Any) -> None:
    canvas = SourceSystemFactory(code="canvas", name="Canvas", kind=SystemKind.CANVAS)
    enrolled(section, "S-1", csv, ends_on=date(2026, 11, 1))
    enrolled(section, "S-1", canvas, begins_on=date(2026, 12, 1))
    assert row_of("S-1,Ada,PHY-1,,,2026-12-15").code == OTHER[0]
    assert row_of("S-1,Ada,PHY-1,,,2026-12-01").action == "update"


def test_who_teaches_by_another_system_is_not_doubled(section: Section, csv: Any) -> None:
    EnrolmentFactory(section=section, teaching=True, user__school_number="T-1")
    row = row_of("T-1,Ada,PHY-1,teacher,,")
    assert (row.action, row.code) == ("unchanged", "held_elsewhere")


def test_whoever_is_missing_ends_in_the_sections_that_the_file_names(
    section: Section, csv: Any
) -> None:
    enrolled(section, "S-1", csv)
    enrolled(section, "S-2", csv)
    enrolled(section, "S-3", csv, begins_on=TODAY + DAY)
    enrolled(section, "S-4", csv, ends_on=TODAY)
    enrolled(section, "S-5", csv, ends_on=TERM_STARTS)
    enrolled(SectionFactory.create(term=section.term, code="PHY-2"), "S-6", csv)
    plan = plan_of(HEAD + "S-1,Ada,PHY-1,,,\n")
    ends = {row.school_number: row.ends_on for row in plan.rows if row.action == "end"}
    # What has not begun never comes about.
    assert ends == {"S-2": TODAY, "S-3": TODAY + DAY}
    assert plan.sections[0].enrolled == 3


def test_a_role_that_changes_ends_and_begins(section: Section, csv: Any) -> None:
    enrolled(section, "S-1", csv)
    found = {row.role: row.action.value for row in plan_of(HEAD + "S-1,Ada,PHY-1,TA,,\n").rows}
    assert found == {"student": "end", "assistant": "create"}


@pytest.mark.parametrize(
    ("line", "ended"),
    [
        ("S-2,Lin,PHY-1,boss,,", []),
        ("S-2,,PHY-1,,1.2.3,", []),
        ("!,Lin,PHY-1,,,", []),
        ("S-2,Lin,,,,", []),
        ("!,Lin,,,,", []),
        ("S-2,Lin,PHY-1", []),
        ('"S-9"x,Lin,PHY-1,,,', []),
        ("!,Lin,PHY-2,,,", ["S-2"]),
        ("S-2,Lin,PHY-2,boss,,", ["S-2"]),
        ("S-3,Lin,PHY-1,boss,,", ["S-2"]),
    ],
)
def test_nobody_ends_whom_a_bad_row_may_be_about(
    section: Section, csv: Any, line: str, ended: list[str]
) -> None:
    SectionFactory(term=section.term, code="PHY-2")
    enrolled(section, "S-1", csv)
    enrolled(section, "S-2", csv)
    plan = plan_of(HEAD + f"S-1,Ada,PHY-1,,,\n{line}\n")
    assert [row.school_number for row in plan.rows if row.action == "end"] == ended


def test_a_roster_that_is_too_large_is_refused(
    section: Section, csv: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(deciding, "MOST_STUDENTS", 3)
    enrolled(section, "S-0", csv)
    EnrolmentFactory(section=section)
    two = "S-0,Ada,PHY-1,,,\nS-1,A,PHY-1,,,\nT-1,T,PHY-1,teacher,,\nO-1,O,PHY-1,observer,,\n"
    assert plan_of(HEAD + two).counts["bad"] == 0
    plan = plan_of(HEAD + two + "S-2,B,PHY-1,,,\nS-3,C,PHY-2,,,\n")
    assert {row.code for row in plan.bad} == {"roster_too_large"}
    assert (plan.counts["bad"], plan.counts["create"], plan.ends) == (5, 1, 0)
    # One goes for each that comes.
    assert plan_of(HEAD + "S-8,A,PHY-1,,,\nS-9,A,PHY-1,,,\n").counts["bad"] == 0


def test_the_digest_names_what_would_be_done(section: Section, csv: Any) -> None:
    text = HEAD + "S-1,Ada,PHY-1,,,\nS-2,,PHY-1,,,\n"
    first = plan_of(text)
    with translation.override("tr"):
        turkish = plan_of(text)
    assert turkish.digest == first.digest == plan_of(text).digest
    assert turkish.bad[0].detail != first.bad[0].detail
    assert plan_of(text, at=IN_TERM + DAY).digest != first.digest
    assert plan_of(text.replace("Ada", "Eve")).digest != first.digest
    enrolled(section, "S-3", csv)
    assert plan_of(text).digest != first.digest


def test_what_a_file_needs_is_said() -> None:
    TermFactory()
    with pytest.raises(RosterEmpty):
        plan_of(HEAD)
    with pytest.raises(RosterEmpty):
        plan_of(HEAD + "\n,,,,,\n")
    with pytest.raises(RosterColumns, match="full_name, section"):
        plan_of("school_number\nS-1\n")
    with pytest.raises(RosterColumns, match="names –"):
        plan_of("")
    with pytest.raises(SectionNotFound):
        plan_of(HEAD + "S-1,Ada,,,,\n", section_id=0)


def test_the_term_is_the_one_of_today_or_named(section: Section) -> None:
    text = HEAD + "S-1,Ada,PHY-1,,,\n"
    at = datetime(2027, 1, 16, tzinfo=ZoneInfo("UTC"))
    with pytest.raises(NoCurrentTerm, match="Make one in the administration"):
        plan_of(text, at=at)
    spring = TermFactory(title="Spring", starts_on=TERM_ENDS, ends_on=TERM_ENDS + 90 * DAY)
    assert plan_of(text, at=at).term == "Spring"
    assert plan_of(text, term="autumn").sections[0].section_id == section.pk
    spring.starts_on = TERM_STARTS
    spring.save()
    with pytest.raises(TermUnclear, match="--term"):
        plan_of(text)
    with pytest.raises(NoCurrentTerm):
        plan_of(text, term="Winter")


def test_columns_that_are_not_read_are_named(section: Section) -> None:
    plan = plan_of("okul no;ad soyad;ders;password;Telefon\nS-1;Ada;PHY-1;x;y\n")
    assert (plan.unread_columns, plan.counts["create"]) == (("password", "Telefon"), 1)


def test_the_upload_of_a_section_is_about_it_alone(section: Section) -> None:
    other = SectionFactory(term=section.term, code="PHY-2")
    plain = "school_number,full_name\nS-1,Ada\n"
    assert plan_of(plain, section_id=section.pk).sections[0].section_id == section.pk
    text = f"S-1,Ada,phy-1,,,\nS-2,Lin,,,,\nS-3,Mia,{section.title},,,\nS-4,Eva,PHY-2,,,\n"
    plan = plan_of(HEAD + text, section_id=section.pk)
    assert [row.line for row in plan.rows if row.action == "create"] == [2, 3, 4]
    assert [(row.line, row.code) for row in plan.bad] == [(5, "other_section")]
    assert other.pk not in {found.section_id for found in plan.sections}


def test_a_teacher_brings_students_and_changes_nobody_else(section: Section, csv: Any) -> None:
    UserFactory(school_number="S-1", full_name="Ada")
    enrolled(section, "T-1", csv, role=EnrolmentRole.TEACHER)
    enrolled(section, "T-2", csv, role=EnrolmentRole.TEACHER)
    enrolled(section, "S-5", csv)
    teacher = Person("T-1", "Ada", Role.TEACHER)
    text = "S-1,Eve,,,,\nT-1,Ada,,teacher,,\nS-9,New,,TA,,\nT-2,Ada,,teacher,,2026-12-01\n"
    plan = plan_of(HEAD + text, section_id=section.pk, actor=teacher)
    assert [(row.line, row.action.value, row.code) for row in plan.rows] == [
        (2, "create", ""),
        (3, "unchanged", ""),
        (4, "bad", "role_needs_staff"),
        (5, "bad", "role_needs_staff"),
        (None, "end", ""),
    ]
    assert plan.people == ()
    # A file of students alone says nothing of who teaches.
    plan = plan_of(HEAD + "S-1,Eve,,,,\n", section_id=section.pk, actor=teacher)
    assert {row.school_number for row in plan.rows if row.action == "end"} == {"S-5"}


def test_a_section_without_a_code_is_known_by_its_title(section: Section) -> None:
    SectionFactory(term=section.term, code="", title="Physics Lab")
    assert plan_of(HEAD + "S-1,Ada,physics lab,,,\n").counts["sections_created"] == 0


def test_whoever_was_merged_is_one_person(section: Section, csv: Any) -> None:
    for number in ("S-1", "S-2"):
        enrolled(section, number, csv)
    office = UserFactory.create(staff=True)
    merge_people(duplicate="S-2", into="S-1", actor=office, reason="two accounts")
    for text in (
        "S-1,Ada,PHY-1,,,\n",
        "S-2,Eve,PHY-1,,,\n",
        "S-1,Ada,PHY-1,,,\nS-2,Eve,PHY-1,,,\n",
    ):
        plan = plan_of(HEAD + text)
        assert (plan.bad, plan.people, [w for s in plan.sections for w in s.writes]) == ([], (), [])
    # In another section it is the person who is enrolled, and one row that says when it ends.
    plan = plan_of(HEAD + "S-2,Eve,PHY-2,,,\nS-2,Eve,PHY-1,,,2026-12-01\n")
    assert [(r.action.value, r.school_number, r.full_name) for r in plan.rows] == [
        ("create", "S-1", "Ada"),
        ("update", "S-1", "Ada"),
    ]
    assert {row.school_number for row in plan_of(HEAD + "S-3,Mia,PHY-1,,,\n").rows} == {
        "S-1",
        "S-3",
    }


def test_a_plan_costs_the_same_queries_for_any_number_of_rows(
    section: Section, csv: Any, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    for count in (1, 40):
        lines = [
            f"{number},Ada,{code},,,"
            for number in range(1000, 1000 + count)
            for code in ("PHY-1", f"N-{number}")
        ]
        with django_assert_num_queries(6):
            plan_of(HEAD + "\n".join(lines))
