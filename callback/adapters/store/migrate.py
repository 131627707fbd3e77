"""Brings a database to a version of the tables, from code instead of a shell, while calls go on beside it.

PostgreSQL lets nobody use a table before whoever waits to change it: behind a migration that waits for a long
transaction (a backup's, a forgotten session's), every webhook would wait as well. So a migration waits for a lock only
as long as a caller can (`LOCK_MS` in `migrations/env.py`), lets everybody pass, and tries again.
"""

import time
from collections.abc import Callable
from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Engine, text
from sqlalchemy.exc import OperationalError

from callback.adapters.store.engine import READ_ONLY, make_engine
from callback.adapters.store.errors import MigrationBlocked

MIGRATIONS = Path(__file__).resolve().parents[3] / "migrations"
AGAIN_S = 2.0
"""Between two tries for a lock: calls have most of the time to themselves."""
GIVE_UP_S = 600.0
IN_THE_WAY = frozenset({"55P03", "40P01"})
"""PostgreSQL's lock_not_available and deadlock_detected (its manual, appendix A)."""
Blocked = Callable[[float, str], None]
"""Is told for how many seconds a migration has found a table in use, and by whom: waits a while, or raises."""


def wait_a_while(since_s: float, by: str) -> None:
    """Raises MigrationBlocked when that has lasted for `GIVE_UP_S`."""
    if since_s >= GIVE_UP_S:
        raise MigrationBlocked(
            f"nothing was migrated: for {since_s:.0f} s a table was in use by {by}. "
            "End that (a backup, a forgotten session), then run `callback migrate` again"
        )
    time.sleep(AGAIN_S)


def upgrade(database_url: str, to: str = "head", blocked: Blocked = wait_a_while) -> str | None:
    """Migrates up to revision `to`; the revision that stands afterwards. Two at once wait for each other. What
    `blocked` raises, where a table is in use for longer than callers can wait.

    A database that a newer version has migrated is left as it is: the two run side by side while the newer one is
    rolled out, or back.
    """
    found = current(database_url)
    return found if is_newer(found) else _run(command.upgrade, database_url, to, blocked)


def downgrade(database_url: str, to: str) -> str | None:
    """Migrates down to revision `to`, or "base" for nothing at all; the revision that stands afterwards."""
    return _run(command.downgrade, database_url, to, wait_a_while)


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


def _run(step: Callable[[Config, str], None], database_url: str, to: str, blocked: Blocked) -> str | None:
    engine = make_engine(database_url, pool_size=1, patience_s=None)
    config = _config()
    config.attributes["engine"] = engine
    began = time.monotonic()
    try:
        while not _done(step, config, to):
            blocked(time.monotonic() - began, _whoever(engine))
        return _revision(engine)
    finally:
        engine.dispose()


def _done(step: Callable[[Config, str], None], config: Config, to: str) -> bool:
    """False where somebody else uses a table that is to be changed: then nothing was changed."""
    try:
        step(config, to)
    except OperationalError as error:
        if getattr(error.orig, "sqlstate", None) in IN_THE_WAY:
            return False
        raise
    return True


def _whoever(engine: Engine) -> str:
    """The transaction of this database that is open for the longest time, for people who have to end it."""
    longest = text(
        "SELECT pid, application_name, EXTRACT(EPOCH FROM clock_timestamp() - xact_start) FROM pg_stat_activity "
        "WHERE datname = current_database() AND pid <> pg_backend_pid() AND xact_start IS NOT NULL "
        "ORDER BY xact_start LIMIT 1"
    )
    with engine.connect().execution_options(**{READ_ONLY: True}) as connection:
        found = connection.execute(longest).one_or_none()
    if found is None:
        return "a session that has just ended"
    pid, name, seconds = found
    return f"session {pid} ({name or 'unnamed'}), whose transaction is {seconds:.1f} s old"


def _config() -> Config:
    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS).replace("%", "%%"))
    return config


def _revision(engine: Engine) -> str | None:
    with engine.connect().execution_options(**{READ_ONLY: True}) as connection:
        return MigrationContext.configure(connection).get_current_revision()
