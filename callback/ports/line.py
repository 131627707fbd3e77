"""The line: who waits where, who is paired with whom, and how old it is."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple, Protocol

from callback.domain.callback import Agent
from callback.domain.ids import AgentKey, CallbackId, CallSid, EntryId, QueueKey, Token
from callback.domain.lifecycle import AgentStatus
from callback.domain.policy import Queue
from callback.domain.wait import Measured
from callback.domain.wording import Own


@dataclass(frozen=True)
class Reservation:
    """A pairing of one agent and one entry, held under a lease. Whoever acts for it shows `token`."""

    token: Token
    entry: EntryId
    agent: AgentKey
    queue: QueueKey
    live: bool  # the caller is on a leg right now (`leg`), so there is nobody to dial
    leg: CallSid | None
    phase: str  # reserved, ringing, busy
    at: datetime  # of the pairing
    lease_until: datetime | None  # None in phase busy
    bridged_at: datetime | None = None  # in phase busy
    score: int = 0  # of the entry, with which it goes back into the line
    joined_at: datetime | None = None
    language: str = ""  # of a live entry, as `arrive` or `hold` last heard
    agent_leg: CallSid | None = None  # in phase busy: on which the agent took the call (None: nobody told)


@dataclass(frozen=True)
class Standing:
    """Where somebody stands in a queue, and what surrounds them. From one script call.

    `place` is where they are: `menu`, `hold`, `due`, `later`, `reserved`, `busy`, or "" when they are not in the line.
    `position` counts from 1 over everyone ahead, live or not (None unless in menu, hold, due or later).
    """

    place: str
    position: int | None
    score: int
    joined_at: datetime | None
    live: int  # callers on the line without an agent
    callbacks: int  # promises waiting, due or not
    agents: dict[AgentStatus, int]
    measured: Measured
    offering: bool  # whether the queue was offering at the last decision (hysteresis)
    config: int  # the version of the queues' configuration: reload when it differs from the one at hand
    open_callback: CallbackId | None = None  # `arrive` only: this number's open promise in this queue
    language: str = ""  # of their leg; from `arrive`, only what this number chose before
    reservation: Reservation | None = None  # the pairing they are in, made just now or before
    due_ahead: int = 0  # how many of those ahead are promises that may be rung
    later_ahead: int = 0  # and how many are promises that rest until their time
    kept: int = 0  # how many of the available agents are kept for phones that ring in other queues of theirs

    @property
    def whole(self) -> bool:
        """Whether the numbers can be relied on: a line that was lost, is being rebuilt or was never filled says
        configuration 0, and knows neither who else waits nor who is at work."""
        return self.config > 0


@dataclass(frozen=True)
class AgentView:
    """An agent's live state."""

    key: AgentKey
    status: AgentStatus
    since: datetime
    wanted: AgentStatus  # available, away or offline: what they asked for last
    token: Token | None = None  # of the reservation or talk they are in
    wrap_until: datetime | None = None
    reason: str = ""  # why they are in this status, as the journal has it
    why: str = ""  # why they asked to be away ("" not said)


@dataclass(frozen=True)
class Lapsed:
    """What `Line.lapsed` found due: reservations without a living holder, and wrap-ups that are over."""

    reservations: tuple[Reservation, ...]
    wrapped: tuple[AgentKey, ...]


@dataclass(frozen=True)
class Waiting:
    """Somebody in line, for listings and audits."""

    entry: EntryId
    place: str
    position: int
    score: int
    joined_at: datetime
    live: bool


class Placed(NamedTuple):
    """A waiting promise's place as its columns have it, for a rebuild: nothing in it is sealed. A tuple, since there
    may be a hundred thousand."""

    id: CallbackId
    queue: QueueKey
    score: int
    joined_at: datetime
    next_attempt_at: datetime | None
    number_hash: str


class Appointment(NamedTuple):
    """A scheduled promise as the line knows it, which it does only to recognise its number: `number_hash` is "" where
    nobody is to be recognised by it."""

    queue: QueueKey
    id: CallbackId
    number_hash: str


@dataclass(frozen=True)
class LineAge:
    """What the line says of its own age. `run` names this run of its server ("" where it does not tell); `unsure` says
    why nobody is paired ("" they are); `configured` whether there is any configuration."""

    number: int | None
    run: str
    unsure: str
    configured: bool


@dataclass(frozen=True)
class Stand:
    """Somebody who is in touch with us now: on a leg, or being dialled. With `token` and `agent`, paired as well."""

    entry: EntryId
    queue: QueueKey
    score: int
    joined_at: datetime
    language: str
    leg: CallSid | None
    number_hash: str = ""
    token: Token | None = None
    agent: AgentKey | None = None
    bridged_at: datetime | None = None
    in_menu: bool = False  # they hear a question, and cannot be matched before they hold

    @property
    def can_hold(self) -> bool:
        """Whether they can wait on hold: on a leg, and not talking on it."""
        return self.leg is not None and self.bridged_at is None


