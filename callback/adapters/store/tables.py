"""The tables of the record, with every rule that the database itself can keep.

What must never be doubled (an open callback per number and queue, a call to a number, an origin call, an idempotency
key, a carrier event) is a unique index here, because a check in Python loses every race. States are CHECKed against the
words of `domain.lifecycle`. `check.py` proves that the migrations build exactly these tables.
"""

from collections.abc import Iterable, Mapping
from dataclasses import fields
from typing import Any

from sqlalchemy import (
    DDL,
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    Date,
    Float,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    PrimaryKeyConstraint,
    String,
    Table,
    UniqueConstraint,
    event,
    false,
    text,
)

from callback.adapters.store.columns import Counter, Data, Given, Instant, Word
from callback.domain.access import ROLES, WhoMust
from callback.domain.callback import LegKind, Outcome, Source
from callback.domain.desk import CameTo, Wish
from callback.domain.desk import Stage as Consulting
from callback.domain.erasure import Stage
from callback.domain.lifecycle import OPEN, RUNG, AgentStatus, State
from callback.domain.rating import SCORES
from callback.domain.reports import Grain, Part, Sums, What
from callback.domain.said import Fate, Moment

MODES = ("agent_first", "customer_first", "dial_ahead")
KINDS = ("callback", "call", "agent", "queue")
POISONED = ("callback", "call", "text", "event", "step")
EXPORTED = ("person", "record", "trace")
RESOLUTIONS = ("", "retried", "dropped", "went_away")
WANTED = (AgentStatus.AVAILABLE, AgentStatus.AWAY, AgentStatus.OFFLINE)


def listed(words: Iterable[str]) -> str:
    """The words as an SQL list. Only for words of our own code."""
    return ", ".join(f"'{word}'" for word in words)


OPEN_STATES = [state for state in State if state in OPEN]
END_STATES = [state for state in State if state not in OPEN]
IS_OPEN = f"state IN ({listed(OPEN_STATES)})"
HAS_ENDED = f"state IN ({listed(END_STATES)})"
IS_RUNG = f"attempt IS NOT NULL AND state IN ({listed(state for state in State if state in RUNG)})"
"""Spelled as in the partial indexes: only a query with the same words can use them."""

IS_UNSETTLED = "fate IS NULL"
HAS_PARTED = "offered_s IS NULL AND fate IN ('left', 'promised')"
"""They left the line, and nobody knows yet how long they would have waited."""
IS_OVER = "ended_at IS NOT NULL"
NAMES_SOMEBODY = "number_hash <> ''"
"""What was erased has no hash any more."""
COUNTED = ("told", "unknown", "connected", "left", "promised", "ended", "kept", "early", "late", "unrung")
"""The whole numbers of `domain.judged.Tally`."""

metadata = MetaData(
    naming_convention={
        "pk": "pk_%(table_name)s",
        "fk": "fk_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "ck": "ck_%(table_name)s_%(constraint_name)s",
    }
)


def _among(column: str, words: Iterable[str]) -> CheckConstraint:
    return CheckConstraint(f"{column} IN ({listed(words)})", name=column)


# --- configuration ----------------------------------------------------------------------------------------------

queues = Table(
    "queues",
    metadata,
    Column("key", String, primary_key=True),
    Column("name", String, nullable=False),
    Column("version", Integer, nullable=False),  # of the policy in force
    Column("created_at", Instant, nullable=False),
    Column("updated_at", Instant, nullable=False),
)

queue_numbers = Table(
    "queue_numbers",
    metadata,
    Column("number", String, primary_key=True),  # ours, published: not personal data
    Column("queue", ForeignKey("queues.key"), nullable=False),
    Column("rank", Integer, nullable=False),
    Index("ix_queue_numbers_queue", "queue"),
)

policies = Table(
    "policies",
    metadata,
    Column("queue", ForeignKey("queues.key"), nullable=False),
    Column("version", Integer, nullable=False),
    Column("policy", Data, nullable=False),
    Column("at", Instant, nullable=False),
    Column("by", String, nullable=False),
    Column("why", String, nullable=False),
    PrimaryKeyConstraint("queue", "version"),
)

agents = Table(
    "agents",
    metadata,
    Column("key", String, primary_key=True),
    Column("name", LargeBinary, nullable=False),  # sealed
    Column("contact", LargeBinary, nullable=False),  # sealed
    Column("wanted", Word(AgentStatus)),
    Column("wanted_at", Instant),
    Column("updated_at", Instant, nullable=False),
    _among("wanted", WANTED),
)

agent_queues = Table(
    "agent_queues",
    metadata,
    Column("agent", ForeignKey("agents.key"), nullable=False),
    Column("queue", ForeignKey("queues.key"), nullable=False),
    Column("level", Integer, nullable=False),
    Column("rank", Integer, nullable=False),
    PrimaryKeyConstraint("agent", "queue"),
    Index("ix_agent_queues_queue", "queue"),
)

