"""Caller and agent come together by a key on each side; talks end, are cut off, and are settled once, in any order."""

import itertools
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import Any, cast

import pytest

from callback.adapters.store.errors import StoreUnavailable
from callback.domain.callback import Callback, Outcome
from callback.domain.ids import AgentKey
from callback.domain.lifecycle import AgentStatus, State
from callback.flows import cancel, presence, reconcile, settle, sweep
from tests.support.house import ADA, BASE, StagedHouse, on_both
from tests.support.legs import Leg, Word
from tests.support.steps import Killed

BOB = "+12015550124"


def picked_up(staged: StagedHouse, **policy: Any) -> tuple[Callback, Leg]:
    """A called-back caller who pressed 1: the agent's phone rings."""
    leg = staged.called(**policy)
    leg.answer()
    leg.press("1")
    assert leg.dial is not None
    return staged.by_number(), leg


def bridged(staged: StagedHouse, **policy: Any) -> tuple[Callback, Leg, Leg]:
    """A called-back caller who talks."""
    callback, leg = picked_up(staged, **policy)
    agent = staged.talking(leg)
    assert staged.state(callback) is State.BRIDGED
    return callback, leg, agent


# --- the caller's ear -----------------------------------------------------------------------------------------------


def test_who_is_called_back_is_asked_for_a_key_before_anything_else(staged: StagedHouse) -> None:
    leg = staged.called()
    said = leg.answer().says
    assert "Support" in said
    assert "press 1" in said
    assert leg.document.names == ["Gather"]
    assert staged.state(staged.by_number()) is State.ANSWERED


@on_both
def test_a_kept_promise_from_the_answer_to_the_end(staged: StagedHouse) -> None:
    callback, leg, agent = bridged(staged)
    staged.wait(60)
    for word in [*leg.end(), *agent.end()]:
        staged.tell(word)
    assert staged.path(callback.id) == ["waiting", "reserved", "dialing", "answered", "bridged", "completed"]
    (attempt,) = staged.attempts(callback)
    assert attempt.outcome is Outcome.TALKED
    assert attempt.bridged_at is not None
    assert attempt.ended_at == attempt.bridged_at + timedelta(seconds=60)
    assert staged.status() is AgentStatus.WRAP_UP
    staged.wait(20)
    staged.sweep()
    assert staged.status() is AgentStatus.AVAILABLE
    assert staged.order() == []


def test_nobody_who_presses_a_key_is_left_a_message_and_the_attempt_is_spent(staged: StagedHouse) -> None:
    leg = staged.called()
    leg.answer()
    leg.silence()
    assert "Support" in leg.press("5").says
    callback = staged.by_number()
    assert staged.attempts(callback)[0].outcome is Outcome.NO_KEY
    assert (staged.state(callback), staged.now(callback).attempts_left) == (State.WAITING, 2)
    assert staged.status() is AgentStatus.AVAILABLE
    assert not leg.up


def test_a_detected_machine_gets_the_message_and_is_never_asked(staged: StagedHouse) -> None:
    leg = staged.called(confirm_human="amd")
    document = leg.answer("machine_start")
    assert document.verb("Gather") is None
    assert staged.attempts(staged.by_number())[0].outcome is Outcome.VOICEMAIL


def test_a_detected_human_is_asked_all_the_same(staged: StagedHouse) -> None:
    leg = staged.called(confirm_human="amd")
    assert leg.answer("human").names == ["Gather"]


def test_a_queue_that_trusts_whoever_answers_connects_at_once_but_only_to_a_proved_number(staged: StagedHouse) -> None:
    leg = staged.called(confirm_human="off")
    leg.answer()
    assert leg.dial is not None


