"""The estimators of the field, each as its makers or the literature give it, to be reported beside our own.

Symbols: n callers ahead in the queue, s agents at work, mu = 1 / mean handle time, theta = 1 / mean patience.

    ql       (n + 1) / (s mu)                                        (Ibrahim and Whitt 2009)
    qlm      sum over i = 0..n of 1 / (s mu + i theta)               (the same)
    hol      how long the first in line has waited                   (the same)
    les      how long the last to be served had waited               (the same)
    last10   the mean wait of the last ten served
    asterisk H <- (3 H + w) div 4 after each served caller           (app_queue's hold time, whole seconds)
    cisco    (n + 1) AHT / max(talking, ready), AHT of the last five minutes
    genesys  AHT max(0, n - ready) / agents, AHT 90 s without data

Every one of them sees one queue and knows nothing of priorities. Agents who are ready are not to be seen in a trace
when somebody has to wait; agents at work are those who talk, agents logged in are those seen in the last quarter hour.
"""

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field

from callback.domain.floor import SEEN_S, Floor, Handled, Known, Wait
from callback.domain.wait import qlm

NAMES = ("cisco", "genesys", "asterisk", "les", "hol", "ql", "qlm", "last10")
"""The columns of a backtest, in their order."""

CISCO_WINDOW_S = 300.0
GENESYS_AHT_S = 90.0
LAST = 10
PRIOR_TALK_S, PRIOR_PATIENCE_S = 240.0, 600.0
"""What is believed before the first talk has ended and the first caller has hung up."""


@dataclass
class _Queue:
    """What the estimators remember of one queue."""

    handled: int = 0
    handled_s: float = 0.0
    gave_up: int = 0
    waited_s: float = 0.0
    hold: int = 0
    waits: deque[float] = field(default_factory=lambda: deque(maxlen=LAST))
    lately: deque[Handled] = field(default_factory=deque)
    last_seen: dict[str, float] = field(default_factory=dict)

    def talk_s(self) -> float:
        """The mean of all talks so far."""
        return self.handled_s / self.handled if self.handled_s else PRIOR_TALK_S

    def patience_s(self) -> float:
        """Mean patience with those who were served as censored."""
        return self.waited_s / self.gave_up if self.gave_up and self.waited_s else PRIOR_PATIENCE_S

    def waited(self, wait: Wait) -> None:
        """A wait is over."""
        self.waited_s += wait.waited
        self.gave_up += not wait.served
        if wait.served:
            self.waits.append(wait.waited)
            self.hold = (3 * self.hold + int(wait.waited)) // 4

    def talked(self, talk: Handled) -> None:
        """A talk is over."""
        self.handled += 1
        self.handled_s += talk.lasted
        self.lately.append(talk)
        if talk.agent:
            self.last_seen[talk.agent] = talk.at

    def aht_s(self, now: float, otherwise: float) -> float:
        """Mean handle time of the talks that ended in the last five minutes."""
        while self.lately and self.lately[0].at < now - CISCO_WINDOW_S:
            self.lately.popleft()
        return sum(talk.lasted for talk in self.lately) / len(self.lately) if self.lately else otherwise

    def logged_in(self, now: float, talking: set[str]) -> int:
        """Agents who talk in this queue or did in the last quarter hour."""
        self.last_seen = {agent: at for agent, at in self.last_seen.items() if at >= now - SEEN_S}
        return len(talking | set(self.last_seen))


@dataclass(frozen=True)
class _Scene:
    """What the formulas are filled with for one caller."""

    queue: _Queue
    ahead: int
    talking: int
    agents: int
    hol_s: float
    now: float


Formula = Callable[[_Scene], float]


def _cisco(at: _Scene) -> float:
    aht = at.queue.aht_s(at.now, otherwise=at.queue.talk_s())
    return (at.ahead + 1) * aht / max(at.talking, 1)


def _genesys(at: _Scene) -> float:
    aht = at.queue.talk_s() if at.queue.handled else GENESYS_AHT_S
    return aht * at.ahead / max(at.agents, 1)


def _qlm(at: _Scene) -> float:
    service = max(at.talking, 1) / at.queue.talk_s()
    return qlm(at.ahead, service, 1 / at.queue.patience_s())[0]


FORMULAS: dict[str, Formula] = {
    "cisco": _cisco,
    "genesys": _genesys,
    "asterisk": lambda at: at.queue.hold,
    "les": lambda at: at.queue.waits[-1] if at.queue.waits else 0.0,
    "hol": lambda at: at.hol_s,
    "ql": lambda at: (at.ahead + 1) * at.queue.talk_s() / max(at.talking, 1),
    "qlm": _qlm,
    "last10": lambda at: sum(at.queue.waits) / len(at.queue.waits) if at.queue.waits else 0.0,
}


class Field:
    """All eight, learning from what becomes known on a floor that somebody else moves on."""

    def __init__(self, floor: Floor) -> None:
        self._floor = floor
        self._queues: dict[str, _Queue] = {}

    def see(self, known: Known) -> None:
        """Learns from a wait or a talk that is over."""
        if isinstance(known, Wait):
            self._queue(known.kind.queue).waited(known)
        elif isinstance(known, Handled):
            self._queue(known.kind.queue).talked(known)

    def predict(self, call: str, queue: str) -> dict[str, float]:
        """The wait of somebody who has just joined this queue, in seconds, by each of `NAMES`."""
        scene = self._scene(call, queue)
        return {name: float(FORMULAS[name](scene)) for name in NAMES}

    def _queue(self, key: str) -> _Queue:
        return self._queues.setdefault(key, _Queue())

    def _scene(self, call: str, queue: str) -> _Scene:
        ahead = [one for one in self._floor.ahead(call) if one.joined.kind.queue == queue]
        talking = [talk for talk in self._floor.busy() if talk.kind.queue == queue]
        kept, now = self._queue(queue), self._floor.now
        longest = now - min((one.joined.at for one in ahead), default=now)
        named = {talk.agent for talk in talking if talk.agent}
        agents = max(kept.logged_in(now, named), len(talking))
        return _Scene(kept, len(ahead), len(talking), agents, longest, now)