users = Table(
    "users",
    metadata,
    Column("email", String, primary_key=True),
    Column("role", String, nullable=False),
    Column("password_hash", String, nullable=False),
    Column("agent", String),
    Column("disabled", Boolean, nullable=False),
    Column("signed_in_at", Instant),
    _among("role", ROLES),
)

# A browser in which somebody is signed in. The row's end is the session's, whatever cookie is still about.
sessions = Table(
    "sessions",
    metadata,
    Column("id_hash", String, primary_key=True),
    Column("email", ForeignKey("users.email"), nullable=False),
    Column("began_at", Instant, nullable=False),
    Index("ix_sessions_email", "email"),
    Index("ix_sessions_began_at", "began_at"),
)

second_steps = Table(
    "second_steps",
    metadata,
    Column("email", ForeignKey("users.email"), primary_key=True),
    Column("secret", LargeBinary),  # sealed
    Column("pending", LargeBinary),  # sealed
    Column("confirmed_at", Instant),
    Column("last_step", BigInteger, nullable=False),
)

recovery_codes = Table(
    "recovery_codes",
    metadata,
    Column("email", ForeignKey("users.email"), nullable=False),
    Column("code_hash", String, nullable=False),
    PrimaryKeyConstraint("email", "code_hash"),
)

welcome_links = Table(
    "welcome_links",
    metadata,
    Column("email", ForeignKey("users.email"), primary_key=True),
    Column("token_hash", String, nullable=False),
    Column("expires_at", Instant, nullable=False),
    UniqueConstraint("token_hash"),
)

sign_in_rules = Table(
    "sign_in_rules",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=False),
    Column("two_step", Word(WhoMust), nullable=False),
    CheckConstraint("id = 1", name="one"),
    _among("two_step", WhoMust),
)

tokens = Table(
    "tokens",
    metadata,
    Column("name", String, primary_key=True),
    Column("role", String, nullable=False),
    Column("token_hash", String, nullable=False),
    Column("agent", String),
    Column("used_at", Instant),
    UniqueConstraint("token_hash"),
    _among("role", ROLES),
)

# --- promises ---------------------------------------------------------------------------------------------------
# `agent`, `attempt` and `leg` name things without a foreign key: they are facts of the past, which stay true when an
# agent is renamed, and what they name may reach the record a second later, through the stream.

callbacks = Table(
    "callbacks",
    metadata,
    Column("id", String, primary_key=True),
    Column("queue", ForeignKey("queues.key"), nullable=False),
    Column("state", Word(State), nullable=False),
    Column("number", LargeBinary, nullable=False),  # sealed
    Column("number_hash", String, nullable=False),
    Column("joined_at", Instant, nullable=False),
    Column("score", BigInteger, nullable=False),
    Column("language", String, nullable=False),
    Column("source", Word(Source), nullable=False),
    Column("attempts_left", Integer, nullable=False),
    Column("created_at", Instant, nullable=False),
    Column("version", Integer, nullable=False),
    Column("priority", String, nullable=False),
    Column("name", LargeBinary),  # sealed; NULL: none
    Column("proved", Boolean, nullable=False),
    Column("requested_for", Instant),
    Column("next_attempt_at", Instant),
    Column("attempt", String),
    Column("attempts_made", Integer, nullable=False),
    Column("leg", String),
    Column("agent", String),
    Column("origin", String),
    Column("promised_from", Instant),
    Column("promised_to", Instant),
    Column("token", LargeBinary),  # sealed; NULL: no status page
    Column("token_hash", String),
    Column("context", LargeBinary),  # sealed JSON; NULL: empty
    Column("reminded_at", Instant),
    Column("moved_at", Instant, nullable=False),
    Column("ended_at", Instant),
    Column("end_reason", String, nullable=False),
    UniqueConstraint("origin"),
    UniqueConstraint("token_hash"),
    _among("state", State),
    _among("source", Source),
    CheckConstraint(f"(ended_at IS NULL) = ({IS_OPEN})", name="ended"),
    Index("uq_callbacks_open_number", "queue", "number_hash", unique=True,
          postgresql_where=text(IS_OPEN), sqlite_where=text(IS_OPEN)),
    Index("uq_callbacks_rung_number", "number_hash", unique=True,  # whatever the queue
          postgresql_where=text(IS_RUNG), sqlite_where=text(IS_RUNG)),
    Index("ix_callbacks_ended", "state", "ended_at", postgresql_where=text(HAS_ENDED), sqlite_where=text(HAS_ENDED)),
    Index("ix_callbacks_open", "id", postgresql_where=text(IS_OPEN), sqlite_where=text(IS_OPEN)),
    Index("ix_callbacks_retry", "next_attempt_at",
          postgresql_where=text("state = 'waiting'"), sqlite_where=text("state = 'waiting'")),
    Index("ix_callbacks_requested", "requested_for",
          postgresql_where=text("state = 'scheduled'"), sqlite_where=text("state = 'scheduled'")),
    Index("ix_callbacks_newest", "created_at", "id"),
    Index("ix_callbacks_queue", "queue", "created_at", "id"),
    Index("ix_callbacks_number", "number_hash", "created_at"),
    Index("ix_callbacks_number_ended", "number_hash", "ended_at"),  # before each dial: what was done with it lately
    Index("ix_callbacks_personal", "ended_at",  # what is over and not blanked yet, oldest first
          postgresql_where=text(f"{NAMES_SOMEBODY} AND {IS_OVER}"),
          sqlite_where=text(f"{NAMES_SOMEBODY} AND {IS_OVER}")),
)  # fmt: skip

