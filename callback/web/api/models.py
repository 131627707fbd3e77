"""What goes in and out of the API, as pydantic models: the same that are checked are the ones described.

Bodies refuse fields they do not know. Answers are described here too, and every answer is checked against its model, so
the description cannot drift from the product.
"""

from datetime import UTC, datetime
from typing import Annotated, Any, Literal, Self

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, GetJsonSchemaHandler, RootModel, model_validator
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import CoreSchema

from callback.domain.desk import AWAY_REASONS
from callback.domain.lifecycle import AgentStatus, State

KEY = r"^[A-Za-z0-9][A-Za-z0-9_.-]{0,63}$"
"""What a queue's or an agent's key may look like: it stands in URLs, in Redis keys and in the carrier's queue names."""

Key = Annotated[str, Field(pattern=KEY, examples=["support"])]
Name = Annotated[str, Field(min_length=1, max_length=200)]


def _moment(value: object) -> datetime:
    try:
        parsed = datetime.fromisoformat(value if isinstance(value, str) else "")
    except ValueError:
        raise ValueError("must be a time in RFC 3339, for example 2026-03-02T09:00:00Z") from None
    if parsed.tzinfo is None:
        raise ValueError("must say its zone, for example 2026-03-02T09:00:00Z")
    if not 1970 < parsed.year < 2200:
        raise ValueError("must be a time that somebody living can wait for")
    return parsed.astimezone(UTC)


Moment = Annotated[datetime, BeforeValidator(_moment)]


class Body(BaseModel):
    """A request: unknown fields are refused."""

    model_config = ConfigDict(extra="forbid", str_strip_whitespace=True)


class NoQuery(Body):
    """Nothing is taken from the query."""


class Answer(BaseModel):
    """An answer: what is described is what is sent."""

    model_config = ConfigDict(extra="forbid")


class Problem(Answer):
    """One thing wrong in a request."""

    field: str
    detail: str


class ProblemDocument(Answer):
    """A refusal (RFC 9457)."""

    type: str
    title: str
    status: int
    detail: str
    errors: list[Problem]


# --- queues -----------------------------------------------------------------------------------------------------

Seconds = Annotated[float, Field(ge=0)]


class PolicyFields(Answer):
    """A queue's policy. Durations are seconds; null switches a rule off."""

    offer_at_wait_s: Seconds | None = Field(180, description="offer once the chosen quantile of the wait reaches this")
    stop_offering_at_wait_s: Seconds | None = Field(120, description="go on offering until it falls below this")
    offer_quantile: Literal["p50", "p80", "p90"] = Field("p80", description="the quantile the wait is judged by")
    offer_at_waiting: Annotated[int, Field(ge=0)] | None = Field(None, description="offer once so many wait")
    max_outstanding: Annotated[int, Field(ge=0)] | None = Field(None, description="at most so many open promises")
    hours: dict[str, Any] | None = Field(None, description="opening hours; null is always open")
    closing_guard: bool = Field(True, description="promise nothing that cannot be kept before closing")
    accepting: bool = Field(True, description="new promises are made")
    dialing: bool = Field(True, description="promises are dialled")
    dial_mode: Literal["agent_first", "customer_first", "dial_ahead"] = "customer_first"
    confirm_human: Literal["press_1", "amd", "off"] = "press_1"
    wait_tolerance_s: Seconds = 2
    max_wait_probability: Annotated[float, Field(ge=0, le=1)] = 0.03
    attempts: Annotated[int, Field(ge=1)] = 3
    retry_delays_s: list[Seconds] = Field([300, 900], description="the last repeats; empty is at once")
    missed_place: Literal["keep", "back"] = "keep"
    ring_timeout_s: Annotated[int, Field(ge=1)] = 25
    wrap_up_s: Seconds = 20
    cut_off_s: Seconds = Field(10, description="an agent's leg that ends this soon counts as cut off; 0: never")
    prior_handle_s: Seconds = 240
    prior_patience_s: Seconds = 600
    priority_credit_s: dict[str, float] = Field({"vip": 300}, description="seconds of credit by segment")
    quiet_hours: list[str] | None = Field(None, description='for example ["21:00","09:00"], in the callee\'s zone')
    allowed_countries: list[str] | None = Field(["own"], description="own, ISO 3166 alpha-2; null allows all")
    languages: list[str] = ["en", "zh"]
    ask_rating: bool = Field(True, description="after a talk the caller's page asks how it was; absent: yes")


