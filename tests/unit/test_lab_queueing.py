"""The lab against the theory of queues, and against another simulator, where those apply."""

import heapq
from collections.abc import Sequence
from statistics import fmean, stdev

import ciw
import pytest

from callback.lab.erlang import ErlangA
from callback.lab.people import Person
from callback.lab.tally import End
from tests.support.rehearsals import HOLD_ONLY, played, seats, stationary, within

CALLS = 3000


def waits_by_recursion(people: Sequence[Person], agents: int) -> list[float]:
    """Kiefer and Wolfowitz: each caller takes the agent who is free first."""
    free = [0.0] * agents
    waits = []
    for one in people:
        start = max(one.at, heapq.heappop(free))
        waits.append(start - one.at)
        heapq.heappush(free, start + one.handle_s)
    return waits


@pytest.mark.parametrize(("agents", "cv"), [(1, 1.0), (5, 1.0), (20, 1.3)])
def test_first_come_first_served_gives_each_caller_the_wait_of_the_recursion(agents: int, cv: float) -> None:
    people = stationary(600, rate=0.92 * agents / 100, handle_s=100, seed=agents, cv=cv)
    tally = played(people, seats(agents, 1e6), HOLD_ONLY)
    assert tally.queues["q"].live_s == pytest.approx(waits_by_recursion(people, agents), abs=1e-4)


@pytest.mark.parametrize(("agents", "load"), [(4, 0.7), (10, 0.85)])
def test_a_steady_queue_of_the_patient_waits_as_erlang_says(agents: int, load: float) -> None:
    rate = load * agents / 100
    counts = played(stationary(CALLS, rate=rate, handle_s=100, seed=7), seats(agents, 1e7), HOLD_ONLY).queues["q"]
    assert counts.ends[End.ABANDONED] == 0
    assert within(counts.live_s, ErlangA(rate, 100, agents).mean_wait_s)


def test_a_steady_queue_of_the_impatient_loses_and_serves_as_erlang_says() -> None:
    people = stationary(CALLS, rate=0.088, handle_s=100, seed=3, patience_s=200)
    counts = played(people, seats(8, 1e7), HOLD_ONLY).queues["q"]
    law = ErlangA(0.088, 100, 8, 200)
    parts = [counts.slices[at] for at in sorted(counts.slices) if counts.slices[at].arrived]
    size = len(parts) // 20
    lost = [
        sum(one.abandoned for one in parts[at * size : (at + 1) * size])
        / sum(one.arrived for one in parts[at * size : (at + 1) * size])
        for at in range(20)
    ]
    assert within(lost, law.abandoning)
    at_once = [float(waited == 0) for waited in counts.live_s]
    assert within(at_once, (1 - law.must_wait) / (1 - law.abandoning))


def test_many_servers_and_talks_without_a_formula_are_as_another_simulator_has_them() -> None:
    agents, rate, cv, customers = 6, 0.05, 1.4, 700
    mean_s = 0.8 * agents / rate
    ours, theirs = [], []
    for seed in range(1, 6):
        people = stationary(customers, rate=rate, handle_s=mean_s, seed=seed, cv=cv)
        ours.append(fmean(played(people, seats(agents, 1e6), HOLD_ONLY).queues["q"].live_s))
        theirs.append(simulated(agents, rate, mean_s, cv, customers, seed))
    spread = (stdev(ours) ** 2 / len(ours) + stdev(theirs) ** 2 / len(theirs)) ** 0.5
    assert abs(fmean(ours) - fmean(theirs)) < 3 * spread


def simulated(agents: int, rate: float, mean_s: float, cv: float, customers: int, seed: int) -> float:
    """The mean wait that ciw finds in the same queue."""
    ciw.seed(seed)
    network = ciw.create_network(
        arrival_distributions=[ciw.dists.Exponential(rate)],
        service_distributions=[ciw.dists.Gamma(1 / cv**2, mean_s * cv**2)],
        number_of_servers=[agents],
    )
    simulation = ciw.Simulation(network)
    simulation.simulate_until_max_customers(customers, method="Finish")
    return fmean(record.waiting_time for record in simulation.get_all_records())
