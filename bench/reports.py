"""Reports on a year of a million calls: how long each page takes, from the request to the last byte.

There are as many calls in the year before it, since a page compares the two.
"""

import tempfile
import time
from collections import defaultdict
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from statistics import median

import psycopg
from sqlalchemy import URL

from bench.counted_year import AGENTS, QUEUES, fill
from bench.figures import Figure, Target
from tests.support.clock import ManualClock
from tests.support.postgres import PostgresServer
from tests.support.redis_server import RedisServer, valkey_binary
from tests.support.web_house import WebHouse, signed_in

FAST = Target(300)
"""Milliseconds of a page."""
PAGES = {
    "operations by day": "/admin/reports?period=365&by=day",
    "operations by hour": "/admin/reports?period=365&by=hour",
    "operations by queue": "/admin/reports?period=365&by=queue",
    "every wait by day": "/admin/reports?period=365&by=day&table=waits&show=wait_p90",
    "one queue by week": "/admin/reports?period=365&by=week&queue=support",
    "management": "/admin/reports/management?period=365&hourly=30",
    "agents": "/admin/reports/agents?period=365",
    "an agent by day": f"/admin/reports/agents?period=365&agent={AGENTS[0]}",
    "a file by day": "/admin/reports.csv?period=365&by=day",
}


@dataclass(frozen=True)
class Effort:
    """How often each page is asked for, and how many days and calls the past has."""

    rounds: int = 7
    calls: int = 1_000_000
    days: int = 367


QUICK = Effort(1, 60, 3)


def measure(database: str, effort: Effort, tick: Callable[[], None]) -> list[Figure]:
    """The median of each page, by the clock; and the process' own time, which other work on the machine does not
    touch."""
    with _house(database) as web:
        fill(web.store, web.clock.now(), days=effort.days, calls=effort.calls)
        _settle(web.store.engine.url)
        client = signed_in(web)
        took: defaultdict[str, list[float]] = defaultdict(list)
        worked: defaultdict[str, list[float]] = defaultdict(list)
        for path in PAGES.values():
            client.get(path).get_data()  # templates and statements are compiled once
        for _ in range(effort.rounds):
            for name, path in PAGES.items():
                began, at_work = time.perf_counter(), time.process_time()
                answer = client.get(path)
                answer.get_data()
                took[name].append(1000 * (time.perf_counter() - began))
                worked[name].append(1000 * (time.process_time() - at_work))
                if answer.status_code != 200:
                    raise RuntimeError(f"{path} answered {answer.status_code}")
            tick()
    row = f"reports-{database}"
    return [
        *(Figure(row, name, "ms", median(times), target=FAST) for name, times in took.items()),
        *(Figure(row, f"{name}, processor time", "ms", median(times)) for name, times in worked.items()),
    ]


def _settle(url: URL) -> None:
    """What PostgreSQL does by itself within a minute in a house that goes on."""
    if url.get_backend_name() == "postgresql":
        with psycopg.connect(url.set(drivername="postgresql").render_as_string(False), autocommit=True) as sql:
            sql.execute("VACUUM ANALYZE")


@contextmanager
def _house(database: str) -> Iterator[WebHouse]:
    server = RedisServer(valkey_binary()).start()
    postgres = PostgresServer().start() if database == "postgresql" else None
    try:
        with tempfile.TemporaryDirectory(prefix="reports-") as folder:
            url = postgres.url(postgres.create_database()) if postgres else f"sqlite:///{folder}/record.sqlite3"
            web = WebHouse(server.url, url, ManualClock(), "http://callback.test")
            try:
                for number, queue in enumerate(QUEUES):
                    web.queue(queue, queue.title(), (f"+1201555010{number}",))
                for agent in AGENTS:
                    web.agent(agent)
                yield web
            finally:
                web.close()
    finally:
        server.close()
        if postgres:
            postgres.close()
