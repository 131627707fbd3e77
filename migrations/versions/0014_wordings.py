"""A house's own wording of what callers hear and read, every version of it.

Only adds, so that a version which knows nothing of it runs beside one that does.
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

revision = "0014"
down_revision = "0013"
branch_labels = None
depends_on = None
phase = "expand"

Data = sa.JSON().with_variant(JSONB(), "postgresql")


def upgrade() -> None:
    op.create_table(
        "wordings",
        sa.Column("queue", sa.String, nullable=False),
        sa.Column("sentence", sa.String, nullable=False),
        sa.Column("version", sa.Integer, nullable=False),
        sa.Column("texts", Data, nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("by", sa.String, nullable=False),
        sa.Column("why", sa.String, nullable=False),
        sa.PrimaryKeyConstraint("queue", "sentence", "version", name="pk_wordings"),
    )


def downgrade() -> None:
    op.drop_table("wordings")
