"""What the flows need of the world, as protocols: a line, a record, a carrier, a dispatcher, a clock.

Every port has one contract suite in `tests/contract` that runs on the fake and on the real adapter.
"""

import time
from collections.abc import Callable, Container, Generator, Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from typing import Any, NamedTuple, Protocol

from callback.domain.access import WhoMust
from callback.domain.acts import Act
from callback.domain.callback import Agent, Attempt, Callback, Entry, Leg, Outcome, Text
from callback.domain.desk import Earlier, Talk, WrapUp
from callback.domain.erasure import Blanked, Erasure, Export
from callback.domain.ids import AgentKey, AttemptId, CallbackId, CallSid, EntryId, QueueKey, Token
from callback.domain.judged import Tally
from callback.domain.lessons import Lesson
from callback.domain.lifecycle import AgentStatus, Event, State
from callback.domain.numbers import OwnNumber, Webhooks
from callback.domain.planned import Planned, PlanState
from callback.domain.policy import Policy, Queue
from callback.domain.proof import NumberChange
from callback.domain.rating import Rating
from callback.domain.reports import Spread, Sums, What
from callback.domain.said import Happened, Moment, Prediction, Saying, Taken
from callback.domain.stored import Stored
from callback.domain.table import Table
from callback.domain.tallying import DayOf, HourOf, Open, SpreadOf
from callback.domain.trend import Connected, Stood
from callback.domain.uptake import Uptake
from callback.domain.wait import Measured
from callback.domain.wording import BUILT_IN, HOUSE, Forms, InForce, Own, Wording


class Clock(Protocol):
    """The time everybody agrees on: in production anchored to Redis, so that one machine's wrong clock harms
    nothing."""

    def now(self) -> datetime:
        """Aware UTC."""
        ...


# --- the line ---------------------------------------------------------------------------------------------------


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
    ) -> bool:
        """The pairing comes to nothing. The entry goes to `hold`, `menu`, `due`, `later` (same score unless given), or
        `gone`; the agent to `agent_to`, or to what they wanted (None)."""
        ...

    def bridge(self, token: Token, *, now: datetime, agent_leg: CallSid | None = None) -> bool:
        """They talk, the agent on `agent_leg`: the entry leaves the line, the agent is busy, the lease ends. True again
        on a repeat."""
        ...

    def complete(
        self, token: Token, *, wrap_up_s: float, now: datetime, entry_to: str = "gone", leg: CallSid | None = None
    ) -> AgentView | None:
        """The talk is over: the agent wraps up, or goes where they wanted; counted into `Measured`. None: stale.
        `entry_to="hold"` puts the caller back with the old score (cut off), on `leg` where we rang them: without it
        they stand in the menu until the leg asks for its music."""
        ...

    def presence(self, agent: AgentKey, wanted: AgentStatus, *, now: datetime, why: str = "") -> AgentView:
        """`available` ends wrap-up and changes nothing in reserved or busy; away and offline apply at once when idle
        or in wrap-up, else when the call ends. `why` they will be away is kept until the next wish."""
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


# --- the record -------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class User:
    """Somebody who signs in to the console or the desk."""

    email: str
    role: str
    password_hash: str
    agent: AgentKey | None = None
    disabled: bool = False
    signed_in_at: datetime | None = None  # the last time


@dataclass(frozen=True)
class ApiToken:
    """A bearer token, by its hash. `agent` is whom one of the role agent may speak for; `used_at` is right to the
    hour."""

    name: str
    role: str
    token_hash: str
    agent: AgentKey | None = None
    used_at: datetime | None = None


@dataclass(frozen=True)
class Session:
    """Somebody signed in at one browser, as the record has it at this moment. `two_step`: whether they have it on;
    `must` is the house's rule."""

    user: User
    two_step: bool
    must: WhoMust


@dataclass(frozen=True)
class SecondStep:
    """What one-time codes of somebody are made from. `secret` is the one in force, "" before the first was confirmed;
    `pending` one that waits to be confirmed; `last_step` the interval whose code was used last."""

    email: str
    secret: str = ""
    pending: str = ""
    confirmed_at: datetime | None = None
    last_step: int = 0


@dataclass(frozen=True)
class WelcomeLink:
    """By its token's hash: who may set a password with it, once, and until when."""

    email: str
    token_hash: str
    expires_at: datetime


@dataclass(frozen=True)
class PolicyVersion:
    """A policy as it was saved: who, when, why."""

    queue: QueueKey
    version: int
    policy: Policy
    at: datetime
    by: str
    why: str


@dataclass(frozen=True)
class Failure:
    """Something that fails and is no fault of the house as a whole: how often, and what became of it.

    `kind` is callback, call, text, event (of the line's stream) or step (a part of the sweep), `subject` its id. From
    `held_at` until `resolved_at` it is in quarantine: nobody takes it up. `reason` names nobody.
    """

    id: str
    kind: str
    subject: str
    queue: str
    step: str  # what was being done
    reason: str
    times: int
    first_at: datetime
    last_at: datetime
    held_at: datetime | None = None
    resolved_at: datetime | None = None
    resolution: str = ""  # retried, dropped, went_away
    by: str = ""


@dataclass(frozen=True)
class Damaged:
    """A row that a list left out because it cannot be read."""

    kind: str  # callback, call, text
    subject: str
    queue: str
    why: str  # names nobody


@dataclass(frozen=True)
class Page:
    """A page of a list and the cursor of the next (None at the end)."""

    items: tuple[Any, ...]
    next: str | None = None


@dataclass(frozen=True)
class Epoch:
    """How old the line should be, as the record has it. `rebuilding_until`: somebody fills the line again, and renews
    this in time if they live."""

    number: int
    run: str
    at: datetime
    rebuilding_until: datetime | None = None


@dataclass(frozen=True)
class Traffic:
    """What came of the callers of a queue who joined within a quarter of an hour from `at`, and of the talks that calls
    back from it led to: seconds talked (and the sum of their squares) without wrap-up, seconds waited on the line."""

    at: datetime
    calls: int
    handled: int
    handled_s: float
    handled_squares: float
    abandoned: int
    waited_s: float


@dataclass(frozen=True)
class Promised:
    """An open promise as its row has it, for an audit: nothing in it is sealed. `held`: it is in quarantine."""

    id: CallbackId
    queue: QueueKey
    state: State
    next_attempt_at: datetime | None
    held: bool


@dataclass(frozen=True)
class Tried:
    """An attempt at some number and the queue it was made for: without its callback, whose row need not be readable."""

    queue: QueueKey
    attempt: Attempt


@dataclass(frozen=True)
class Dial:
    """An attempt for which the carrier was asked, for an audit. `number_hash` is the same for the same telephone."""

    id: AttemptId
    callback: CallbackId
    number_hash: str
    created_at: datetime
    asked_at: datetime
    ended_at: datetime | None
    cancelled_at: datetime | None  # of its callback, where that was cancelled


