"""People, agents and times for rehearsals that a test makes by hand."""

import random
from collections.abc import Sequence
from datetime import UTC, datetime
from statistics import fmean, stdev

from callback.domain.policy import Policy
from callback.lab.duty import Seat
from callback.lab.engine import Engine, Habits, Setting
from callback.lab.journalled import Journal
from callback.lab.line import Agent
from callback.lab.people import Person, TakeUp, key_of
from callback.lab.tally import Tally

START = datetime(2026, 3, 2, 9, tzinfo=UTC).timestamp()
AT_ONCE = Habits(greeting_s=0, offer_s=0, confirm_s=0, agent_answers_s=0, calls_per_second=1e6)
"""A house whose own steps take no time."""
HOLD_ONLY = Policy(accepting=False, wrap_up_s=0)
NEVER = 1e9


def person(
    number: int, at: float, handle_s: float, *, patience_s: float = NEVER, queue: str = "q", priority: str = "",
    willing: float = 0.5, seed: int = 1,
) -> Person:  # fmt: skip
    """Somebody who rings `at` seconds after the start."""
    moment = START + at
    return Person(
        id=f"c{number}",
        queue=queue,
        priority=priority,
        arrived_at=datetime.fromtimestamp(moment, UTC),
        at=moment,
        patience_s=patience_s,
        handle_s=handle_s,
        willing=willing,
        key=key_of(seed, f"c{number}"),
    )


def seats(agents: int, until: float, *queues: str, since: float = 0.0) -> list[Seat]:
    """So many agents, from `since` to `until` seconds after the start."""
    served = dict.fromkeys(queues or ("q",), 1)
    return [Seat(f"a{number:03d}", served, [(START + since, START + until)]) for number in range(agents)]


def stationary(
    calls: int, *, rate: float, handle_s: float, seed: int, cv: float = 1.0, patience_s: float = NEVER
) -> list[Person]:
    """Poisson arrivals; exponential talks, or log-normal ones where `cv` is not 1; exponential patience."""
    dice, at, people = random.Random(seed), 0.0, []
    for number in range(calls):
        at += dice.expovariate(rate)
        patience = dice.expovariate(1 / patience_s) if patience_s < NEVER else NEVER
        people.append(person(number, at, talk(dice, handle_s, cv), patience_s=patience))
    return people


def talk(dice: random.Random, mean_s: float, cv: float) -> float:
    """One talk of this mean and coefficient of variation."""
    return dice.expovariate(1 / mean_s) if cv == 1 else dice.gammavariate(1 / cv**2, mean_s * cv**2)


def played(
    people: Sequence[Person], on_duty: Sequence[Seat], policy: Policy, *, habits: Habits = AT_ONCE, take_up: float = 1.0
) -> Tally:
    """A run, from a cold line."""
    queues = {one.queue for one in people}
    return Engine(Setting(people, on_duty, dict.fromkeys(queues, policy), TakeUp.constant(take_up), habits)).run()


def proved(
    people: Sequence[Person], on_duty: Sequence[Seat], policy: Policy, *, habits: Habits, take_up: float = 0.6
) -> tuple[Tally, Journal]:
    """A run that the audit has read."""
    policies = dict.fromkeys({one.queue for one in people}, policy)
    journal = Journal(policies, [Agent(seat.agent, seat.queues) for seat in on_duty], START - 1)
    setting = Setting(people, on_duty, policies, TakeUp.constant(take_up), habits)
    return Engine(setting, journal).run(), journal


def within(values: Sequence[float], truth: float, batches: int = 20, t: float = 3.88) -> bool:
    """Whether `truth` lies in the 99.9 % interval that the means of batches give (Student's t with 19 degrees)."""
    size = len(values) // batches
    means = [fmean(values[at * size : (at + 1) * size]) for at in range(batches)]
    return bool(abs(fmean(means) - truth) <= t * stdev(means) / batches**0.5)
