"""Agents at their desks, in a real browser against the emulated carrier: with a telephone in the page, and without."""

from collections.abc import Iterator
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from callback.adapters.store.sql_store import SqlStore
from callback.domain.ids import AgentKey
from callback.ports import User
from callback.web.credentials import hash_password
from tests.support.installation import SECRET, OpenShop, Shop
from tests.support.waiting import eventually

PASSWORD = "a password for the desk"
SOON_MS = 45_000


@pytest.fixture(scope="module")
def hashed() -> str:
    return hash_password(PASSWORD)


@pytest.fixture
def desk(page: Page, hashed: str) -> Iterator[Any]:
    """Signs an agent in at their desk."""

    def signed_in(shop: Shop, agent: str) -> Page:
        store = SqlStore(shop.home.database_url, SECRET)
        with store.begin() as work:
            work.put_user(User(f"{agent}@example.com", "agent", hashed, AgentKey(agent)))
        store.close()
        page.set_default_timeout(SOON_MS)
        page.goto(f"{shop.home.base}/sign-in")
        page.get_by_label("Email").fill(f"{agent}@example.com")
        page.get_by_label("Password").fill(PASSWORD)
        page.get_by_role("button", name="Sign in").click()
        page.wait_for_url("**/agent")
        return page

    yield signed_in
    page.close()  # while its carrier still runs


def heading(page: Page, text: str) -> None:
    """The desk's state."""
    expect(page.locator("#now h1")).to_have_text(text, timeout=SOON_MS)


def test_an_agent_takes_a_call_in_the_page_holds_it_writes_it_down_and_passes_the_next_one_on(
    open_shop: OpenShop, desk: Any
) -> None:
    shop, other = open_shop(wrap_up_s=600), open_shop()
    carrier, soft = shop.home.carrier, f"{shop.key}-soft"
    shop.presence(0, "offline")
    shop.home.api("PUT", f"/agents/{soft}", {"name": "Sofia", "contact": f"client:{soft}", "queues": [shop.key]})
    page = desk(shop, soft)
    expect(page.locator("#phone-state")).to_have_text("Ready: calls ring in this page.", timeout=SOON_MS)
    page.keyboard.press("a")
    heading(page, "Ready for the next caller")

    number = "+12125550987"
    call = shop.ring(number=number)
    expect(page.locator("#phone-answer")).to_be_visible(timeout=SOON_MS)
    expect(page.locator("#now .who")).to_contain_text("+1 212-555-0987", timeout=SOON_MS)
    page.keyboard.press("Enter")
    carrier.until(call, "bridged")
    heading(page, "On a call")
    expect(page.locator("#phone-state")).to_have_text("On a call", timeout=SOON_MS)

    page.keyboard.press("m")
    expect(page.locator("#phone-mute")).to_have_attribute("aria-pressed", "true")
    page.keyboard.press("h")
    heading(page, "On hold")
    expect(page.locator("#now")).to_contain_text("They have heard music for", timeout=SOON_MS)
    page.keyboard.press("h")
    heading(page, "On a call")
    carrier.until(call, "conference")

    page.get_by_label("Solved").check()
    page.get_by_label("Notes").fill("sent the form h a w")  # keys do nothing in a field
    page.get_by_role("button", name="Save").click()
    expect(page.locator("#saved")).to_contain_text("Saved at", timeout=SOON_MS)
    page.locator("#now h1").click()
    page.keyboard.press("x")
    carrier.until(call, "ended")
    heading(page, "Wrapping up")
    expect(page.locator("#phone-state")).to_have_text("Ready: calls ring in this page.", timeout=SOON_MS)
    expect(page.locator("#day .talks")).to_contain_text("Solved", timeout=SOON_MS)
    page.keyboard.press("a")
    heading(page, "Ready for the next caller")

    again = shop.ring(number=number)
    expect(page.locator("#now .earlier")).to_contain_text("Solved", timeout=SOON_MS)
    page.keyboard.press("Enter")
    carrier.until(again, "bridged")
    heading(page, "On a call")
    page.keyboard.press("t")
    page.locator(f'#transfer button[value="send:{other.key}"]').click()
    heading(page, "Wrapping up")
    carrier.until(again, "bridged")
    assert carrier.leg(carrier.leg(again)["bridged_with"])["to"] == other.contact()
    expect(page.locator("#day table")).to_contain_text("Transfers", timeout=SOON_MS)

    page.keyboard.press("o")
    heading(page, "Signed off")
    carrier.hang_up(again)
    other.until_told("call", again, "completed")


def test_an_agent_with_a_telephone_of_their_own_holds_and_hangs_up_at_the_desk(open_shop: OpenShop, desk: Any) -> None:
    shop = open_shop()
    page = desk(shop, shop.agents[0])
    expect(page.locator("#phone")).to_contain_text("press 1 to take the call")
    call = shop.occupy()
    heading(page, "On a call")
    page.get_by_role("button", name="Hold").click()
    heading(page, "On hold")
    eventually(lambda: shop.home.carrier.leg(call)["bridged_with"] is None, every_s=0.1, what="on hold")
    expect(page.locator("#now")).to_contain_text("They have heard music for", timeout=SOON_MS)
    page.get_by_role("button", name="Take them back").click()
    heading(page, "On a call")
    shop.home.carrier.until(call, "conference")
    page.get_by_role("button", name="Hang up").click()
    shop.home.carrier.until(call, "ended")
    shop.until_told("call", call, "completed")
    shop.nobody_left()
