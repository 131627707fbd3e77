"""What was done with a telephone lately, whichever callback it was for: asked before each dial."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import text

from callback.adapters.store.sql_store import SqlStore
from callback.domain.callback import Attempt, Outcome
from callback.domain.ids import CallbackId, CallSid, QueueKey
from callback.domain.lifecycle import Event
from callback.ports import Tried, Work
from tests.support.record import NOW, SUPPORT, an_attempt, promised

ADA, BOB = "+14155550101", "+14155550102"
EARLY = frozenset({Outcome.CANCELLED, Outcome.SUPERSEDED, Outcome.NO_KEY})
SINCE = NOW - timedelta(seconds=95)
LATELY, LONG_AGO = NOW - timedelta(seconds=5), NOW - timedelta(hours=5)


def tried(work: Work, number: str = ADA, *, over: bool = True, **fields: Any) -> tuple[CallbackId, Attempt]:
    """An attempt at somebody whose callback is `over` since the attempt ended, or else lately."""
    made = promised(work, number)
    attempt = work.add_attempt(replace(an_attempt(made.id), asked_at=LONG_AGO, **fields))
    if over:
        work.move(made, Event.CANCEL, reason="test", cause="test", at=fields.get("ended_at") or LATELY)
    return made.id, attempt


def test_an_attempt_that_was_given_up_lately_is_found_whatever_its_callback(store: SqlStore) -> None:
    with store.begin() as work:
        _, ended = tried(work, outcome=Outcome.CANCELLED, ended_at=LATELY)
        _, open_ = tried(work, over=False, outcome=Outcome.NO_KEY, ended_at=LATELY)
    with store.begin() as work:
        found = work.may_still_ring(ADA, EARLY, since=SINCE)
        assert {one.attempt.id for one in found} == {ended.id, open_.id}
        assert Tried(SUPPORT, ended) in found
        assert work.may_still_ring(BOB, EARLY, since=SINCE) == []


@pytest.mark.parametrize(
    "fields",
    [
        {"outcome": Outcome.CANCELLED, "ended_at": LONG_AGO},
        {"outcome": Outcome.BUSY, "ended_at": LATELY},
        {"outcome": Outcome.TALKED, "ended_at": LATELY},
    ],
    ids=["long ago", "surely over", "talked"],
)
def test_one_whose_call_is_surely_over_is_not(store: SqlStore, fields: dict[str, Any]) -> None:
    with store.begin() as work:
        tried(work, **fields)
        assert work.may_still_ring(ADA, EARLY, since=SINCE) == []


def test_an_attempt_that_was_never_closed_though_its_callback_was_is_found(store: SqlStore) -> None:
    with store.begin() as work:
        _, left = tried(work)
        assert [one.attempt.id for one in work.may_still_ring(ADA, EARLY, since=SINCE)] == [left.id]


def test_the_attempt_of_a_callback_in_flight_is_left_to_the_index_that_guards_it(store: SqlStore) -> None:
    with store.begin() as work:
        tried(work, over=False)
        assert work.may_still_ring(ADA, EARLY, since=SINCE) == []


def test_however_many_newer_callbacks_the_number_has(store: SqlStore) -> None:
    queues = [QueueKey(f"queue-{number}") for number in range(15)]
    with store.begin() as work:
        _, left = tried(work, outcome=Outcome.SUPERSEDED, ended_at=LATELY, call=CallSid("CA" + "1" * 32))
        for number, queue in enumerate(queues):
            work.put_queue(queue, "One more", None, NOW)
            promised(work, ADA, queue=queue, created_at=NOW + timedelta(seconds=number))
    with store.begin() as work:
        assert [one.attempt.id for one in work.may_still_ring(ADA, EARLY, since=SINCE)] == [left.id]
        assert work.calls_to(ADA, since=SINCE) == {"CA" + "1" * 32: left.id}


def test_calls_are_known_by_what_they_were_for_while_that_is_fresh(store: SqlStore) -> None:
    one, two, three = (CallSid("CA" + digit * 32) for digit in "123")
    with store.begin() as work:
        _, fresh = tried(work, call=one, outcome=Outcome.BUSY, ended_at=LATELY)
        _, now = tried(work, over=False, call=two)
        tried(work, BOB, call=three)
    with store.begin() as work:
        _, unnamed = tried(work, BOB, outcome=Outcome.REFUSED, ended_at=LATELY)
        assert unnamed.call is None
        assert work.calls_to(ADA, since=SINCE) == {one: fresh.id, two: now.id}
        assert work.calls_to(ADA, since=NOW) == {two: now.id}


def test_a_row_that_nobody_can_read_hides_no_call(store: SqlStore) -> None:
    with store.begin() as work:
        callback, left = tried(work, outcome=Outcome.CANCELLED, ended_at=LATELY)
    with store.engine.begin() as connection:
        connection.execute(text("UPDATE callbacks SET name = :torn WHERE id = :id"), {"torn": b"torn", "id": callback})
    with store.begin() as work:
        assert [one.attempt.id for one in work.may_still_ring(ADA, EARLY, since=SINCE)] == [left.id]
