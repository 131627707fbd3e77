"""The same day many times at once: one line, agents who come and go by the quarter, callers who wait, leave or trade.

A plan of agents is judged on hundreds of days drawn from one forecast, and a search judges many plans, so the days go
through the floor side by side as NumPy arrays: the n-th caller of a quarter in all days is one step. Everybody
stands in one line by their arrival, whether they hold or were promised a callback, as in the product. An agent who goes
home finishes the talk first. The wait is known in advance here, where the product estimates it, and a callback that is
not picked up costs its agent the ring at once; `lab.rehearse` plays the rules one by one and is the check on this.

Times are seconds from the first quarter of the plan.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass, fields

import numpy as np
from numpy.typing import NDArray

from callback.domain.pacing import DIAL_AHEAD
from callback.domain.policy import Policy
from callback.lab.forecasting import QUARTER_S

Array = NDArray[np.float64]
Flags = NDArray[np.bool_]
Whole = NDArray[np.intp]

_NEVER = 1e15
"""Beyond every day; finite, so that differences of two of them are numbers."""


@dataclass(frozen=True)
class Demand:
    """Callers expected in a quarter of an hour, mean seconds of a talk with its wrap-up, mean seconds of patience."""

    calls: float
    handle_s: float
    patience_s: float


@dataclass(frozen=True)
class Offering:
    """What becomes of callers where callbacks are offered. Durations are seconds, shares from 0 to 1.

    An offer is made once the wait is `offer_at_s` and until it is below `stop_at_s`; `take_up` of those who hear it
    take it. A phone is picked up with probability `answered`, and holds its agent for `ring_s` (`unanswered_s` where
    nobody comes). A promise is kept if its agent is there within `promise_s` of the call.
    """

    offer_at_s: float
    stop_at_s: float
    take_up: float = 0.6
    answered: float = 0.72
    ring_s: float = 15.0
    unanswered_s: float = 25.0
    attempts: int = 3
    retry_delays_s: tuple[float, ...] = (300, 900)
    promise_s: float = 1800.0

    @classmethod
    def of(cls, policy: Policy, *, take_up: float, promise_s: float) -> "Offering":
        """By a queue's policy. Raises ValueError where that never offers by the wait."""
        if policy.offer_at_wait_s is None or not policy.accepting:
            raise ValueError("this policy never offers a callback by the wait: set offer_at_wait_s and accepting")
        stop = policy.offer_at_wait_s if policy.stop_offering_at_wait_s is None else policy.stop_offering_at_wait_s
        return cls(
            offer_at_s=policy.offer_at_wait_s,
            stop_at_s=min(stop, policy.offer_at_wait_s),
            take_up=take_up,
            ring_s=_HELD_S.get(policy.dial_mode, _HELD_S["customer_first"]),
            unanswered_s=0.0 if policy.dial_mode == DIAL_AHEAD else float(policy.ring_timeout_s),
            attempts=policy.attempts,
            retry_delays_s=policy.retry_delays_s or (0.0,),
            promise_s=promise_s,
        )


_HELD_S = {"agent_first": 18.0, "customer_first": 15.0, DIAL_AHEAD: 7.0}
"""For how long a call back that is answered keeps its agent from anybody else before the talk: their own ring, the
caller's ring and the key press, as far as the mode makes them wait."""


@dataclass(frozen=True)
class Block:
    """The callers of one quarter of an hour in all days: the n-th of each day is a row, a day a column, by arrival.

    When they come (`_NEVER`: there is no n-th that day, and nothing moves them), seconds of talk, of patience, a die
    for the offer, and of a callback: the seconds it takes its agent, ringing included, those it is delayed for the
    caller, and whether nobody is reached.
    """

    arrives: Array
    handle_s: Array
    patience_s: Array
    willing: Array
    called_s: Array
    delay_s: Array
    unreached: Flags

    @property
    def real(self) -> Flags:
        """Which places are somebody's."""
        return self.arrives < _NEVER


