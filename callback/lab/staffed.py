"""A plan of agents put to the test: days of the forecast played by the product's own rules, with exactly these agents.

The search for a plan knows every wait in advance and follows one simple line (`manydays`). Here the same kind of day
goes through the rehearsal's engine: estimated waits, offers with their hysteresis, dialling, retries, people who take
seconds to come to the phone. What comes out is what the plan would be like in the house.
"""

from collections.abc import Callable, Mapping, Sequence
from statistics import fmean

from callback.domain.policy import Policy
from callback.lab.duty import Seat, Span
from callback.lab.engine import Engine, Habits, Setting
from callback.lab.figures import measure
from callback.lab.forecasting import PATIENCE, QUARTER_S, DayForecast, day_rows
from callback.lab.people import TAKES, Person, TakeUp, dice, key_of
from callback.lab.staffing import Slot
from callback.lab.trace import Row

QUEUE = "forecast"
USUAL = Habits()


def seats(slots: Sequence[Slot], agents: Callable[[Slot], int]) -> list[Seat]:
    """So many agents in each quarter, as shifts: whoever is there longest is the first."""
    most = max((agents(slot) for slot in slots), default=0)
    return [Seat(f"agent {number + 1}", {QUEUE: 1}, _shifts(slots, agents, number)) for number in range(most)]


def _shifts(slots: Sequence[Slot], agents: Callable[[Slot], int], number: int) -> list[Span]:
    spans: list[Span] = []
    for slot in slots:
        begin = slot.begins.timestamp()
        if agents(slot) <= number:
            continue
        if spans and spans[-1][1] == begin:
            spans[-1] = (spans[-1][0], begin + QUARTER_S)
        else:
            spans.append((begin, begin + QUARTER_S))
    return spans


def people(rows: Sequence[Row], seed: int) -> list[Person]:
    """Those of a day drawn from a forecast: nothing about them is left to be inferred."""
    found = []
    for row in rows:
        key = key_of(seed, row.call_id)
        patience = float(row.extra[PATIENCE])
        found.append(
            Person(row.call_id, QUEUE, "", row.arrived_at, row.at, patience, row.handled_s, dice(key, TAKES), key)
        )
    return found


def played(
    expected: DayForecast,
    seated: Sequence[Seat],
    policy: Policy,
    *,
    take_up: float,
    days: int,
    seed: int = 1,
    within_s: float = 20.0,
    habits: Habits = USUAL,
    progress: Callable[[int], None] = lambda _: None,
) -> Mapping[str, float | None]:
    """The mean figures (`figures.measure`) of so many days under a policy; None where no day had anything to measure.

    `progress` hears of callers.
    """
    found = []
    for number in range(seed, seed + days):
        callers = people(day_rows(expected, number, queue=QUEUE), number)
        setting = Setting(
            people=callers,
            seats=seated,
            policies={QUEUE: policy},
            take_up=TakeUp.constant(take_up),
            habits=habits,
            recorded_wrap_up_s={QUEUE: policy.wrap_up_s},
        )
        found.append(measure(Engine(setting, progress=progress).run(), within_s))
    names = found[0] if found else {}
    return {name: _mean([one[name] for one in found]) for name in names}


def _mean(values: Sequence[float | None]) -> float | None:
    known = [value for value in values if value is not None]
    return fmean(known) if known else None