class Hour(NamedTuple):
    """What is counted together of the predictions: those made in one hour (`hour` is its beginning, aware UTC)."""

    queue: QueueKey
    hour: datetime
    moment: Moment
    model: str


@dataclass(frozen=True)
class SaidMark:
    """How far the record of what was said has come: in the stream of it, and in the journal (`seq`). `written` counts
    the predictions that the record has ever had, `judged` those that came to be judged."""

    stream: str
    seq: int
    written: int = 0
    judged: int = 0


@dataclass(frozen=True)
class ReportMark:
    """How far the journal was counted for the reports: up to which `seq`, when that row was written, and which counting
    it is: another after each that began anew."""

    seq: int
    at: datetime
    run: str


@dataclass(frozen=True)
class Span:
    """What a report is about: days by the queues' own clocks, both ends included, some queues (none: all), and an agent
    ("": everybody). `before_hour`: of the last day, only the hours before this one."""

    first: date
    last: date
    queues: tuple[str, ...] = ()
    agent: str = ""
    before_hour: int | None = None


@dataclass(frozen=True)
class Punctuality:
    """Windows that were promised: rung within, before and after them, and ended before anybody rang; seconds in all."""

    kept: int
    early: int
    late: int
    unrung: int
    early_s: float
    late_s: float

    def __add__(self, other: "Punctuality") -> "Punctuality":
        return Punctuality(
            self.kept + other.kept, self.early + other.early, self.late + other.late, self.unrung + other.unrung,
            self.early_s + other.early_s, self.late_s + other.late_s,
        )  # fmt: skip


@dataclass(frozen=True)
class StoredLesson:
    """What was learnt about a queue for dialling ahead; version 0 goes on being learnt, the others are dialled by."""

    queue: QueueKey
    version: int
    at: datetime
    lesson: Lesson


@dataclass(frozen=True)
class LessonMark:
    """Up to which `seq` the journal was read for the lessons, when, and what was going on then."""

    seq: int
    at: datetime
    open: dict[str, Any]


