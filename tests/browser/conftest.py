"""A house that a real browser visits."""

from collections.abc import Iterator

import pytest
from playwright.sync_api import Page

from tests.support.clock import ManualClock
from tests.support.ports import free_port
from tests.support.web_house import PASSWORD, WebHouse, signed_in


@pytest.fixture
def web(redis_url: str, sqlite_url: str, clock: ManualClock) -> Iterator[WebHouse]:
    """A house that is served, with a queue and an agent who is not there yet."""
    port = free_port()
    house = WebHouse(redis_url, sqlite_url, clock, f"http://127.0.0.1:{port}")
    house.queue()
    house.agent()
    with house.serving(port):
        yield house
    house.close()


def be_signed_in(web: WebHouse, page: Page, role: str = "supervisor", agent: str | None = None) -> None:
    """With a session that was begun beside the browser: for those who look at something else than the door."""
    name = web.app.config["SESSION_COOKIE_NAME"]
    session = signed_in(web, role, agent).get_cookie(name).value
    page.context.add_cookies([{"name": name, "value": session, "url": web.options.public_base_url}])


def sign_in(web: WebHouse, page: Page, role: str = "supervisor", agent: str | None = None) -> None:
    """Through the door that people use."""
    page.goto(f"{web.options.public_base_url}/sign-in")
    page.get_by_label("Email").fill(web.user(f"{role}@example.com", role, agent))
    page.get_by_label("Password").fill(PASSWORD)
    with page.expect_navigation():  # else the next address interrupts the signing in
        page.get_by_role("button", name="Sign in").click()
