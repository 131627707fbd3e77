"""The carrier repeats requests: the same document, and no second effect; and whatever fails, something is heard."""

import re
import time
from typing import Any
from urllib.parse import urlsplit

import pytest

from callback.domain.lifecycle import State
from callback.emulator import twiml
from callback.emulator.twiml import Mode
from callback.flows import journey
from tests.support.carrier_requests import REQUESTS, Ready
from tests.support.house import ADA, BASE, StagedHouse, on_both

DOCUMENTS = sorted(journey.DOCUMENTS)
REPORTS = sorted(journey.REPORTS)
NONCE = re.compile(r"([?;]x=)[\w-]+")


def everything(staged: StagedHouse) -> Any:
    """Whatever a webhook could change, but for the heartbeat of a leg."""
    key = staged.line.configuration()[1][0].key
    return (
        staged.callbacks(),
        [staged.attempts(callback) for callback in staged.callbacks()],
        staged.journal(),
        staged.line.agents(),
        staged.line.listing(key),  # type: ignore[arg-type]
        list(staged.dispatch.waiting),
        list(staged.carrier.created),
        list(staged.carrier.hung_up),
        [text.body for text in staged.carrier.texts],
    )


def without_nonces(document: str) -> str:
    return NONCE.sub(r"\1", document)


# --- twice ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("step", DOCUMENTS)
def test_a_repeated_document_is_the_same_and_has_no_second_effect(staged: StagedHouse, step: str) -> None:
    ready = REQUESTS[step](staged)
    first = staged.post(ready.url, ready.form)
    before = everything(staged)
    staged.wait(0.7)
    again = staged.post(ready.url, ready.form)
    if step in journey.REPEATABLE:
        first, again = without_nonces(first), without_nonces(again)
    assert again == first
    assert everything(staged) == before
    twiml.parse(first, ready.mode)


@on_both
@pytest.mark.parametrize("step", REPORTS)
def test_a_repeated_report_has_no_second_effect(staged: StagedHouse, step: str) -> None:
    ready = REQUESTS[step](staged)
    staged.post(ready.url, ready.form)
    before = everything(staged)
    staged.wait(0.7)
    for _ in range(2):
        staged.post(ready.url, ready.form)
    assert everything(staged) == before


@pytest.mark.parametrize("step", sorted(set(DOCUMENTS) - journey.REPEATABLE))
def test_even_where_the_first_answer_was_forgotten_a_repeat_does_no_harm(staged: StagedHouse, step: str) -> None:
    """Redis lost what was answered; the callback, the agent and the line are where they were."""
    ready = REQUESTS[step](staged)
    staged.post(ready.url, ready.form)
    callbacks, order = staged.callbacks(), staged.order()
    agents = [(view.key, view.status) for view in staged.line.agents()]
    for key in staged.redis.scan_iter("*"):
        if urlsplit(ready.url).query.rsplit("x=", 1)[-1] in str(key):
            staged.redis.delete(key)
    document = staged.post(ready.url, ready.form)
    twiml.parse(document, ready.mode)
    assert [(now.id, now.state, now.score) for now in staged.callbacks()] == [
        (before.id, before.state, before.score) for before in callbacks
    ]
    assert staged.order() == order
    assert [(view.key, view.status) for view in staged.line.agents()] == agents


def test_the_same_wrong_key_twice_is_two_answers(staged: StagedHouse) -> None:
    staged.queue()
    leg = staged.ring_in()
    assert leg.press("7").names == ["Gather"]
    assert leg.press("7").names[-1] == "Enqueue"


# --- something is always heard --------------------------------------------------------------------------------------


