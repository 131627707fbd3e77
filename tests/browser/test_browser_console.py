"""The console, the desk and the wallboard in a real browser."""

from playwright.sync_api import Page, expect

from callback.domain.ids import AgentKey, QueueKey
from callback.domain.lifecycle import AgentStatus
from tests.browser.conftest import be_signed_in, sign_in
from tests.support.waiting import eventually
from tests.support.web_house import WebHouse


def test_a_supervisor_signs_in_changes_a_threshold_and_sees_it_in_force(web: WebHouse, page: Page) -> None:
    web.agent("bob", status=AgentStatus.AVAILABLE)
    web.promise("+12015550141")
    sign_in(web, page)
    expect(page.get_by_role("heading", name="Queues")).to_be_visible()
    page.get_by_role("link", name="Support").click()
    expect(page.locator("#live")).to_contain_text("Offering callbacks.")
    page.get_by_label("Offer at a wait of").fill("3600")
    page.get_by_label("Why (for the history)").fill("a quiet day")
    page.get_by_role("button", name="Save thresholds").click()
    expect(page.get_by_label("Offer at a wait of")).to_have_value("3600")
    expect(page.locator("#live")).to_contain_text("Not offering callbacks.")
    expect(page.get_by_text("a quiet day")).to_be_visible()
    page.get_by_role("button", name="Go back to this").first.click()
    expect(page.get_by_label("Offer at a wait of")).to_have_value("180")


def test_a_mistake_is_shown_at_its_field(web: WebHouse, page: Page) -> None:
    be_signed_in(web, page)
    page.goto(f"{web.options.public_base_url}/admin/queues/support")
    page.get_by_label("Attempts", exact=True).fill("none")
    page.get_by_role("button", name="Save thresholds").click()
    expect(page.get_by_role("alert")).to_contain_text("Nothing was saved.")
    expect(page.get_by_label("Attempts", exact=True)).to_have_attribute("aria-invalid", "true")
    expect(page.get_by_label("Attempts", exact=True)).to_have_value("none")


def test_the_waiting_list_is_live_and_somebody_is_taken_out(web: WebHouse, page: Page) -> None:
    be_signed_in(web, page)
    page.goto(f"{web.options.public_base_url}/admin/queues/support/line")
    expect(page.get_by_text("Nobody waits.")).to_be_visible()
    page.evaluate("window.same = true")
    made = web.promise(name="Ada Lovelace")
    expect(page.get_by_text("Ada Lovelace")).to_be_visible()
    assert page.evaluate("window.same")
    page.get_by_role("button", name="Change…").click()
    page.get_by_role("button", name="Cancel this callback").click()
    expect(page.get_by_text("Nobody waits.")).to_be_visible()
    with web.store.begin() as work:
        assert work.callback(made.id).state == "cancelled"


def test_a_callback_is_added_by_hand(web: WebHouse, page: Page) -> None:
    be_signed_in(web, page)
    page.goto(f"{web.options.public_base_url}/admin/queues/support/line")
    page.get_by_label("Number").fill("(201) 555-0123")
    page.get_by_role("button", name="Add to the line").click()
    expect(page.locator("#live").get_by_text("added by hand")).to_be_visible()
    assert web.line.standing(QueueKey("support"), None).callbacks == 1


def test_everything_stops_at_two_clicks(web: WebHouse, page: Page) -> None:
    sign_in(web, page)
    page.get_by_text("Stop everything…").click()
    page.get_by_role("button", name="Stop everything now").click()
    expect(page.get_by_text("not accepting")).to_be_visible()
    expect(page.get_by_text("not dialling")).to_be_visible()


def test_the_desk_switches_and_shows_who_is_coming(web: WebHouse, page: Page) -> None:
    sign_in(web, page, "agent", "ann")
    expect(page.get_by_role("heading", level=1)).to_have_text("Signed off")
    page.get_by_role("button", name="Available").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Ready for the next caller")
    expect(page.get_by_role("button", name="Available")).to_have_attribute("aria-pressed", "true")
    page.evaluate("window.same = true")
    web.promise(name="Ada Lovelace", context={"order": "A-7"})
    expect(page.get_by_role("heading", level=1)).to_have_text("A caller is coming to you")
    expect(page.get_by_text("Ada Lovelace")).to_be_visible()
    expect(page.get_by_text("A-7")).to_be_visible()
    expect(page.locator("#said")).to_have_text("A caller is coming to you")
    assert page.evaluate("window.same")
    page.get_by_role("button", name="Away").click()
    eventually(lambda: web.line.agent(AgentKey("ann")).wanted is AgentStatus.AWAY, what="the wish is kept for later")
    expect(page.get_by_text("then away")).to_be_visible()


def test_the_wallboard_is_live_within_seconds(web: WebHouse, page: Page) -> None:
    be_signed_in(web, page, "viewer")
    page.goto(f"{web.options.public_base_url}/wall")
    tile = page.locator(".tile", has_text="On the line").locator(".number")
    expect(tile).to_have_text("0")
    web.caller()
    expect(tile).to_have_text("1")


def test_a_page_whose_session_ended_goes_to_the_door(web: WebHouse, page: Page) -> None:
    sign_in(web, page)
    web.wait(3600)
    expect(page.get_by_role("button", name="Sign in")).to_be_visible()


def test_no_page_of_the_console_is_wider_than_its_window(web: WebHouse, page: Page) -> None:
    web.promise(name="A person with quite a long name indeed")
    be_signed_in(web, page)
    for path in ("/admin", "/admin/queues/support", "/admin/queues/support/line", "/admin/agents", "/wall"):
        page.goto(web.options.public_base_url + path)
        for width in (390, 1440):
            page.set_viewport_size({"width": width, "height": 900})
            assert page.evaluate("document.documentElement.scrollWidth") <= width, f"{path} at {width}"


def test_the_desk_is_not_wider_than_a_small_phone(web: WebHouse, page: Page) -> None:
    page.set_viewport_size({"width": 320, "height": 700})
    sign_in(web, page, "agent", "ann")
    for language in ("English", "简体中文"):
        page.locator("details.account > summary").click()
        page.get_by_role("button", name=language).click()
        expect(page.get_by_role("article").first).to_be_visible()
        assert page.evaluate("document.documentElement.scrollWidth") <= 320
