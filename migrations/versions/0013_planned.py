"""Changes of a policy that take effect at a time to come.

Only adds, so that a version which knows nothing of it runs beside one that does.
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

revision = "0013"
down_revision = "0012"
branch_labels = None
depends_on = None
phase = "expand"

Data = sa.JSON().with_variant(JSONB(), "postgresql")
WAITING = "state = 'waiting'"


def upgrade() -> None:
    op.create_table(
        "planned_policies",
        sa.Column("id", sa.String, nullable=False),
        sa.Column("queue", sa.String, nullable=False),
        sa.Column("changes", Data, nullable=False),
        sa.Column("effective_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("by", sa.String, nullable=False),
        sa.Column("role", sa.String, nullable=False),
        sa.Column("why", sa.String, nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("state", sa.String, nullable=False),
        sa.Column("version", sa.Integer),
        sa.Column("ended_at", sa.DateTime(timezone=True)),
        sa.Column("ended_by", sa.String, nullable=False),
        sa.Column("note", sa.String, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_planned_policies"),
        sa.ForeignKeyConstraint(["queue"], ["queues.key"], name="fk_planned_policies_queue"),
    )
    op.create_index(
        "ix_planned_policies_due",
        "planned_policies",
        ["effective_at"],
        postgresql_where=sa.text(WAITING),
        sqlite_where=sa.text(WAITING),
    )


def downgrade() -> None:
    op.drop_table("planned_policies")
