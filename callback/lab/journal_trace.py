"""The journal turned into recorded traffic: who rang, what became of them, and when every agent was there.

A trace names a caller's agent at best. The journal tells more, and all of it is used: each agent's shifts as they were,
the wrap-up after each talk, how long an agent took to come to the phone, and how many of the calls back were picked up.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from statistics import fmean

from callback.domain.callback import Agent, Entry
from callback.domain.ids import EntryId, is_callback
from callback.domain.lifecycle import ENDS, STAFFED, AgentStatus, CallState, State
from callback.lab.duty import Roster, Seat, Span
from callback.lab.trace import RETURN, Outcome, Row

ENOUGH = 20
"""From so many dials on their outcome tells how many are picked up."""
_MICROSECONDS = 1e6


@dataclass(slots=True)
class _Wait:
    """Somebody in line, as far as the journal has told. Times are epoch seconds."""

    id: str
    queue: str
    joined: float
    credit_s: float = 0.0
    paired: float | None = None
    bridged: float | None = None
    agent: str = ""
    ended: float | None = None
    outcome: Outcome | None = None
    origin: str = ""  # of a promise: the call that took the offer


@dataclass(slots=True)
class _Desk:
    """An agent."""

    status: AgentStatus = AgentStatus.OFFLINE
    since: float = 0.0
    began: float | None = None
    shifts: list[Span] = field(default_factory=list)
    entry: str = ""


@dataclass(frozen=True)
class Recorded:
    """Traffic of the journal. `connect_s` is the mean time from a pairing to the talk with somebody on hold, None where
    nobody held; `answer` the share of dials that were picked up, None where they are too few to tell."""

    rows: list[Row]
    roster: Roster
    connect_s: float | None
    answer: float | None


class JournalTrace:
    """Feed it rows of the journal in their order, from before the time that is wanted, then ask for it."""

    def __init__(self) -> None:
        self._waits: dict[str, _Wait] = {}
        self._desks: defaultdict[str, _Desk] = defaultdict(_Desk)
        self._worked: defaultdict[str, float] = defaultdict(float)
        self._connects: list[float] = []
        self._dials = self._answers = 0
        self._now = 0.0

    def feed(self, row: Entry) -> None:
        """The next row."""
        self._now = row.at.timestamp()
        match row.kind:
            case "call":
                self._call(row)
            case "callback":
                self._promise(row)
            case "agent":
                self._agent(row)

    def recorded(
        self,
        since: datetime,
        until: datetime,
        *,
        agents: Iterable[Agent],
        credits_s: Mapping[str, Mapping[str, float]],
    ) -> Recorded:
        """The traffic of those who joined from `since` to before `until` (aware). `agents` says who serves what, and
        `credits_s` what each queue's priorities are worth: the journal has their credit, not their name."""
        start, end = since.timestamp(), until.timestamp()
        promised = {wait.origin: wait for wait in self._waits.values() if wait.origin}
        rows: list[Row] = []
        for wait in self._waits.values():
            if not start <= wait.joined < end or wait.origin in self._waits:
                continue
            rows += self._rows(wait, promised.get(wait.id), credits_s.get(wait.queue, {}))
        return Recorded(
            rows=sorted(rows, key=lambda row: row.at),
            roster=self._roster(start, max([end, *(row.at + row.waited_s + row.handled_s for row in rows)]), agents),
            connect_s=fmean(self._connects) if self._connects else None,
            answer=self._answers / self._dials if self._dials >= ENOUGH else None,
        )

    # --- what happened ---------------------------------------------------------------------------------------------

    def _call(self, row: Entry) -> None:
        state, at = CallState(row.after), self._now
        wait = self._waits.get(row.subject)
        if wait is None:
            if state is not CallState.ARRIVED:
                return  # joined before the first row that was read, or came back into a line that was lost
            joined = int(row.data.get("joined", 0)) / _MICROSECONDS or at
            credit_s = (int(row.data.get("joined", 0)) - int(row.data.get("score", 0))) / _MICROSECONDS
            self._waits[row.subject] = _Wait(row.subject, row.queue, joined, credit_s)
            return
        match state:
            case CallState.RESERVED:
                wait.paired = at
            case CallState.BRIDGED if wait.bridged is None:
                self._connects.append(at - (wait.paired or at))
                wait.bridged, wait.agent = at, str(row.data.get("agent", ""))
            case CallState.COMPLETED | CallState.ABANDONED | CallState.CALLBACK:
                wait.ended, wait.outcome = at, _outcome(wait, state)

    def _promise(self, row: Entry) -> None:
        state, at = State(row.after), self._now
        if row.before is None:
            origin = row.cause.removeprefix("call ") if row.cause.startswith("call ") else ""
            self._waits[row.subject] = _Wait(row.subject, row.queue, at, origin=origin)
            return
        wait = self._waits.get(row.subject)
        if wait is None:
            return
        if state is State.DIALING:
            self._dials += 1
        elif state is State.ANSWERED and row.before in (State.DIALING, State.RECONCILING):
            self._answers += 1
        elif state in ENDS:
            wait.ended = at
            wait.outcome = Outcome.ANSWERED if wait.bridged is not None else Outcome.ABANDONED

    def _agent(self, row: Entry) -> None:
        desk, at, to = self._desks[row.subject], self._now, AgentStatus(row.after)
        if desk.status in (AgentStatus.BUSY, AgentStatus.WRAP_UP) and desk.entry:
            self._worked[desk.entry] += at - desk.since
        if to is AgentStatus.BUSY:
            desk.entry = str(row.data.get("entry") or row.cause)
            wait = self._waits.get(desk.entry)
            if wait is not None and wait.bridged is None and is_callback(EntryId(wait.id)):
                wait.bridged, wait.agent = at, row.subject
        elif to is not AgentStatus.WRAP_UP:
            desk.entry = ""
        if to in STAFFED and desk.began is None:
            desk.began = at
        elif to not in STAFFED and desk.began is not None:
            desk.shifts.append((desk.began, at))
            desk.began = None
        desk.status, desk.since = to, at

    # --- what comes of it ------------------------------------------------------------------------------------------

    def _rows(self, wait: _Wait, promise: _Wait | None, credits_s: Mapping[str, float]) -> list[Row]:
        """One row, or two for a callback. A promise without a call begins with its making. Nothing is told of waits
        that are not over, nor of whoever rang in about a promise they had."""
        priority = _priority(wait.credit_s, credits_s)
        if is_callback(EntryId(wait.id)):
            promise, first = wait, self._row(wait.id, wait, priority, Outcome.CALLBACK, 0.0)
        elif wait.outcome is None or wait.ended is None or (wait.outcome is Outcome.CALLBACK and promise is None):
            return []
        elif wait.outcome is Outcome.ANSWERED:
            return [self._row(wait.id, wait, priority, Outcome.ANSWERED, (wait.bridged or wait.ended) - wait.joined)]
        else:
            first = self._row(wait.id, wait, priority, wait.outcome, wait.ended - wait.joined)
        if promise is None or (wait.outcome is Outcome.ABANDONED and promise is not wait):
            return [first]
        until = promise.bridged or promise.ended
        if until is None or promise.outcome is None:
            return [first]
        return [first, self._row(wait.id + RETURN, promise, priority, promise.outcome, until - promise.joined)]

    def _row(self, name: str, wait: _Wait, priority: str, outcome: Outcome, waited_s: float) -> Row:
        answered = outcome is Outcome.ANSWERED
        moment = datetime.fromtimestamp(wait.joined, UTC)
        return Row(
            call_id=name,
            queue=wait.queue,
            priority=priority,
            arrived_at=moment,
            written=moment.isoformat(),
            at=wait.joined,
            outcome=outcome,
            waited_s=max(waited_s, 0.0),
            handled_s=self._worked[wait.id] if answered else 0.0,
            agent=wait.agent if answered else "",
        )

    def _roster(self, start: float, end: float, agents: Iterable[Agent]) -> Roster:
        """Everybody's shifts within that time."""
        serves = {str(agent.key): {str(one.queue): one.level for one in agent.queues} for agent in agents}
        seats = []
        for key, desk in sorted(self._desks.items()):
            open_shift = [(desk.began, end)] if desk.began is not None else []
            shifts = [(max(a, start), min(b, end)) for a, b in [*desk.shifts, *open_shift] if a < end and b > start]
            if shifts and serves.get(key):
                seats.append(Seat(key, serves[key], shifts))
        return Roster(seats, notes=[f"agents: {len(seats)} were there, when the journal says so"])


def _outcome(wait: _Wait, state: CallState) -> Outcome:
    """Who had an agent was answered, however it ended."""
    if wait.bridged is not None:
        return Outcome.ANSWERED
    return Outcome.CALLBACK if state is CallState.CALLBACK else Outcome.ABANDONED


def _priority(credit_s: float, credits_s: Mapping[str, float]) -> str:
    """The priority that is worth so much; "" for none."""
    return next((name for name, worth in credits_s.items() if worth and abs(worth - credit_s) < 0.001), "")