class Work(Protocol):
    """One transaction on the record. Nothing in it crosses the network but the database itself."""

    # promises
    def add_callback(
        self, callback: Callback, *, event: Event, reason: str, cause: str, idempotency: tuple[str, str] | None = None
    ) -> Callback:
        """Insert and journal. Raises DuplicateOpen (number open in that queue), KeyReused. With an idempotency
        (key, body hash) seen before, or an `origin` call that made one already, the stored callback is returned."""
        ...

    def callback(self, id: CallbackId, *, lock: bool = False) -> Callback:
        """Raises NotFound, Unreadable. `lock` holds the row until the end of the transaction (PostgreSQL)."""
        ...

    def callback_by_token(self, token: str) -> Callback | None: ...
    def callback_by_origin(self, call: CallSid) -> Callback | None: ...
    def open_callback(self, queue: QueueKey, number: str) -> Callback | None: ...
    def rung(self, number: str) -> Callback | None:
        """The callback for which we are ringing this number now, or talk on that call, whatever its queue."""
        ...

    def move(
        self,
        callback: Callback,
        event: Event,
        *,
        reason: str,
        cause: str,
        at: datetime,
        data: dict[str, Any] | None = None,
    ) -> Callback | None:
        """Save `callback` (its fields as changed by the caller, its `state` still the one before) with the state that
        the table gives for `event`, `version` + 1, and a journal row. None: the event is late and changed nothing.
        Raises Stale (somebody else saved it since), IllegalMove, and NumberBusy where the number is being rung for
        another callback; the transaction must end then."""
        ...

    def moves(
        self, callback: Callback, steps: Sequence[tuple[Event, str]], *, cause: str, at: datetime
    ) -> Callback | None:
        """`move` by each event in turn, with the reason beside it and a journal row of its own, saved at once. None:
        one of the events is late, and nothing was changed."""
        ...

    def save(self, callback: Callback) -> Callback:
        """Save fields that are no state change (no journal row). Raises Stale."""
        ...

    def callbacks(
        self,
        *,
        queue: QueueKey | None = None,
        states: Iterable[State] | None = None,
        number: str | None = None,
        cursor: str | None = None,
        limit: int = 50,
    ) -> Page: ...
    def outstanding(self, queue: QueueKey, *, before: datetime | None = None, lock: bool = False) -> int:
        """How many promises of a queue are open; appointments at or after `before` are left out. With `lock`, nobody
        else who counts so makes a promise in this queue until the end of the transaction."""
        ...

    def booked(self, queue: QueueKey, *, since: datetime, until: datetime) -> list[datetime]:
        """The times of the appointments of a queue from `since` to before `until`."""
        ...

    def counts(self) -> dict[State, int]:
        """How many callbacks the record has in each state; a state without any may be missing."""
        ...

    def due_callbacks(self, now: datetime, limit: int = 500) -> list[Callback]:
        """`waiting` with `next_attempt_at` <= now, and `scheduled` with `requested_for` <= now, earliest first; none
        that is in quarantine."""
        ...

    def in_state(
        self,
        states: Iterable[State],
        *,
        older_than: datetime | None = None,
        limit: int = 500,
        after: CallbackId | None = None,
        held: bool = True,
    ) -> list[Callback]:
        """By id, from `after`; fewer than `limit` are the last. `older_than` compares the time of the last move; `held`
        False leaves out what is in quarantine."""
        ...

    def placed(self) -> Generator[Placed, None, None]:
        """Whoever is `waiting` and not in quarantine, in no order, as they are when the first is asked for: only what a
        rebuild needs, without opening a seal. To be read or closed before the transaction ends."""
        ...

    def appointments(self, *, since: datetime | None = None) -> Generator[Appointment, None, None]:
        """Every scheduled promise, read as it is needed; with `since` those that became so, or were moved, since."""
        ...

    def damaged(self) -> list[Damaged]:
        """The rows that the lists of this transaction left out so far, since they cannot be read."""
        ...

    # what fails again and again
    def note_failure(
        self, kind: str, subject: str, *, queue: str, step: str, reason: str, at: datetime, hold_at: int
    ) -> Failure:
        """Once more, or for the first time since it was resolved; the `hold_at`th time puts it into quarantine."""
        ...

    def failure(self, id: str) -> Failure:
        """Raises NotFound."""
        ...

    def failures(self, *, limit: int = 1000) -> list[Failure]:
        """All that are not resolved, in quarantine or not, oldest first."""
        ...

    def quarantine(self, *, cursor: str | None = None, limit: int = 50) -> Page:
        """What is in quarantine, newest first."""
        ...

    def is_held(self, kind: str, subject: str) -> bool: ...
    def held_count(self) -> int:
        """How many are in quarantine."""
        ...

    def resolve(self, id: str, resolution: str, *, by: str, at: datetime) -> bool:
        """False: it was resolved before. Raises NotFound."""
        ...

    def settle_failures(self, *, before: datetime, at: datetime) -> int:
        """Resolves as `went_away` what has not failed since `before` and is not held, and whatever is about a callback
        or a text that is over. Returns how many."""
        ...

    def write_off(self, id: CallbackId, event: Event, *, reason: str, cause: str, at: datetime) -> State | None:
        """As `move` for a row that cannot be read: only its state and its end are written. None: late. Raises NotFound,
        IllegalMove."""
        ...

    def write_off_text(self, id: str, reason: str) -> None:
        """A text that will not be sent, whether or not it can be read."""
        ...

    # attempts and legs
    def add_attempt(self, attempt: Attempt) -> Attempt: ...
    def attempt(self, id: AttemptId) -> Attempt: ...
    def save_attempt(self, attempt: Attempt) -> Attempt: ...
    def attempts(self, callback: CallbackId) -> list[Attempt]: ...
    def may_still_ring(self, number: str, outcomes: Container[Outcome], *, since: datetime) -> list[Tried]:
        """Attempts at this number, whatever their callback, whose call may be up although no callback is in flight for
        it: over since `since` with one of these outcomes, or never closed while the callback was."""
        ...

    def calls_to(self, number: str, *, since: datetime) -> dict[CallSid, AttemptId]:
        """What the calls to this number are known to have been for, of callbacks that are open or ended since."""
        ...

    def put_leg(self, leg: Leg) -> Leg:
        """Insert or overwrite by call sid."""
        ...

    def leg(self, call: CallSid) -> Leg | None: ...
    def open_legs(self, *, before: datetime, limit: int = 200) -> list[Leg]:
        """Legs that have not ended and were created before: the sweep asks the carrier about them."""
        ...

    # what was seen, said and written
    def first_sight(self, call: CallSid, event: str, sequence: str, at: datetime) -> bool:
        """True the first time this carrier event is seen; a repeat is False."""
        ...

    def add_text(self, text: Text) -> Text: ...
    def text(self, id: str, *, lock: bool = False) -> Text:
        """Raises NotFound, Unreadable. `lock` holds the row until the end of the transaction (PostgreSQL)."""
        ...

    def save_text(self, text: Text) -> Text: ...
    def unsent_texts(self, *, before: datetime, limit: int = 100) -> list[Text]:
        """Those the carrier was not asked to deliver, oldest first; none that is in quarantine."""
        ...

    def opt_out(self, number: str, at: datetime) -> None: ...
    def opted_out(self, number: str) -> bool: ...
    def suppress(self, number: str, reason: str, at: datetime) -> None:
        """This number is never rung again ("I did not ask for this")."""
        ...

    def suppressed(self, number: str) -> bool: ...

    # another number, until it is proved
    def put_number_change(self, change: NumberChange) -> None:
        """Insert, or overwrite the callback's last one. Old ones that nobody finished are forgotten."""
        ...

    def number_change(self, callback: CallbackId, *, lock: bool = False) -> NumberChange | None:
        """The change that is open. `lock` holds the row until the end of the transaction (PostgreSQL)."""
        ...

    def drop_number_change(self, callback: CallbackId) -> None: ...
    def texts_to(self, number: str, kind: str, *, since: datetime, lock: bool = False) -> int:
        """How many texts of this kind were written to a number since. `lock`: nobody else who counts those to this
        number with it does so until the transaction ends."""
        ...

    def texts_about(self, callback: CallbackId, kind: str) -> int:
        """How many texts of this kind were written about a callback."""
        ...

    def write(self, entry: Entry) -> None: ...
    def journal(
        self, *, after: int, limit: int = 200, kind: str | None = None, subject: str | None = None
    ) -> list[Entry]: ...
    def last_of_agents(self, *, since: datetime, but: Iterable[str] = ()) -> list[Entry]:
        """The last row of each agent of whom one was written since; rows with one of the reasons `but` do not count."""
        ...

    def seq_before(self, since: datetime) -> int:
        """The number of the last journal row before this time."""
        ...

    def last_seq(self) -> int:
        """The `seq` of the journal's last entry, 0 while it is empty."""
        ...

    # what an audit reads
    def number_hashes(self, ids: Sequence[CallbackId]) -> dict[CallbackId, str]:
        """By which the same telephone is known again. A callback that is not there is missing."""
        ...

    def promised(self, *, after: CallbackId | None = None, limit: int = 1000) -> list[Promised]:
        """Every open promise, by id, from `after`."""
        ...

    def dials(self, *, after: tuple[datetime, AttemptId] | None = None, limit: int = 1000) -> list[Dial]:
        """Every attempt for which the carrier was asked, by the time it was made and its id, from `after`."""
        ...

    # what a forecast is made from
    def traffic(self, queue: QueueKey, *, since: datetime, until: datetime) -> list[Traffic]:
        """What came to this queue, by quarter of an hour; one in which nothing happened is missing. Callbacks that were
        asked for otherwise than by a call count as callers."""
        ...

    # configuration
    def queues(self) -> list[Queue]: ...
    def queue(self, key: QueueKey) -> Queue:
        """Raises NotFound."""
        ...

    def put_queue(self, key: QueueKey, name: str, numbers: tuple[str, ...] | None, at: datetime) -> Queue:
        """Create with the default policy, or update. Numbers None: as they are. Raises InvalidInput when a number
        belongs to another queue."""
        ...

    def put_policy(
        self, key: QueueKey, policy: Policy, *, by: str, why: str, at: datetime, following: int | None = None
    ) -> Queue:
        """The next version. Raises NotFound, and Stale where the one in force is not `following`."""
        ...

    def policies(self, key: QueueKey, limit: int = 50) -> list[PolicyVersion]: ...
    def add_plan(self, plan: Planned) -> Planned: ...
    def plan(self, id: str) -> Planned:
        """Raises NotFound."""
        ...

    def plans(self, queue: QueueKey) -> list[Planned]:
        """Those of a queue that are still to take effect, the next first."""
        ...

    def plans_due(self, now: datetime, limit: int = 100) -> list[Planned]:
        """Those of all queues whose time has come, in its order."""
        ...

    def end_plan(
        self,
        id: str,
        state: PlanState,
        *,
        at: datetime,
        by: str = "",
        version: int | None = None,
        note: str = "",
    ) -> bool:
        """False: it had ended already."""
        ...

    def refused_plans(self) -> list[Planned]:
        """Those of all queues that were refused when their time came and that nobody has taken note of, by time."""
        ...

    def note_plan(self, id: str, *, by: str) -> bool:
        """Somebody has taken note that it was refused; False where it was not, or somebody has before."""
        ...

    def wordings(self) -> list[Wording]:
        """The newest version of each own wording, by queue and sentence."""
        ...

    def wording_versions(self, queue: str, sentence: str, limit: int = 50) -> list[Wording]:
        """Newest first."""
        ...

    def add_wording(self, wording: Wording) -> None:
        """Raises Stale where there is this version already."""
        ...

    def put_agent(self, agent: Agent, at: datetime) -> Agent: ...
    def agents(self) -> list[Agent]: ...
    def agent(self, key: AgentKey) -> Agent: ...
    def put_presence(self, agent: AgentKey, status: AgentStatus, at: datetime) -> None:
        """The last wanted presence, for a rebuild."""
        ...

    def presences(self) -> dict[AgentKey, tuple[AgentStatus, datetime]]: ...
    def put_user(self, user: User) -> None: ...
    def user(self, email: str) -> User | None: ...
    def users(self) -> list[User]: ...
    def put_token(self, token: ApiToken) -> None: ...
    def drop_token(self, name: str) -> None:
        """It opens nothing any more. Raises NotFound."""
        ...

    def tokens(self) -> list[ApiToken]:
        """By name."""
        ...

    def token(self, token_hash: str) -> ApiToken | None: ...
    def token_used(self, token_hash: str, at: datetime, *, every: timedelta) -> None:
        """Notes that it was used, unless that was noted within `every` before."""
        ...

    # who signs in, and how
    def users_to_change(self) -> list[User]:
        """All, by address, held until the end of the transaction: nobody else changes any meanwhile."""
        ...

    def open_session(self, id_hash: str, email: str, at: datetime) -> None:
        """They are signed in, which is noted on the user as well."""
        ...

    def session(self, id_hash: str) -> Session | None:
        """As long as it was not ended, whatever became of the user."""
        ...

    def session_count(self, email: str) -> int: ...
    def end_session(self, id_hash: str) -> None: ...
    def end_sessions(self, email: str, *, but: str = "") -> int:
        """All of somebody's, but the one of this hash. How many there were."""
        ...

    def forget_sessions(self, before: datetime) -> None:
        """Those that began so long ago that they are over anyway."""
        ...

    def two_step_rule(self) -> WhoMust: ...
    def put_two_step_rule(self, rule: WhoMust) -> None: ...
    def second_step(self, email: str) -> SecondStep | None:
        """Raises Unreadable."""
        ...

    def second_steps(self) -> set[str]:
        """The addresses of those who have it on."""
        ...

    def put_second_step(self, step: SecondStep) -> None: ...
    def spend_step(self, email: str, step: int) -> bool:
        """Uses up the code of this interval and those of all before. False: it was used up already."""
        ...

    def drop_second_step(self, email: str) -> bool:
        """With its recovery codes. Whether there was one."""
        ...

    def put_recovery_codes(self, email: str, hashes: Iterable[str]) -> None:
        """These, in place of any before."""
        ...

    def spend_recovery_code(self, email: str, code_hash: str) -> bool:
        """False: there is none such, or it was used."""
        ...

    def recovery_codes_left(self, email: str) -> int: ...
    def put_welcome(self, link: WelcomeLink) -> None:
        """In place of any other of this user."""
        ...

    def welcome(self, token_hash: str) -> WelcomeLink | None: ...
    def welcomes(self) -> dict[str, datetime]:
        """By address, when the link of those who have one expires."""
        ...

    def take_welcome(self, token_hash: str) -> WelcomeLink | None:
        """The link, which is gone with this: of two who take it at once, one gets it."""
        ...

    def drop_welcome(self, email: str) -> None: ...

    # how a line moved lately
    def stood(self, queue: QueueKey, *, since: datetime) -> list[Stood]:
        """Who stood in this queue's line at any moment since, in no order."""
        ...

    def connected(self, queue: QueueKey, *, since: datetime) -> list[Connected]:
        """Live callers who were connected since, as far as a wait was announced to them on arrival; in no order."""
        ...

    # the audit log
    def act(self, act: Act) -> None:
        """Append it; nothing changes or deletes it afterwards."""
        ...

    def acts(
        self,
        *,
        before: int | None = None,
        limit: int = 50,
        by: str | None = None,
        what: str | None = None,
        subject: str | None = None,
        queue: str | None = None,
        since: datetime | None = None,
        until: datetime | None = None,
    ) -> list[Act]:
        """Newest first, those below the `seq` `before`. `until` is left out."""
        ...

    # what desks add to talks
    def put_talk(self, talk: Talk) -> Talk:
        """Insert or overwrite by token."""
        ...

    def talk(self, token: Token, *, lock: bool = False) -> Talk | None:
        """None: it was neither held nor passed on. `lock` holds the row until the end of the transaction."""
        ...

    def talks(self, agent: AgentKey, *, since: datetime, until: datetime) -> list[Talk]:
        """Those of an agent that began in this time, oldest first."""
        ...

    def asked_talks(self, *, before: datetime) -> list[Talk]:
        """Those for which the carrier was asked before then for something that has not shown yet."""
        ...

    def rung_outside(self, number: str, agent: AgentKey, *, since: datetime) -> tuple[int, int]:
        """How often telephones outside were rung by talks that began since then: this number, and by this agent."""
        ...

    def put_wrap_up(self, wrap_up: WrapUp) -> WrapUp:
        """Insert or overwrite by token."""
        ...

    def wrap_up(self, token: Token) -> WrapUp | None: ...
    def wrap_ups(self, agent: AgentKey, *, since: datetime, until: datetime) -> list[WrapUp]:
        """Of an agent's talks that began in this time, newest first."""
        ...

    def earlier(self, number: str, *, but: EntryId, limit: int = 5) -> list[Earlier]:
        """What this number had with us before, newest first, without the entry `but`."""
        ...

    # who is forgotten
    def number_of(self, id: CallbackId) -> tuple[str, str]:
        """The hash of a callback's number and, where it can be read, the number itself ("" else). Both are "" once it
        was erased. Raises NotFound."""
        ...

    def is_forgotten(self, entry: EntryId) -> bool:
        """Whether whoever this call or callback was of has been forgotten since."""
        ...

    def unfinished(self, number_hash: str) -> tuple[list[CallbackId], int]:
        """The open promises to this number, and how many calls from it are going on."""
        ...

    def holdings(self, number_hash: str) -> dict[str, int]:
        """How many rows about this number there are, by place; places without any are missing."""
        ...

    def everything(self, number_hash: str) -> dict[str, list[dict[str, Any]]]:
        """All rows about this number, by place, with what is sealed in them opened."""
        ...

    def blank(self, number_hash: str, *, until: datetime | None = None, protection: bool = False) -> Blanked:
        """Take the number, the name and the words out of every row about this number (written until then) whose time is
        over; texts that were not sent never are. `protection`: also that it must not be rung or texted."""
        ...

    def blank_old(self, before: datetime, limit: int) -> Blanked:
        """As `blank`, for whatever was over before; at most so many callbacks, calls and texts, the oldest."""
        ...

    def put_erasure(self, erasure: Erasure) -> Erasure:
        """Insert or overwrite by id."""
        ...

    def erasure(self, id: str, *, lock: bool = False) -> Erasure:
        """Raises NotFound. `lock` holds the row until the end of the transaction (PostgreSQL)."""
        ...

    def erasure_of(self, number_hash: str, *, lock: bool = False) -> Erasure | None:
        """The one of this number that is not done yet. `lock` holds the row until the end of the transaction
        (PostgreSQL)."""
        ...

    def erasures_due(self, now: datetime, limit: int = 20) -> list[str]:
        """The ids of those that a keeper has to go on with, the longest due first."""
        ...

    def erasures(self, limit: int = 50) -> list[Erasure]:
        """Newest first."""
        ...

    def put_export(self, export: Export) -> Export:
        """Insert or overwrite by id."""
        ...

    def sheets(self) -> dict[str, tuple[str, ...]]:
        """The names of what is taken out for an archive, each with its columns. No token and no hash is among them."""
        ...

    def sheet_rows(self, name: str, *, since: datetime, until: datetime) -> int:
        """How many rows of a sheet were written from `since` to before `until`."""
        ...

    def read_out(
        self, name: str, *, since: datetime, until: datetime, numbers: bool = False
    ) -> Iterator[tuple[Any, ...]]:
        """Those rows, oldest first, as they are needed: to be read or closed before the transaction ends. Without
        `numbers` nobody is named: numbers are masked, names and words are None."""
        ...

    def exports_of(self, number_hash: str) -> list[Export]:
        """What was taken out that may have this number in it: about it, or a record with numbers of a time in which
        there was something about it."""
        ...

    # what was learnt for dialling ahead
    def lesson_mark(self, *, lock: bool = False) -> LessonMark | None:
        """Where the reading stopped. With `lock`, nobody else moves it until the transaction ends."""
        ...

    def set_lesson_mark(self, mark: LessonMark) -> None: ...
    def lesson(self, queue: QueueKey) -> StoredLesson | None:
        """The newest version; None where there is none that can be read."""
        ...

    def running_lesson(self, queue: QueueKey) -> StoredLesson | None:
        """What goes on being learnt (version 0)."""
        ...

    def lessons(self, queue: QueueKey) -> list[StoredLesson]:
        """The last versions, newest first."""
        ...

    def put_lesson(self, stored: StoredLesson) -> None:
        """Insert or overwrite; only the last 20 versions are kept."""
        ...

    def last_lesson_version(self, queue: QueueKey) -> int:
        """The highest number there is, 0 for none."""
        ...

    # the stream's mark
    def mark(self) -> str:
        """The id of the last stream event that the record has ("0" at first)."""
        ...

    def set_mark(self, id: str) -> None: ...

    # what was learnt about waits
    def put_wait_model(self, pool: str, stored: Stored) -> None:
        """A version of what a pool of agents has taught, in place of one of the same number. Old ones go."""
        ...

    def wait_model(self, pool: str) -> Stored | None:
        """The newest version."""
        ...

    def wait_models(self, pool: str) -> list[Stored]:
        """Every version that is kept, newest first, without the models themselves."""
        ...

    # the line's age
    def epoch(self) -> Epoch | None:
        """None: this record has never had a line."""
        ...

    def first_epoch(self, number: int, run: str, at: datetime) -> bool:
        """Adopt the line as it is. False: somebody has numbered it already."""
        ...

    def advance_epoch(self, number: int, to: int, at: datetime) -> bool:
        """From `number` to `to`. False: it has another number, or is being rebuilt."""
        ...

    def claim_rebuild(self, now: datetime, until: datetime) -> int | None:
        """The number of a new rebuild, higher than any before. None: somebody is rebuilding now."""
        ...

    def renew_rebuild(self, number: int, until: datetime) -> bool:
        """False: that rebuild is over, or another has been started instead of it."""
        ...

    def end_rebuild(self, number: int, run: str, at: datetime) -> bool:
        """False: as `renew_rebuild`."""
        ...

    # what reports count
    def report_mark(self, *, lock: bool = False) -> ReportMark | None:
        """None: nothing was counted yet. `lock` holds it until the end of the transaction."""
        ...

    def first_report_mark(self, mark: ReportMark) -> bool:
        """False: there is one."""
        ...

    def report_open(self, keys: Iterable[str]) -> dict[str, Open]:
        """What was going on with these, where anything was."""
        ...

    def count_report(
        self,
        hours: Mapping[HourOf, Mapping[str, float]],
        days: Mapping[DayOf, Mapping[str, float]],
        spreads: Mapping[SpreadOf, Spread],
        open: Mapping[str, Open | None],
        mark: ReportMark,
    ) -> None:
        """Adds to what is counted already, keeps what goes on (None: it is over), and moves the mark."""
        ...

    def clear_report(self) -> None:
        """Nothing is counted any more, and there is no mark."""
        ...

    def held_s(self, tokens: Iterable[str]) -> dict[str, float]:
        """How long these talks were on hold, where they were."""
        ...

    def joined(self, promises: Iterable[str]) -> dict[str, datetime]:
        """When the callers of these promises joined the line."""
        ...

    def offered(self, calls: Iterable[str]) -> set[str]:
        """Those of them that were offered a callback, as far back as what was said is kept."""
        ...

    def report(self, span: Span, by: str) -> list[tuple[Any, Sums]]:
        """Sums by "hour" (of the clock; of everybody only), "day", "queue" or "agent", each with its key; "" all
        together. Only what there is. `before_hour` counts for hours only."""
        ...

    def report_spreads(self, span: Span, by: str) -> list[tuple[Any, What, Spread]]:
        """The spreads of seconds, by the keys of `report`; of agents the waits of those whom they took alone.
        `before_hour` counts for hours only."""
        ...

    def first_reported(self) -> date | None:
        """The first day of which anything is counted."""
        ...

    def punctuality(
        self, by: str, *, since: datetime, until: datetime, queues: Sequence[str] = ()
    ) -> list[tuple[Any, Punctuality]]:
        """Of the promises that were made in whole hours from `since` to before `until`: by "hour" (its beginning) or
        "queue", or ("") all together. Only what there is."""
        ...

    # how it was
    def put_rating(self, rating: Rating) -> Rating:
        """Written down, instead of what the same caller said before."""
        ...

    def rating(self, callback: CallbackId) -> Rating | None:
        """None: they said nothing."""
        ...

    # what callers were told
    def said_mark(self, *, lock: bool = False) -> SaidMark:
        """Where to read on. `lock` holds it until the end of the transaction, so that nothing is written twice. At
        first it is the end of the journal: what happened before cannot be about a prediction."""
        ...

    def set_said_mark(self, mark: SaidMark) -> None: ...
    def add_predictions(self, rows: Sequence[Prediction]) -> None: ...
    def unsettled(self, subjects: Iterable[str]) -> list[Prediction]:
        """The predictions of these calls and callbacks whose fate is not known yet."""
        ...

    def happened(self, subjects: Iterable[str], *, upto: int) -> list[Happened]:
        """All that the journal tells of these calls and callbacks up to this `seq`, in order."""
        ...

    def parted(self, queue: QueueKey, *, since: datetime) -> list[tuple[Prediction, int]]:
        """The predictions of calls that left this queue's line since then before an agent was there, as long as it is
        not known when one would have been: each with the score of the place that was left."""
        ...

    def taken(self, rows: Sequence[Entry]) -> list[Taken]:
        """Of rows of the journal by which agents were taken for somebody: for which place, and how long they had been
        idle. Without rows about somebody of whom the record knows no place."""
        ...

    def uptake(self, queue: QueueKey, *, since: datetime) -> Uptake:
        """How many calls were offered a callback since then, of those of which it is known what became, and how many of
        them took it. As far back as what was said is kept."""
        ...

    def save_predictions(self, rows: Sequence[Prediction]) -> None:
        """Saves what became of them."""
        ...

    def add_tallies(self, tallies: Mapping[Hour, Tally]) -> None:
        """Adds to what is counted already."""
        ...

    def tallies(self, *, since: datetime, queue: QueueKey | None = None) -> list[tuple[Hour, Tally]]:
        """By the hour, from the one in which `since` lies."""
        ...

    def totals(self, *, since: datetime, queue: QueueKey | None = None) -> list[tuple[Hour, Tally]]:
        """As `tallies`, with all hours put together: of each, `hour` is the last."""
        ...

    def hours(self, queue: QueueKey, moment: Moment, *, since: datetime) -> list[tuple[datetime, Tally]]:
        """As `tallies`, of this moment, with all models put together."""
        ...

    def predictions(self, queue: QueueKey, *, before: int | None = None, limit: int = 100) -> list[Prediction]:
        """Newest first; `before` a `seq`."""
        ...

    def predictions_of(self, subjects: Iterable[str], limit: int = 200) -> list[Prediction]:
        """Of these calls and callbacks, oldest first."""
        ...

    def forget_predictions(self, *, before: datetime, limit: int) -> int:
        """Deletes the oldest, at most so many. Returns how many."""
        ...