idempotency = Table(
    "idempotency",
    metadata,
    Column("key", String, primary_key=True),
    Column("body_hash", String, nullable=False),
    # Deferred: the key is claimed before the callback is inserted, so that two requests with it cannot both insert.
    Column("callback", ForeignKey("callbacks.id", deferrable=True, initially="DEFERRED"), nullable=False),
    Column("at", Instant, nullable=False),
    Index("ix_idempotency_callback", "callback"),
    Index("ix_idempotency_at", "at"),
)

attempts = Table(
    "attempts",
    metadata,
    Column("id", String, primary_key=True),
    Column("callback", ForeignKey("callbacks.id"), nullable=False),
    Column("number", Integer, nullable=False),
    Column("mode", String, nullable=False),
    Column("created_at", Instant, nullable=False),
    Column("token", String),
    Column("agent", String),
    Column("call", String),
    Column("agent_call", String),
    Column("asked_at", Instant),
    Column("answered_at", Instant),
    Column("answered_by", String, nullable=False),
    Column("bridged_at", Instant),
    Column("met_at", Instant),
    Column("ended_at", Instant),
    Column("outcome", Word(Outcome)),
    Column("error", String, nullable=False),
    UniqueConstraint("callback", "number"),
    _among("mode", MODES),
    _among("outcome", Outcome),
    Index("ix_attempts_created", "created_at"),
)

# --- calls and messages -----------------------------------------------------------------------------------------

legs = Table(
    "legs",
    metadata,
    Column("call", String, primary_key=True),
    Column("kind", Word(LegKind), nullable=False),
    Column("queue", String, nullable=False),  # no foreign key: a refused call may belong to no queue
    Column("state", String, nullable=False),
    Column("number", LargeBinary),  # sealed; NULL: withheld
    Column("number_hash", String),
    Column("created_at", Instant, nullable=False),
    Column("joined_at", Instant),
    Column("language", String, nullable=False),
    Column("score", BigInteger, nullable=False),
    Column("callback", String),
    Column("attempt", String),
    Column("agent", String),
    Column("token", String),
    Column("quoted_p50", Float),
    Column("quoted_p80", Float),
    Column("offered", Boolean, nullable=False),
    Column("offer_reason", String, nullable=False),
    Column("bridged_at", Instant),
    Column("ended_at", Instant),
    Column("waited_s", Float),
    Column("handled_s", Float),
    _among("kind", LegKind),
    Index("ix_legs_open", "created_at",
          postgresql_where=text("ended_at IS NULL"), sqlite_where=text("ended_at IS NULL")),
    Index("ix_legs_queue", "queue", "created_at"),
    Index("ix_legs_callback", "callback"),
    Index("ix_legs_number", "number_hash"),
    Index("ix_legs_personal", "ended_at",
          postgresql_where=text(f"number_hash IS NOT NULL AND {IS_OVER}"),
          sqlite_where=text(f"number_hash IS NOT NULL AND {IS_OVER}")),
)  # fmt: skip

carrier_events = Table(
    "carrier_events",
    metadata,
    Column("call", String, nullable=False),
    Column("event", String, nullable=False),
    Column("sequence", String, nullable=False),
    Column("at", Instant, nullable=False),
    PrimaryKeyConstraint("call", "event", "sequence"),
    Index("ix_carrier_events_at", "at"),
)

messages = Table(
    "messages",
    metadata,
    Column("id", String, primary_key=True),
    Column("callback", ForeignKey("callbacks.id")),
    Column("kind", String, nullable=False),
    Column("number", LargeBinary, nullable=False),  # sealed
    Column("number_hash", String, nullable=False),
    Column("body", LargeBinary, nullable=False),  # sealed
    Column("created_at", Instant, nullable=False),
    Column("sid", String, nullable=False),
    Column("status", String, nullable=False),
    Column("error", String, nullable=False),
    Index("ix_messages_callback", "callback"),
    Index("ix_messages_number", "number_hash"),
    Index("ix_messages_unsent", "created_at",
          postgresql_where=text("sid = '' AND status = 'queued'"), sqlite_where=text("sid = '' AND status = 'queued'")),
    Index("ix_messages_personal", "created_at",
          postgresql_where=text(NAMES_SOMEBODY), sqlite_where=text(NAMES_SOMEBODY)),
)  # fmt: skip

