"""The audit log: who did what in the console, by command or through the API. Only ever appended to.

Only adds, so that a version which knows nothing of it runs beside one that does.
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None
phase = "expand"

Counter = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
Data = sa.JSON(none_as_null=True).with_variant(JSONB(none_as_null=True), "postgresql")

APPEND_ONLY = {
    "postgresql": (
        """CREATE FUNCTION acts_append_only() RETURNS trigger LANGUAGE plpgsql AS
$$ BEGIN RAISE EXCEPTION 'the audit log is only ever appended to'; END $$""",
        """CREATE TRIGGER acts_append_only BEFORE UPDATE OR DELETE ON acts
FOR EACH STATEMENT EXECUTE FUNCTION acts_append_only()""",
    ),
    "sqlite": (
        """CREATE TRIGGER acts_never_changed BEFORE UPDATE ON acts
BEGIN SELECT RAISE(ABORT, 'the audit log is only ever appended to'); END""",
        """CREATE TRIGGER acts_never_deleted BEFORE DELETE ON acts
BEGIN SELECT RAISE(ABORT, 'the audit log is only ever appended to'); END""",
    ),
}


def upgrade() -> None:
    op.create_table(
        "acts",
        sa.Column("seq", Counter, primary_key=True, autoincrement=True),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("by", sa.String, nullable=False),
        sa.Column("role", sa.String, nullable=False),
        sa.Column("what", sa.String, nullable=False),
        sa.Column("subject", sa.String, nullable=False),
        sa.Column("queue", sa.String, nullable=False),
        sa.Column("before", Data),
        sa.Column("after", Data),
        sa.Column("cause", sa.String, nullable=False),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_acts_at", "acts", ["at"])
    op.create_index("ix_acts_subject", "acts", ["subject", "seq"])
    op.create_index("ix_acts_queue", "acts", ["queue", "seq"])
    for statement in APPEND_ONLY[op.get_bind().dialect.name]:
        op.execute(statement)


def downgrade() -> None:
    op.drop_table("acts")
    if op.get_bind().dialect.name == "postgresql":
        op.execute("DROP FUNCTION acts_append_only()")
