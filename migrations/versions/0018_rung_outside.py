"""How often each number outside was rung in a talk, whoever else was asked in it before or after.

Only adds, so that a version which knows nothing of it runs beside one that does: what that one counts goes on being
counted for agents, and for numbers as soon as the talk is written again.
"""

import sqlalchemy as sa
from alembic import op

revision = "0018"
down_revision = "0017"
branch_labels = None
depends_on = None
phase = "expand"


def upgrade() -> None:
    op.create_table(
        "rung_outside",
        sa.Column("token", sa.String, nullable=False),
        sa.Column("number_hash", sa.String, nullable=False),
        sa.Column("times", sa.Integer, nullable=False),
        sa.Column("began_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("token", "number_hash", name="pk_rung_outside"),
    )
    op.create_index("ix_rung_outside_number", "rung_outside", ["number_hash", "began_at"])
    op.create_index("ix_rung_outside_began", "rung_outside", ["began_at"])


def downgrade() -> None:
    op.drop_table("rung_outside")
