"""A free agent's caller is rung: who is next, what each answer of the carrier means, and what silence leads to."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from callback.domain.callback import Outcome
from callback.domain.ids import CallSid
from callback.domain.lifecycle import AgentStatus, State
from callback.flows import cancel, dial, reconcile
from callback.ports import CarrierBusy, CarrierError, CarrierStopped, NewCall, OutcomeUnknown, Tried
from tests.support.clock import ManualClock
from tests.support.house import ADA, BASE, OWN, SUPPORT, StagedHouse, on_both, stage

BOB, CYD = "+12015550124", "+12015550125"
BOUND_S = 25 + 30 + 10


# --- who is next ----------------------------------------------------------------------------------------------------


@on_both
def test_the_attempt_is_committed_as_dialing_before_the_carrier_is_asked(staged: StagedHouse) -> None:
    staged.queue()
    staged.agent(free=False)
    callback = staged.promise()
    staged.available()
    staged.steps.restart()
    seen: list[tuple[str, State]] = []
    staged.steps.between = lambda step: seen.append((step, staged.state(callback)))
    staged.work()
    assert [step for step, _ in seen] == [
        "line.take_up", "commit", "line.extend", "carrier.create_call", "commit",
    ]  # fmt: skip
    assert {state for _, state in seen[1:]} == {State.DIALING}
    (attempt,) = staged.attempts(callback)
    assert (attempt.number, attempt.mode, attempt.agent) == (1, "customer_first", "ann")
    assert attempt.call == staged.outgoing().sid
    assert staged.path(callback.id) == ["waiting", "reserved", "dialing"]


def test_the_carrier_is_asked_for_the_number_with_our_own_and_the_policys_ring_time(staged: StagedHouse) -> None:
    staged.called(ring_timeout_s=17)
    (_, call) = staged.carrier.created[0]
    assert (call.to, call.from_, call.timeout, call.detect_machine) == (ADA, OWN, 17, False)
    assert all(url.startswith(BASE) for url in (call.url, call.status_url, call.fallback_url))


def test_callers_and_promises_are_served_in_one_order(staged: StagedHouse) -> None:
    staged.queue()
    first = staged.holding(BOB)
    staged.wait(1)
    second = staged.promise()
    staged.wait(1)
    third = staged.holding(CYD)
    assert staged.order() == [first.sid, second.id, third.sid]
    served = []
    for key in ("ann", "bea", "cat"):
        staged.agent(key)
        staged.work()
        served.append(str(staged.pairing(key).entry))
    assert served == [first.sid, second.id, third.sid]


def test_the_agent_who_is_idle_longest_is_first_unless_another_has_the_better_level(staged: StagedHouse) -> None:
    staged.queue()
    staged.agent("second", (SUPPORT, 2))
    staged.wait(60)
    staged.agent("new", (SUPPORT, 1))
    assert staged.ring_in().dial is not None
    assert staged.status("new") is AgentStatus.RESERVED
    staged.ring_in(BOB)
    assert staged.status("second") is AgentStatus.RESERVED


def test_an_agent_of_two_queues_takes_whoever_joined_first_in_either(staged: StagedHouse) -> None:
    staged.queue()
    staged.queue("billing", numbers=("+12015550101",))
    late = staged.promise(queue="billing")
    staged.wait(1)
    staged.promise(BOB)
    staged.agent("ann", SUPPORT, "billing")
    staged.work()
    assert str(staged.pairing().entry) == late.id


def test_an_agent_serves_nobody_of_a_queue_that_is_not_theirs(staged: StagedHouse) -> None:
    staged.queue()
    staged.queue("billing", numbers=("+12015550101",))
    staged.promise(queue="billing")
    staged.agent("ann", SUPPORT)
    staged.sweep()
    assert staged.status() is AgentStatus.AVAILABLE


def test_a_vips_credit_puts_their_promise_before_earlier_callers(staged: StagedHouse) -> None:
    staged.queue()
    staged.promise(BOB)
    staged.wait(100)
    leg = staged.ring_in(ADA, priority="vip")
    leg.press("1")
    leg.press("1")
    vip = staged.by_number(ADA)
    staged.agent()
    staged.work()
    assert str(staged.pairing().entry) == vip.id


def test_a_queue_that_does_not_dial_serves_only_who_is_on_the_line(staged: StagedHouse) -> None:
    staged.queue(dialing=False)
    promised = staged.promise(BOB)
    live = staged.holding(ADA)
    staged.agent()
    staged.work()
    assert str(staged.pairing().entry) == live.sid
    assert staged.place(promised.id) == "due"


# --- held callers ---------------------------------------------------------------------------------------------------


def test_a_held_caller_is_fetched_and_connected(staged: StagedHouse) -> None:
    staged.queue()
    leg = staged.holding()
    staged.agent()
    staged.work()
    assert "connect you" in leg.document.says.lower() or leg.document.names[-1] == "Dial"
    staged.talking(leg)
    assert staged.path(leg.sid) == ["arrived", "waiting", "reserved", "bridged"]


def test_the_same_pairing_handed_to_two_workers_rings_one_agent_once(staged: StagedHouse) -> None:
    staged.queue()
    leg = staged.holding()
    staged.agent()
    staged.work("twice")
    assert len({url.split("&x=")[0] for _, url in staged.carrier.redirected}) == 1
    agent = leg.agent()
    agent.pick_up()
    agent.press("1")
    assert staged.status() is AgentStatus.BUSY


def test_a_held_caller_who_is_gone_leaves_and_the_agent_takes_the_next(staged: StagedHouse) -> None:
    staged.queue()
    gone = staged.holding(BOB)
    staged.wait(1)
    there = staged.holding()
    staged.carrier.end(gone.sid)
    staged.agent()
    staged.work()
    assert str(staged.pairing().entry) == there.sid
    assert staged.path(gone.sid)[-1] == "abandoned"


def test_a_leg_that_cannot_be_redirected_yet_stays_first_in_line(staged: StagedHouse) -> None:
    staged.queue()
    leg = staged.holding()
    staged.carrier._change(leg.sid, status="ringing")
    staged.agent()
    staged.work()
    assert staged.place(leg.sid) == "hold"
    assert staged.status() is AgentStatus.AVAILABLE
    staged.carrier.answer(leg.sid)
    staged.sweep()
    staged.talking(leg)


@pytest.mark.parametrize("error", [CarrierBusy("429"), OutcomeUnknown("503"), CarrierStopped("401", 20003)])
def test_a_redirect_that_fails_leaves_nobody_behind(staged: StagedHouse, error: CarrierError) -> None:
    staged.queue()
    leg = staged.holding()
    staged.agent()
    with failing_redirects(staged, error):
        try_to(staged.work)
    for _ in range(40):
        staged.clock.advance(1)
        staged.sweep()
        if leg.dial is not None:
            break
        if staged.clock.now().second % 20 == 0:
            leg.hold()
    staged.talking(leg)


def try_to(work: object) -> None:
    """A worker's task fails: the broker drops it."""
    try:
        work()  # type: ignore[operator]
    except CarrierError:
        return


