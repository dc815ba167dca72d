"""A whole lesson in three browsers at once: board, screen and phone."""

import io
from collections.abc import Iterator
from contextlib import ExitStack
from typing import Any, NamedTuple

import pytest
import zxingcpp
from PIL import Image
from playwright.sync_api import Page, expect

from attendance.live import store
from attendance.models import AttendanceRecord
from attendance.services.check_in import check_in
from tests.browser.accessible import violations
from tests.browser.opened import BrowserOf
from tests.support.lessons import TEACHER
from tests.support.own_live import own_live_store
from tests.support.rig.servers import RigLive
from tests.support.streaming import streaming
from users.identity import Person

pytestmark = pytest.mark.django_db(transaction=True)

STUDENT = Person("S-001", "Student 001")
LATECOMER = Person("S-030", "Student 030")
HALL = {"width": 1280, "height": 800}
PHONE = {"width": 390, "height": 844}


class Way(NamedTuple):
    """How the board hears of changes, and what goes wrong in the middle of the lesson."""

    words: str
    live: RigLive | None = None
    """A live store that is killed in mid-lesson."""


STREAM = "Live: rows come by themselves"
ASKING = "Looks every two seconds"


@pytest.fixture(params=["stream", "asking", "stream, Redis restarted", "asking, Redis restarted"])
def way(request: pytest.FixtureRequest, settings: Any) -> Iterator[Way]:
    """By the event stream and without one; with a Redis that stays, and one that is killed."""
    with ExitStack() as stack:
        live, env = None, {}
        if "restarted" in request.param:
            live = stack.enter_context(own_live_store(settings))
            env = {"REDIS_URL": live.url}
        if "stream" not in request.param:
            yield Way(ASKING, live)
            return
        origin = f"http://127.0.0.1:{stack.enter_context(streaming(**env))}"
        settings.STREAM_URL = f"{origin}/stream/"
        policy = settings.CONTENT_SECURITY_POLICY
        directives = policy["DIRECTIVES"] | {"connect-src": ["'self'", origin]}
        settings.CONTENT_SECURITY_POLICY = {"DIRECTIVES": directives}
        yield Way(STREAM, live)


def kill_and_restart(way: Way, board: Page, screen: Page, late: Page) -> None:
    """Redis dies in mid-lesson: everybody is told, and everything goes on when it is back."""
    if way.live is None:
        return
    late.goto(scan(screen).lower())
    button = late.get_by_role("button", name="I am here")
    expect(button).to_be_visible()
    way.live.kill()
    expect(board.locator("#connection")).to_contain_text("No connection")
    button.click()
    expect(late.get_by_role("heading", level=2)).to_have_text("The server is busy")
    way.live.start()
    # The phone's page comes back with the scan that was kept; the board by itself.
    button.click()
    expect(late.get_by_role("heading", level=1)).to_have_text("You are here")
    expect(board.locator("#connection")).to_have_text(way.words)
    expect(board.locator("#r-S-030")).to_contain_text("Present")


def scan(screen: Page) -> str:
    """What a phone's camera reads from the pixels of the projector."""
    picture = Image.open(io.BytesIO(screen.screenshot()))
    (found,) = zxingcpp.read_barcodes(picture)
    return str(found.text)


def test_a_lesson_from_start_to_history(way: Way, open_browser: BrowserOf, said: list[str]) -> None:
    board = open_browser(TEACHER, viewport=HALL)
    board.goto("/")
    board.get_by_label("Name of the lesson").fill("Physics")
    board.get_by_role("button", name="Start now").click()
    expect(board.get_by_role("heading", level=1)).to_have_text("Physics")
    expect(board.locator("#connection")).to_have_text(way.words)
    assert not violations(board)

    screen = open_browser(TEACHER, viewport=HALL, color_scheme="dark")
    screen.goto(board.get_by_role("button", name="Open the screen").get_attribute("href") or "")
    assert screen.locator(".qr").bounding_box()["height"] >= 0.6 * HALL["height"]  # type: ignore[index]
    assert not violations(screen)

    phone = open_browser(STUDENT, viewport=PHONE)
    phone.goto(scan(screen).lower())
    phone.get_by_role("button", name="I am here").click()
    expect(phone.get_by_role("heading", level=1)).to_have_text("You are here")
    expect(board.locator("#r-S-001")).to_contain_text("Student 001")

    lesson = store.teachers_lesson(TEACHER.school_number)
    assert lesson is not None
    for n in range(2, 21):
        with pytest.raises(Exception, match="code"):
            check_in(lesson.id, student=Person(f"S-{n:03}", f"Student {n:03}"))
    late = open_browser(LATECOMER, viewport=PHONE)
    kill_and_restart(way, board, screen, late)
    accept = board.get_by_role("button", name="Accept Student 020")
    accept.click()
    expect(board.locator("#r-S-020")).to_contain_text("Present")
    here = 2 if way.live is None else 3
    expect(screen.locator("p.here strong")).to_have_text(str(here))

    board.get_by_role("link", name="Student 001").click()
    board.get_by_label("Late").check()
    board.get_by_label("Reason").fill("arrived with the tram")
    board.get_by_role("button", name="Save").click()
    expect(board.locator("#r-S-001")).to_contain_text("arrived with the tram")

    board.get_by_text("Finish", exact=True).click()
    board.get_by_role("button", name="Finish the lesson now").click()
    expect(board.locator("#rows .state")).to_contain_text("Saved")
    assert AttendanceRecord.objects.count() == here
    board.get_by_role("link", name="Student 001").click()
    expect(board.locator(".history li")).to_have_count(2)
    expect(board.locator(".history")).to_contain_text("by the student: checked in")
    assert not violations(board)
    expect(screen.locator("#shown")).to_contain_text("This lesson is over")
    phone.reload()
    expect(phone.get_by_role("heading", level=1)).to_have_text("You are here, late")
    # While Redis is away, the browser itself notes each answer of 503.
    assert not [each for each in said if way.live is None or "503" not in each]