def test_later_pressed_at_the_answer_costs_nothing_and_keeps_the_place(staged: StagedHouse) -> None:
    leg = staged.called()
    callback = staged.by_number()
    leg.answer()
    leg.press("2")
    now = staged.now(callback)
    assert now.state is State.SCHEDULED
    assert now.requested_for == staged.clock.now() + timedelta(minutes=30)
    assert now.promised_from == now.requested_for  # what was promised at first is no longer meant
    assert now.promised_to == now.requested_for + timedelta(minutes=30)
    assert (now.attempts_left, now.score) == (3, callback.score)
    assert staged.attempts(callback)[0].outcome is Outcome.LATER
    assert staged.status() is AgentStatus.AVAILABLE
    staged.clock.advance(30 * 60)
    staged.sweep()
    assert staged.outgoing().to == ADA


def test_no_longer_needed_pressed_at_the_answer_cancels_for_good(staged: StagedHouse) -> None:
    leg = staged.called()
    leg.answer()
    leg.press("3")
    staged.work()
    callback = staged.by_number()
    assert staged.state(callback) is State.CANCELLED
    assert staged.attempts(callback)[0].outcome is Outcome.NOT_NEEDED
    assert staged.carrier.hung_up == [], "the goodbye is heard to its end"
    assert staged.status() is AgentStatus.AVAILABLE


@pytest.mark.parametrize(
    ("status", "outcome"),
    [
        ("busy", Outcome.BUSY),
        ("no-answer", Outcome.NO_ANSWER),
        ("failed", Outcome.FAILED),
        ("canceled", Outcome.CANCELLED),
    ],
)
def test_a_call_that_nobody_takes_ends_its_attempt(staged: StagedHouse, status: str, outcome: Outcome) -> None:
    leg = staged.called()
    callback = staged.by_number()
    if outcome is Outcome.CANCELLED:
        cancel.cancel(staged.house, callback.id, reason="test", cause="test")
    leg.fails(status)
    assert staged.attempts(callback)[0].outcome is outcome
    assert staged.status() is AgentStatus.AVAILABLE


# --- the agent's ear ------------------------------------------------------------------------------------------------


def test_the_agent_hears_who_it_is_and_one_key_bridges(staged: StagedHouse) -> None:
    _, leg = picked_up(staged)
    agent = leg.agent()
    assert "Support" in agent.pick_up().says
    assert agent.press("1").verbs == (), "an empty document bridges"
    assert staged.status() is AgentStatus.BUSY


def test_a_wrong_key_is_asked_once_more_and_then_counts_as_missed(staged: StagedHouse) -> None:
    callback, leg = picked_up(staged)
    agent = leg.agent()
    agent.pick_up()
    assert agent.press("4").names == ["Gather"]
    agent.press("")
    assert not agent.up
    said = leg.dial_ends("no-answer").says
    assert "Sorry" in said or "sorry" in said
    assert staged.status() is AgentStatus.AWAY
    leg.hold()
    assert staged.standing(callback.id).position == 1
    assert staged.state(callback) is State.ANSWERED


def test_a_caller_whose_agent_missed_the_ring_is_taken_by_the_next(staged: StagedHouse) -> None:
    callback, leg = picked_up(staged)
    leg.dial_ends("no-answer")
    leg.hold()
    staged.agent("bea")
    staged.work()
    agent = staged.talking(leg)
    assert str(staged.pairing("bea").entry) == callback.id
    assert staged.status("bea") is AgentStatus.BUSY
    assert staged.now(callback).agent == "bea"
    staged.wait(60)
    for word in [*leg.end(), *agent.end()]:
        staged.tell(word)
    assert staged.state(callback) is State.COMPLETED


@pytest.mark.parametrize("beside", ["workers", "a sweep"])
def test_a_caller_whose_agent_missed_the_ring_hears_of_it_however_quick_others_are(
    staged: StagedHouse, beside: str
) -> None:
    staged.queue()
    staged.agent("ann")
    staged.agent("bea")
    leg = staged.ring_in()
    assert staged.pairing("ann").entry == leg.sid
    with quick(staged, beside):
        said = leg.dial_ends("no-answer").says
    assert "our colleague could not answer" in said
    assert staged.carrier.redirected == [], "what they hear is cut off by nobody"
    staged.talking(leg)
    assert staged.pairing("bea").entry == leg.sid