class failing_redirects:
    """The carrier answers redirects with an error meanwhile."""

    def __init__(self, staged: StagedHouse, error: CarrierError) -> None:
        self.staged, self.error = staged, error

    def __enter__(self) -> None:
        self.staged.carrier.redirect = self._fail  # type: ignore[method-assign]

    def __exit__(self, *_: object) -> None:
        del self.staged.carrier.redirect

    def _fail(self, call: CallSid, url: str) -> None:
        raise self.error


# --- what the carrier answers ---------------------------------------------------------------------------------------


@on_both
def test_a_number_that_can_never_be_dialled_ends_the_callback_as_failed(staged: StagedHouse) -> None:
    staged.carrier.undialable[ADA] = 21217
    staged.queue()
    callback = staged.promise()
    staged.agent()
    staged.work()
    assert staged.state(callback) is State.FAILED
    assert staged.attempts(callback)[0].outcome is Outcome.UNDIALABLE
    assert staged.attempts(callback)[0].error == "21217"
    assert staged.order() == []
    assert staged.status() is AgentStatus.AVAILABLE


@on_both
def test_too_much_at_once_spends_no_attempt_frees_the_agent_and_is_tried_again_with_jitter(staged: StagedHouse) -> None:
    staged.queue()
    callback = staged.promise()
    staged.agent()
    busy = CarrierBusy("429", 20429)
    busy.retry_after_s = 4
    staged.carrier.fail_next(busy)
    staged.work()
    now = staged.now(callback)
    assert (now.state, now.attempts_left) == (State.WAITING, 3)
    assert now.next_attempt_at is not None
    assert 4 <= (now.next_attempt_at - staged.clock.now()).total_seconds() <= 8
    assert staged.place(callback.id) == "later"
    assert staged.status() is AgentStatus.AVAILABLE
    staged.pass_time(9)
    assert len(staged.carrier.created) == 1
    assert [attempt.outcome for attempt in staged.attempts(callback)] == [Outcome.REFUSED, None]


def test_a_burst_of_429_loses_nobody_and_spends_nothing(staged: StagedHouse) -> None:
    staged.queue()
    callbacks = [staged.promise(f"+120155502{number:02d}") for number in range(10)]
    for _ in range(25):
        staged.carrier.fail_next(CarrierBusy("429", 20429))
    for number in range(10):
        staged.agent(f"agent{number}")
    staged.work()
    staged.pass_time(30)
    assert {staged.state(callback) for callback in callbacks} == {State.DIALING}
    assert {staged.now(callback).attempts_left for callback in callbacks} == {3}
    assert len(staged.carrier.created) == 10


