"""Presets of rules, and what they would mean today: shown, and never saved by being shown."""

from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from attendance.services.corrections import Correction, correct_record
from attendance.services.persistence import unified_persistence_task
from attendance.vocabulary import Verdict
from courses.models import Policy, Section
from courses.vocabulary import EnrolmentRole, Preset
from tests.pages.visitors import signed_in, text_of
from tests.support.lessons import TEACHER, student
from tests.support.members import ASSISTANT, enrolled
from tests.support.sections import ended_section_lesson, section_of_today

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("totals_agree")]

# Of four lessons: who came to how many, the second one late to all.
CAME = {1: 4, 2: 3, 3: 2, 4: 0}

USUAL = {"late_credit": "100", "min_presence": "0", "late_after": "0"}


@pytest.fixture
def section() -> Section:
    """Five are on the roster; the fifth was enrolled after the lessons."""
    made = section_of_today(CAME, policy={"threshold_permille": 700})
    for n in range(4):
        ended_section_lesson(made, [number for number, times in CAME.items() if n < times])
    unified_persistence_task()
    enrolled(made, student(5), EnrolmentRole.STUDENT)
    enrolled(made, ASSISTANT, EnrolmentRole.ASSISTANT)
    return made


def path(section: Section) -> str:
    return f"/courses/{section.pk}/rules/"


def shown(answer: Any) -> str:
    return " ".join(text_of(answer).split())


def test_a_preset_shows_what_it_would_mean_and_saves_nothing(section: Section) -> None:
    desk = signed_in(TEACHER)
    plain = shown(desk.get(path(section)))
    assert "would be below" not in plain
    for preset in Preset:
        assert f'value="{preset.value}"' in plain
    page = desk.get(path(section), {"preset": "england_register"})
    assert "With these rules 3 of 5 students would be below today." in shown(page)
    assert "With the rules that hold now: 2." in shown(page)
    assert "1 student is not judged yet." in shown(page)
    assert "More than 90 % of the lessons are needed." in shown(page)
    assert page.context["form"].initial["threshold"] == 90
    asked = {"preset": "england_register"}
    turkish = shown(desk.get(path(section), asked, HTTP_ACCEPT_LANGUAGE="tr"))
    assert "5 öğrenciden 3 kişi sınırın altında olurdu" in turkish
    assert "would be" not in turkish
    assert Policy.objects.count() == 1


def test_the_form_shows_what_it_would_mean_and_then_saves_just_that(section: Section) -> None:
    desk = signed_in(TEACHER)
    rules = {**USUAL, "counted": "lessons", "threshold": "76"}
    seen = shown(desk.post(path(section), rules | {"preview": "yes"}))
    assert "With these rules 3 of 5 students would be below today." in seen
    assert 'value="76"' in seen
    assert Policy.objects.count() == 1
    assert desk.post(path(section), rules).status_code == 302
    assert Policy.objects.count() == 2
    again = shown(desk.post(path(section), rules | {"preview": "yes"}))
    assert "With the rules that hold now: 3." in again
    below = [n for n in CAME if "is below" in shown(signed_in(student(n)).get("/courses/"))]
    assert below == [2, 3, 4]


@pytest.mark.parametrize(
    ("query", "words"),
    [
        ({"preset": "au_80"}, "Say how much that is"),
        ({"preset": "au_80", "planned": "0"}, "greater than or equal to 1"),
        ({"preset": "nobody_knows"}, "Select a valid choice"),
        ({"preset": ""}, "This field is required"),
    ],
)
def test_a_preset_that_cannot_be_shown_says_why(
    query: dict[str, str], words: str, section: Section
) -> None:
    page = signed_in(TEACHER).get(path(section), query)
    assert page.status_code == 200
    assert words in shown(page)
    assert "would be below" not in shown(page)


def test_what_can_still_be_reached_of_what_is_planned(section: Section) -> None:
    """Half-hour lessons, ended early: of ten planned lessons four are over."""
    desk, rules = signed_in(TEACHER), {**USUAL, "threshold": "80"}
    rules |= {"counted": "lessons", "basis": "best", "planned": "10"}
    page = shown(desk.post(path(section), rules | {"preview": "yes"}))
    # 4 + 6, 3 + 6, 2 + 6 and 0 + 6 of 10.
    assert "With these rules 1 of 5 students would be below today." in page
    desk.post(path(section), rules)
    own = shown(signed_in(student(2)).get("/courses/"))
    assert "90 % can still be reached." in own
    assert "You may still miss 1 lesson of those to come." in own


def test_days_are_read_from_marks_and_late_stays_what_it_was_worth(section: Section) -> None:
    desk, rules = signed_in(TEACHER), {**USUAL, "late_credit": "0", "threshold": "70"}
    lesson = section.attendances.order_by("pk").first()
    assert lesson is not None
    correct_record(
        Correction(
            lesson_id=lesson.pk,
            school_number=student(2).school_number,
            verdict=Verdict.LATE,
            actor=TEACHER,
            reason="tram",
        )
    )
    for counted in ("days", "lessons"):
        page = shown(desk.post(path(section), rules | {"counted": counted, "preview": "yes"}))
        assert "With these rules 2 of 5 students would be below today." in page


def test_who_may_not_set_rules_sees_no_preview(section: Section) -> None:
    desk = signed_in(ASSISTANT)
    page = shown(desk.get(path(section), {"preset": "tr_lab_80"}))
    assert "would be below" not in page
    assert "Take over a preset" not in page
    rules = {**USUAL, "counted": "lessons", "threshold": "80", "preview": "yes"}
    assert desk.post(path(section), rules).status_code == 403


def test_a_preview_costs_the_same_for_any_number_of_students(section: Section) -> None:
    desk = signed_in(TEACHER)

    def queries() -> int:
        with CaptureQueriesContext(connection) as captured:
            desk.get(path(section), {"preset": "us_chronic"})
        return len(captured)

    queries()
    few = queries()
    for n in range(20, 40):
        enrolled(section, student(n), EnrolmentRole.STUDENT)
    assert queries() == few


def test_nobody_on_the_roster_and_nothing_taken() -> None:
    empty = section_of_today(())
    page = shown(signed_in(TEACHER).get(path(empty), {"preset": "plain"}))
    assert "With these rules 0 of 0 students would be below today." in page
    bare = section_of_today((1,))
    page = shown(signed_in(TEACHER).get(path(bare), {"preset": "us_chronic"}))
    assert "With these rules 0 of 1 student would be below today." in page
    assert "1 student is not judged yet." in page
