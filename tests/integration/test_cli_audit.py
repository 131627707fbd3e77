"""`callback audit` as people and programs use it: the verdict, the list, and the exit code."""

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from sqlalchemy import update

from callback import wiring
from callback.adapters.store import migrate
from callback.adapters.store.tables import callbacks
from callback.domain.callback import Source
from callback.domain.ids import QueueKey
from callback.flows import enrol
from callback.settings import load
from tests.support.command_line import CommandLine

NUMBER = "+12015550123"


@pytest.fixture(scope="module")
def record(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A record without anything in it, to be copied."""
    path = tmp_path_factory.mktemp("record") / "empty.sqlite3"
    migrate.upgrade(f"sqlite:///{path}")
    return path


@pytest.fixture
def line(tmp_path: Path, redis_url: str, record: Path) -> CommandLine:
    """A queue, and one promise in it."""
    shutil.copy(record, tmp_path / "callback.sqlite3")
    url = f"sqlite:///{tmp_path / 'callback.sqlite3'}"
    line = CommandLine(tmp_path, REDIS_URL=redis_url, DATABASE_URL=url)
    line.ok("queue", "add", "support", "--number", "+12015550100", "--policy", '{"offer_at_waiting": 1}')
    with house(line) as built:
        asked = {"source": Source.CONSOLE, "idempotency": None, "cause": "test"}
        enrol.request(built.house, queue=QueueKey("support"), number=NUMBER, **asked)  # type: ignore[arg-type]
    return line


@contextmanager
def house(line: CommandLine) -> Iterator[wiring.Built]:
    built = wiring.build(load(line.settings))
    try:
        yield built
    finally:
        built.store.close()
        built.redis.close()


def spoil(line: CommandLine) -> None:
    """The promise is in a state that nobody ever moved it to."""
    with house(line) as built, built.store.engine.begin() as connection:
        connection.execute(update(callbacks).values(state="scheduled"))


def test_it_says_that_everything_holds(line: CommandLine) -> None:
    said = line.ok("audit")
    assert said.count("holds  ") == 7
    assert "1 open promises" in said
    assert "no overtakings" in said


def test_a_breach_is_told_with_what_and_where_and_the_exit_code_is_1(line: CommandLine) -> None:
    spoil(line)
    done = line.run("audit")
    assert done.exit_code == 1
    assert "broken 1   no caller with a promise is lost" in done.stdout
    assert "is scheduled in the record, and waiting in the journal" in done.stdout


def test_programs_get_the_same_as_json(line: CommandLine) -> None:
    found = line.data("audit", "--overtakings")
    assert (found["ok"], found["promises"], found["breaches"], found["listed"]) == (True, 1, [], [])
    assert set(found["invariants"].values()) == {0}
    spoil(line)
    done = line.run("audit", "--json")
    assert done.exit_code == 1
    assert '"invariant": "lost"' in done.stdout


def test_it_tells_only_what_was_asked_for(line: CommandLine) -> None:
    spoil(line)
    assert line.run("audit", "--queue", "support").exit_code == 1
    line.ok("audit", "--queue", "billing")
    for since in ("100000", "2100-01-01T00:00Z", "2100-01-01 00:00"):
        assert line.run("audit", "--json", "--since", since).exit_code == 1, "what differs now is always told"
    assert "a number of the journal, or a time" in line.refused("audit", "--since", "yesterday", code=2)


def test_without_a_line_the_journal_and_the_record_are_judged_all_the_same(line: CommandLine) -> None:
    said = line.ok("audit", REDIS_URL="redis://127.0.0.1:1/0")
    assert "the line is away or being rebuilt: it was not compared" in said
