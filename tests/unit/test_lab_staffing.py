"""Agents by the quarter: the days they are judged on, the fewest that meet a target, and what callbacks save."""

from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta

import numpy as np
import pytest

from callback.domain.policy import Policy
from callback.lab.erlang import ErlangA
from callback.lab.forecasting import DayForecast, Quarter
from callback.lab.manydays import Demand, ManyDays, Offering, crowd
from callback.lab.staffing import Limits, Measure, Target, plan, steps

MORNING = datetime(2026, 3, 2, 9, tzinfo=UTC)
PEAK = (8, 12, 20, 30, 30, 20, 12, 8)
"""Calls in the quarters of two hours with a peak."""


def a_day(calls: Sequence[float], *, handle_s: float = 200.0, gap: int = 0) -> DayForecast:
    quarters = [
        Quarter(MORNING + timedelta(minutes=15 * (n + gap * (n >= 4))), mean, mean, mean, handle_s, 300.0)
        for n, mean in enumerate(calls)
    ]
    whole = float(sum(calls))
    return DayForecast(date(2026, 3, 2), quarters, whole, whole, whole, 1.0, 1.0, 6.0, 30)


def played(demand: Sequence[Demand], agents: Sequence[int], **how: object) -> ManyDays:
    people = crowd(demand, days=120, handle_cv=1.0, seed=11, offering=how.get("offering"))  # type: ignore[arg-type]
    return ManyDays(people, within_s=20, most_agents=max(agents) + 2, **how)  # type: ignore[arg-type]


@pytest.mark.parametrize(("calls", "agents"), [(30, 7), (30, 9), (4, 2)])
def test_steady_days_come_to_what_erlang_says(calls: float, agents: int) -> None:
    demand = [Demand(calls, 200, 300)] * 40
    counts = played(demand, [agents] * 40).whole([agents] * 40)
    queue = ErlangA(calls / 900, 200, agents, 300)
    came = counts.calls[6:].sum()
    # Erlang's talks have no memory; those of the days are lognormal with the same spread, which is nearly the same.
    assert counts.within[6:].sum() / came == pytest.approx(queue.service_level(20), abs=0.02)
    assert counts.left[6:].sum() / came == pytest.approx(queue.abandoning, abs=0.01)
    assert counts.waited_s[6:].sum() / came == pytest.approx(queue.mean_wait_s, rel=0.1, abs=1)


def test_an_overloaded_quarter_leaves_its_line_to_the_next() -> None:
    demand = [Demand(20, 200, 600)] * 4
    counts = played(demand, [6, 2, 6, 6]).whole([6, 2, 6, 6])
    answered = counts.within / counts.calls
    assert answered[1] < 0.15
    assert answered[2] < answered[0] - 0.2
    assert ErlangA(20 / 900, 200, 6, 600).service_level(20) - answered[2] > 0.1


def test_everybody_ends_once() -> None:
    offering = Offering(offer_at_s=40, stop_at_s=20)
    demand = [Demand(25, 200, 200)] * 6
    counts = played(demand, [4, 4, 4, 4, 8, 8], offering=offering).whole([4, 4, 4, 4, 8, 8])
    assert np.allclose(counts.calls, counts.served + counts.left + counts.took)
    assert np.all(counts.kept <= counts.reached)
    assert np.all(counts.reached <= counts.took)
    assert counts.took.sum() > 0.3 * counts.calls.sum()
    assert 0.9 < counts.reached.sum() / counts.took.sum() < 1


def test_callbacks_spare_callers_who_would_hang_up_in_a_peak() -> None:
    demand, agents = [Demand(calls, 200, 120) for calls in (30, 5, 5, 30, 5, 5)], [5] * 6
    alone = played(demand, agents).whole(agents)
    offered = played(demand, agents, offering=Offering(30, 15)).whole(agents)
    assert offered.left.sum() < 0.85 * alone.left.sum()
    assert np.allclose(offered.calls, alone.calls)


