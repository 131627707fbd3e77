"""Hold, transfer and declining at the agent's desk: whatever is pressed, and whatever fails, the caller is not lost."""

from datetime import timedelta
from typing import Any

import pytest

from callback.domain.desk import Talk, Wish
from callback.domain.errors import InvalidInput, NotAccepting, NumberRefused
from callback.domain.ids import AgentKey
from callback.domain.lifecycle import AgentStatus, State
from callback.domain.workday import DECLINED
from callback.flows import parted, presence, transfer
from callback.flows.parted import Said
from callback.ports import CarrierBusy, OutcomeUnknown
from tests.support.house import ADA, OWN, StagedHouse, on_both
from tests.support.legs import Leg
from tests.support.steps import Killed

ANN, BEA = AgentKey("ann"), AgentKey("bea")
BILLING = "+12015550199"


def taken(staged: StagedHouse, caller: Leg) -> Leg:
    """The agent whom this leg rings takes the call on a leg that the carrier knows."""
    agent = caller.agent()
    agent.sid = staged.carrier.receive(to=agent.to, from_=OWN)
    staged.legs[agent.sid] = agent
    agent.pick_up()
    assert agent.press("1").verbs == ()
    return agent


def live_talk(staged: StagedHouse, **policy: Any) -> tuple[Leg, Leg]:
    """Somebody rings and talks with ann, and longer than any cut-off."""
    staged.queue(**policy)
    staged.agent()
    caller = staged.ring_in()
    agent = taken(staged, caller)
    staged.wait(60)
    return caller, agent


def held(staged: StagedHouse) -> tuple[Leg, Leg]:
    """A live talk whose caller hears music."""
    caller, agent = live_talk(staged)
    assert parted.hold(staged.house, ANN) is Said.DONE
    staged.follow()
    caller.dial_ends()
    return caller, agent


def the_talk(staged: StagedHouse) -> Talk:
    with staged.sql.look() as work:
        found = work.talks(ANN, since=staged.clock.now() - timedelta(days=1), until=staged.clock.now())
    return found[-1]


# --- hold -----------------------------------------------------------------------------------------------------------


@on_both
def test_on_hold_the_caller_hears_music_and_both_come_together_again(staged: StagedHouse) -> None:
    caller, agent = held(staged)
    assert caller.document.only("Gather").children[0].name == "Play"
    assert caller.silence().only("Gather").children[0].name == "Play"
    assert agent.room
    assert staged.status() is AgentStatus.BUSY
    staged.wait(30)
    assert parted.resume(staged.house, ANN) is Said.DONE
    staged.follow()
    assert caller.room == agent.room
    talk = the_talk(staged)
    assert (talk.wish, talk.holds, round(talk.held_s)) == (Wish.NONE, 1, 30)
    for word in caller.end():
        staged.tell(word)
    agent.dial_ends()
    assert not agent.up
    assert staged.status() is AgentStatus.WRAP_UP
    assert staged.path(caller.sid)[-1] == "completed"


def test_a_second_hold_goes_into_a_room_of_its_own(staged: StagedHouse) -> None:
    caller, agent = held(staged)
    first = agent.room
    parted.resume(staged.house, ANN)
    staged.follow()
    assert parted.hold(staged.house, ANN) is Said.DONE
    staged.follow()
    caller.dial_ends()
    assert agent.room not in ("", first)
    assert the_talk(staged).holds == 2


def test_hold_pressed_twice_is_one_hold(staged: StagedHouse) -> None:
    held(staged)
    redirects = len(staged.carrier.redirected)
    assert parted.hold(staged.house, ANN) is Said.DONE
    assert len(staged.carrier.redirected) == redirects


def test_a_caller_who_hangs_up_on_hold_frees_the_agent_from_the_room(staged: StagedHouse) -> None:
    caller, agent = held(staged)
    caller.hang_up()
    staged.work()
    assert not agent.up
    assert staged.status() is AgentStatus.WRAP_UP


