"""What holds on every page there is (`tests/support/pages.py`): nobody is shut out, nothing is heavy, jumps, sticks out
or is left untranslated. Two walks through one staged house, one in each language; what a theme decides, its colours, is
looked at in both themes on the first.
"""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any, cast

import pytest
from playwright.sync_api import Browser, Page, ViewportSize, expect

from tests.support.pages import PAGES, Shown
from tests.support.redis_server import RedisServer, valkey_binary
from tests.support.screenshots import Theme, Visitor, staged_house
from tests.support.staged import NAMES, Staged

AXE = Path(__file__).parents[1] / "support" / "axe" / "axe.min.js"
CALLERS_BYTES, CALLERS_REQUESTS = 50_000, 6
CONSOLE_BYTES, CONSOLE_REQUESTS = 220_000, 14
SHIFT = 0.05

MEASURE = """async () => {
  const runOnly = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"];
  const preload = {assets: ["media"]};  // no rule of these asks for style sheets
  const found = await axe.run(document, {runOnly, preload, resultTypes: ["violations"]});
  const files = [...performance.getEntriesByType("navigation"), ...performance.getEntriesByType("resource")]
    .filter((file) => !/\\/(now|live)\\b/.test(file.name));
  return {
    violations: found.violations.flatMap((one) => one.nodes.map((node) => `${one.id}: ${node.html.slice(0, 160)}`)),
    requests: files.length,
    bytes: files.reduce((sum, file) => sum + file.encodedBodySize, 0),
    shift: window.shifted,
  };
}"""
"""Bodies as they were sent, from the cache or not."""

CONTRAST = """async () => {
  const found = await axe.run(document, {runOnly: ["color-contrast"], resultTypes: ["violations"]});
  return found.violations.flatMap((one) => one.nodes.map((node) => node.html.slice(0, 160)));
}"""

REFRESH_TWICE = """async () => {
  for (let time = 0; time < 2; time++) {
    for (const part of document.querySelectorAll("[data-live]")) {
      const done = new Promise((resolve) => {
        part.addEventListener("htmx:after:request", resolve, {once: true});
        setTimeout(resolve, 3000);
      });
      part.dispatchEvent(new CustomEvent(part.dataset.stream ? "refresh" : "every"));
      await done;
    }
  }
  await new Promise((resolve) => requestAnimationFrame(() => requestAnimationFrame(resolve)));
}"""

COUNT_SHIFTS = """window.shifted = 0;
new PerformanceObserver((list) => { for (const one of list.getEntries()) window.shifted += one.value; })
  .observe({type: "layout-shift", buffered: true});"""

VISIBLE_WORDS = """() => {
  const words = [document.title];
  const walk = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  const skipped = "script, style, code, kbd, [lang=en], [translate=no], .brand, .initial";
  while (walk.nextNode()) {
    const at = walk.currentNode.parentElement;
    if (!at.closest(skipped) && at.checkVisibility()) words.push(walk.currentNode.textContent);
  }
  for (const at of document.querySelectorAll("[aria-label], [placeholder], [title], [alt]")) {
    if (at.closest(skipped)) continue;
    for (const name of ["aria-label", "placeholder", "title", "alt"]) words.push(at.getAttribute(name) || "");
  }
  return words.map((one) => one.trim()).filter(Boolean);
}"""

DATA = {
    *re.findall(r"[A-Za-zÀ-ɏ]+", " ".join(NAMES)), "Katherine", "Johnson", "Barbara", "Liskov", "Edsger", "Dijkstra",
    "Held", "Support", "Sales", "Billing", "support", "sales", "billing",
    "Ann", "Bob", "Chen", "Dora", "Eve", "ann", "bob", "chen", "dora", "eve", "test",
    "Fay", "Gus", "Hana", "Ivo", "Jan", "Kim", "Lou", "fay", "gus", "hana", "ivo", "jan", "kim", "lou",
    "Orders", "orders",
}  # fmt: skip
"""What the staged people and queues are called."""
SAME_IN_CHINESE = {
    "callback",  # the product
    "CSV", "CSAT", "API", "UTC", "MAE", "RASE", "CRM", "SIP", "client", "JSON", "OFF", "vip", "own", "GB", "CN", "VIP",
    "Esc", "Enter",
    "English",  # names itself
    "abandon", "YYYY", "crm",  # what is typed
}  # fmt: skip
FOREIGN = re.compile(
    r"\S+@\S+|https?://\S+|\b(?:cb|at|CA|rs)[0-9a-z]{10,}\b|\b(?:America|Europe|Asia)/\w+(?: \w+)?"
    r"|\b[pP]\d\d\b|\b\w+:\d+\b"
)
"""Addresses, ids, zones, quantiles."""
_TOUR: tuple[tuple[Theme, str], ...] = (("light", "en"), ("dark", "zh"))
OTHER: dict[Theme, Theme] = {"light": "dark", "dark": "light"}


@pytest.fixture(scope="module")
def staged() -> Iterator[Staged]:
    """One house for both walks: nothing in it is changed by looking."""
    server = RedisServer(valkey_binary()).start()
    with staged_house(server.url) as house:
        yield house
    server.close()


