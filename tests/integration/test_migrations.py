"""The migrations on both databases: up, down, up again, and always the tables that the code believes in."""

import itertools
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import alembic.config
import pytest
from alembic.script import ScriptDirectory
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as some
from sqlalchemy import inspect, text

from callback.adapters.store import check, migrate
from callback.adapters.store.engine import make_engine
from callback.adapters.store.sql_store import SqlStore
from callback.domain import lifecycle
from callback.domain.errors import IllegalMove
from callback.domain.lifecycle import ENDS, LATE, MOVES, Event, State
from tests.support.postgres import PostgresServer
from tests.support.record import NOW, SECRET, a_callback, postgres_record, promised, sqlite_record

ROOT = Path(__file__).resolve().parents[2]


def tables(url: str) -> set[str]:
    engine = make_engine(url)
    names = set(inspect(engine).get_table_names())
    engine.dispose()
    return names


def test_up_then_down_to_nothing_then_up_again(database_url: str) -> None:
    assert migrate.current(database_url) is None
    assert migrate.upgrade(database_url) == migrate.newest()
    assert migrate.current(database_url) == migrate.newest()
    built = tables(database_url)
    assert {"callbacks", "journal"} < built
    assert migrate.downgrade(database_url, "base") is None
    assert tables(database_url) == {check.ALEMBIC_OWN}
    assert functions(database_url) == []
    assert migrate.upgrade(database_url) == migrate.newest()
    assert tables(database_url) == built


def functions(url: str) -> list[str]:
    """Of ours, left in PostgreSQL."""
    engine = make_engine(url)
    with engine.connect() as connection:
        if connection.dialect.name == "sqlite":
            found: list[str] = []
        else:
            ours = "SELECT proname FROM pg_proc WHERE pronamespace = 'public'::regnamespace"
            found = list(connection.execute(text(ours)).scalars())
    engine.dispose()
    return found


def test_an_upgrade_repeated_changes_nothing_and_keeps_the_rows(database_url: str) -> None:
    migrate.upgrade(database_url)
    store = SqlStore(database_url, SECRET)
    with store.begin() as work:
        work.set_mark("1-1")
    migrate.upgrade(database_url)
    with store.begin() as work:
        assert work.mark() == "1-1"
    store.close()


def test_two_releases_that_migrate_at_once_take_turns(database_url: str) -> None:
    script = "import sys; from callback.adapters.store.migrate import upgrade; upgrade(sys.argv[1])"

    def release(_: int) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "-W", "error", "-c", script, database_url]
        return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=60, check=False)

    with ThreadPoolExecutor(2) as pool:
        for done in pool.map(release, range(2)):
            assert done.returncode == 0, done.stderr
    assert migrate.current(database_url) == migrate.newest()


def test_each_revision_goes_up_and_down_by_itself(database_url: str) -> None:
    history = ScriptDirectory(str(migrate.MIGRATIONS))
    revisions = [script.revision for script in reversed(list(history.walk_revisions()))]
    for revision in revisions:
        assert migrate.upgrade(database_url, revision) == revision
    for lower, _ in itertools.pairwise(reversed(["base", *revisions])):
        migrate.downgrade(database_url, lower)
    assert history.get_heads() == [revisions[-1]]


def test_the_migrations_build_the_tables_of_the_code_on_sqlite(tmp_path: Path) -> None:
    assert check.difference(*(f"sqlite:///{tmp_path / name}" for name in ("a", "b"))) == []


def test_the_migrations_build_the_tables_of_the_code_on_postgresql(postgres_server: PostgresServer) -> None:
    migrated, built = postgres_server.create_database(), postgres_server.create_database()
    try:
        assert check.difference(postgres_server.url(migrated), postgres_server.url(built)) == []
    finally:
        postgres_server.drop_database(migrated)
        postgres_server.drop_database(built)


@pytest.mark.parametrize(
    "change",
    [
        "ALTER TABLE queues ADD COLUMN colour VARCHAR",
        "DROP INDEX uq_callbacks_open_number",
        "DROP INDEX ix_legs_open; CREATE INDEX ix_legs_open ON legs (created_at)",
        "DROP TRIGGER journal_append_only",
    ],
)
def test_a_difference_of_any_kind_is_seen(tmp_path: Path, change: str) -> None:
    engine = make_engine(f"sqlite:///{tmp_path / 'changed'}", pool_size=1)
    migrate.upgrade(str(engine.url))
    before = check.describe(engine)
    with engine.begin() as connection:
        for statement in change.split(";"):
            connection.exec_driver_sql(statement)
    assert check.describe(engine) != before
    engine.dispose()