def crowd(
    demand: Sequence[Demand], *, days: int, handle_cv: float, seed: int, offering: Offering | None = None
) -> list[Block]:
    """Draws so many days, a block a quarter. The same seed gives the same people, with and without an offer."""
    dice = np.random.default_rng(seed)
    spread = math.sqrt(math.log1p(handle_cv**2))
    return [_block(dice, number, one, days, spread, offering) for number, one in enumerate(demand)]


def _block(
    dice: np.random.Generator, number: int, demand: Demand, days: int, spread: float, offering: Offering | None
) -> Block:
    counts = dice.poisson(demand.calls, days)
    shape = (int(counts.max(initial=0)), days)
    arrives = (number + dice.random(shape)) * QUARTER_S
    nobody = np.arange(shape[0])[:, None] >= counts[None, :]
    arrives[nobody] = _NEVER
    handle = demand.handle_s * np.exp(spread * dice.standard_normal(shape) - spread**2 / 2)
    patience = demand.patience_s * dice.standard_exponential(shape)
    willing, tries = dice.random(shape), dice.random(shape)
    patience[nobody], willing[nobody] = -1.0, 2.0
    ringing, delay, unreached = _ringing(tries, offering)
    called = ringing + np.where(unreached, 0.0, handle)
    return Block(np.sort(arrives, axis=0), handle, patience, willing, called, delay, unreached)


def _ringing(die: Array, offering: Offering | None) -> tuple[Array, Array, Flags]:
    """Seconds of ringing, of delay, and who is never reached, by the number of attempts it takes."""
    if offering is None or offering.answered >= 1:
        return np.full(die.shape, offering.ring_s if offering else 0.0), np.zeros(die.shape), die < 0
    missed = np.floor(np.log(np.maximum(die, 1e-300)) / math.log(1 - offering.answered)).astype(int)
    unreached = missed >= offering.attempts
    missed = np.minimum(missed, offering.attempts)
    pauses = [0.0]
    for number in range(offering.attempts):
        pauses.append(pauses[-1] + offering.retry_delays_s[min(number, len(offering.retry_delays_s) - 1)])
    rung = missed * offering.unanswered_s + np.where(unreached, 0.0, offering.ring_s)
    return rung, np.array(pauses)[missed], unreached


@dataclass(frozen=True)
class Counts:
    """What became of the callers of each quarter, over all days.

    On the line: `within` reached an agent in time, `served` at all; for `ready` an agent was there in time, or would
    have been had they not hung up; `left` hung up or were left over at the end. Promised: `took` an offer, `kept` in
    time and `reached` at all. `waited_s` was waited on the line by those who made no such trade, `called_s` until their
    agent was there by those who were reached.
    """

    calls: Array
    within: Array
    served: Array
    ready: Array
    left: Array
    took: Array
    kept: Array
    reached: Array
    waited_s: Array
    called_s: Array

    @classmethod
    def joined(cls, parts: Sequence[Sequence[float]]) -> "Counts":
        """Of the quarters, each as `_counted` gives it."""
        return cls(*np.array(parts, dtype=float).reshape(-1, len(fields(cls))).T)

    def whole(self) -> "Counts":
        """Over all quarters, as one."""
        return Counts(*(np.array([getattr(self, field.name).sum()]) for field in fields(self)))


@dataclass
class State:
    """Where all the days stand at the beginning of a quarter: when each agent of each day is free next, and whether
    callbacks are being offered."""

    free: Array
    offering: Flags

    def copy(self) -> "State":
        """To try something out."""
        return State(self.free.copy(), self.offering.copy())


