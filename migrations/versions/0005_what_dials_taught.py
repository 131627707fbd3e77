"""What dialling ahead goes by: how long rings, keys, talks and wrap-ups last in each queue, and where reading stopped.

Only adds, so that a version which knows nothing of it runs beside one that does.
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None
phase = "expand"

Data = sa.JSON().with_variant(JSONB(), "postgresql")


def upgrade() -> None:
    op.create_table(
        "lessons",
        sa.Column("queue", sa.String, nullable=False),
        sa.Column("version", sa.Integer, nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("lesson", Data, nullable=False),
        sa.PrimaryKeyConstraint("queue", "version", name="pk_lessons"),
        sa.ForeignKeyConstraint(["queue"], ["queues.key"], name="fk_lessons_queue"),
    )
    op.create_table(
        "lesson_mark",
        sa.Column("id", sa.Integer, autoincrement=False),
        sa.Column("seq", sa.BigInteger, nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("open", Data, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_lesson_mark"),
        sa.CheckConstraint("id = 1", name="one"),
    )


def downgrade() -> None:
    op.drop_table("lesson_mark")
    op.drop_table("lessons")
