"""A migration beside calls: whoever uses a table for long (a backup) makes the migration wait, and nobody else."""

from pathlib import Path

import pytest
from sqlalchemy import Connection, text

from callback.adapters.store import migrate
from callback.adapters.store.engine import make_engine
from callback.adapters.store.errors import MigrationBlocked
from tests.support.command_line import CommandLine

BEFORE = "0016"
"""The revision after which tables that were there before get a column."""


class Backup:
    """A session that reads a table and does not end, as pg_dump's."""

    def __init__(self, url: str) -> None:
        self._engine = make_engine(url, pool_size=1, patience_s=None)
        self._session: Connection = self._engine.connect()
        self._session.execute(text("SET application_name = 'pg_dump'"))
        self._session.execute(text("SELECT count(*) FROM report_days"))

    def end(self) -> None:
        """Nobody is in the way any more."""
        self._session.close()
        self._engine.dispose()


def read_at_once(url: str) -> int:
    """What a report reads, which fails when it waits for five seconds."""
    engine = make_engine(url, pool_size=1)
    with engine.connect() as connection:
        found = connection.execute(text("SELECT count(*) FROM report_days")).scalar_one()
    engine.dispose()
    return int(found)


def test_a_migration_lets_calls_pass_while_a_backup_reads_and_is_done_after_it(pg_url: str) -> None:
    migrate.upgrade(pg_url, BEFORE)
    backup = Backup(pg_url)
    told: list[str] = []

    def blocked(_: float, by: str) -> None:
        assert read_at_once(pg_url) == 0, "nobody else waits behind the migration"
        assert migrate.current(pg_url) == BEFORE, "nothing was changed so far"
        told.append(by)
        if len(told) == 2:
            backup.end()

    assert migrate.upgrade(pg_url, blocked=blocked) == migrate.newest()
    assert len(told) == 2
    assert all("(pg_dump), whose transaction is" in by for by in told)


def test_a_migration_that_waits_for_too_long_says_what_is_in_the_way() -> None:
    with pytest.raises(
        MigrationBlocked, match=r"for 601 s .* in use by session 7 \(psql\).*run `callback migrate` again"
    ):
        migrate.wait_a_while(601, "session 7 (psql)")


def test_the_command_says_what_it_waits_for(pg_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    migrate.upgrade(pg_url, BEFORE)
    backup = Backup(pg_url)
    monkeypatch.setattr(migrate, "wait_a_while", lambda *_: backup.end())
    done = CommandLine(tmp_path, DATABASE_URL=pg_url).run("migrate")
    assert done.exit_code == 0, done.output
    assert "a table is in use by session" in done.stderr
    assert "(pg_dump)" in done.stderr
    assert f"the database is at {migrate.newest()} (was {BEFORE})" in done.stdout
