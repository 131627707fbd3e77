"""The thresholds console in a real browser: what was typed stays while the page lives, a preview, a save, a plan."""

from datetime import timedelta

from playwright.sync_api import Page, expect

from callback.domain.lifecycle import AgentStatus
from tests.browser.conftest import be_signed_in
from tests.support.web_house import WebHouse


def test_a_change_is_tried_saved_planned_and_taken_back(web: WebHouse, page: Page) -> None:
    web.agent("bob", status=AgentStatus.AVAILABLE)
    web.promise("+12015550141")
    be_signed_in(web, page)
    page.goto(f"{web.options.public_base_url}/admin/queues/support")
    box = page.get_by_role("switch", name="Ask how it was")
    field = page.locator(".field", has=box)
    box.click()
    expect(field).to_contain_class("changed")
    box.click()
    expect(field).not_to_contain_class("changed")
    line = page.get_by_label("Offer at a line of")
    line.fill("7")
    expect(page.get_by_text("Not saved yet")).to_be_visible()
    web.promise("+12015550142")
    web.promise("+12015550143")
    expect(page.locator("#doing-offer_at_waiting")).to_contain_text("2 wait now.")
    expect(line).to_have_value("7")
    page.get_by_role("button", name="Preview", exact=True).click()
    expect(page.get_by_text("Nobody is on record for that day.")).to_be_visible(timeout=60_000)
    page.get_by_role("link", name="An example day").click()
    expect(page.get_by_role("row", name="Callbacks offered")).to_be_visible(timeout=60_000)
    expect(page.locator("figure.drawn")).to_have_count(4)
    page.get_by_role("button", name="Back to the form").click()
    expect(line).to_have_value("7")
    page.get_by_label("Why (for the history)").fill("a busy day")
    page.get_by_role("button", name="Save thresholds").click()
    expect(page.get_by_text("a busy day")).to_be_visible()
    expect(page.get_by_text("Not saved yet")).to_have_count(0)
    later = web.clock.now() + timedelta(days=1)
    page.get_by_label("Attempts", exact=True).fill("5")
    page.get_by_label("In force from").fill(later.strftime("%Y-%m-%dT%H:%M"))
    page.get_by_role("button", name="Save thresholds").click()
    expect(page.get_by_text("In force from tomorrow at")).to_be_visible()
    page.get_by_role("button", name="Take it back").click()
    expect(page.get_by_text("It was taken back.")).to_be_visible()
