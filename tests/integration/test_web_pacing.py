"""Dialling ahead on the queue's page: what is decided now and why, what was learnt, and who waited too long."""

from typing import Any

import pytest

from callback.domain.ids import CallSid, QueueKey, Token
from callback.domain.lessons import Lesson
from callback.domain.lifecycle import AgentStatus
from callback.domain.pacing import Calibration
from callback.ports import StoredLesson
from tests.support.web_house import WebHouse, signed_in

SUPPORT = QueueKey("support")


@pytest.fixture
def web(bare_web: WebHouse) -> WebHouse:
    bare_web.queue(dial_mode="dial_ahead")
    bare_web.agent(status=AgentStatus.AVAILABLE)
    return bare_web


def page(web: WebHouse, path: str = "/admin/queues/support/pacing") -> str:
    return " ".join(signed_in(web, role="viewer").get(path).get_data(as_text=True).split())


def in_talk(web: WebHouse) -> None:
    """The agent has just begun to talk, and a promise is due."""
    now, token = web.clock.now(), Token("t1")
    web.line.arrive(
        SUPPORT, CallSid("CA1"), credit_s=0, number_hash="", language="en", lease_s=10, token=token, now=now
    )
    web.line.bridge(token, now=now)
    web.promise()


def test_the_page_says_why_nobody_more_is_rung(web: WebHouse) -> None:
    in_talk(web)
    told = page(web)
    assert "Nobody more is rung now: the chance that they would wait too long for an agent is" in told
    assert "Agents talking or wrapping up" in told
    assert "first guess" in told


def test_the_misses_stand_beside_what_the_policy_allows(web: WebHouse) -> None:
    lesson = Lesson(calibration=Calibration(0.03), rung=500, reached=400, served=400, missed=10)
    for _ in range(60):
        lesson = lesson.saw("talk", 100).saw("ring", 7)
    with web.store.begin() as work:
        work.put_lesson(StoredLesson(SUPPORT, 7, web.clock.now(), lesson))
    told = page(web)
    assert "2.5% of 400 who were rung ahead waited longer than 2 s after their key. The thresholds allow 3.0%." in told
    assert "Version 7" in told
    assert "first guess and 60 seen" in told


@pytest.mark.parametrize(
    ("policy", "told"),
    [
        ({"dial_mode": "customer_first"}, "Off: an agent is kept before a phone rings."),
        ({"dialing": False}, "Dialling is switched off."),
        ({}, "Nobody is waiting to be rung."),
    ],
)
def test_where_nothing_is_decided_the_page_says_so(web: WebHouse, policy: dict[str, Any], told: str) -> None:
    web.queue(**{"dial_mode": "dial_ahead", **policy})
    assert told in page(web)
    assert told in page(web, "/admin/queues/support")
