"""A promise and its caller when a part of us is away, when somebody abuses the offer, and when a change comes late."""

from typing import Any

import pytest

from callback.adapters.store.errors import StoreUnavailable
from callback.domain.callback import Outcome
from callback.domain.errors import NumberRefused
from callback.domain.lifecycle import AgentStatus, State
from callback.flows import cancel, rejoin, sweep, trouble
from callback.ports import CarrierBusy, CarrierCall, OutcomeUnknown
from tests.support.clock import ManualClock
from tests.support.house import ADA, BASE, OWN, StagedHouse

BOB = "+12015550124"
OTHER = "+12015550177"


# --- a part of us is away -------------------------------------------------------------------------------------------


class ForAMoment(frozenset[str]):
    """Ports that are away, and there again when they have been asked for twice."""

    asked = 0

    def __contains__(self, port: object) -> bool:
        self.asked += super().__contains__(port)
        return super().__contains__(port) and self.asked <= 2


def test_who_has_a_promise_hears_it_even_if_the_line_failed_after_the_commit(staged: StagedHouse) -> None:
    staged.queue()
    staged.agent(free=False)
    leg = staged.ring_in()
    leg.press("1")

    def beside(step: str) -> None:
        if step == "line.enter":
            raise ConnectionError("the line is away")

    staged.steps.between = beside
    heard = leg.press("1").says
    staged.steps.between = None
    assert "call you back" in heard
    assert not leg.up
    assert [promise.number for promise in staged.callbacks()] == [ADA]


def test_who_is_rung_while_the_record_is_away_is_asked_again_instead_of_sent_away(staged: StagedHouse) -> None:
    leg = staged.called()
    staged.steps.fail_commit = StoreUnavailable("away")
    leg.status_url = ""
    document = leg.answer()
    assert leg.up
    assert "problem" in leg.heard[0]
    assert document.verb("Gather") is not None, "asked a few seconds later, when the record is there again"
    assert staged.state(staged.by_number()) is State.ANSWERED


@pytest.mark.parametrize(("key", "then"), [("1", State.ANSWERED), ("3", State.CANCELLED)])
def test_who_presses_a_key_while_the_record_is_away_need_not_press_it_again(
    staged: StagedHouse, key: str, then: State
) -> None:
    leg = staged.called()
    document = leg.answer()
    assert document.verb("Gather") is not None
    staged.steps.away = ForAMoment({"store"})
    document = leg.press(key)
    assert any("problem" in said for said in leg.heard)
    assert document.verb("Gather") is None, "they have said what they want"
    assert staged.state(staged.by_number()) is then


def test_somebody_is_not_kept_for_ever_by_a_record_that_stays_away(staged: StagedHouse) -> None:
    leg = staged.called()
    leg.status_url = ""
    staged.steps.away = frozenset({"store"})
    leg.answer()
    staged.steps.away = frozenset()
    assert not leg.up
    assert len(leg.heard) == trouble.AGAIN + 1
    assert "Goodbye" in leg.heard[-1]


def test_an_event_that_nobody_can_read_stops_neither_the_record_nor_the_sweep(staged: StagedHouse) -> None:
    staged.queue()
    staged.agent()
    staged.redis.xadd("{cb}:events", {"kind": "call", "subject": "CA1", "to": "levitating", "at": "1", "queue": "x"})
    staged.redis.xadd("{cb}:events", {"nonsense": "1"})
    callback = staged.promise()
    staged.sweep()
    staged.away()
    assert [entry.after for entry in staged.journal(kind="agent")][-1] == "reserved"
    assert staged.state(callback) is State.DIALING
    assert len([entry for entry in staged.journal(kind="queue") if entry.after == "quarantined"]) == 2


def test_a_carrier_that_cannot_be_reached_is_asked_less_and_less_often(staged: StagedHouse) -> None:
    staged.queue()
    callback = staged.promise()
    staged.agent()
    for _ in range(200):
        staged.carrier.fail_next(CarrierBusy("no connection"))
    staged.work()
    staged.pass_time(120)
    made = len(staged.attempts(callback))
    assert 5 <= made <= 12
    assert staged.now(callback).attempts_left == 3


class Hanging:
    """A carrier that takes its five seconds to say nothing."""

    def __init__(self, clock: ManualClock) -> None:
        self.clock, self.asked = clock, 0

    def __getattr__(self, _verb: str) -> Any:
        def hang(*_: object, **__: object) -> CarrierCall:
            self.asked += 1
            self.clock.advance(5)
            raise OutcomeUnknown("no answer")

        return hang