# Kept by hash alone: whoever asked not to be rung or texted is known again, and cannot be read out of the record.
opt_outs = Table(
    "opt_outs",
    metadata,
    Column("number_hash", String, primary_key=True),
    Column("at", Instant, nullable=False),
)

suppressed = Table(
    "suppressed",
    metadata,
    Column("number_hash", String, primary_key=True),
    Column("reason", String, nullable=False),
    Column("at", Instant, nullable=False),
)

# --- who is forgotten ---------------------------------------------------------------------------------------------

# A wish to be forgotten, and how far it has come. Nobody is named in it any more once it is done.
erasures = Table(
    "erasures",
    metadata,
    Column("id", String, primary_key=True),
    Column("number_hash", String, nullable=False),  # "" at the end
    Column("number", LargeBinary),  # sealed; NULL once the carrier was asked by it
    Column("asked_at", Instant, nullable=False),
    Column("by", String, nullable=False),
    Column("stage", Word(Stage), nullable=False),
    Column("protection", Boolean, nullable=False),
    Column("at_carrier", Boolean, nullable=False),
    Column("blanked_at", Instant),
    Column("done_at", Instant),
    Column("next_at", Instant),
    Column("tries", Integer, nullable=False),
    Column("error", String, nullable=False),
    Column("found", Data, nullable=False),
    Column("records", Data, nullable=False),
    _among("stage", Stage),
    Index("ix_erasures_next", "next_at",
          postgresql_where=text("next_at IS NOT NULL"), sqlite_where=text("next_at IS NOT NULL")),
    Index("ix_erasures_asked", "asked_at"),
)  # fmt: skip

# Where personal data was taken to: whoever erases somebody is told which files still have them.
exports = Table(
    "exports",
    metadata,
    Column("id", String, primary_key=True),
    Column("at", Instant, nullable=False),
    Column("by", String, nullable=False),
    Column("kind", String, nullable=False),
    Column("place", LargeBinary, nullable=False),  # sealed: a file may be named after somebody
    Column("number_hash", String, nullable=False),
    Column("numbers", Boolean, nullable=False),
    Column("since", Instant),
    Column("until", Instant),
    Column("rows", BigInteger, nullable=False),
    _among("kind", EXPORTED),
    Index("ix_exports_at", "at"),
    Index("ix_exports_number", "number_hash"),
)

# Another number for a callback, until codes prove that both telephones are at hand. Of a code, a keyed hash is kept.
number_changes = Table(
    "number_changes",
    metadata,
    Column("callback", ForeignKey("callbacks.id"), primary_key=True),
    Column("number", LargeBinary, nullable=False),  # sealed
    Column("number_hash", String, nullable=False),
    Column("new_hash", String, nullable=False),
    Column("old_hash", String, nullable=False),
    Column("sent_at", Instant, nullable=False),
    Column("tries_left", Integer, nullable=False),
    Index("ix_number_changes_sent", "sent_at"),
    Index("ix_number_changes_number", "number_hash"),
)

# --- the journal ------------------------------------------------------------------------------------------------

journal = Table(
    "journal",
    metadata,
    Column("seq", Counter, primary_key=True, autoincrement=True),
    Column("at", Instant, nullable=False),
    Column("kind", String, nullable=False),
    Column("subject", String, nullable=False),
    Column("before", String),
    Column("after", String, nullable=False),
    Column("reason", String, nullable=False),
    Column("cause", String, nullable=False),
    Column("queue", String, nullable=False),
    Column("data", Data, nullable=False),
    _among("kind", KINDS),
    Index("ix_journal_subject", "kind", "subject", "seq"),
    Index("ix_journal_at", "at"),
    sqlite_autoincrement=True,  # a number is never given twice, even if the newest rows were removed
)

stream_mark = Table(
    "stream_mark",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=False),
    Column("mark", String, nullable=False),
    CheckConstraint("id = 1", name="one"),
)

# --- what guards the line ---------------------------------------------------------------------------------------

# The line has the same number, or is one ahead. One that is behind, or has none, was lost or restored from a dump.
epoch = Table(
    "epoch",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=False),
    Column("number", BigInteger, nullable=False),
    Column("run", String, nullable=False),  # of the Redis that was seen last; "" where it does not tell
    Column("at", Instant, nullable=False),
    Column("rebuilding_until", Instant),  # somebody is rebuilding the line, and renews this while they do
    CheckConstraint("id = 1", name="one"),
)

