"""A film of pictures: a new site's first ten minutes, a teacher's minute, a student's.

./attn test tests/browser/film.py

Every step is done as people do it, and its page is taken in each width and both themes; a run for
each language. docs/film.md shows those that `KEPT` names, all others are in .attn/pictures/film.
"""

from pathlib import Path
from typing import Final, NamedTuple
from uuid import UUID

import pytest
from playwright.sync_api import Page, ViewportSize, expect

from attendance.live import store
from attendance.live.payloads import LiveLesson
from attendance.selectors.screens import find_code
from attendance.services.check_in import Given, check_in
from tests.browser.opened import BrowserOf
from tests.browser.shots import PICTURES, REST, SCHEMES, keep
from tests.support.lessons import code_of
from users.identity import Person
from users.services import first_staff

pytestmark = pytest.mark.django_db(transaction=True)

SIZES: Final = {320: 640, 390: 844, 1024: 768, 1280: 800, 1920: 1080}
PASSWORD, OWN_PASSWORD = "a long password", "lantern over the river"
STUDENTS: Final = 28
PEOPLE = "school_number,full_name,role,password\n" + "".join(
    f"{number},{name},{role},{PASSWORD}\n"
    for number, name, role in (
        ("T-1", "Ayşe Yılmaz", "teacher"),
        *((f"S-{n:03}", f"Student {n:03}", "student") for n in range(1, STUDENTS + 1)),
    )
)


class Kept(NamedTuple):
    width: int = 1280
    scheme: str = "light"
    language: str = "en"


PHONE, DARK_PHONE = Kept(390), Kept(390, "dark")
KEPT: Final = {
    "setup": Kept(),
    "first-steps": Kept(),
    "people-preview": Kept(),
    "course-form": Kept(),
    "teacher-password": PHONE,
    "lessons": Kept(),
    "projector": Kept(1920),
    "board": Kept(),
    "board-late": Kept(scheme="dark"),
    "board-reason": Kept(),
    "board-excused": Kept(language="tr"),
    "two-tabs": Kept(scheme="dark"),
    "board-offline": DARK_PHONE,
    "board-finish": DARK_PHONE,
    "board-saved": Kept(),
    "check-in": PHONE,
    "check-in-offline": Kept(320, "light", "tr"),
    "mark": PHONE,
    "my-courses": Kept(390, "dark", "tr"),
    "my-attendance": PHONE,
}
"""What docs/film.md shows, in the order of the film."""


class Film:
    def __init__(self, language: str) -> None:
        self.language, self.steps, self.wrong = language, 0, list[str]()

    def take(self, page: Page, name: str) -> None:
        """The page as it is, in every width and both themes; it is left as it was."""
        self.steps += 1
        before = page.viewport_size
        assert before is not None
        for width, height in SIZES.items():
            page.set_viewport_size(ViewportSize(width=width, height=height))
            page.evaluate("scrollTo(0, 0)")
            for scheme in SCHEMES:
                page.emulate_media(color_scheme="dark" if scheme == "dark" else "light")
                page.wait_for_timeout(50)
                self._keep(page.screenshot(), name, Kept(width, scheme, self.language))
            if page.evaluate("document.documentElement.scrollWidth") > width:
                self.wrong.append(f"{name} scrolls sideways at {width}")
        page.set_viewport_size(before)

    def _keep(self, taken: bytes, name: str, how: Kept) -> None:
        """In the documents, small; the others beside them, as they are."""
        if KEPT.get(name) == how:
            (PICTURES / "film").mkdir(parents=True, exist_ok=True)
            keep(taken, PICTURES / "film" / f"{name}.png")
        rest = REST / "film"
        rest.mkdir(parents=True, exist_ok=True)
        file = f"{self.steps:02}-{name}-{how.width}-{how.scheme}-{how.language}.png"
        (rest / file).write_bytes(taken)


@pytest.mark.parametrize("language", ["en", "tr"])
def test_film(language: str, open_browser: BrowserOf, tmp_path: Path) -> None:
    film = Film(language)

    def browser() -> Page:
        # Colours that are on their way from one theme to the other are nobody's look.
        return open_browser(
            locale=language,
            reduced_motion="reduce",
            viewport={"width": 1280, "height": 800},
        )

    first_ten_minutes(film, browser(), tmp_path)
    board = teacher_starts(film, browser())
    student_checks_in(film, browser(), running())
    teachers_minute(film, board)
    assert film.wrong == []


def running() -> LiveLesson:
    lesson = store.teachers_lesson("T-1")
    assert lesson is not None
    return lesson