def test_a_carrier_that_hangs_costs_a_sweep_one_wait(staged: StagedHouse) -> None:
    staged.queue()
    for number in range(5):
        staged.holding(f"+1201555020{number}")
    for number in range(5):
        staged.agent(f"agent{number}")
    staged.dispatch.lose_all()
    staged.wait(100)
    hanging = Hanging(staged.clock)
    object.__setattr__(staged.house, "carrier", hanging)
    before = staged.clock.now()
    sweep_once(staged)
    assert hanging.asked == 1
    assert (staged.clock.now() - before).total_seconds() == 5


def sweep_once(staged: StagedHouse) -> None:
    """A round of the sweep without the work that follows."""
    sweep.sweep(staged.house)


# --- abuse ----------------------------------------------------------------------------------------------------------


def test_our_own_number_is_never_called_back(staged: StagedHouse) -> None:
    staged.queue(numbers=(OWN, "+12015550101"))
    staged.queue("billing", numbers=("+12015550102",))
    staged.agent(free=False)
    for number in (OWN, "+12015550101", "+12015550102"):
        with pytest.raises(NumberRefused, match="our own"):
            staged.promise(number)
    leg = staged.ring_in(BOB)
    leg.press("1")
    leg.press("2")
    leg.press("2015550102")
    leg.press("1")
    assert leg.up
    assert staged.callbacks() == []


def keyed_in(staged: StagedHouse, caller: str, number: str) -> None:
    """Somebody calls and asks for a callback on a number of somebody else."""
    leg = staged.ring_in(caller)
    leg.press("1")
    leg.press("2")
    leg.press(number.removeprefix("+1"))
    leg.press("1")
    leg.hang_up()


def test_a_number_keyed_in_by_others_is_rung_three_times_a_day_at_most(staged: StagedHouse) -> None:
    staged.queue()
    staged.agent(free=False)
    for time in range(6):
        keyed_in(staged, f"+1201555021{time}", OTHER)
        for promise in staged.callbacks():
            if promise.state is State.WAITING:
                cancel.cancel(staged.house, promise.id, reason="not theirs", cause="test")
    assert len(staged.callbacks()) == 3
    own = staged.promise(OTHER)
    staged.wait(24 * 3600 + 1)
    cancel.cancel(staged.house, own.id, reason="for the next", cause="test")
    keyed_in(staged, BOB, OTHER)
    assert len(staged.callbacks()) == 5


def test_a_replayed_arrival_of_a_call_that_is_over_takes_no_place_and_no_agent(staged: StagedHouse) -> None:
    staged.queue()
    leg = staged.ring_in()
    arrival = f"{BASE}/voice/incoming?queue=support", leg.form()
    leg.hang_up()
    assert staged.path(leg.sid) == ["arrived", "abandoned"]
    staged.agent()
    assert staged.post(*arrival).endswith("<Response><Hangup /></Response>")
    assert staged.status() is AgentStatus.AVAILABLE
    assert staged.order() == []
    assert staged.path(leg.sid) == ["arrived", "abandoned"]


# --- late changes ---------------------------------------------------------------------------------------------------


def test_a_repeated_cancel_ends_what_the_first_could_not(staged: StagedHouse) -> None:
    leg = staged.called()
    callback = staged.by_number()

    def beside(step: str) -> None:
        if step == "line.leave":
            raise ConnectionError("the line is away")

    staged.steps.between = beside
    with pytest.raises(ConnectionError):
        cancel.cancel(staged.house, callback.id, reason="changed my mind", cause="test")
    staged.steps.between = None
    assert leg.up
    cancel.cancel(staged.house, callback.id, reason="changed my mind", cause="test")
    staged.work()
    assert not leg.up


def test_a_goodbye_is_not_cut_off_by_a_repeated_cancel(staged: StagedHouse) -> None:
    leg = staged.called()
    callback = staged.by_number()
    leg.answer()
    cancel.cancel(staged.house, callback.id, reason="no longer needed", cause="test", keep=leg.sid)
    cancel.cancel(staged.house, callback.id, reason="changed my mind", cause="test")
    staged.work()
    assert leg.up


def test_who_rings_in_about_a_promise_that_has_ended_changes_nothing_about_it(staged: StagedHouse) -> None:
    leg = staged.called()
    callback = staged.by_number()
    leg.answer()
    leg.press("1")
    agent = staged.talking(leg)
    staged.wait(60)
    leg.hang_up()
    agent.hang_up()
    assert staged.state(callback) is State.COMPLETED
    other = staged.arriving()
    taken, legs = rejoin.take_over(staged.house, callback.id, other.sid)
    assert (taken, legs) == (None, [])
    assert [attempt.outcome for attempt in staged.attempts(callback)] == [Outcome.TALKED]
