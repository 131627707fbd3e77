"""A page that looks again: the shortest way says the same as the long one, and misses nothing new."""

from collections.abc import Iterator
from datetime import timedelta

import pytest
from flask.testing import FlaskClient
from sqlalchemy import event

from callback.domain.callback import Callback
from callback.domain.lifecycle import AgentStatus
from callback.flows import cancel
from callback.web.status import glances
from tests.support.clock import ManualClock
from tests.support.web_house import WebHouse


@pytest.fixture
def web(redis_url: str, sqlite_url: str, clock: ManualClock) -> Iterator[WebHouse]:
    """A house with somebody who works, busy elsewhere."""
    house = WebHouse(redis_url, sqlite_url, clock, "https://callback.test", production=True)
    house.queue()
    house.agent("bob", status=AgentStatus.AVAILABLE)
    house.promise("+12015550199")
    yield house
    house.close()


@pytest.fixture
def client(web: WebHouse) -> FlaskClient:
    """A browser without cookies."""
    return web.app.test_client()


@pytest.fixture
def statements(web: WebHouse) -> list[str]:
    """What the record was asked, from here on."""
    asked: list[str] = []
    event.listen(web.store.engine, "before_cursor_execute", lambda *args: asked.append(args[2]))
    return asked


def look(client: FlaskClient, callback: Callback, etag: str) -> int:
    return client.get(f"/c/{callback.token}/now", headers={"If-None-Match": etag}).status_code


def etag_of(client: FlaskClient, callback: Callback) -> str:
    return client.get(f"/c/{callback.token}/now").headers["ETag"]


def test_both_ways_say_the_same_and_the_short_one_asks_no_record(
    web: WebHouse, client: FlaskClient, statements: list[str]
) -> None:
    mine = web.promise()
    etag, headers = etag_of(client, mine), []
    for shown in (f'{etag.partition(".")[0]}"', etag):
        statements.clear()
        answer = client.get(f"/c/{mine.token}/now", headers={"If-None-Match": shown})
        assert (answer.status_code, answer.data, answer.headers["ETag"]) == (304, b"", etag)
        headers.append(dict(answer.headers) | {"asked": str(len(statements))})
    long, short = headers
    assert (long.pop("asked"), short.pop("asked")) == ("1", "0")
    assert {name: long[name] for name in short} == short
    assert set(long) - set(short) <= {"Content-Type", "Content-Length", "Content-Security-Policy", "Permissions-Policy",
                                      "X-Frame-Options", "Vary"}  # fmt: skip
    web.wait(61)
    again = client.get(f"/c/{mine.token}/now", headers={"If-None-Match": etag})
    assert again.headers["Updated"] == "4:01:01 AM"


def test_what_was_shown_holds_in_another_process_and_through_a_proxy_that_packs(
    web: WebHouse, redis_url: str, sqlite_url: str, clock: ManualClock, statements: list[str]
) -> None:
    mine = web.promise()
    etag = etag_of(web.app.test_client(), mine)
    other = WebHouse(redis_url, sqlite_url, clock, "https://callback.test", production=True)
    event.listen(other.store.engine, "before_cursor_execute", lambda *args: statements.append(args[2]))
    statements.clear()
    assert look(other.app.test_client(), mine, etag) == 304
    assert look(other.app.test_client(), mine, f"W/{etag}") == 304
    assert not statements
    other.close()


def test_a_note_of_another_link_or_one_that_was_changed_says_nothing(
    web: WebHouse, client: FlaskClient, statements: list[str]
) -> None:
    mine, theirs = web.promise(), web.promise("+12015550141")
    etag, others = etag_of(client, mine), etag_of(client, theirs)
    words, note, seal = etag.strip('"').split(".")
    altered = note[:-8] + ("A" if note[-8] != "A" else "B") + note[-7:]
    for shown, status in {
        f'"{words}.{altered}.{seal}"': 304,  # by its words alone, the long way
        f'"{words}.{note}.{seal[:-1]}"': 304,
        others: 200,
        f'"{"0" * 20}.{note}.{seal}"': 200,
    }.items():
        statements.clear()
        assert (look(client, mine, shown), len(statements)) == (status, 1), shown


def test_what_was_shown_a_while_ago_is_asked_of_the_record_again(
    web: WebHouse, client: FlaskClient, statements: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(glances, "GOOD_FOR", timedelta(seconds=1))
    mine = web.promise()
    web.wait(5)
    etag = etag_of(client, mine)
    for seconds, asked in ((1, 0), (1, 1)):
        web.wait(seconds)
        statements.clear()
        assert (look(client, mine, etag), len(statements)) == (304, asked)


def test_no_news_is_missed(web: WebHouse, client: FlaskClient) -> None:
    ahead = web.promise("+12015550141")
    web.wait(1)
    mine = web.promise()
    etag = etag_of(client, mine)
    assert look(client, mine, etag) == 304
    web.queue(name="Another name")
    assert look(client, mine, etag) == 200
    etag = etag_of(client, mine)
    cancel.cancel(web.house, ahead.id, reason="test", cause="test")
    assert look(client, mine, etag) == 200
    etag = etag_of(client, mine)
    assert look(client, mine, etag) == 304
    web.wait(24 * 3600)
    assert look(client, mine, etag) == 200
    etag = etag_of(client, mine)
    web.agent("ann", status=AgentStatus.AVAILABLE)
    assert look(client, mine, etag) == 200
    cancel.cancel(web.house, mine.id, reason="test", cause="test")
    etag = etag_of(client, mine)
    assert look(client, mine, etag) == 304


def test_another_language_is_another_page(web: WebHouse, client: FlaskClient) -> None:
    mine = web.promise()
    english = etag_of(client, mine)
    chinese = client.get(f"/c/{mine.token}/now?lang=zh").headers["ETag"]
    assert english != chinese
    assert look(client, mine, chinese) == 200
    assert client.get(f"/c/{mine.token}/now?lang=zh", headers={"If-None-Match": chinese}).status_code == 304
