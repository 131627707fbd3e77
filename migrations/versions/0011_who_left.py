"""Waits that whoever left the line would have had: found by queue, and counted among those that are judged.

Only adds, so that a version which knows nothing of it runs beside one that does.
"""

import sqlalchemy as sa
from alembic import op

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None
phase = "expand"

PARTED = "offered_s IS NULL AND fate IN ('left', 'promised')"


def upgrade() -> None:
    op.add_column("prediction_hours", sa.Column("parted", sa.BigInteger, nullable=False, server_default="0"))
    op.create_index(
        "ix_predictions_parted",
        "predictions",
        ["queue", "fate_at"],
        postgresql_where=sa.text(PARTED),
        sqlite_where=sa.text(PARTED),
    )


def downgrade() -> None:
    op.drop_index("ix_predictions_parted", "predictions")
    op.drop_column("prediction_hours", "parted")
