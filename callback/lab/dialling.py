"""A promise is kept on simulated time: dialled for a reserved agent, with the agent on the line, or ahead of one.

Whether somebody picks up, after how long, and when they press their key is drawn from the laws by the person's own
dice; what follows from it is the product's own rule (`domain.retry`, `domain.pacing`).
"""

import math
from bisect import bisect_right, insort
from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import lru_cache
from operator import itemgetter
from typing import TYPE_CHECKING

from callback.domain import hours, pacing, retry
from callback.domain.callback import Callback, Outcome, Source
from callback.domain.ids import CallbackId, QueueKey
from callback.domain.laws import Law, Laws, Seen, first_guess
from callback.domain.lifecycle import Event, State
from callback.domain.pacing import (
    DELAYS_S,
    DIAL_AHEAD,
    FRONT,
    KEY_S,
    ROUNDED_S,
    SOON_S,
    Calibration,
    rounded,
    rounded_up,
)
from callback.domain.policy import Policy
from callback.domain.wait import mean_handle
from callback.lab.clockwork import moment
from callback.lab.line import AVAILABLE, BUSY, LIVE, RESERVED, WRAP_UP, Agent, Caller, QueueLine
from callback.lab.tally import End

if TYPE_CHECKING:
    from callback.lab.engine import Engine

PICKS_UP, AFTER, PRESSES, STAYS = range(4)
"""What the dice of an attempt are for."""
AGENT_FIRST = "agent_first"


@dataclass(frozen=True)
class Ends:
    """A law turned round: when an event comes for whom. By `edges[i]` it has come to the share `happened[i]`."""

    edges: tuple[float, ...]
    happened: tuple[float, ...]

    @classmethod
    @lru_cache(maxsize=64)
    def of(cls, seen: Seen) -> "Ends":
        """Between the edges the event is as likely at any moment, a difference from the law nobody notices."""
        law = Law(seen)
        edges = (*seen.edges, 2 * seen.edges[-1])
        return cls(edges, tuple(law.so_far(edge)[0] for edge in edges))

    def after(self, u: float, share: float | None = None) -> float | None:
        """Seconds until the event for somebody at `u` (uniform); None: it never comes. `share` replaces the law's own
        share of those to whom it comes."""
        whole = self.happened[-1]
        if share is not None:
            if u >= share:
                return None
            u = u / share * whole
        if u >= whole:
            return None
        at = bisect_right(self.happened, u) - 1
        low, high = self.happened[at], self.happened[at + 1]
        return self.edges[at] + (self.edges[at + 1] - self.edges[at]) * (u - low) / (high - low)


