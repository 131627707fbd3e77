"""Attempts that meet what they should not: a second leg, a second worker, a second queue, a carrier that is away."""

from dataclasses import replace

import pytest

from callback.domain.callback import Outcome
from callback.domain.ids import CallbackId, QueueKey
from callback.domain.lifecycle import AgentStatus, State
from callback.flows import ask, cancel, leases, sweep
from callback.ports import CarrierBusy, CarrierStopped, OutcomeUnknown
from tests.support.house import ADA, SUPPORT, StagedHouse
from tests.support.legs import Leg
from tests.support.steps import Killed

BOB = "+12015550124"
BILLING = QueueKey("billing")


# --- a leg that was given up ----------------------------------------------------------------------------------------


def rang_in_while_dialled(staged: StagedHouse) -> tuple[Leg, Leg]:
    """We dial them, they ring us and talk on their own leg: the leg we gave up, and theirs."""
    ours = staged.called()
    theirs = staged.ring_in()
    theirs.press("2")
    staged.talking(theirs)
    assert staged.state(staged.by_number()) is State.BRIDGED
    return ours, theirs


@pytest.mark.parametrize("status", ["canceled", "no-answer", "completed", "busy"])
def test_the_end_of_a_leg_that_was_given_up_ends_no_talk_on_another(staged: StagedHouse, status: str) -> None:
    ours, _ = rang_in_while_dialled(staged)
    staged.wait(30)
    ours.fails(status)
    assert staged.state(staged.by_number()) is State.BRIDGED
    assert staged.status() is AgentStatus.BUSY


# --- agent first ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("refusal", [CarrierBusy("429", 20429), CarrierStopped("401", 20003)])
def test_an_agent_whose_phone_the_carrier_would_not_ring_is_not_sent_away(
    staged: StagedHouse, refusal: CarrierBusy | CarrierStopped
) -> None:
    staged.queue(dial_mode="agent_first")
    callback = staged.promise()
    staged.agent(free=False)
    staged.carrier.fail_next(refusal)
    staged.available()
    staged.work()
    assert staged.status() is AgentStatus.AVAILABLE
    assert staged.now(callback).attempts_left == 3
    staged.pass_time(40)
    assert len(staged.carrier.created) == 1
    assert staged.state(callback) is State.RESERVED


def test_an_agent_on_the_line_hears_of_a_dial_whose_outcome_is_unknown(staged: StagedHouse) -> None:
    staged.queue(dial_mode="agent_first")
    callback = staged.promise()
    staged.agent()
    staged.work()
    agent = staged.outgoing()
    agent.ring()
    agent.answer()
    staged.carrier.fail_next(OutcomeUnknown("no answer"))
    agent.press("1")
    staged.work()
    assert staged.state(callback) is State.RECONCILING
    assert not agent.up or "Conference" not in agent.document.text


# --- reconciling ----------------------------------------------------------------------------------------------------


def test_the_call_of_an_earlier_attempt_is_not_taken_for_one_whose_answer_was_lost(staged: StagedHouse) -> None:
    first = staged.called(retry_delays_s=[])
    callback = staged.by_number()
    staged.carrier.fail_next(OutcomeUnknown("no answer"), accepted=True)
    first.fails("busy")
    staged.pass_time(2)
    assert [attempt.outcome for attempt in staged.attempts(callback)] == [Outcome.BUSY, None]
    staged.pass_time(60)
    second, _ = staged.carrier.created[1]
    assert staged.attempts(callback)[1].call == second
    assert len(staged.carrier.created) == 2, "the second call still rings"


# --- cancelled, and yet there is a call -----------------------------------------------------------------------------


def test_a_call_that_reports_after_its_cancel_is_ended(staged: StagedHouse) -> None:
    """The worker died between the creation and the word of it, and the caller cancelled."""
    staged.queue()
    callback = staged.promise()
    staged.agent()
    staged.carrier.fail_next(OutcomeUnknown("no answer"), accepted=True)
    staged.work()
    cancel.cancel(staged.house, callback.id, reason="changed my mind", cause="test")
    leg = staged.outgoing()
    leg.ring()
    staged.work()
    assert not leg.up


