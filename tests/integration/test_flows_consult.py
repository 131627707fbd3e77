"""Asking somebody before a caller is passed on: whoever falls away, and whatever fails, the caller is never alone."""

from datetime import timedelta
from typing import Any

import pytest

from callback.domain.desk import CameTo, Stage, Talk, Wish
from callback.domain.errors import InvalidInput, NotAccepting, NumberRefused
from callback.domain.ids import Token
from callback.domain.lifecycle import AgentStatus, State
from callback.domain.workday import only_asked
from callback.flows import asked as asked_again
from callback.flows import consult, parted, presence, transfer, wrapup
from callback.flows.parted import Said
from callback.flows.poison import Round
from callback.ports import CarrierBusy, OutcomeUnknown
from tests.integration.test_flows_transfer import ANN, BEA, BILLING, held, live_talk, taken, the_talk
from tests.support.house import OWN, StagedHouse, on_both
from tests.support.legs import Leg
from tests.support.steps import Killed

OUTSIDE = "+12025550177"


def asked(staged: StagedHouse, where: Wish = Wish.AGENT, to: str = "bea") -> tuple[Leg, Leg, Leg]:
    """ann has a caller on hold and asks bea, who has picked up: the three legs."""
    caller, agent = live_talk(staged)
    staged.agent("bea")
    other = rings(staged, agent, where, to)
    if not caller.document.verb("Gather"):
        caller.dial_ends()
    if where is Wish.NUMBER:
        other.pick_up()
    else:
        other.pick_up()
        assert "Ann" in other.heard[0]
        assert other.press("1").verbs == ()
    return caller, agent, other


def rings(staged: StagedHouse, agent: Leg, where: Wish = Wish.AGENT, to: str = "bea") -> Leg:
    """ann asks: the leg that rings."""
    assert transfer.consult(staged.house, ANN, where, to) is Said.DONE
    staged.follow()
    other = agent.agent()
    other.sid = staged.carrier.receive(to=other.to, from_=OWN)
    staged.legs[other.sid] = other
    return other


def all_three(staged: StagedHouse, caller: Leg, agent: Leg, other: Leg) -> None:
    """They come together in one room."""
    assert consult.connect(staged.house, ANN) is Said.DONE
    staged.follow()
    agent.dial_ends()
    staged.work()
    assert caller.room == agent.room == other.room != ""


def row(staged: StagedHouse, token: str) -> Talk:
    with staged.sql.look() as work:
        found = work.talk(Token(token))
    assert found is not None
    return found


@on_both
def test_a_colleague_is_asked_in_private_and_takes_the_caller(staged: StagedHouse) -> None:
    caller, agent, other = asked(staged)
    assert caller.document.only("Gather").children[0].name == "Play"
    assert (staged.status(), staged.status("bea")) == (AgentStatus.BUSY, AgentStatus.BUSY)
    joined = staged.pairing().joined_at
    all_three(staged, caller, agent, other)
    staged.wait(20)
    agent.hang_up()
    staged.work()
    assert (staged.status(), staged.status("bea")) == (AgentStatus.WRAP_UP, AgentStatus.BUSY)
    on = staged.pairing("bea")
    assert (str(on.entry), on.joined_at) == (caller.sid, joined)
    assert caller.up
    assert other.up
    talk = the_talk(staged)
    assert (talk.wish, talk.warm, talk.stage) == (Wish.AGENT, True, Stage.NONE)
    told = [entry for entry in staged.journal("support") if entry.after == "passed_on"]
    assert [entry.data["announced"] for entry in told] == [True]
    staged.wait(60)
    for word in caller.end():
        staged.tell(word)
    other.dial_ends()
    assert staged.status("bea") is AgentStatus.WRAP_UP
    assert staged.path(caller.sid)[-1] == "completed"
    assert row(staged, on.token).call == caller.sid


def test_whoever_has_the_caller_can_hold_and_pass_on_again(staged: StagedHouse) -> None:
    caller, agent, other = asked(staged)
    all_three(staged, caller, agent, other)
    agent.hang_up()
    staged.work()
    staged.wait(30)
    assert parted.hold(staged.house, BEA) is Said.DONE
    staged.follow()
    caller.dial_ends()
    assert caller.document.only("Gather").children[0].name == "Play"
    assert parted.resume(staged.house, BEA) is Said.DONE
    staged.follow()
    assert caller.room == other.room != ""
    staged.queue("billing", (BILLING,))
    assert transfer.pass_on(staged.house, BEA, Wish.QUEUE, "billing") is Said.DONE
    staged.follow()
    staged.work()
    assert staged.place(caller.sid, "billing") == "hold"
    assert staged.status("bea") is AgentStatus.WRAP_UP