def test_an_agent_who_hangs_up_while_the_caller_holds_puts_them_back_in_front(staged: StagedHouse) -> None:
    caller, agent = held(staged)
    staged.agent("bea", free=False)
    late = staged.holding("+12025550188")
    agent.hang_up()
    assert staged.order() == [caller.sid, late.sid]
    staged.work()
    assert caller.queue is not None
    staged.available("bea")
    staged.work()
    assert caller.dial is not None


def test_an_agent_who_hangs_up_before_the_caller_is_back_from_hold_leaves_a_promise_that_stands(
    staged: StagedHouse,
) -> None:
    caller = staged.called()
    callback = staged.by_number()
    caller.answer()
    caller.press("1")
    agent = taken(staged, caller)
    staged.wait(60)
    parted.hold(staged.house, ANN)
    staged.follow()
    caller.dial_ends()
    assert parted.resume(staged.house, ANN) is Said.DONE
    agent.hang_up()
    staged.work()
    caller.hold()
    assert caller.up
    assert (staged.state(callback), staged.place(callback.id)) == (State.ANSWERED, "hold")


def test_an_agent_of_whose_end_nobody_tells_is_missed_by_the_next_lap_of_music(staged: StagedHouse) -> None:
    caller, agent = held(staged)
    agent.end()
    caller.silence()
    staged.work()
    assert staged.status() is AgentStatus.WRAP_UP
    assert staged.place(caller.sid) == "hold"


@pytest.mark.parametrize("refusal", [CarrierBusy("429"), OutcomeUnknown("503")], ids=["refused", "no answer"])
def test_a_hold_that_the_carrier_does_not_do_leaves_them_talking(staged: StagedHouse, refusal: Any) -> None:
    caller, agent = live_talk(staged)
    staged.carrier.refuse_redirects = refusal
    said = parted.hold(staged.house, ANN)
    assert said is (Said.NOT_NOW if isinstance(refusal, CarrierBusy) else Said.UNSURE)
    staged.carrier.refuse_redirects = None
    if said is Said.NOT_NOW:
        assert the_talk(staged).wish is Wish.NONE
        caller.hang_up()
        assert staged.status() is AgentStatus.WRAP_UP
    else:
        assert parted.resume(staged.house, ANN) is Said.UNSURE
        agent.hang_up()
        staged.follow()
        caller.dial_ends()
        assert caller.up
        assert staged.place(caller.sid) == "hold"


def test_a_record_that_is_away_at_the_moment_of_parting_costs_nobody_the_call(staged: StagedHouse) -> None:
    caller, agent = live_talk(staged)
    parted.hold(staged.house, ANN)
    staged.steps.away = frozenset({"store"})
    staged.follow()
    caller.dial_ends()
    staged.steps.away = frozenset()
    assert agent.room
    assert caller.silence().only("Gather").children[0].name == "Play"
    assert parted.resume(staged.house, ANN) is Said.UNSURE, "nobody has heard of the agent in the room"
    assert parted.hold(staged.house, ANN) is Said.DONE
    staged.follow()
    assert parted.resume(staged.house, ANN) is Said.DONE
    staged.follow()
    assert caller.room == agent.room


def test_nobody_is_put_on_hold_who_is_in_no_talk(staged: StagedHouse) -> None:
    staged.queue()
    staged.agent()
    assert parted.hold(staged.house, ANN) is Said.NOT_TALKING
    assert parted.resume(staged.house, ANN) is Said.NOT_TALKING
    assert transfer.pass_on(staged.house, ANN, Wish.QUEUE, "support") is Said.NOT_TALKING


