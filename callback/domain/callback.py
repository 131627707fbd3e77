"""The things the record holds: a promise (callback), its attempts, the legs of calls, texts, and the journal."""

from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any

from callback.domain.ids import AgentKey, AttemptId, CallbackId, CallSid, QueueKey, Token
from callback.domain.lifecycle import State


class Source(StrEnum):
    """Where a promise came from."""

    CALL = "call"
    API = "api"
    CONSOLE = "console"


class Outcome(StrEnum):
    """How an attempt ended. `REFUSED` and `SUPERSEDED` do not spend one of the policy's attempts."""

    TALKED = "talked"
    NO_ANSWER = "no_answer"
    BUSY = "busy"
    VOICEMAIL = "voicemail"
    NO_KEY = "no_key"  # somebody or something answered, and pressed nothing
    LATER = "later"
    NOT_NEEDED = "not_needed"
    HUNG_UP = "hung_up"  # answered, then gone before an agent was on the line
    FAILED = "failed"  # the carrier could not complete the call
    UNDIALABLE = "undialable"
    REFUSED = "refused"  # never processed by the carrier (429, account trouble)
    CANCELLED = "cancelled"
    SUPERSEDED = "superseded"  # the caller rang in meanwhile
    AGENT_MISSED = "agent_missed"  # agent_first: the agent never pressed their key, the caller was not dialled
    NEVER_PLACED = "never_placed"  # the carrier's record shows that the call was not created


SPENT = frozenset({Outcome.NO_ANSWER, Outcome.BUSY, Outcome.VOICEMAIL, Outcome.NO_KEY, Outcome.HUNG_UP, Outcome.FAILED})
"""Outcomes that use up one of the policy's attempts."""


@dataclass(frozen=True)
class Callback:
    """A promise to ring somebody. `score` is its place: microseconds since 1970 of joining the line, less credit.

    `number` is E.164 and in clear only here: sealed in SQL, masked in logs. `version` counts the saves and guards
    every update. `attempts_left` counts down with each spent attempt. `attempt` is the one in flight, if any.
    """

    id: CallbackId
    queue: QueueKey
    state: State
    number: str = field(repr=False)
    joined_at: datetime
    score: int
    language: str
    source: Source
    attempts_left: int
    created_at: datetime
    version: int = 0
    priority: str = ""
    name: str = field(default="", repr=False)
    proved: bool = True  # False: typed or keyed in by somebody who did not show that it is theirs
    requested_for: datetime | None = None
    next_attempt_at: datetime | None = None
    attempt: AttemptId | None = None
    attempts_made: int = 0
    leg: CallSid | None = None  # the customer's live leg, while there is one
    agent: AgentKey | None = None
    origin: CallSid | None = None  # the inbound call that took the offer
    promised_from: datetime | None = None
    promised_to: datetime | None = None
    token: str = field(default="", repr=False)  # of the status page: in clear only here, hashed and sealed in SQL
    context: dict[str, Any] = field(default_factory=dict, repr=False)
    reminded_at: datetime | None = None  # when the "nearly your turn" text was sent
    ended_at: datetime | None = None
    end_reason: str = ""

    def due(self, now: datetime) -> bool:
        """Whether the next attempt may be made: the first one at once, a retry from its time on."""
        return self.next_attempt_at is None or self.next_attempt_at <= now


@dataclass(frozen=True)
class Attempt:
    """One try at reaching the caller. Committed before the carrier is asked; its id is in every URL handed out."""

    id: AttemptId
    callback: CallbackId
    number: int  # 1, 2, …
    mode: str  # customer_first, agent_first, dial_ahead
    created_at: datetime
    token: Token | None = None  # the reservation it was made for
    agent: AgentKey | None = None
    call: CallSid | None = None
    agent_call: CallSid | None = None  # agent_first: the leg on which the agent waits
    asked_at: datetime | None = None  # just before the carrier is asked
    answered_at: datetime | None = None
    answered_by: str = ""
    bridged_at: datetime | None = None
    met_at: datetime | None = None  # since when it is sure that both are there; None with `bridged_at`: one joined
    ended_at: datetime | None = None
    outcome: Outcome | None = None
    error: str = ""


class LegKind(StrEnum):
    """What a leg of a call is for."""

    INBOUND = "inbound"
    CUSTOMER = "customer"
    AGENT = "agent"


@dataclass(frozen=True)
class Leg:
    """One leg at the carrier. For an inbound one, `state` is a `CallState`; otherwise the carrier's last word."""

    call: CallSid
    kind: LegKind
    queue: QueueKey
    state: str
    number: str = field(repr=False)
    created_at: datetime
    joined_at: datetime | None = None
    language: str = ""
    score: int = 0
    callback: CallbackId | None = None
    attempt: AttemptId | None = None
    agent: AgentKey | None = None
    token: Token | None = None
    quoted_p50: float | None = None
    quoted_p80: float | None = None
    offered: bool = False
    offer_reason: str = ""
    bridged_at: datetime | None = None
    ended_at: datetime | None = None
    waited_s: float | None = None
    handled_s: float | None = None


@dataclass(frozen=True)
class Text:
    """A text message to a caller: committed before the carrier is asked, like an attempt."""

    id: str
    callback: CallbackId | None
    kind: str  # promised, nearly, unreached, cancelled, …
    number: str = field(repr=False)
    body: str = field(repr=False)
    created_at: datetime
    sid: str = ""
    status: str = "queued"
    error: str = ""


@dataclass(frozen=True)
class Entry:
    """One line of the journal: what changed, from, to, why, when and caused by what. `seq` is 0 until it is saved."""

    at: datetime
    kind: str  # callback, call, agent, queue
    subject: str
    before: str | None
    after: str
    reason: str
    cause: str = ""
    queue: str = ""
    data: dict[str, Any] = field(default_factory=dict)
    seq: int = 0


@dataclass(frozen=True)
class Served:
    """A queue and the level at which an agent serves it: 1 before 2."""

    queue: QueueKey
    level: int = 1


@dataclass(frozen=True)
class Agent:
    """Somebody who takes calls at `contact`: "+1…", "sip:…" or "client:…"."""

    key: AgentKey
    name: str
    contact: str
    queues: tuple[Served, ...] = ()