@contextmanager
def quick(staged: StagedHouse, who: str) -> Iterator[None]:
    """Between any two steps, and at the end, the workers do all there is to do; "a sweep": which comes first."""

    def others(_: str) -> None:
        if who == "a sweep":
            sweep.sweep(staged.house)
        staged.dispatch.run_all(staged.house)

    staged.steps.between = others
    yield
    staged.steps.between = None
    staged.work()


def test_a_web_that_dies_while_it_finds_another_agent_costs_the_caller_nothing(staged: StagedHouse) -> None:
    staged.queue()
    staged.agent("ann")
    staged.agent("bea")
    leg = staged.ring_in()
    staged.steps.restart(kill_after=1)
    with pytest.raises(Killed, match=r"line\.release"):
        leg.dial_ends("no-answer")
    staged.steps.restart()
    assert leg.dial is not None
    leg.ask(f"{BASE}/voice/fallback", ErrorCode="11200", ErrorUrl=leg.dial.get("action"))
    leg.hold()
    staged.talking(leg)
    assert staged.pairing("bea").entry == leg.sid


def test_a_key_for_a_pairing_that_is_gone_bridges_nobody(staged: StagedHouse) -> None:
    callback, leg = picked_up(staged)
    agent = leg.agent()
    agent.pick_up()
    cancel.cancel(staged.house, callback.id, reason="test", cause="test")
    said = agent.press("1")
    assert said.names[-1] == "Hangup"
    assert staged.state(callback) is State.CANCELLED
    assert staged.status() is AgentStatus.AVAILABLE


def test_a_whisper_for_a_pairing_that_is_gone_hangs_up(staged: StagedHouse) -> None:
    _, leg = picked_up(staged)
    agent = leg.agent()
    leg.hang_up()
    assert agent.pick_up().names[-1] == "Hangup"


@on_both
def test_a_cancel_between_the_line_and_the_record_of_a_bridge_is_not_talked_over(staged: StagedHouse) -> None:
    callback, leg = picked_up(staged)
    agent = leg.agent()
    agent.pick_up()

    def beside(step: str) -> None:
        if step == "line.bridge":
            cancel.cancel(staged.house, callback.id, reason="changed my mind", cause="test")

    staged.steps.between = beside
    agent.press("1")
    staged.steps.between = None
    staged.work()
    assert staged.state(callback) is State.CANCELLED
    assert not leg.up
    assert staged.status() in (AgentStatus.AVAILABLE, AgentStatus.WRAP_UP)


# --- the end of a talk ----------------------------------------------------------------------------------------------


def ways(words: list[Word]) -> list[list[Word]]:
    """Every order of these words, each of them once and twice."""
    return [list(order) for order in itertools.permutations(words)] + [
        [word for word in order for _ in range(2)] for order in itertools.permutations(words)
    ]


@pytest.mark.parametrize("after_s", [60, 3], ids=["after a talk", "within the cut-off, by the caller"])
def test_the_words_about_the_end_of_a_talk_converge_in_every_order_and_twice(staged: StagedHouse, after_s: int) -> None:
    staged.queue(wrap_up_s=0, retry_delays_s=[600], cut_off_s=10 if after_s == 60 else 0)
    staged.agent(free=False)
    ends = set()
    for number in range(12):
        callback = staged.promise(f"+120155502{number:02d}")
        staged.available()
        staged.work()
        leg = staged.outgoing()
        leg.ring()
        leg.answer()
        leg.press("1")
        agent = staged.talking(leg)
        staged.wait(after_s)
        order = ways([*leg.end(), *agent.end()])[number]
        for word in order:
            staged.tell(word)
        staged.work()
        ends.add((staged.state(callback), staged.attempts(callback)[0].outcome, staged.status(), len(staged.order())))
        assert staged.path(callback.id)[-2:] == ["bridged", "completed"]
    assert ends == {(State.COMPLETED, Outcome.TALKED, AgentStatus.AVAILABLE, 0)}


