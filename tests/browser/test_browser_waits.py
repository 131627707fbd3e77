"""The page on announced waits in a real browser: by keyboard, on a small phone, and without a script of its own."""

from playwright.sync_api import Page, expect

from tests.browser.conftest import be_signed_in
from tests.support.predictions import fill
from tests.support.web_house import WebHouse


def test_a_supervisor_finds_out_why_a_number_was_said_by_keyboard_on_a_small_phone(web: WebHouse, page: Page) -> None:
    fill(web.store, web.clock, 40)
    be_signed_in(web, page, "viewer")
    page.set_viewport_size({"width": 320, "height": 640})
    page.goto(f"{web.options.public_base_url}/admin/queues/support")
    page.get_by_role("link", name="Announced waits").press("Enter")
    expect(page.get_by_text("40 callers were told a wait.")).to_be_visible()
    expect(page.get_by_role("img", name="Off by, hour by hour")).to_be_visible()
    assert page.evaluate("document.documentElement.scrollWidth") <= 320
    latest = page.locator("#last details").first
    expect(latest.get_by_text("The simple rule said")).to_be_hidden()
    latest.locator("summary").press("Enter")
    expect(latest.get_by_text("The simple rule said")).to_be_visible()
    expect(latest.get_by_role("link", name="this call")).to_be_visible()
    page.get_by_role("navigation", name="Days").get_by_role("button", name="30 days").press("Enter")
    expect(page).to_have_url(f"{web.options.public_base_url}/admin/queues/support/waits?days=30")
