"""What was said, joined to what happened, and the figures that follow."""

import math
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from callback.domain.ids import QueueKey
from callback.domain.judged import Errors, Share, Tally, change, made
from callback.domain.lifecycle import AgentStatus
from callback.domain.said import Fate, Happened, Moment, Prediction, Saying, Taken, parted, prediction, settle
from callback.domain.wait import UNKNOWN, Measured, Wait

NOW = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
SIMPLE = Wait(mean=200.0, sd=100.0, basis="qlm")
LEARNT = Wait(mean=120.0, sd=60.0, basis="learnt", model="7", simple=SIMPLE)


def saying(**changed: Any) -> Saying:
    given: dict[str, Any] = {
        "at": NOW, "queue": QueueKey("support"), "subject": "CA1", "moment": Moment.ARRIVAL, "told": True,
        "position": 4, "joined_at": NOW - timedelta(seconds=5), "agents": {AgentStatus.BUSY: 2, AgentStatus.AWAY: 0},
        "measured": Measured(handled=10, handled_s=2000, abandoned=2, waited_s=600), "live": 3, "outstanding": 1,
        "offering_before": False, "wait": LEARNT, "offering": True, "reason": "wait", "sentence": "offering: …",
        "policy_version": 3,
    }  # fmt: skip
    return Saying(**given | changed)


def said(**changed: Any) -> Prediction:
    return prediction(saying(**changed))


def after(seconds: float, word: str) -> Happened:
    return Happened("CA1", word, NOW + timedelta(seconds=seconds))


def test_a_prediction_keeps_what_was_announced_the_simple_rule_and_its_inputs() -> None:
    row = prediction(saying(), closes_in_s=3600.4)
    assert (row.mean, row.model, row.simple_mean) == (120.0, "7", 200.0)
    assert row.p10 is not None
    assert row.p90 is not None
    assert row.simple_p90 is not None
    assert row.p10 < 120 < row.p90 < row.simple_p90
    assert (row.low_min, row.high_min) == (1, 4)
    assert row.inputs == {
        "ahead": 3, "agents": {"busy": 2}, "live": 3, "outstanding": 1, "handle_s": 200.0, "handled": 10,
        "patience_s": 300.0, "abandoned": 2, "offering_before": False, "closes_in_s": 3600, "policy_version": 3,
    }  # fmt: skip


def test_where_nothing_learnt_speaks_the_simple_rule_stands_for_both() -> None:
    row = said(wait=SIMPLE)
    assert (row.model, row.mean, row.simple_mean, row.p80) == ("", 200.0, 200.0, row.simple_p80)


def test_a_wait_that_nobody_knows_has_no_figures_and_is_never_judged() -> None:
    row = said(wait=UNKNOWN)
    assert (row.mean, row.p90, row.low_min) == (None, None, None)
    assert made(row) == Tally(told=1, unknown=1)
    assert change(row, settle(row, [after(60, "bridged")])) == Tally(connected=1)


@pytest.mark.parametrize(
    ("words", "fate", "waited_s", "actual_s"),
    [
        (["reserved", "bridged", "completed"], Fate.CONNECTED, 20, 20),
        (["abandoned"], Fate.LEFT, 10, None),
        (["callback"], Fate.PROMISED, 10, None),
        (["reserved", "waiting"], None, None, None),
        (["completed"], Fate.ENDED, 10, None),
    ],
)
def test_what_became_of_a_call(words: list[str], fate: Fate | None, waited_s: float | None, actual_s: float) -> None:
    done = settle(said(), [after(10 * at, word) for at, word in enumerate(words, start=1)])
    assert (done.fate, done.waited_s, done.actual_s) == (fate, waited_s, actual_s)
    assert done.since_joined_s == (None if waited_s is None else waited_s + 5)


def test_the_first_talk_after_it_was_said_counts_and_none_before() -> None:
    row = said(moment=Moment.HOLD)
    done = settle(row, [after(-30, "bridged"), after(40, "bridged"), after(90, "bridged")])
    assert done.waited_s == 40
    assert settle(done, [after(100, "abandoned")]) == done


def test_an_end_that_another_clock_dates_a_hair_before_it_was_said_is_an_end() -> None:
    done = settle(said(), [after(-0.01, "abandoned")])
    assert (done.fate, done.waited_s) == (Fate.LEFT, 0)


def test_a_promise_is_judged_by_its_first_ring_whoever_picks_up() -> None:
    window = (NOW + timedelta(minutes=2), NOW + timedelta(minutes=5))
    row = said(moment=Moment.PROMISE, promised=window)
    rang = settle(row, [after(200, "dialing"), after(230, "waiting")])
    assert (rang.actual_s, rang.fate, rang.kept) == (200, None, timedelta(0))
    assert change(row, rang).kept == 1
    talked = settle(rang, [after(600, "dialing"), after(610, "answered"), after(620, "bridged")])
    assert (talked.actual_s, talked.waited_s, talked.rang_at) == (200, 620, NOW + timedelta(seconds=200))
    assert change(rang, talked) == Tally(connected=1)


@pytest.mark.parametrize(
    ("at", "found"),
    [(60, Tally(early=1, early_s=60)), (120, Tally(kept=1)), (300, Tally(kept=1)), (390, Tally(late=1, late_s=90))],
)
def test_a_promise_is_early_kept_or_late_by_so_much(at: float, found: Tally) -> None:
    row = said(moment=Moment.PROMISE, promised=(NOW + timedelta(minutes=2), NOW + timedelta(minutes=5)), wait=UNKNOWN)
    assert change(row, settle(row, [after(at, "dialing")])) == found


