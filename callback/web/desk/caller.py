"""Who an agent has, or gets next: as much as they may know before anybody says hello."""

from collections.abc import Hashable, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import datetime
from functools import partial
from typing import Any
from urllib.parse import quote

from callback.domain.callback import Agent, Callback
from callback.domain.desk import Earlier
from callback.domain.errors import NotFound, Unreadable
from callback.domain.ids import AgentKey, CallbackId, CallSid, EntryId, QueueKey, is_callback
from callback.flows import talks
from callback.ports import Line, Reservation, Waiting
from callback.web.context import house, options
from callback.web.desk import asking
from callback.web.hub import Glance

LOOK_AHEAD = 20
"""How many of each queue are looked at to find the next one who can be served now."""
EARLIER = 5
READY = frozenset({"hold", "due"})


@dataclass(frozen=True)
class Caller:
    """What an agent may know of a caller. `crm` leads to them elsewhere ("" nowhere)."""

    live: bool
    queue: str
    number: str
    name: str
    language: str
    since: datetime | None
    context: dict[str, Any]
    attempts: int
    earlier: list[Earlier]
    crm: str


@dataclass(frozen=True)
class Next:
    """Who would come next, and by which rule."""

    queue: str
    live: bool
    waited_s: float
    ahead_of_time: bool  # a segment's credit put them further ahead
    waiting: int


def caller(held: Reservation) -> Caller:
    """The one in a pairing."""
    promise = _promise(held.entry)
    if promise is not None:
        number, about = promise.number, (promise.name, promise.language, promise.joined_at, promise.context)
        return _about(held, number, about, promise.attempts_made)
    return _about(held, number_of(held.entry), ("", held.language, held.joined_at, {}), 0)


def number_of(entry: EntryId) -> str:
    """Of a caller; "" where it is withheld, not known yet, or cannot be read."""
    promise = _promise(entry)
    if promise is not None or is_callback(entry):
        return promise.number if promise is not None else ""
    with suppress(Unreadable), house().store.look() as work:
        leg = work.leg(CallSid(entry))
        return leg.number if leg else ""
    return ""


def _about(held: Reservation, number: str, about: tuple[Any, ...], attempts: int) -> Caller:
    name, language, since, context = about
    queue = house().book.queue(held.queue).name
    live, earlier = not is_callback(held.entry), _earlier(number, held.entry)
    return Caller(live, queue, number, name, language, since, context, attempts, earlier, crm(number))


def crm(number: str) -> str:
    """Where a caller is found in the installation's own system. We never ask there ourselves."""
    template = options().desk.crm_url
    return template.replace("{number}", quote(number, safe="")) if template and number else ""


def _earlier(number: str, but: EntryId) -> list[Earlier]:
    if not number:
        return []
    with house().store.look() as work:
        return work.earlier(number, but=but, limit=EARLIER)


def _promise(entry: EntryId) -> Callback | None:
    if not is_callback(entry):
        return None
    try:
        with house().store.look() as work:
            return work.callback(CallbackId(entry))
    except (NotFound, Unreadable):
        return None


def mark(glance: Glance, agent: AgentKey, queues: Sequence[QueueKey]) -> Hashable:
    """What a desk shows, in short: it differs when that does."""
    line = glance.house.line
    live = line.agent(agent)
    held = line.reservation(live.token) if live.token else None
    if held is None:
        return live, tuple(glance.once(("first", queue), partial(_first, line, queue)) for queue in queues)
    talk = talks.of(glance.house, held.token) if held.phase == "busy" else None
    waits = talk is not None and asking.late(talk, glance.house.clock.now())
    return live, replace(held, lease_until=None), talk, waits, _is_known(glance, held)


def _is_known(glance: Glance, held: Reservation) -> bool:
    """Whether the record has who rings: it hears of a live caller a moment after the line does."""
    if held.phase == "busy" or is_callback(held.entry):
        return True
    with suppress(Unreadable), glance.house.store.look() as work:
        return work.leg(CallSid(held.entry)) is not None
    return True


def _first(line: Line, queue: QueueKey) -> Hashable:
    ready = [one for one in line.listing(queue, limit=LOOK_AHEAD) if one.place in READY]
    return (len(ready), ready[0].entry) if ready else None


def following(agent: Agent) -> Next | None:
    """The lowest score among those of the agent's queues who can be served now."""
    ready = [(one, served.queue) for served in agent.queues for one in _ready(served.queue)]
    if not ready:
        return None
    first, queue = min(ready, key=lambda pair: (pair[0].score, pair[0].entry))
    waited_s = (house().clock.now() - first.joined_at).total_seconds()
    credited = first.score < round(first.joined_at.timestamp() * 1_000_000) - 1_000_000
    return Next(house().book.queue(queue).name, first.live, waited_s, credited, len(ready))


def _ready(queue: QueueKey) -> list[Waiting]:
    return [one for one in house().line.listing(queue, limit=LOOK_AHEAD) if one.place in READY]