Along = Callable[[Work, Callback], object]
"""What whoever asks for a change of a callback has written with it, in the same transaction."""


class Store(Protocol):
    """The record."""

    def begin(self) -> AbstractContextManager[Work]:
        """A transaction: committed at the end of the block, rolled back on an exception."""
        ...

    def look(self) -> AbstractContextManager[Work]:
        """A transaction that only reads: on SQLite too no writer waits for it."""
        ...

    def number_hash(self, number: str) -> str:
        """The keyed hash by which a number is looked up without being stored in clear."""
        ...

    def code_hash(self, subject: str, code: str) -> str:
        """The keyed hash of a one-time code, which is good for this subject alone."""
        ...

    def conceal(self, number: str) -> str:
        """A number, or a text with one in it, in a form that may lie in the line: only `reveal` reads it."""
        ...

    def reveal(self, concealed: str) -> str:
        """What was concealed; "" for "" and for what no key at hand opens."""
        ...

    def ping(self) -> None:
        """Raises when the record cannot be reached within a second."""
        ...


# --- the carrier ------------------------------------------------------------------------------------------------


class CarrierError(Exception):
    """The carrier said no, or nothing. `code` is its error code, 0 where there is none."""

    def __init__(self, message: str, code: int = 0) -> None:
        super().__init__(message)
        self.code = code


