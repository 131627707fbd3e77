"""States and events of a callback, a call and an agent, and the one table of legal moves.

SQL's conditional updates and Lua's guards are tested against this table. Events that come late or twice are rows here,
with the reason why they change nothing: at-least-once delivery is normal, not exceptional.
"""

from enum import StrEnum

from callback.domain.errors import IllegalMove


class State(StrEnum):
    """A callback's state: the same word in SQL, the API, the pages and the metrics."""

    WAITING = "waiting"
    SCHEDULED = "scheduled"
    RESERVED = "reserved"
    DIALING = "dialing"
    ANSWERED = "answered"
    BRIDGED = "bridged"
    RECONCILING = "reconciling"
    COMPLETED = "completed"
    CANCELLED = "cancelled"
    UNREACHED = "unreached"
    EXPIRED = "expired"
    FAILED = "failed"


ENDS = frozenset({State.COMPLETED, State.CANCELLED, State.UNREACHED, State.EXPIRED, State.FAILED})
OPEN = frozenset(State) - ENDS
IN_FLIGHT = frozenset({State.RESERVED, State.DIALING, State.ANSWERED, State.BRIDGED, State.RECONCILING})
"""Somebody is acting on it right now: an agent is reserved, or a leg exists or may exist."""
RUNG = frozenset({State.DIALING, State.RECONCILING, State.ANSWERED, State.BRIDGED})
"""With an attempt, the caller's phone rings or may ring, or they talk on the leg that we called."""


class Event(StrEnum):
    """What can happen to a callback."""

    PROMISE = "promise"
    SCHEDULE = "schedule"
    DUE = "due"
    RESERVE = "reserve"
    RELEASE = "release"
    DIAL = "dial"
    REFUSED = "refused"  # the carrier surely did not place the call: the attempt is not spent
    LOST = "lost"  # the carrier's answer never came: it may or may not have placed the call
    ANSWER = "answer"
    CALL_IN = "call_in"  # the caller rings us while waiting: their new leg takes the place
    HANG_UP = "hang_up"  # a caller who rang in hangs up again: the promise stands
    BRIDGE = "bridge"
    CUT_OFF = "cut_off"  # the agent's side fell away: the caller, still on the line, needs another
    COMPLETE = "complete"
    MISS = "miss"  # the attempt is over without a talk, and another follows
    EXHAUST = "exhaust"  # the attempt is over without a talk, and it was the last
    UNDIALABLE = "undialable"
    CANCEL = "cancel"
    EXPIRE = "expire"
    READY = "ready"  # the caller says so before the time they wait for
    RENUMBER = "renumber"  # another number, proved by code
    MOVE = "move"  # somebody with the right to do so puts it elsewhere in the line


S, E = State, Event

