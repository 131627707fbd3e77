"""The caller's page over HTTP: what it says, what it gives away, and what changes something."""

import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest
from flask.testing import FlaskClient

from callback.domain.callback import Callback
from callback.domain.ids import CallbackId
from callback.domain.lifecycle import AgentStatus
from callback.flows import cancel
from tests.support.clock import ManualClock
from tests.support.web_house import WebHouse

FIRST_LOAD = 30_000
"""Bytes, of the 50 kB that the page may take."""


@pytest.fixture
def web(redis_url: str, sqlite_url: str, clock: ManualClock) -> Iterator[WebHouse]:
    """A house with one queue and somebody who works, busy elsewhere."""
    house = WebHouse(redis_url, sqlite_url, clock, "http://callback.test")
    house.queue()
    house.agent("bob", status=AgentStatus.AVAILABLE)
    house.promise("+12015550199")
    yield house
    house.close()


@pytest.fixture
def client(web: WebHouse) -> FlaskClient:
    """A browser without cookies."""
    return web.app.test_client()


def heading(client: FlaskClient, callback: Callback, lang: str = "") -> str:
    text = client.get(f"/c/{callback.token}{lang}").get_data(as_text=True)
    found = re.search(r"<h1>(.*?)</h1>", text)
    assert found
    assert f"<title>{found[1]}</title>" in text
    return found[1]


def everything(web: WebHouse) -> tuple[int, list[tuple[str, str]]]:
    """The end of the journal, and what workers were asked to do."""
    with web.store.look() as work:
        return work.last_seq(), list(web.dispatch.asked)


def state(web: WebHouse, id: CallbackId) -> str:
    with web.store.begin() as work:
        return work.callback(id).state


def test_the_state_is_the_heading_and_the_title(web: WebHouse, client: FlaskClient) -> None:
    ahead = web.promise("+12015550141")
    web.wait(1)
    mine = web.promise()
    assert heading(client, ahead) == "You are next"
    assert heading(client, mine) == "2nd in line"
    assert heading(client, mine, "?lang=zh") == "排在第 2 位"


def test_whoever_is_being_dialled_is_told(client: FlaskClient, web: WebHouse) -> None:
    with web.store.begin() as work:
        reserved = work.callbacks(number="+12015550199").items[0]
    assert heading(client, reserved) == "Calling you now"


def test_a_wish_for_later_is_a_time_in_the_callers_own_zone(web: WebHouse, client: FlaskClient) -> None:
    today = web.promise("+12015550141", requested_for=datetime(2026, 3, 2, 20, 30, tzinfo=UTC))
    tomorrow = web.promise(requested_for=datetime(2026, 3, 3, 20, 30, tzinfo=UTC))
    assert heading(client, today) == "Callback at 3:30\xa0PM"
    assert heading(client, tomorrow) == "Callback tomorrow at 3:30\xa0PM"


def test_the_wait_is_a_window_and_the_number_is_masked(web: WebHouse, client: FlaskClient) -> None:
    web.promise("+12015550141")
    web.promise("+12015550142")
    page = client.get(f"/c/{web.promise().token}").get_data(as_text=True)
    assert re.search(r"We expect to ring you (between 4:\d[05] and|by) 4:\d[05]\xa0AM\.", page)
    assert "+12015550123" not in page
    assert "0123" in page
    assert '<time id="updated">4:00:00\xa0AM</time>' in page


def test_slippage_is_said_plainly(web: WebHouse, client: FlaskClient) -> None:
    mine = web.promise()
    web.wait(3600)
    page = client.get(f"/c/{mine.token}").get_data(as_text=True).replace("\u2060", "")
    assert re.search(r"Later than we first said: we promised 4:\d[05]–4:\d[05]\xa0AM, and now expect \d:\d\d", page)
    assert "We are sorry. Your place is kept." in page


def test_whoever_missed_a_call_in_time_gets_no_apology_for_the_next(web: WebHouse, client: FlaskClient) -> None:
    mine = web.missed(web.promise())
    web.wait(3600)
    page = client.get(f"/c/{mine.token}").get_data(as_text=True)
    assert "Later than we first said" not in page


def test_the_page_speaks_the_language_of_the_call(web: WebHouse, client: FlaskClient) -> None:
    page = client.get(f"/c/{web.promise(language='zh').token}").get_data(as_text=True)
    assert '<html lang="zh-Hans">' in page
    assert "下一位就是您" in page


def test_a_link_that_leads_nowhere_gives_nothing_away(web: WebHouse, client: FlaskClient) -> None:
    mine = web.promise()
    unknown = client.get("/c/" + "A" * len(mine.token))
    cancel.cancel(web.house, mine.id, reason="test", cause="test")
    assert client.get(f"/c/{mine.token}").status_code == 200
    web.wait(timedelta(days=2).total_seconds())
    expired = client.get(f"/c/{mine.token}")
    assert (unknown.status_code, expired.status_code) == (404, 404)
    clean = [re.sub(r"\?lang=\w+|nonce-[^']+", "", answer.get_data(as_text=True)) for answer in (unknown, expired)]
    assert clean[0] == clean[1]


