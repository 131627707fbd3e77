"""How people come in: sessions that can be ended, second steps, welcome links; and when tokens were used last.

Only adds, so that a version which knows nothing of it runs beside one that does. Whoever is signed in when this comes
into force signs in once more: a session needs its row from now on.
"""

import sqlalchemy as sa
from alembic import op

revision = "0015"
down_revision = "0014"
branch_labels = None
depends_on = None
phase = "expand"

Instant = sa.DateTime(timezone=True)


def of_a_user(table: str) -> sa.ForeignKeyConstraint:
    return sa.ForeignKeyConstraint(["email"], ["users.email"], name=f"fk_{table}_email")


def upgrade() -> None:
    op.add_column("users", sa.Column("signed_in_at", Instant))
    op.add_column("tokens", sa.Column("agent", sa.String))
    op.add_column("tokens", sa.Column("used_at", Instant))
    op.create_table(
        "sessions",
        sa.Column("id_hash", sa.String, nullable=False),
        sa.Column("email", sa.String, nullable=False),
        sa.Column("began_at", Instant, nullable=False),
        sa.PrimaryKeyConstraint("id_hash", name="pk_sessions"),
        of_a_user("sessions"),
    )
    op.create_index("ix_sessions_email", "sessions", ["email"])
    op.create_index("ix_sessions_began_at", "sessions", ["began_at"])
    op.create_table(
        "second_steps",
        sa.Column("email", sa.String, nullable=False),
        sa.Column("secret", sa.LargeBinary),
        sa.Column("pending", sa.LargeBinary),
        sa.Column("confirmed_at", Instant),
        sa.Column("last_step", sa.BigInteger, nullable=False),
        sa.PrimaryKeyConstraint("email", name="pk_second_steps"),
        of_a_user("second_steps"),
    )
    op.create_table(
        "recovery_codes",
        sa.Column("email", sa.String, nullable=False),
        sa.Column("code_hash", sa.String, nullable=False),
        sa.PrimaryKeyConstraint("email", "code_hash", name="pk_recovery_codes"),
        of_a_user("recovery_codes"),
    )
    op.create_table(
        "welcome_links",
        sa.Column("email", sa.String, nullable=False),
        sa.Column("token_hash", sa.String, nullable=False),
        sa.Column("expires_at", Instant, nullable=False),
        sa.PrimaryKeyConstraint("email", name="pk_welcome_links"),
        sa.UniqueConstraint("token_hash", name="uq_welcome_links_token_hash"),
        of_a_user("welcome_links"),
    )
    op.create_table(
        "sign_in_rules",
        sa.Column("id", sa.Integer, nullable=False, autoincrement=False),
        sa.Column("two_step", sa.String, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_sign_in_rules"),
        sa.CheckConstraint("id = 1", name="one"),
        sa.CheckConstraint("two_step IN ('nobody', 'admins', 'everyone')", name="two_step"),
    )


def downgrade() -> None:
    for table in ("sign_in_rules", "welcome_links", "recovery_codes", "second_steps", "sessions"):
        op.drop_table(table)
    op.drop_column("tokens", "used_at")
    op.drop_column("tokens", "agent")
    op.drop_column("users", "signed_in_at")
