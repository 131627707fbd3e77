"""The wallboard: its numbers, what they are judged by, and the pass of a screen that stays signed in for weeks."""

from datetime import timedelta
from typing import Any

import pytest
from flask.testing import FlaskClient

from callback.domain.ids import token_hash
from callback.domain.lifecycle import AgentStatus
from callback.domain.said import Moment
from callback.ports import ApiToken
from callback.web import wall_pass
from tests.support.predictions import fill
from tests.support.web_house import WebHouse, signed_in


@pytest.fixture
def web(bare_web: WebHouse) -> WebHouse:
    """A house with two queues and an agent."""
    bare_web.queue(offer_at_waiting=2)
    bare_web.queue("sales", "Sales", ("+12015550102",))
    bare_web.agent()
    return bare_web


def put_token(web: WebHouse, role: str, token: str, name: str = "lobby") -> str:
    with web.store.begin() as work:
        work.put_token(ApiToken(name, role, token_hash(token)))
    web.app.extensions.pop("callback.passes", None)  # as if it had been looked up long ago
    return token


def text(answer: Any) -> str:
    found: str = answer.get_data(as_text=True)
    return found


# --- the numbers ------------------------------------------------------------------------------------------------


def test_each_number_stands_beside_what_it_is_judged_by(web: WebHouse) -> None:
    web.agent(status=AgentStatus.AVAILABLE)
    for _ in range(3):
        web.caller()
    fill(web.store, web.clock, 10, actual_s=300, moment=Moment.PROMISE, promised_from=web.clock.now(),
         promised_to=web.clock.now() + timedelta(minutes=9))  # fmt: skip
    web.wait(65)
    page = text(signed_in(web, "viewer").get("/wall?queue=support"))
    assert page.count('<div class="tile') == 6
    for told in ("Longest waiting", "1:04", "offer at 2 in line", "of 1 staffed", "Promises kept today", "target 80%"):
        assert told in page
    assert "Sales" not in page
    assert '<div class="tile over"><dt>On the line</dt><dd class="number">2</dd>' in page


def test_all_queues_are_shown_where_none_or_an_unknown_one_is_chosen(web: WebHouse) -> None:
    client = signed_in(web, "viewer")
    for path in ("/wall", "/wall?queue=none", "/wall?view=all"):
        page = text(client.get(path))
        assert 'id="board-support"' in page
        assert 'id="board-sales"' in page
    assert 'data-turn="0"' in page


def test_the_curves_come_with_the_part_for_a_page_that_cannot_listen(web: WebHouse) -> None:
    now = text(signed_in(web, "viewer").get("/wall/now?queue=support"))
    assert '"moved-support"' in now
    assert '"moved-sales"' not in now


# --- the pass ---------------------------------------------------------------------------------------------------


def screen(web: WebHouse, token: str) -> FlaskClient:
    """A browser that was shown the link once."""
    client = web.app.test_client()
    sent = client.get(f"/wall?token={token}&queue=support")
    assert (sent.status_code, sent.headers["Location"]) == (303, "/wall?queue=support")
    kept = sent.headers["Set-Cookie"]
    assert "HttpOnly" in kept
    assert "Path=/wall" in kept
    assert "SameSite=Strict" in kept
    assert token not in kept
    return client


def test_a_screen_with_a_viewers_token_watches_and_does_nothing_else(web: WebHouse) -> None:
    client = screen(web, put_token(web, "viewer", "cbk_for-the-lobby"))
    page = client.get("/wall")
    assert page.status_code == 200
    assert 'class="bar"' not in text(page), "there is nobody to sign out"
    assert client.get("/wall/now").status_code == 200
    for path in ("/admin", "/admin/agents", "/agent"):
        assert client.get(path).status_code == 303
    assert client.get("/api/v1/queues").status_code == 401


def test_it_is_not_signed_out_for_weeks_and_is_renewed_by_being_used(
    web: WebHouse, monkeypatch: pytest.MonkeyPatch
) -> None:
    client = screen(web, put_token(web, "viewer", "cbk_for-the-lobby"))
    web.wait(wall_pass.LIFE_S - 60)
    page = client.get("/wall")
    assert page.status_code == 200
    assert "callback-wall" in page.headers.get("Set-Cookie", ""), "renewed"
    assert "Set-Cookie" not in screen(web, "cbk_for-the-lobby").get("/wall").headers
    web.wait(wall_pass.LIFE_S + 60)
    assert client.get("/wall").status_code == 303, "nobody looked for a month"


@pytest.mark.parametrize("role", ["admin", "supervisor", "agent"])
def test_nobody_hangs_more_than_a_viewers_token_on_a_wall(web: WebHouse, role: str) -> None:
    put_token(web, role, "cbk_too-much")
    refused = web.app.test_client().get("/wall?token=cbk_too-much")
    assert (refused.status_code, "Set-Cookie" in refused.headers) == (403, False)


def test_an_unknown_token_and_a_forged_pass_open_nothing(web: WebHouse) -> None:
    assert web.app.test_client().get("/wall?token=cbk_guessed").status_code == 403
    forged = web.app.test_client()
    forged.set_cookie("callback-wall", token_hash("cbk_for-the-lobby"), path="/wall")
    assert forged.get("/wall").status_code == 303


def test_a_new_token_of_the_same_name_ends_the_pass_of_the_old_one(web: WebHouse) -> None:
    client = screen(web, put_token(web, "viewer", "cbk_for-the-lobby"))
    put_token(web, "viewer", "cbk_another")
    assert client.get("/wall").status_code == 303
    assert client.get("/wall/live", headers={"Accept": "text/event-stream"}).status_code == 303