def test_a_talk_that_the_agent_was_rung_first_for_can_be_held(staged: StagedHouse) -> None:
    staged.queue(dial_mode="agent_first")
    staged.agent()
    callback = staged.promise()
    staged.available()
    staged.work()
    agent = staged.outgoing()
    agent.ring()
    agent.answer()
    agent.press("1")
    staged.work()
    caller = staged.outgoing()
    caller.ring()
    caller.answer()
    caller.press("1")
    staged.tell(agent.conference_starts())
    staged.wait(60)
    assert parted.hold(staged.house, ANN) is Said.DONE
    staged.follow()
    caller.dial_ends()
    assert caller.document.only("Gather").children[0].name == "Play"
    parted.resume(staged.house, ANN)
    staged.follow()
    assert caller.room == agent.room
    caller.hang_up()
    agent.dial_ends()
    assert staged.state(callback) is State.COMPLETED


# --- transfer -------------------------------------------------------------------------------------------------------


@on_both
def test_passed_on_to_a_queue_the_caller_stands_there_in_the_place_they_had(staged: StagedHouse) -> None:
    caller, agent = live_talk(staged)
    joined = staged.pairing().joined_at
    staged.queue("billing", (BILLING,))
    later = staged.holding("+12025550188", "billing", to=BILLING)
    assert transfer.pass_on(staged.house, ANN, Wish.QUEUE, "billing") is Said.DONE
    staged.follow()
    agent.hang_up()
    assert staged.order("billing") == [caller.sid, later.sid]
    assert staged.standing(caller.sid, "billing").joined_at == joined
    assert staged.status() is AgentStatus.WRAP_UP
    assert the_talk(staged).to == "billing"
    staged.agent("bea", "billing")
    staged.work()
    taken(staged, caller)
    assert staged.status("bea") is AgentStatus.BUSY
    caller.hang_up()
    staged.journal()
    with staged.sql.look() as work:
        leg = work.leg(caller.sid)
    assert leg is not None
    assert (leg.queue, leg.agent, leg.state) == ("billing", "bea", "completed")


def test_whoever_is_free_there_is_rung_at_once(staged: StagedHouse) -> None:
    caller, _ = live_talk(staged)
    staged.queue("billing", (BILLING,))
    staged.agent("bea", "billing")
    transfer.pass_on(staged.house, ANN, Wish.QUEUE, "billing")
    staged.follow()
    assert caller.agent().to == "client:bea"


def test_nobody_who_came_later_has_an_agent_who_is_free_at_once(staged: StagedHouse) -> None:
    caller, _ = live_talk(staged, wrap_up_s=0)
    late = staged.holding("+12025550188")
    transfer.pass_on(staged.house, ANN, Wish.QUEUE, "support")
    staged.follow()
    assert (str(staged.pairing().entry), staged.order()) == (caller.sid, [late.sid])


def test_nobody_is_passed_on_to_a_queue_that_is_closed(staged: StagedHouse) -> None:
    live_talk(staged)
    staged.queue("billing", (BILLING,), hours={"timezone": "UTC", "weekly": {}})
    with pytest.raises(NotAccepting):
        transfer.pass_on(staged.house, ANN, Wish.QUEUE, "billing")


def test_passed_on_from_hold_the_time_on_hold_is_counted(staged: StagedHouse) -> None:
    caller, agent = held(staged)
    staged.wait(10)
    staged.queue("billing", (BILLING,))
    transfer.pass_on(staged.house, ANN, Wish.QUEUE, "billing")
    staged.follow()
    staged.work()
    assert not agent.up, "out of the room, whose caller never comes"
    assert staged.place(caller.sid, "billing") == "hold"
    assert round(the_talk(staged).held_s) == 10


def test_a_called_back_caller_who_is_passed_on_was_served_and_goes_on_live(staged: StagedHouse) -> None:
    caller = staged.called()
    callback = staged.by_number()
    caller.answer()
    caller.press("1")
    taken(staged, caller)
    staged.wait(60)
    staged.queue("billing", (BILLING,))
    transfer.pass_on(staged.house, ANN, Wish.QUEUE, "billing")
    staged.follow()
    assert staged.state(callback) is State.COMPLETED
    assert staged.place(caller.sid, "billing") == "hold"
    caller.hold()
    caller.hang_up()
    assert staged.place(caller.sid, "billing") == ""
    assert staged.path(caller.sid)[-1] == "abandoned"


