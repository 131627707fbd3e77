"""The record: queues, people, promises, calls, texts and the journal.

A copy of the tables as they were first released, which later changes of the product's own definitions do not touch.
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

OPEN = "'waiting', 'scheduled', 'reserved', 'dialing', 'answered', 'bridged', 'reconciling'"
ENDED = "'completed', 'cancelled', 'unreached', 'expired', 'failed'"
IS_OPEN = f"state IN ({OPEN})"
IS_RUNG = "attempt IS NOT NULL AND state IN ('dialing', 'answered', 'bridged', 'reconciling')"
HAS_ENDED = f"state IN ({ENDED})"
OUTCOMES = (
    "'talked', 'no_answer', 'busy', 'voicemail', 'no_key', 'later', 'not_needed', 'hung_up', 'failed', 'undialable', "
    "'refused', 'cancelled', 'superseded', 'agent_missed', 'never_placed'"
)
JOURNAL_LOCK = 7305808869231650667

Data = sa.JSON().with_variant(JSONB(), "postgresql")
Counter = sa.BigInteger().with_variant(sa.Integer(), "sqlite")

metadata = sa.MetaData(
    naming_convention={
        "pk": "pk_%(table_name)s",
        "fk": "fk_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "ck": "ck_%(table_name)s_%(constraint_name)s",
    }
)


queues = sa.Table(
    "queues",
    metadata,
    sa.Column("key", sa.String, primary_key=True),
    sa.Column("name", sa.String, nullable=False),
    sa.Column("version", sa.Integer, nullable=False),
    sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
    sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
)

queue_numbers = sa.Table(
    "queue_numbers",
    metadata,
    sa.Column("number", sa.String, primary_key=True),
    sa.Column("queue", sa.ForeignKey("queues.key"), nullable=False),
    sa.Column("rank", sa.Integer, nullable=False),
    sa.Index("ix_queue_numbers_queue", "queue"),
)

policies = sa.Table(
    "policies",
    metadata,
    sa.Column("queue", sa.ForeignKey("queues.key"), nullable=False),
    sa.Column("version", sa.Integer, nullable=False),
    sa.Column("policy", Data, nullable=False),
    sa.Column("at", sa.DateTime(timezone=True), nullable=False),
    sa.Column("by", sa.String, nullable=False),
    sa.Column("why", sa.String, nullable=False),
    sa.PrimaryKeyConstraint("queue", "version"),
)

agents = sa.Table(
    "agents",
    metadata,
    sa.Column("key", sa.String, primary_key=True),
    sa.Column("name", sa.LargeBinary, nullable=False),
    sa.Column("contact", sa.LargeBinary, nullable=False),
    sa.Column("wanted", sa.String),
    sa.Column("wanted_at", sa.DateTime(timezone=True)),
    sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
    sa.CheckConstraint("wanted IN ('available', 'away', 'offline')", name="wanted"),
)

agent_queues = sa.Table(
    "agent_queues",
    metadata,
    sa.Column("agent", sa.ForeignKey("agents.key"), nullable=False),
    sa.Column("queue", sa.ForeignKey("queues.key"), nullable=False),
    sa.Column("level", sa.Integer, nullable=False),
    sa.Column("rank", sa.Integer, nullable=False),
    sa.PrimaryKeyConstraint("agent", "queue"),
    sa.Index("ix_agent_queues_queue", "queue"),
)

users = sa.Table(
    "users",
    metadata,
    sa.Column("email", sa.String, primary_key=True),
    sa.Column("role", sa.String, nullable=False),
    sa.Column("password_hash", sa.String, nullable=False),
    sa.Column("agent", sa.String),
    sa.Column("disabled", sa.Boolean, nullable=False),
    sa.CheckConstraint("role IN ('viewer', 'supervisor', 'admin', 'agent')", name="role"),
)

tokens = sa.Table(
    "tokens",
    metadata,
    sa.Column("name", sa.String, primary_key=True),
    sa.Column("role", sa.String, nullable=False),
    sa.Column("token_hash", sa.String, nullable=False),
    sa.UniqueConstraint("token_hash"),
    sa.CheckConstraint("role IN ('viewer', 'supervisor', 'admin', 'agent')", name="role"),
)

callbacks = sa.Table(
    "callbacks",
    metadata,
    sa.Column("id", sa.String, primary_key=True),
    sa.Column("queue", sa.ForeignKey("queues.key"), nullable=False),
    sa.Column("state", sa.String, nullable=False),
    sa.Column("number", sa.LargeBinary, nullable=False),
    sa.Column("number_hash", sa.String, nullable=False),
    sa.Column("joined_at", sa.DateTime(timezone=True), nullable=False),
    sa.Column("score", sa.BigInteger, nullable=False),
    sa.Column("language", sa.String, nullable=False),
    sa.Column("source", sa.String, nullable=False),
    sa.Column("attempts_left", sa.Integer, nullable=False),
    sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
    sa.Column("version", sa.Integer, nullable=False),
    sa.Column("priority", sa.String, nullable=False),
    sa.Column("name", sa.LargeBinary),
    sa.Column("proved", sa.Boolean, nullable=False),
    sa.Column("requested_for", sa.DateTime(timezone=True)),
    sa.Column("next_attempt_at", sa.DateTime(timezone=True)),
    sa.Column("attempt", sa.String),
    sa.Column("attempts_made", sa.Integer, nullable=False),
    sa.Column("leg", sa.String),
    sa.Column("agent", sa.String),
    sa.Column("origin", sa.String),
    sa.Column("promised_from", sa.DateTime(timezone=True)),
    sa.Column("promised_to", sa.DateTime(timezone=True)),
    sa.Column("token", sa.LargeBinary),
    sa.Column("token_hash", sa.String),
    sa.Column("context", sa.LargeBinary),
    sa.Column("reminded_at", sa.DateTime(timezone=True)),
    sa.Column("moved_at", sa.DateTime(timezone=True), nullable=False),
    sa.Column("ended_at", sa.DateTime(timezone=True)),
    sa.Column("end_reason", sa.String, nullable=False),
    sa.UniqueConstraint("origin"),
    sa.UniqueConstraint("token_hash"),
    sa.CheckConstraint(
        f"state IN ({OPEN}, {ENDED})",
        name="state",
    ),
    sa.CheckConstraint("source IN ('call', 'api', 'console')", name="source"),
    sa.CheckConstraint(f"(ended_at IS NULL) = ({IS_OPEN})", name="ended"),
    sa.Index(
        "uq_callbacks_open_number",
        "queue",
        "number_hash",
        unique=True,
        postgresql_where=sa.text(IS_OPEN),
        sqlite_where=sa.text(IS_OPEN),
    ),
    sa.Index(
        "uq_callbacks_rung_number",
        "number_hash",
        unique=True,
        postgresql_where=sa.text(IS_RUNG),
        sqlite_where=sa.text(IS_RUNG),
    ),
    sa.Index(
        "ix_callbacks_ended", "state", "ended_at", postgresql_where=sa.text(HAS_ENDED), sqlite_where=sa.text(HAS_ENDED)
    ),
    sa.Index("ix_callbacks_open", "id", postgresql_where=sa.text(IS_OPEN), sqlite_where=sa.text(IS_OPEN)),
    sa.Index(
        "ix_callbacks_retry",
        "next_attempt_at",
        postgresql_where=sa.text("state = 'waiting'"),
        sqlite_where=sa.text("state = 'waiting'"),
    ),
    sa.Index(
        "ix_callbacks_requested",
        "requested_for",
        postgresql_where=sa.text("state = 'scheduled'"),
        sqlite_where=sa.text("state = 'scheduled'"),
    ),
    sa.Index("ix_callbacks_newest", "created_at", "id"),
    sa.Index("ix_callbacks_queue", "queue", "created_at", "id"),
    sa.Index("ix_callbacks_number", "number_hash", "created_at"),
)

idempotency = sa.Table(
    "idempotency",
    metadata,
    sa.Column("key", sa.String, primary_key=True),
    sa.Column("body_hash", sa.String, nullable=False),
    sa.Column("callback", sa.ForeignKey("callbacks.id", deferrable=True, initially="DEFERRED"), nullable=False),
    sa.Column("at", sa.DateTime(timezone=True), nullable=False),
    sa.Index("ix_idempotency_callback", "callback"),
    sa.Index("ix_idempotency_at", "at"),
)

attempts = sa.Table(
    "attempts",
    metadata,
    sa.Column("id", sa.String, primary_key=True),
    sa.Column("callback", sa.ForeignKey("callbacks.id"), nullable=False),
    sa.Column("number", sa.Integer, nullable=False),
    sa.Column("mode", sa.String, nullable=False),
    sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
    sa.Column("token", sa.String),
    sa.Column("agent", sa.String),
    sa.Column("call", sa.String),
    sa.Column("agent_call", sa.String),
    sa.Column("asked_at", sa.DateTime(timezone=True)),
    sa.Column("answered_at", sa.DateTime(timezone=True)),
    sa.Column("answered_by", sa.String, nullable=False),
    sa.Column("bridged_at", sa.DateTime(timezone=True)),
    sa.Column("ended_at", sa.DateTime(timezone=True)),
    sa.Column("outcome", sa.String),
    sa.Column("error", sa.String, nullable=False),
    sa.UniqueConstraint("callback", "number"),
    sa.CheckConstraint("mode IN ('agent_first', 'customer_first', 'dial_ahead')", name="mode"),
    sa.CheckConstraint(
        f"outcome IN ({OUTCOMES})",
        name="outcome",
    ),
    sa.Index("ix_attempts_created", "created_at"),
)

legs = sa.Table(
    "legs",
    metadata,
    sa.Column("call", sa.String, primary_key=True),
    sa.Column("kind", sa.String, nullable=False),
    sa.Column("queue", sa.String, nullable=False),
    sa.Column("state", sa.String, nullable=False),
    sa.Column("number", sa.LargeBinary),
    sa.Column("number_hash", sa.String),
    sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
    sa.Column("joined_at", sa.DateTime(timezone=True)),
    sa.Column("language", sa.String, nullable=False),
    sa.Column("score", sa.BigInteger, nullable=False),
    sa.Column("callback", sa.String),
    sa.Column("attempt", sa.String),
    sa.Column("agent", sa.String),
    sa.Column("token", sa.String),
    sa.Column("quoted_p50", sa.Float),
    sa.Column("quoted_p80", sa.Float),
    sa.Column("offered", sa.Boolean, nullable=False),
    sa.Column("offer_reason", sa.String, nullable=False),
    sa.Column("bridged_at", sa.DateTime(timezone=True)),
    sa.Column("ended_at", sa.DateTime(timezone=True)),
    sa.Column("waited_s", sa.Float),
    sa.Column("handled_s", sa.Float),
    sa.CheckConstraint("kind IN ('inbound', 'customer', 'agent')", name="kind"),
    sa.Index(
        "ix_legs_open",
        "created_at",
        postgresql_where=sa.text("ended_at IS NULL"),
        sqlite_where=sa.text("ended_at IS NULL"),
    ),
    sa.Index("ix_legs_queue", "queue", "created_at"),
    sa.Index("ix_legs_callback", "callback"),
    sa.Index("ix_legs_number", "number_hash"),
)

carrier_events = sa.Table(
    "carrier_events",
    metadata,
    sa.Column("call", sa.String, nullable=False),
    sa.Column("event", sa.String, nullable=False),
    sa.Column("sequence", sa.String, nullable=False),
    sa.Column("at", sa.DateTime(timezone=True), nullable=False),
    sa.PrimaryKeyConstraint("call", "event", "sequence"),
    sa.Index("ix_carrier_events_at", "at"),
)

messages = sa.Table(
    "messages",
    metadata,
    sa.Column("id", sa.String, primary_key=True),
    sa.Column("callback", sa.ForeignKey("callbacks.id")),
    sa.Column("kind", sa.String, nullable=False),
    sa.Column("number", sa.LargeBinary, nullable=False),
    sa.Column("number_hash", sa.String, nullable=False),
    sa.Column("body", sa.LargeBinary, nullable=False),
    sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
    sa.Column("sid", sa.String, nullable=False),
    sa.Column("status", sa.String, nullable=False),
    sa.Column("error", sa.String, nullable=False),
    sa.Index("ix_messages_callback", "callback"),
    sa.Index("ix_messages_number", "number_hash"),
    sa.Index(
        "ix_messages_unsent",
        "created_at",
        postgresql_where=sa.text("sid = '' AND status = 'queued'"),
        sqlite_where=sa.text("sid = '' AND status = 'queued'"),
    ),
)
opt_outs = sa.Table(
    "opt_outs",
    metadata,
    sa.Column("number_hash", sa.String, primary_key=True),
    sa.Column("at", sa.DateTime(timezone=True), nullable=False),
)

suppressed = sa.Table(
    "suppressed",
    metadata,
    sa.Column("number_hash", sa.String, primary_key=True),
    sa.Column("reason", sa.String, nullable=False),
    sa.Column("at", sa.DateTime(timezone=True), nullable=False),
)

journal = sa.Table(
    "journal",
    metadata,
    sa.Column("seq", Counter, primary_key=True, autoincrement=True),
    sa.Column("at", sa.DateTime(timezone=True), nullable=False),
    sa.Column("kind", sa.String, nullable=False),
    sa.Column("subject", sa.String, nullable=False),
    sa.Column("before", sa.String),
    sa.Column("after", sa.String, nullable=False),
    sa.Column("reason", sa.String, nullable=False),
    sa.Column("cause", sa.String, nullable=False),
    sa.Column("queue", sa.String, nullable=False),
    sa.Column("data", Data, nullable=False),
    sa.CheckConstraint("kind IN ('callback', 'call', 'agent', 'queue')", name="kind"),
    sa.Index("ix_journal_subject", "kind", "subject", "seq"),
    sa.Index("ix_journal_at", "at"),
    sqlite_autoincrement=True,
)

stream_mark = sa.Table(
    "stream_mark",
    metadata,
    sa.Column("id", sa.Integer, primary_key=True, autoincrement=False),
    sa.Column("mark", sa.String, nullable=False),
    sa.CheckConstraint("id = 1", name="one"),
)

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


def upgrade() -> None:
    metadata.create_all(op.get_bind(), checkfirst=False)
    for statement in JOURNAL_DDL[op.get_bind().dialect.name]:
        op.execute(statement)


def downgrade() -> None:
    metadata.drop_all(op.get_bind(), checkfirst=False)
    if op.get_bind().dialect.name == "postgresql":
        op.execute("DROP FUNCTION journal_in_order()")
        op.execute("DROP FUNCTION journal_append_only()")
