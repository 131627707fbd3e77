"""What agents' desks add to talks: holds and transfers, and what was written down afterwards.

Only adds, so that a version which knows nothing of it runs beside one that does.
"""

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0007"
branch_labels = None
depends_on = None
phase = "expand"

TO, NOTES = sa.text('"to" IS NOT NULL'), sa.text("notes IS NOT NULL")


def upgrade() -> None:
    op.create_table(
        "talks",
        sa.Column("token", sa.String, nullable=False),
        sa.Column("agent", sa.String, nullable=False),
        sa.Column("queue", sa.String, nullable=False),
        sa.Column("entry", sa.String, nullable=False),
        sa.Column("call", sa.String, nullable=False),
        sa.Column("agent_leg", sa.String, nullable=False),
        sa.Column("began_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("wish", sa.String, nullable=False),
        sa.Column("to", sa.LargeBinary),
        sa.Column("room", sa.Integer, nullable=False),
        sa.Column("agent_room", sa.Integer, nullable=False),
        sa.Column("held_at", sa.DateTime(timezone=True)),
        sa.Column("holds", sa.Integer, nullable=False),
        sa.Column("held_s", sa.Float, nullable=False),
        sa.Column("passed_at", sa.DateTime(timezone=True)),
        sa.PrimaryKeyConstraint("token", name="pk_talks"),
        sa.CheckConstraint("wish IN ('', 'hold', 'queue', 'agent', 'number')", name="wish"),
    )
    op.create_index("ix_talks_agent", "talks", ["agent", "began_at"])
    op.create_index("ix_talks_entry", "talks", ["entry"])
    op.create_index("ix_talks_personal", "talks", ["began_at"], postgresql_where=TO, sqlite_where=TO)
    op.create_table(
        "wrap_ups",
        sa.Column("token", sa.String, nullable=False),
        sa.Column("agent", sa.String, nullable=False),
        sa.Column("queue", sa.String, nullable=False),
        sa.Column("entry", sa.String, nullable=False),
        sa.Column("call", sa.String),
        sa.Column("began_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("code", sa.String, nullable=False),
        sa.Column("resolved", sa.Boolean),
        sa.Column("notes", sa.LargeBinary),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("token", name="pk_wrap_ups"),
    )
    op.create_index("ix_wrap_ups_agent", "wrap_ups", ["agent", "began_at"])
    op.create_index("ix_wrap_ups_queue", "wrap_ups", ["queue", "began_at"])
    op.create_index("ix_wrap_ups_entry", "wrap_ups", ["entry"])
    op.create_index("ix_wrap_ups_personal", "wrap_ups", ["at"], postgresql_where=NOTES, sqlite_where=NOTES)


def downgrade() -> None:
    op.drop_table("wrap_ups")
    op.drop_table("talks")