MOVES: dict[tuple[State | None, Event], State] = {
    (None, E.PROMISE): S.WAITING,
    (None, E.SCHEDULE): S.SCHEDULED,
    (S.WAITING, E.SCHEDULE): S.SCHEDULED,
    (S.SCHEDULED, E.SCHEDULE): S.SCHEDULED,
    (S.ANSWERED, E.SCHEDULE): S.SCHEDULED,  # "later", pressed at the answer
    (S.SCHEDULED, E.DUE): S.WAITING,
    (S.SCHEDULED, E.READY): S.WAITING,
    (S.WAITING, E.READY): S.WAITING,  # between attempts: the next one is due at once
    (S.WAITING, E.RENUMBER): S.WAITING,
    (S.SCHEDULED, E.RENUMBER): S.SCHEDULED,
    (S.WAITING, E.MOVE): S.WAITING,
    (S.SCHEDULED, E.MOVE): S.WAITING,  # rung now, whatever time they had asked for
    (S.WAITING, E.RESERVE): S.RESERVED,
    (S.RESERVED, E.RELEASE): S.WAITING,
    (S.RESERVED, E.DIAL): S.DIALING,
    (S.WAITING, E.DIAL): S.DIALING,  # dial_ahead: before an agent is free
    (S.DIALING, E.REFUSED): S.WAITING,
    (S.DIALING, E.LOST): S.RECONCILING,
    (S.DIALING, E.ANSWER): S.ANSWERED,
    (S.RECONCILING, E.ANSWER): S.ANSWERED,  # the first webhook binds the call that nobody heard of
    (S.WAITING, E.CALL_IN): S.ANSWERED,
    (S.SCHEDULED, E.CALL_IN): S.ANSWERED,
    (S.RESERVED, E.CALL_IN): S.ANSWERED,
    (S.DIALING, E.CALL_IN): S.ANSWERED,
    (S.RECONCILING, E.CALL_IN): S.ANSWERED,
    (S.ANSWERED, E.HANG_UP): S.WAITING,
    (S.ANSWERED, E.BRIDGE): S.BRIDGED,
    (S.BRIDGED, E.CUT_OFF): S.ANSWERED,
    (S.BRIDGED, E.MISS): S.WAITING,  # cut off and the caller's leg gone as well: rung again, in the same place
    (S.BRIDGED, E.COMPLETE): S.COMPLETED,
    (S.ANSWERED, E.COMPLETE): S.COMPLETED,  # the record missed the bridge, or the caller hung up within the cut-off
    (S.DIALING, E.MISS): S.WAITING,
    (S.ANSWERED, E.MISS): S.WAITING,
    (S.RECONCILING, E.MISS): S.WAITING,
    (S.DIALING, E.EXHAUST): S.UNREACHED,
    (S.ANSWERED, E.EXHAUST): S.UNREACHED,
    (S.RECONCILING, E.EXHAUST): S.UNREACHED,
    (S.WAITING, E.EXHAUST): S.UNREACHED,
    (S.WAITING, E.UNDIALABLE): S.FAILED,
    (S.SCHEDULED, E.UNDIALABLE): S.FAILED,
    (S.RESERVED, E.UNDIALABLE): S.FAILED,
    (S.DIALING, E.UNDIALABLE): S.FAILED,
    (S.WAITING, E.CANCEL): S.CANCELLED,
    (S.SCHEDULED, E.CANCEL): S.CANCELLED,
    (S.RESERVED, E.CANCEL): S.CANCELLED,
    (S.DIALING, E.CANCEL): S.CANCELLED,
    (S.ANSWERED, E.CANCEL): S.CANCELLED,
    (S.RECONCILING, E.CANCEL): S.CANCELLED,
    (S.WAITING, E.EXPIRE): S.EXPIRED,
    (S.SCHEDULED, E.EXPIRE): S.EXPIRED,
}
"""Every legal move. Where a pair is in neither table, the event is a defect and raises `IllegalMove`."""

LATE: dict[tuple[State, Event], str] = {
    **{
        (end, event): "the callback has ended; a late or repeated event changes nothing"
        for end in ENDS
        for event in Event
        if event not in {E.PROMISE, E.SCHEDULE}
    },
    (S.ANSWERED, E.ANSWER): "`answered` is sent by the document request and the status callback alike",
    (S.BRIDGED, E.ANSWER): "a status callback overtaken by the key press",
    (S.BRIDGED, E.BRIDGE): "the key press was delivered twice",
    (S.WAITING, E.ANSWER): "a status callback of an attempt that is already over",
    (S.SCHEDULED, E.ANSWER): "a status callback of an attempt that is already over",
    (S.WAITING, E.MISS): "the end of an attempt that is already over",
    (S.SCHEDULED, E.MISS): "the end of an attempt that is already over",
    (S.SCHEDULED, E.EXHAUST): "the end of an attempt that is already over",
    (S.WAITING, E.RELEASE): "the reservation lapsed and was released by the sweep before",
    (S.WAITING, E.DUE): "two sweeps found the same row",
    (S.RECONCILING, E.LOST): "two sweeps found the same row",
    (S.BRIDGED, E.CANCEL): "too late: they are talking",
    (S.ANSWERED, E.CUT_OFF): "the record missed the bridge, or two found the same end of a talk",
    (S.WAITING, E.CUT_OFF): "two found the same end of a talk, and the caller is gone",
}


