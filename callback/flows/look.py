"""Read models: what the API answers and the pages show, from the line and the record, in the contract's own words.

Nothing here changes anything. The line knows better than the record who is being paired this moment, so a callback that
stands there as reserved is shown so although its row may still say `waiting`.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any

from callback.domain import policies
from callback.domain.callback import Agent, Attempt, Callback, Entry
from callback.domain.ids import AgentKey, EntryId, QueueKey
from callback.domain.lifecycle import AgentStatus, State
from callback.domain.policy import Queue
from callback.domain.wait import Wait
from callback.flows import outlook
from callback.ports import AgentView, House, Standing

Json = dict[str, Any]

UNKNOWN: Json = {"p50": None, "p80": None, "p90": None, "basis": "unknown"}
"""The wait nobody can know."""


def stamp(at: datetime | None) -> str | None:
    """RFC 3339 in UTC, to the millisecond; None stays None."""
    return None if at is None else at.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


# --- queues -----------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class QueueNow:
    """A queue at this moment: its configuration, who stands in it, and what somebody who joins now is told."""

    queue: Queue
    standing: Standing
    outlook: outlook.Outlook
    now: datetime

    @property
    def key(self) -> QueueKey:
        """The queue's key."""
        return QueueKey(self.queue.key)

    def agents(self) -> dict[str, int]:
        """How many agents are in each status; every status is there."""
        return {str(status): self.standing.agents.get(status, 0) for status in AgentStatus}


def queue_now(house: House, queue: Queue) -> QueueNow:
    """Look at one queue, as whoever joins next would find it."""
    now = house.clock.now()
    standing = house.line.standing(QueueKey(queue.key), None)
    return QueueNow(queue, standing, outlook.present(house, queue, standing, now), now)


def queues_now(house: House) -> list[QueueNow]:
    """Every queue, by key."""
    with house.store.begin() as work:
        queues = work.queues()
    return [queue_now(house, queue) for queue in sorted(queues, key=lambda queue: queue.key)]


def lines_now(house: House) -> list[QueueNow]:
    """Every queue as the line has it published, by key: readable while the record is away."""
    return [queue_now(house, queue) for queue in house.line.configuration()[1]]


def queue_view(house: House, key: QueueKey) -> Json:
    """A queue as `GET /queues/KEY` answers it. Raises NotFound."""
    with house.store.begin() as work:
        queue = work.queue(key)
    return queue_json(queue_now(house, queue))


def queue_json(now: QueueNow) -> Json:
    """The contract's fields, and beside them the numbers, the policy's version and the reason as a sentence."""
    decision = now.outlook.decision
    return {
        "key": now.queue.key,
        "name": now.queue.name,
        "numbers": list(now.queue.numbers),
        "waiting": {"live": now.standing.live, "callbacks": now.standing.callbacks},
        "agents": now.agents(),
        "wait": wait_json(now.outlook.wait),
        "offering": decision.offering,
        "offer_reason": str(decision.reason),
        "offer_sentence": decision.sentence,
        "policy": policies.shown(now.queue.policy),
        "policy_version": now.queue.version,
    }


def wait_json(wait: Wait, at_least_s: float = 0) -> Json:
    """Quantiles in seconds; none of them below `at_least_s`, before which the caller will surely not be served."""
    if not wait.known:
        return dict(UNKNOWN)
    quantiles = {"p50": wait.p50, "p80": wait.p80, "p90": wait.p90}
    floored = {name: None if s is None else round(max(s, at_least_s), 1) for name, s in quantiles.items()}
    return {**floored, "basis": wait.basis}


# --- callbacks --------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class CallbackNow:
    """A callback at this moment: `callback.state` as the line sees it, its place, and the wait from there. `held`: it
    failed again and again, and somebody has to look at it before it goes on."""

    callback: Callback
    position: int | None
    wait: Wait | None
    at_least_s: float
    held: bool = False


MAY_BE_HELD = frozenset({State.SCHEDULED, State.RESERVED, State.DIALING, State.RECONCILING})
"""Beside those who wait and stand nowhere."""