# What failed, how often, and from when on it is kept out of everybody's way (`held_at`). One open row for each subject.
quarantine = Table(
    "quarantine",
    metadata,
    Column("id", String, primary_key=True),
    Column("kind", String, nullable=False),
    Column("subject", String, nullable=False),
    Column("queue", String, nullable=False),
    Column("step", String, nullable=False),
    Column("reason", String, nullable=False),
    Column("times", Integer, nullable=False),
    Column("first_at", Instant, nullable=False),
    Column("last_at", Instant, nullable=False),
    Column("held_at", Instant),
    Column("resolved_at", Instant),
    Column("resolution", String, nullable=False),
    Column("by", String, nullable=False),
    _among("kind", POISONED),
    _among("resolution", RESOLUTIONS),
    Index("uq_quarantine_open", "kind", "subject", unique=True,
          postgresql_where=text("resolved_at IS NULL"), sqlite_where=text("resolved_at IS NULL")),
    Index("ix_quarantine_held", "held_at"),
)  # fmt: skip

# --- what callers were told --------------------------------------------------------------------------------------

# Without a number or a name: `subject` is the id of a call or a callback.
predictions = Table(
    "predictions",
    metadata,
    Column("seq", Counter, primary_key=True, autoincrement=True),
    Column("at", Instant, nullable=False),
    Column("queue", String, nullable=False),
    Column("subject", String, nullable=False),
    Column("moment", Word(Moment), nullable=False),
    Column("told", Boolean, nullable=False),
    Column("place", Integer),
    Column("joined_at", Instant),
    Column("mean", Float),
    Column("p10", Float),
    Column("p50", Float),
    Column("p80", Float),
    Column("p90", Float),
    Column("simple_mean", Float),
    Column("simple_p10", Float),
    Column("simple_p50", Float),
    Column("simple_p80", Float),
    Column("simple_p90", Float),
    Column("model", String, nullable=False),
    Column("basis", String, nullable=False),
    Column("low_min", Integer),
    Column("high_min", Integer),
    Column("promised_from", Instant),
    Column("promised_to", Instant),
    Column("offering", Boolean, nullable=False),
    Column("reason", String, nullable=False),
    Column("sentence", String, nullable=False),
    Column("inputs", Data, nullable=False),
    Column("fate", Word(Fate)),
    Column("fate_at", Instant),
    Column("waited_s", Float),
    Column("since_joined_s", Float),
    Column("offered_s", Float),
    Column("actual_s", Float),
    Column("rang_at", Instant),
    Column("talked_at", Instant),
    _among("moment", Moment),
    _among("fate", Fate),
    Index("ix_predictions_queue", "queue", "seq"),
    Index("ix_predictions_subject", "subject"),
    Index("ix_predictions_unsettled", "subject",
          postgresql_where=text(IS_UNSETTLED), sqlite_where=text(IS_UNSETTLED)),
    Index("ix_predictions_parted", "queue", "fate_at",
          postgresql_where=text(HAS_PARTED), sqlite_where=text(HAS_PARTED)),
    sqlite_autoincrement=True,  # the oldest are deleted, and no number may come again
)  # fmt: skip


def _sums(prefix: str) -> list[Column[Any]]:
    """The columns of `domain.judged.Errors`."""
    counts, seconds = ("scored", "below", "over80", "over90"), ("square", "absolute", "signed", "width")
    return [Column(prefix + name, BigInteger, nullable=False) for name in counts] + [
        Column(prefix + name, Float, nullable=False) for name in seconds
    ]


# What the pages read instead of the predictions: `domain.judged.Tally` of those that were made in one hour.
OF_PROMISES = "moment = 'promise'"
prediction_hours = Table(
    "prediction_hours",
    metadata,
    Column("queue", String, nullable=False),
    Column("hour", Instant, nullable=False),
    Column("moment", Word(Moment), nullable=False),
    Column("model", String, nullable=False),
    *(Column(name, BigInteger, nullable=False) for name in COUNTED),
    Column("parted", BigInteger, nullable=False, server_default="0"),  # a version before it counts none
    *(Column(name, Float, nullable=False) for name in ("early_s", "late_s")),
    *_sums("ours_"),
    *_sums("simple_"),
    PrimaryKeyConstraint("queue", "hour", "moment", "model"),
    _among("moment", Moment),
    # How punctual promises were is all that reports read of it: a year of that from the index alone.
    Index("ix_prediction_hours_promise", "hour", "queue", "kept", "early", "late", "unrung", "early_s", "late_s",
          postgresql_where=text(OF_PROMISES), sqlite_where=text(OF_PROMISES)),
)  # fmt: skip

said_mark = Table(
    "said_mark",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=False),
    Column("stream", String, nullable=False),
    Column("seq", BigInteger, nullable=False),
    Column("written", BigInteger, nullable=False),
    Column("judged", BigInteger, nullable=False),
    CheckConstraint("id = 1", name="one"),
)

# --- what was learnt --------------------------------------------------------------------------------------------

