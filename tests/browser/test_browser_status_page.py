"""The caller's page in a real browser: it keeps itself up to date, works without a script, and can be used by all."""

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Page, Route, expect

from callback.domain.lifecycle import AgentStatus
from callback.flows import cancel
from tests.support.clock import ManualClock
from tests.support.ports import free_port
from tests.support.web_house import WebHouse


@pytest.fixture
def web(redis_url: str, sqlite_url: str, clock: ManualClock) -> Iterator[WebHouse]:
    """A house that is served, with one queue, an agent, and somebody ahead."""
    port = free_port()
    house = WebHouse(redis_url, sqlite_url, clock, f"http://127.0.0.1:{port}")
    house.queue()
    house.agent("bob", status=AgentStatus.AVAILABLE)
    house.promise("+12015550199")
    with house.serving(port):
        yield house
    house.close()


def link(web: WebHouse, number: str = "+12015550123", language: str = "en") -> str:
    web.wait(1)
    return web.house.urls.status_page(web.promise(number, language=language).token)


def test_the_page_follows_the_line_without_a_reload(web: WebHouse, page: Page) -> None:
    web.wait(1)
    ahead = web.promise("+12015550141")
    page.clock.install()
    page.goto(link(web))
    expect(page.locator("h1")).to_have_text("2nd in line")
    page.evaluate("window.same = true")
    cancel.cancel(web.house, ahead.id, reason="test", cause="test")
    web.wait(14)
    page.clock.run_for(15_000)
    expect(page.locator("h1")).to_have_text("You are next")
    expect(page).to_have_title("You are next")
    expect(page.locator("#updated")).to_have_text("04:00:16")
    expect(page.get_by_role("status")).to_have_text("You are next")
    assert page.evaluate("window.same")


def test_a_refresh_without_news_only_moves_the_time(web: WebHouse, page: Page) -> None:
    page.clock.install()
    page.goto(link(web))
    before = page.locator("#now").inner_html()
    page.locator("#updated").evaluate("(time) => { time.textContent = 'long ago' }")
    with page.expect_response("**/now*") as answer:
        page.clock.run_for(15_000)
    assert answer.value.status == 304
    expect(page.locator("#updated")).to_have_text("04:00:01")
    assert page.locator("#now").inner_html() == before


def test_after_two_missed_refreshes_it_says_that_it_may_be_out_of_date(web: WebHouse, page: Page) -> None:
    def refuse(route: Route) -> None:
        route.abort()

    page.clock.install()
    page.goto(link(web))
    expect(page.get_by_text("may be out of date")).to_be_hidden()
    page.route("**/now*", refuse)
    page.clock.run_for(45_000)
    expect(page.get_by_text("may be out of date")).to_be_visible()
    expect(page.locator("h1")).to_have_text("You are next")
    page.unroute("**/now*")
    page.clock.run_for(15_000)
    expect(page.get_by_text("may be out of date")).to_be_hidden()


def test_cancelling_takes_two_clicks_and_works_without_a_script(web: WebHouse, browser: Browser) -> None:
    address = link(web)
    with browser.new_context(java_script_enabled=False, locale="en-US") as profile:
        page = profile.new_page()
        page.goto(address)
        expect(page.locator("h1")).to_have_text("You are next")
        assert page.locator("noscript meta[http-equiv=refresh], meta[http-equiv=refresh]").count() == 1
        page.get_by_role("button", name="Cancel my callback").click()
        page.get_by_role("button", name="No, keep my place").click()
        expect(page.locator("h1")).to_have_text("You are next")
        page.get_by_role("button", name="Cancel my callback").click()
        page.get_by_role("button", name="Yes, cancel it").click()
        expect(page.locator("h1")).to_have_text("Your callback is cancelled")
        assert page.get_by_role("button", name="Cancel my callback").count() == 0


def test_the_language_can_be_switched_and_stays_through_the_cancel(web: WebHouse, page: Page) -> None:
    page.goto(link(web, language="zh"))
    expect(page.locator("h1")).to_have_text("下一位就是您")
    page.get_by_role("link", name="English").click()
    expect(page.locator("h1")).to_have_text("You are next")
    page.get_by_role("button", name="Cancel my callback").click()
    page.get_by_role("button", name="Yes, cancel it").click()
    expect(page.locator("h1")).to_have_text("Your callback is cancelled")


def test_the_cancelled_page_tells_the_next_visitor_so(web: WebHouse, page: Page) -> None:
    page.goto(web.house.urls.status_page("nobody-has-this-link"))
    expect(page.locator("h1")).to_have_text("This link does not lead anywhere any more")


@pytest.mark.parametrize("language", ["en", "zh"])
def test_nothing_is_cut_off_and_everything_can_be_hit(web: WebHouse, page: Page, language: str) -> None:
    page.goto(link(web, language=language))
    for width in (320, 390, 1440):
        page.set_viewport_size({"width": width, "height": 800})
        assert page.evaluate("document.documentElement.scrollWidth") <= width
        for target in page.locator("button, [role=button]").all():
            box = target.bounding_box()
            assert box is not None
            assert min(box["height"], box["width"]) >= 44, target.inner_text()


def test_dark_and_light_both_have_enough_contrast(web: WebHouse, browser: Browser) -> None:
    address = link(web)
    for scheme in ("light", "dark"):
        with browser.new_context(color_scheme=scheme, locale="en-US") as profile:  # type: ignore[arg-type]
            page = profile.new_page()
            page.goto(address)
            for selector in ("h1", ".lead", ".steps li[aria-current]", ".steps li:last-child", ".updated", ".facts dt"):
                assert contrast(page, selector) >= 4.5, f"{selector} in {scheme}"


def contrast(page: Page, selector: str) -> float:
    """The WCAG contrast of an element's text against the first opaque background behind it."""
    ratio: float = page.locator(selector).first.evaluate(
        """(element) => {
          const canvas = document.createElement("canvas").getContext("2d", {willReadFrequently: true});
          const rgba = (colour) => {
            canvas.clearRect(0, 0, 1, 1); canvas.fillStyle = colour; canvas.fillRect(0, 0, 1, 1);
            return [...canvas.getImageData(0, 0, 1, 1).data];
          };
          const light = (rgb) => rgb.slice(0, 3).map((c) => c / 255)
            .map((c) => c <= 0.04045 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4)
            .reduce((sum, c, i) => sum + c * [0.2126, 0.7152, 0.0722][i], 0);
          let behind = element;
          const ground = (one) => rgba(getComputedStyle(one).backgroundColor);
          while (behind.parentElement && ground(behind)[3] < 255) behind = behind.parentElement;
          const [a, b] = [light(rgba(getComputedStyle(element).color)), light(ground(behind))];
          return (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05);
        }"""
    )
    return ratio