class NumberUndialable(CarrierError):
    """This number can never be dialled."""


class CarrierStopped(CarrierError):
    """Nothing can be dialled until somebody mends the account (credentials, unverified caller id)."""


class CarrierBusy(CarrierError):
    """Too much at once; never processed, safe to try again after `retry_after_s`."""

    retry_after_s: float = 1.0


class OutcomeUnknown(CarrierError):
    """A timeout, a 5xx or an answer without a sid: the call may exist."""


class LegGone(CarrierError):
    """The leg is not in progress (21220) or unknown (20404): nothing to redirect."""


class StillGoing(CarrierError):
    """The record of a call cannot be deleted before the call has ended (20009)."""


@dataclass(frozen=True)
class CarrierCall:
    """A call as the carrier's record has it."""

    sid: CallSid
    to: str
    from_: str
    status: str  # queued, ringing, in-progress, completed, busy, failed, no-answer, canceled
    created_at: datetime | None
    started_at: datetime | None
    ended_at: datetime | None
    duration_s: int | None
    answered_by: str = ""


@dataclass(frozen=True)
class NewCall:
    """A call to create. URLs are absolute."""

    to: str
    from_: str
    url: str
    status_url: str
    timeout: int
    fallback_url: str = ""
    detect_machine: bool = False


