"""Everybody a staged house calls or is called by, living as people do while the house mends itself."""

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field

from callback.domain.ids import CallSid
from callback.domain.lifecycle import AgentStatus
from tests.support.house import QUIET, STRIDE_S, StagedHouse
from tests.support.legs import Leg


@dataclass
class Town:
    """Everybody answers, presses 1, talks for a while and hangs up: what the world does while we mend ourselves.

    Attributes:
        talks: how many conversations each number had.
        rung: how many calls each number was asked for.
    """

    stage: StagedHouse
    talk_s: float = 12
    talks: Counter[str] = field(default_factory=Counter)
    rung: Counter[str] = field(default_factory=Counter)
    _since: dict[CallSid, float] = field(default_factory=dict)

    def live(self, seconds: int, *, until: Callable[[], bool] = lambda: False) -> None:
        """So many seconds, with a sweep in each, or as long as it takes; with longer strides while nothing happens."""
        left, quiet = seconds, 0
        while left and not until():
            stride = 1 if quiet < QUIET else min(STRIDE_S, left)
            left -= stride
            busy = self.stage.stride(stride)
            quiet = 0 if self.second() or busy else quiet + 1

    def second(self) -> bool:
        """Everybody does the next thing; who missed a ring comes back. Whether anybody did."""
        away = [view.key for view in self.stage.line.agents() if view.status is AgentStatus.AWAY]
        for agent in away:
            self.stage.available(agent)
        while self.stage.unseen:
            leg = self.stage.outgoing()
            self.rung[leg.to] += 1
        up = [leg for leg in self.stage.legs.values() if leg.up]
        for leg in up:
            if leg.up:
                self._act(leg)
        return self.stage.work() > 0 or bool(away or up)

    def _act(self, leg: Leg) -> None:
        if leg.status == "queued":
            leg.ring()
        elif leg.status == "ringing":
            leg.answer()
        elif leg.queue is not None:
            leg.hold()
        elif leg.room:
            self._confer(leg)
        elif leg.dial is not None:
            self._meet(leg, leg.peer or leg.agent())
        elif leg.document.verb("Gather"):
            leg.press("1")
        else:
            leg.hang_up()  # silence

    def _meet(self, leg: Leg, agent: Leg) -> None:
        if agent.bridged:
            self._talk(leg, agent)
        elif not agent.heard:
            agent.pick_up()
        elif agent.up:
            agent.press("1")
        else:
            leg.dial_ends("no-answer")

    def _confer(self, agent: Leg) -> None:
        """The agent was rung first; the caller joins them, talks, and leaves, which ends the conference."""
        others = [leg for leg in self.stage.legs.values() if leg.up and leg is not agent and leg.room == agent.room]
        if not agent.to.startswith("client:") or not others:
            return
        self._talk(others[0], agent)
        if not others[0].up and agent.up:
            agent.dial_ends()

    def _talk(self, leg: Leg, agent: Leg) -> None:
        now = self.stage.clock.now().timestamp()
        if agent.sid not in self._since:
            self._since[agent.sid] = now
            self.talks[leg.from_ if leg.direction == "inbound" else leg.to] += 1
        if now - self._since[agent.sid] >= self.talk_s:
            for word in [*leg.end(), *([] if agent.room else agent.end())]:
                self.stage.tell(word)
