"""The banner in a real browser: on every page of those who work there, without a reload, also while the record is away.

What is shown is posted on the board as workers would; the record goes away for real, as PostgreSQL is killed.
"""

import pytest
from playwright.sync_api import Page, expect

from callback.adapters.line.board import LANES
from callback.flows import account, condition
from callback.ports import CarrierStopped
from tests.browser.conftest import be_signed_in, sign_in
from tests.support.web_house import WebHouse

REFUSED = CarrierStopped("401: authenticate", 20003)
TITLE = "The carrier refuses to dial"


def test_an_open_page_shows_what_is_wrong_and_that_it_is_over_by_itself(web: WebHouse, page: Page) -> None:
    sign_in(web, page)
    expect(page.get_by_role("heading", name="Queues")).to_be_visible()
    expect(page.get_by_text(TITLE)).to_have_count(0)
    page.evaluate("window.same = true")
    account.refused(web.house, None, REFUSED)
    banner = page.get_by_role("alert").filter(has_text=TITLE)
    expect(banner).to_be_visible(timeout=10_000)
    expect(banner).to_contain_text("since")
    expect(banner).to_contain_text("error 20003")
    expect(page.locator("#live")).to_contain_text("Nobody can be rung at the moment.")
    account.accepted(web.house, None)
    expect(page.get_by_text(TITLE)).to_have_count(0)
    assert page.evaluate("window.same")


@pytest.mark.parametrize(("role", "path"), [("viewer", "/admin/agents"), ("viewer", "/wall"), ("agent", "/agent")])
def test_it_is_on_every_page_in_the_readers_language(web: WebHouse, page: Page, role: str, path: str) -> None:
    account.refused(web.house, None, REFUSED)
    condition.line_is(web.house, "rebuilding")
    be_signed_in(web, page, role, "ann" if role == "agent" else None)
    page.goto(f"{web.options.public_base_url}{path}")
    expect(page.get_by_role("alert").filter(has_text=TITLE)).to_be_visible()
    page.locator("details.account > summary").click()
    page.get_by_role("button", name="简体中文").click()
    expect(page.get_by_role("alert").filter(has_text="运营商拒绝拨号")).to_contain_text("错误 20003")
    expect(page.get_by_role("alert").filter(has_text="正在重建队列")).to_be_visible()


def test_it_needs_a_session_and_no_record(web: WebHouse, page: Page) -> None:
    web.clock.advance(1)
    web.house.board.beat(*LANES)
    account.refused(web.house, None, REFUSED)
    stranger = web.app.test_client()
    assert stranger.get("/condition").status_code == 204
    sign_in(web, page)
    expect(page.get_by_text(TITLE)).to_be_visible()
    web.store.close()
    with web.app.test_client() as known:
        with known.session_transaction() as session:
            session["_user_id"] = "sue@example.com\nno mark of a password"
        assert TITLE in known.get("/condition").get_data(as_text=True)