def test_a_promise_whose_caller_rang_in_is_kept_by_the_talk_and_a_cancelled_one_was_never_rung() -> None:
    row = said(moment=Moment.PROMISE, promised=(NOW, NOW + timedelta(minutes=5)))
    assert change(row, settle(row, [after(100, "bridged")])).kept == 1
    gone = change(row, settle(row, [after(100, "cancelled")]))
    assert (gone.kept, gone.unrung, gone.ended) == (0, 1, 1)


def test_a_promise_that_the_caller_moves_is_neither_kept_nor_broken_and_its_own_row_moves_nothing() -> None:
    row = said(moment=Moment.PROMISE, promised=(NOW, NOW + timedelta(minutes=30)), wait=UNKNOWN)
    assert settle(row, [after(0, "scheduled")]) == row
    moved = settle(row, [after(0, "scheduled"), after(60, "scheduled"), after(7200, "dialing")])
    assert (moved.fate, moved.kept, moved.actual_s) == (Fate.MOVED, None, None)
    assert change(row, moved) == Tally(ended=1)


def test_each_prediction_is_judged_once() -> None:
    row = said()
    done = settle(row, [after(150, "bridged")])
    found = change(row, done)
    assert found.ours == Errors(1, 900.0, abs(row.p50 - 150), -30.0, 0, 0, 0, row.p90 - row.p10)  # type: ignore[operator]
    assert found.simple.square == 2500
    assert change(done, settle(done, [after(300, "completed")])) == Tally()


PLACE = 1000


@pytest.mark.parametrize(
    ("word", "score", "at", "idle_since", "offered_s"),
    [
        ("abandoned", PLACE + 1, 150, 150, 150),  # whoever stood behind them had an agent
        ("abandoned", PLACE - 1, 150, 150, None),  # whoever stood before them did: it tells nothing
        ("callback", PLACE, 150, 150, 150),  # their own promise had its turn
        ("abandoned", PLACE + 1, 150, 80, 80),  # the agent had sat idle since
        ("abandoned", PLACE + 1, 150, 20, 60),  # also before they left
        ("abandoned", PLACE + 1, 59, 59, None),  # before they left
        ("abandoned", PLACE + 1, 60 + 1801, 60 + 1801, None),  # the line had stopped
        ("bridged", PLACE + 1, 150, 150, None),  # they had an agent
        ("completed", PLACE + 1, 150, 150, None),
    ],
)
def test_the_agent_of_whoever_stood_behind_would_have_been_theirs(
    word: str, score: int, at: float, idle_since: float, offered_s: float | None
) -> None:
    gone = settle(said(), [after(60, word)])
    moments = [NOW + timedelta(seconds=seconds) for seconds in (at, idle_since)]
    known = parted(gone, PLACE, Taken(QueueKey("support"), score, *moments))
    assert known == replace(gone, offered_s=offered_s)
    assert change(gone, known).parted == (offered_s is not None)


def test_whoever_left_is_judged_once_and_by_the_first_agent() -> None:
    gone = settle(said(), [after(60, "abandoned")])
    first, second = (
        Taken(QueueKey("support"), PLACE + 1, NOW + timedelta(seconds=at), NOW + timedelta(seconds=at))
        for at in (150, 300)
    )
    known = parted(gone, PLACE, first)
    assert parted(known, PLACE, second) == known
    assert change(gone, known).ours == change(said(), settle(said(), [after(150, "bridged")])).ours
    nothing = settle(said(wait=UNKNOWN), [after(60, "abandoned")])
    assert change(nothing, parted(nothing, PLACE, first)) == Tally()


def test_the_figures_of_a_few_waits() -> None:
    row = replace(said(), mean=100.0, p10=50.0, p50=90.0, p80=150.0, p90=200.0)
    waits = (40, 100, 160, 300)
    tally = sum((change(row, settle(row, [after(s, "bridged")])) for s in waits), Tally()).ours
    assert tally.rase == pytest.approx(math.sqrt((60**2 + 0 + 60**2 + 200**2) / 4))
    assert tally.mae == pytest.approx((50 + 10 + 70 + 210) / 4)
    assert tally.bias == pytest.approx(-50)
    assert tally.coverage == Share(2, 4)
    assert (tally.longer80, tally.longer90) == (Share(2, 4), Share(1, 4))
    assert tally.mean_width == 150


def test_of_nothing_there_are_no_figures() -> None:
    assert (Errors().rase, Errors().mae, Errors().bias, Errors().coverage.value) == (None, None, None, None)
    assert Errors().coverage.interval is None
    assert Share(0, 0).fits(0.8)


def test_wilsons_interval_shows_how_little_few_waits_prove() -> None:
    low, high = Share(8, 10).interval or (0, 0)
    assert (low, high) == (pytest.approx(0.4902, abs=1e-4), pytest.approx(0.9433, abs=1e-4))
    assert not Share(8, 10).enough
    assert Share(8, 10).fits(0.6)
    assert not Share(800, 1000).fits(0.85)
    assert Share(0, 10).interval == (0.0, pytest.approx(0.2775, abs=1e-4))
