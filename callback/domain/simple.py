"""The simple rule of `domain.wait` on a floor: what is said where nothing was learnt, and what a model corrects.

Whoever will join later and stand before this caller by their priority counts as ahead. A floor has no presence: agents
who were seen at work in the last quarter of an hour are staffed, and none of them is free when somebody has to wait.
"""

from collections.abc import Mapping
from dataclasses import replace

from callback.domain.floor import Floor, Handled, Known, Wait
from callback.domain.forecast import Forecast
from callback.domain.lifecycle import AgentStatus
from callback.domain.policy import Policy
from callback.domain.signals import Signals
from callback.domain.wait import Measured, estimate
from callback.domain.wait import Wait as Expected

MEMORY = 5000.0
"""After so many talks, or waits, an earlier one counts less by a factor e."""


class SimpleRule:
    """Learns handle time and patience from a floor that somebody else moves on."""

    def __init__(self, floor: Floor, signals: Signals, policy: Policy) -> None:
        self._floor, self._signals, self._policy = floor, signals, policy
        self._measured = Measured()

    def see(self, known: Known) -> None:
        """Learns from a wait or a talk that is over."""
        kept, keep = self._measured, 1 - 1 / MEMORY
        if isinstance(known, Handled):
            handled, handled_s = kept.handled * keep + 1, kept.handled_s * keep + known.lasted
            self._measured = Measured(handled, handled_s, kept.abandoned, kept.waited_s)
        elif isinstance(known, Wait):
            abandoned, waited_s = kept.abandoned * keep + (not known.served), kept.waited_s * keep + known.waited
            self._measured = Measured(kept.handled, kept.handled_s, abandoned, waited_s)

    def predict(self, call: str) -> Forecast:
        """The wait of somebody in line."""
        agents = {AgentStatus.BUSY: max(self._floor.seen(), 1)}
        ahead = len(self._floor.ahead(call))
        wait = self._with(ahead, agents)
        overtaking = self._signals.overtaking(self._floor.place(call).joined.credit, wait.mean or 0.0)
        if overtaking:
            few, share = int(overtaking), overtaking % 1
            less, more = (self._with(ahead + few + extra, agents) for extra in (0, 1))
            wait = replace(less, mean=_between(less.mean, more.mean, share), sd=_between(less.sd, more.sd, share))
        return Forecast.of(wait)

    def _with(self, ahead: int, agents: Mapping[AgentStatus, int]) -> Expected:
        return estimate(ahead=ahead, agents=agents, measured=self._measured, policy=self._policy)


def _between(less: float | None, more: float | None, share: float) -> float:
    return (1 - share) * (less or 0.0) + share * (more or 0.0)
