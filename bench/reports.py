"""Reports on a year of a million calls: how long each page takes, from the request to the last byte.

The year is put into what the pages read, as a keeper would have counted it: how fast the keeper counts is another
matter, and nobody waits for it.
"""

import tempfile
import time
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from random import Random
from statistics import median

from bench.figures import Figure, Target
from callback.adapters.store.sql_store import SqlStore
from callback.domain.ids import QueueKey
from callback.domain.judged import Tally
from callback.domain.reports import TARGETS, What, step_of
from callback.domain.said import Moment
from callback.domain.tallying import DayOf, HourOf, SpreadOf
from callback.ports import Hour, ReportMark
from tests.support.clock import ManualClock
from tests.support.postgres import PostgresServer
from tests.support.redis_server import RedisServer, valkey_binary
from tests.support.web_house import WebHouse, signed_in

FAST = Target(300)
"""Milliseconds of a page."""
QUEUES = ("billing", "orders", "sales", "support", "vip")
AGENTS = tuple(f"agent{number}" for number in range(40))
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
    days: int = 365


QUICK = Effort(1, 60, 3)


def measure(database: str, effort: Effort, tick: Callable[[], None]) -> list[Figure]:
    """The median of each page."""
    with _house(database) as web:
        _fill(web.store, web.clock.now(), effort)
        client = signed_in(web)
        took: defaultdict[str, list[float]] = defaultdict(list)
        for path in PAGES.values():
            client.get(path).get_data()  # templates and statements are compiled once
        for _ in range(effort.rounds):
            for name, path in PAGES.items():
                began = time.perf_counter()
                answer = client.get(path)
                answer.get_data()
                took[name].append(1000 * (time.perf_counter() - began))
                if answer.status_code != 200:
                    raise RuntimeError(f"{path} answered {answer.status_code}")
            tick()
    row = f"reports-{database}"
    return [Figure(row, name, "ms", median(times), target=FAST) for name, times in took.items()]


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


def _fill(store: SqlStore, now: datetime, effort: Effort) -> None:
    random = Random(1)
    for back in range(effort.days):
        day = (now - timedelta(days=back)).date()
        with store.begin() as work:
            work.count_report(*_day(random, day, effort.calls // effort.days), {}, ReportMark(0, now, "bench"))
            work.add_tallies(dict(_promised(random, day)))


Amounts = defaultdict[str, float]


def _day(
    random: Random, day: date, calls: int
) -> tuple[dict[HourOf, Amounts], dict[DayOf, Amounts], dict[SpreadOf, Counter[int]]]:
    hours: defaultdict[HourOf, Amounts] = defaultdict(lambda: defaultdict(float))
    days: defaultdict[DayOf, Amounts] = defaultdict(lambda: defaultdict(float))
    spreads: defaultdict[SpreadOf, Counter[int]] = defaultdict(Counter)
    for _ in range(calls):
        queue, agent, hour = random.choice(QUEUES), random.choice(AGENTS), random.randrange(24)
        at = datetime(day.year, day.month, day.day, hour, tzinfo=UTC)
        what = random.choices(list(What), (70, 18, 12))[0]
        seconds = random.expovariate(1 / (600 if what is What.BACK else 60))
        for key in _spreads_of(queue, day, what, hour, agent):
            spreads[key][step_of(seconds)] += 1
        amounts = _amounts(what, seconds, random.expovariate(1 / 180))
        for place in (hours[HourOf(queue, at, day, hour)], days[DayOf(queue, "", day)], days[DayOf(queue, agent, day)]):
            for name, amount in amounts.items():
                place[name] += amount
    return hours, days, spreads


def _spreads_of(queue: str, day: date, what: What, hour: int, agent: str) -> Iterator[SpreadOf]:
    yield SpreadOf(queue, day, what)
    yield SpreadOf(queue, day, what, hour=hour)
    if what is not What.LEFT:
        yield SpreadOf(queue, day, what, agent=agent)


def _promised(random: Random, day: date) -> Iterator[tuple[Hour, Tally]]:
    """How punctual the promises of each hour were."""
    for queue in QUEUES:
        for hour in range(24):
            at = datetime(day.year, day.month, day.day, hour, tzinfo=UTC)
            late = random.randrange(3)
            yield (
                Hour(QueueKey(queue), at, Moment.PROMISE, "1"),
                Tally(told=9, kept=9 - late, late=late, late_s=60 * late),
            )


def _amounts(what: What, seconds: float, talk_s: float) -> dict[str, float]:
    talk = {"talks": 1, "talk_s": talk_s, "wrap_s": 20, "work_s": talk_s + 28, "free_s": 60, "said": 1, "resolved": 1}
    if what is What.LIVE:
        within = {f"in_{target}": 1 for target in TARGETS if seconds <= target}
        return {"offered": 1, "answered": 1, "wait_s": seconds} | within | talk
    if what is What.LEFT:
        return {"offered": 1, "abandoned": 1, "short": seconds < 5, "left_s": seconds}
    promise = {"promised": 1, "met": 1, "completed": 1, "back": 1, "back_s": seconds}
    return {"offered": 1, "took": 1, "shown": 1} | promise | talk
