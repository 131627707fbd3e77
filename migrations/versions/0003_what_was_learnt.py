"""What was learnt about waits, so that an estimator that starts anew goes on where the last one stopped.

Only adds, so that a version which knows nothing of it runs beside one that does.
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None
phase = "expand"


def upgrade() -> None:
    op.create_table(
        "wait_models",
        sa.Column("pool", sa.String, nullable=False),
        sa.Column("version", sa.Integer, nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("seq", sa.BigInteger, nullable=False),
        sa.Column("waits", sa.Integer, nullable=False),
        sa.Column("joining", sa.LargeBinary, nullable=False),
        sa.Column("standing", sa.LargeBinary, nullable=False),
        sa.Column("calibration", sa.JSON().with_variant(JSONB(), "postgresql"), nullable=False),
        sa.Column("share", sa.Float, nullable=False),
        sa.Column("rase_s", sa.Float, nullable=False),
        sa.Column("mae_s", sa.Float, nullable=False),
        sa.Column("simple_rase_s", sa.Float, nullable=False),
        sa.Column("simple_mae_s", sa.Float, nullable=False),
        sa.PrimaryKeyConstraint("pool", "version", name="pk_wait_models"),
    )


def downgrade() -> None:
    op.drop_table("wait_models")
