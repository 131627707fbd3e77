"""The caller's page in a real browser: it keeps itself up to date, works without a script, and can be used by all."""

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Page, Route, expect

from callback.domain.lifecycle import AgentStatus
from callback.flows import cancel
from tests.support.clock import ManualClock
from tests.support.ports import free_port
from tests.support.waiting import TRIES, eventually
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
    expect(page.locator("#updated")).to_have_text("4:00:16 AM")
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
    expect(page.locator("#updated")).to_have_text("4:00:01 AM")
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


def codes(web: WebHouse) -> dict[str, str]:
    """The codes that were texted, by number."""
    with web.store.look() as work:
        texts = [work.text(name) for kind, name in web.dispatch.asked if kind == "text"]
    return {text.number: text.body[:6] for text in texts if text.body[:6].isdigit()}


def change_everything(web: WebHouse, page: Page) -> None:
    """Another time, ready after all, another number, cancelled: by what the page offers alone."""
    page.get_by_role("link", name="Choose another time").click()
    page.locator("summary", has_text="Tomorrow").click()
    page.get_by_role("group", name="Tomorrow").get_by_role("radio").nth(2).check()
    page.get_by_role("button", name="Ring me then").click()
    expect(page.locator("h1")).to_contain_text("Callback tomorrow at")
    page.get_by_role("link", name="I am ready now").click()
    expect(page.get_by_text("join the end of the line now")).to_be_visible()
    page.get_by_role("button", name="Yes, ring me").click()
    expect(page.locator("h1")).to_have_text("You are next")
    expect(page.get_by_text("Done. We ring you as soon as it is your turn.")).to_be_visible()
    page.get_by_role("link", name="Use another number").click()
    page.get_by_label("The new number").fill("201 555 0177")
    page.get_by_role("button", name="Send the code").click()
    page.get_by_label("Code sent to the new number").fill("000000")
    page.get_by_label("Code sent to the number we ring so far").fill("000000")
    page.get_by_role("button", name="Change the number").click()
    expect(page.get_by_role("alert")).to_have_text("That is not right. You have 4 tries left.")
    page.get_by_label("Code sent to the new number").fill(codes(web)["+12015550177"])
    page.get_by_label("Code sent to the number we ring so far").fill(codes(web)["+12015550123"])
    page.get_by_role("button", name="Change the number").click()
    expect(page.get_by_text("+1201•••0177")).to_be_visible()
    page.get_by_role("link", name="Cancel my callback").click()
    page.get_by_role("link", name="No, keep my place").click()
    expect(page.locator("h1")).to_have_text("You are next")
    page.get_by_role("link", name="Cancel my callback").click()
    page.get_by_role("button", name="Yes, cancel it").click()
    expect(page.locator("h1")).to_have_text("Your callback is cancelled")
    expect(page.get_by_role("link", name="Call us")).to_have_attribute("href", "tel:+12015550100")
    assert page.get_by_role("link", name="Cancel my callback").count() == 0


def test_the_page_tells_that_the_server_is_away_and_goes_on_when_it_is_back(
    redis_url: str, sqlite_url: str, clock: ManualClock, page: Page
) -> None:
    port = free_port()
    house = WebHouse(redis_url, sqlite_url, clock, f"http://127.0.0.1:{port}")
    house.queue()
    house.agent("bob", status=AgentStatus.AVAILABLE)
    house.promise("+12015550199")
    page.clock.install()
    with house.serving(port):
        page.goto(link(house))
    page.clock.run_for(45_000)
    expect(page.get_by_text("may be out of date")).to_be_visible()
    expect(page.locator("h1")).to_have_text("You are next")
    with house.serving(port):
        page.clock.run_for(16_000)
        expect(page.get_by_text("may be out of date")).to_be_hidden()
    house.close()


def test_everything_can_be_changed(web: WebHouse, page: Page) -> None:
    page.goto(link(web))
    change_everything(web, page)


def test_and_without_a_script_too(web: WebHouse, browser: Browser) -> None:
    address = link(web)
    with browser.new_context(java_script_enabled=False, locale="en-US") as profile:
        page = profile.new_page()
        page.goto(address)
        expect(page.locator("h1")).to_have_text("You are next")
        assert page.locator("noscript meta[http-equiv=refresh], meta[http-equiv=refresh]").count() == 1
        change_everything(web, page)
        assert page.locator("meta[http-equiv=refresh]").count() == 0


