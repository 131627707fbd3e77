"""A rehearsal's own journal, in the words of the product's, so that the product's audit can judge it.

What proves of a house that nobody was overtaken without a rule and no promise was lost proves it of a rehearsal too:
every change is told here as the line and the record would have told it, and read by `domain.audit`.
"""

from collections.abc import Callable, Iterable, Mapping
from typing import Any

from callback.domain.audit import DOUBT, Audit, Findings
from callback.domain.callback import Entry
from callback.domain.lifecycle import AgentStatus, State
from callback.domain.policy import Policy
from callback.lab.clockwork import moment
from callback.lab.line import Agent, Caller

CALL_STATES = {"menu": "arrived", "hold": "waiting", "reserved": "reserved", "busy": "bridged"}
SAID = frozenset({"arrived", "waiting", "reserved", "bridged", "completed", "abandoned", "callback"})


class Journal:
    """Feeds an audit with every change (`line.Teller`); `findings` is its verdict. `hear` is told every row as well."""

    def __init__(
        self,
        policies: Mapping[str, Policy],
        agents: Iterable[Agent],
        start: float,
        hear: Callable[[Entry], None] = lambda _: None,
    ) -> None:
        self.audit = Audit()
        self._hear = hear
        self._now = start
        for key, policy in policies.items():
            self._row("queue", key, None, "dialing" if policy.dialing else "resting", "configured", queue=key)
        for agent in agents:
            self._row("agent", agent.key, None, AgentStatus.OFFLINE, "configured")
            serves = {"agent": agent.key, "serves": dict(agent.queues)}
            self._row("queue", "line", None, "serves", "configured", agent.key, data=serves)

    def findings(self) -> Findings:
        """What came of it, once everything is too old to be explained."""
        return self.audit.finish(moment(self._now) + 2 * DOUBT)

    def call(self, caller: Caller, to: str, now: float, reason: str) -> None:
        if caller.state is not None or to not in SAID:
            return
        data = self._stand(caller)
        if caller.agent is not None:
            data |= {"token": caller.agent.token, "agent": caller.agent.key}
        before = CALL_STATES.get(caller.place)
        self._row("call", caller.id, before, to, reason, caller.id, caller.queue, data, now)

    def place(self, caller: Caller, to: str, now: float, reason: str) -> None:
        if caller.state is not None:
            data = self._stand(caller)
            self._row("queue", caller.queue, caller.place or None, to, reason, caller.id, caller.queue, data, now)

    def agent(self, agent: Agent, to: AgentStatus, now: float, reason: str) -> None:
        caller = agent.caller
        data = {"token": agent.token, "entry": caller.id} if caller is not None else {}
        queue, cause = (caller.queue, caller.id) if caller is not None else ("", "")
        self._row("agent", agent.key, agent.status, to, reason, cause, queue, data, now)

    def promise(self, caller: Caller, to: State, now: float, reason: str, outcome: str = "") -> None:
        data: dict[str, Any] = {"score": caller.score}
        if to is State.DIALING:
            data["attempt"] = f"{caller.id}/{caller.attempts_made}"
        if outcome:
            data["outcome"] = outcome
        cause = "rehearsal" if caller.state is not None else f"call CA{caller.id[2:]}"
        self._row("callback", caller.id, caller.state, to, reason, cause, caller.queue, data, now, caller.id)

    def _stand(self, caller: Caller) -> dict[str, Any]:
        return {"score": caller.score, "joined": round(caller.joined * 1_000_000)}

    def _row(
        self, kind: str, subject: str, before: str | None, after: str, reason: str, cause: str = "", queue: str = "",
        data: Mapping[str, Any] | None = None, now: float | None = None, number: str | None = None,
    ) -> None:  # fmt: skip
        self._now = self._now if now is None else now
        entry = Entry(
            moment(self._now), kind, subject, before, after, reason, cause, queue, dict(data or {}),
            seq=self.audit.rows + 1,
        )  # fmt: skip
        self.audit.feed(entry, number)
        self._hear(entry)
