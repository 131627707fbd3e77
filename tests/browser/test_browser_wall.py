"""The wallboard in a real browser: fresh within two seconds, one queue after the other, and up for weeks."""

import time
from collections.abc import Iterator
from itertools import count

import pytest
from playwright.sync_api import Page, expect

from callback.web import live, static_files
from tests.browser.conftest import be_signed_in
from tests.support.waiting import eventually, quickest
from tests.support.web_house import WebHouse

UPDATES = 1050
FEED = """async (times) => {
  const wall = document.getElementById("live");
  const html = wall.innerHTML;
  const figure = wall.querySelector("figure script");
  const data = figure ? {[wall.querySelector(".curve").id]: JSON.parse(figure.textContent)} : {};
  const count = () => [document.getElementsByTagName("*").length, document.querySelectorAll("canvas").length];
  const feed = async (some) => {
    for (let at = 0; at < some; at++) {
      await htmx.swap({sourceElement: wall, target: wall, swap: "innerMorph",
        text: html.replace(/<dd class="number">[^<]*/, `<dd class="number">${at}`)});
      wall.dispatchEvent(new CustomEvent("live:part", {detail: at % 15 ? {} : {data}, bubbles: true}));
    }
  };
  await feed(50);
  const before = count();
  await feed(times);
  return {before, after: count(), shown: wall.querySelector("dd.number").textContent};
}"""


@pytest.fixture
def wall(web: WebHouse, page: Page) -> Iterator[Page]:
    """A wallboard that listens."""
    be_signed_in(web, page, "viewer")
    page.goto(f"{web.options.public_base_url}/wall")
    expect(page.locator("figure.drawn").first).to_be_attached()
    eventually(lambda: web.app.extensions[live.HUB].listening == 1)
    yield page
    web.app.extensions[live.HUB].closing = True


def test_a_change_is_on_the_wall_within_two_seconds_without_a_page_asking(web: WebHouse, wall: Page) -> None:
    asked: list[str] = []
    wall.on("request", lambda request: asked.append(request.url))
    wall.evaluate("window.same = true")
    calls = wall.get_by_role("term").filter(has_text="Callbacks waiting").locator("xpath=following-sibling::dd[1]")
    expect(calls).to_have_text("0")
    numbers = count(1)

    def until_it_shows() -> float:
        so_many, began = next(numbers), time.monotonic()
        web.promise(f"+1201555{so_many:04}")
        expect(calls).to_have_text(str(so_many))
        return time.monotonic() - began

    assert quickest(until_it_shows) < 2
    assert wall.evaluate("window.same")
    assert not [url for url in asked if "/wall" in url]


def test_when_news_stay_out_the_wall_says_so_in_large_letters(web: WebHouse, wall: Page) -> None:
    expect(wall.get_by_text("No fresh figures")).to_be_hidden()
    wall.context.set_offline(True)
    web.app.extensions[live.HUB].closing = True
    expect(wall.get_by_text("No fresh figures")).to_be_visible()
    wall.context.set_offline(False)
    web.app.extensions[live.HUB].closing = False
    expect(wall.get_by_text("No fresh figures")).to_be_hidden()


def test_more_than_a_thousand_updates_leave_nothing_behind(wall: Page) -> None:
    found = wall.evaluate(FEED, UPDATES)
    assert found["after"] == found["before"]
    assert found["shown"] == str(UPDATES - 1)


def test_one_queue_follows_the_other_until_somebody_pauses(web: WebHouse, wall: Page) -> None:
    web.queue("sales", "Sales", ("+12015550102",))
    expect(wall.locator("#board-sales figure.drawn").first).to_be_attached()
    expect(wall.get_by_role("heading", name="Support")).to_be_hidden()
    expect(wall.get_by_role("heading", name="Sales")).to_be_visible()
    wall.keyboard.press("ArrowRight")
    expect(wall.get_by_role("heading", name="Support")).to_be_visible()
    expect(wall.get_by_role("heading", name="Sales")).to_be_hidden()
    wall.set_viewport_size({"width": 390, "height": 800})
    expect(wall.get_by_role("heading", name="Sales")).to_be_visible()


def test_a_wall_of_an_older_version_loads_itself_anew_once(
    web: WebHouse, wall: Page, monkeypatch: pytest.MonkeyPatch
) -> None:
    wall.evaluate("window.same = true")
    monkeypatch.setattr(static_files, "version", lambda: "newer")
    hub = web.app.extensions[live.HUB]
    with wall.expect_event("load", timeout=60_000):
        hub.closing = True  # the old process ends
        eventually(lambda: hub.listening == 0)
        hub.closing = False
    assert wall.evaluate("window.same") is None
