"""What came to a queue, by quarter of an hour: what a forecast is made from, the same on both databases."""

from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pytest

from callback.adapters.store.sql_store import SqlStore
from callback.domain.callback import Leg, LegKind, Source
from callback.domain.ids import CallSid, QueueKey
from callback.domain.lifecycle import CallState
from callback.ports import Work
from tests.support.record import NOW, SUPPORT, an_attempt, promised

SINCE, UNTIL = NOW - timedelta(days=1), NOW + timedelta(days=1)
LATER = NOW + timedelta(minutes=15)


def rang(work: Work, sid: str, at: datetime, state: CallState = CallState.COMPLETED, **fields: Any) -> None:
    leg = Leg(CallSid(sid), LegKind.INBOUND, SUPPORT, state, "+14155550101", at, joined_at=at)
    work.put_leg(replace(leg, **fields))


def test_calls_are_counted_where_they_joined(store: SqlStore) -> None:
    with store.begin() as work:
        rang(work, "1", NOW, handled_s=100.0, waited_s=20.0)
        rang(work, "2", NOW + timedelta(minutes=14, seconds=59.9), handled_s=200.0, waited_s=30.0)
        rang(work, "3", LATER, CallState.ABANDONED, waited_s=90.0)
        rang(work, "4", LATER, CallState.ABANDONED, waited_s=9.0, queue=QueueKey("other"))
        rang(work, "5", LATER, handled_s=9.0, kind=LegKind.AGENT)
        rang(work, "6", UNTIL, handled_s=9.0)
    with store.begin() as work:
        first, second = work.traffic(SUPPORT, since=SINCE, until=UNTIL)
    assert (first.at, first.calls, first.handled, first.handled_s, first.waited_s) == (NOW, 2, 2, 300, 50)
    assert first.handled_squares == 100**2 + 200**2
    assert (second.at, second.calls, second.handled, second.abandoned, second.waited_s) == (LATER, 1, 0, 1, 90)


def test_whoever_asked_otherwise_is_a_caller_and_a_talk_counts_where_it_was_rung(store: SqlStore) -> None:
    with store.begin() as work:
        by_call = promised(work, "+14155550101", origin=CallSid("9"), source=Source.CALL, created_at=NOW)
        promised(work, "+14155550102", source=Source.API, created_at=NOW)
        rung = replace(an_attempt(by_call.id), created_at=LATER)
        work.add_attempt(
            replace(rung, bridged_at=LATER + timedelta(seconds=30), ended_at=LATER + timedelta(seconds=150))
        )
    with store.begin() as work:
        first, second = work.traffic(SUPPORT, since=SINCE, until=UNTIL)
    assert (first.at, first.calls, first.handled) == (NOW, 1, 0)
    assert (second.at, second.calls, second.handled) == (LATER, 0, 1)
    assert second.handled_s == pytest.approx(120, abs=0.01)
    assert second.handled_squares == pytest.approx(14400, abs=2)


def test_a_queue_without_a_past_has_no_traffic(store: SqlStore) -> None:
    with store.begin() as work:
        assert work.traffic(SUPPORT, since=SINCE, until=UNTIL) == []
