"""What the scripts tell the record, in order: every change of a live call and of an agent, as entries of one stream.

The scripts append (`lua/_events.lua`), `Line.drain` reads, `Line.forget` trims once the record has it. The states of
callbacks are the record's own and not told; their agents' are. So that the whole line can be replayed from the stream,
it tells besides where promises stand and what else the order depends on. All values in Redis are strings, "" for none.
"""

from dataclasses import dataclass
from datetime import datetime

from callback.adapters.line.micros import from_micros
from callback.domain.ids import AgentKey, CallSid, EntryId, QueueKey, Token
from callback.domain.lifecycle import AgentStatus, CallState

FIELDS_OF_BOTH = ("kind", "subject", "from", "to", "reason", "at", "queue", "token", "entry")
FIELDS_OF_CALLS = (*FIELDS_OF_BOTH, "joined", "score", "lang", "leg", "agent")
FIELDS_OF_AGENTS = (*FIELDS_OF_BOTH, "callback", "why")
FIELDS_OF_PLACES = ("kind", "subject", "from", "to", "reason", "at", "queue", "joined", "score")
FIELDS_OF_SETTINGS = ("kind", "subject", "to", "at", "rows")

REASONS = {
    "arrived": "a call joined the line",
    "on_hold": "the caller heard the greeting and holds",
    "back_in_line": "the leg is here and Redis did not know it: put back by the place it carries",
    "matched": "an agent and the next in line were paired",
    "resumed": "a rebuild brought a pairing back that the record knew",
    "bridged": "they talk",
    "completed": "the talk is over",
    "cut_off": "the talk broke off, the caller is back in their place",
    "callback": "a callback stands in the call's place",
    "presence": "the agent asked for it",
    "wrap_up_over": "the wrap-up's time has passed",
    "configured": "the agent was added or taken out",
    "rebuilt": "the agent is back in the seat they had before the line was lost",
    "entered": "a promise takes its place",
    "due": "the time of a promise has come",
}
"""The scripts' own reasons. `leave` and `release` pass on the reason they are given."""


@dataclass(frozen=True)
class CallEvent:
    """A live call changed its state; `before` is None where it was not in line. `joined_at`, `score`: its place.

    `number` is the caller's, sealed by the record, and told with the arrival alone."""

    call: CallSid
    before: CallState | None
    after: CallState
    reason: str
    at: datetime
    queue: QueueKey
    joined_at: datetime
    score: int
    language: str
    leg: CallSid | None
    agent: AgentKey | None
    token: Token | None
    number: str


@dataclass(frozen=True)
class AgentEvent:
    """An agent changed their status. `queue`, `token` and `entry` name the pairing it is about, if any.

    `callback` says whether the other side is a promise that was kept rather than a caller who held. `why` is their own
    reason for being away, "" where they gave none.
    """

    agent: AgentKey
    before: AgentStatus | None
    after: AgentStatus
    reason: str
    at: datetime
    queue: QueueKey | None
    token: Token | None
    entry: EntryId | None
    callback: bool
    why: str = ""


@dataclass(frozen=True)
class PlaceEvent:
    """A promise stands elsewhere: `menu`, `hold`, `due`, `later`, or `gone`. `before` is "" where it was not in line.

    Of one that is paired with an agent, and of the end of that, the agent's events tell."""

    entry: EntryId
    before: str
    after: str
    reason: str
    at: datetime
    queue: QueueKey
    joined_at: datetime
    score: int


@dataclass(frozen=True)
class SettingEvent:
    """What the order depends on besides. `subject` is a queue that is `dialing` or `resting`, an agent who `serves`
    other queues (`rows`: key and level), or "line": `clearing`, `cleared`, and `restored` with the places (`rows`:
    queue, entry, place, score, and the time of joining where it is another)."""

    subject: str
    after: str
    at: datetime
    rows: tuple[tuple[str, ...], ...]


def parse_event(fields: dict[str, str]) -> CallEvent | AgentEvent | PlaceEvent | SettingEvent:
    """One entry of the stream. Raises KeyError or ValueError for an entry that none of our scripts wrote."""
    if fields["kind"] == "place":
        return _place(fields)
    if fields["kind"] == "setting":
        return _setting(fields)
    if fields["kind"] == "call":
        return _call(fields)
    if fields["kind"] == "agent":
        return _agent(fields)
    raise ValueError(f"an event of unknown kind {fields['kind']!r}")


def _call(fields: dict[str, str]) -> CallEvent:
    return CallEvent(
        call=CallSid(fields["subject"]),
        before=CallState(fields["from"]) if fields["from"] else None,
        after=CallState(fields["to"]),
        reason=fields["reason"],
        at=from_micros(int(fields["at"])),
        queue=QueueKey(fields["queue"]),
        joined_at=from_micros(int(fields["joined"])),
        score=int(fields["score"]),
        language=fields["lang"],
        leg=CallSid(fields["leg"]) if fields["leg"] else None,
        agent=AgentKey(fields["agent"]) if fields["agent"] else None,
        token=Token(fields["token"]) if fields["token"] else None,
        number=fields["number"],
    )


def _agent(fields: dict[str, str]) -> AgentEvent:
    return AgentEvent(
        agent=AgentKey(fields["subject"]),
        before=AgentStatus(fields["from"]) if fields["from"] else None,
        after=AgentStatus(fields["to"]),
        reason=fields["reason"],
        at=from_micros(int(fields["at"])),
        queue=QueueKey(fields["queue"]) if fields["queue"] else None,
        token=Token(fields["token"]) if fields["token"] else None,
        entry=EntryId(fields["entry"]) if fields["entry"] else None,
        callback=fields["callback"] == "1",
        why=fields.get("why", ""),
    )


def _place(fields: dict[str, str]) -> PlaceEvent:
    return PlaceEvent(
        entry=EntryId(fields["subject"]),
        before=fields["from"],
        after=fields["to"],
        reason=fields["reason"],
        at=from_micros(int(fields["at"])),
        queue=QueueKey(fields["queue"]),
        joined_at=from_micros(int(fields["joined"])),
        score=int(fields["score"]),
    )


def _setting(fields: dict[str, str]) -> SettingEvent:
    return SettingEvent(
        subject=fields["subject"],
        after=fields["to"],
        at=from_micros(int(fields["at"])),
        rows=tuple(tuple(row.split("\t")) for row in fields["rows"].splitlines()),
    )
