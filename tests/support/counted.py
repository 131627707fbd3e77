"""A past for reports: calls, promises and talks of some days, counted as a keeper would count them."""

import math
from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import UTC, datetime, time, timedelta, tzinfo
from random import Random

from callback.adapters.store.sql_store import SqlStore
from callback.domain.callback import Entry
from callback.domain.tallying import Facts, Tallying, micros
from callback.ports import ReportMark


def fill(
    store: SqlStore, now: datetime, *, days: int, queues: Sequence[str] = ("support", "billing"),
    agents: Sequence[str] = ("ann", "bob", "chen"), zone: tzinfo = UTC, calls: int = 40, seed: int = 1,
) -> None:  # fmt: skip
    """So many days up to `now`, with about so many calls a day and queue."""
    random = Random(seed)
    rows = [
        row for day in range(days) for queue in queues for row in _day(random, now, day, queue, agents, calls, zone)
    ]
    rows = sorted((row for row in rows if row.at <= now), key=lambda row: row.at)
    offered = {row.subject for row in rows if random.random() < 0.4 or row.after == "callback"}
    held = {row.data["token"]: random.uniform(5, 60) for row in rows if "token" in row.data and random.random() < 0.2}
    joined = {row.subject: row.at - timedelta(seconds=40) for row in rows if row.kind == "callback" and not row.before}
    found = Tallying(Facts(lambda _: zone, offered, held, joined), {})
    for row in rows:
        found.read(row)
    with store.begin() as work:
        work.count_report(
            found.hours, found.days, found.spreads, found.open, ReportMark(work.last_seq(), now, "filled")
        )


def _day(
    random: Random, now: datetime, back: int, queue: str, agents: Sequence[str], calls: int, zone: tzinfo
) -> Iterator[Entry]:
    midnight = datetime.combine(now.astimezone(zone).date() - timedelta(back), time(), zone).astimezone(UTC)
    for number in range(int(calls * (0.6 if (midnight + timedelta(hours=12)).weekday() >= 5 else 1))):
        begin = midnight + timedelta(hours=8 + 10 * (0.5 + math.asin(random.uniform(-1, 1)) / math.pi))
        name = f"{queue}-{back}-{number}"
        wait = timedelta(seconds=random.expovariate(1 / 45))
        kind = random.choices(("talk", "leave", "promise"), (70, 12, 18))[0]
        yield _row(begin, "call", f"CA{name}", None, "arrived", queue)
        if kind == "leave":
            yield _row(begin + wait, "call", f"CA{name}", "arrived", "abandoned", queue)
            continue
        entry, agent = f"CA{name}", random.choice(agents)
        talk, at = timedelta(seconds=random.lognormvariate(5.1, 0.5)), begin + wait
        if kind == "promise":
            entry, later = f"cb{name}", timedelta(minutes=random.uniform(4, 40))
            yield _row(begin + wait, "call", f"CA{name}", "arrived", "callback", queue)
            yield _row(at, "callback", entry, None, "waiting", queue)
            end = random.choices(("completed", "unreached", "cancelled"), (86, 8, 6))[0]
            at += later
            if end != "completed":
                yield _row(at, "callback", entry, "waiting", end, queue)
                continue
            yield _row(at, "callback", entry, "answered", "bridged", queue, agent=agent)
            yield _row(at + talk, "callback", entry, "bridged", "completed", queue)
            if random.random() < 0.3:
                score = random.choices((1, 2, 3, 4, 5), (4, 6, 15, 35, 40))[0]
                yield _row(at + talk, "queue", queue, None, "rated", queue, agent=agent, made=micros(begin + wait),
                           score=score, was=None)  # fmt: skip
        else:
            yield _row(at, "call", entry, "reserved", "bridged", queue, agent=agent)
            yield _row(at + talk, "call", entry, "bridged", "completed", queue)
        yield from _talk(random, agent, queue, entry, at, talk)


def _talk(random: Random, agent: str, queue: str, entry: str, at: datetime, talk: timedelta) -> Iterator[Entry]:
    token, wrap = f"t{entry}", timedelta(seconds=random.uniform(5, 40))
    rows = (
        (at - timedelta(seconds=random.uniform(30, 600)), "available", "presence"),
        (at - timedelta(seconds=random.uniform(3, 12)), "reserved", "matched"), (at, "busy", "bridged"),
        (at + talk, "wrap_up", "completed"), (at + talk + wrap, "available", "wrap_up_over"),
        (at + talk + wrap + timedelta(seconds=1), "offline", "presence"),
    )  # fmt: skip
    for when, status, reason in rows:
        told = {"token": token, "entry": entry} if status == "busy" else {}
        yield replace(_row(when, "agent", agent, None, status, queue), reason=reason, data=told)
    if random.random() < 0.1:
        yield _row(at + talk, "queue", queue, None, "passed_on", queue, agent=agent)
    yield _row(at + talk, "queue", queue, None, "noted", queue, agent=agent, began=micros(at),
               resolved=random.random() < 0.8, was=None)  # fmt: skip


def _row(at: datetime, kind: str, subject: str, before: str | None, after: str, queue: str, **data: object) -> Entry:
    return Entry(at, kind, subject, before, after, "", queue=queue, data=data)
