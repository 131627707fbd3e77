"""Pages that stay open are told what changed: a real stream of a real server, on a real line."""

import http.client
import json
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from callback.domain.ids import AgentKey
from callback.ports import User
from callback.web import live
from callback.web.hub import Hub
from tests.support.clock import ManualClock
from tests.support.ports import free_port
from tests.support.waiting import eventually
from tests.support.web_house import WebHouse, signed_in


@pytest.fixture
def web(redis_url: str, sqlite_url: str, clock: ManualClock) -> Iterator[WebHouse]:
    """A house with a queue and an agent, served."""
    port = free_port()
    house = WebHouse(redis_url, sqlite_url, clock, f"http://127.0.0.1:{port}")
    house.queue()
    house.agent()
    with house.serving(port):
        yield house
        hub(house).closing = True
        eventually(lambda: hub(house).listening == 0)
    house.close()


def hub(web: WebHouse) -> Hub:
    found: Hub = web.app.extensions[live.HUB]
    return found


class Stream:
    """One stream, read event by event."""

    def __init__(self, answer: http.client.HTTPResponse) -> None:
        self.answer = answer
        self.last = ""

    def next(self, *names: str) -> dict[str, Any]:
        """The data of the next event of one of these names."""
        while True:
            name = data = ""
            while line := self.answer.readline().decode().rstrip("\n"):
                field, _, value = line.partition(": ")
                name, data = (value if field == "event" else name), (value if field == "data" else data)
                self.last = value if field == "id" else self.last
            if name in names:
                found: dict[str, Any] = json.loads(data)
                return found
            assert not self.over(), "the stream ended"

    def over(self) -> bool:
        """Whether the server ended it."""
        return self.answer.closed or (not self.answer.chunked and self.answer.isclosed())

    def ended(self) -> bool:
        """Reads to the end, if there is one."""
        return self.answer.read() is not None


@contextmanager
def opened(web: WebHouse, cookie: str, path: str = "/wall/live", **headers: str) -> Iterator[Stream]:
    line = http.client.HTTPConnection("127.0.0.1", int(web.options.public_base_url.rsplit(":", 1)[1]), timeout=30)
    sent = {"Cookie": cookie, "Accept": "text/event-stream", **{k.replace("_", "-"): v for k, v in headers.items()}}
    line.request("GET", path, headers=sent)
    answer = line.getresponse()
    try:
        yield Stream(answer)
    finally:
        answer.close()  # which holds the socket, too
        line.close()


def cookie_of(web: WebHouse, role: str = "viewer") -> str:
    client = signed_in(web, role)
    kept = client.get_cookie("callback", domain="localhost")
    return f"callback={kept.value}"


def test_a_wallboard_is_told_what_changed_in_its_language(web: WebHouse) -> None:
    with opened(web, cookie_of(web), Accept_Language="zh-CN") as stream:
        assert stream.answer.headers["Content-Type"] == "text/event-stream; charset=utf-8"
        assert stream.answer.headers["Cache-Control"] == "no-store"
        assert stream.answer.headers["X-Accel-Buffering"] == "no"
        assert stream.next("hello")["version"]
        assert ">0<" in stream.next("part")["html"]
        web.promise()
        told = stream.next("part")["html"]
        assert ">1<" in told
        assert "回电" in told


def test_a_page_that_comes_back_is_not_told_again_what_it_shows(web: WebHouse) -> None:
    with opened(web, cookie := cookie_of(web)) as first, opened(web, cookie) as other:
        first.next("part")
        other.next("part")
        with opened(web, cookie, Last_Event_ID=first.last) as again:
            assert "html" not in again.next("part", "fresh")
        with opened(web, cookie, Last_Event_ID="another-7") as elsewhere:
            assert "html" in elsewhere.next("part", "fresh")


def test_nobody_listens_who_may_not_see_the_page(web: WebHouse) -> None:
    with opened(web, "") as stranger:
        assert stranger.answer.status == 303
    with opened(web, cookie_of(web, "agent")) as agent:
        assert agent.answer.status == 403


def test_when_all_places_are_taken_a_page_is_told_to_ask_by_itself(web: WebHouse) -> None:
    hub(web)._most = 1
    with opened(web, cookie := cookie_of(web)) as first:
        first.next("hello")
        with opened(web, cookie) as second:
            assert (second.answer.status, second.answer.headers["Retry-After"]) == (503, str(live.AGAIN_S))
    web.promise()  # something to send, so that the server notices
    eventually(lambda: hub(web).listening == 0)
    with opened(web, cookie) as third:
        third.next("hello")


def test_a_stream_ends_when_the_process_does_and_when_its_account_is_closed(web: WebHouse) -> None:
    web.app.extensions["callback.still_in"]._every_s = 0.1
    with opened(web, cookie := cookie_of(web)) as stream:
        stream.next("part")
        with web.store.begin() as work:
            work.put_user(User("viewer@example.com", "viewer", "none", AgentKey("ann"), disabled=True))
        assert stream.ended()
    with opened(web, cookie) as out:
        assert out.answer.status == 303
    with opened(web, cookie_of(web, "supervisor")) as stream:
        stream.next("part")
        hub(web).closing = True
        assert stream.ended()


def test_a_stream_ends_with_its_session(web: WebHouse) -> None:
    cookie = cookie_of(web)
    web.wait(web.options.session_s - 1)
    with web.app.test_request_context("/wall/live"):
        from flask import session

        session["began"] = web.clock.now().timestamp() - web.options.session_s + 1
        assert live._ends_at() - live.monotonic() <= 1.01
    with opened(web, cookie) as late:
        assert late.answer.status == 303, "nobody was there for half an hour"