class PolicyChanges(RootModel[dict[str, Any]]):
    """Any subset of a policy's fields; the rest keeps its value. The rules themselves check them, all at once."""

    @classmethod
    def __get_pydantic_json_schema__(cls, core: CoreSchema, handler: GetJsonSchemaHandler) -> JsonSchemaValue:
        schema = PolicyFields.model_json_schema(mode="validation")
        fields = {
            name: {key: value for key, value in field.items() if key != "default"}
            for name, field in schema["properties"].items()
        }
        return {
            "type": "object",
            "title": cls.__name__,
            "properties": fields,
            "additionalProperties": False,
            "description": (cls.__doc__ or "").strip(),
        }


class PolicyVersion(PolicyFields):
    """A policy and its version."""

    version: int


class QueueBody(Body):
    """A queue to create or change."""

    name: Name
    numbers: list[str] | None = Field(None, description="E.164; left out: as they are")
    policy: PolicyChanges | None = None


class Wait(Answer):
    """Quantiles of the wait in seconds, and what the estimate rests on; all null when nobody can know."""

    p50: float | None
    p80: float | None
    p90: float | None
    basis: str


class WaitingCount(Answer):
    """Who waits: callers on the line who have no agent, and promises."""

    live: int
    callbacks: int


class AgentCount(Answer):
    """Agents by what they are doing."""

    available: int
    reserved: int
    busy: int
    wrap_up: int
    away: int
    offline: int


class Queue(Answer):
    """A queue at this moment."""

    key: str
    name: str
    numbers: list[str]
    waiting: WaitingCount
    agents: AgentCount
    wait: Wait
    offering: bool
    offer_reason: str
    offer_sentence: str
    policy: PolicyFields
    policy_version: int


class WaitsQuery(Body):
    """How far to look back."""

    days: int = Field(7, ge=1, le=31, description="of 24 hours each, until now")


class JudgedErrors(Answer):
    """How far announced waits were from the true ones, in seconds; null where nothing was judged. `bias_s` is above 0
    where too much was announced. `coverage` is the share within p10 to p90, with its 95 % interval."""

    judged: int
    mae_s: float | None
    rase_s: float | None
    bias_s: float | None
    width_s: float | None
    coverage: float | None
    coverage_low: float | None
    coverage_high: float | None
    over_p80: float | None
    over_p90: float | None


class JudgedPromises(Answer):
    """What became of promised windows: rung within them, too early, too late, or ended without a ring."""

    promised: int
    kept: int
    early: int
    late: int
    unrung: int


class WaitsJudged(Answer):
    """Callers who were told a wait on arrival: what became of them, and how true it was, beside the simple rule. Judged
    are those who reached an agent, and `judged_parted` who left before one would have been theirs."""

    since: datetime
    told: int
    connected: int
    left: int
    promised: int
    open: int
    judged_parted: int
    announced: JudgedErrors
    simple_rule: JudgedErrors
    promises: JudgedPromises


class Queues(Answer):
    """All queues."""

    items: list[Queue]
    next: str | None


# --- agents -----------------------------------------------------------------------------------------------------


class ServedQueue(Body):
    """A queue an agent serves, and at which level: 1 before 2."""

    key: Key
    level: Annotated[int, Field(ge=1, le=99)] = 1


class AgentBody(Body):
    """An agent to create or change."""

    name: Name
    contact: Annotated[str, Field(min_length=3, max_length=255, examples=["+12015550123", "sip:ann@example.com"])]
    queues: Annotated[list[Key | ServedQueue], Field(max_length=200)]


class Agent(Answer):
    """An agent and what they are doing."""

    key: str
    name: str
    contact: str
    queues: list[ServedQueue]
    status: AgentStatus
    since: str
    wanted: AgentStatus
    wrap_up_until: str | None
    away_reason: str
    reason: str


class Agents(Answer):
    """All agents."""

    items: list[Agent]
    next: str | None


class PresenceBody(Body):
    """What an agent asks for. `away` and `offline` apply when the call ends; `available` ends wrap-up. `reason` says
    why they will be away."""

    status: Literal["available", "away", "offline"]
    reason: Literal["", *AWAY_REASONS] = ""  # type: ignore[valid-type]


# --- callbacks --------------------------------------------------------------------------------------------------


class CallbackBody(Body):
    """A callback to ask for."""

    queue: Key
    number: Annotated[str, Field(min_length=1, max_length=40, examples=["+12015550123"])]
    requested_for: Moment | None = Field(None, description="ring at this time; left out: as soon as it is their turn")
    language: Annotated[str, Field(min_length=2, max_length=16)] | None = None
    name: Annotated[str, Field(max_length=200)] = ""
    context: dict[str, Any] | None = Field(None, description="shown to the agent, kept sealed")


class RescheduleBody(Body):
    """When to ring instead."""

    at: Moment