def callback_now(house: House, callback: Callback, *, held: bool | None = None) -> CallbackNow:
    """Look at one callback where it stands. `held`: whether it is in quarantine, as far as somebody has looked already
    (of one who waits it is looked up where it matters). Raises NotFound when its queue is gone from the configuration.
    """
    if callback.state is not State.WAITING:
        if held is None:
            held = callback.state in MAY_BE_HELD and is_held(house, callback)
        return CallbackNow(callback, None, None, 0, held)
    standing = house.line.standing(callback.queue, EntryId(callback.id))
    if not standing.place and is_held(house, callback):
        return CallbackNow(callback, None, None, 0, held=True)
    if standing.place == "reserved":
        return CallbackNow(replace(callback, state=State.RESERVED), None, None, 0)
    house.book.check(standing.config)
    queue, now = house.book.queue(callback.queue), house.clock.now()
    due = callback.next_attempt_at
    at_least_s = max((due - now).total_seconds(), 0) if due else 0
    position = standing.position if standing.whole else None
    wait = outlook.wait_at(house, queue, standing, now) if position else None
    return CallbackNow(callback, position, wait, at_least_s)


def is_held(house: House, callback: Callback) -> bool:
    """Whether it is in quarantine."""
    with house.store.begin() as work:
        return work.is_held("callback", callback.id)


def callback_view(house: House, callback: Callback, attempts: Sequence[Attempt] | None = None) -> Json:
    """A callback as the API answers it, with its attempts (looked up unless given)."""
    if attempts is None:
        with house.store.begin() as work:
            attempts = work.attempts(callback.id)
    seen = callback_now(house, callback)
    return {
        **_promise_json(seen.callback),
        "position": seen.position,
        "wait": dict(UNKNOWN) if seen.wait is None else wait_json(seen.wait, seen.at_least_s),
        "status_url": house.urls.status_page(callback.token),
        "attempts": [attempt_json(attempt) for attempt in attempts],
    }


def _promise_json(callback: Callback) -> Json:
    return {
        "id": callback.id,
        "queue": callback.queue,
        "state": str(callback.state),
        "number": callback.number,
        "name": callback.name,
        "language": callback.language,
        "priority": callback.priority,
        "source": str(callback.source),
        "context": dict(callback.context),
        "agent": callback.agent,
        "created_at": stamp(callback.created_at),
        "joined_at": stamp(callback.joined_at),
        "requested_for": stamp(callback.requested_for),
        "next_attempt_at": stamp(callback.next_attempt_at),
        "promised_from": stamp(callback.promised_from),
        "promised_to": stamp(callback.promised_to),
        "attempts_made": callback.attempts_made,
        "attempts_left": callback.attempts_left,
        "ended_at": stamp(callback.ended_at),
        "end_reason": callback.end_reason,
    }


def attempt_json(attempt: Attempt) -> Json:
    """One attempt as the API answers it."""
    return {
        "id": attempt.id,
        "number": attempt.number,
        "mode": attempt.mode,
        "agent": attempt.agent,
        "call": attempt.call,
        "created_at": stamp(attempt.created_at),
        "asked_at": stamp(attempt.asked_at),
        "answered_at": stamp(attempt.answered_at),
        "answered_by": attempt.answered_by,
        "bridged_at": stamp(attempt.bridged_at),
        "ended_at": stamp(attempt.ended_at),
        "outcome": None if attempt.outcome is None else str(attempt.outcome),
        "error": attempt.error,
    }


# --- agents and the journal -------------------------------------------------------------------------------------


def agent_view(house: House, key: AgentKey) -> Json:
    """An agent as the API answers it. Raises NotFound."""
    with house.store.look() as work:
        agent = work.agent(key)
    return agent_json(agent, house.line.agent(key))


def agents_now(house: House) -> list[tuple[Agent, AgentView]]:
    """Every agent with their live state, by key."""
    with house.store.begin() as work:
        agents = work.agents()
    live = {view.key: view for view in house.line.agents()}
    return [
        (agent, live.get(agent.key) or house.line.agent(agent.key)) for agent in sorted(agents, key=lambda one: one.key)
    ]


def agents_view(house: House) -> list[Json]:
    """Every agent as the API answers them, by key."""
    return [agent_json(agent, view) for agent, view in agents_now(house)]


def agent_json(agent: Agent, live: AgentView) -> Json:
    """The configured agent with their live state."""
    return {
        "key": agent.key,
        "name": agent.name,
        "contact": agent.contact,
        "queues": [{"key": served.queue, "level": served.level} for served in agent.queues],
        "status": str(live.status),
        "since": stamp(live.since),
        "wanted": str(live.wanted),
        "wrap_up_until": stamp(live.wrap_until),
        "away_reason": live.why,
        "reason": live.reason,
    }


def journal_json(entry: Entry) -> Json:
    """One line of the journal as the API answers it."""
    return {
        "seq": entry.seq,
        "at": stamp(entry.at),
        "kind": entry.kind,
        "subject": entry.subject,
        "from": entry.before,
        "to": entry.after,
        "reason": entry.reason,
        "cause": entry.cause,
        "queue": entry.queue,
        "data": entry.data,
    }
