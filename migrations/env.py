"""Where Alembic starts: connects as the product does, and runs all revisions of a call in one transaction.

One transaction under one lock, on both databases: two releases that migrate at once take turns, and one that fails
halfway leaves the tables as they were.
"""

import os

from alembic import context
from sqlalchemy import Connection, Engine, text

from callback.adapters.store.engine import make_engine
from callback.adapters.store.tables import metadata

MIGRATION_LOCK = 7_305_808_869_231_650_668
LOCK_MS = 300
"""How long a statement may wait for a table that somebody uses. Whoever asks for that table next waits behind it, so
this is taken from what a webhook has (`BUDGET_S` in `callback/web/voice.py`); `callback migrate` tries again."""


def engine() -> Engine:
    """The engine handed over in the configuration, else one for DATABASE_URL."""
    given: Engine | None = context.config.attributes.get("engine")
    if given is not None:
        return given
    url = os.environ.get("DATABASE_URL")
    if not url:
        raise SystemExit("set DATABASE_URL to the database to migrate, or use `callback migrate`")
    return make_engine(url, pool_size=1, patience_s=None)


def take_turn(connection: Connection) -> None:
    """Waits for another migration of this database, and from then on for no table long. SQLite's transactions begin as
    the only writer anyway."""
    if connection.dialect.name == "postgresql":
        connection.execute(text("SELECT pg_advisory_xact_lock(:lock)"), {"lock": MIGRATION_LOCK})
        connection.execute(text(f"SET LOCAL lock_timeout = {LOCK_MS}"))


def migrate() -> None:
    """Runs the revisions that were asked for."""
    with engine().connect() as connection, connection.begin():
        take_turn(connection)
        context.configure(
            connection=connection,
            target_metadata=metadata,
            transactional_ddl=True,
            render_as_batch=connection.dialect.name == "sqlite",
        )
        with context.begin_transaction():
            context.run_migrations()


if context.is_offline_mode():
    raise SystemExit("these migrations need a database: run them without --sql")
migrate()
