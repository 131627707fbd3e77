"""Live calls and agents reach the record: the line's stream is read in order and written once, mark and rows together.

A live caller holds no promise, so the second that this takes costs nothing; the time of joining travels in their URLs.

What else the order depends on (where promises stand, what agents serve, whether a queue dials, when the line was
emptied) is written down as the queue's own news, so that `audit` can replay the line from the journal.
"""

from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime
from typing import Any

from callback.domain.callback import Entry, Leg, LegKind
from callback.domain.errors import Unreadable
from callback.domain.ids import AgentKey, CallSid, QueueKey, Token
from callback.domain.lifecycle import CALL_ENDS, AgentStatus, CallState
from callback.flows import poison
from callback.flows.hook import moment
from callback.ports import House, Work

BATCH = 500
STATES: dict[str, type[CallState] | type[AgentStatus]] = {"call": CallState, "agent": AgentStatus}
LINE = "line"
"""The subject of what happens to the line as a whole."""
CONFIGURED = "configured"
"""The reason of a change that came with the configuration (`configure.lua`)."""
REBUILT = "rebuilt"
"""The reason of a seat that an agent was given in a line that is being filled again (`resume.lua`, `seat.lua`)."""


def persist(house: House) -> int:
    """Write what is new; returns how many events. The mark is saved in the same transaction, so none is written
    twice."""
    written = 0
    while True:
        try:
            events = write_batch(house, BATCH)
        except Exception as fault:
            if poison.excused(house, fault):
                raise
            events = write_one(house)  # the next batch begins behind the one that spoils this
        if not events:
            return written
        house.line.forget(events[-1])
        written += len(events)


def write_batch(house: House, size: int) -> list[str]:
    """The next events, mark and rows together; their ids. What cannot be read is passed over."""
    with house.store.begin() as work:
        events = house.line.drain(work.mark(), size)
        for event, fields in events:
            try:
                record(house, work, fields)
            except (KeyError, ValueError, Unreadable) as fault:
                quarantine(house, work, event, fault)
        if events:
            work.set_mark(events[-1][0])
    return [event for event, _ in events]


def write_one(house: House) -> list[str]:
    """One event by itself; passed over where the record refuses what it says."""
    try:
        return write_batch(house, 1)
    except Exception as fault:
        if poison.excused(house, fault):
            raise
        with house.store.begin() as work:
            events = house.line.drain(work.mark(), 1)
            for event, _ in events:
                quarantine(house, work, event, fault)
                work.set_mark(event)
        return [event for event, _ in events]


def quarantine(house: House, work: Work, event: str, fault: Exception) -> None:
    """An event that cannot be read, of another version or damaged: in sight, and out of the way of those behind it."""
    why = f"an event of the line cannot be read: {poison.reason(fault)}"
    step, now = "recording", house.clock.now()
    failure = work.note_failure("event", event, queue="", step=step, reason=poison.reason(fault), at=now, hold_at=1)
    poison.tell(work, failure, "quarantined", why, cause=f"event {event}", at=now)


def record(house: House, work: Work, fields: dict[str, str]) -> None:
    """One event: a journal row, and the leg or the presence it is about."""
    row = told(fields)
    work.write(row)
    if row.kind == "call":
        record_call(work, fields, row.at, house.store.reveal(fields.get("number", "")))
    elif row.kind == "agent":
        record_agent(work, fields, row.at)


def told(fields: dict[str, str]) -> Entry:
    """The journal's row for an event of the line. Raises KeyError or ValueError for what nobody knows."""
    at = moment(int(fields["at"]))
    if fields["kind"] == "place":
        return placed(fields, at)
    if fields["kind"] == "setting":
        return setting(fields, at)
    STATES[fields["kind"]](fields["to"])  # refuses a word that nobody knows
    return Entry(
        at=at,
        kind=fields["kind"],
        subject=fields["subject"],
        before=fields.get("from") or None,
        after=fields["to"],
        reason=fields.get("reason", ""),
        cause=fields.get("entry") or fields.get("token", ""),
        queue=fields.get("queue", ""),
        data=dict(details(fields)),
    )


