"""The short way of a webhook and the framework's: whoever asks cannot tell which of the two has answered."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import pytest

from callback.adapters.patience import Within
from callback.domain.errors import NotFound
from callback.emulator.signature import sign
from callback.flows import journey
from callback.flows.hook import Hook
from callback.ports import House
from callback.web import voice
from callback.web.application import Application
from callback.web.lane import FORM, Lane
from tests.support.clock import ManualClock
from tests.support.house import BASE, CARRIER_TOKEN, StagedHouse, stage

NONCE = re.compile(r"x=[\w-]{12}")


@pytest.fixture
def staged(request: pytest.FixtureRequest, redis_url: str, tmp_path: Path, clock: ManualClock) -> Iterator[StagedHouse]:
    with stage(request, redis_url, tmp_path, clock) as house:
        house.queue()
        yield house


def application(staged: StagedHouse) -> Application:
    assert isinstance(staged.app, Application)
    return staged.app


def ways(staged: StagedHouse, path: str, body: str, headers: dict[str, str]) -> list[tuple[Any, ...]]:
    """What the short way and the framework's answer to the same request."""
    app = application(staged)
    short, answers = app.lane, []
    for lane in (short, None):
        app.lane = lane
        found = staged.client.post(path, data=body, content_type=FORM, headers=headers, base_url=BASE)
        sniffed = found.headers.get("X-Content-Type-Options")
        length = found.headers.get("Content-Length")
        answers.append((found.status_code, found.content_type, sniffed, length, NONCE.sub("x=", found.text)))
    app.lane = short
    return answers


def signed(path: str, form: dict[str, str]) -> dict[str, str]:
    return {"X-Twilio-Signature": sign(CARRIER_TOKEN, BASE + path, form)}


@pytest.mark.parametrize("path", ["/voice/incoming", "/voice/incoming?queue=support&priority=vip", "/voice/nonsense"])
@pytest.mark.parametrize(
    "more",
    [
        {},
        {"CallerName": "王小明 & <Söhne>"},
        {"ForwardedFrom": "", "StirVerstat": "TN-Validation-Passed-A"},
        {"From": "anonymous"},
        {"Note": "a+b c%20d=e;f"},
        {"AccountSid": "AC" + "0" * 32},
    ],
)
def test_both_ways_give_the_same_answer(staged: StagedHouse, path: str, more: dict[str, str]) -> None:
    form = {**staged.arriving().form(), **more}
    short, long = ways(staged, path, urlencode(form), signed(path, form))
    assert short == long


@pytest.mark.parametrize("signature", [None, "", "nonsense", "ü"])
def test_both_ways_refuse_strangers_alike(staged: StagedHouse, signature: str | None) -> None:
    headers = {} if signature is None else {"X-Twilio-Signature": signature}
    short, long = ways(staged, "/voice/incoming", urlencode(staged.arriving().form()), headers)
    assert short == long
    assert short[0] == 403


@pytest.mark.parametrize("body", ["", "a", "a=1&a=2", "a=%ff%fe", "=", "&&", "a=1;b=2", "%zz=%zz"])
def test_both_ways_survive_odd_forms(staged: StagedHouse, body: str) -> None:
    short, long = ways(staged, "/voice/incoming", body, {"X-Twilio-Signature": "nonsense"})
    assert short == long


def test_of_a_field_that_comes_twice_both_ways_take_the_first(staged: StagedHouse) -> None:
    form = staged.arriving().form()
    path = "/voice/incoming?queue=support&queue=billing"
    short, long = ways(staged, path, urlencode(form), signed(path, form))
    assert short == long
    assert "Support" in short[-1] or "cb-support" in short[-1]


@pytest.mark.parametrize(
    ("fault", "status"), [(NotFound("no such attempt"), 404), (ConnectionError(), 503), (KeyError("q"), 500)]
)
def test_a_report_that_fails_has_the_same_status_both_ways(
    staged: StagedHouse, monkeypatch: pytest.MonkeyPatch, fault: Exception, status: int
) -> None:
    def fails(_house: House, _hook: Hook) -> None:
        raise fault

    monkeypatch.setitem(journey.REPORTS, "faulty", fails)
    form, path = staged.arriving().form(), "/voice/faulty"
    assert [found[0] for found in ways(staged, path, urlencode(form), signed(path, form))] == [status, status]


def test_a_report_may_take_longer_than_what_a_caller_listens_to(
    staged: StagedHouse, monkeypatch: pytest.MonkeyPatch
) -> None:
    given: list[float] = []

    def within(seconds: float) -> Within:
        given.append(seconds)
        return Within(seconds)

    monkeypatch.setattr(voice, "Within", within)
    form = staged.arriving().form()
    for path in ("/voice/incoming", "/voice/inbound/status"):
        ways(staged, path, urlencode(form), signed(path, form))
    assert given == [voice.BUDGET_S, voice.REPORT_S], "the staged short way has no budget"
    assert voice.BUDGET_S < 1 < voice.REPORT_S < 2


@pytest.mark.parametrize(
    ("changed", "taken"),
    [
        ({}, True),
        ({"CONTENT_TYPE": f"{FORM}; charset=utf-8"}, True),
        ({"CONTENT_TYPE": "application/json"}, False),
        ({"CONTENT_TYPE": ""}, False),
        ({"CONTENT_LENGTH": ""}, False),
        ({"CONTENT_LENGTH": "-1"}, False),
        ({"CONTENT_LENGTH": str(64 * 1024)}, True),
        ({"CONTENT_LENGTH": str(64 * 1024 + 1)}, False),
        ({"REQUEST_METHOD": "GET"}, False),
        ({"PATH_INFO": "/sms/incoming"}, False),
        ({"PATH_INFO": "/voice/\u00fc"}, False),
    ],
)
def test_only_the_usual_request_takes_the_short_way(changed: dict[str, str], taken: bool) -> None:
    usual = {"REQUEST_METHOD": "POST", "PATH_INFO": "/voice/incoming", "CONTENT_TYPE": FORM, "CONTENT_LENGTH": "9"}
    assert Lane.takes({**usual, **changed}) is taken


def test_a_body_that_is_too_large_is_refused_unread(staged: StagedHouse) -> None:
    found = staged.client.post("/voice/incoming", data="a" * (64 * 1024 + 1), content_type=FORM, base_url=BASE)
    assert found.status_code == 413