class ManyDays:
    """Days under a plan, quarter by quarter, so that a search can try a change where it is made."""

    def __init__(
        self, blocks: Sequence[Block], *, within_s: float, most_agents: int, offering: Offering | None = None
    ) -> None:
        self._blocks, self._within_s, self._offering = blocks, within_s, offering
        self._agents = max(most_agents, 1)
        self._days = np.arange(blocks[0].arrives.shape[1]) if blocks else np.arange(0)

    def begin(self) -> State:
        """Everybody is free, nobody waits."""
        return State(np.zeros((len(self._days), self._agents)), np.zeros(len(self._days), bool))

    def duty(self, plan: Sequence[int]) -> Array:
        """When an agent is there next: by quarter and agent, the beginning of the first quarter from that one on in
        which they work. Agents work in the quarters whose number is above theirs."""
        works = np.array(plan)[:, None] > np.arange(self._agents)[None, :]
        table = np.full((len(plan) + 1, self._agents), _NEVER)
        for quarter in range(len(plan) - 1, -1, -1):
            table[quarter] = np.where(works[quarter], quarter * QUARTER_S, table[quarter + 1])
        return table

    def whole(self, plan: Sequence[int]) -> Counts:
        """The whole of the days under this plan."""
        return self.play(self.begin(), self.duty(plan), 0, len(self._blocks))

    def play(self, state: State, duty: Array, first: int, until: int) -> Counts:
        """The callers of the quarters from `first` to before `until`; moves the state on."""
        return Counts.joined([self._quarter(state, duty, quarter) for quarter in range(first, until)])

    def _quarter(self, state: State, duty: Array, quarter: int) -> list[float]:
        block = self._blocks[quarter]
        offered = np.zeros(block.arrives.shape)
        takes = np.zeros(block.arrives.shape, bool)
        there = np.maximum(self._on_duty(duty, state.free, np.arange(self._agents)), duty[quarter])
        for number in range(len(block.arrives)):
            self._step(state, duty, there, block, number, offered[number], takes[number])
        return self._counted(block, offered, takes)

    def _on_duty(self, duty: Array, free: Array, agent: Whole) -> Array:
        """When agents who are through with their talks at `free` can take the next caller."""
        quarter = np.minimum(free / QUARTER_S, len(self._blocks)).astype(np.intp)
        found: Array = np.maximum(free, duty[quarter, agent])
        return found

    def _step(
        self, state: State, duty: Array, there: Array, block: Block, number: int, offered: Array, takes: Flags
    ) -> None:
        """The n-th caller of this quarter in every day gets the agent who is there first. What is kept of an agent is
        when their last talk ends: when they are there depends on the plan, which a search changes as it goes."""
        days, arrives = self._days, block.arrives[number]
        agent = there.argmin(axis=1)
        begins = np.maximum(there[days, agent], arrives)
        np.subtract(begins, arrives, out=offered)
        busy, served = block.handle_s[number], block.patience_s[number] >= offered
        if self._offering is not None:
            self._offer(state, block, number, offered, takes)
            served = served | takes
            busy = np.where(takes, block.called_s[number], busy)
        moved = days[served]
        whose, ends = agent[served], (begins + busy)[served]
        state.free[moved, whose] = ends
        there[moved, whose] = self._on_duty(duty, ends, whose)

    def _offer(self, state: State, block: Block, number: int, offered: Array, takes: Flags) -> None:
        rule = self._offering
        if rule is None:
            return
        now = (offered >= rule.offer_at_s) | (state.offering & (offered >= rule.stop_at_s))
        there = block.arrives[number] < _NEVER
        state.offering = np.where(there, now, state.offering)
        # Nobody is promised a callback that cannot be made before everybody goes home.
        np.logical_and(now & (offered < _NEVER / 2), block.willing[number] < rule.take_up, out=takes)

    def _counted(self, block: Block, offered: Array, takes: Flags) -> list[float]:
        """One quarter of `Counts`."""
        real = block.real
        live = real & ~takes
        served = live & (block.patience_s >= offered)
        took = real & takes
        reached = took & ~block.unreached
        until = offered + block.delay_s
        promise_s = self._offering.promise_s if self._offering else 0.0
        counted = [
            np.count_nonzero(real),
            np.count_nonzero(served & (offered <= self._within_s)),
            np.count_nonzero(served),
            np.count_nonzero(live & (offered <= self._within_s)),
            np.count_nonzero(live & ~served),
            np.count_nonzero(took),
            np.count_nonzero(reached & (until <= promise_s)),
            np.count_nonzero(reached),
            np.minimum(offered, block.patience_s)[live].sum(),
            until[reached].sum(),
        ]
        return [float(value) for value in counted]