def test_back_to_the_caller_lets_the_colleague_go(staged: StagedHouse) -> None:
    caller, agent, _ = asked(staged)
    assert consult.back(staged.house, ANN) is Said.DONE
    staged.follow()
    staged.work()
    assert caller.room == agent.room != ""
    assert (staged.status(), staged.status("bea")) == (AgentStatus.BUSY, AgentStatus.AVAILABLE)
    assert the_talk(staged).came_to is CameTo.NOTHING


@pytest.mark.parametrize("answered", [True, False], ids=["hangs up", "never answers"])
def test_a_colleague_who_is_gone_leaves_agent_and_caller_together(staged: StagedHouse, answered: bool) -> None:
    if answered:
        caller, agent, _ = asked(staged)
    else:
        caller, agent = held(staged)
        staged.agent("bea")
        rings(staged, agent)
    agent.dial_ends("completed" if answered else "no-answer")
    staged.work()
    assert caller.room == agent.room != ""
    assert the_talk(staged).came_to is (CameTo.LEFT if answered else CameTo.MISSED)
    assert staged.status("bea") is (AgentStatus.AVAILABLE if answered else AgentStatus.AWAY)
    assert staged.status() is AgentStatus.BUSY
    assert "Here is your caller again." in agent.heard[-1]


def test_a_colleague_who_declines_is_away_and_the_caller_is_back(staged: StagedHouse) -> None:
    caller, agent = held(staged)
    staged.agent("bea")
    rings(staged, agent)
    assert presence.decline(staged.house, BEA)
    staged.work()
    staged.work()
    assert caller.room == agent.room != ""
    assert staged.status("bea") is AgentStatus.AWAY


@pytest.mark.parametrize("together", [False, True], ids=["in private", "all three"])
def test_the_caller_who_hangs_up_frees_both(staged: StagedHouse, together: bool) -> None:
    caller, agent, other = asked(staged)
    if together:
        all_three(staged, caller, agent, other)
    caller.hang_up()
    staged.work()
    assert not agent.up
    assert staged.status("bea") is AgentStatus.AVAILABLE
    assert staged.status() is AgentStatus.WRAP_UP


def test_an_agent_who_is_gone_while_asking_leaves_the_caller_first_in_line(staged: StagedHouse) -> None:
    caller, agent, _ = asked(staged)
    staged.away("bea")
    late = staged.holding("+12025550188")
    agent.hang_up()
    staged.work()
    caller.hold()
    assert staged.order() == [caller.sid, late.sid]
    assert staged.status("bea") is AgentStatus.AWAY


def test_an_agent_of_whose_end_nobody_tells_is_missed_by_the_music(staged: StagedHouse) -> None:
    caller, agent, _ = asked(staged)
    staged.away("bea")
    agent.end()
    caller.silence()
    staged.work()
    assert staged.place(caller.sid) == "hold"
    assert staged.status("bea") is AgentStatus.AWAY


def test_the_third_who_leaves_the_room_leaves_the_two_together(staged: StagedHouse) -> None:
    caller, agent, other = asked(staged)
    all_three(staged, caller, agent, other)
    room = agent.room
    for word in other.end():
        staged.tell(word)
    caller.dial_ends()
    agent.dial_ends()
    staged.work()
    assert caller.room == agent.room not in ("", room)
    assert staged.status("bea") is AgentStatus.AVAILABLE
    caller.hang_up()
    assert staged.status() is AgentStatus.WRAP_UP


def test_the_next_free_agent_of_a_queue_is_asked(staged: StagedHouse) -> None:
    _, agent = live_talk(staged)
    staged.queue("billing", (BILLING,))
    with pytest.raises(InvalidInput):
        transfer.consult(staged.house, ANN, Wish.QUEUE, "billing")
    staged.agent("cid", ("billing", 2))
    staged.agent("bea", ("billing", 1))
    assert rings(staged, agent, Wish.QUEUE, "billing").to == "client:bea"


def test_whoever_is_asked_can_hang_up_and_nothing_else(staged: StagedHouse) -> None:
    asked(staged)
    assert parted.hold(staged.house, BEA) is Said.NOT_TALKING
    assert transfer.pass_on(staged.house, BEA, Wish.QUEUE, "support") is Said.NOT_TALKING
    assert presence.hang_up(staged.house, BEA)