def test_the_words_about_an_unanswered_call_converge_in_every_order_and_twice(staged: StagedHouse) -> None:
    staged.queue(retry_delays_s=[600])
    staged.agent(free=False)
    ends = set()
    for number in range(12):
        callback = staged.promise(f"+120155502{number:02d}")
        staged.available()
        staged.work()
        leg = staged.outgoing()
        words = [leg.report(status) for status in ("initiated", "ringing", "no-answer")]
        staged.carrier.end(leg.sid, "no-answer")
        for word in ways([word for word in words if word])[number]:
            staged.tell(word)
        staged.away()
        ends.add((staged.state(callback), staged.now(callback).attempts_left, staged.attempts(callback)[0].outcome))
        assert staged.attempts(callback)[0].call == leg.sid
    assert ends == {(State.WAITING, 2, Outcome.NO_ANSWER)}


def test_the_words_about_a_caller_who_hangs_up_while_the_agent_is_rung_converge_in_every_order(
    staged: StagedHouse,
) -> None:
    staged.queue(retry_delays_s=[600])
    staged.agent(free=False)
    ends = set()
    for number in range(12):
        callback = staged.promise(f"+120155502{number:02d}")
        staged.available()
        staged.work()
        leg = staged.outgoing()
        leg.ring()
        leg.answer()
        leg.press("1")
        agent = leg.agent()
        for word in ways([*leg.end(), *agent.end("canceled")])[number]:
            staged.tell(word)
        ends.add((staged.state(callback), staged.now(callback).attempts_left, staged.status()))
        staged.away()
    assert ends == {(State.WAITING, 2, AgentStatus.AVAILABLE)}


def test_a_talk_that_ends_within_the_cut_off_by_the_agents_side_puts_the_caller_in_front(staged: StagedHouse) -> None:
    callback, leg, agent = bridged(staged)
    staged.wait(5)
    other = staged.holding(BOB)
    for word in agent.end():
        staged.tell(word)
    leg.dial_ends()
    assert leg.queue is not None
    leg.hold()
    assert staged.order() == [callback.id, other.sid]
    assert staged.state(callback) is State.ANSWERED
    assert staged.status() is AgentStatus.WRAP_UP
    staged.agent("bea")
    staged.work()
    assert str(staged.pairing("bea").entry) == callback.id
    staged.talking(leg)
    assert staged.path(callback.id)[-3:] == ["bridged", "answered", "bridged"]


def test_an_agent_who_is_free_at_once_takes_the_caller_who_was_cut_off_and_not_the_next(staged: StagedHouse) -> None:
    callback, leg, agent = bridged(staged, wrap_up_s=0)
    staged.wait(2)
    staged.holding(BOB)
    for word in agent.end():
        staged.tell(word)
    assert str(staged.pairing().entry) == callback.id, "though their leg has not asked for its music yet"
    leg.dial_ends()
    staged.talking(leg)
    assert staged.path(callback.id)[-3:] == ["bridged", "answered", "bridged"]
    staged.check_journal()


@pytest.mark.parametrize("beside", ["workers", "a sweep"])
@pytest.mark.parametrize("first", ["the caller's leg", "the agent's leg"])
def test_a_caller_who_is_cut_off_hears_of_it_however_quick_others_are(
    staged: StagedHouse, first: str, beside: str
) -> None:
    staged.queue()
    staged.agent("ann")
    staged.agent("bea")
    leg = staged.ring_in()
    agent = staged.talking(leg)
    assert staged.pairing("ann").entry == leg.sid
    staged.wait(2)
    words = agent.end()
    with quick(staged, beside):
        if first == "the agent's leg":
            tell_all(staged, words)
        said = leg.dial_ends().says
        if first == "the caller's leg":
            tell_all(staged, words)
    assert "the connection was lost" in said
    assert staged.carrier.redirected == [], "what they hear is cut off by nobody"
    staged.talking(leg)
    assert staged.pairing("bea").entry == leg.sid


