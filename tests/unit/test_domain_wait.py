"""The wait: the formula against plain sums, the quantiles against integration, and the sense of it all."""

import math
import random
import time
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from callback.domain.lifecycle import AgentStatus
from callback.domain.policy import Policy
from callback.domain.wait import (
    FREE,
    NOTHING_MEASURED,
    UNKNOWN,
    Estimator,
    Measured,
    Wait,
    estimate,
    mean_handle,
    mean_patience,
    qlm,
)

BUSY = AgentStatus.BUSY
POLICY = Policy()


def wait(
    ahead: int, agents: dict[AgentStatus, int], measured: Measured = NOTHING_MEASURED, policy: Policy = POLICY
) -> Wait:
    return estimate(ahead=ahead, agents=agents, measured=measured, policy=policy)


def plain_sums(ahead: int, service: float, impatience: float) -> tuple[float, float]:
    steps = [1 / (service + i * impatience) for i in range(ahead + 1)]
    return math.fsum(steps), math.fsum(step * step for step in steps)


def simpson(f: Callable[[float], float], low: float, high: float, pieces: int = 4000) -> float:
    width = (high - low) / pieces
    inner = (f(low + i * width) * (4 if i % 2 else 2) for i in range(1, pieces))
    return (f(low) + f(high) + math.fsum(inner)) * width / 3


def gamma_below(shape: float, x: float) -> float:
    """The gamma distribution by integration in x = t^(1/shape'), which takes the pole at 0 away."""
    power = max(1.0, 2 / shape)
    log_gamma = math.lgamma(shape)

    def density(t: float) -> float:
        at = t**power
        if at <= 0:
            return 0.0
        return math.exp((shape - 1) * math.log(at) - at - log_gamma) * power * t ** (power - 1)

    return simpson(density, 0.0, x ** (1 / power))


# --- the formula ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("ahead", [0, 1, 14, 15, 16, 17, 40, 1000, 30_000])
@pytest.mark.parametrize(
    ("service", "impatience"), [(5 / 240, 1 / 600), (1.0, 1e-9), (1e-3, 0.1), (1e-6, 1.0), (50 / 180, 1 / 60)]
)
def test_the_closed_form_is_the_sum_it_stands_for(ahead: int, service: float, impatience: float) -> None:
    assert qlm(ahead, service, impatience) == pytest.approx(plain_sums(ahead, service, impatience), rel=1e-9)


def test_a_million_ahead_cost_no_more_than_a_hundred() -> None:
    agents = {BUSY: 50}

    def seconds(ahead: int) -> float:
        best = math.inf
        for _ in range(20):
            start = time.perf_counter()
            for _ in range(50):
                wait(ahead, agents)
            best = min(best, time.perf_counter() - start)
        return best

    assert seconds(1_000_000) < 3 * seconds(100)


def test_nobody_ahead_is_one_agent_becoming_free() -> None:
    found = wait(0, {BUSY: 4})
    assert found.mean == pytest.approx(60)
    assert found.sd == pytest.approx(60)
    assert found.p50 == pytest.approx(60 * math.log(2))
    assert found.p90 == pytest.approx(60 * math.log(10))


def test_it_agrees_with_a_line_that_was_simulated() -> None:
    dice = random.Random(7)
    service, impatience, ahead = 6 / 240, 1 / 600, 20
    waits = sorted(
        math.fsum(dice.expovariate(service + i * impatience) for i in range(ahead + 1)) for _ in range(20_000)
    )
    found = wait(ahead, {BUSY: 6})
    assert found.mean == pytest.approx(math.fsum(waits) / len(waits), rel=0.01)
    for p in (0.1, 0.5, 0.8, 0.9):
        assert found.quantile(p) == pytest.approx(waits[int(p * len(waits))], rel=0.015)