@on_both
def test_a_promise_is_kept_with_the_first_talk_and_the_caller_goes_on_live(staged: StagedHouse) -> None:
    caller = staged.called()
    callback = staged.by_number()
    caller.answer()
    caller.press("1")
    agent = taken(staged, caller)
    staged.wait(60)
    staged.agent("bea")
    other = rings(staged, agent)
    caller.dial_ends()
    other.pick_up()
    other.press("1")
    all_three(staged, caller, agent, other)
    agent.hang_up()
    staged.work()
    assert staged.state(callback) is State.COMPLETED
    assert str(staged.pairing("bea").entry) == caller.sid
    caller.hang_up()
    other.dial_ends()
    assert staged.status("bea") is AgentStatus.WRAP_UP
    assert staged.path(caller.sid)[-1] == "completed"


def test_a_number_outside_is_asked_and_has_the_caller(staged: StagedHouse) -> None:
    caller, agent, other = asked(staged, Wish.NUMBER, OUTSIDE)
    assert other.to == OUTSIDE
    all_three(staged, caller, agent, other)
    agent.hang_up()
    staged.work()
    assert staged.status() is AgentStatus.WRAP_UP
    assert caller.up
    assert (the_talk(staged).outside, the_talk(staged).wish) == (1, Wish.NUMBER)
    for word in other.end():
        staged.tell(word)
    caller.dial_ends()
    assert not caller.up


def test_a_number_outside_is_rung_so_often_a_day_and_not_more(staged: StagedHouse) -> None:
    caller, agent = live_talk(staged)
    with staged.sql.begin() as work:
        now, here = staged.clock.now(), staged.pairing()
        talk = Talk(Token("rs-old"), BEA, here.queue, here.entry, caller.sid, agent.sid, now, wish=Wish.NUMBER,
                    to=OUTSIDE, outside=staged.house.knobs.outside_per_number)  # fmt: skip
        work.put_talk(talk)
    for way in (transfer.consult, transfer.pass_on):
        with pytest.raises(NumberRefused) as refused:
            way(staged.house, ANN, Wish.NUMBER, OUTSIDE)
        assert refused.value.reason == "too_often"
    with staged.sql.begin() as work:
        work.suppress("+12025550133", "test", staged.clock.now())
    for number in ("+12025550133", OWN, "+447400123456", "+19005550123"):
        with pytest.raises(NumberRefused):
            transfer.consult(staged.house, ANN, Wish.NUMBER, number)
    staged.policy(dialing=False)
    with pytest.raises(NotAccepting):
        transfer.consult(staged.house, ANN, Wish.NUMBER, "+12025550134")
    assert staged.status() is AgentStatus.BUSY


def test_a_number_that_may_not_be_rung_any_more_is_not_and_the_caller_is_back(staged: StagedHouse) -> None:
    caller, agent = held(staged)
    assert transfer.consult(staged.house, ANN, Wish.NUMBER, OUTSIDE) is Said.DONE
    with staged.sql.begin() as work:
        work.suppress(OUTSIDE, "test", staged.clock.now())
    staged.follow()
    staged.work()
    assert caller.room == agent.room != ""
    assert the_talk(staged).came_to is CameTo.REFUSED


# --- the carrier that does not answer -------------------------------------------------------------------------------


def test_a_consultation_that_the_carrier_refuses_leaves_them_as_they_were(staged: StagedHouse) -> None:
    live_talk(staged)
    staged.agent("bea")
    staged.carrier.refuse_redirects = CarrierBusy("429")
    assert transfer.consult(staged.house, ANN, Wish.AGENT, "bea") is Said.NOT_NOW
    staged.carrier.refuse_redirects = None
    talk = the_talk(staged)
    assert (talk.wish, talk.stage, talk.room) == (Wish.NONE, Stage.NONE, 0)
    assert staged.status("bea") is AgentStatus.AVAILABLE
    assert parted.hold(staged.house, ANN) is Said.DONE