def test_a_promise_whose_end_the_line_alone_has_heard_of_is_kept_in_the_record_too(staged: StagedHouse) -> None:
    caller = staged.called()
    callback = staged.by_number()
    caller.answer()
    caller.press("1")
    taken(staged, caller)
    staged.queue("billing", (BILLING,))
    transfer.pass_on(staged.house, ANN, Wish.QUEUE, "billing")
    staged.line.complete(staged.pairing().token, wrap_up_s=20, now=staged.clock.now())
    staged.follow()
    assert staged.state(callback) is State.COMPLETED
    assert staged.place(caller.sid, "billing") == "hold"


def test_passed_on_to_a_colleague_who_is_free(staged: StagedHouse) -> None:
    caller, _ = live_talk(staged)
    staged.agent("bea")
    staged.agent("cid")
    assert transfer.pass_on(staged.house, ANN, Wish.AGENT, "bea") is Said.DONE
    staged.follow()
    taken(staged, caller)
    assert (staged.status(), staged.status("bea")) == (AgentStatus.WRAP_UP, AgentStatus.BUSY)


def test_a_colleague_who_misses_the_ring_costs_the_caller_nothing(staged: StagedHouse) -> None:
    caller, _ = live_talk(staged)
    late = staged.holding("+12025550188")
    staged.agent("bea", free=False)
    staged.away("bea")
    with pytest.raises(InvalidInput):
        transfer.pass_on(staged.house, ANN, Wish.AGENT, "bea")
    staged.line.presence(BEA, AgentStatus.AVAILABLE, now=staged.clock.now())
    transfer.pass_on(staged.house, ANN, Wish.AGENT, "bea")
    staged.follow()
    caller.agent()
    caller.dial_ends("no-answer")
    assert staged.status("bea") is AgentStatus.AWAY
    assert staged.order() == [caller.sid, late.sid]


def test_a_colleague_who_has_gone_meanwhile_costs_the_caller_nothing(staged: StagedHouse) -> None:
    caller, _ = live_talk(staged)
    staged.agent("bea")
    transfer.pass_on(staged.house, ANN, Wish.AGENT, "bea")
    staged.away("bea")
    staged.follow()
    assert staged.place(caller.sid) == "hold"


def test_passed_on_to_a_telephone_that_nobody_answers_they_are_first_in_line(staged: StagedHouse) -> None:
    caller, _ = live_talk(staged)
    assert transfer.pass_on(staged.house, ANN, Wish.NUMBER, "(202) 555-0177") is Said.DONE
    staged.follow()
    dial = caller.document.only("Dial")
    assert (dial.children[0].text, dial.get("callerId")) == ("+12025550177", OWN)
    assert staged.status() is AgentStatus.WRAP_UP
    late = staged.holding("+12025550188")
    caller.dial_ends("no-answer")
    caller.hold()
    assert staged.order() == [caller.sid, late.sid]


def test_passed_on_to_a_telephone_that_answers_the_call_is_over_with_that(staged: StagedHouse) -> None:
    caller, _ = live_talk(staged)
    transfer.pass_on(staged.house, ANN, Wish.NUMBER, "+12025550177")
    staged.follow()
    caller.dial_ends("completed")
    assert not caller.up
    assert staged.order() == []


def test_a_caller_is_passed_on_to_no_number_that_may_not_be_rung(staged: StagedHouse) -> None:
    live_talk(staged)
    with pytest.raises(InvalidInput):
        transfer.pass_on(staged.house, ANN, Wish.NUMBER, "12")
    with staged.sql.begin() as work:
        work.suppress("+12025550123", "test", staged.clock.now())
    for number in ("+447400123456", OWN, "+12025550123"):
        with pytest.raises(NumberRefused):
            transfer.pass_on(staged.house, ANN, Wish.NUMBER, number)
    with pytest.raises(InvalidInput):
        transfer.pass_on(staged.house, ANN, Wish.QUEUE, "nowhere")
    with pytest.raises(InvalidInput):
        transfer.pass_on(staged.house, ANN, Wish.AGENT, "nobody")


