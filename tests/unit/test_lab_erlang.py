"""Erlang A and C: against a published table, the balance equations, a simulation, and the limit for many agents."""

import math
import random
from statistics import NormalDist

import numpy as np
import pytest

from callback.lab.erlang import ErlangA, agents_needed

BUSY = {"arrivals_per_s": 48 / 60, "handle_s": 60.0, "agents": 50}
"""48 calls a minute of one minute each, 50 agents."""


def test_without_impatience_the_published_example_comes_out() -> None:
    """Garnett, Mandelbaum and Reiman (2002), "Designing a Call Center with Impatient Customers", table 1."""
    queue = ErlangA(**BUSY)
    assert round(queue.mean_wait_s, 1) == 20.8
    assert round(queue.offered_quantile(0.9), 1) == 58.1
    assert round(queue.mean_waiting) == 17
    assert round(queue.occupancy, 2) == 0.96
    assert queue.abandoning == 0


def test_with_patience_of_two_minutes_the_same_table_comes_out() -> None:
    queue = ErlangA(**BUSY, patience_s=120)
    assert round(queue.abandoning, 3) == 0.031
    assert round(queue.mean_wait_s, 1) == 3.7
    assert round(queue.mean_waiting) == 3
    assert round(queue.occupancy, 2) == 0.93
    assert queue.waiting_beyond(12.5) == pytest.approx(0.1, abs=0.001)


@pytest.mark.parametrize(
    ("rate", "handle", "agents", "patience"),
    [
        (0.8, 60, 50, 120),
        (0.1, 200, 8, 600),
        (0.01, 100, 3, 50),
        (1.0, 300, 200, 90),
        (0.02, 45, 1, 3000),
        (0.05, 60, 4, 5),
    ],
)
def test_every_measure_agrees_with_the_balance_equations(
    rate: float, handle: float, agents: int, patience: float
) -> None:
    queue = ErlangA(rate, handle, agents, patience)
    shares = _balanced(rate, handle, agents, patience)
    waiting = np.maximum(np.arange(len(shares)) - agents, 0)
    assert queue.must_wait == pytest.approx(shares[agents:].sum(), rel=1e-9)
    assert queue.abandoning == pytest.approx((waiting * shares).sum() / patience / rate, rel=1e-9)
    assert queue.mean_waiting == pytest.approx((waiting * shares).sum(), rel=1e-9)
    assert queue.occupancy == pytest.approx((np.minimum(np.arange(len(shares)), agents) * shares).sum() / agents)


def _balanced(rate: float, handle: float, agents: int, patience: float, states: int = 3000) -> np.ndarray:
    """The stationary distribution of the number in the system, by detailed balance."""
    n = np.arange(1, states)
    out = np.minimum(n, agents) / handle + np.maximum(n - agents, 0) / patience
    logs = np.concatenate([[0.0], np.cumsum(np.log(rate / out))])
    weights = np.exp(logs - logs.max())
    return weights / weights.sum()


@pytest.mark.parametrize("agents", [1, 2, 10, 100])
def test_patience_without_end_is_the_formula_of_erlang(agents: int) -> None:
    load = 0.9 * agents
    blocked = 1.0
    for n in range(1, agents + 1):
        blocked = load * blocked / (n + load * blocked)
    waits = blocked / (1 - load / agents * (1 - blocked))
    queue = ErlangA(load / 120, 120, agents)
    assert queue.must_wait == pytest.approx(waits, rel=1e-10)
    fading = math.exp(-(agents - load) / 120 * 20)
    assert queue.service_level(20) == pytest.approx(1 - waits * fading, rel=1e-10)
    assert ErlangA(load / 120, 120, agents, 1e9).must_wait == pytest.approx(waits, rel=1e-5)


