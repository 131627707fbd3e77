"""Fixtures for every layer: real servers, one each per test process, empty at the start of each test."""

import gc
import os
import sys
from collections import Counter
from collections.abc import Generator, Iterator
from pathlib import Path

import hypothesis
import pytest
from playwright.sync_api import Browser, Page, expect, sync_playwright

from callback.settings import Settings
from tests.support import scratch
from tests.support.chromium import FLAGS, chromium_path
from tests.support.clock import ManualClock
from tests.support.doors import hang_quickly
from tests.support.postgres import PostgresServer
from tests.support.redis_server import RedisServer, redis62_binary, valkey_binary

# Test processes share the processors: a second thread for small matrices would only wait for the first.
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

# On a busy machine a slow example is no defect, nor is one that takes long to draw; the timeout of a test still holds.
UNHURRIED = [hypothesis.HealthCheck.too_slow]
hypothesis.settings.register_profile("callback", deadline=None, suppress_health_check=UNHURRIED)
hypothesis.settings.load_profile("callback")

# Nor is a slow page: what has to come within a time says so itself.
expect.set_options(timeout=20_000)


TOGETHER = frozenset({"home", "building"})
"""What takes many processes and lives until its last test: one test process has it, and all the tests that use it.
Groups are begun first, the largest first."""
OF_ONE_FILE = frozenset({"browser", "carrier", "green", "learnt"})
"""What takes long to begin and lives as long as its file: one test process has all the tests of a file that use it."""
SCRATCH, FAILED = pytest.StashKey[Path | None](), pytest.StashKey[bool]()


def pytest_configure(config: pytest.Config) -> None:
    """Forgets what this shell configures: a test, and each process it starts, sees only what the test gives."""
    for name in Settings.model_fields:
        os.environ.pop(name.upper(), None)
    _compile_once()
    hang_quickly()
    if not hasattr(config, "workerinput"):  # the processes of a run share the folder of the one that started them
        config.stash[SCRATCH] = scratch.move_in()


def _compile_once() -> None:
    """Whatever the shell says: of the hundreds of processes that tests start, each would compile all it imports."""
    os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
    sys.dont_write_bytecode = False


@pytest.hookimpl(wrapper=True)
def pytest_collection() -> Generator[None, object, object]:
    """Has garbage looked for only in what tests make: what thousands of them are made of is there to stay, and to look
    through it takes most of a second, time and again."""
    gc.disable()
    try:
        return (yield)
    finally:
        gc.freeze()
        gc.enable()


def pytest_sessionfinish(session: pytest.Session, exitstatus: int) -> None:
    """Leaves no files behind where nothing failed."""
    session.config.stash[FAILED] = exitstatus != pytest.ExitCode.OK


def pytest_unconfigure(config: pytest.Config) -> None:
    """After the last process of the run."""
    if (folder := config.stash.get(SCRATCH, None)) is not None and not config.stash.get(FAILED, True):
        scratch.move_out(folder)


@pytest.hookimpl(tryfirst=True)  # before xdist, which reads which tests stay together
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Says which tests stay together on one process, and has those begin early that take long."""
    for item in items:
        names = getattr(item, "fixturenames", ())
        if "browser" in names:
            item.add_marker(pytest.mark.browser)
        for name in TOGETHER.intersection(names):
            item.add_marker(pytest.mark.xdist_group(name))
        if OF_ONE_FILE.intersection(names) and not TOGETHER.intersection(names):
            item.add_marker(pytest.mark.xdist_group(item.path.name))
    items.sort(key=lambda item: item.get_closest_marker("slow") is None)  # else in the order of the dice


@pytest.fixture(scope="session")
def to_come(request: pytest.FixtureRequest) -> Counter[str]:
    """How many tests that use it are still to come, of each that takes many processes: they burden all others, idle or
    not, so each ends with its last test."""
    names = [getattr(item, "fixturenames", ()) for item in request.session.items]
    return Counter(name for used in names for name in TOGETHER.intersection(used))


@pytest.fixture
def clock() -> ManualClock:
    """A clock that stands at a Monday morning until the test turns it."""
    return ManualClock()


@pytest.fixture(scope="session")
def valkey_server() -> Iterator[RedisServer]:
    """The server the product embeds, shared by all tests of this process: do not kill it (see `own_redis`)."""
    server = RedisServer(valkey_binary())
    yield server.start()
    server.close()


@pytest.fixture(scope="session")
def redis62_server() -> Iterator[RedisServer]:
    """The oldest Redis we support, shared by all tests of this process."""
    server = RedisServer(redis62_binary())
    yield server.start()
    server.close()


@pytest.fixture
def redis_url(valkey_server: RedisServer) -> str:
    """An empty Redis-compatible server."""
    return valkey_server.emptied()


@pytest.fixture
def redis62_url(redis62_server: RedisServer) -> str:
    """An empty Redis 6.2."""
    return redis62_server.emptied()


@pytest.fixture
def own_redis() -> Iterator[RedisServer]:
    """A server of this test's own, to be killed and started again at will."""
    server = RedisServer(valkey_binary())
    yield server.start()
    server.close()


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[PostgresServer]:
    """PostgreSQL, shared by all tests of this process: do not kill it (see `own_postgres`)."""
    server = PostgresServer()
    yield server.start()
    server.close()


@pytest.fixture
def own_postgres() -> Iterator[PostgresServer]:
    """A PostgreSQL of this test's own, to be killed and started again at will."""
    server = PostgresServer()
    yield server.start()
    server.close()


@pytest.fixture
def pg_url(postgres_server: PostgresServer) -> Iterator[str]:
    """The SQLAlchemy URL of a new and empty PostgreSQL database."""
    name = postgres_server.create_database()
    yield postgres_server.url(name)
    postgres_server.drop_database(name)


@pytest.fixture
def sqlite_url(tmp_path: Path) -> str:
    """The SQLAlchemy URL of a new and empty SQLite file."""
    return f"sqlite:///{tmp_path / 'callback.sqlite3'}"


@pytest.fixture(params=["sqlite", "postgresql"])
def database_url(request: pytest.FixtureRequest) -> str:
    """A new and empty database, once of each kind we serve."""
    fixture = {"sqlite": "sqlite_url", "postgresql": "pg_url"}[request.param]
    url: str = request.getfixturevalue(fixture)
    return url


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """A real Chromium. It lives as long as its module: while it runs, no other event loop can run in this thread."""
    with sync_playwright() as driver:
        chromium = driver.chromium.launch(executable_path=chromium_path(), args=list(FLAGS))
        yield chromium
        chromium.close()


@pytest.fixture
def page(browser: Browser) -> Iterator[Page]:
    """A page of a browser profile nobody used before. The test fails when a script of the page throws."""
    with browser.new_context(locale="en-US", timezone_id="UTC") as profile:
        page = profile.new_page()
        thrown: list[str] = []
        page.on("pageerror", lambda error: thrown.append(str(error)))
        yield page
    assert thrown == []