class Dialling:
    """The dials of one run."""

    def __init__(self, engine: "Engine") -> None:
        self._engine = engine
        self._line = engine.line
        self._next_slot = 0.0
        self._looking: set[str] = set()
        self._under_way: dict[str, dict[str, Caller]] = {key: {} for key in engine.line.queues}
        self._calibrations: dict[str, Calibration] = {}
        self._retries: dict[str, list[tuple[float, tuple[int, str]]]] = {key: [] for key in engine.line.queues}
        self._forecasts: dict[tuple[object, ...], pacing.Forecast] = {}
        self._serving: dict[str, list[Agent]] = {
            key: [agent for agent in engine.agents if key in agent.queues] for key in engine.line.queues
        }

    # --- for a reserved agent --------------------------------------------------------------------------------------

    def paired(self, caller: Caller, agent: Agent) -> None:
        """An agent is reserved for a promise that is due."""
        until = self._quiet_until(caller)
        if until is not None:
            self._line.free(agent, self._engine.now, "not to be dialled now")
            self._stand(caller, "later", "quiet hours")
            self._engine.at(until, self._due, caller)
            self._engine.work(agent)
            return
        caller.agent_first = self._policy(caller).dial_mode == AGENT_FIRST
        wait_s = self._slot()
        self._begin(caller)
        if caller.agent_first:
            self._engine.change(caller, Event.RESERVE, f"{agent.key} is free")
            wait_s += self._engine.habits.agent_answers_s
        self._later(wait_s, self._dial_for, caller, agent, agent.token)

    def _dial_for(self, caller: Caller, agent: Agent, token: str) -> None:
        """The carrier's slot has come, and the agent, where they are first, is on the line."""
        if agent.token != token:
            return
        if not caller.agent_first:
            self._engine.change(caller, Event.RESERVE, f"{agent.key} is free")
        elif (wait_s := self._slot()) > 0:
            self._later(wait_s, self._ask, caller)
            return
        self._ask(caller)

    # --- ahead of an agent -----------------------------------------------------------------------------------------

    def look_ahead(self, queue: str) -> None:
        """From now on at every sweep, as long as somebody is due."""
        if self._line.queues[queue].policy.dial_mode == DIAL_AHEAD and queue not in self._looking:
            self._looking.add(queue)
            self._engine.at(self._engine.now, self._sweep, queue)

    def _sweep(self, queue: str) -> None:
        line = self._line.queues[queue]
        self._engine.match(queue)
        if not (self._line.is_anybody_due(queue) or line.rung) or not line.staffed:
            self._looking.discard(queue)
            return
        if line.policy.dialing:
            self._ring_ahead(line)
        self._later(self._engine.habits.sweep_s, self._sweep, queue)

    def _ring_ahead(self, line: QueueLine) -> None:
        """As the product's sweep: one more for as long as the rule allows."""
        agents = self._serving[line.key]
        fronts = {key: self._line.listing(key, FRONT) for key in {line.key}.union(*(one.queues for one in agents))}
        due = [caller for caller in fronts[line.key] if caller.place == "due"]
        floor = self._floor(line, agents)
        epsilon = self._calibration(line.key).epsilon
        others = [
            one.key
            for key, front in fronts.items()
            for one in front
            if one.place in LIVE or (one.place == "due" and key != line.key)
        ]
        others += [place for key in fronts for place in self._soon_due(key)]
        for caller in due:
            delay_s = max(self._next_slot - self._engine.now, 0.0)
            seen = replace(floor, waiting=sum(place < caller.key for place in others))
            if surely_misses(seen, epsilon):
                return
            if not pacing.decide(seen, self._forecast(line, delay_s), epsilon=epsilon, most=1).dials:
                return
            if self._begin_ahead(caller):
                floor = replace(floor, ringing_s=(*floor.ringing_s, -delay_s))

    def _soon_due(self, queue: str) -> list[tuple[int, str]]:
        """Retries whose time comes while a phone rings that is dialled now."""
        times, now = self._retries[queue], self._engine.now
        del times[: bisect_right(times, now, key=itemgetter(0))]
        return [place for _, place in times[: bisect_right(times, now + SOON_S, key=itemgetter(0))]]

    def _begin_ahead(self, caller: Caller) -> bool:
        until = self._quiet_until(caller)
        if until is not None:
            self._line.stand(caller, "later", self._engine.now, "quiet hours")
            self._engine.at(until, self._due, caller)
            return False
        caller.agent_first = False
        self._begin(caller)
        self._engine.change(caller, Event.RESERVE, "somebody will probably be free when they answer")
        self._line.stand(caller, "later", self._engine.now, "entered")
        self._engine.tally.queues[caller.queue].ahead += 1
        wait_s = self._slot()
        caller.asked_at = self._engine.now + wait_s
        self._later(wait_s, self._ask, caller)
        caller.ahead = True
        self._expect(caller)
        return True

    def _expect(self, caller: Caller) -> None:
        """Whoever comes free is kept for them for as long as they would be in `customer_first`."""
        rings_until = caller.asked_at + self._policy(caller).ring_timeout_s + KEY_S
        self._line.expect(caller, rings_until)

    def _calibration(self, queue: str) -> Calibration:
        """Which epsilon leads to the policy's share of misses, as it has been learnt by now."""
        target = self._line.queues[queue].policy.max_wait_probability
        return self._calibrations.get(queue) or Calibration.first(target, len(self._serving[queue]))

    def _floor(self, line: QueueLine, agents: list[Agent]) -> pacing.Floor:
        """What the product would see of it."""
        now = self._engine.now
        staying = [agent for agent in agents if agent.wanted is AVAILABLE]
        rung = {agent.key for agent in staying if agent.status is RESERVED and _is_rung_for(agent)}
        talks = [now - one.since for one in staying if one.status in (BUSY, RESERVED) and one.key not in rung]
        wraps = [one for one in staying if one.status is WRAP_UP]
        dials = list(self._dials(agents, line.key))
        return pacing.Floor(
            idle=len(rung) + sum(agent.status is AVAILABLE for agent in staying),
            talks_s=tuple(talks),
            wraps=tuple(pacing.WrapUp(now - one.since, (one.wrap_until or now) - now) for one in wraps),
            ringing_s=tuple(now - one.asked_at for one in dials if one.answered_at is None),
            asked_s=tuple(now - one.answered_at for one in dials if one.answered_at is not None),
        )

    def _dials(self, agents: list[Agent], queue: str) -> Iterator[Caller]:
        """Promises being rung in any queue of these agents, but for those who hold the line."""
        for key in {queue}.union(*(agent.queues for agent in agents)):
            yield from (one for one in self._under_way[key].values() if one.ready_at is None)

    def _forecast(self, line: QueueLine, delay_s: float) -> pacing.Forecast:
        """By the queue's mean handle time and the laws, for a dial that the carrier's pace lets begin so late."""
        handle_s = rounded(mean_handle(line.measured, line.policy), ROUNDED_S)
        later_s = rounded_up(delay_s, DELAYS_S)
        key = (line.key, handle_s, later_s)
        if key not in self._forecasts:
            known = replace(line.policy, prior_handle_s=handle_s)
            self._forecasts[key] = pacing.Forecast.of(self._laws(known), known, delay_s=later_s)
        return self._forecasts[key]

    # --- one attempt -----------------------------------------------------------------------------------------------

    def _begin(self, caller: Caller) -> None:
        caller.attempts_made += 1
        caller.asked_at = self._engine.now
        caller.answered_at = caller.ready_at = None
        caller.ahead = False
        self._under_way[caller.queue][caller.id] = caller

    def _ask(self, caller: Caller) -> None:
        """The carrier dials: it rings until somebody or nobody picks up."""
        engine, policy = self._engine, self._policy(caller)
        if caller.state is not State.RESERVED:
            return
        engine.change(caller, Event.DIAL, "dialling")
        caller.asked_at = engine.now
        engine.tally.queues[caller.queue].dials += 1
        ring = Ends.of(self._laws(policy).ring)
        ring_s = ring.after(self._die(caller, PICKS_UP), engine.habits.answer)
        if ring_s is None or ring_s >= policy.ring_timeout_s:
            self._later(policy.ring_timeout_s, self._missed, caller, Outcome.NO_ANSWER)
        else:
            self._later(ring_s, self._answered, caller)

    def _answered(self, caller: Caller) -> None:
        engine, policy = self._engine, self._policy(caller)
        engine.change(caller, Event.ANSWER, "picked up")
        caller.answered_at, caller.leg = engine.now, True
        engine.tally.queues[caller.queue].picked_up += 1
        if policy.confirm_human == "off":
            self._ready(caller)
            return
        key_s = Ends.of(self._laws(policy).key).after(self._die(caller, PRESSES))
        if key_s is None:
            machine = policy.confirm_human == "amd"
            missed = Outcome.VOICEMAIL if machine else Outcome.NO_KEY
            self._later(engine.habits.no_key_s, self._missed, caller, missed)
        else:
            self._later(key_s, self._ready, caller)

    def _ready(self, caller: Caller) -> None:
        """They are on the line and want to talk: to their agent, or to the first who is free."""
        engine, agent = self._engine, caller.agent
        if agent is not None and caller.agent_first:
            engine.bridge(caller, agent, agent.token)
        elif agent is not None:
            engine.connect(caller, agent)
        else:
            self._early(caller)

    def _early(self, caller: Caller) -> None:
        """Rung ahead: first in line, and where nobody is free in the place of somebody whose phone still rings."""
        engine, line, policy = self._engine, self._line, self._policy(caller)
        caller.ready_at = engine.now
        line.stand(caller, "hold", engine.now, "on_hold")
        agent = line.pair_newcomer(caller, engine.now)
        if agent is not None:
            engine.connect(caller, agent)
        else:
            last = max(self._reserved_for_others(caller), key=lambda other: other.key, default=None)
            if last is not None and last.agent is not None:
                self._change_places(last, last.agent)
        engine.match(caller.queue)  # an agent who was kept for this phone may be free for others now
        if caller.place == "hold":
            patience_s = -policy.prior_patience_s * math.log1p(-self._die(caller, STAYS))
            self._later(patience_s, self._gave_up, caller, caller.attempts_made)

    def _reserved_for_others(self, caller: Caller) -> Iterator[Caller]:
        """Whose phone still rings, with an agent kept: behind them, or where nobody stands between, anywhere."""
        ahead = self._line.queues[caller.queue].before(caller.key)
        is_next = not ahead.live and not ahead.promised
        for one in self._under_way[caller.queue].values():
            rings = one.state is State.DIALING and not one.agent_first
            if one.agent is not None and rings and (is_next or one.key > caller.key):
                yield one

    def _change_places(self, other: Caller, agent: Agent) -> None:
        """The agent of somebody who has not answered is free for whoever is first; the other's phone rings on."""
        self._line.free(agent, self._engine.now, "somebody else has answered")
        self._stand(other, "later", "somebody else has answered")
        self._expect(other)
        self._engine.work(agent)

    def _gave_up(self, caller: Caller, attempt: int) -> None:
        if caller.place == "hold" and caller.attempts_made == attempt:
            self._missed(caller, Outcome.HUNG_UP)

    def met(self, caller: Caller) -> None:
        """Whoever was rung ahead has an agent now: in time, or later than tolerated."""
        waited_s = self._engine.now - (self._engine.now if caller.ready_at is None else caller.ready_at)
        late = waited_s > self._policy(caller).wait_tolerance_s
        self._engine.tally.queues[caller.queue].missed += late
        self._calibrations[caller.queue] = self._calibration(caller.queue).update(late, 1)

    def talks(self, caller: Caller) -> None:
        """The attempt has led to a talk."""
        self._under_way[caller.queue].pop(caller.id, None)

    # --- after it --------------------------------------------------------------------------------------------------

    def _missed(self, caller: Caller, outcome: Outcome) -> None:
        """Nobody was reached: again by the policy's rule, or never."""
        engine, line, now = self._engine, self._line, self._engine.now
        policy = self._policy(caller)
        verdict = retry.after(_as_recorded(caller), outcome, policy, moment(now))
        self._under_way[caller.queue].pop(caller.id, None)
        line.rescore(caller, verdict.score)
        engine.change(caller, verdict.event, verdict.reason, outcome.value)
        caller.attempts_left, caller.leg, caller.ready_at = verdict.attempts_left, False, None
        agent = caller.agent
        if agent is not None:
            line.free(agent, now, verdict.reason)
        if verdict.place == "gone":
            self._leave(caller, verdict.reason)
            engine.tally.ended(caller.queue, End.UNREACHED)
        else:
            self._again(caller, verdict)
        if agent is not None:
            engine.work(agent)
        engine.match(caller.queue)
        self.look_ahead(caller.queue)

    def _again(self, caller: Caller, verdict: retry.Verdict) -> None:
        self._stand(caller, verdict.place, verdict.reason)
        if verdict.place == "later" and verdict.next_attempt_at is not None:
            at = verdict.next_attempt_at.timestamp()
            insort(self._retries[caller.queue], (at, caller.key))
            self._engine.at(at, self._due, caller)

    def _due(self, caller: Caller) -> None:
        """The time of the next attempt has come."""
        if caller.place != "later" or caller.state is not State.WAITING:
            return
        self._line.stand(caller, "due", self._engine.now, "due")
        self._engine.match(caller.queue)
        self.look_ahead(caller.queue)

    def _stand(self, caller: Caller, place: str, reason: str) -> None:
        """Out of a pairing, back into the line."""
        self._line.stand(caller, place, self._engine.now, reason)
        caller.agent = None

    def _leave(self, caller: Caller, reason: str) -> None:
        if self._line.tell is not None and caller.place != "reserved":
            self._line.tell.place(caller, "gone", self._engine.now, reason)
        self._line.step_out(caller)
        caller.place, caller.agent = "", None

    # --- what is asked all the time --------------------------------------------------------------------------------

    def _policy(self, caller: Caller) -> Policy:
        return self._line.queues[caller.queue].policy

    def _laws(self, policy: Policy) -> Laws:
        return self._engine.habits.laws or _guess(policy.prior_handle_s, policy.wrap_up_s)

    def _die(self, caller: Caller, which: int) -> float:
        return caller.person.draw(caller.attempts_made, which)

    def _slot(self) -> float:
        """Seconds until the account's next slot, which is taken: a token bucket of one."""
        now = self._engine.now
        slot = max(now, self._next_slot)
        self._next_slot = slot + 1 / self._engine.habits.calls_per_second
        return slot - now

    def _later(self, seconds: float, act: object, *what: object) -> None:
        self._engine.at(self._engine.now + seconds, act, *what)  # type: ignore[arg-type]

    def _quiet_until(self, caller: Caller) -> float | None:
        """Nobody knows where the callee is: the queue's own zone stands for it."""
        policy = self._policy(caller)
        if policy.quiet_hours is None:
            return None
        zone = str(hours.zone_of(policy.hours) or "UTC")
        until = hours.quiet_until(policy.quiet_hours, zone, moment(self._engine.now))
        return until.timestamp() if until is not None else None