def test_the_check_is_a_command_that_is_silent_when_all_is_well() -> None:
    done = subprocess.run(
        [sys.executable, "-W", "error", "-m", "callback.adapters.store.check"], cwd=ROOT, capture_output=True,
        text=True, timeout=60, check=False,
    )  # fmt: skip
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


def test_alembic_itself_migrates_what_the_environment_names(sqlite_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(ROOT)
    monkeypatch.setenv("DATABASE_URL", sqlite_url)
    for words in (["upgrade", "head"], ["check"], ["downgrade", "base"]):
        alembic.config.main(argv=words)
    assert migrate.current(sqlite_url) is None


def test_alembic_without_a_database_says_what_to_do(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(ROOT)
    monkeypatch.delenv("DATABASE_URL", raising=False)
    with pytest.raises(SystemExit, match="DATABASE_URL"):
        alembic.config.main(argv=["current"])


# --- the migrated table moves as the table of the rules ---------------------------------------------------------


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
def store(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[SqlStore]:
    if request.param == "sqlite":
        opened = sqlite_record(tmp_path_factory.mktemp("record"))
    else:
        opened = postgres_record(request.getfixturevalue("postgres_server"))
    with opened as store:
        yield store


LATER = list(itertools.product(State, Event))
numbers = itertools.count(1_000_000)


def paths() -> dict[State, list[Event]]:
    """The shortest way of a new callback into each state."""
    found: dict[State, list[Event]] = {State.WAITING: [Event.PROMISE], State.SCHEDULED: [Event.SCHEDULE]}
    while True:
        further = {
            after: [*found[before], event]
            for (before, event), after in MOVES.items()
            if before in found and after not in found
        }
        if not further:
            return found
        found |= further


PATHS = paths()


def test_every_state_can_be_reached_from_a_promise() -> None:
    assert set(PATHS) == set(State)


def led(store: SqlStore, state: State) -> str:
    """A callback in `state`, moved there event by event."""
    first, *rest = PATHS[state]
    with store.begin() as work:
        draft = a_callback(f"+1{next(numbers)}")
        callback = work.add_callback(draft, event=first, reason="r", cause="c")
        for event in rest:
            moved = work.move(callback, event, reason="r", cause="c", at=NOW)
            assert moved is not None
            callback = moved
        return callback.id


def test_every_event_in_every_state_does_to_the_row_what_the_rules_say(store: SqlStore) -> None:
    for state, event in LATER:
        key = led(store, state)
        with store.begin() as work:
            before = work.callback(key)  # type: ignore[arg-type]
            try:
                moved = work.move(before, event, reason="why", cause="who", at=NOW)
            except IllegalMove:
                assert (state, event) not in MOVES
                assert (state, event) not in LATE
                moved = None
        with store.begin() as work:
            after = work.callback(before.id)
            entries = work.journal(after=0, subject=before.id)
        if (state, event) not in MOVES:
            assert (moved, after) == (None, before)
            assert len(entries) == len(PATHS[state])
            continue
        assert after == moved
        assert after.state == MOVES[state, event]
        assert after.version == before.version + 1
        assert (after.ended_at is not None) == (after.state in ENDS)
        assert (entries[-1].before, entries[-1].after, entries[-1].reason) == (state, after.state, "why")


@settings(
    max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
)
@given(events=some.lists(some.sampled_from(Event), max_size=12))
def test_any_sequence_of_events_leaves_row_and_journal_where_the_rules_do(store: SqlStore, events: list[Event]) -> None:
    with store.begin() as work:
        callback = promised(work, f"+1{next(numbers)}")
    expected = [State.WAITING]
    for event in events:
        with store.begin() as work:
            current = work.callback(callback.id, lock=True)
            try:
                work.move(replace(current, priority=event), event, reason="r", cause="c", at=NOW)
                expected.append(lifecycle.move(current.state, event) or expected[-1])
            except IllegalMove:
                expected.append(expected[-1])
    with store.begin() as work:
        assert work.callback(callback.id).state == expected[-1]
        entries = work.journal(after=0, subject=callback.id)
    assert [entry.before for entry in entries[1:]] == [entry.after for entry in entries[:-1]]
    assert entries[-1].after == expected[-1]
