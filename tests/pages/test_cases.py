"""Cases of warnings: who sees them, who looks after one, and how it ended."""

from typing import Any

import pytest
from django.utils import timezone

from attendance.services.persistence import unified_persistence_task
from courses.models import Section
from reports.models import CaseStep, FigureWarning
from tests.pages.visitors import signed_in, text_of
from tests.support.lessons import TEACHER, student
from tests.support.members import ASSISTANT, STAFF, section_with_everybody
from tests.support.sections import ended_section_lesson, set_rule, user_of
from users.identity import Person, Role

pytestmark = pytest.mark.django_db(transaction=True)

STRANGER = Person("T-77", "Other Teacher", Role.TEACHER)
PAGE = "/reports/cases/"


def warned() -> tuple[Section, FigureWarning]:
    """A course whose rules warn of one lesson missed, and the case of one who missed it."""
    section = section_with_everybody()
    set_rule(section, in_a_row=1, warn_permille=900)
    ended_section_lesson(section, (1,))
    unified_persistence_task()
    found = FigureWarning.objects.filter(section=section, kind="in_a_row").order_by("pk").first()
    assert found is not None
    return section, found


def post(person: Person, case: FigureWarning, **values: Any) -> int:
    return int(signed_in(person).post(f"{PAGE}{case.pk}/", values).status_code)


def shown(person: Person, **query: Any) -> list[int]:
    page = signed_in(person).get(PAGE, query)
    assert page.status_code == 200
    return [case.pk for case, _ in page.context["cases"]]


def test_a_case_is_looked_after_and_ended() -> None:
    section, case = warned()
    assert case.pk in shown(TEACHER, section=section.pk)
    assert post(TEACHER, case, step="taken") == 302
    assert post(TEACHER, case, step="noted", text=" Called. ") == 302
    assert post(STAFF, case, step="ended", ending="talked", text="Comes again.") == 302
    assert case.pk not in shown(STAFF)
    assert case.pk in shown(TEACHER, state="closed")
    text = text_of(signed_in(STAFF).get(PAGE, {"state": "closed"}))
    assert "Missed 1 lesson in a row." in text
    for words in ("Called.", "Talked with the person.", "Comes again.", "version 1 of the rules"):
        assert words in text
    steps = CaseStep.objects.filter(warning=case)
    assert list(steps.values_list("kind", "by__school_number", "ending")) == [
        ("taken", TEACHER.school_number, ""),
        ("noted", TEACHER.school_number, ""),
        ("ended", STAFF.school_number, "talked"),
    ]


def test_what_was_retracted_is_closed_and_says_why() -> None:
    _section, case = warned()
    FigureWarning.objects.filter(pk=case.pk).update(
        retracted_at=timezone.now(), retracted_because="marks"
    )
    assert case.pk not in shown(STAFF)
    page = signed_in(STAFF).get(PAGE, {"state": "closed"})
    assert "retracted because of marks" in text_of(page)


def test_who_sees_cases_and_who_ends_them() -> None:
    section, case = warned()
    assert shown(STRANGER) == []
    # Of another course one is told nothing, and changes nothing.
    assert post(STRANGER, case, step="taken") == 404
    assert post(ASSISTANT, case, step="taken") == 403
    assert signed_in(ASSISTANT).get(PAGE, {"section": section.pk}).status_code == 200
    assert post(student(1), case, step="taken") == 404
    assert signed_in(student(1)).get(PAGE).status_code == 404
    # Asked for with GET, the address of a step leads to its page, and changes nothing.
    answer = signed_in(TEACHER).get(f"{PAGE}{case.pk}/")
    assert (answer.status_code, answer["Location"]) == (302, PAGE)
    assert post(STAFF, FigureWarning(pk=case.pk + 10**6), step="taken") == 404
    assert not CaseStep.objects.exists()


def test_students_see_their_own_open_warnings_alone() -> None:
    _section, case = warned()
    own = Person(case.user.school_number, case.user.full_name)
    assert "Missed 1 lesson in a row." in text_of(signed_in(own).get("/courses/"))
    assert "in a row" not in text_of(signed_in(student(1)).get("/courses/"))
    FigureWarning.objects.update(retracted_at=timezone.now(), retracted_because="marks")
    assert "Missed 1 lesson in a row." not in text_of(signed_in(own).get("/courses/"))


@pytest.mark.parametrize(
    "values",
    [
        {},
        {"step": "else"},
        {"step": "noted", "text": "  "},
        {"step": "noted", "text": "x" * 1_001},
        {"step": "ended", "ending": "else"},
        {"step": "noted", "text": "a\0b"},
    ],
)
def test_a_step_says_something(values: dict[str, str]) -> None:
    _section, case = warned()
    assert post(TEACHER, case, **values) == 400
    assert not CaseStep.objects.exists()


def test_every_kind_is_said_in_words() -> None:
    section, case = warned()
    now, user = timezone.now(), user_of(student(1))
    policy = case.policy
    made = {
        "share": {"lessons": 3, "here": 2, "weight": 3, "credit": 2000},
        "days_without": {"days": 9, "last_on": "2026-02-01"},
        "not_taken": {"lessons": 2, "first_on": "2026-02-01", "last_on": "2026-02-03"},
    }
    FigureWarning.objects.all().delete()
    for kind, figures in made.items():
        FigureWarning.objects.create(
            section=section,
            user=user,
            kind=kind,
            figures=figures,
            policy=policy,
            raised_at=now,
            raised_because="marks",
        )
    text = text_of(signed_in(STAFF).get(PAGE))
    for words in (
        "Here in 2 of 3 lessons that count: 66.7 %.",
        "Last came on 2026-02-01, 9 days before.",
        "2 registers not taken, the last one of 2026-02-03.",
    ):
        assert words in text
