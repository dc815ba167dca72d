"""Large letters, a keyboard alone, no motion, and a page that does not wait for its scripts."""

import re
from typing import Any

import pytest
from playwright.sync_api import Route, expect

from tests.browser.every import every_page
from tests.browser.opened import BrowserOf
from tests.browser.school import made_school
from tests.support.lessons import TEACHER
from tests.support.sections import section_lesson, section_of_today

pytestmark = pytest.mark.django_db(transaction=True)

ZOOMED: Any = {"viewport": {"width": 640, "height": 400}, "device_scale_factor": 2}
"""A window of 1280 x 800 at 200 %."""
NOT_OURS = ("admin", "admin-ledger")

# Of what can be pressed or read: where it stands outside its page, is cut, or lies over another.
FAULTS = """() => {
  const wide = innerWidth, found = [];
  const name = (it) => `${it.tagName} ${it.id || it.className} ${it.innerText?.slice(0, 30)}`;
  const own = "a, button, input:not([type=hidden]), select, textarea, summary";
  const scrolls = (it) => it.closest(".scroll, .results, .tabs, pre, .unseen, .skip, [hidden]");
  const shown = [...document.querySelectorAll(`:is(main, .top, .foot) :is(${own})`)]
    .filter((it) => it.checkVisibility({ visibilityProperty: true, opacityProperty: true }))
    .filter((it) => !scrolls(it) && getComputedStyle(it).clipPath === "none");
  for (const it of document.querySelectorAll("main :is(h1, h2, h3, p, td, th, dd, button, a)")) {
    const style = getComputedStyle(it);
    const isCut = it.scrollWidth > it.clientWidth + 1 && style.overflowX !== "visible";
    if (isCut && !scrolls(it)) found.push(`cut: ${name(it)}`);
  }
  const boxes = shown.map((it) => [it, it.getBoundingClientRect()]);
  for (const [it, box] of boxes) {
    if (box.left < -1 || box.right > wide + 1) found.push(`outside: ${name(it)}`);
  }
  const stands = (it) => !it.closest(".top, .tools, .toast, #said");
  // A link of two lines has a box for each.
  const still = shown.filter(stands).flatMap((it) => [...it.getClientRects()].map((b) => [it, b]));
  still.forEach(([one, a], at) => {
    for (const [other, b] of still.slice(at + 1)) {
      if (one.contains(other) || other.contains(one)) continue;
      const across = Math.min(a.right, b.right) - Math.max(a.left, b.left);
      const down = Math.min(a.bottom, b.bottom) - Math.max(a.top, b.top);
      if (across > 2 && down > 2) found.push(`${name(one)} lies over ${name(other)}`);
    }
  });
  if (document.documentElement.scrollWidth > wide) found.push("scrolls sideways");
  return found;
}"""

FAULTS_OF_OPEN = """() => [...document.querySelectorAll("details")].map((it) => {
  const was = it.open;
  it.open = true;
  const boxes = [...it.children].map((each) => each.getBoundingClientRect());
  const isOutside = boxes.some((box) => box.left < 0 || box.right > innerWidth);
  it.open = was;
  return isOutside ? `outside: ${it.innerText}` : "";
}).filter(Boolean)"""

MOVES = """() => document.getAnimations()
  .filter((it) => it.effect.getTiming().duration)
  .map((it) => `moves: ${it.animationName ?? it.transitionProperty}`)"""
TELLS_TIME = "moves: alive"
"""The mark of a student: it goes in steps."""


def test_at_200_percent_nothing_is_cut_overlaps_or_moves(open_browser: BrowserOf) -> None:
    found: dict[str, list[str]] = {}
    for look in every_page(made_school()):
        if look.name in NOT_OURS:
            continue
        # In Turkish words are longer.
        page = open_browser(look.person, locale="tr", reduced_motion="reduce", **ZOOMED)
        page.goto(look.path)
        found[look.name] = page.evaluate(FAULTS)
        found[look.name] += page.evaluate(FAULTS_OF_OPEN)
        found[look.name] += [each for each in page.evaluate(MOVES) if each != TELLS_TIME]
        page.context.close()
    assert {name: wrong for name, wrong in found.items() if wrong} == {}


HIDDEN_FOCUS = """() => {
  const it = document.activeElement, box = it.getBoundingClientRect();
  if (it === document.body || !box.width || it.closest(".unseen")) return "";
  const at = document.elementFromPoint(box.left + box.width / 2, box.top + box.height / 2);
  const isSeen = at && (it.contains(at) || at.contains(it) || at.closest("label")?.contains(it));
  return isSeen ? "" : `${it.tagName} ${it.id} ${it.innerText}`;
}"""


@pytest.mark.parametrize("size", [(1280, 800), (640, 400), (390, 844)])
def test_by_key_the_focus_is_never_covered(
    open_browser: BrowserOf, said: list[str], size: tuple[int, int]
) -> None:
    lesson = section_lesson(section_of_today(range(1, 31)), here=(1, 2))
    page = open_browser(TEACHER, viewport={"width": size[0], "height": size[1]})
    page.goto(f"/lessons/{lesson.id}/?sort=name")
    page.get_by_role("button", name="Late: Student 0003").click()
    covered = set()
    for key in (*["ArrowDown"] * 25, *["ArrowUp"] * 25, *["Tab"] * 12, *["Shift+Tab"] * 24):
        page.keyboard.press(key)
        covered.add(page.evaluate(HIDDEN_FOCUS))
    assert covered == {""}
    assert not said


def test_a_page_is_painted_before_its_scripts_come(open_browser: BrowserOf) -> None:
    lesson = section_lesson(section_of_today(range(1, 62)), here=range(1, 39))
    page = open_browser(TEACHER)
    held: list[Route] = []
    page.route(re.compile(r"\.js($|\?)"), lambda route: _hold(held, route))
    page.goto(f"/lessons/{lesson.id}/", wait_until="commit")
    painted = page.wait_for_function(
        "() => performance.getEntriesByName('first-contentful-paint')[0]?.startTime"
    )
    assert painted.json_value() > 0
    assert held
    expect(page.locator("#r-S-0061")).to_be_attached()
    for route in held:
        route.continue_()
    page.unroute_all(behavior="ignoreErrors")
    expect(page.locator("#connection")).to_have_text("Looks every two seconds")


def _hold(held: list[Route], route: Route) -> None:
    """A function of ours: Playwright cannot ask a list's own how many arguments it takes."""
    held.append(route)