def tell_all(staged: StagedHouse, words: list[Word]) -> None:
    """The carrier reports these."""
    for word in words:
        staged.tell(word)


def test_a_caller_who_is_cut_off_and_whose_leg_asks_nothing_is_fetched_by_the_sweep(staged: StagedHouse) -> None:
    staged.queue()
    staged.agent("ann")
    staged.agent("bea")
    leg = staged.ring_in()
    agent = staged.talking(leg)
    staged.wait(2)
    tell_all(staged, agent.end())
    assert staged.pairing("bea").entry == leg.sid
    staged.pass_time(round(staged.house.knobs.lease_s) + 2)
    assert len(staged.carrier.redirected) == 1
    staged.talking(leg)
    assert staged.pairing("bea").entry == leg.sid


def test_the_desk_can_say_that_a_talk_was_cut_off_at_any_time(staged: StagedHouse) -> None:
    callback, leg, _ = bridged(staged)
    staged.wait(300)
    assert presence.cut_off(staged.house, AgentKey("ann"), cause="desk")
    assert not presence.cut_off(staged.house, AgentKey("ann"), cause="desk")
    leg.dial_ends()
    leg.hold()
    assert staged.standing(callback.id).position == 1
    assert staged.state(callback) is State.ANSWERED


def test_without_a_cut_off_every_end_is_the_end(staged: StagedHouse) -> None:
    callback, leg, _ = bridged(staged, cut_off_s=0)
    leg.dial_ends()
    assert staged.state(callback) is State.COMPLETED
    assert not leg.up


@pytest.mark.parametrize("there", [True, False], ids=["still there", "hung up"])
def test_an_agents_key_whose_document_never_reached_the_carrier_has_bridged_nobody(
    staged: StagedHouse, there: bool
) -> None:
    """However late the end of the dial is told. Whoever hung up meanwhile has said themselves that it is over."""
    callback, leg, _ = bridged(staged, retry_delays_s=[600])
    staged.wait(15)
    assert leg.dial is not None
    status = "in-progress" if there else "completed"
    ended = {"DialCallStatus": "completed", "DialBridged": "false"}
    staged.post(leg.dial.get("action"), leg.form(CallStatus=status, **ended))
    assert staged.state(callback) is (State.ANSWERED if there else State.COMPLETED)
    assert staged.place(callback.id) == ("hold" if there else "")


def test_a_live_caller_who_is_cut_off_keeps_their_place(staged: StagedHouse) -> None:
    staged.queue()
    staged.agent()
    leg = staged.ring_in()
    score = staged.standing(leg.sid).score
    staged.talking(leg)
    staged.wait(1)
    staged.holding(BOB)
    staged.wait(1)
    leg.dial_ends()
    leg.hold()
    assert staged.order()[0] == leg.sid
    assert staged.standing(leg.sid).score == score


def test_an_agents_leg_that_was_never_answered_ends_no_talk(staged: StagedHouse) -> None:
    """The first ring of an agent who was rung twice for one pairing: its end is told late."""
    _, leg = picked_up(staged)
    first = leg.agent()
    staged.talking(leg)
    staged.wait(3)
    for word in first.end("canceled"):
        staged.tell(word)
    assert staged.status() is AgentStatus.BUSY