def move(state: State | None, event: Event) -> State | None:
    """The state after `event` in `state`, or None where the event is late and changes nothing.

    Raises:
        IllegalMove: the pair is in neither table.
    """
    after = MOVES.get((state, event))
    if after is not None:
        return after
    if state is not None and (state, event) in LATE:
        return None
    raise IllegalMove(f"a callback that is {state or 'not made yet'} cannot {event}")


class AgentStatus(StrEnum):
    """What an agent is doing, as everybody sees it."""

    AVAILABLE = "available"
    RESERVED = "reserved"
    BUSY = "busy"
    WRAP_UP = "wrap_up"
    AWAY = "away"
    OFFLINE = "offline"


STAFFED = frozenset({AgentStatus.AVAILABLE, AgentStatus.RESERVED, AgentStatus.BUSY, AgentStatus.WRAP_UP})
"""Agents who count as capacity: they talk, or will take the next caller."""

AGENT_MOVES: frozenset[tuple[AgentStatus, AgentStatus]] = frozenset(
    {
        (before, after)
        for before in (AgentStatus.AVAILABLE, AgentStatus.WRAP_UP, AgentStatus.AWAY, AgentStatus.OFFLINE)
        for after in (AgentStatus.AVAILABLE, AgentStatus.AWAY, AgentStatus.OFFLINE)
        if before != after
    }
    | {
        (AgentStatus.AVAILABLE, AgentStatus.RESERVED),
        (AgentStatus.RESERVED, AgentStatus.BUSY),
        (AgentStatus.RESERVED, AgentStatus.AVAILABLE),  # the caller was not reached
        (AgentStatus.RESERVED, AgentStatus.AWAY),  # the agent missed the ring
        (AgentStatus.RESERVED, AgentStatus.OFFLINE),
        (AgentStatus.BUSY, AgentStatus.WRAP_UP),
        (AgentStatus.BUSY, AgentStatus.AVAILABLE),  # wrap-up of 0 s
        (AgentStatus.BUSY, AgentStatus.AWAY),  # asked for while talking
        (AgentStatus.BUSY, AgentStatus.OFFLINE),
    }
)


class CallState(StrEnum):
    """A live caller's state, as the journal names it."""

    ARRIVED = "arrived"  # in line, hearing the greeting or the offer
    WAITING = "waiting"  # in line, on hold
    RESERVED = "reserved"
    BRIDGED = "bridged"
    COMPLETED = "completed"
    ABANDONED = "abandoned"
    CALLBACK = "callback"  # took the offer: a callback goes on in the same place
    REFUSED = "refused"  # closed, unknown number: never joined


CALL_ENDS = frozenset({CallState.COMPLETED, CallState.ABANDONED, CallState.CALLBACK, CallState.REFUSED})

CALL_MOVES: frozenset[tuple[CallState | None, CallState]] = frozenset(
    {
        (None, CallState.ARRIVED),
        (None, CallState.WAITING),  # back in a line that was lost, by the place that the leg carries
        (None, CallState.RESERVED),  # back with their agent, by a rebuild
        (CallState.ARRIVED, CallState.WAITING),
        (CallState.ARRIVED, CallState.RESERVED),
        (CallState.WAITING, CallState.RESERVED),
        (CallState.RESERVED, CallState.WAITING),  # the agent missed the ring
        (CallState.RESERVED, CallState.ARRIVED),
        (CallState.RESERVED, CallState.BRIDGED),
        (CallState.BRIDGED, CallState.WAITING),  # cut off
        (CallState.BRIDGED, CallState.ARRIVED),
        (CallState.BRIDGED, CallState.COMPLETED),
    }
    | {
        (before, end)
        for before in (CallState.ARRIVED, CallState.WAITING, CallState.RESERVED, CallState.BRIDGED)
        for end in CALL_ENDS - {CallState.COMPLETED}
    }
)
"""Every legal move of a live call."""