# The versions of what a pool of agents has taught about waits (`domain.stored`), the newest few of each pool.
wait_models = Table(
    "wait_models",
    metadata,
    Column("pool", String, nullable=False),
    Column("version", Integer, nullable=False),
    Column("at", Instant, nullable=False),
    Column("seq", BigInteger, nullable=False),  # of the journal: what came until here was learnt
    Column("waits", Integer, nullable=False),
    Column("joining", LargeBinary, nullable=False),
    Column("standing", LargeBinary, nullable=False),
    Column("calibration", Data, nullable=False),
    Column("share", Float, nullable=False),
    Column("rase_s", Float, nullable=False),
    Column("mae_s", Float, nullable=False),
    Column("simple_rase_s", Float, nullable=False),
    Column("simple_mae_s", Float, nullable=False),
    PrimaryKeyConstraint("pool", "version"),
)

# How long rings, keys, talks and wrap-ups last, by queue. Version 0 is what goes on being learnt, in place; the others
# are what was dialled by.
lessons = Table(
    "lessons",
    metadata,
    Column("queue", ForeignKey("queues.key"), nullable=False),
    Column("version", Integer, nullable=False),
    Column("at", Instant, nullable=False),
    Column("lesson", Data, nullable=False),
    PrimaryKeyConstraint("queue", "version"),
)

# Where the reading for the lessons stopped, and what was going on then.
lesson_mark = Table(
    "lesson_mark",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=False),
    Column("seq", BigInteger, nullable=False),  # of the journal
    Column("at", Instant, nullable=False),
    Column("open", Data, nullable=False),
    CheckConstraint("id = 1", name="one"),
)

# --- the agents' desks ------------------------------------------------------------------------------------------

# Talks that were held or passed on (`domain.desk.Talk`), by the token of their pairing.
talks = Table(
    "talks",
    metadata,
    Column("token", String, primary_key=True),
    Column("agent", String, nullable=False),
    Column("queue", String, nullable=False),
    Column("entry", String, nullable=False),  # of the caller: a call or a callback
    Column("call", String, nullable=False),  # the caller's leg
    Column("agent_leg", String, nullable=False),
    Column("began_at", Instant, nullable=False),
    Column("wish", Word(Wish), nullable=False),
    Column("to", LargeBinary),  # sealed: it may be somebody's number; NULL: nowhere
    Column("room", Integer, nullable=False),
    Column("agent_room", Integer, nullable=False),
    Column("held_at", Instant),
    Column("holds", Integer, nullable=False),
    Column("held_s", Float, nullable=False),
    Column("passed_at", Instant),
    Column("stage", Word(Consulting), nullable=False, server_default=""),
    Column("other", Word(Wish), nullable=False, server_default=""),
    Column("other_token", String, nullable=False, server_default=""),
    Column("other_leg", String, nullable=False, server_default=""),
    Column("other_at", Instant),
    Column("other_room", Integer, nullable=False, server_default="0"),
    Column("came_to", Word(CameTo), nullable=False, server_default=""),
    Column("warm", Boolean, nullable=False, server_default=false()),
    Column("asked_at", Instant),
    Column("outside", Integer, nullable=False, server_default="0"),
    Column("to_hash", String),  # of a number in `to`, so that how often it was rung can be counted
    _among("wish", Wish),
    Index("ix_talks_agent", "agent", "began_at"),
    Index("ix_talks_to_hash", "to_hash", "began_at",
          postgresql_where=text("to_hash IS NOT NULL"), sqlite_where=text("to_hash IS NOT NULL")),
    Index("ix_talks_asked", "asked_at",
          postgresql_where=text("asked_at IS NOT NULL"), sqlite_where=text("asked_at IS NOT NULL")),
    Index("ix_talks_personal", "began_at",
          postgresql_where=text('"to" IS NOT NULL'), sqlite_where=text('"to" IS NOT NULL')),
    Index("ix_talks_entry", "entry"),
)  # fmt: skip

# How often each number outside was rung in a talk: `talks.to` names only the last one.
rung_outside = Table(
    "rung_outside",
    metadata,
    Column("token", String, primary_key=True),
    Column("number_hash", String, primary_key=True),
    Column("times", Integer, nullable=False),
    Column("began_at", Instant, nullable=False),  # of the talk
    Index("ix_rung_outside_number", "number_hash", "began_at"),
    Index("ix_rung_outside_began", "began_at"),
)