class Carrier(Protocol):
    """The REST side of the carrier. Every method has a bounded time and raises a `CarrierError` by class."""

    def create_call(self, call: NewCall) -> CallSid: ...
    def redirect(self, call: CallSid, url: str) -> None:
        """Raises LegGone."""
        ...

    def hang_up(self, call: CallSid) -> None:
        """Queued, ringing or talking: it ends. A call that has ended already is no error."""
        ...

    def fetch(self, call: CallSid) -> CarrierCall | None: ...
    def calls(self, *, to: str, from_: str, since: datetime) -> list[CarrierCall]:
        """All calls between the two created at or after `since` (whole pages, also those not dialled yet)."""
        ...

    def send_text(self, *, to: str, from_: str, body: str, status_url: str) -> str: ...
    def records_of(self, number: str) -> list[str]:
        """The names of all calls and texts to or from this number that the carrier has on record."""
        ...

    def delete_record(self, sid: str) -> None:
        """Have the carrier forget a call or a text. One it does not know is no error. Raises StillGoing."""
        ...


class Numbers(Protocol):
    """The account's own numbers. Every method has a bounded time and raises a `CarrierError` by class."""

    def all(self) -> list[OwnNumber]: ...
    def find(self, number: str) -> OwnNumber | None:
        """The one that is exactly `number`; None: it is no number of the account."""
        ...

    def point(self, number: OwnNumber, webhooks: Webhooks) -> OwnNumber:
        """Sends the number's events there, and takes off what would bypass it."""
        ...


class NoNumbers:
    """No account is known."""

    def all(self) -> list[OwnNumber]:
        """None."""
        return []

    def find(self, number: str) -> OwnNumber | None:  # noqa: ARG002
        """None."""
        return None

    def point(self, number: OwnNumber, webhooks: Webhooks) -> OwnNumber:  # noqa: ARG002
        """Raises CarrierStopped."""
        raise CarrierStopped("no account is set")


class Outside(Protocol):
    """Our own address as others see it."""

    def answers(self, base_url: str) -> str | None:
        """What is wrong with it, in a few words; None where it leads here. Takes seconds at most, never raises."""
        ...


class NotLooked:
    """Nobody looks."""

    def answers(self, base_url: str) -> str | None:  # noqa: ARG002
        """Says so."""
        return "nobody looked"


# --- work for later ---------------------------------------------------------------------------------------------