@pytest.mark.parametrize("target", ["80/20", "p90/60", "abandon/5"])
def test_a_plan_meets_its_target_on_days_it_has_not_seen(target: str) -> None:
    aim = Target.parse(target)
    found = plan(a_day(PEAK), aim)
    agents = [slot.without for slot in found.slots]
    demand = [Demand(calls, 200, 300) for calls in PEAK]
    many = ManyDays(crowd(demand, days=500, handle_cv=1.0, seed=99), within_s=aim.within_s, most_agents=max(agents))
    good = aim.good(many.whole(agents))
    assert np.all(good > aim.needed - 0.02)
    fewer = [max(number - 1, 1) for number in agents]
    assert np.any(aim.good(many.whole(fewer)) < aim.needed - 0.02)


def test_agents_are_not_wasted_in_any_quarter() -> None:
    aim = Target()
    found = plan(a_day(PEAK), aim)
    demand = [Demand(calls, 200, 300) for calls in PEAK]
    agents = [slot.without for slot in found.slots]
    many = ManyDays(crowd(demand, days=500, handle_cv=1.0, seed=98), within_s=aim.within_s, most_agents=max(agents))
    for number in range(len(agents)):
        fewer = [one - (at == number) for at, one in enumerate(agents)]
        assert aim.good(many.whole(fewer))[number : number + 2].min() < aim.needed + 0.02


def test_callbacks_save_agents_and_the_promises_are_kept() -> None:
    policy = Policy(offer_at_wait_s=30, stop_offering_at_wait_s=20)
    found = plan(a_day(PEAK), Target(), offering=Offering.of(policy, take_up=0.7, promise_s=1800))
    assert found.with_callbacks is not None
    assert found.saved_hours is not None
    assert found.saved_hours > 0
    assert all(slot.callbacks is not None and slot.callbacks <= slot.without for slot in found.slots)
    assert all(slot.good_callbacks is not None and slot.good_callbacks > 0.78 for slot in found.slots)
    assert found.with_callbacks.took > 5
    assert (found.with_callbacks.kept or 0) > 0.8
    assert (found.with_callbacks.called_s or 0) > 30
    assert found.with_callbacks.stayed < found.with_callbacks.good


def test_nobody_is_there_while_the_queue_is_closed_and_somebody_while_it_is_open() -> None:
    found = plan(a_day((5, 5, 5, 5, 0, 5, 5, 5), gap=4), Target())
    assert len(found.slots) == 8
    assert all(slot.without >= 1 for slot in found.slots)
    assert found.without.agent_hours == sum(slot.without for slot in found.slots) / 4
    assert found.slots[4].good_without is None


def test_shrinkage_and_occupancy_add_agents() -> None:
    plain = plan(a_day((20, 20, 20)), Target())
    held = plan(a_day((20, 20, 20)), Target(), limits=Limits(shrinkage=0.3, max_occupancy=0.5))
    assert all(slot.without >= 20 / 900 * 200 / 0.5 for slot in held.slots)
    assert [slot.paid_without for slot in held.slots] == [-(-slot.without * 10 // 7) for slot in held.slots]
    assert held.without.agent_hours > plain.without.agent_hours
    with pytest.raises(ValueError, match="shrinkage must be"):
        Limits(shrinkage=1.0)


def test_the_same_seed_gives_the_same_plan_and_progress_is_told() -> None:
    told: list[int] = []
    day = a_day((6, 9, 6))
    offering = Offering(60, 30)
    one = plan(day, Target(), offering=offering, progress=told.append)
    assert sum(told) == steps(day, offering)
    assert one == plan(day, Target(), offering=offering)


def test_targets_are_read_as_people_write_them() -> None:
    assert Target.parse("80/20") == Target(Measure.ANSWERED, 0.8, 20)
    assert Target.parse(" P90/60 ") == Target(Measure.READY, 0.9, 60)
    assert Target.parse("abandon/5") == Target(Measure.ABANDONED, 0.05, 0)
    for text in ("80/20", "p90/60", "abandon/5"):
        assert str(Target.parse(text)) == text
    for wrong in ("", "80", "80/", "120/20", "0/20", "p/3", "abandon", "abandon/0", "80/-1", "nan/20", "80/inf"):
        with pytest.raises(ValueError, match="is no target: write 80/20"):
            Target.parse(wrong)


def test_what_cannot_be_planned_is_refused() -> None:
    with pytest.raises(ValueError, match="nobody is expected"):
        plan(a_day((0, 0)), Target())
    with pytest.raises(ValueError, match="never offers a callback by the wait"):
        Offering.of(Policy(offer_at_wait_s=None), take_up=0.5, promise_s=1800)