def test_a_missed_call_is_asked_for_again_while_the_page_stays_open(web: WebHouse, page: Page) -> None:
    web.wait(1)
    mine = web.promise()
    page.clock.install()
    page.goto(web.house.urls.status_page(mine.token))
    web.missed(mine)
    page.locator("#wish-later").focus()
    page.clock.run_for(15_000)
    expect(page.locator("h1")).to_contain_text("We ring you again at")
    expect(page.locator("#wish-later")).to_be_focused()
    page.get_by_role("link", name="I missed your call: ring me now").click()
    page.get_by_role("button", name="Yes, ring me").click()
    expect(page.locator("h1")).to_have_text("You are next")


def test_the_language_can_be_switched_and_stays_with_the_callback(web: WebHouse, page: Page) -> None:
    address = link(web, language="zh")
    page.goto(address)
    expect(page.locator("h1")).to_have_text("下一位就是您")
    page.get_by_role("button", name="English").click()
    expect(page.locator("h1")).to_have_text("You are next")
    page.goto(address)
    expect(page.locator("h1")).to_have_text("You are next")


def test_the_cancelled_page_tells_the_next_visitor_so(web: WebHouse, page: Page) -> None:
    page.goto(web.house.urls.status_page("nobody-has-this-link"))
    expect(page.locator("h1")).to_have_text("This link does not lead anywhere any more")


def test_a_missed_call_and_one_that_was_never_asked_for_need_no_script(web: WebHouse, browser: Browser) -> None:
    web.wait(1)
    mine, other = web.promise(), web.promise("+12015550144")
    web.missed(mine)
    with browser.new_context(java_script_enabled=False, locale="en-US") as profile:
        page = profile.new_page()
        page.goto(web.house.urls.status_page(mine.token))
        page.get_by_role("link", name="I missed your call: ring me now").click()
        page.get_by_role("button", name="Yes, ring me").click()
        expect(page.get_by_text("Done. We ring you as soon as it is your turn.")).to_be_visible()
        page.goto(web.house.urls.status_page(other.token))
        page.get_by_role("link", name="I did not ask for this").click()
        page.get_by_role("button", name="Never ring this number").click()
        expect(page.locator("h1")).to_have_text("We leave you alone")


SLOW = {"offline": False, "latency": 400, "downloadThroughput": 400_000 / 8, "uploadThroughput": 400_000 / 8}
"""400 kbit/s and 400 ms: a telephone at the edge of a village."""
FIRST_PAINT_S = 3.0


def test_on_a_slow_link_it_is_there_soon_and_works_before_its_scripts_have_come(web: WebHouse, page: Page) -> None:
    held: list[Route] = []

    def hold(route: Route) -> None:
        held.append(route)

    page.route("**/*.js*", hold)
    page.context.new_cdp_session(page).send("Network.emulateNetworkConditions", SLOW)
    address = link(web)
    paint = "performance.getEntriesByName('first-contentful-paint').map((paint) => paint.startTime)"

    def painted_ms() -> float:
        page.goto(address, wait_until="commit")
        expect(page.locator("h1")).to_have_text("You are next")
        [found] = eventually(lambda: page.evaluate(paint), what="something was painted")
        return float(found)

    assert any(painted_ms() < 1000 * FIRST_PAINT_S for _ in range(TRIES))
    page.get_by_role("link", name="Cancel my callback").click()
    page.get_by_role("button", name="Yes, cancel it").click()
    expect(page.locator("h1")).to_have_text("Your callback is cancelled")
    assert held, "it has scripts, and none has come"


@pytest.mark.parametrize("language", ["en", "zh"])
def test_nothing_is_cut_off_and_everything_can_be_hit(web: WebHouse, page: Page, language: str) -> None:
    address = link(web, language=language)
    for path in ("", "/later", "/number", "/cancel"):
        page.goto(address + path)
        for width, zoom in ((320, 1), (390, 1), (1440, 1), (640, 2)):
            page.set_viewport_size({"width": width, "height": 800})
            page.evaluate(f"document.documentElement.style.fontSize = '{16 * zoom}px'")
            assert page.evaluate("document.documentElement.scrollWidth") <= width, (path, width, zoom)
        for target in page.locator(
            "button:visible, a:visible, summary:visible, .times label:visible, input:visible"
        ).all():
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