def details(fields: dict[str, str]) -> Iterator[tuple[str, str | int]]:
    """What a replay of the line needs of a call or an agent."""
    for name in ("token", "agent", "entry", "why"):
        if fields.get(name) and fields[name] != fields["subject"]:
            yield name, fields[name]
    for name in ("score", "joined"):
        if fields.get(name):
            yield name, int(fields[name])


def placed(fields: dict[str, str], at: datetime) -> Entry:
    """A promise stands elsewhere in its queue, or nowhere."""
    data = {"score": int(fields["score"]), "joined": int(fields["joined"])}
    queue, place = fields["queue"], fields["to"]
    return Entry(at, "queue", queue, fields["from"] or None, place, fields["reason"], fields["subject"], queue, data)


def setting(fields: dict[str, str], at: datetime) -> Entry:
    """A queue's dialling was switched, an agent serves other queues, or the line was emptied or filled."""
    subject, word = fields["subject"], fields["to"]
    match word:
        case "dialing" | "resting":
            return Entry(at, "queue", subject, None, word, "the configuration was published", "", subject)
        case "serves":
            levels = (row.split("\t") for row in fields["rows"].splitlines())
            serves: dict[str, Any] = {queue: int(level) for queue, level in levels}
            why = "the configuration was published"
            return Entry(at, "queue", LINE, None, word, why, subject, data={"agent": subject, "serves": serves})
        case "restored":
            rows = [row.split("\t") for row in fields["rows"].splitlines()]
            return Entry(at, "queue", LINE, None, word, "filled from the record", "", data={"places": rows})
        case "clearing" | "cleared":
            return Entry(at, "queue", LINE, None, word, "to be filled from the record", "")
    raise ValueError(f"an unknown setting of the line: {word!r}")


def record_agent(work: Work, fields: dict[str, str], at: datetime) -> None:
    """What a rebuild starts from: the last presence that somebody chose. An agent who is offline only because a line
    that was lost has just been configured again chose nothing."""
    status = AgentStatus(fields["to"])
    if fields.get("reason") in (CONFIGURED, REBUILT):
        return
    if status in (AgentStatus.AVAILABLE, AgentStatus.AWAY, AgentStatus.OFFLINE):
        work.put_presence(AgentKey(fields["subject"]), status, at)


def record_call(work: Work, fields: dict[str, str], at: datetime, number: str) -> None:
    """The inbound leg's row follows its state."""
    call = CallSid(fields["subject"])
    state = CallState(fields["to"])
    joined = moment(int(fields["joined"])) if fields.get("joined") else at
    leg = work.leg(call) or Leg(
        call=call,
        kind=LegKind.INBOUND,
        queue=QueueKey(fields["queue"]),
        state=state,
        number=number,
        created_at=joined,
        joined_at=joined,
        language=fields.get("lang", ""),
        score=int(fields.get("score") or 0),
    )
    if leg.ended_at is not None and state not in CALL_ENDS:
        leg = once_more(leg, fields, joined)
    leg = replace(leg, state=state, agent=AgentKey(fields["agent"]) if fields.get("agent") else leg.agent)
    if fields.get("token"):
        leg = replace(leg, token=Token(fields["token"]))
    if state is CallState.BRIDGED:
        leg = replace(leg, bridged_at=at, waited_s=(at - joined).total_seconds())
    if state in CALL_ENDS:
        leg = end(leg, state, at, joined)
    work.put_leg(leg)


def once_more(leg: Leg, fields: dict[str, str], joined: datetime) -> Leg:
    """The leg of a caller who had talked, or was thought to be gone, and stands in line again: after a transfer, or by
    the place that their leg carries. What their first talk was, the journal and the talk's own row tell."""
    return replace(
        leg,
        queue=QueueKey(fields["queue"]),
        joined_at=joined,
        score=int(fields.get("score") or leg.score),
        agent=None,
        token=None,
        bridged_at=None,
        ended_at=None,
        waited_s=None,
        handled_s=None,
    )


def end(leg: Leg, state: CallState, at: datetime, joined: datetime) -> Leg:
    """The leg with its outcome and its durations."""
    talked = (at - leg.bridged_at).total_seconds() if leg.bridged_at else None
    waited = leg.waited_s if leg.waited_s is not None else (at - joined).total_seconds()
    return replace(leg, ended_at=at, waited_s=waited, handled_s=talked if state is CallState.COMPLETED else None)
