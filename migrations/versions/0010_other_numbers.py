"""Another number for a callback, until it is proved by a one-time code.

Only adds, so that a version which knows nothing of it runs beside one that does.
"""

import sqlalchemy as sa
from alembic import op

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None
phase = "expand"


def upgrade() -> None:
    op.create_table(
        "number_changes",
        sa.Column("callback", sa.String, nullable=False),
        sa.Column("number", sa.LargeBinary, nullable=False),
        sa.Column("number_hash", sa.String, nullable=False),
        sa.Column("new_hash", sa.String, nullable=False),
        sa.Column("old_hash", sa.String, nullable=False),
        sa.Column("sent_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("tries_left", sa.Integer, nullable=False),
        sa.PrimaryKeyConstraint("callback", name="pk_number_changes"),
        sa.ForeignKeyConstraint(["callback"], ["callbacks.id"], name="fk_number_changes_callback"),
    )
    op.create_index("ix_number_changes_sent", "number_changes", ["sent_at"])
    op.create_index("ix_number_changes_number", "number_changes", ["number_hash"])


def downgrade() -> None:
    op.drop_table("number_changes")