class Dispatch(Protocol):
    """Hands work to the workers, by task name and ids only, after the commit. A lost task is found by the sweep."""

    def connect(self, token: Token, delay_s: float = 0, *, paced: bool = False) -> None:
        """Act on a reservation: redirect a live leg, or dial a callback. `paced`: it holds its slot of the carrier's
        pace already, and `delay_s` is the time until it."""
        ...

    def dial_customer(self, attempt: AttemptId, delay_s: float = 0, *, paced: bool = False) -> None:
        """agent_first: the agent is on the line, now ring the caller."""
        ...

    def hang_up(self, call: CallSid, delay_s: float = 0, *, tries: int = 0) -> None:
        """End a leg; one that has ended is left as it is. `tries`: how often the carrier could not do it so far."""
        ...

    def redirect(self, call: CallSid, url: str, *, or_end: bool = False) -> None:
        """Send a leg to another document. `or_end`: a leg that cannot be sent there now is ended instead."""
        ...

    def text(self, id: str) -> None: ...
    def persist(self) -> None: ...
    def rebuild(self) -> None:
        """Fill the line again, if it was lost and nobody does so already."""
        ...


# --- what everybody must know ------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Notice:
    """A trouble that one process noticed and every other must know of. `key` is what it is about: `carrier`, or
    `carrier:NUMBER` where it concerns one caller id alone."""

    key: str
    word: str  # what is wrong with it: stopped, busy, silent, full
    why: str  # the code or the sentence that told
    by: str  # the machine and process that noticed it last
    since: datetime
    last: datetime  # when it was noticed last
    times: int = 1


@dataclass(frozen=True)
class Picture:
    """What hung on the board at `at` (None: it has never been read, since the line is away).

    `beats` says when each kind of worker was heard of last; `ticking` whether a beat lives; `counts` are figures that
    workers left there; `refusals` how often the carrier refused, by word, since the line was last empty."""

    at: datetime | None = None
    beats: Mapping[str, datetime] = field(default_factory=dict)
    ticking: bool = True
    notices: tuple[Notice, ...] = ()
    counts: Mapping[str, int] = field(default_factory=dict)
    refusals: Mapping[str, int] = field(default_factory=dict)

    def notice(self, key: str) -> Notice | None:
        """The notice about `key`."""
        return next((one for one in self.notices if one.key == key), None)


class Board(Protocol):
    """Where the processes of a house leave word for each other. It hangs in the line and holds nothing that would not
    be noticed again, so it may be lost at any time.

    Only `post`, `clear`, `claim` raise when the line cannot be reached; a sign of life that is lost is no harm.
    """

    def read(self) -> Picture:
        """The board, a second old at most, or as it was last seen while the line is away. Never raises."""
        ...

    def beat(self, *kinds: str) -> None:
        """These kinds of work are being done: a sign of life."""
        ...

    def count(self, **figures: int) -> None:
        """Leave these figures."""
        ...

    def post(self, key: str, word: str, why: str, *, now: datetime) -> bool:
        """Notice a trouble, or that it goes on (`since` stays as long as the word does). True: it is new."""
        ...

    def clear(self, key: str) -> Notice | None:
        """The trouble is over; gives what hung there. None: nothing did, or somebody else took it down."""
        ...

    def claim(self, name: str, for_s: float) -> bool:
        """True for one process in `for_s` seconds, until `unclaim`."""
        ...

    def unclaim(self, name: str) -> None:
        """The next may claim it at once."""
        ...

    def tell(self, name: str) -> bool:
        """True for the first who says so, of all processes that can be asked, until `untell`. Never raises."""
        ...

    def untell(self, name: str) -> bool:
        """True for the first who takes it back. Never raises."""
        ...


class NoBoard:
    """`Board` of a house in which nobody else works: nothing hangs there, and everybody is first."""

    def read(self) -> Picture:
        """Nothing."""
        return Picture()

    def beat(self, *kinds: str) -> None:
        """Nobody looks."""

    def count(self, **figures: int) -> None:
        """Nobody looks."""

    def post(self, key: str, word: str, why: str, *, now: datetime) -> bool:  # noqa: ARG002
        """Nobody looks."""
        return True

    def clear(self, key: str) -> Notice | None:  # noqa: ARG002
        """Nothing hung there."""
        return None

    def claim(self, name: str, for_s: float) -> bool:  # noqa: ARG002
        """There is nobody else."""
        return True

    def unclaim(self, name: str) -> None:
        """There is nobody else."""

    def tell(self, name: str) -> bool:  # noqa: ARG002
        """There is nobody else."""
        return True

    def untell(self, name: str) -> bool:  # noqa: ARG002
        """There is nobody else."""
        return True


SAID_DROPPED = "said_dropped"
"""The figure on the board: how much of what callers were told found no room while the line was away."""


class Said(Protocol):
    """What callers are told goes through here to the record: noted in memory, sent together a moment later.

    Somebody on the phone waits while it is noted, so that costs no round trip and never fails. What was noted and not
    sent is lost with the process; what finds no room goes before what is newer, and is counted.
    """

    def note(self, saying: Saying) -> None:
        """Remember this, for the record. Never raises."""
        ...

    def flush(self) -> None:
        """Send what was noted, now. Never raises."""
        ...

    def drain(self, after: str, limit: int) -> list[tuple[str, list[Saying]]]:
        """What was sent after the id, oldest first; at most so many batches. What cannot be read in one is missing."""
        ...

    def forget(self, upto: str) -> None:
        """Up to and including this batch, the record has it."""
        ...


class NoSaid:
    """`Said` of a house that keeps no record of it."""

    def note(self, saying: Saying) -> None:
        """Nobody asks later."""

    def flush(self) -> None:
        """There is nothing."""

    def drain(self, after: str, limit: int) -> list[tuple[str, list[Saying]]]:  # noqa: ARG002
        """Nothing."""
        return []

    def forget(self, upto: str) -> None:
        """There is nothing."""


class Waits(Protocol):
    """Where the estimator leaves what it expects of every place of a queue. It hangs in the line, is good for seconds,
    and may be lost at any time: the simple rule stands in for it."""

    def table(self, queue: QueueKey) -> Table | None:
        """What was left last, a second old at most or as it was last seen while the line is away; None where nothing
        was, or nothing that can be read. Never raises."""
        ...

    def leave(self, tables: Mapping[QueueKey, Table | None]) -> None:
        """These tables instead of those that hang there; None takes one down. Raises what the line raises when it is
        away."""
        ...

    def lead(self, for_s: float) -> bool:
        """Whether this process is the one that leaves tables: for so many seconds from now, if nobody else is. Raises
        what the line raises when it is away."""
        ...

    def resign(self) -> None:
        """Somebody else may lead at once. Never raises."""
        ...


