"""From an installation with nothing in it to a caller who was called back, through the pages alone: real processes, the
emulated carrier, a real browser, and simulated people on the telephones."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from argon2 import PasswordHasher
from playwright.sync_api import Page, expect

from callback.adapters.store.sql_store import SqlStore
from callback.ports import User
from tests.support.installation import NUMBER, SECRET, Installation
from tests.support.redis_server import RedisServer, valkey_binary

PASSWORD = "correct horse battery staple"
SOON_MS = 45_000


@pytest.fixture
def empty(tmp_path: Path) -> Iterator[Installation]:
    """Everything runs, and nothing is there but somebody who may sign in."""
    redis = RedisServer(valkey_binary()).start()
    home = Installation(tmp_path, redis.url, f"sqlite:///{tmp_path / 'callback.sqlite3'}", speed=30)
    try:
        home.start()
        store = SqlStore(home.database_url, SECRET)
        cheap = PasswordHasher(time_cost=1, memory_cost=64, parallelism=1).hash(PASSWORD)
        with store.begin() as work:
            work.put_user(User("admin@example.com", "admin", cheap))
        store.close()
        yield home
    finally:
        home.stop()
        redis.close()


@pytest.mark.slow
@pytest.mark.timeout(300)
def test_an_empty_house_is_led_to_its_first_callback_in_five_steps(empty: Installation, page: Page) -> None:
    page.goto(f"{empty.base}/sign-in")
    page.get_by_label("Email").fill("admin@example.com")
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Sign in").click()
    page.wait_for_url("**/admin/start")
    expect(page.get_by_role("heading", level=1)).to_have_text("Welcome")
    page.get_by_role("button", name="Begin").click()

    page.get_by_label("Attempts", exact=True).fill("2")
    page.get_by_role("button", name="Make the queue").click()
    expect(page.get_by_text("it is published to the line")).to_be_visible()
    page.get_by_role("button", name="Go on").click()

    page.get_by_role("button", name="Always open is right").click()
    page.wait_for_url("**/start/agent*")

    page.get_by_label("Name").fill("Ann Lee")
    page.get_by_label("Number or SIP address").fill("+12015550211")
    page.get_by_role("button", name="Add the agent").click()
    expect(page.get_by_text("not tested yet")).to_be_visible()
    page.get_by_role("button", name="Let somebody simulated answer").click()
    page.get_by_role("button", name="Ring it now").click()
    expect(page.get_by_text("the telephone works")).to_be_visible(timeout=SOON_MS)
    expect(page.locator(".reached li.past")).to_have_count(3)
    page.get_by_role("button", name="Go on").click()

    first = page.locator(".numbers > li").first
    first.get_by_text("Set it up for me…").click()
    first.get_by_role("button", name="Point it here").click()
    expect(page.get_by_text("leads to Support now")).to_be_visible()
    expect(page.get_by_text("Proved: the carrier has asked here itself")).to_be_visible()
    page.get_by_role("button", name="Go on").click()

    page.get_by_role("button", name="Let a simulated caller ring").click()
    promised = page.locator(".reached li.past", has_text="The callback was promised")
    expect(promised).to_be_visible(timeout=SOON_MS)
    page.get_by_role("button", name="Set them available").click()
    expect(page.get_by_text("It works.")).to_be_visible(timeout=SOON_MS)
    expect(page.locator(".reached li.past")).to_have_count(6)
    page.goto(f"{empty.base}/admin/start")
    expect(page.get_by_role("heading", level=1)).to_have_text("Ready for callers")
    page.goto(f"{empty.base}/admin")
    expect(page.get_by_role("heading", level=1)).to_have_text("Queues")
    assert empty.carrier.creations("+12015550211")
    assert NUMBER in empty.api("GET", "/queues/support")["numbers"]
