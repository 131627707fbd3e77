"""What reports are made of: sums by the hour and the day, spreads of seconds, and how far the journal was counted.

Only adds, so that a version which knows nothing of it runs beside one that does. The journal is counted from its first
row, so that a house with a past has its reports.
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

revision = "0012"
down_revision = "0011"
branch_labels = None
depends_on = None
phase = "expand"

Data = sa.JSON().with_variant(JSONB(), "postgresql")
COUNTS_OF_CALLERS = ("offered", "answered", "abandoned", "short", "took", "turned_away", "shown")
WITHIN = tuple(f"in_{target}" for target in (5, 10, 15, 20, 30, 45, 60, 90, 120, 180, 300))
OF_PROMISES = ("promised", "completed", "unreached", "cancelled", "expired", "failed", "met", "back")
OF_AGENTS = ("missed", "declined", "transfers", "said", "resolved")
WHOLE = "whole"
SUMS = (
    *((name, WHOLE) for name in COUNTS_OF_CALLERS),
    *((name, "") for name in ("wait_s", "left_s")),
    *((name, WHOLE) for name in (*WITHIN, *OF_PROMISES)),
    ("back_s", ""),
    *((name, WHOLE) for name in ("talks", "back_talks")),
    *((name, "") for name in ("ring_s", "talk_s", "hold_s", "wrap_s", "work_s", "free_s")),
    *((name, WHOLE) for name in OF_AGENTS),
)


def sums() -> "list[sa.Column[float]]":
    return [
        sa.Column(name, sa.BigInteger if kind == WHOLE else sa.Float, nullable=False, server_default="0")
        for name, kind in SUMS
    ]


def upgrade() -> None:
    op.create_table(
        "report_hours",
        sa.Column("queue", sa.String, nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("day", sa.Date, nullable=False),
        sa.Column("hour", sa.Integer, nullable=False),
        *sums(),
        sa.PrimaryKeyConstraint("queue", "at", name="pk_report_hours"),
    )
    op.create_index("ix_report_hours_day", "report_hours", ["day"])
    op.create_table(
        "report_days",
        sa.Column("queue", sa.String, nullable=False),
        sa.Column("agent", sa.String, nullable=False),
        sa.Column("day", sa.Date, nullable=False),
        *sums(),
        sa.PrimaryKeyConstraint("queue", "agent", "day", name="pk_report_days"),
    )
    op.create_index("ix_report_days_day", "report_days", ["day", "agent"])
    op.create_table(
        "report_spreads",
        sa.Column("queue", sa.String, nullable=False),
        sa.Column("day", sa.Date, nullable=False),
        sa.Column("what", sa.String, nullable=False),
        sa.Column("steps", Data, nullable=False),
        sa.PrimaryKeyConstraint("queue", "day", "what", name="pk_report_spreads"),
        sa.CheckConstraint("what IN ('live', 'back', 'left')", name="what"),
    )
    op.create_index("ix_report_spreads_day", "report_spreads", ["day"])
    op.create_table(
        "report_open",
        sa.Column("key", sa.String, nullable=False),
        sa.Column("state", Data, nullable=False),
        sa.PrimaryKeyConstraint("key", name="pk_report_open"),
    )
    op.create_table(
        "report_mark",
        sa.Column("id", sa.Integer, nullable=False, autoincrement=False),
        sa.Column("seq", sa.BigInteger, nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("run", sa.String, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_report_mark"),
        sa.CheckConstraint("id = 1", name="one"),
    )


def downgrade() -> None:
    for table in ("report_mark", "report_open", "report_spreads", "report_days", "report_hours"):
        op.drop_table(table)