@on_both
def test_a_refused_account_stops_the_dialler_and_says_so_in_the_journal(staged: StagedHouse) -> None:
    staged.queue()
    callback = staged.promise()
    staged.agent()
    staged.carrier.fail_next(CarrierStopped("401: authenticate", 20003))
    staged.work()
    (alert,) = [entry for entry in staged.journal(kind="queue") if entry.after == "stopped"]
    assert "20003" in alert.cause
    assert (staged.state(callback), staged.now(callback).attempts_left) == (State.WAITING, 3)
    assert staged.status() is AgentStatus.AVAILABLE
    staged.pass_time(8)
    assert len(staged.carrier.created) == 1
    (news,) = [entry for entry in staged.journal(kind="queue") if entry.after == "working"]
    assert "20003" in news.cause


def test_any_other_refusal_spends_the_attempt(staged: StagedHouse) -> None:
    staged.queue(retry_delays_s=[60])
    callback = staged.promise()
    staged.agent()
    staged.carrier.fail_next(CarrierError("400: nonsense", 12345))
    staged.work()
    now = staged.now(callback)
    assert (now.state, now.attempts_left) == (State.WAITING, 2)
    assert now.next_attempt_at == staged.clock.now() + timedelta(seconds=60)


@on_both
def test_an_unknown_answer_goes_to_reconciling_and_frees_the_agent(staged: StagedHouse) -> None:
    staged.queue()
    callback = staged.promise()
    staged.agent()
    staged.carrier.fail_next(OutcomeUnknown("timeout"))
    staged.work()
    assert staged.state(callback) is State.RECONCILING
    assert staged.status() is AgentStatus.AVAILABLE
    assert staged.order() == []


# --- reconciling ----------------------------------------------------------------------------------------------------


def reconciling(staged: StagedHouse, *, accepted: bool) -> str:
    staged.queue()
    callback = staged.promise()
    staged.agent()
    staged.carrier.fail_next(OutcomeUnknown("garbage"), accepted=accepted)
    staged.work()
    assert staged.state(callback) is State.RECONCILING
    staged.wait(0.5)  # no sweep comes to the microsecond
    return callback.id


@on_both
def test_a_call_that_was_not_placed_is_placed_after_the_bound_and_not_before(staged: StagedHouse) -> None:
    reconciling(staged, accepted=False)
    callback = staged.by_number()
    staged.pass_time(BOUND_S - 1)
    assert staged.carrier.created == []
    assert staged.state(callback) is State.RECONCILING
    staged.pass_time(20)
    assert len(staged.carrier.created) == 1
    assert staged.attempts(callback)[0].outcome is Outcome.NEVER_PLACED
    assert staged.now(callback).attempts_left == 3


@on_both
def test_a_call_that_was_placed_all_the_same_is_found_and_none_other_is_made(staged: StagedHouse) -> None:
    reconciling(staged, accepted=True)
    callback = staged.by_number()
    leg = staged.outgoing()
    staged.carrier.ring(leg.sid)
    staged.pass_time(21)
    assert staged.attempts(callback)[0].call == leg.sid
    staged.pass_time(100)
    assert len(staged.carrier.created) == 1
    leg.status = "ringing"
    leg.answer()
    leg.press("1")
    assert staged.state(callback) is State.ANSWERED
    staged.talking(leg)
    assert staged.state(callback) is State.BRIDGED


def test_a_lost_call_that_has_ended_unheard_settles_the_attempt(staged: StagedHouse) -> None:
    reconciling(staged, accepted=True)
    callback = staged.by_number()
    staged.carrier.end(staged.outgoing().sid, "no-answer")
    staged.pass_time(21)
    assert staged.attempts(callback)[0].outcome is Outcome.NO_ANSWER
    assert (staged.state(callback), staged.now(callback).attempts_left) == (State.WAITING, 2)


def test_the_first_webhook_binds_the_call_that_nobody_heard_of(staged: StagedHouse) -> None:
    reconciling(staged, accepted=True)
    leg = staged.outgoing()
    leg.ring()
    assert staged.attempts(staged.by_number())[0].call == leg.sid
    assert "press 1" in leg.answer().says
    assert staged.state(staged.by_number()) is State.ANSWERED


def test_a_call_between_the_same_two_numbers_from_before_is_not_taken_for_it(staged: StagedHouse) -> None:
    staged.carrier.create_call(NewCall(ADA, OWN, "u", "s", 25))
    staged.wait(60)
    reconciling(staged, accepted=False)
    callback = staged.by_number()
    assert reconcile.find(staged.house, callback.number, Tried(callback.queue, staged.attempts(callback)[0])) is None