# --- what it rests on -------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("measured", "basis"),
    [
        (Measured(), "simple rule: 240 s a talk expected, nothing measured yet"),
        (Measured(handled=1, handled_s=100), "simple rule: 240 s a talk expected, 1 talk measured"),
        (Measured(handled=3.4, handled_s=900), "simple rule: 240 s a talk expected, 3 talks measured"),
        (Measured(handled=57, handled_s=9000), "simple rule: 57 talks measured"),
    ],
)
def test_the_basis_says_what_the_figures_rest_on(measured: Measured, basis: str) -> None:
    assert wait(3, {BUSY: 2}, measured).basis == basis


def test_priors_count_until_measured_times_outweigh_them() -> None:
    assert mean_handle(Measured(), POLICY) == 240
    assert mean_handle(Measured(handled=10, handled_s=10 * 100), POLICY) == 170
    assert mean_handle(Measured(handled=10_000, handled_s=10_000 * 100), POLICY) == pytest.approx(100, abs=0.2)


def test_patience_counts_the_time_of_those_who_were_served_as_well() -> None:
    assert mean_patience(Measured(), POLICY) == 600
    dice = random.Random(3)
    patience = [dice.expovariate(1 / 300) for _ in range(20_000)]
    service = [dice.uniform(0, 200) for _ in range(20_000)]
    seen = Measured(
        abandoned=sum(p < s for p, s in zip(patience, service, strict=True)),
        waited_s=math.fsum(min(p, s) for p, s in zip(patience, service, strict=True)),
    )
    assert mean_patience(seen, POLICY) == pytest.approx(300, rel=0.03)


@pytest.mark.parametrize(
    "agents", [{}, {BUSY: 0}, {AgentStatus.AWAY: 5, AgentStatus.OFFLINE: 2}], ids=["none", "zero", "away"]
)
def test_with_nobody_staffed_nothing_is_known(agents: dict[AgentStatus, int]) -> None:
    found = wait(0, agents)
    assert found == UNKNOWN
    assert not found.known
    assert (found.mean, found.sd, found.p50, found.p80, found.p90, found.basis) == (*[None] * 5, "unknown")


@pytest.mark.parametrize(("available", "ahead", "is_free"), [(1, 0, True), (3, 2, True), (1, 1, False), (2, 5, False)])
def test_whoever_a_free_agent_can_take_waits_not_at_all(available: int, ahead: int, is_free: bool) -> None:
    found = wait(ahead, {AgentStatus.AVAILABLE: available, BUSY: 3})
    assert (found == FREE) is is_free
    assert (found.p90 == 0) is is_free


def test_free_agents_take_the_first_of_those_ahead() -> None:
    with_free = wait(5, {AgentStatus.AVAILABLE: 2, BUSY: 3})
    without = wait(3, {BUSY: 5})
    assert with_free == without


def test_reserved_busy_and_wrapping_up_agents_are_capacity_and_the_absent_are_not() -> None:
    mixed = {AgentStatus.RESERVED: 1, BUSY: 1, AgentStatus.WRAP_UP: 1, AgentStatus.AWAY: 9, AgentStatus.OFFLINE: 9}
    assert wait(4, mixed) == wait(4, {BUSY: 3})


def test_another_estimator_can_take_its_place() -> None:
    simple: Estimator = estimate
    assert simple(ahead=0, agents={}, measured=Measured(), policy=POLICY) is UNKNOWN


# --- properties -------------------------------------------------------------------------------------------------

people = st.integers(0, 5000)
staff = st.integers(1, 500)
policies = st.builds(Policy, prior_handle_s=st.floats(1, 5000), prior_patience_s=st.floats(1, 1e5))
pasts = st.builds(
    Measured,
    handled=st.floats(0, 1000),
    handled_s=st.floats(0, 1e6),
    abandoned=st.floats(0, 1000),
    waited_s=st.floats(0, 1e6),
)


@given(people, staff, pasts, policies)
def test_more_people_ahead_never_wait_less(ahead: int, agents: int, past: Measured, policy: Policy) -> None:
    nearer, farther = wait(ahead, {BUSY: agents}, past, policy), wait(ahead + 1, {BUSY: agents}, past, policy)
    assert nearer.mean is not None
    assert farther.mean is not None
    assert nearer.mean <= farther.mean
    assert (nearer.p50 or 0) <= (farther.p50 or 0) * (1 + 1e-6)


