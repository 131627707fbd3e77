"""Who is forgotten and how far that has come, where personal data was taken to, and what is not blanked yet.

Only adds, so that a version which knows nothing of it runs beside one that does.
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None
phase = "expand"

Data = sa.JSON(none_as_null=True).with_variant(JSONB(none_as_null=True), "postgresql")
PERSONAL = {
    "callbacks": ("ended_at", "number_hash <> '' AND ended_at IS NOT NULL"),
    "legs": ("ended_at", "number_hash IS NOT NULL AND ended_at IS NOT NULL"),
    "messages": ("created_at", "number_hash <> ''"),
}


def upgrade() -> None:
    op.create_table(
        "erasures",
        sa.Column("id", sa.String, nullable=False),
        sa.Column("number_hash", sa.String, nullable=False),
        sa.Column("number", sa.LargeBinary),
        sa.Column("asked_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("by", sa.String, nullable=False),
        sa.Column("stage", sa.String, nullable=False),
        sa.Column("protection", sa.Boolean, nullable=False),
        sa.Column("at_carrier", sa.Boolean, nullable=False),
        sa.Column("blanked_at", sa.DateTime(timezone=True)),
        sa.Column("done_at", sa.DateTime(timezone=True)),
        sa.Column("next_at", sa.DateTime(timezone=True)),
        sa.Column("tries", sa.Integer, nullable=False),
        sa.Column("error", sa.String, nullable=False),
        sa.Column("found", Data, nullable=False),
        sa.Column("records", Data, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_erasures"),
        sa.CheckConstraint("stage IN ('asked', 'blanked', 'done')", name="stage"),
    )
    pending = sa.text("next_at IS NOT NULL")
    op.create_index("ix_erasures_next", "erasures", ["next_at"], postgresql_where=pending, sqlite_where=pending)
    op.create_index("ix_erasures_asked", "erasures", ["asked_at"])
    op.create_table(
        "exports",
        sa.Column("id", sa.String, nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("by", sa.String, nullable=False),
        sa.Column("kind", sa.String, nullable=False),
        sa.Column("place", sa.LargeBinary, nullable=False),
        sa.Column("number_hash", sa.String, nullable=False),
        sa.Column("numbers", sa.Boolean, nullable=False),
        sa.Column("since", sa.DateTime(timezone=True)),
        sa.Column("until", sa.DateTime(timezone=True)),
        sa.Column("rows", sa.BigInteger, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_exports"),
        sa.CheckConstraint("kind IN ('person', 'record', 'trace')", name="kind"),
    )
    op.create_index("ix_exports_at", "exports", ["at"])
    op.create_index("ix_exports_number", "exports", ["number_hash"])
    for table, (column, named) in PERSONAL.items():
        where = sa.text(named)
        op.create_index(f"ix_{table}_personal", table, [column], postgresql_where=where, sqlite_where=where)


def downgrade() -> None:
    for table in PERSONAL:
        op.drop_index(f"ix_{table}_personal", table)
    op.drop_table("exports")
    op.drop_table("erasures")
