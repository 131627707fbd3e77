"""Offers: a table of situations, and what must hold in all of them."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from callback.domain.errors import NotAccepting
from callback.domain.offer import Decision, Reason, decide, may_promise, solvent, still_offering
from callback.domain.policies import effective_stop
from callback.domain.policy import Policy
from callback.domain.wait import FREE, NOTHING_MEASURED, UNKNOWN, Measured, Wait

POLICY = Policy()


def certain(seconds: float) -> Wait:
    """A wait that is the same at every quantile."""
    return Wait(mean=seconds, sd=0, basis="test")


def decided(
    wait: Wait,
    policy: Policy = POLICY,
    *,
    waiting: int = 3,
    free: int = 0,
    staffed: int = 5,
    is_open: bool = True,
    outstanding: int = 0,
    before: bool = False,
    closes_in_s: float | None = None,
    measured: Measured = NOTHING_MEASURED,
) -> Decision:
    return decide(
        wait=wait,
        waiting=waiting,
        free=free,
        staffed=staffed,
        is_open=is_open,
        outstanding=outstanding,
        offering_before=before,
        policy=policy,
        closes_in_s=closes_in_s,
        measured=measured,
    )


@pytest.mark.parametrize(
    ("seconds", "before", "offering", "reason"),
    [
        (179, False, False, Reason.BELOW),
        (180, False, True, Reason.WAIT),
        (500, False, True, Reason.WAIT),
        (180, True, True, Reason.WAIT),
        (179, True, True, Reason.HYSTERESIS),
        (120, True, True, Reason.HYSTERESIS),
        (119, True, False, Reason.BELOW),
        (120, False, False, Reason.BELOW),
    ],
)
def test_offers_start_at_the_one_wait_and_stop_only_below_the_other(
    seconds: float, before: bool, offering: bool, reason: Reason
) -> None:
    decision = decided(certain(seconds), before=before)
    assert (decision.offering, decision.reason) == (offering, reason)


@pytest.mark.parametrize(("seconds", "offering"), [(180, True), (179, False)])
def test_a_stop_above_the_start_counts_as_equal_to_it(seconds: float, offering: bool) -> None:
    policy = Policy(offer_at_wait_s=180, stop_offering_at_wait_s=400)
    assert decided(certain(seconds), policy, before=True).offering is offering


@pytest.mark.parametrize(("quantile", "offering"), [("p50", False), ("p80", True), ("p90", True)])
def test_the_chosen_quantile_is_what_counts(quantile: str, offering: bool) -> None:
    wait = Wait(mean=120, sd=120, basis="test")  # p50 83, p80 193
    assert decided(wait, Policy(offer_quantile=quantile)).offering is offering


@pytest.mark.parametrize(
    ("waiting", "threshold", "offering", "reason"),
    [
        (3, 4, False, Reason.BELOW),
        (4, 4, True, Reason.WAITING),
        (0, 0, True, Reason.WAITING),
        (99, None, False, Reason.BELOW),
    ],
)
def test_enough_people_waiting_are_a_reason_of_their_own(
    waiting: int, threshold: int | None, offering: bool, reason: Reason
) -> None:
    decision = decided(certain(10), Policy(offer_at_waiting=threshold), waiting=waiting)
    assert (decision.offering, decision.reason) == (offering, reason)


@pytest.mark.parametrize("before", [False, True])
def test_null_switches_the_rule_of_waits_off_and_its_hysteresis_with_it(before: bool) -> None:
    policy = Policy(offer_at_wait_s=None, stop_offering_at_wait_s=10)
    assert decided(certain(9999), policy, before=before).reason is Reason.BELOW


def test_nobody_staffed_in_open_hours_is_a_reason_to_offer() -> None:
    decision = decided(UNKNOWN, Policy(offer_at_wait_s=None), staffed=0, waiting=0, closes_in_s=60)
    assert (decision.offering, decision.reason) == (True, Reason.NOBODY_STAFFED)


@pytest.mark.parametrize("before", [False, True])
def test_whoever_a_free_agent_could_take_is_never_offered(before: bool) -> None:
    policy = Policy(offer_at_wait_s=0, stop_offering_at_wait_s=0, offer_at_waiting=0)
    assert decided(FREE, policy, free=1, before=before).reason is Reason.FREE_AGENT


@pytest.mark.parametrize(
    ("policy", "is_open", "outstanding", "reason"),
    [
        (Policy(accepting=False), True, 0, Reason.SWITCHED_OFF),
        (Policy(accepting=False), False, 0, Reason.SWITCHED_OFF),
        (Policy(), False, 0, Reason.CLOSED),
        (Policy(max_outstanding=2), True, 2, Reason.FULL),
        (Policy(max_outstanding=2), True, 5, Reason.FULL),
        (Policy(max_outstanding=0), True, 0, Reason.FULL),
    ],
)
def test_some_things_forbid_any_promise(policy: Policy, is_open: bool, outstanding: int, reason: Reason) -> None:
    decision = decided(certain(9999), policy, is_open=is_open, outstanding=outstanding, before=True)
    assert (decision.offering, decision.reason) == (False, reason)
    with pytest.raises(NotAccepting) as refused:
        may_promise(is_open=is_open, outstanding=outstanding, policy=policy)
    assert refused.value.reason == reason


def test_one_promise_below_the_most_is_still_made() -> None:
    assert decided(certain(500), Policy(max_outstanding=2), outstanding=1).offering
    may_promise(is_open=True, outstanding=1, policy=Policy(max_outstanding=2))


@pytest.mark.parametrize(
    ("closes_in_s", "outstanding", "offering"),
    [(None, 900, True), (8 * 3600, 10, True), (3600, 62, True), (3600, 63, False), (190, 0, False), (3600, 10, True)],
)
def test_no_promise_is_made_that_cannot_be_kept_before_closing(
    closes_in_s: float | None, outstanding: int, offering: bool
) -> None:
    decision = decided(certain(200), outstanding=outstanding, closes_in_s=closes_in_s)
    assert decision.reason is (Reason.WAIT if offering else Reason.NOT_BEFORE_CLOSING)
    assert decision.offering is offering


def test_the_guard_at_closing_can_be_switched_off() -> None:
    assert decided(certain(200), Policy(closing_guard=False), closes_in_s=10).offering


def test_the_guard_does_not_speak_where_nothing_would_be_offered_anyway() -> None:
    assert decided(certain(10), closes_in_s=1).reason is Reason.BELOW


def test_a_floor_that_is_faster_than_its_prior_may_promise_more() -> None:
    quick = Measured(handled=1000, handled_s=60_000)
    assert decided(certain(200), outstanding=30, closes_in_s=1800).reason is Reason.NOT_BEFORE_CLOSING
    assert decided(certain(200), outstanding=30, closes_in_s=1800, measured=quick).offering


def test_the_numbers_of_the_guard_are_those_of_its_formula() -> None:
    # 5 agents, 240 s, 48 min: m = 60, 60 - 1.2816 sqrt(60) = 50.07
    known = certain(200)
    assert solvent(wait=known, staffed=5, outstanding=49, closes_in_s=2880, handle_s=240)
    assert not solvent(wait=known, staffed=5, outstanding=50, closes_in_s=2880, handle_s=240)
    assert not solvent(wait=certain(2881), staffed=5, outstanding=0, closes_in_s=2880, handle_s=240)


@pytest.mark.parametrize(
    ("closes_in_s", "promised"), [(None, True), (8 * 3600, True), (120, False), (0, False), (-5, False)]
)
def test_a_promise_asked_for_meets_the_same_guard(closes_in_s: float | None, promised: bool) -> None:
    def ask() -> None:
        may_promise(is_open=True, outstanding=0, policy=POLICY, closes_in_s=closes_in_s, staffed=2)

    if promised:
        ask()
        return
    with pytest.raises(NotAccepting) as refused:
        ask()
    assert refused.value.reason == "not_before_closing"


def test_a_promise_asked_for_waits_for_no_threshold() -> None:
    may_promise(is_open=True, outstanding=0, policy=Policy(offer_at_wait_s=None), wait=certain(1), staffed=1)


@pytest.mark.parametrize(
    ("decision", "sentence"),
    [
        (decided(certain(540)), "offering: the wait (p80) is 9 min, and offers start at 3 min"),
        (decided(certain(90)), "not offering: the wait (p80) is 90 s, and offers start at 3 min"),
        (decided(certain(150), before=True), "offering: the wait (p80) is 2.5 min, and offers stop below 2 min"),
        (
            decided(certain(5), Policy(offer_at_waiting=9)),
            "not offering: the wait (p80) is 5 s, and offers start at 3 min or 9 waiting",
        ),
        (
            decided(certain(5), Policy(offer_at_wait_s=None)),
            "not offering: the wait (p80) is 5 s, and no threshold is set",
        ),
    ],
)
def test_the_sentence_tells_what_the_thresholds_do_now(decision: Decision, sentence: str) -> None:
    assert decision.sentence == sentence


waits = st.one_of(st.just(UNKNOWN), st.just(FREE), st.floats(0, 5000).map(certain))
policies = st.builds(
    Policy,
    offer_at_wait_s=st.none() | st.floats(0, 1000),
    stop_offering_at_wait_s=st.none() | st.floats(0, 1000),
    offer_at_waiting=st.none() | st.integers(0, 20),
    max_outstanding=st.none() | st.integers(0, 20),
    accepting=st.booleans(),
    closing_guard=st.booleans(),
)
counts = st.integers(0, 25)


@given(waits, policies, counts, counts, counts, st.booleans(), counts, st.booleans(), st.none() | st.floats(0, 1e5))
def test_every_decision_has_the_reason_it_names(
    wait: Wait,
    policy: Policy,
    waiting: int,
    free: int,
    staffed: int,
    is_open: bool,
    outstanding: int,
    before: bool,
    closes_in_s: float | None,
) -> None:
    decision = decided(
        wait,
        policy,
        waiting=waiting,
        free=free,
        staffed=staffed,
        is_open=is_open,
        outstanding=outstanding,
        before=before,
        closes_in_s=closes_in_s,
    )
    offers = {Reason.WAIT, Reason.WAITING, Reason.NOBODY_STAFFED, Reason.HYSTERESIS}
    assert decision.offering is (decision.reason in offers)
    assert decision.sentence.startswith("offering: " if decision.offering else "not offering: ")
    if decision.offering:
        assert policy.accepting
        assert is_open
        assert free == 0
        assert policy.max_outstanding is None or outstanding < policy.max_outstanding


@given(st.floats(0, 1000), st.floats(0, 1000), st.lists(st.floats(0, 1200), max_size=20))
def test_between_the_two_thresholds_a_queue_does_what_it_did(start: float, stop: float, waits: list[float]) -> None:
    policy = Policy(offer_at_wait_s=start, stop_offering_at_wait_s=stop)
    lower = effective_stop(policy)
    assert lower is not None
    offering = False
    for seconds in waits:
        before, offering = offering, decided(certain(seconds), policy, before=offering).offering
        if lower <= seconds < start:
            assert offering is before


@pytest.mark.parametrize(
    ("reason", "before", "remembered"),
    [
        (Reason.WAIT, False, True),
        (Reason.HYSTERESIS, True, True),
        (Reason.BELOW, True, False),
        (Reason.FREE_AGENT, True, False),
        (Reason.NOT_BEFORE_CLOSING, True, True),
        (Reason.FULL, True, True),
        (Reason.CANNOT_RING, True, True),
        (Reason.FULL, False, False),
    ],
)
def test_only_the_wait_ends_an_offer_that_goes_on(reason: Reason, before: bool, remembered: bool) -> None:
    offering = reason in (Reason.WAIT, Reason.HYSTERESIS)
    assert still_offering(Decision(offering, reason, ""), before) is remembered


def test_only_what_is_due_before_closing_has_to_be_kept_before_closing() -> None:
    assert not decided(certain(200), outstanding=63, closes_in_s=3600).offering
    decision = decide(
        wait=certain(200), waiting=3, free=0, staffed=5, is_open=True, outstanding=63, due_today=62,
        offering_before=False, policy=POLICY, closes_in_s=3600,
    )  # fmt: skip
    assert decision.offering
