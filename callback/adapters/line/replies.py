"""Reads the scripts' flat replies into the port's values. Flat, because that is what costs a webhook least."""

from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import Any

from callback.adapters.line.micros import from_micros
from callback.domain.ids import AgentKey, CallbackId, CallSid, EntryId, QueueKey, Token
from callback.domain.lifecycle import AgentStatus
from callback.domain.wait import Measured
from callback.ports import AgentView, Lapsed, Reservation, Standing, Waiting

_STATUSES = (
    AgentStatus.AVAILABLE,
    AgentStatus.RESERVED,
    AgentStatus.BUSY,
    AgentStatus.WRAP_UP,
    AgentStatus.AWAY,
    AgentStatus.OFFLINE,
)
_AGENT = 8
_RESERVATION = 13
_WAITING = 5
_STANDING = 24


def standing(reply: Sequence[Any]) -> Standing:
    """`lua/_standing.lua`."""
    return Standing(
        place=reply[1],
        position=reply[2] or None,
        score=int(reply[3]),
        joined_at=_time(reply[4]),
        live=reply[5],
        callbacks=reply[6],
        agents={status: int(count) for status, count in zip(_STATUSES, reply[7:13], strict=True)},
        measured=Measured(float(reply[13]), float(reply[14]), float(reply[15]), float(reply[16])),
        offering=reply[17] == "1",
        config=int(reply[18]),
        open_callback=CallbackId(reply[19]) if reply[19] else None,
        language=reply[20],
        due_ahead=reply[21],
        later_ahead=reply[22],
        kept=reply[23],
        reservation=reservation(reply[_STANDING:]) if len(reply) > _STANDING else None,
    )


def reservation(reply: Sequence[Any]) -> Reservation:
    """`add_reservation` of `lua/_reservations.lua`."""
    token, entry, agent_key, queue, leg, phase, at, lease, bridged, score, joined, language, agent_leg = reply
    return Reservation(
        token=Token(token),
        entry=EntryId(entry),
        agent=AgentKey(agent_key),
        queue=QueueKey(queue),
        live=leg != "",
        leg=CallSid(leg) if leg else None,
        phase=phase,
        at=from_micros(int(at)),
        lease_until=_time(lease),
        bridged_at=_time(bridged),
        score=int(score),
        joined_at=_time(joined),
        language=language,
        agent_leg=CallSid(agent_leg) if agent_leg else None,
    )


def agent(reply: Sequence[Any]) -> AgentView:
    """`add_agent` of `lua/_agents.lua`."""
    key, status, since, wanted, token, wrap_until, reason, why = reply
    return AgentView(
        key=AgentKey(key),
        status=AgentStatus(status),
        since=from_micros(int(since)),
        wanted=AgentStatus(wanted),
        token=Token(token) if token else None,
        wrap_until=_time(wrap_until),
        reason=reason,
        why=why,
    )


def paired_agent(reply: Sequence[Any]) -> tuple[AgentView, Reservation | None]:
    """`lua/come_free.lua`."""
    first = 1 + _AGENT
    return agent(reply[1:first]), reservation(reply[first:]) if len(reply) > first else None


def agents(reply: Sequence[Any]) -> list[AgentView]:
    """`lua/agents.lua`, by key."""
    return sorted((agent(part) for part in _parts(reply, 1, _AGENT)), key=lambda view: view.key)


def lapsed(reply: Sequence[Any]) -> Lapsed:
    """`lua/lapsed.lua`."""
    first = 2 + int(reply[1])
    return Lapsed(
        reservations=tuple(reservation(part) for part in _parts(reply, first, _RESERVATION)),
        wrapped=tuple(AgentKey(key) for key in reply[2:first]),
    )


def listing(reply: Sequence[Any], offset: int) -> list[Waiting]:
    """`lua/listing.lua`, whose first row is the `offset`-th of the line, counted from 0."""
    return [
        Waiting(
            entry=EntryId(entry),
            place=place,
            position=offset + number,
            score=int(score),
            joined_at=from_micros(int(joined)),
            live=leg != "",
        )
        for number, (entry, place, score, joined, leg) in enumerate(_parts(reply, 1, _WAITING), start=1)
    ]


def silent(reply: Sequence[Any]) -> Iterator[tuple[EntryId, CallSid]]:
    """`lua/silent.lua`."""
    return ((EntryId(entry), CallSid(leg)) for entry, leg in _parts(reply, 2, 2))


def _parts(reply: Sequence[Any], first: int, size: int) -> Iterator[Sequence[Any]]:
    return (reply[start : start + size] for start in range(first, len(reply), size))


def _time(micros: str) -> datetime | None:
    return from_micros(int(micros)) if micros else None