def test_the_carriers_silence_while_reconciling_is_waited_out(staged: StagedHouse) -> None:
    reconciling(staged, accepted=True)
    original = staged.carrier.calls

    def away(**_: object) -> list[object]:
        raise OutcomeUnknown("503")

    staged.carrier.calls = away  # type: ignore[assignment, method-assign]
    staged.pass_time(BOUND_S + 30)
    assert staged.state(staged.by_number()) is State.RECONCILING
    assert len(staged.carrier.created) == 1
    staged.carrier.calls = original  # type: ignore[method-assign]
    staged.pass_time(21)
    assert staged.attempts(staged.by_number())[0].call == staged.carrier.created[0][0]


# --- the rules are looked at again when it is time to dial ----------------------------------------------------------


def test_quiet_hours_where_the_callee_is_put_the_dial_off_and_the_agent_takes_the_next(staged: StagedHouse) -> None:
    staged.queue(quiet_hours=["21:00", "09:00"])
    asleep = staged.promise()  # New Jersey, where it is four in the morning
    staged.wait(1)
    awake = staged.holding("+442071838750")
    staged.agent()
    staged.work()
    assert str(staged.pairing().entry) == awake.sid
    assert staged.now(asleep).next_attempt_at == datetime(2026, 3, 2, 14, 0, tzinfo=UTC)
    assert staged.place(asleep.id) == "later"
    awake.hang_up()
    staged.clock.set(datetime(2026, 3, 2, 14, 0, tzinfo=UTC))
    staged.sweep()
    assert staged.outgoing().to == ADA


def test_a_number_that_became_forbidden_is_not_dialled(staged: StagedHouse) -> None:
    staged.queue()
    callback = staged.promise()
    with staged.sql.begin() as work:
        work.suppress(ADA, "not me", staged.clock.now())
    staged.agent()
    staged.work()
    assert staged.state(callback) is State.FAILED
    assert staged.carrier.created == []
    assert staged.status() is AgentStatus.AVAILABLE


def test_the_carriers_pace_is_shared_and_keeps_the_reservation_alive(
    request: pytest.FixtureRequest, redis_url: str, tmp_path: Path, clock: ManualClock
) -> None:
    with stage(request, redis_url, tmp_path, clock, calls_per_second=0.05) as staged:
        staged.queue()
        staged.promise()
        staged.promise(BOB)
        staged.agent("ann")
        staged.agent("bea")
        staged.work()
        assert len(staged.carrier.created) == 1
        staged.pass_time(19)
        assert len(staged.carrier.created) == 1
        staged.pass_time(2)
        assert len(staged.carrier.created) == 2
        assert [len(staged.attempts(callback)) for callback in staged.callbacks()] == [1, 1]


# --- twice, late, and side by side ----------------------------------------------------------------------------------


@on_both
def test_the_same_reservation_handed_to_two_workers_is_dialled_once(staged: StagedHouse) -> None:
    staged.queue()
    callback = staged.promise()
    staged.agent()
    staged.work("twice")
    assert len(staged.carrier.created) == 1
    assert len(staged.attempts(callback)) == 1


@on_both
def test_a_second_worker_between_the_commit_and_the_dial_takes_nothing_from_the_first(staged: StagedHouse) -> None:
    staged.queue()
    callback = staged.promise()
    staged.agent()
    token = staged.pairing().token

    def beside(step: str) -> None:
        if step == "commit" and not staged.carrier.created:
            dial.connect(staged.house, token)

    staged.steps.between = beside
    staged.work()
    staged.steps.between = None
    assert len(staged.carrier.created) == 1
    assert len(staged.attempts(callback)) == 1
    assert staged.pairing().token == token, "the agent is still theirs"
    assert staged.pairing().phase == "ringing"


def test_a_task_for_a_reservation_that_is_gone_does_nothing(staged: StagedHouse) -> None:
    staged.queue()
    callback = staged.promise()
    staged.agent()
    cancel.cancel(staged.house, callback.id, reason="test", cause="test")
    staged.work()
    assert staged.carrier.created == []
    assert staged.attempts(callback) == []


@on_both
def test_a_cancel_while_the_carrier_is_being_asked_ends_the_call(staged: StagedHouse) -> None:
    staged.queue()
    callback = staged.promise()
    staged.agent()

    def beside(step: str) -> None:
        if step == "carrier.create_call":
            cancel.cancel(staged.house, callback.id, reason="changed my mind", cause="test")

    staged.steps.between = beside
    staged.work()
    staged.steps.between = None
    sid, _ = staged.carrier.created[0]
    assert staged.carrier.hung_up == [sid], "nobody knew of the call when it was cancelled"
    assert staged.state(callback) is State.CANCELLED
    assert staged.status() is AgentStatus.AVAILABLE