def first_ten_minutes(film: Film, page: Page, folder: Path) -> None:
    """From the link of an empty site to people and a course."""
    file = folder / "people.csv"
    file.write_text(PEOPLE)
    page.goto(f"/setup/{first_staff.new_token()}/")
    page.fill("[name=school_number]", "STAFF-1")
    page.fill("[name=full_name]", "Staff 1")
    page.fill("[name=password]", PASSWORD)
    film.take(page, "setup")
    page.click("main form button")
    page.wait_for_url("**/first-steps/")
    film.take(page, "first-steps")
    page.click("[aria-current=step] .actions a")
    film.take(page, "people-file")
    page.set_input_files("[name=file]", file)
    page.click(".upload button")
    film.take(page, "people-preview")
    page.click("form:has([name=text]) button")
    page.wait_for_url("**/first-steps/")
    film.take(page, "steps-course")
    page.click("[aria-current=step] .actions a")
    page.fill("[name=title]", "Physics I")
    page.fill("[name=code]", "PHY-101")
    page.fill("[name=teacher]", "T-1")
    film.take(page, "course-form")
    page.click("main form button")
    expect(page.locator("h1")).to_contain_text("Physics I")
    film.take(page, "course")
    page.goto("/first-steps/")
    film.take(page, "steps-lesson")


def sign_in(film: Film, page: Page, number: str, name: str) -> None:
    page.fill("[name=login]", number)
    page.fill("[name=password]", PASSWORD)
    film.take(page, f"{name}-signs-in")
    page.click("main form button")
    # Staff has set the password: the first page asks for one's own.
    page.wait_for_url("**/password/change/**")
    page.fill("[name=oldpassword]", PASSWORD)
    for field in ("password1", "password2"):
        page.fill(f"[name={field}]", OWN_PASSWORD)
    film.take(page, f"{name}-password")
    page.click("main form button")


def teacher_starts(film: Film, page: Page) -> Page:
    """The course is there already: one click starts it."""
    page.goto("/")
    sign_in(film, page, "T-1", "teacher")
    page.wait_for_url("**/lessons/")
    film.take(page, "lessons")
    page.click(".cards article button")
    page.wait_for_url("**/lessons/*/")
    film.take(page, "board-empty")
    screen = page.context.new_page()
    screen.goto(f"/lessons/{running().id}/screen/")
    expect(screen.locator(".qr svg")).to_be_visible()
    film.take(screen, "projector")
    screen.close()
    return page


def student_checks_in(film: Film, page: Page, lesson: LiveLesson) -> None:
    """What the phone's camera opens, and the mark after one press."""
    page.goto(_link(lesson.id))
    sign_in(film, page, "S-003", "student")
    expect(page.locator("button.here")).to_be_visible()
    film.take(page, "check-in")
    page.context.set_offline(True)
    page.click("button.here")
    expect(page.locator(".press")).not_to_be_empty()
    film.take(page, "check-in-offline")
    page.context.set_offline(False)
    page.wait_for_url("**/mine/")
    film.take(page, "mark")
    page.goto("/courses/")
    film.take(page, "my-courses")
    page.goto("/me/")
    film.take(page, "my-attendance")
    page.goto("/c/")
    film.take(page, "type-code")


def _link(lesson_id: UUID) -> str:
    shown = find_code(lesson_id)
    return f"/c/{shown.short_code}/{shown.code.whole}"


def awkward_moments(film: Film, board: Page) -> None:
    """Two tabs, no connection, and a session that ends."""
    other = board.context.new_page()
    other.goto(board.url)
    board.click("#late-S-026")
    expect(board.locator("#undo")).to_be_attached()
    other.click("#absent-S-026")
    expect(board.locator("#r-S-026 .status.absent")).to_be_attached()
    board.click("#undo")
    expect(board.locator("#said .error")).to_be_attached()
    film.take(board, "two-tabs")
    other.click("#undo")
    expect(other.locator("#r-S-026 .status.late")).to_be_attached()
    other.close()
    board.context.set_offline(True)
    board.click("#late-S-027")
    expect(board.locator("#said .error")).to_contain_text("Student 027")
    film.take(board, "board-offline")
    board.context.set_offline(False)
    board.reload()


def teachers_minute(film: Film, page: Page) -> None:
    """Most are here: one is late, one is excused, and the lesson ends."""
    for number in (*range(1, 3), *range(6, STUDENTS - 2)):
        who = Person(f"S-{number:03}", f"Student {number:03}")
        check_in(running().id, student=who, given=Given(code_of(running()).whole))
    expect(page.locator("#r-S-025 .status.present")).to_be_attached()
    film.take(page, "board")
    page.click("#late-S-004")
    expect(page.locator("#r-S-004 .status.late")).to_be_attached()
    film.take(page, "board-late")
    page.click("#excused-S-005")
    film.take(page, "board-reason")
    page.click("#reasons .presets button >> nth=0")
    expect(page.locator("#r-S-005 .status.excused")).to_be_attached()
    film.take(page, "board-excused")
    page.click("#c-S-004")
    film.take(page, "record")
    page.go_back()
    awkward_moments(film, page)
    page.click("#buttons summary >> nth=0")
    film.take(page, "board-finish")
    page.click("#buttons details[open] form button")
    expect(page.locator("#rows:not([data-open])")).to_be_attached()
    film.take(page, "board-saved")
    page.goto("/lessons/")
    film.take(page, "lessons-saved")
    page.goto("/courses/")
    film.take(page, "courses")