def test_a_number_that_may_not_be_rung_any_more_at_dialling_is_not(staged: StagedHouse) -> None:
    caller, _ = live_talk(staged)
    transfer.pass_on(staged.house, ANN, Wish.NUMBER, "+12025550177")
    with staged.sql.begin() as work:
        work.suppress("+12025550177", "test", staged.clock.now())
    staged.follow()
    assert caller.dial is None
    assert staged.place(caller.sid) == "hold"


@pytest.mark.parametrize("refusal", [CarrierBusy("429"), OutcomeUnknown("503")], ids=["refused", "no answer"])
def test_a_transfer_that_the_carrier_does_not_do_leaves_them_talking(staged: StagedHouse, refusal: Any) -> None:
    caller, agent = live_talk(staged)
    staged.queue("billing", (BILLING,))
    staged.carrier.refuse_redirects = refusal
    said = transfer.pass_on(staged.house, ANN, Wish.QUEUE, "billing")
    staged.carrier.refuse_redirects = None
    assert staged.status() is AgentStatus.BUSY
    if isinstance(refusal, CarrierBusy):
        assert (said, the_talk(staged).wish) == (Said.NOT_NOW, Wish.NONE)
        caller.hang_up()
    else:
        assert said is Said.UNSURE
        agent.hang_up()
        caller.dial_ends()
        assert staged.place(caller.sid, "billing") == "hold"
    assert staged.status() is AgentStatus.WRAP_UP


def test_a_document_that_comes_twice_passes_them_on_once(staged: StagedHouse) -> None:
    caller, _ = live_talk(staged)
    staged.queue("billing", (BILLING,))
    transfer.pass_on(staged.house, ANN, Wish.QUEUE, "billing")
    url = staged.carrier.redirected[-1][1]
    staged.follow()
    caller.ask(url.replace("&k=", "&k=x"))
    assert staged.place(caller.sid, "billing") == "hold"
    assert staged.path(caller.sid).count("completed") == 1


def test_a_caller_who_is_passed_on_and_is_gone_frees_the_agent(staged: StagedHouse) -> None:
    caller, agent = live_talk(staged)
    staged.queue("billing", (BILLING,))
    transfer.pass_on(staged.house, ANN, Wish.QUEUE, "billing")
    words = caller.end()
    agent.hang_up()
    for word in words:
        staged.tell(word)
    assert staged.status() is AgentStatus.WRAP_UP
    assert staged.order("billing") == []
    assert caller.from_ == ADA


# --- declining, and hanging up at the desk --------------------------------------------------------------------------


def test_a_declined_call_goes_to_the_next_agent_and_the_caller_keeps_their_place(staged: StagedHouse) -> None:
    staged.queue()
    staged.agent()
    caller = staged.ring_in()
    caller.agent()
    late = staged.holding("+12025550188")
    assert presence.decline(staged.house, ANN)
    assert (staged.status(), staged.line.agent(ANN).reason) == (AgentStatus.AWAY, DECLINED)
    assert staged.order() == [caller.sid, late.sid]
    staged.work()
    assert caller.queue is not None, "no longer waiting for a phone that nobody answers"
    staged.agent("bea")
    staged.work()
    assert caller.agent().to == "client:bea"
    assert not presence.decline(staged.house, ANN)


def test_a_declined_callback_whose_caller_is_on_the_line_waits_for_the_next_agent(staged: StagedHouse) -> None:
    caller = staged.called()
    assert not presence.decline(staged.house, ANN), "it is their phone that rings"
    caller.answer()
    caller.press("1")
    assert presence.decline(staged.house, ANN)
    staged.work()
    caller.hold()
    assert staged.place(staged.by_number().id) == "hold"
    staged.agent("bea")
    staged.work()
    assert caller.agent().to == "client:bea"