def test_the_service_level_is_what_a_simulation_of_the_line_finds() -> None:
    rate, handle, agents, patience, within = 0.05, 180, 8, 240, 20
    dice = random.Random(5)
    free, at, served, late, calls = [0.0] * agents, 0.0, 0, 0, 40_000
    for _ in range(calls):
        at += dice.expovariate(rate)
        first = min(range(agents), key=free.__getitem__)
        offered = max(free[first] - at, 0.0)
        late += offered > within
        if dice.expovariate(1 / patience) >= offered:
            free[first] = at + offered + dice.expovariate(1 / handle)
            served += offered <= within
    queue = ErlangA(rate, handle, agents, patience)
    assert queue.service_level(within) == pytest.approx(served / calls, abs=0.012)
    assert queue.offered_beyond(within) == pytest.approx(late / calls, abs=0.012)


@pytest.mark.parametrize("beta", [-1.0, 0.0, 0.5, 1.5])
@pytest.mark.parametrize("patience", [100.0, 600.0])
def test_many_agents_come_to_the_limit_of_garnett(beta: float, patience: float) -> None:
    """Garnett, Mandelbaum and Reiman (2002), theorem 1: staffing of load + beta root(load)."""
    handle, agents = 300.0, 10_000
    load = agents - beta * math.sqrt(agents)
    ratio = math.sqrt(handle / patience)
    limit = 1 / (1 + ratio * _hazard(beta / ratio) / _hazard(-beta))
    assert ErlangA(load / handle, handle, agents, patience).must_wait == pytest.approx(limit, abs=0.006)


def _hazard(x: float) -> float:
    normal = NormalDist()
    return normal.pdf(x) / normal.cdf(-x)


@pytest.mark.parametrize("load", [0.01, 0.5, 0.99, 1.0, 1.01, 3.0, 50.0])
@pytest.mark.parametrize("agents", [1, 40, 10_000])
@pytest.mark.parametrize("patience", [1.0, 600.0, 1e6])
def test_no_size_or_load_breaks_the_figures(load: float, agents: int, patience: float) -> None:
    queue = ErlangA(load * agents / 240, 240, agents, patience)
    for share in (
        queue.must_wait,
        queue.abandoning,
        queue.occupancy,
        queue.service_level(20),
        queue.offered_beyond(60),
    ):
        assert 0 <= share <= 1
    flow = queue.load * (1 - queue.abandoning)
    assert flow <= agents * (1 + 1e-6)
    if load > 1.005:
        assert queue.abandoning >= (1 - 1 / load) * (1 - 1e-6)
    assert queue.service_level(20) <= queue.service_level(40)
    assert queue.offered_beyond(queue.offered_quantile(0.95)) <= 0.05 + 1e-6


def test_more_agents_never_serve_worse_and_the_fewest_are_found() -> None:
    levels = [ErlangA(0.1, 240, agents, 300).service_level(20) for agents in range(60)]
    assert levels == sorted(levels)
    found = agents_needed(lambda agents: ErlangA(0.1, 240, agents, 300).service_level(20) >= 0.8, 24)
    assert levels[found - 1] < 0.8 <= levels[found]


def test_nobody_rings_or_nobody_works() -> None:
    quiet, alone = ErlangA(0, 240, 0), ErlangA(0.1, 240, 0, 300)
    assert (quiet.must_wait, quiet.service_level(20), quiet.mean_wait_s, quiet.occupancy) == (0, 1, 0, 0)
    assert (alone.must_wait, alone.service_level(20), alone.abandoning, alone.mean_wait_s) == (1, 0, 1, 300)
    assert math.isinf(ErlangA(0.1, 240, 24).mean_wait_s)
    assert math.isinf(ErlangA(0.1, 240, 24).offered_quantile(0.5))


def test_figures_that_make_no_queue_are_refused() -> None:
    for figures in ((-1, 240, 3, 300), (0.1, 0, 3, 300), (0.1, 240, -1, 300), (0.1, 240, 3, 0)):
        with pytest.raises(ValueError, match="must be"):
            ErlangA(*figures)
    with pytest.raises(ValueError, match="between 0 and 1"):
        ErlangA(0.1, 240, 3).offered_quantile(1)
    with pytest.raises(ValueError, match="no number of agents"):
        agents_needed(lambda _: False, 10)