def test_a_cancel_while_the_carriers_answer_is_lost_ends_the_call_all_the_same(staged: StagedHouse) -> None:
    staged.queue()
    callback = staged.promise()
    staged.agent()
    staged.carrier.fail_next(OutcomeUnknown("no answer"), accepted=True)

    def beside(step: str) -> None:
        if step == "line.extend":
            impatient = replace(staged.house, pause=lambda _: None)
            cancel.cancel(impatient, callback.id, reason="changed my mind", cause="test")

    staged.steps.between = beside
    staged.work()
    staged.steps.between = None
    staged.work()
    leg = staged.outgoing()
    assert leg.sid in staged.carrier.hung_up


# --- one number in two queues ---------------------------------------------------------------------------------------


def test_a_number_that_waits_in_two_queues_rings_once_at_a_time(staged: StagedHouse) -> None:
    staged.queue()
    staged.queue(BILLING, numbers=("+12015550101",))
    here, there = staged.promise(), staged.promise(queue=BILLING)
    staged.agent("ann", SUPPORT)
    staged.agent("bea", BILLING)
    staged.work()
    assert len(staged.carrier.created) == 1
    assert sorted(str(staged.state(one)) for one in (here, there)) == ["dialing", "waiting"]
    leg = staged.outgoing()
    leg.ring()
    leg.answer()
    leg.press("1")
    staged.talking(leg)
    staged.pass_time(40)
    assert len(staged.carrier.created) == 1
    leg.hang_up()
    staged.pass_time(40)
    assert len(staged.carrier.created) == 2


# --- a lease that lapsed beside its holder --------------------------------------------------------------------------


def test_nobody_is_dialled_for_an_agent_who_was_taken_away_meanwhile(staged: StagedHouse) -> None:
    """The reservation lapses between the worker's look at it and its commit."""
    staged.queue()
    callback = staged.promise()
    staged.agent()

    def beside(step: str) -> None:
        if step == "line.take_up":
            staged.steps.between = None
            staged.away()
            staged.wait(11)
            sweep.sweep(staged.house)

    staged.steps.between = beside
    staged.work()
    assert staged.carrier.created == []
    assert staged.state(callback) is State.WAITING
    assert staged.place(callback.id) == "due"
    assert staged.now(callback).attempts_left == 3


def test_a_caller_whom_a_slow_sweep_saw_lapsed_is_left_with_the_agent_who_rings_now(staged: StagedHouse) -> None:
    staged.queue()
    leg = staged.holding()
    staged.agent()
    staged.dispatch.lose_all()
    staged.wait(11)
    lapsed = staged.line.lapsed(now=staged.clock.now()).reservations
    staged.dispatch.connect(lapsed[0].token)
    staged.work()
    assert leg.dial is not None
    for pairing in lapsed:
        leases.recover(staged.house, pairing)
    staged.follow()
    staged.talking(leg)
    assert staged.status() is AgentStatus.BUSY


def test_two_sweeps_send_a_leg_back_once(staged: StagedHouse) -> None:
    staged.queue()
    leg = staged.holding()
    staged.agent("ann")
    staged.work()
    assert leg.dial is not None
    staged.wait(70)
    lapsed = staged.line.lapsed(now=staged.clock.now()).reservations
    leases.recover(staged.house, lapsed[0])
    staged.follow()
    staged.agent("bea")
    leg.hold()
    staged.work()
    assert leg.dial is not None
    leases.recover(staged.house, lapsed[0])
    staged.follow()
    assert leg.dial is not None, "the second sweep pulled the caller away from their agent"


def test_agent_first_a_number_that_talks_elsewhere_costs_no_agent_a_ring(staged: StagedHouse) -> None:
    staged.queue()
    staged.queue(BILLING, numbers=("+12015550101",), dial_mode="agent_first")
    staged.promise()
    staged.agent("ann", SUPPORT)
    staged.work()
    leg = staged.outgoing()
    leg.ring()
    leg.answer()
    leg.press("1")
    staged.talking(leg)
    there = staged.promise(queue=BILLING)
    staged.agent("bea", BILLING)
    staged.pass_time(20)
    assert len(staged.carrier.created) == 1
    assert staged.status("bea") is AgentStatus.AVAILABLE
    assert staged.state(there) is State.WAITING
    leg.hang_up()
    staged.pass_time(31)
    assert len(staged.carrier.created) == 2