@pytest.mark.parametrize("away", [{"line"}, {"store"}, {"line", "store"}], ids=["line", "store", "both"])
@pytest.mark.parametrize("step", DOCUMENTS)
def test_whatever_is_away_the_caller_hears_a_valid_document_in_time(
    staged: StagedHouse, step: str, away: set[str]
) -> None:
    ready = REQUESTS[step](staged)
    staged.steps.away = frozenset(away)
    began = time.thread_time()
    document = staged.post(ready.url, ready.form)
    assert time.thread_time() - began < 2, "of work: nobody is waited for here"
    staged.steps.away = frozenset()
    verbs = twiml.parse(document, ready.mode)
    assert verbs or ready.mode is Mode.WHISPER or step in ("left", "dialled")
    if ready.form.get("From") == ADA and ready.mode is Mode.CALL and "technical problem" in document:
        assert verbs[-1].name in ("Enqueue", "Redirect", "Hangup")


@on_both
def test_who_arrives_while_the_record_is_away_waits_live_and_nothing_is_promised(staged: StagedHouse) -> None:
    staged.queue()
    staged.steps.away = frozenset({"store"})
    leg = staged.ring_in()
    leg.press("1")
    leg.press("1")
    assert "technical problem" in leg.document.says
    assert leg.queue is not None
    leg.hold()
    staged.steps.away = frozenset()
    assert staged.callbacks() == []
    assert staged.order() == [leg.sid]


def test_who_arrives_while_the_line_is_away_joins_it_when_it_is_back_with_their_own_time(staged: StagedHouse) -> None:
    staged.queue()
    staged.house.book.check(-1)
    staged.steps.away = frozenset({"line"})
    joined = staged.clock.now()
    leg = staged.ring_in()
    assert "Please hold" in leg.document.says
    leg.hold()
    assert leg.document.names == ["Play"], "music, and the wait document again"
    staged.wait(40)
    staged.steps.away = frozenset()
    later = staged.holding("+12015550124")
    leg.hold()
    assert staged.order() == [leg.sid, later.sid]
    assert staged.standing(leg.sid).joined_at == joined


def test_a_called_back_caller_whose_key_meets_an_outage_is_rung_again(staged: StagedHouse) -> None:
    ready = REQUESTS["callback/key"](staged)
    staged.steps.away = frozenset({"store", "line"})
    document = staged.post(ready.url, ready.form)
    assert twiml.parse(document)[-1].name == "Redirect", "asked once more in a moment, but they do not wait for it"
    staged.steps.away = frozenset()
    (leg,) = staged.legs.values()
    leg.end()  # what it reports meets the outage as well
    staged.wait(0.5)
    staged.pass_time(60)
    callback = staged.by_number()
    assert callback.state is State.WAITING
    assert callback.next_attempt_at is not None


# --- the carrier could not use a document of ours -------------------------------------------------------------------


def failed(staged: StagedHouse, ready: Ready) -> twiml.Verb:
    """What the fallback says after `ready` failed: the last verb."""
    url = staged.house.urls.step("fallback")
    document = staged.post(url, {**ready.form, "ErrorUrl": ready.url, "ErrorCode": "11200"})
    return twiml.parse(document)[-1]


@pytest.mark.parametrize("step", DOCUMENTS)
def test_after_any_document_that_failed_the_fallback_is_valid(staged: StagedHouse, step: str) -> None:
    assert failed(staged, REQUESTS[step](staged)).name in ("Enqueue", "Redirect", "Hangup")


def test_a_call_whose_first_document_failed_goes_through_the_door_once_more_and_no_oftener(staged: StagedHouse) -> None:
    staged.queue()
    leg = staged.arriving()
    first = Ready(f"{BASE}/voice/incoming?queue=support&priority=vip", leg.form())
    again = failed(staged, first)
    assert again.name == "Redirect"
    assert "queue=support" in again.text
    assert "priority=vip" in again.text
    assert failed(staged, Ready(again.text, leg.form())).name != "Redirect"


def test_a_call_on_hold_whose_document_failed_keeps_its_place(staged: StagedHouse) -> None:
    staged.queue()
    leg = staged.holding()
    joined = staged.standing(leg.sid).joined_at
    staged.wait(30)
    assert leg.queue is not None
    leg.ask(staged.house.urls.step("fallback"), ErrorUrl=leg.queue.get("action"))
    leg.hold()
    assert staged.standing(leg.sid).joined_at == joined
