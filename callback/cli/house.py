"""How a command gets at the record, the line and the carrier, and lets go of them again."""

import getpass
import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from callback.adapters.store.sql_store import SqlStore
    from callback.settings import Settings
    from callback.wiring import Built


def settings() -> "Settings":
    """The environment. Raises SettingsError with every mistake."""
    from callback.settings import load

    return load(os.environ)


def who() -> str:
    """Who types this, for the record of changes."""
    name = ""
    with suppress(OSError, KeyError):  # no such user in a container's password file
        name = getpass.getuser()
    return f"cli:{name}" if name else "cli"


@contextmanager
def open_store(patience_s: float | None = None) -> Iterator["SqlStore"]:
    """The record, reachable and migrated. `patience_s`: how long one question may take, where it is one that reads
    everything. Raises StoreUnavailable, ClickException."""
    from callback.adapters.store.engine import PATIENCE_S
    from callback.adapters.store.sql_store import SqlStore

    known = settings()
    store = SqlStore(
        known.database_url,
        known.secret_key.get_secret_value(),
        retired_keys=known.retired_keys,
        pool_size=2,
        patience_s=patience_s or PATIENCE_S,
    )
    try:
        check_migrated(store, known)
        yield store
    finally:
        store.close()


@contextmanager
def open_house(*, only_look: bool = False) -> Iterator["Built"]:
    """Everything, with the Redis that is named, that `callback run` has embedded, or one embedded for this command.

    `only_look`: a line that is away or knows nothing stays as it is.
    """
    from callback import wiring
    from callback.flows import configure

    with with_redis(settings()) as known:
        built = wiring.build(known)
        try:
            check_migrated(built.store, known)
            if not only_look and not built.house.line.configuration()[0]:
                configure.publish(built.house)
            yield built
        finally:
            built.store.close()
            built.redis.close()


@contextmanager
def with_redis(known: "Settings") -> Iterator["Settings"]:
    """The settings with the address of a Redis that runs. Raises EmbeddedRedisError."""
    from callback.embedded import EmbeddedRedis

    if known.redis_url is not None:
        yield known
        return
    with EmbeddedRedis(known.var_dir / "redis") as redis:
        yield known.with_redis(redis.url)


def check_migrated(store: "SqlStore", known: "Settings") -> None:
    """Raises StoreUnavailable when the record cannot be reached, ClickException when it has not the tables we need."""
    from callback.adapters.store import migrate

    store.ping()
    found = migrate.current(known.database_url)
    if not migrate.serves(found):
        at = f"at revision {found}" if found else "empty"
        raise click.ClickException(
            f"the database is {at}, this version needs {migrate.newest()}: run `callback migrate`"
        )