def test_a_declined_first_ring_dials_nobody(staged: StagedHouse) -> None:
    staged.queue(dial_mode="agent_first")
    staged.agent()
    callback = staged.promise()
    staged.available()
    staged.work()
    ringing = staged.outgoing()
    ringing.ring()
    assert presence.decline(staged.house, ANN)
    staged.work()
    assert not ringing.up
    assert staged.line.agent(ANN).reason == DECLINED
    assert (staged.state(callback), staged.place(callback.id)) == (State.WAITING, "due")
    assert staged.unseen == 0


def test_hanging_up_at_the_desk_ends_the_talk(staged: StagedHouse) -> None:
    caller, agent = live_talk(staged)
    assert presence.hang_up(staged.house, ANN)
    staged.work()
    assert not agent.up
    caller.dial_ends()
    assert staged.status() is AgentStatus.WRAP_UP
    assert not caller.up
    assert not presence.hang_up(staged.house, ANN)


# --- whatever dies in between ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("wish", [Wish.QUEUE, Wish.AGENT, Wish.NUMBER])
def test_whatever_step_of_a_transfer_the_process_ends_after_the_caller_goes_on(staged: StagedHouse, wish: Wish) -> None:
    staged.queue(wrap_up_s=600)
    staged.queue("billing", (BILLING,))
    staged.agent()
    to = {Wish.QUEUE: "billing", Wish.AGENT: "bea", Wish.NUMBER: "+12025550177"}[wish]
    for kill_after in range(1, 30):
        staged.agent("bea", "billing", free=wish is Wish.AGENT)
        staged.available()
        caller = staged.ring_in(f"+1202555{1000 + kill_after}")
        taken(staged, caller)
        staged.wait(60)
        assert transfer.pass_on(staged.house, ANN, wish, to) is Said.DONE
        url = staged.carrier.redirected[-1][1]
        staged.steps.restart(kill_after)
        died = False
        try:
            staged.follow()
        except Killed:
            died = True
        staged.steps.restart()
        if died:  # the carrier asks once more
            caller.ask(url)
        talking_on = caller.dial is not None or caller.queue is not None
        assert talking_on, f"lost after step {kill_after}: {caller.document.text}"
        assert staged.status() is AgentStatus.WRAP_UP
        caller.hang_up()
        staged.pass_time(15)
        assert staged.order() == staged.order("billing") == []
        staged.away("bea")
        if not died:
            assert kill_after > 3, "it has several steps"
            return
    raise AssertionError("a transfer has fewer steps than that")


def test_whatever_step_of_a_hold_the_process_ends_after_pressing_again_parts_and_joins_them(
    staged: StagedHouse,
) -> None:
    staged.queue(wrap_up_s=600)
    staged.agent()
    for kill_after in range(1, 30):
        staged.available()
        caller = staged.ring_in(f"+1202555{1000 + kill_after}")
        agent = taken(staged, caller)
        staged.wait(60)
        staged.steps.restart(kill_after)
        died = False
        try:
            hold_and_join(staged, caller)
        except Killed:
            died = True
        staged.steps.restart()
        if died:
            ask_again(staged)
            hold_and_join(staged, caller)
        assert caller.room == agent.room != ""
        caller.hang_up()
        staged.work()
        assert staged.status() is AgentStatus.WRAP_UP
        if not died:
            assert kill_after > 3, "it has several steps"
            return
    raise AssertionError("a hold has fewer steps than that")


def ask_again(staged: StagedHouse) -> None:
    """The carrier did not get the last document that it was sent for."""
    for sid, url in staged.carrier.redirected[-1:]:
        if staged.legs[sid].up:
            staged.legs[sid].ask(url)


def hold_and_join(staged: StagedHouse, caller: Leg) -> None:
    """The agent presses hold until it is done, and then to go on."""
    assert parted.hold(staged.house, ANN) is Said.DONE
    staged.follow()
    if caller.room == "" and caller.document.verb("Gather") is None:
        caller.dial_ends()
    assert parted.resume(staged.house, ANN) is Said.DONE
    staged.follow()