# What agents wrote down about their talks (`domain.desk.WrapUp`). An erasure finds the notes by `entry` and `call`.
wrap_ups = Table(
    "wrap_ups",
    metadata,
    Column("token", String, primary_key=True),
    Column("agent", String, nullable=False),
    Column("queue", String, nullable=False),
    Column("entry", String, nullable=False),
    Column("call", String),
    Column("began_at", Instant, nullable=False),
    Column("code", String, nullable=False),
    Column("resolved", Boolean),
    Column("notes", LargeBinary),  # sealed; NULL: none
    Column("at", Instant, nullable=False),
    Index("ix_wrap_ups_agent", "agent", "began_at"),
    Index("ix_wrap_ups_queue", "queue", "began_at"),
    Index("ix_wrap_ups_personal", "at",
          postgresql_where=text("notes IS NOT NULL"), sqlite_where=text("notes IS NOT NULL")),
    Index("ix_wrap_ups_entry", "entry"),
)  # fmt: skip

# How callers said it was, on their page (`domain.rating`).
ratings = Table(
    "ratings",
    metadata,
    Column("callback", ForeignKey("callbacks.id"), primary_key=True),
    Column("queue", String, nullable=False),
    Column("agent", String),
    Column("score", Integer, nullable=False),
    Column("at", Instant, nullable=False),
    Column("changed_at", Instant, nullable=False),
    CheckConstraint(f"score BETWEEN {min(SCORES)} AND {max(SCORES)}", name="score"),
    Index("ix_ratings_at", "at"),
)

# --- what is counted ----------------------------------------------------------------------------------------------


def _sums_of_reports() -> list[Column[Any]]:
    """The columns of `domain.reports.Sums`."""
    return [
        Column(field.name, Float if field.type is float else BigInteger, nullable=False, server_default="0")
        for field in fields(Sums)
    ]


# What reports read instead of calls, promises and talks. `at` is the beginning of an hour of the queue's own clock, of
# which `day` and `hour` say what that clock shows; "" is no queue, or everybody.
report_hours = Table(
    "report_hours",
    metadata,
    Column("queue", String, nullable=False),
    Column("at", Instant, nullable=False),
    Column("day", Date, nullable=False),
    Column("hour", Integer, nullable=False),
    *_sums_of_reports(),
    PrimaryKeyConstraint("queue", "at"),
    Index("ix_report_hours_day", "day"),
)

report_days = Table(
    "report_days",
    metadata,
    Column("queue", String, nullable=False),
    Column("agent", String, nullable=False),
    Column("day", Date, nullable=False),
    *_sums_of_reports(),
    PrimaryKeyConstraint("queue", "agent", "day"),
    Index("ix_report_days_day", "day", "agent"),
    Index("ix_report_days_agent", "agent", "day"),
)

# The days of a month together, and the hours of its clock (`hour` -1: all of them), so that a year is read in few rows.
report_months = Table(
    "report_months",
    metadata,
    Column("month", Date, nullable=False),  # its first day
    Column("agent", String, nullable=False),
    Column("hour", Integer, nullable=False),
    Column("queue", String, nullable=False),
    *_sums_of_reports(),
    PrimaryKeyConstraint("month", "agent", "hour", "queue"),
)

# How seconds were spread over the steps of `domain.reports.EDGES`: counts by step. `queue` "" is all of them together.
report_spreads = Table(
    "report_spreads",
    metadata,
    Column("queue", String, nullable=False),
    Column("day", Date, nullable=False),
    Column("what", Word(What), nullable=False),
    Column("steps", Data, nullable=False),
    PrimaryKeyConstraint("queue", "day", "what"),
    Index("ix_report_spreads_day", "day"),
    _among("what", What),
)

# The same of one hour of the clock (`part` "09") or one agent's callers (`part` their key), by the day and by the month
# (`day` is its first), so that a year is put together from a dozen rows a part; and of a month's hours together ("").
report_part_spreads = Table(
    "report_part_spreads",
    metadata,
    Column("by", Word(Part), nullable=False),
    Column("grain", Word(Grain), nullable=False),
    Column("day", Date, nullable=False),
    Column("queue", String, nullable=False),
    Column("part", String, nullable=False),
    Column("what", Word(What), nullable=False),
    Column("steps", Data, nullable=False),
    PrimaryKeyConstraint("by", "grain", "day", "queue", "part", "what"),
    Index("ix_report_part_spreads_part", "by", "part", "queue", "grain", "day"),
    _among("by", Part),
    _among("grain", Grain),
    _among("what", What),
)

# What was going on where the reading for the reports stopped: a call, a promise or an agent each.
report_open = Table(
    "report_open",
    metadata,
    Column("key", String, primary_key=True),
    Column("state", Data, nullable=False),
)

report_mark = Table(
    "report_mark",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=False),
    Column("seq", BigInteger, nullable=False),  # of the journal
    Column("at", Instant, nullable=False),  # of the last row that was counted
    Column("run", String, nullable=False),  # of this counting: another after each that began anew
    CheckConstraint("id = 1", name="one"),
)

# --- changes that take effect later -----------------------------------------------------------------------------

