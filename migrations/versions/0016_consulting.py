"""Whom an agent asks before passing a caller on, and how often telephones outside were rung for callers.

Only adds, so that a version which knows nothing of it runs beside one that does: to it, the caller is on hold.
"""

from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0016"
down_revision = "0015"
branch_labels = None
depends_on = None
phase = "expand"

Instant = sa.DateTime(timezone=True)
HASHED, ASKED = sa.text("to_hash IS NOT NULL"), sa.text("asked_at IS NOT NULL")
COUNTED = ("report_hours", "report_days")


def columns() -> tuple[sa.Column[Any], ...]:
    return (
        sa.Column("stage", sa.String, nullable=False, server_default=""),
        sa.Column("other", sa.String, nullable=False, server_default=""),
        sa.Column("other_token", sa.String, nullable=False, server_default=""),
        sa.Column("other_leg", sa.String, nullable=False, server_default=""),
        sa.Column("other_at", Instant),
        sa.Column("other_room", sa.Integer, nullable=False, server_default="0"),
        sa.Column("came_to", sa.String, nullable=False, server_default=""),
        sa.Column("warm", sa.Boolean, nullable=False, server_default=sa.false()),
        sa.Column("asked_at", Instant),
        sa.Column("outside", sa.Integer, nullable=False, server_default="0"),
        sa.Column("to_hash", sa.String),
    )


def upgrade() -> None:
    for column in columns():
        op.add_column("talks", column)
    op.create_index("ix_talks_to_hash", "talks", ["to_hash", "began_at"], postgresql_where=HASHED, sqlite_where=HASHED)
    op.create_index("ix_talks_asked", "talks", ["asked_at"], postgresql_where=ASKED, sqlite_where=ASKED)
    for table in COUNTED:
        op.add_column(table, sa.Column("announced", sa.BigInteger, nullable=False, server_default="0"))


def downgrade() -> None:
    for table in COUNTED:
        op.drop_column(table, "announced")
    op.drop_index("ix_talks_asked", "talks")
    op.drop_index("ix_talks_to_hash", "talks")
    for column in reversed(columns()):
        op.drop_column("talks", column.name)