class IdempotencyHeader(BaseModel):
    """`Idempotency-Key`, required: the same key and body get the first answer again."""

    idempotency_key: str | None = Field(None, alias="Idempotency-Key", description="required; up to 255 characters")

    @model_validator(mode="before")
    @classmethod
    def _whatever_the_case(cls, headers: Any) -> Any:
        found = {name.lower(): value for name, value in headers.items()} if isinstance(headers, dict) else {}
        return {"Idempotency-Key": found.get("idempotency-key")}


class Attempt(Answer):
    """One try at reaching the caller."""

    id: str
    number: int
    mode: str
    agent: str | None
    call: str | None
    created_at: str
    asked_at: str | None
    answered_at: str | None
    answered_by: str
    bridged_at: str | None
    ended_at: str | None
    outcome: str | None
    error: str


class Callback(Answer):
    """A promise to ring somebody, and where it stands."""

    id: str
    queue: str
    state: State
    number: str = Field(description="E.164; empty once the caller was forgotten")
    name: str
    language: str
    priority: str
    source: str
    context: dict[str, Any]
    agent: str | None
    created_at: str
    joined_at: str
    requested_for: str | None
    next_attempt_at: str | None
    promised_from: str | None
    promised_to: str | None
    attempts_made: int
    attempts_left: int
    ended_at: str | None
    end_reason: str
    position: int | None
    wait: Wait
    status_url: str
    attempts: list[Attempt]


class Callbacks(Answer):
    """A page of callbacks, newest first, and the cursor of the next page."""

    items: list[Callback]
    next: str | None


class CallbackQuery(Body):
    """Which callbacks."""

    queue: str | None = None
    state: str | None = Field(None, description="a state, or several with commas between them")
    number: str | None = None
    cursor: str | None = None
    limit: Annotated[int, Field(ge=1, le=200)] = 50

    @model_validator(mode="after")
    def _known_states(self) -> Self:
        unknown = [word for word in self.words() if word not in set(State)]
        if unknown:
            raise ValueError(f"there is no state {unknown[0]!r}; the states are {', '.join(State)}")
        return self

    def words(self) -> list[str]:
        """The states asked for, as they were written."""
        return [word.strip() for word in self.state.split(",")] if self.state else []


# --- the quarantine ---------------------------------------------------------------------------------------------


class QuarantineQuery(Body):
    """Which page."""

    cursor: str | None = None
    limit: Annotated[int, Field(ge=1, le=200)] = 50


class Held(Answer):
    """Something that failed again and again, and what was decided about it."""

    id: str
    kind: Literal["callback", "call", "text", "event", "step"]
    subject: str = Field(description="the id of the callback, call, text or event, or the name of the step")
    queue: str
    step: str = Field(description="what was being done")
    reason: str = Field(description="names nobody")
    times: int
    first_at: str
    last_at: str
    held_at: str | None
    resolved_at: str | None
    resolution: Literal["", "retried", "dropped", "went_away"]
    by: str


class Quarantine(Answer):
    """A page of what is held, newest first, and the cursor of the next page."""

    items: list[Held]
    next: str | None


# --- the journal ------------------------------------------------------------------------------------------------


_KIND = (
    "`callback`, `call`, `agent`: a change of state of that one. `queue`: its policy (from and to are versions), a "
    "place in it, whether it dials; or what is no one queue's, under the subjects `line`, `carrier` and `quarantine`"
)
_SUBJECT = (
    "the id of the callback, call or agent, or the key of the queue. Of the kind `queue` also `line` (who serves what, "
    "and how the line was lost and filled again), `carrier` (it refuses the account, or takes it again) and "
    "`quarantine` (what was set aside, tried again or given up: see `data`)"
)


class JournalQuery(Body):
    """From where, and how much."""

    after: Annotated[int, Field(ge=0, le=2**63 - 1, description="the seq after which to go on; 0 from the start")] = 0
    limit: Annotated[int, Field(ge=1, le=1000)] = 200
    kind: Annotated[Literal["callback", "call", "agent", "queue"] | None, Field(description=_KIND)] = None
    subject: Annotated[str | None, Field(description=_SUBJECT)] = None


class JournalItem(BaseModel):
    """One change: what, from, to, why, when, and caused by what."""

    model_config = ConfigDict(extra="forbid", populate_by_name=True)

    seq: int
    at: str
    kind: str = Field(description=_KIND)
    subject: str = Field(description=_SUBJECT)
    from_: str | None = Field(alias="from")
    to: str
    reason: str
    cause: str
    queue: str
    data: dict[str, Any]


class Journal(Answer):
    """A page of the journal, oldest first, and the `after` of the next page."""

    items: list[JournalItem]
    next: str | None