def test_agent_first_a_number_that_became_busy_meanwhile_is_not_rung_and_the_agent_is_told(
    staged: StagedHouse,
) -> None:
    staged.queue()
    staged.queue(BILLING, numbers=("+12015550101",), dial_mode="agent_first")
    there = staged.promise(queue=BILLING)
    staged.agent("bea", BILLING)
    staged.work()
    agent = staged.outgoing()
    agent.ring()
    agent.answer()
    staged.promise()
    staged.agent("ann", SUPPORT)
    staged.work()
    assert staged.outgoing().to == ADA
    agent.press("1")
    staged.work()
    assert staged.unseen == 0
    assert staged.state(there) is State.WAITING
    assert "Conference" not in agent.document.text
    assert staged.now(there).attempts_left == 3


# --- a cancel beside the dial ---------------------------------------------------------------------------------------


def asked_for(staged: StagedHouse) -> CallbackId:
    """A promise for which the carrier has just been asked, and whose worker has not heard the answer."""
    staged.queue()
    callback = staged.promise()
    staged.agent()
    staged.steps.restart(kill_after=4)  # the pace, the commit, the lease, the creation
    with pytest.raises(Killed, match="create_call"):
        staged.work()
    staged.steps.restart()
    return callback.id


def test_a_cancel_while_the_carrier_is_asked_waits_for_the_call_that_it_must_end(staged: StagedHouse) -> None:
    callback = asked_for(staged)
    leg = staged.outgoing()
    (attempt,) = staged.attempts(staged.by_number())
    pauses: list[float] = []

    def pause(seconds: float) -> None:
        pauses.append(seconds)
        if len(pauses) == 3:
            ask.bound(staged.house, attempt.id, leg.sid)

    cancel.cancel(replace(staged.house, pause=pause), callback, reason="changed my mind", cause="test")
    assert len(pauses) == 3
    staged.work()
    assert not leg.up
    assert staged.carrier.hung_up == [leg.sid]


def test_a_cancel_waits_two_seconds_at_most_for_a_carrier_that_does_not_answer(staged: StagedHouse) -> None:
    callback = asked_for(staged)
    pauses: list[float] = []
    cancel.cancel(replace(staged.house, pause=pauses.append), callback, reason="changed my mind", cause="test")
    assert sum(pauses) == pytest.approx(2)
    leg = staged.outgoing()
    leg.ring()
    staged.work()
    assert not leg.up, "ended at its first report"


def test_a_cancel_waits_for_nobody_who_has_died(staged: StagedHouse) -> None:
    callback = asked_for(staged)
    staged.wait(11)
    pauses: list[float] = []
    cancel.cancel(replace(staged.house, pause=pauses.append), callback, reason="changed my mind", cause="test")
    assert pauses == []


# --- agent first: one telephone, one call ---------------------------------------------------------------------------


def agent_waits_for_two(staged: StagedHouse) -> tuple[Leg, Leg]:
    """Two promises and one agent, who waits on the line while the first is rung: both legs."""
    staged.queue(dial_mode="agent_first")
    staged.promise()
    staged.wait(1)
    staged.promise(BOB)
    staged.agent()
    staged.work()
    agent = staged.outgoing()
    agent.ring()
    agent.answer()
    agent.press("1")
    staged.work()
    caller = staged.outgoing()
    caller.ring()
    return agent, caller


def test_an_agent_is_not_rung_for_the_next_while_they_still_hear_of_the_last(staged: StagedHouse) -> None:
    agent, caller = agent_waits_for_two(staged)
    words = caller.end("no-answer")
    for word in words:
        staged.tell(word)
    staged.dispatch.run_all(staged.house)
    assert staged.unseen == 0
    staged.sweep()
    assert not agent.up, "told, and let go"
    staged.work()
    assert staged.outgoing().to == "client:ann"
    assert str(staged.pairing().entry) == str(staged.by_number(BOB).id)
    assert staged.place(staged.by_number(ADA).id) == "later"


def test_an_agent_whose_last_word_is_lost_is_free_all_the_same(staged: StagedHouse) -> None:
    agent, caller = agent_waits_for_two(staged)
    agent.status_url = ""
    caller.fails("no-answer")
    staged.work()
    staged.pass_time(20)
    assert staged.outgoing().to == "client:ann"
    assert staged.place(staged.by_number(ADA).id) == "later"
    assert staged.now(staged.by_number(ADA)).attempts_left == 2