@pytest.mark.slow
@pytest.mark.timeout(900)
@pytest.mark.parametrize(("theme", "language"), _TOUR, ids=["light-en", "dark-zh"])
def test_every_page_is_open_to_all_light_steady_narrow_and_translated(
    staged: Staged, browser: Browser, theme: Theme, language: str
) -> None:
    visitor = Visitor(browser, staged, theme, language)
    complaints = [f"{shown.name}: {one}" for shown in PAGES for one in wrongs(visitor, shown, theme, language)]
    visitor.close()
    assert not complaints, "\n".join(complaints)


def wrongs(visitor: Visitor, shown: Shown, theme: Theme, language: str) -> Iterator[str]:
    """All that is wrong with a page."""
    window, told = visitor.window, list[str]()
    window.on("console", lambda message: told.append(message.text) if message.type == "error" else None)
    window.on("pageerror", lambda error: told.append(str(error)))
    page = visitor.see(shown)
    if visitor.status != shown.status:
        yield f"it was answered {visitor.status}"
        return
    if visitor.led_to:
        yield f"it led to {visitor.led_to}"
    page.evaluate(COUNT_SHIFTS)
    page.evaluate(REFRESH_TWICE)
    page.evaluate(AXE.read_text())
    found = cast(dict[str, Any], page.evaluate(MEASURE))
    yield from found["violations"]
    yield from too_much(shown, found)
    if language == "en":
        yield from faint(page, theme)
    yield from narrow(page)
    if language == "zh":
        yield from untranslated(page)
    yield from (f"in the console: {one}" for one in told if not (shown.status >= 400 and "status of" in one))
    for name in ("console", "pageerror"):
        for listener in list(window._impl_obj.listeners(name)):
            window._impl_obj.remove_listener(name, listener)


def too_much(shown: Shown, found: dict[str, Any]) -> Iterator[str]:
    """What a page weighs, and whether it holds still."""
    most = (CALLERS_BYTES, CALLERS_REQUESTS) if shown.caller else (CONSOLE_BYTES, CONSOLE_REQUESTS)
    if found["bytes"] > most[0]:
        yield f"{found['bytes']} bytes, more than {most[0]}"
    if found["requests"] > most[1]:
        yield f"{found['requests']} requests, more than {most[1]}"
    if found["shift"] > SHIFT:
        yield f"it jumps: a layout shift of {found['shift']:.3f}"


def faint(page: Page, theme: Theme) -> Iterator[str]:
    """What cannot be read in the other theme."""
    page.emulate_media(color_scheme=OTHER[theme])
    yield from (f"in the {OTHER[theme]} theme, color-contrast: {one}" for one in page.evaluate(CONTRAST))
    page.emulate_media(color_scheme=theme)


def narrow(page: Page) -> Iterator[str]:
    """On a small phone nothing sticks out."""
    page.set_viewport_size({"width": 320, "height": 640})
    wide = page.evaluate("document.documentElement.scrollWidth")
    if wide > 320:
        yield f"{wide} px wide at 320 px"


def untranslated(page: Page) -> Iterator[str]:
    """English that a Chinese reader sees."""
    for text in cast(list[str], page.evaluate(VISIBLE_WORDS)):
        left = set(re.findall(r"[A-Za-zÀ-ɏ]{3,}", FOREIGN.sub(" ", text))) - DATA - SAME_IN_CHINESE
        if left:
            yield f"untranslated: {text[:120]!r} ({', '.join(sorted(left))})"


CUT = """() => [...document.querySelectorAll("main *")]
  .filter((one) => one.checkVisibility() && one.getBoundingClientRect().right > innerWidth + 1
    && !one.closest(".visually-hidden"))
  .map((one) => one.outerHTML.slice(0, 80))"""
ON_PAPER = ("queues", "thresholds", "waits", "reports-management", "wall")
A4: ViewportSize = {"width": 718, "height": 1000}
"""Between its margins."""


@pytest.mark.slow
def test_on_paper_a_page_is_black_on_white_open_whole_and_alone(staged: Staged, browser: Browser) -> None:
    visitor = Visitor(browser, staged, "dark", "en")
    for shown in PAGES:
        if shown.name in ON_PAPER:
            page = visitor.see(shown)
            page.emulate_media(media="print")
            page.set_viewport_size(A4)
            assert (
                page.evaluate("getComputedStyle(document.documentElement).backgroundColor") == "rgb(255, 255, 255)"
            ), shown.name
            assert page.evaluate("getComputedStyle(document.body).color") == "rgb(0, 0, 0)", shown.name
            assert not page.locator("nav:visible, button:visible, header.bar:visible").count(), shown.name
            assert not page.evaluate(CUT), shown.name
            if shown.name == "thresholds":
                expect(page.get_by_label("The wait is judged by")).to_be_visible()  # behind More on the screen
            if shown.name == "wall":  # all of them, which take turns on the screen
                assert page.locator(".board:visible").count() == page.locator(".board").count() > 1
            page.emulate_media(media="null")
    visitor.close()