@given(people, staff, pasts, policies)
def test_more_agents_never_make_the_wait_longer(ahead: int, agents: int, past: Measured, policy: Policy) -> None:
    fewer, more = wait(ahead, {BUSY: agents}, past, policy), wait(ahead, {BUSY: agents + 1}, past, policy)
    assert (more.mean or 0) <= (fewer.mean or 0)
    assert (more.p90 or 0) <= (fewer.p90 or 0) * (1 + 1e-6)


@given(people, staff, pasts, policies)
def test_quantiles_are_in_order(ahead: int, agents: int, past: Measured, policy: Policy) -> None:
    found = wait(ahead, {BUSY: agents}, past, policy)
    values = [found.quantile(p) or 0.0 for p in (0.01, 0.1, 0.5, 0.8, 0.9, 0.99)]
    assert values == sorted(values)
    assert all(math.isfinite(value) and value > 0 for value in values)


# --- quantiles --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("shape", [0.3, 0.8, 1, 1.3, 2, 5.5, 20, 99, 100, 101, 400, 3000])
@pytest.mark.parametrize("p", [0.01, 0.1, 0.5, 0.8, 0.9, 0.99])
def test_a_quantile_is_where_the_integrated_gamma_density_comes_to_p(shape: float, p: float) -> None:
    x = Wait(mean=shape, sd=math.sqrt(shape), basis="").quantile(p)
    assert x is not None
    assert gamma_below(shape, x) == pytest.approx(p, abs=2e-6)


@pytest.mark.parametrize("shape", [1e5, 1e8, 1e12])
def test_a_wait_behind_very_many_is_nearly_certain(shape: float) -> None:
    found = Wait(mean=1000, sd=1000 / math.sqrt(shape), basis="")
    assert found.p50 == pytest.approx(1000, rel=1e-4)
    assert found.p50 is not None
    assert found.p90 is not None
    assert found.p50 < found.p90


@pytest.mark.parametrize(("mean", "sd"), [(0.0, 0.0), (90.0, 0.0)])
def test_a_wait_without_spread_is_the_same_at_every_probability(mean: float, sd: float) -> None:
    found = Wait(mean=mean, sd=sd, basis="")
    assert (found.p50, found.p90) == (mean, mean)


@pytest.mark.parametrize("p", [0, 1, -0.1, 1.5, math.nan])
def test_a_probability_outside_0_and_1_has_no_quantile(p: float) -> None:
    with pytest.raises(ValueError, match="between 0 and 1"):
        FREE.quantile(p)


@given(st.floats(1e-3, 1e6), st.floats(1e-2, 20), st.floats(1e-4, 1 - 1e-4))
def test_any_wait_has_finite_quantiles(mean: float, spread: float, p: float) -> None:
    x = Wait(mean=mean, sd=mean * spread, basis="").quantile(p)
    assert x is not None
    assert math.isfinite(x)
    assert x >= 0


# --- quantiles that were forecast one by one ----------------------------------------------------------------------


def test_a_wait_with_points_says_them_and_what_lies_between() -> None:
    found = Wait(mean=100, sd=50, basis="learnt", model="7", points=(40, 90, 150, 200))
    assert (found.p10, found.p50, found.p80, found.p90) == (40, 90, 150, 200)
    between = [found.quantile(p) for p in (0.02, 0.1, 0.3, 0.5, 0.7, 0.8, 0.85, 0.9, 0.97)]
    assert between == sorted(between)
    assert (found.quantile(0.97) or 0) > 200


def test_no_quantile_of_a_wait_with_points_is_below_nothing() -> None:
    assert Wait(mean=10, sd=9, basis="", points=(0.5, 9, 15, 20)).quantile(0.001) == 0


def test_the_simple_rule_says_that_no_model_spoke() -> None:
    found = wait(3, {BUSY: 2})
    assert (found.model, found.simple, found.points) == ("", None, ())
