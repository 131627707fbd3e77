"""After an attempt: a table of outcomes, and the certainty that the ringing ends."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from callback.domain import order, retry
from callback.domain.callback import SPENT, Callback, Outcome, Source
from callback.domain.ids import CallbackId, QueueKey
from callback.domain.lifecycle import LATE, MOVES, Event, State
from callback.domain.policy import Policy

NOW = datetime(2026, 3, 2, 9, tzinfo=UTC)
JOINED = NOW - timedelta(minutes=20)
POLICY = Policy()  # 3 attempts, 300 and 900 s between them


def promised(**changes: Any) -> Callback:
    facts: dict[str, Any] = {
        "id": CallbackId("cb0123456789abcdefgh"),
        "queue": QueueKey("support"),
        "state": State.DIALING,
        "number": "+12015550123",
        "joined_at": JOINED,
        "score": order.score(JOINED),
        "language": "en",
        "source": Source.CALL,
        "attempts_left": 3,
        "attempts_made": 1,
        "created_at": JOINED,
    }
    return Callback(**facts | changes)


@pytest.mark.parametrize("outcome", sorted(SPENT))
@pytest.mark.parametrize(
    ("left", "after_s", "then_left"), [(3, 300, 2), (2, 900, 1)], ids=["after the first", "after the second"]
)
def test_a_spent_attempt_is_followed_by_another_after_its_delay(
    outcome: Outcome, left: int, after_s: float, then_left: int
) -> None:
    callback = promised(attempts_left=left)
    verdict = retry.after(callback, outcome, POLICY, NOW)
    assert verdict == retry.Verdict(
        event=Event.MISS,
        next_attempt_at=NOW + timedelta(seconds=after_s),
        attempts_left=then_left,
        score=callback.score,
        place="later",
        reason=outcome.value,
    )


@pytest.mark.parametrize("outcome", sorted(SPENT))
@pytest.mark.parametrize("left", [1, 0])
def test_the_last_spent_attempt_is_the_end(outcome: Outcome, left: int) -> None:
    verdict = retry.after(promised(attempts_left=left), outcome, POLICY, NOW)
    assert (verdict.event, verdict.next_attempt_at, verdict.attempts_left, verdict.place) == (
        Event.EXHAUST,
        None,
        0,
        "gone",
    )


def test_a_number_nobody_proved_has_one_attempt_whatever_the_policy() -> None:
    verdict = retry.after(promised(attempts_left=1, proved=False), Outcome.NO_KEY, Policy(attempts=10), NOW)
    assert verdict.event is Event.EXHAUST


@pytest.mark.parametrize(
    ("delays", "left", "delay_s"),
    [
        ((300, 900), 4, 300),
        ((300, 900), 3, 900),
        ((300, 900), 1, 900),
        ((60,), 4, 60),
        ((60,), 1, 60),
        ((), 4, 0),
        ((0, 30), 4, 0),
        ((300, 900), 9, 300),  # the policy was changed to fewer attempts meanwhile
    ],
)
def test_the_last_delay_repeats_and_no_delay_is_at_once(delays: tuple[float, ...], left: int, delay_s: float) -> None:
    assert retry.retry_delay_s(Policy(attempts=5, retry_delays_s=delays), left) == delay_s


def test_without_a_delay_the_retry_is_due_at_once() -> None:
    verdict = retry.after(promised(), Outcome.BUSY, Policy(retry_delays_s=()), NOW)
    assert (verdict.next_attempt_at, verdict.place) == (NOW, "due")


def test_a_missed_place_is_kept_or_taken_anew_as_the_policy_says() -> None:
    callback = promised(priority="vip", score=order.score(JOINED, 300))
    kept = retry.after(callback, Outcome.NO_ANSWER, Policy(missed_place="keep"), NOW)
    back = retry.after(callback, Outcome.NO_ANSWER, Policy(missed_place="back"), NOW)
    assert kept.score == callback.score
    assert back.score == order.score(NOW + timedelta(seconds=300), 300)


@pytest.mark.parametrize("outcome", [Outcome.REFUSED, Outcome.AGENT_MISSED, Outcome.NEVER_PLACED, Outcome.SUPERSEDED])
@pytest.mark.parametrize("place", ["keep", "back"])
@pytest.mark.parametrize("left", [1, 3])
def test_what_the_caller_could_not_help_costs_nothing(outcome: Outcome, place: str, left: int) -> None:
    callback = promised(attempts_left=left)
    verdict = retry.after(callback, outcome, Policy(missed_place=place), NOW)
    assert (verdict.attempts_left, verdict.score) == (left, callback.score)
    assert verdict.event is not Event.EXHAUST


@pytest.mark.parametrize("outcome", [Outcome.AGENT_MISSED, Outcome.NEVER_PLACED])
def test_what_was_never_placed_is_due_at_once(outcome: Outcome) -> None:
    verdict = retry.after(promised(), outcome, POLICY, NOW)
    assert (verdict.next_attempt_at, verdict.place) == (NOW, "due")


def test_a_busy_carrier_is_given_longer_and_longer_pauses_with_jitter() -> None:
    pauses = []
    for made in range(1, 12):
        verdict = retry.after(promised(attempts_made=made), Outcome.REFUSED, POLICY, NOW)
        assert verdict.next_attempt_at is not None
        pauses.append((verdict.next_attempt_at - NOW).total_seconds())
        assert verdict.place == "later"
    assert 0.5 <= pauses[0] <= 1.5
    assert all(15 <= pause <= 45 for pause in pauses[5:])
    others = {
        retry.after(promised(id=CallbackId(f"cb{n}")), Outcome.REFUSED, POLICY, NOW).next_attempt_at for n in range(20)
    }
    assert len(others) == 20


def test_a_talk_that_was_cut_off_costs_nothing_and_is_rung_again_at_once() -> None:
    callback = promised(state=State.BRIDGED, attempts_left=1)
    verdict = retry.after(callback, Outcome.HUNG_UP, POLICY, NOW)
    assert verdict == retry.Verdict(Event.MISS, NOW, 1, callback.score, "due", "hung_up")


@pytest.mark.parametrize(
    ("outcome", "event", "place"),
    [
        (Outcome.TALKED, Event.COMPLETE, "gone"),
        (Outcome.LATER, Event.SCHEDULE, "gone"),
        (Outcome.NOT_NEEDED, Event.CANCEL, "gone"),
        (Outcome.CANCELLED, Event.CANCEL, "gone"),
        (Outcome.UNDIALABLE, Event.UNDIALABLE, "gone"),
        (Outcome.SUPERSEDED, Event.CALL_IN, "hold"),
    ],
)
def test_some_outcomes_settle_it(outcome: Outcome, event: Event, place: str) -> None:
    verdict = retry.after(promised(), outcome, POLICY, NOW)
    assert (verdict.event, verdict.place, verdict.next_attempt_at) == (event, place, None)


POSSIBLE: dict[State, frozenset[Outcome]] = {
    State.RESERVED: frozenset(
        {Outcome.REFUSED, Outcome.AGENT_MISSED, Outcome.NEVER_PLACED, Outcome.UNDIALABLE, Outcome.CANCELLED}
    ),
    State.DIALING: frozenset(Outcome) - {Outcome.TALKED, Outcome.LATER, Outcome.NOT_NEEDED},
    State.RECONCILING: SPENT | {Outcome.NEVER_PLACED, Outcome.CANCELLED, Outcome.SUPERSEDED},
    State.ANSWERED: SPENT | {Outcome.TALKED, Outcome.LATER, Outcome.NOT_NEEDED, Outcome.CANCELLED},
    State.BRIDGED: frozenset({Outcome.TALKED, Outcome.HUNG_UP, Outcome.FAILED}),
}


@pytest.mark.parametrize(
    ("state", "outcome"), [(state, outcome) for state, outcomes in POSSIBLE.items() for outcome in sorted(outcomes)]
)
@pytest.mark.parametrize("left", [1, 2])
def test_every_verdict_is_a_move_that_the_table_knows(state: State, outcome: Outcome, left: int) -> None:
    event = retry.after(promised(state=state, attempts_left=left), outcome, POLICY, NOW).event
    assert (state, event) in MOVES or (state, event) in LATE


@given(
    st.integers(1, 10),
    st.lists(st.floats(0, 3600), max_size=4),
    st.sampled_from(["keep", "back"]),
    st.lists(
        st.sampled_from(sorted(SPENT | {Outcome.REFUSED, Outcome.AGENT_MISSED, Outcome.NEVER_PLACED})), max_size=60
    ),
)
def test_nobody_is_rung_more_often_than_the_policy_allows(
    attempts: int, delays: list[float], place: str, outcomes: list[Outcome]
) -> None:
    policy = Policy(attempts=attempts, retry_delays_s=tuple(delays), missed_place=place)
    left, now, score, spent = attempts, NOW, order.score(JOINED), 0
    for outcome in outcomes:
        spent += outcome in SPENT
        verdict = retry.after(promised(attempts_left=left, score=score), outcome, policy, now)
        assert verdict.attempts_left == attempts - spent
        assert verdict.score >= score
        if verdict.event is Event.EXHAUST:
            assert spent == attempts
            return
        assert spent < attempts
        assert verdict.next_attempt_at is not None
        assert verdict.next_attempt_at >= now
        assert verdict.place == ("later" if verdict.next_attempt_at > now else "due")
        left, now, score = verdict.attempts_left, verdict.next_attempt_at, verdict.score
