"""How callers say it was, and spreads of seconds by the hour of the clock and by agent.

Only adds, so that a version which knows nothing of it runs beside one that does. What was counted before has neither:
`callback reports rebuild` counts it anew.
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

revision = "0017"
down_revision = "0016"
branch_labels = None
depends_on = None
phase = "expand"

Data = sa.JSON().with_variant(JSONB(), "postgresql")
SUMS = ("rated", "satisfied")
OF_SUMS = ("report_hours", "report_days")


def upgrade() -> None:
    op.create_table(
        "ratings",
        sa.Column("callback", sa.String, nullable=False),
        sa.Column("queue", sa.String, nullable=False),
        sa.Column("agent", sa.String),
        sa.Column("score", sa.Integer, nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("changed_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("callback", name="pk_ratings"),
        sa.ForeignKeyConstraint(["callback"], ["callbacks.id"], name="fk_ratings_callback"),
        sa.CheckConstraint("score BETWEEN 1 AND 5", name="score"),
    )
    op.create_index("ix_ratings_at", "ratings", ["at"])
    op.create_table(
        "report_part_spreads",
        sa.Column("by", sa.String, nullable=False),
        sa.Column("grain", sa.String, nullable=False),
        sa.Column("day", sa.Date, nullable=False),
        sa.Column("queue", sa.String, nullable=False),
        sa.Column("part", sa.String, nullable=False),
        sa.Column("what", sa.String, nullable=False),
        sa.Column("steps", Data, nullable=False),
        sa.PrimaryKeyConstraint("by", "grain", "day", "queue", "part", "what", name="pk_report_part_spreads"),
        sa.CheckConstraint("by IN ('hour', 'agent')", name="by"),
        sa.CheckConstraint("grain IN ('day', 'month')", name="grain"),
        sa.CheckConstraint("what IN ('live', 'back', 'left')", name="what"),
    )
    for table in OF_SUMS:
        for name in SUMS:
            op.add_column(table, sa.Column(name, sa.BigInteger, nullable=False, server_default="0"))


def downgrade() -> None:
    for table in OF_SUMS:
        for name in SUMS:
            op.drop_column(table, name)
    op.drop_table("report_part_spreads")
    op.drop_table("ratings")
