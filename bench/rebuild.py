"""A hundred thousand promises, and Redis is emptied: how long until everybody stands again, and what callers notice.

The rebuild runs in a process of its own beside a web server, to which somebody rings and somebody signs up every few
hundredths of a second, first while nothing else happens, then during the rebuild.
"""

import itertools
import json
import secrets
import socket
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from http.client import HTTPResponse
from statistics import median
from typing import Any

from bench.carrier import Caller
from bench.figures import Figure, Target, compared, percentile
from bench.processes import answers, python, running
from bench.stage import SUPPORT, Stage, stage
from callback import serve
from callback.adapters.store.callback_rows import all_values
from callback.adapters.store.sql_store import SqlStore
from callback.adapters.store.tables import callbacks
from callback.domain.callback import Callback, Source
from callback.domain.ids import new_callback_id
from callback.domain.lifecycle import State
from callback.domain.order import score
from tests.support.tree import ROOT

SOON, UNNOTICED = Target(10), Target(50)
EVERY_S = 0.03
"""Between one request of a prober and the next."""
SLICE = 1_000
NO_WORKERS_S = 86_400
"""Nobody works here, and callbacks are promised all the same."""
UNAVAILABLE = 503
"""The record was too slow for a web server's patience: the answer says to try again."""
SCRIPTS = 5_000
"""How many commands the server remembers."""
SLOW_US = 200
"""And from how long on: to remember also what a script does in a microsecond would cost as much as the script."""


@dataclass(frozen=True)
class Effort:
    """How many rounds and promises, and how long callers are listened to while nothing happens."""

    rounds: int = 3
    promises: int = 100_000
    idle_s: float = 4


@dataclass
class Heard:
    """How long each request took, in milliseconds, and how many were refused for now."""

    calls: list[float] = field(default_factory=list)
    sign_ups: list[float] = field(default_factory=list)
    refused: list[int] = field(default_factory=list)


@dataclass(frozen=True)
class Round:
    """One rebuild: its seconds, what each script took in milliseconds, and what was heard during it and before."""

    seconds: float
    scripts_ms: list[float]
    during: Heard
    idle: Heard


def measure(database: str, effort: Effort, tick: Callable[[], None]) -> list[Figure]:
    """The figures of one database. `tick` is called after each round."""
    with stage(database) as ground:
        ground.furnish()
        fill(ground, effort.promises)
        web = python("-m", *serve.server(ground.settings, serve.APPLICATION))
        env = {**ground.env, "WORKERS_GONE_S": str(NO_WORKERS_S)}
        with running(web, env, answers(f"{ground.base}/healthz"), "web"):
            rounds = []
            for _ in range(effort.rounds):
                rounds.append(one(ground, effort))
                tick()
    return figures(f"rebuild-{database}", effort, rounds)


def figures(row: str, effort: Effort, rounds: list[Round]) -> list[Figure]:
    """The medians of the rounds; of what was heard, the longest and the 99th percentile."""
    told = [
        Figure(row, f"until {effort.promises:,} promises stand again", "s", median(one.seconds for one in rounds),
               target=SOON),
        Figure(row, "a script of it, p99", "ms", median(percentile(one.scripts_ms, 0.99) for one in rounds),
               target=UNNOTICED),
        Figure(row, "a script of it, longest", "ms", median(max(one.scripts_ms) for one in rounds)),
    ]  # fmt: skip
    sides: tuple[tuple[str, Callable[[Heard], list[float]]], ...] = (
        ("a call comes in", lambda heard: heard.calls),
        ("a sign-up", lambda heard: heard.sign_ups),
    )
    for what, of in sides:
        for name, share in (("p99", 0.99), ("longest", 1.0)):
            during = [percentile(of(one.during), share) for one in rounds]
            idle = [percentile(of(one.idle), share) for one in rounds]
            told.append(compared(row, f"{what} meanwhile, {name}", "ms", during, idle, None))
    refused = sum(len(one.during.refused) for one in rounds)
    return [replace(figure, what=f"{figure.what} ({refused} refused)") for figure in told] if refused else told