class Line(Protocol):
    """One ordered line per queue, live and virtual together, with the agents who serve it.

    Lowest score first; ties by entry id. All verbs are atomic and idempotent: a repeat returns what stands. Verbs that
    take a `token` change nothing and return False (or None) when it is not the one in force. Every change of a live
    call or an agent is appended to a stream that `drain` hands to the record in order; changes of callbacks are the
    record's.

    Whenever a verb may free a pairing (`arrive`, `hold`, `enter`, `presence`, `complete`, `release`), the caller of it
    asks `match` afterwards, except where a reservation is in the answer.
    """

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
        """A live caller joins: place `menu` (in line, not yet matchable), score = now - credit. When an agent is free
        and nobody who could be matched stands before them, they are reserved at once under `token`.
        `number`, concealed by the record (`Store.conceal`), only travels with the arrival's event. A call that has left
        the line within the last day does not join again: the place is ""."""
        ...

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
        """A live leg is on hold and can be connected: `menu`, `due` or `later` → `hold`, or back into the line where
        it is missing (a lost Redis) with the score it carries. Pairs at once like `arrive`. Also the heartbeat of the
        leg."""
        ...

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
        """A callback stands in line (`due` or `later`), in the place of the live entry `replaces` where given, which
        leaves in the same step with outcome `callback`. Moves an entry that stands there already."""
        ...

    def restore(self, promises: Iterable[Placed], *, now: datetime) -> int:
        """As `enter` for each of them (`due` unless the next attempt lies ahead), many in one step. Reads on in
        `promises` while the line is at work. Returns how many there were."""
        ...

    def book(self, appointments: Iterable[Appointment]) -> int:
        """Whoever rings in from the number of an appointment is recognised (`Standing.open_callback`), though it stands
        in no line: until it does (`enter`, `hold`), or leaves (`leave`). Returns how many there were."""
        ...

    def booked(self, limit: int) -> list[EntryId]:
        """Whoever is so recognised: all of them, or so many, drawn at random each time."""
        ...

    def leave(self, entry: EntryId, *, reason: str, now: datetime) -> Standing:
        """Out of the line, whatever their place; a reservation of theirs is dissolved and its agent freed. The answer
        tells where they were (place) before. A live call's leaving is journalled as `abandoned`, or as `reason` if
        that is a `CallState`."""
        ...

    def standing(self, queue: QueueKey, entry: EntryId | None) -> Standing:
        """Read only. Without an entry: as for a newcomer (`position` is the one they would get, `place` "")."""
        ...

    def match(self, queue: QueueKey, *, lease_s: float, token: Token, now: datetime) -> Reservation | None:
        """Pair one free agent of `queue` with the lowest score among the queues that agent serves. None: nobody to
        pair. Agents by level, then longest idle. Callbacks only where the queue is dialling."""
        ...

    def match_agent(self, agent: AgentKey, *, lease_s: float, token: Token, now: datetime) -> Reservation | None:
        """Pair this agent, if free, with the lowest score among their queues."""
        ...

    def reservation(self, token: Token) -> Reservation | None: ...

    def take_up(
        self, token: Token, bucket: str, *, per_second: float, now: datetime
    ) -> tuple[Reservation, float] | None:
        """`reservation` for whoever acts on it, in one step with `take_pace` where nobody has acted on it yet and a
        phone is to ring; else the seconds are 0."""
        ...

    def extend(self, token: Token, *, until: datetime, phase: str | None = None) -> bool:
        """Renew the lease, for instance while the caller's phone rings. False: the reservation is no longer in
        force."""
        ...

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
        """The pairing comes to nothing. The entry goes to `hold`, `menu`, `due`, `later` (same score unless given), or
        `gone`; the agent to `agent_to`, or to what they wanted (None). With `again`, an entry on `hold` pairs at once
        under that token, as in `hold`: nobody else can pair them in between."""
        ...

    def bridge(self, token: Token, *, now: datetime, agent_leg: CallSid | None = None) -> bool:
        """They talk, the agent on `agent_leg`: the entry leaves the line, the agent is busy, the lease ends. True again
        on a repeat."""
        ...

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
        """The talk is over: the agent wraps up, or goes where they wanted; counted into `Measured`. None: stale.
        `entry_to="hold"` puts the caller back with the old score (cut off), on `leg` where we rang them: without it
        they stand in the menu until the leg asks for its music. `again` as in `release`; the agent is told as they are
        after it."""
        ...

    def presence(self, agent: AgentKey, wanted: AgentStatus, *, now: datetime, why: str = "") -> AgentView:
        """`available` ends wrap-up and changes nothing in reserved or busy; away and offline apply at once when idle
        or in wrap-up, else when the call ends. `why` they will be away is kept until the next wish."""
        ...

    def come_free(
        self, agent: AgentKey, *, lease_s: float, token: Token, now: datetime
    ) -> tuple[AgentView, Reservation | None]:
        """`presence` of somebody who is available and `match_agent`, in one step: the agent as they are then, and whom
        they were paired with."""
        ...

    def wrap(self, agent: AgentKey, until: datetime) -> AgentView | None:
        """The wrap-up that they are in ends then. None: they are in none."""
        ...

    def agent(self, key: AgentKey) -> AgentView: ...

    def agents(self) -> list[AgentView]: ...

    def configure(
        self,
        queues: Sequence[Queue],
        agents: Sequence[Agent],
        *,
        wording: Sequence[Own] = (),
        following: int | None = None,
    ) -> int:
        """Publish the configuration (policies as JSON, numbers, who serves what, own wordings); returns its new
        version. Raises Stale when it is to follow a version that is not in force any more (0: none was)."""
        ...

    def configuration(self) -> tuple[int, list[Queue], list[Agent]]:
        """The published version, queues and agents: the doors read them here, so that they work without the record."""
        ...

    def wording(self) -> list[Own]:
        """The own wordings that were published with it, in their order."""
        ...

    def set_offering(self, queue: QueueKey, offering: bool) -> None: ...
    def set_dialing(self, queue: QueueKey, on: bool, *, now: datetime) -> bool:
        """Whether promises of this queue are paired, until the next `configure` goes by its policy again. True: that is
        a change."""
        ...

    def due(self, entry: EntryId, *, now: datetime) -> bool:
        """`later` → `due`. False: not there."""
        ...

    def expect(self, entry: EntryId, *, until: datetime) -> bool:
        """Somebody who stands in `later` is being rung before an agent is free: until then an agent who comes free is
        kept for them, unless somebody stands before them. It ends with their place. False: they do not stand there."""
        ...

    def hand_on(self, token: Token, to: Token, stand: Stand, *, wrap_up_s: float, now: datetime) -> AgentView | None:
        """The caller of the talk `token` goes on with the agent who was consulted under `to`, live on the leg of
        `stand`; that agent's talk keeps its token and its queue, and begins now. The first agent wraps up, and is
        returned. None: one of the two is over."""
        ...

    def lapsed(self, *, now: datetime) -> Lapsed: ...

    def silent(self, *, before: datetime) -> list[tuple[QueueKey, EntryId, CallSid]]:
        """Live entries in menu or hold whose leg has not been heard of since `before`, for the sweep to ask about."""
        ...

    def listing(self, queue: QueueKey, *, offset: int = 0, limit: int = 100) -> list[Waiting]: ...

    def remember_language(self, number_hash: str, language: str) -> None: ...
    def forget_person(self, number_hash: str) -> list[EntryId]:
        """Whatever is remembered of this number: its language, and an open promise that stands in no line any more.
        Returns the promises that do."""
        ...

    def drain(self, after: str, limit: int) -> list[tuple[str, dict[str, str]]]:
        """Stream events after the id, oldest first: (id, fields). See `adapters/line/events.py` for the fields."""
        ...

    def forget(self, upto: str) -> None:
        """Trim the stream up to and including the id: the record has it."""
        ...

    def take_pace(self, bucket: str, *, per_second: float, now: datetime) -> float:
        """Take a token of the shared bucket; the seconds to wait before acting on it (0: act now)."""
        ...

    def pace_ahead(self, bucket: str, *, now: datetime) -> float:
        """The seconds that whoever takes the next token has to wait; takes none."""
        ...

    def clear(self) -> None:
        """Empty everything, before a rebuild."""
        ...

    # how old it is, and how it is filled again
    def age(self, expected: int | None = None) -> LineAge:
        """As it was; with the record's number `expected`, a line that has it or the next has the next from now on,
        unless it is unsure or on another run of its server than when it was last whole."""
        ...

    def doubt(self, number: int) -> bool:
        """From now on nobody is paired and no position is told, unless the line has at least this number after all.
        Returns whether the line is unsure now."""
        ...

    def begin_rebuild(self, number: int, mark: str) -> None:
        """The line is unsure until `end_rebuild` of the same number. `mark` is the record's in the stream: what is told
        from now on comes after it."""
        ...

    def end_rebuild(self, number: int) -> str | None:
        """The line is whole and has this number: the run of its server ("" where it does not tell). None: it was
        emptied or restarted since that rebuild began, or another one has begun."""
        ...

    def resume(self, stand: Stand, *, phase: str, lease_s: float, now: datetime) -> bool:
        """Somebody in touch with us is where the record says: paired with their agent under their token, in `phase`
        until the lease ends (or in their talk), or waiting. Who is here already stays as they are. False: the agent is
        unknown or in another pairing, or the entry is, or this pairing was dissolved a moment ago."""
        ...

    def seat(
        self,
        wishes: Mapping[AgentKey, tuple[AgentStatus, datetime]],
        *,
        now: datetime,
        wrapping: Mapping[AgentKey, tuple[datetime, datetime]] | None = None,
    ) -> None:
        """Agents who have said nothing since they were configured are as they last asked to be, since then; those who
        asked to be available and are still wrapping up (from, until) do so to the end."""
        ...
