"""The server goes away in the middle of somebody's work, and comes back: a form in which much was typed is not lost."""

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.browser.conftest import sign_in
from tests.support.clock import ManualClock
from tests.support.ports import free_port
from tests.support.web_house import WebHouse


def try_again(page: Page, *, scripts: bool) -> None:
    if scripts:
        page.get_by_role("button", name="Save thresholds").click()
    else:
        page.reload()  # of an address to which a form was posted: the browser posts it again


@pytest.mark.parametrize("scripts", [True, False])
def test_a_supervisor_saves_after_a_restart_what_was_typed_before_it(
    redis_url: str, sqlite_url: str, clock: ManualClock, browser: Browser, scripts: bool
) -> None:
    port = free_port()
    web = WebHouse(redis_url, sqlite_url, clock, f"http://127.0.0.1:{port}")
    web.queue()
    context = browser.new_context(java_script_enabled=scripts)
    page = context.new_page()
    with web.serving(port):
        sign_in(web, page)
        page.wait_for_url("**/admin")
        page.goto(f"{web.options.public_base_url}/admin/queues/support")
        page.get_by_label("Offer at a line of").fill("7")
        page.get_by_label("Why (for the history)").fill("a busy day")
    with page.expect_event("requestfailed"):
        page.get_by_role("button", name="Save thresholds").click()
    if scripts:
        expect(page.get_by_text("What you typed is still here")).to_be_visible()
    else:
        page.wait_for_url("chrome-error://**")  # the browser's own page about it
    with web.serving(port):
        try_again(page, scripts=scripts)
        expect(page.get_by_text("a busy day")).to_be_visible()
        expect(page.get_by_label("Offer at a line of")).to_have_value("7")
    context.close()
    web.close()