def test_nobody_else_learns_the_link(web: WebHouse, client: FlaskClient) -> None:
    headers = client.get(f"/c/{web.promise().token}").headers
    assert headers["Cache-Control"] == "no-store"
    assert headers["Referrer-Policy"] == "no-referrer"
    assert headers["X-Content-Type-Options"] == "nosniff"
    policy = headers["Content-Security-Policy"]
    assert "frame-ancestors 'none'" in policy
    assert "unsafe" not in policy
    assert "Set-Cookie" not in headers


def test_no_page_has_anything_inline(web: WebHouse, client: FlaskClient) -> None:
    for path in ("", "/cancel", "/later", "/number", "/ready", "/not-me"):
        page = client.get(f"/c/{web.promise().token}{path}").get_data(as_text=True)
        assert not re.search(r"<style|\sstyle=|\son\w+=|<script(?![^>]*\ssrc=)", page)


def test_a_refresh_without_news_costs_nothing(web: WebHouse, client: FlaskClient) -> None:
    mine = web.promise()
    first = client.get(f"/c/{mine.token}/now")
    again = client.get(f"/c/{mine.token}/now", headers={"If-None-Match": first.headers["ETag"]})
    assert (first.status_code, again.status_code) == (200, 304)
    assert again.get_data() == b""
    assert again.headers["Updated"] == "4:00:00 AM"


def test_a_refresh_with_news_brings_them(web: WebHouse, client: FlaskClient) -> None:
    ahead = web.promise("+12015550141")
    web.wait(1)
    mine = web.promise()
    first = client.get(f"/c/{mine.token}/now")
    cancel.cancel(web.house, ahead.id, reason="test", cause="test")
    again = client.get(f"/c/{mine.token}/now", headers={"If-None-Match": first.headers["ETag"]})
    assert again.status_code == 200
    assert "You are next" in again.get_data(as_text=True)


def test_looking_changes_nothing(web: WebHouse, client: FlaskClient) -> None:
    mine = web.promise()
    before = everything(web)
    for path in ("", "/now", "/cancel", "/later", "/number", "/code", "/ready", "/not-me", "/language"):
        client.get(f"/c/{mine.token}{path}")
        client.head(f"/c/{mine.token}{path}")
    assert state(web, mine.id) == "waiting"
    assert everything(web) == before


def test_cancelling_asks_first_and_needs_our_own_form(web: WebHouse, client: FlaskClient) -> None:
    mine, other = web.promise(), web.promise("+12015550141")
    asked = client.get(f"/c/{mine.token}/cancel").get_data(as_text=True)
    assert "Cancel your callback?" in asked
    proof = re.search(r'name="proof" value="([^"]+)"', asked)
    assert proof
    for wrong in ("", "made up"):
        assert client.post(f"/c/{mine.token}/cancel", data={"proof": wrong}).status_code == 303
    assert client.post(f"/c/{other.token}/cancel", data={"proof": proof[1]}).status_code == 303
    assert (state(web, mine.id), state(web, other.id)) == ("waiting", "waiting")
    done = client.post(f"/c/{mine.token}/cancel", data={"proof": proof[1]})
    assert (done.status_code, done.headers["Location"]) == (303, f"/c/{mine.token}")
    assert state(web, mine.id) == "cancelled"
    assert heading(client, mine) == "Your callback is cancelled"
    assert client.post(f"/c/{mine.token}/cancel", data={"proof": proof[1]}).status_code == 303


def test_the_first_load_is_small(web: WebHouse, client: FlaskClient) -> None:
    page = client.get(f"/c/{web.promise().token}")
    files = re.findall(r'(?:href|src)="(/static/[^"]+)"', page.get_data(as_text=True))
    assert len(files) == 4
    parts = [client.get(file, headers={"Accept-Encoding": "gzip"}) for file in files]
    assert all(part.status_code == 200 and "immutable" in part.headers["Cache-Control"] for part in parts)
    assert len(page.data) + sum(len(part.data) for part in parts) < FIRST_LOAD


def test_the_vendored_files_keep_their_licences(web: WebHouse, client: FlaskClient) -> None:
    assert "Zero-Clause BSD" in client.get("/static/vendor/htmx/LICENSE").get_data(as_text=True)
    assert "MIT License" in client.get("/static/vendor/pico/LICENSE.md").get_data(as_text=True)


@pytest.mark.parametrize("name", ["../app.py", "..%2Fapp.py", "nosuch.css", "vendor", "%2Fetc%2Fpasswd"])
def test_only_our_static_files_are_served(client: FlaskClient, name: str) -> None:
    assert client.get(f"/static/{name}", headers={"Accept-Encoding": "gzip"}, follow_redirects=True).status_code == 404
