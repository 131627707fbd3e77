"""Brings a database to a version of the tables, from code instead of a shell."""

from collections.abc import Callable
from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Engine

from callback.adapters.store.engine import READ_ONLY, make_engine

MIGRATIONS = Path(__file__).resolve().parents[3] / "migrations"


def upgrade(database_url: str, to: str = "head") -> str | None:
    """Migrates up to revision `to`; the revision that stands afterwards. Two at once wait for each other.

    A database that a newer version has migrated is left as it is: the two run side by side while the newer one is
    rolled out, or back.
    """
    found = current(database_url)
    return found if is_newer(found) else _run(command.upgrade, database_url, to)


def downgrade(database_url: str, to: str) -> str | None:
    """Migrates down to revision `to`, or "base" for nothing at all; the revision that stands afterwards."""
    return _run(command.downgrade, database_url, to)


def current(database_url: str) -> str | None:
    """The revision of the database, None for an empty one."""
    engine = make_engine(database_url, pool_size=1)
    try:
        return _revision(engine)
    finally:
        engine.dispose()


def newest() -> str:
    """The revision that this checkout needs."""
    head = ScriptDirectory.from_config(_config()).get_current_head()
    if head is None:
        raise FileNotFoundError(f"there are no migrations in {MIGRATIONS}")
    return head


def is_newer(revision: str | None) -> bool:
    """Whether a newer version of the product made this revision: one that this checkout has never heard of."""
    known = {script.revision for script in ScriptDirectory.from_config(_config()).walk_revisions()}
    return revision is not None and revision not in known


def serves(revision: str | None) -> bool:
    """Whether this checkout can work on a database at `revision`. A newer one serves too: each migration leaves a
    database on which the version before goes on working (`CONTRIBUTING.md`)."""
    return revision == newest() or is_newer(revision)


def _run(step: Callable[[Config, str], None], database_url: str, to: str) -> str | None:
    engine = make_engine(database_url, pool_size=1, patience_s=None)
    config = _config()
    config.attributes["engine"] = engine
    try:
        step(config, to)
        return _revision(engine)
    finally:
        engine.dispose()


def _config() -> Config:
    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS).replace("%", "%%"))
    return config


def _revision(engine: Engine) -> str | None:
    with engine.connect().execution_options(**{READ_ONLY: True}) as connection:
        return MigrationContext.configure(connection).get_current_revision()