class NoWaits:
    """`Waits` of a house without an estimator: the simple rule speaks."""

    def table(self, queue: QueueKey) -> Table | None:  # noqa: ARG002
        """Nothing."""
        return None

    def leave(self, tables: Mapping[QueueKey, Table | None]) -> None:
        """Nobody looks."""

    def lead(self, for_s: float) -> bool:  # noqa: ARG002
        """There is nobody else."""
        return True

    def resign(self) -> None:
        """There is nobody else."""


@dataclass(frozen=True)
class Run:
    """What is worked out for somebody at this moment, and how much of it is done, in per cent."""

    what: str
    percent: int


class Runs(Protocol):
    """Long computations that pages ask for, as all web processes see them: one at a time for each who asks. `who` and
    `what` are names without a meaning. A run whose process died ends `for_s` after it was last heard of. Where nobody
    else can be asked, everybody is alone. Never raises."""

    def begin(self, who: str, what: str, *, for_s: float) -> bool:
        """False: something is worked out for them already."""
        ...

    def running(self, who: str) -> Run | None: ...
    def tell(self, who: str, what: str, percent: int, *, for_s: float) -> bool:
        """So much is done. False: it was stopped."""
        ...

    def end(self, who: str, what: str) -> None:
        """The next may begin."""
        ...

    def stop(self, who: str) -> None:
        """Whatever is worked out for them is to end."""
        ...

    def keep(self, what: str, answer: str, *, for_s: float) -> None:
        """For whoever asks the same, at whichever process."""
        ...

    def answer(self, what: str) -> str | None: ...


class NoRuns:
    """A process that is alone."""

    def begin(self, who: str, what: str, *, for_s: float) -> bool:  # noqa: ARG002
        """Nobody else works anything out."""
        return True

    def running(self, who: str) -> Run | None:  # noqa: ARG002
        """Nothing."""
        return None

    def tell(self, who: str, what: str, percent: int, *, for_s: float) -> bool:  # noqa: ARG002
        """Nobody can have stopped it."""
        return True

    def end(self, who: str, what: str) -> None:
        """Nobody waits for it."""

    def stop(self, who: str) -> None:
        """Nobody hears it."""

    def keep(self, what: str, answer: str, *, for_s: float) -> None:
        """Nobody asks for it."""

    def answer(self, what: str) -> str | None:  # noqa: ARG002
        """Nothing was kept."""
        return None


class Disk(Protocol):
    """The folder of what this machine keeps."""

    def free(self) -> tuple[int, int] | None:
        """Bytes that are left for us, and bytes in all. None: cannot be told."""
        ...


class NoDisk:
    """`Disk` of a house that keeps nothing on this machine."""

    def free(self) -> tuple[int, int] | None:
        """Nothing to tell."""
        return None


class Once(Protocol):
    """Documents are computed once per nonce: a repeated request gets the same text and has no second effect."""

    def document(self, nonce: str, compute: Callable[[], str]) -> str:
        """The document of this nonce. Two at once: one computes, the other waits (at most a second) for it."""
        ...

    def forget(self, about: Callable[[str], bool]) -> int:
        """Lets go of the documents that are kept for a repeat and that `about` finds somebody in; how many."""
        ...


class Urls(Protocol):
    """Builds the absolute URLs that are handed to the carrier and to callers."""

    @property
    def base(self) -> str:
        """What they all begin with, without a slash at its end."""
        ...

    def step(self, path: str, **query: str) -> str:
        """A document URL below `/voice/`, with a fresh nonce."""
        ...

    def status_page(self, token: str) -> str: ...


class Book(Protocol):
    """The queues and their policies as this process knows them, at most seconds old."""

    def queue(self, key: QueueKey) -> Queue:
        """Raises NotFound."""
        ...

    def find(self, key: str | None, number: str) -> Queue | None:
        """The queue named by `key`, else the one that `number` leads to."""
        ...

    def agent(self, key: AgentKey) -> Agent:
        """Raises NotFound."""
        ...

    def check(self, version: int) -> None:
        """A verb of the line answered with this version: load again if it is not the one at hand."""
        ...

    def wording(self, queue: str = HOUSE) -> InForce:
        """What is said in that queue in place of the built-in wordings. Never raises: while nothing is known, those."""
        ...


class Words(Protocol):
    """The wording of texts, in the caller's language, and what stands in the catalogue."""

    def built_in(self, sentence: str, language: str) -> Forms:
        """The built-in wording, with its places as `{name}`; () where there is no such sentence or language."""
        ...

    def text(
        self, kind: str, callback: Callback, queue_name: str, zone: str, url: str, wording: InForce = BUILT_IN
    ) -> str:
        """The body of a text of `kind`: promised, nearly, unreached, cancelled, status."""
        ...

    def code(self, kind: str, language: str, queue_name: str, code: str, wording: InForce = BUILT_IN) -> str:
        """The body of a text with a one-time code; `kind` is one of `domain.proof.CODES`."""
        ...


@dataclass(frozen=True)
class Knobs:
    """The installation's own figures (environment), as far as flows use them."""

    calls_per_second: float = 1
    sweep_s: float = 1
    lease_s: float = 10
    carrier_queue_s: float = 30
    reconcile_margin_s: float = 10
    caller_id: str | None = None
    outside_per_number: int = 20  # so often a day is one number outside rung for callers
    outside_per_agent: int = 60  # and so many such rings may one agent ask for
    gone_s: float = 30  # without a worker who dials, no callback is promised after this long
    predictions_days: float = 90  # after this, what callers were told is forgotten
    retention_days: float | None = None  # after this, nobody is named any more in what is over; None: kept
    retention_at_carrier: bool = False  # and the carrier forgets it as well


def pause(seconds: float) -> None:
    """Let others go on for a moment. Looked up when it is needed: under green threads `time.sleep` is replaced after
    this module was loaded."""
    time.sleep(seconds)


class Backend(Protocol):
    """What the house cannot do without (`line`, `record`), as this process finds it now. Reading it asks nobody."""

    @property
    def name(self) -> str: ...

    @property
    def since(self) -> datetime | None:
        """Since when it cannot be reached (aware UTC); None while it can."""
        ...

    @property
    def why(self) -> str:
        """What it said last, for those who run the house; "" while it can be reached."""
        ...


@dataclass(frozen=True)
class House:
    """Everything a flow may use. Built in `wiring`, handed to every flow as its first argument."""

    clock: Clock
    line: Line
    store: Store
    carrier: Carrier
    dispatch: Dispatch
    once: Once
    urls: Urls
    words: Words
    book: Book
    knobs: Knobs = field(default_factory=Knobs)
    backends: tuple[Backend, ...] = ()
    pause: Callable[[float], None] = pause
    board: Board = field(default_factory=NoBoard)
    disk: Disk = field(default_factory=NoDisk)
    waits: Waits = field(default_factory=NoWaits)
    said: Said = field(default_factory=NoSaid)
    runs: Runs = field(default_factory=NoRuns)
    numbers: Numbers = field(default_factory=NoNumbers)
    outside: Outside = field(default_factory=NotLooked)