def one(ground: Stage, effort: Effort) -> Round:
    """One loss and its rebuild."""
    with probed(ground) as idle:
        time.sleep(effort.idle_s)
    redis = ground.built.redis
    redis.flushall(asynchronous=True)
    redis.config_set("slowlog-log-slower-than", SLOW_US)
    redis.config_set("slowlog-max-len", SCRIPTS)
    redis.slowlog_reset()
    with probed(ground) as during:
        done = subprocess.run(
            python("-m", "bench.rebuilder"), env={"PATH": "", **ground.env}, cwd=ROOT, capture_output=True, text=True,
            check=True,
        )  # fmt: skip
    scripts = [entry["duration"] / 1000 for entry in redis.slowlog_get(SCRIPTS) if b"EVAL" in _name(entry)]
    return Round(float(done.stdout), scripts, during, idle)


def _name(entry: dict[str, Any]) -> bytes:
    """Of a command in the slow log."""
    words = entry["command"]
    return (words if isinstance(words, bytes) else str(words).encode()).upper()[:8]


# --- who waits ----------------------------------------------------------------------------------------------------


def fill(ground: Stage, count: int) -> None:
    """That many promises in the record, a second apart."""
    store = ground.built.store
    began = ground.built.house.clock.now() - timedelta(seconds=count)
    for start in range(0, count, SLICE):
        rows = [_row(store, began + timedelta(seconds=at), at) for at in range(start, min(start + SLICE, count))]
        with store.engine.begin() as connection:
            connection.execute(callbacks.insert(), rows)
    with store.engine.begin() as connection:
        connection.exec_driver_sql("ANALYZE")  # as either database does by itself after a while


def _row(store: SqlStore, joined: datetime, number: int) -> dict[str, Any]:
    made = Callback(
        id=new_callback_id(), queue=SUPPORT, state=State.WAITING, number=f"+1202{2_000_000 + number}", joined_at=joined,
        score=score(joined, 0), language="en", source=Source.CALL, attempts_left=3, created_at=joined,
    )  # fmt: skip
    return all_values(made, store._sealer) | {"moved_at": joined}


# --- who rings and signs up ---------------------------------------------------------------------------------------

_callers = itertools.count()


@contextmanager
def probed(ground: Stage) -> Iterator[Heard]:
    """Somebody rings and somebody signs up all the time, while the block runs."""
    heard, over = Heard(), threading.Event()
    threads = [
        threading.Thread(target=_probe, args=(ground, request, times, heard.refused, over))
        for request, times in ((_call, heard.calls), (_sign_up, heard.sign_ups))
    ]
    for thread in threads:
        thread.start()
    try:
        yield heard
    finally:
        over.set()
        for thread in threads:
            thread.join()


def _probe(
    ground: Stage, request: Callable[[Stage], bytes], times: list[float], refused: list[int], over: threading.Event
) -> None:
    with closing(socket.create_connection(("127.0.0.1", ground.settings.port), timeout=30)) as line:
        while not over.wait(EVERY_S):
            asked = request(ground)
            begun = time.perf_counter()
            line.sendall(asked)
            answer = HTTPResponse(line)
            answer.begin()
            answer.read()
            times.append((time.perf_counter() - begun) * 1000)
            if answer.status == UNAVAILABLE:
                refused.append(answer.status)
            elif answer.status >= 400:
                raise RuntimeError(f"answered with {answer.status}")


def _call(ground: Stage) -> bytes:
    return Caller(next(_callers), ground.base).incoming()


def _sign_up(ground: Stage) -> bytes:
    body = json.dumps({"queue": SUPPORT, "number": f"+1203{2_000_000 + next(_callers)}"})
    return (
        f"POST /api/v1/callbacks HTTP/1.1\r\nHost: {ground.base.removeprefix('http://')}\r\n"
        f"Authorization: Bearer {ground.token}\r\nIdempotency-Key: {secrets.token_hex(8)}\r\n"
        f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n{body}"
    ).encode()
