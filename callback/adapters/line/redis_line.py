"""The port `Line` in Redis. Each verb is one script: one round trip, one atomic step. The rules are in `lua/`."""

import secrets
from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import datetime
from itertools import islice
from typing import cast

import redis

from callback.adapters.line import keys, published, replies
from callback.adapters.line.aging import Aging
from callback.adapters.line.clock import SharedClock
from callback.adapters.line.micros import span, to_micros
from callback.adapters.line.results import succeeded
from callback.adapters.line.scripts import Scripts
from callback.domain.callback import Agent
from callback.domain.errors import Stale
from callback.domain.ids import AgentKey, CallSid, EntryId, QueueKey, Token
from callback.domain.lifecycle import AgentStatus
from callback.domain.policy import Queue
from callback.domain.wording import Own
from callback.ports import AgentView, Appointment, Clock, Lapsed, Placed, Reservation, Stand, Standing, Waiting

_LANGUAGE_TTL_S = 365 * 86_400
_SLICE = 500
"""Rows that one script may look through: a few hundred microseconds."""
_RESTORED = 100
"""Promises that one script puts into the line: a millisecond, in which nobody else is served."""
_WORDS = 6
"""Arguments that one promise takes there."""


class RedisLine(Aging):
    """`callback.ports.Line`. `client` comes from `make_client`; `clock` tells when the configuration was published.

    Raises redis.RedisError from every verb when Redis cannot be reached within the client's timeout.
    """

    def __init__(self, client: redis.Redis, clock: Clock | None = None) -> None:
        self._client = client
        self._clock = clock or SharedClock(client)
        self._scripts = Scripts(client)
        self._run = self._scripts.run

    # --- callers and callbacks ---------------------------------------------------------------------------------

    def arrive(
        self,
        queue: QueueKey,
        call: CallSid,
        *,
        credit_s: float,
        number_hash: str,
        language: str,
        lease_s: float,
        token: Token,
        now: datetime,
        number: str = "",
    ) -> Standing:
        at, lease = to_micros(now), to_micros(now) + span(lease_s)
        return replies.standing(
            self._run("arrive", queue, call, at - span(credit_s), at, number_hash, language, lease, token, number)
        )

    def hold(
        self,
        queue: QueueKey,
        entry: EntryId,
        leg: CallSid,
        *,
        score: int,
        joined_at: datetime,
        language: str,
        lease_s: float,
        token: Token,
        now: datetime,
    ) -> Standing:
        at = to_micros(now)
        return replies.standing(
            self._run("hold", queue, entry, leg, score, to_micros(joined_at), language, at, at + span(lease_s), token)
        )

    def enter(
        self,
        queue: QueueKey,
        entry: EntryId,
        *,
        score: int,
        joined_at: datetime,
        due: bool,
        number_hash: str,
        replaces: EntryId | None,
        now: datetime,
    ) -> Standing:
        place = "due" if due else "later"
        joined = to_micros(joined_at)
        return replies.standing(
            self._run("enter", queue, entry, score, joined, place, number_hash, replaces or "", to_micros(now))
        )

    def restore(self, promises: Iterable[Placed], *, now: datetime) -> int:
        rows, at, count = iter(promises), to_micros(now), 0
        wait: Callable[[], object] = int  # nothing is under way
        try:
            while arguments := list(_places(islice(rows, _RESTORED), now)):  # while the server does those before
                under_way, wait = wait, int
                under_way()
                wait = self._scripts.begin("restore", at, *arguments)
                count += len(arguments) // _WORDS
        finally:
            wait()
        return count

    def book(self, appointments: Iterable[Appointment]) -> int:
        rows, count = iter(appointments), 0
        while some := list(islice(rows, _RESTORED)):
            self._run("book", *(word for one in some for word in (one.queue, one.id, one.number_hash)))
            count += len(some)
        return count

    def booked(self, limit: int) -> list[EntryId]:
        return cast(list[EntryId], self._client.hrandfield(keys.BOOKED, limit))

    def leave(self, entry: EntryId, *, reason: str, now: datetime) -> Standing:
        return replies.standing(self._run("leave", entry, reason, to_micros(now)))

    def standing(self, queue: QueueKey, entry: EntryId | None) -> Standing:
        return replies.standing(self._run("standing", queue, entry or "", to_micros(self._clock.now())))

    def due(self, entry: EntryId, *, now: datetime) -> bool:
        return succeeded(self._run("due", entry, to_micros(now))[0], entry)

    def expect(self, entry: EntryId, *, until: datetime) -> bool:
        return succeeded(self._run("expect", entry, to_micros(until))[0], entry)

    def listing(self, queue: QueueKey, *, offset: int = 0, limit: int = 100) -> list[Waiting]:
        return replies.listing(self._run("listing", queue, offset, limit), offset)

    def silent(self, *, before: datetime) -> list[tuple[QueueKey, EntryId, CallSid]]:
        return [
            (QueueKey(queue), entry, leg)
            for queue in sorted(self._lines())
            for place in ("menu", "hold")
            for entry, leg in self._silent_in(queue, place, to_micros(before))
        ]

    def _lines(self) -> set[str]:
        return cast(set[str], self._client.smembers(keys.LINES))

    def _silent_in(self, queue: str, place: str, before: int) -> Iterator[tuple[EntryId, CallSid]]:
        looked_at = 0
        while True:
            reply = self._run("silent", queue, place, looked_at, _SLICE, before)
            yield from replies.silent(reply)
            looked_at += reply[1]
            if reply[1] < _SLICE:
                return

    # --- pairings ----------------------------------------------------------------------------------------------

    def match(self, queue: QueueKey, *, lease_s: float, token: Token, now: datetime) -> Reservation | None:
        at = to_micros(now)
        reply = self._run("match", queue, token, at, at + span(lease_s))
        return replies.reservation(reply[1:]) if succeeded(reply[0], queue) else None

    def match_agent(self, agent: AgentKey, *, lease_s: float, token: Token, now: datetime) -> Reservation | None:
        at = to_micros(now)
        reply = self._run("match_agent", agent, token, at, at + span(lease_s))
        return replies.reservation(reply[1:]) if succeeded(reply[0], agent) else None

    def reservation(self, token: Token) -> Reservation | None:
        reply = self._run("reservation", token)
        return replies.reservation(reply[1:]) if succeeded(reply[0], token) else None

    def take_up(
        self, token: Token, bucket: str, *, per_second: float, now: datetime
    ) -> tuple[Reservation, float] | None:
        reply = self._run("take_up", token, bucket, span(1 / per_second), to_micros(now))
        return (replies.reservation(reply[2:]), int(reply[1]) / 1e6) if succeeded(reply[0], token) else None

    def extend(self, token: Token, *, until: datetime, phase: str | None = None) -> bool:
        return succeeded(self._run("extend", token, to_micros(until), phase or "")[0], token)

    def release(
        self,
        token: Token,
        *,
        entry_to: str,
        agent_to: AgentStatus | None,
        reason: str,
        now: datetime,
        score: int | None = None,
        again: Token | None = None,
        lease_s: float = 0,
    ) -> bool:
        placed, at = "" if score is None else score, to_micros(now)
        lease = at + span(lease_s)
        reply = self._run("release", token, entry_to, agent_to or "", reason, at, placed, again or "", lease)
        return succeeded(reply[0], f"release to {entry_to} and {agent_to or 'as wanted'}")

    def bridge(self, token: Token, *, now: datetime, agent_leg: CallSid | None = None) -> bool:
        return succeeded(self._run("bridge", token, to_micros(now), agent_leg or "")[0], token)

    def complete(
        self,
        token: Token,
        *,
        wrap_up_s: float,
        now: datetime,
        entry_to: str = "gone",
        leg: CallSid | None = None,
        again: Token | None = None,
        lease_s: float = 0,
    ) -> AgentView | None:
        at = to_micros(now)
        reply = self._run("complete", token, wrap_up_s, at, entry_to, leg or "", again or "", at + span(lease_s))
        return replies.agent(reply[1:]) if succeeded(reply[0], f"complete to {entry_to}") else None

    def hand_on(self, token: Token, to: Token, stand: Stand, *, wrap_up_s: float, now: datetime) -> AgentView | None:
        place = (stand.entry, stand.score, to_micros(stand.joined_at), stand.language)
        reply = self._run("hand_on", token, to, *place, wrap_up_s, to_micros(now))
        return replies.agent(reply[1:]) if succeeded(reply[0], token) else None

    def lapsed(self, *, now: datetime) -> Lapsed:
        return replies.lapsed(self._run("lapsed", to_micros(now)))

    # --- agents ------------------------------------------------------------------------------------------------

    def presence(self, agent: AgentKey, wanted: AgentStatus, *, now: datetime, why: str = "") -> AgentView:
        reply = self._run("presence", agent, wanted, to_micros(now), why)
        succeeded(reply[0], agent)
        return replies.agent(reply[1:])

    def come_free(
        self, agent: AgentKey, *, lease_s: float, token: Token, now: datetime
    ) -> tuple[AgentView, Reservation | None]:
        at = to_micros(now)
        reply = self._run("come_free", agent, token, at, at + span(lease_s))
        succeeded(reply[0], agent)
        return replies.paired_agent(reply)

    def wrap(self, agent: AgentKey, until: datetime) -> AgentView | None:
        reply = self._run("wrap", agent, to_micros(until))
        return replies.agent(reply[1:]) if succeeded(reply[0], agent) else None

    def agent(self, key: AgentKey) -> AgentView:
        reply = self._run("agent", key)
        succeeded(reply[0], key)
        return replies.agent(reply[1:])

    def agents(self) -> list[AgentView]:
        return replies.agents(self._run("agents"))

    # --- configuration -----------------------------------------------------------------------------------------

    def configure(
        self,
        queues: Sequence[Queue],
        agents: Sequence[Agent],
        *,
        wording: Sequence[Own] = (),
        following: int | None = None,
    ) -> int:
        now, version = to_micros(self._clock.now()), "" if following is None else following
        arguments: list[str | int] = [
            now,
            secrets.randbits(40),
            version,
            published.wording_to_json(wording),
            len(queues),
        ]
        for queue in queues:
            arguments += [queue.key, published.queue_to_json(queue), int(queue.policy.dialing)]
        for agent in agents:
            serves = "\n".join(f"{served.queue}\t{served.level}" for served in agent.queues)
            arguments += [agent.key, published.agent_to_json(agent), serves]
        result, *published_as = self._run("configure", *arguments)
        if not succeeded(result, "the configuration"):
            raise Stale("another configuration has been published since")
        return int(published_as[0])

    def configuration(self) -> tuple[int, list[Queue], list[Agent]]:
        _, version, count, *texts = self._run("configuration")
        queues = sorted((published.queue_from_json(text) for text in texts[:count]), key=lambda queue: queue.key)
        agents = sorted((published.agent_from_json(text) for text in texts[count:]), key=lambda agent: agent.key)
        return int(version), queues, agents

    def wording(self) -> list[Own]:
        text = self._client.get(keys.WORDING)
        return published.wording_from_json(cast(str, text)) if text else []

    def set_offering(self, queue: QueueKey, offering: bool) -> None:
        self._client.hset(keys.queue_state(queue), "o", int(offering))

    def set_dialing(self, queue: QueueKey, on: bool, *, now: datetime) -> bool:
        return succeeded(self._run("dialing", queue, int(on), to_micros(now))[0], queue)

    def remember_language(self, number_hash: str, language: str) -> None:
        self._client.set(keys.language(number_hash), language, ex=_LANGUAGE_TTL_S)

    def forget_person(self, number_hash: str) -> list[EntryId]:
        return [EntryId(entry) for entry in self._run("forget", number_hash)[1:]]

    # --- the stream, the pace, a fresh start ---------------------------------------------------------------------

    def drain(self, after: str, limit: int) -> list[tuple[str, dict[str, str]]]:
        found = self._client.xrange(keys.EVENTS, min=f"({after}", count=limit)
        return cast(list[tuple[str, dict[str, str]]], found)

    def forget(self, upto: str) -> None:
        milliseconds, _, number = upto.partition("-")
        following = f"{milliseconds}-{int(number or 0) + 1}"
        self._client.xtrim(keys.EVENTS, minid=following, approximate=False)

    def take_pace(self, bucket: str, *, per_second: float, now: datetime) -> float:
        wait = self._run("pace", bucket, span(1 / per_second), to_micros(now))[1]
        return int(wait) / 1e6

    def pace_ahead(self, bucket: str, *, now: datetime) -> float:
        slot = self._client.get(keys.pace(bucket))
        return max(int(cast(str, slot)) - to_micros(now), 0) / 1e6 if slot else 0.0

    def clear(self) -> None:
        while self._run("clear", _SLICE, to_micros(self._clock.now()))[1]:
            pass


def _places(promises: Iterable[Placed], now: datetime) -> Iterator[str | int]:
    """As `restore.lua` takes them."""
    for entry, queue, score, joined_at, next_attempt_at, number_hash in promises:
        yield queue
        yield entry
        yield score
        yield to_micros(joined_at)
        yield "due" if next_attempt_at is None or next_attempt_at <= now else "later"
        yield number_hash