@pytest.mark.parametrize("what", ["pass on", "hold", "consult", "back", "connect"])
def test_what_never_had_an_answer_is_asked_again_within_seconds(staged: StagedHouse, what: str) -> None:
    other = None
    if what in ("back", "connect"):
        caller, agent, other = asked(staged)
    else:
        caller, agent = live_talk(staged)
        staged.agent("bea")
    acts: dict[str, Any] = {
        "pass on": lambda: transfer.pass_on(staged.house, ANN, Wish.AGENT, "bea"),
        "hold": lambda: parted.hold(staged.house, ANN),
        "consult": lambda: transfer.consult(staged.house, ANN, Wish.AGENT, "bea"),
        "back": lambda: consult.back(staged.house, ANN),
        "connect": lambda: consult.connect(staged.house, ANN),
    }
    staged.carrier.refuse_redirects = OutcomeUnknown("timeout")
    assert acts[what]() is Said.UNSURE
    staged.carrier.refuse_redirects = None
    assert the_talk(staged).asked_at is not None
    staged.pass_time(6)
    assert the_talk(staged).asked_at is None
    if other is not None and what == "connect":
        assert other.room
    elif what == "pass on":
        assert caller.dial is not None
    else:
        assert agent.dial is not None


def test_what_has_no_answer_for_long_is_given_up_and_can_be_wished_again(staged: StagedHouse) -> None:
    _, agent = live_talk(staged)
    staged.agent("bea")
    staged.carrier.refuse_redirects = OutcomeUnknown("timeout")
    assert transfer.pass_on(staged.house, ANN, Wish.AGENT, "bea") is Said.UNSURE
    staged.pass_time(24)
    staged.carrier.refuse_redirects = None
    assert (the_talk(staged).wish, the_talk(staged).asked_at) == (Wish.NONE, None)
    assert parted.hold(staged.house, ANN) is Said.DONE
    staged.follow()
    assert agent.room


def test_a_wish_that_was_given_up_and_done_after_all_leaves_the_caller_in_front(staged: StagedHouse) -> None:
    caller, agent = live_talk(staged)
    staged.queue("billing", (BILLING,))
    transfer.pass_on(staged.house, ANN, Wish.QUEUE, "billing")
    url = staged.carrier.redirected[-1][1]
    staged.carrier.refuse_redirects = OutcomeUnknown("timeout")
    staged.wait(24)
    asked_again.look(staged.house, Round(staged.house))
    staged.carrier.refuse_redirects = None
    agent.end()
    caller.ask(url)
    assert staged.place(caller.sid) == "hold"


# --- whatever dies in between ---------------------------------------------------------------------------------------


def test_whatever_step_the_process_ends_after_nobody_is_alone_or_lost(staged: StagedHouse) -> None:
    staged.queue(wrap_up_s=600)
    staged.agent()
    staged.agent("bea", free=False)
    for kill_after in range(1, 60):
        staged.available()
        staged.away("bea")
        caller = staged.ring_in(f"+1202555{1000 + kill_after}")
        agent = taken(staged, caller)
        staged.available("bea")
        staged.wait(60)
        staged.steps.restart(kill_after)
        died = False
        try:
            asked_and_joined(staged, caller, agent)
            agent.hang_up()
            staged.work()
        except Killed:
            died = True
        staged.steps.restart()
        staged.pass_time(30)
        assert caller.up, f"lost after step {kill_after}: {caller.document.text}"
        for leg in (caller, agent):
            leg.hang_up()
        for leg in [leg for leg in staged.legs.values() if leg.up]:
            leg.hang_up()
        staged.pass_time(30)
        assert staged.order() == [], kill_after
        assert staged.status() is not AgentStatus.BUSY, kill_after
        assert staged.status("bea") in (AgentStatus.AVAILABLE, AgentStatus.AWAY, AgentStatus.WRAP_UP), kill_after
        if not died:
            assert kill_after > 5, "it has several steps"
            return
    raise AssertionError("it has fewer steps than that")


def asked_and_joined(staged: StagedHouse, caller: Leg, agent: Leg) -> None:
    other = rings(staged, agent)
    caller.dial_ends()
    other.pick_up()
    other.press("1")
    all_three(staged, caller, agent, other)


def test_whoever_was_only_asked_was_at_work_and_had_no_talk(staged: StagedHouse) -> None:
    asked(staged)
    staged.wait(30)
    consult.back(staged.house, ANN)
    staged.work()
    begin, end = (row for row in staged.journal("bea") if row.after == "busy" or row.before == "busy")
    with staged.sql.look() as work:
        assert wrapup.talks_of(work, BEA, staged.clock.now() - timedelta(hours=1)) == []
    assert only_asked(begin.data["token"], begin.data["entry"], end)