def surely_misses(floor: pacing.Floor, epsilon: float) -> bool:
    """Whether `pacing.decide` allows nobody, told without its sums where a line is long: it rings while at most m of n
    events happen with probability of at most epsilon, and by Markov's bound they do with 1 - n / (m + 1) at least."""
    events = len(floor.talks_s) + len(floor.wraps) + floor.under_way
    most = floor.waiting + floor.under_way - floor.idle
    return floor.waiting >= floor.idle and events < (1 - epsilon) * (most + 1)


def _is_rung_for(agent: Agent) -> bool:
    """Whether this agent is reserved for somebody who is dialled, and not for a leg."""
    caller = agent.caller
    return caller is not None and caller.state is not None and caller.ready_at is None


def _as_recorded(caller: Caller) -> Callback:
    """The promise as the rule of retries wants it."""
    return Callback(
        id=CallbackId(caller.id),
        queue=QueueKey(caller.queue),
        state=caller.state or State.WAITING,
        number="",
        joined_at=caller.person.arrived_at,
        score=caller.score,
        language="",
        source=Source.CALL,
        attempts_left=caller.attempts_left,
        created_at=caller.person.arrived_at,
        priority=caller.person.priority,
        attempts_made=caller.attempts_made,
    )


@lru_cache(maxsize=64)
def _guess(handle_s: float, wrap_up_s: float) -> Laws:
    return first_guess(Policy(prior_handle_s=handle_s, wrap_up_s=wrap_up_s))
