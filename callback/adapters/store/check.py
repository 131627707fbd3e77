"""`python -m callback.adapters.store.check`: do the migrations build the tables that the code believes in?

Builds one scratch database by the migrations and one from `tables.py`, and compares what the databases say of
themselves: columns, keys, CHECKs, partial indexes and triggers. (Alembic's own comparison sees no CHECK or predicate.)
"""

import difflib
import re
import sys
import tempfile
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, Engine, Inspector, inspect, text

from callback.adapters.store.engine import make_engine
from callback.adapters.store.migrate import upgrade
from callback.adapters.store.tables import metadata

ALEMBIC_OWN = "alembic_version"
_TRIGGERS = {
    "sqlite": "SELECT name, sql FROM sqlite_master WHERE type = 'trigger'",
    "postgresql": """SELECT t.tgname, pg_get_triggerdef(t.oid) || pg_get_functiondef(t.tgfoid)
        FROM pg_trigger t WHERE NOT t.tgisinternal""",
}


def describe(engine: Engine) -> list[str]:
    """Everything the database knows of its tables, a line each, in an order that does not depend on their making."""
    with engine.connect() as connection:
        inspector = inspect(connection)
        tables = [name for name in inspector.get_table_names() if name != ALEMBIC_OWN]
        lines = [line for table in tables for line in _table(inspector, table)]
        return sorted(lines + _triggers(connection))


def _table(inspector: Inspector, table: str) -> list[str]:
    facts: list[tuple[str, Any]] = [
        *(("column", column) for column in inspector.get_columns(table)),
        ("primary key", inspector.get_pk_constraint(table)),
        *(("foreign key", key) for key in inspector.get_foreign_keys(table)),
        *(("unique", unique) for unique in inspector.get_unique_constraints(table)),
        *(("check", check) for check in inspector.get_check_constraints(table)),
        *(("index", index) for index in inspector.get_indexes(table)),
    ]
    return [f"{table} {kind} {_words(fact)}" for kind, fact in facts]


def _words(fact: Any) -> str:
    if isinstance(fact, dict):
        return "{" + ", ".join(f"{key}: {_words(fact[key])}" for key in sorted(fact)) + "}"
    if isinstance(fact, list | tuple):
        return "[" + ", ".join(_words(part) for part in fact) + "]"
    return re.sub(r"\s+", " ", str(fact))


def _triggers(connection: Connection) -> list[str]:
    rows = connection.execute(text(_TRIGGERS[connection.dialect.name]))
    return [f"trigger {name} {_words(definition)}" for name, definition in rows]


def difference(migrated_url: str, built_url: str) -> list[str]:
    """Migrates the one database, builds the other from `tables.py`, and gives the lines in which they differ."""
    upgrade(migrated_url)
    migrated, built = make_engine(migrated_url, pool_size=1), make_engine(built_url, pool_size=1)
    try:
        metadata.create_all(built)
        return list(
            difflib.unified_diff(
                describe(migrated), describe(built), "migrations", "callback/adapters/store/tables.py", n=0, lineterm=""
            )
        )
    finally:
        migrated.dispose()
        built.dispose()


def main() -> int:
    """0 when they agree; else 1, with the difference on standard error."""
    with tempfile.TemporaryDirectory() as folder:
        urls = [f"sqlite:///{Path(folder) / name}" for name in ("migrated.sqlite3", "built.sqlite3")]
        found = difference(*urls)
    sys.stderr.write("".join(f"{line}\n" for line in found))
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