@on_both
def test_an_agents_first_leg_that_an_outage_kept_from_the_talk_does_not_end_it_on_the_second(
    staged: StagedHouse,
) -> None:
    callback, leg = picked_up(staged)
    first = leg.agent()
    first.pick_up()
    second = staged.talking(leg)
    staged.wait(30)
    for word in first.end():
        staged.tell(word)
    assert (staged.status(), staged.state(callback)) == (AgentStatus.BUSY, State.BRIDGED)
    for word in second.end():
        staged.tell(word)
    assert (staged.status(), staged.state(callback)) == (AgentStatus.WRAP_UP, State.COMPLETED)


def test_a_report_hours_late_touches_neither_the_newer_attempt_nor_the_agent(staged: StagedHouse) -> None:
    leg = staged.called(retry_delays_s=[0])
    callback = staged.by_number()
    late = leg.report("completed")
    leg.fails("no-answer")
    staged.work()
    newer = staged.outgoing()
    newer.ring()
    staged.wait(2)
    staged.tell(late)
    assert staged.state(callback) is State.DIALING
    assert staged.attempts(callback)[1].outcome is None
    assert staged.status() is AgentStatus.RESERVED


def test_a_late_answer_of_a_superseded_attempt_hears_an_apology(staged: StagedHouse) -> None:
    leg = staged.called(retry_delays_s=[0])
    callback = staged.by_number()
    settle.attempt_over(staged.house, staged.attempts(callback)[0].id, Outcome.NO_ANSWER, cause="test")
    staged.work()
    assert staged.state(callback) is State.DIALING
    assert leg.answer().names[-1] == "Hangup"
    assert staged.state(callback) is State.DIALING


# --- what a crash or an outage between line and record leaves -------------------------------------------------------


@on_both
def test_a_record_that_is_away_when_a_talk_ends_is_mended_by_asking_the_carrier(staged: StagedHouse) -> None:
    callback, leg, agent = bridged(staged)
    staged.wait(60.5)
    words = [*leg.end(), *agent.end()]
    staged.steps.fail_commit = StoreUnavailable("away")
    staged.post(*words[0])
    for word in words[1:]:
        staged.tell(word)
    staged.pass_time(45)
    assert staged.state(callback) is State.COMPLETED
    assert staged.status() is AgentStatus.AVAILABLE
    assert staged.order() == []


@on_both
def test_the_last_webhook_never_comes_and_the_agent_is_freed_all_the_same(staged: StagedHouse) -> None:
    callback, leg, agent = bridged(staged)
    staged.wait(60.5)
    leg.end()
    agent.end()
    staged.pass_time(21)
    assert staged.state(callback) is State.COMPLETED
    assert staged.status() in (AgentStatus.WRAP_UP, AgentStatus.AVAILABLE)


@on_both
def test_the_same_is_true_when_the_caller_talked_with_their_second_agent(staged: StagedHouse) -> None:
    callback, leg = picked_up(staged)
    leg.dial_ends("no-answer")
    leg.hold()
    staged.agent("bea")
    staged.work()
    agent = staged.talking(leg)
    staged.wait(60.5)
    leg.end()
    agent.end()
    staged.pass_time(21)
    assert staged.state(callback) is State.COMPLETED
    assert staged.status("bea") in (AgentStatus.WRAP_UP, AgentStatus.AVAILABLE)


@on_both
def test_a_cut_off_caller_who_hung_up_while_the_record_was_away_is_rung_again(staged: StagedHouse) -> None:
    callback, leg, _ = bridged(staged)
    staged.wait(3)
    staged.steps.fail_commit = StoreUnavailable("away")
    leg.dial_ends()
    assert "connection was lost" in leg.document.says, "what the line knows is enough to say"
    assert staged.state(callback) is State.BRIDGED, "the record missed it"
    leg.hold()
    leg.hang_up()
    staged.wait(0.5)
    staged.pass_time(60)
    assert staged.outgoing().to == ADA
    assert staged.now(callback).attempts_left == 3
    assert staged.status() is AgentStatus.RESERVED


