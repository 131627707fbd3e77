"""What lets two versions of the product run on one database: one that adds takes nothing away."""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from alembic.script import Script, ScriptDirectory
from sqlalchemy import Engine, event

from callback.adapters.store import migrate
from tests.support.versions import copied, in_tree

ADDS = re.compile(
    r"CREATE (UNIQUE )?(TABLE|INDEX|FUNCTION|TRIGGER)|ALTER TABLE \w+ ADD COLUMN|(INSERT INTO|UPDATE) alembic_version",
    re.IGNORECASE,
)
LOOKS = re.compile(r"BEGIN|SELECT|SHOW|SET|PRAGMA", re.IGNORECASE)
UNKNOWN = "import sys; from callback.adapters.store.migrate import *; print(is_newer(sys.argv[1]), serves(sys.argv[1]))"


def revisions() -> list[Script]:
    """Oldest first."""
    return list(reversed(list(ScriptDirectory(str(migrate.MIGRATIONS)).walk_revisions())))


@contextmanager
def watched() -> Iterator[list[str]]:
    """Every statement that is executed meanwhile."""
    said: list[str] = []

    def hear(_: Any, __: Any, statement: str, *___: Any) -> None:
        said.append(" ".join(statement.split()))

    event.listen(Engine, "before_cursor_execute", hear)
    try:
        yield said
    finally:
        event.remove(Engine, "before_cursor_execute", hear)


def takes_away(statement: str) -> bool:
    """Whether a version that does not know of this statement could stumble over what it did."""
    if LOOKS.match(statement):
        return False
    demands = "ADD COLUMN" in statement and "NOT NULL" in statement and "DEFAULT" not in statement
    return demands or not ADDS.match(statement)


def test_every_migration_after_the_first_says_whether_it_expands_or_contracts() -> None:
    for script in revisions()[1:]:
        assert script.module.phase in ("expand", "contract"), f"{script.revision}: see CONTRIBUTING.md, Migrations"


def test_a_migration_that_expands_only_adds(database_url: str) -> None:
    first, *later = revisions()
    migrate.upgrade(database_url, first.revision)
    for script in later:
        with watched() as said:
            migrate.upgrade(database_url, script.revision)
        if script.module.phase == "expand":
            assert [statement for statement in said if takes_away(statement)] == []
        assert any(ADDS.match(statement) for statement in said), "the statements are seen"


@pytest.mark.parametrize(
    ("statement", "harms"),
    [
        ("ALTER TABLE callbacks DROP COLUMN end_reason", True),
        ("DROP TABLE legs", True),
        ("ALTER TABLE callbacks ADD COLUMN ending VARCHAR NOT NULL", True),
        ("ALTER TABLE callbacks ADD COLUMN ending VARCHAR DEFAULT '' NOT NULL", False),
        ("ALTER TABLE callbacks ADD COLUMN ending VARCHAR", False),
        ("ALTER TABLE callbacks ALTER COLUMN name SET NOT NULL", True),
        ("CREATE UNIQUE INDEX one ON quarantine (kind)", False),
        ("DELETE FROM callbacks", True),
    ],
)
def test_what_takes_away_is_told_from_what_adds(statement: str, harms: bool) -> None:
    assert takes_away(statement) is harms


def test_a_database_of_a_newer_version_serves_and_an_older_one_does_not(tmp_path: Path) -> None:
    assert migrate.serves(migrate.newest())
    assert migrate.serves("8888")
    assert not migrate.serves("0001")
    assert not migrate.serves(None)
    tree = copied(tmp_path / "before")
    for script in revisions()[1:]:
        (tree / "migrations" / "versions" / Path(script.path).name).unlink()
    assert in_tree(tree, UNKNOWN, migrate.newest()) == "True True"
