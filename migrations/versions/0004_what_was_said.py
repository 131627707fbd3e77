"""What callers were told, what happened then, and the sums from which its figures follow.

Only adds, so that a version which knows nothing of it runs beside one that does.
"""

from typing import Any

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None
phase = "expand"

MOMENTS = "'arrival', 'menu', 'hold', 'promise', 'refused'"
FATES = "'connected', 'left', 'promised', 'cancelled', 'unreached', 'expired', 'failed', 'moved', 'ended'"
COUNTED = ("told", "unknown", "connected", "left", "promised", "ended", "kept", "early", "late", "unrung")
SECONDS = ("mean", "p10", "p50", "p80", "p90")

Data = sa.JSON().with_variant(JSONB(), "postgresql")
Counter = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    op.create_table(
        "predictions",
        sa.Column("seq", Counter, autoincrement=True),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("queue", sa.String, nullable=False),
        sa.Column("subject", sa.String, nullable=False),
        sa.Column("moment", sa.String, nullable=False),
        sa.Column("told", sa.Boolean, nullable=False),
        sa.Column("place", sa.Integer),
        sa.Column("joined_at", sa.DateTime(timezone=True)),
        *(sa.Column(name, sa.Float) for name in SECONDS),
        *(sa.Column(f"simple_{name}", sa.Float) for name in SECONDS),
        sa.Column("model", sa.String, nullable=False),
        sa.Column("basis", sa.String, nullable=False),
        sa.Column("low_min", sa.Integer),
        sa.Column("high_min", sa.Integer),
        sa.Column("promised_from", sa.DateTime(timezone=True)),
        sa.Column("promised_to", sa.DateTime(timezone=True)),
        sa.Column("offering", sa.Boolean, nullable=False),
        sa.Column("reason", sa.String, nullable=False),
        sa.Column("sentence", sa.String, nullable=False),
        sa.Column("inputs", Data, nullable=False),
        sa.Column("fate", sa.String),
        sa.Column("fate_at", sa.DateTime(timezone=True)),
        sa.Column("waited_s", sa.Float),
        sa.Column("since_joined_s", sa.Float),
        sa.Column("offered_s", sa.Float),
        sa.Column("actual_s", sa.Float),
        sa.Column("rang_at", sa.DateTime(timezone=True)),
        sa.Column("talked_at", sa.DateTime(timezone=True)),
        sa.PrimaryKeyConstraint("seq", name="pk_predictions"),
        sa.CheckConstraint(f"moment IN ({MOMENTS})", name="moment"),
        sa.CheckConstraint(f"fate IN ({FATES})", name="fate"),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_predictions_queue", "predictions", ["queue", "seq"])
    op.create_index("ix_predictions_subject", "predictions", ["subject"])
    op.create_index(
        "ix_predictions_unsettled",
        "predictions",
        ["subject"],
        postgresql_where=sa.text("fate IS NULL"),
        sqlite_where=sa.text("fate IS NULL"),
    )
    op.create_table(
        "prediction_hours",
        sa.Column("queue", sa.String, nullable=False),
        sa.Column("hour", sa.DateTime(timezone=True), nullable=False),
        sa.Column("moment", sa.String, nullable=False),
        sa.Column("model", sa.String, nullable=False),
        *(sa.Column(name, sa.BigInteger, nullable=False) for name in COUNTED),
        sa.Column("early_s", sa.Float, nullable=False),
        sa.Column("late_s", sa.Float, nullable=False),
        *sums("ours_"),
        *sums("simple_"),
        sa.PrimaryKeyConstraint("queue", "hour", "moment", "model", name="pk_prediction_hours"),
        sa.CheckConstraint(f"moment IN ({MOMENTS})", name="moment"),
    )
    op.create_table(
        "said_mark",
        sa.Column("id", sa.Integer, autoincrement=False),
        sa.Column("stream", sa.String, nullable=False),
        sa.Column("seq", sa.BigInteger, nullable=False),
        sa.Column("written", sa.BigInteger, nullable=False),
        sa.Column("judged", sa.BigInteger, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_said_mark"),
        sa.CheckConstraint("id = 1", name="one"),
    )


def sums(prefix: str) -> list[sa.Column[Any]]:
    counts, seconds = ("scored", "below", "over80", "over90"), ("square", "absolute", "signed", "width")
    return [sa.Column(prefix + name, sa.BigInteger, nullable=False) for name in counts] + [
        sa.Column(prefix + name, sa.Float, nullable=False) for name in seconds
    ]


def downgrade() -> None:
    op.drop_table("said_mark")
    op.drop_table("prediction_hours")
    op.drop_table("predictions")
