"""What guards the line: the epoch by which a lost or stale one is known, and whatever was taken out because it failed.

Only adds, so that a version which knows nothing of it runs beside one that does.
"""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None
phase = "expand"

RESOLUTIONS = "'', 'retried', 'dropped', 'went_away'"


def upgrade() -> None:
    op.create_table(
        "epoch",
        sa.Column("id", sa.Integer, autoincrement=False),
        sa.Column("number", sa.BigInteger, nullable=False),
        sa.Column("run", sa.String, nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("rebuilding_until", sa.DateTime(timezone=True)),
        sa.PrimaryKeyConstraint("id", name="pk_epoch"),
        sa.CheckConstraint("id = 1", name="one"),
    )
    op.create_table(
        "quarantine",
        sa.Column("id", sa.String, nullable=False),
        sa.Column("kind", sa.String, nullable=False),
        sa.Column("subject", sa.String, nullable=False),
        sa.Column("queue", sa.String, nullable=False),
        sa.Column("step", sa.String, nullable=False),
        sa.Column("reason", sa.String, nullable=False),
        sa.Column("times", sa.Integer, nullable=False),
        sa.Column("first_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("last_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("held_at", sa.DateTime(timezone=True)),
        sa.Column("resolved_at", sa.DateTime(timezone=True)),
        sa.Column("resolution", sa.String, nullable=False),
        sa.Column("by", sa.String, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_quarantine"),
        sa.CheckConstraint("kind IN ('callback', 'call', 'text', 'event', 'step')", name="kind"),
        sa.CheckConstraint(f"resolution IN ({RESOLUTIONS})", name="resolution"),
    )
    op.create_index(
        "uq_quarantine_open",
        "quarantine",
        ["kind", "subject"],
        unique=True,
        postgresql_where=sa.text("resolved_at IS NULL"),
        sqlite_where=sa.text("resolved_at IS NULL"),
    )
    op.create_index("ix_quarantine_held", "quarantine", ["held_at"])
    op.create_index("ix_callbacks_number_ended", "callbacks", ["number_hash", "ended_at"])
    op.add_column("attempts", sa.Column("met_at", sa.DateTime(timezone=True)))


def downgrade() -> None:
    op.drop_column("attempts", "met_at")
    op.drop_index("ix_callbacks_number_ended", "callbacks")
    op.drop_table("quarantine")
    op.drop_table("epoch")
