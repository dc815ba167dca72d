"""A roster from a file in a real browser: without JavaScript, and for everybody."""

from datetime import timedelta
from pathlib import Path
from typing import Any, Literal

import pytest
from django.utils import timezone
from playwright.sync_api import Page, expect

from courses.models import Enrolment, Section
from courses.vocabulary import EnrolmentRole
from tests.browser.accessible import violations
from tests.browser.opened import BrowserOf
from tests.support.callers import account
from tests.support.course_factories import EnrolmentFactory, SectionFactory, TermFactory
from tests.support.lessons import TEACHER

pytestmark = pytest.mark.django_db(transaction=True)

SCHEMES: tuple[Literal["light", "dark"], ...] = ("light", "dark")
NARROW: Any = {"width": 320, "height": 640}
HEAD = "Öğrenci No;Ad Soyad;Ders;Başlangıç;Bitiş;Telefon\n"


@pytest.fixture
def section() -> Section:
    today = timezone.localdate()
    term = TermFactory(starts_on=today - timedelta(30), ends_on=today + timedelta(60))
    made = SectionFactory.create(term=term, code="PHY-101", title="Physics I", time_zone="UTC")
    EnrolmentFactory(section=made, user=account(TEACHER), role=EnrolmentRole.TEACHER)
    return made


def roster(path: Path, count: int, *more: str) -> Path:
    rows = [f"S-{n:04};Student {n:04};PHY-101;;;" for n in range(1, count + 1)]
    path.write_text(HEAD + "\n".join([*rows, *more]), encoding="utf-8")
    return path


def upload(page: Page, section: Section, file: Path) -> None:
    page.goto(f"/sections/{section.pk}/import/")
    page.locator("input[type=file]").set_input_files(file)
    page.locator("section.upload form button").click()


def test_a_roster_is_applied_without_javascript(
    section: Section, open_browser: BrowserOf, tmp_path: Path
) -> None:
    page = open_browser(TEACHER, java_script_enabled=False)
    upload(page, section, roster(tmp_path / "a.csv", 30))
    page.get_by_role("button", name="Apply this").click()
    expect(page.locator(".message")).to_contain_text("30 new")

    upload(page, section, roster(tmp_path / "b.csv", 10))
    page.get_by_role("button", name="Apply this").click()
    # The browser itself asks for the box.
    expect(page.locator("input[name=allow_drop]:invalid")).to_have_count(1)
    page.locator("input[name=allow_drop]").check()
    page.get_by_role("button", name="Apply this").click()
    expect(page.locator(".message")).to_contain_text("20 ended")
    assert Enrolment.objects.filter(ends_on=None, role=EnrolmentRole.STUDENT).count() == 10


@pytest.mark.parametrize("locale", ["en-GB", "tr-TR"])
def test_the_pages_can_be_used_by_everybody(
    section: Section, locale: str, open_browser: BrowserOf, said: list[str], tmp_path: Path
) -> None:
    page = open_browser(TEACHER, reduced_motion="reduce", locale=locale)
    upload(page, section, roster(tmp_path / "a.csv", 30))
    page.locator("main form button").first.click()
    files = {
        "a file without names": tmp_path / "empty.csv",
        "a plan": roster(
            tmp_path / "b.csv", 8, "1.00012E+07;Ada;PHY-101;;;", "S-99;Lin;PHY-2;31.02.2026;;"
        ),
        "a plan with the brake": roster(tmp_path / "c.csv", 8),
    }
    files["a file without names"].write_text("a,b\n1,2\n")
    found: dict[str, list[str]] = {}
    for name, file in files.items():
        page.set_viewport_size({"width": 1280, "height": 800})
        upload(page, section, file)
        found[name] = looked_at(page)
    assert {name: wrong for name, wrong in found.items() if wrong} == {}
    assert not [line for line in said if "400 (Bad Request)" not in line]


def looked_at(page: Page) -> list[str]:
    """What axe says in both themes, and whether the page fits a small phone."""
    wrong = []
    for scheme in SCHEMES:
        page.emulate_media(color_scheme=scheme)
        wrong += [f"{scheme}: {each}" for each in violations(page)]
    page.set_viewport_size(NARROW)
    if page.evaluate("document.documentElement.scrollWidth") > NARROW["width"]:
        wrong.append("scrolls sideways at 320 px")
    return wrong