_PLAN_WAITS = text("state = 'waiting'")
planned_policies = Table(
    "planned_policies",
    metadata,
    Column("id", String, primary_key=True),
    Column("queue", ForeignKey("queues.key"), nullable=False),
    Column("changes", Given, nullable=False),
    Column("effective_at", Instant, nullable=False),
    Column("by", String, nullable=False),
    Column("role", String, nullable=False),
    Column("why", String, nullable=False),
    Column("created_at", Instant, nullable=False),
    Column("state", String, nullable=False),
    Column("version", Integer),
    Column("ended_at", Instant),
    Column("ended_by", String, nullable=False),
    Column("note", String, nullable=False),
    Index("ix_planned_policies_due", "effective_at", postgresql_where=_PLAN_WAITS, sqlite_where=_PLAN_WAITS),
)

# The house's own wording of sentences (`domain.wording`), every version. `queue` is "" for all queues.
wordings = Table(
    "wordings",
    metadata,
    Column("queue", String, primary_key=True),
    Column("sentence", String, primary_key=True),
    Column("version", Integer, primary_key=True, autoincrement=False),
    Column("texts", Given, nullable=False),
    Column("at", Instant, nullable=False),
    Column("by", String, nullable=False),
    Column("why", String, nullable=False),
)

# --- who changed what -------------------------------------------------------------------------------------------

# The audit log (`domain.acts`). No number and no caller's name in it: nothing of it is ever blanked.
acts = Table(
    "acts",
    metadata,
    Column("seq", Counter, primary_key=True, autoincrement=True),
    Column("at", Instant, nullable=False),
    Column("by", String, nullable=False),
    Column("role", String, nullable=False),
    Column("what", String, nullable=False),
    Column("subject", String, nullable=False),
    Column("queue", String, nullable=False),
    Column("before", Given),
    Column("after", Given),
    Column("cause", String, nullable=False),
    Index("ix_acts_at", "at"),
    Index("ix_acts_subject", "subject", "seq"),
    Index("ix_acts_queue", "queue", "seq"),
    sqlite_autoincrement=True,  # a number never comes again
)

JOURNAL_LOCK = 7_305_808_869_231_650_667
"""The advisory lock under which journal rows are numbered."""

# A reader asks for rows above the highest number it has seen. On PostgreSQL a number is given at the insert but the row
# is seen at the commit, so that a transaction which commits late would slip in below the reader's mark and be missed
# for ever. So numbers are given under a lock that is held until the commit is visible: they appear in order. The
# database takes it by itself, whoever writes and without a round trip of its own; `journal.py` inserts at the very end
# of a transaction, so that it is held for the commit only. (SQLite has one writer at a time.)
JOURNAL_DDL = {
    "postgresql": (
        f"""CREATE FUNCTION journal_in_order() RETURNS trigger LANGUAGE plpgsql AS
$$ BEGIN PERFORM pg_advisory_xact_lock({JOURNAL_LOCK}); RETURN NULL; END $$""",
        """CREATE TRIGGER journal_in_order BEFORE INSERT ON journal
FOR EACH STATEMENT EXECUTE FUNCTION journal_in_order()""",
        """CREATE FUNCTION journal_append_only() RETURNS trigger LANGUAGE plpgsql AS
$$ BEGIN RAISE EXCEPTION 'the journal is only ever appended to'; END $$""",
        """CREATE TRIGGER journal_append_only BEFORE UPDATE ON journal
FOR EACH STATEMENT EXECUTE FUNCTION journal_append_only()""",
    ),
    "sqlite": (
        """CREATE TRIGGER journal_append_only BEFORE UPDATE ON journal
BEGIN SELECT RAISE(ABORT, 'the journal is only ever appended to'); END""",
    ),
}


ACTS_DDL = {
    "postgresql": (
        """CREATE FUNCTION acts_append_only() RETURNS trigger LANGUAGE plpgsql AS
$$ BEGIN RAISE EXCEPTION 'the audit log is only ever appended to'; END $$""",
        """CREATE TRIGGER acts_append_only BEFORE UPDATE OR DELETE ON acts
FOR EACH STATEMENT EXECUTE FUNCTION acts_append_only()""",
    ),
    "sqlite": (
        """CREATE TRIGGER acts_never_changed BEFORE UPDATE ON acts
BEGIN SELECT RAISE(ABORT, 'the audit log is only ever appended to'); END""",
        """CREATE TRIGGER acts_never_deleted BEFORE DELETE ON acts
BEGIN SELECT RAISE(ABORT, 'the audit log is only ever appended to'); END""",
    ),
}


def _guard(table: Table, ddl_of: Mapping[str, Iterable[str]]) -> None:
    for dialect, statements in ddl_of.items():
        for statement in statements:
            ddl = DDL(statement)  # type: ignore[no-untyped-call]
            event.listen(table, "after_create", ddl.execute_if(dialect=dialect))


_guard(journal, JOURNAL_DDL)
_guard(acts, ACTS_DDL)