def test_a_talk_that_ends_on_a_line_from_before_it_is_over_and_not_cut_off(staged: StagedHouse) -> None:
    staged.queue(cut_off_s=0)
    staged.agent(free=False)
    callback = staged.promise()
    older = {key: staged.redis.dump(key) for key in cast(list[str], staged.redis.keys("*"))}
    staged.available()
    staged.work()
    leg = staged.outgoing()
    leg.ring()
    leg.answer()
    leg.press("1")
    staged.talking(leg)
    staged.lose_line()
    for key, value in older.items():
        if value is not None:  # else its time was over since the keys were listed
            staged.redis.restore(key, 0, cast(bytes, value))
    assert staged.place(callback.id) == "due", "as the older line has it"
    leg.hang_up()
    assert staged.state(callback) is State.COMPLETED


def test_who_answers_and_hangs_up_between_two_webhooks_spends_one_attempt(staged: StagedHouse) -> None:
    leg = staged.called(retry_delays_s=[600])
    leg.answer()
    leg.hang_up()
    callback = staged.by_number()
    assert staged.attempts(callback)[0].outcome is Outcome.HUNG_UP
    assert staged.now(callback).attempts_left == 2


# --- attempts and places --------------------------------------------------------------------------------------------


def test_after_the_last_attempt_the_caller_is_told_and_left_alone(staged: StagedHouse) -> None:
    leg = staged.called(attempts=2, retry_delays_s=[60])
    leg.fails("no-answer")
    callback = staged.by_number()
    staged.pass_time(61)
    second = staged.outgoing()
    second.fails("busy")
    staged.work()
    assert staged.state(callback) is State.UNREACHED
    assert len(staged.texts()) == 2
    staged.pass_time(30)
    assert staged.unseen == 0
    assert staged.order() == []


def test_a_missed_caller_keeps_their_place_or_goes_back_as_the_policy_says(staged: StagedHouse) -> None:
    leg = staged.called(missed_place="keep", retry_delays_s=[60])
    first = staged.by_number()
    staged.wait(10)
    staged.away()
    second = staged.promise(BOB)
    leg.fails("no-answer")
    assert staged.order() == [first.id, second.id]
    staged.policy(missed_place="back")
    staged.wait(61)
    staged.sweep()
    staged.available()
    staged.work()
    leg = staged.outgoing()
    assert leg.to == ADA
    staged.away()
    leg.fails("no-answer")
    assert staged.order() == [second.id, first.id]


def test_whoever_goes_back_keeps_the_credit_of_their_priority(staged: StagedHouse) -> None:
    staged.queue(missed_place="back", retry_delays_s=[60], priority_credit_s={"vip": 300})
    leg = staged.ring_in(ADA, priority="vip")
    for key in "11":
        leg.press(key)
    first = staged.by_number()
    assert first.priority == "vip"
    second = staged.promise(BOB)
    staged.agent()
    staged.work()
    leg = staged.outgoing()
    assert leg.to == ADA
    staged.away()
    leg.fails("no-answer")
    assert staged.order() == [first.id, second.id]


def test_a_retry_is_rung_when_it_is_due_and_an_agent_serves_others_meanwhile(staged: StagedHouse) -> None:
    leg = staged.called(retry_delays_s=[300])
    leg.fails("no-answer")
    other = staged.ring_in(BOB)
    agent = staged.talking(other)
    staged.pass_time(100)
    for word in [*other.end(), *agent.end()]:
        staged.tell(word)
    staged.pass_time(199)
    assert staged.unseen == 0
    staged.pass_time(2)
    assert staged.outgoing().to == ADA


def test_the_carrier_is_asked_once_in_a_while_about_a_talk_that_goes_on(staged: StagedHouse) -> None:
    callback, _, _ = bridged(staged)
    staged.wait(0.5)
    staged.pass_time(100)
    assert staged.state(callback) is State.BRIDGED
    assert staged.status() is AgentStatus.BUSY
    reconcile.resolve(staged.house, staged.now(callback))
    assert staged.state(callback) is State.BRIDGED
