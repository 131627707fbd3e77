"""Two hundred wallboards and five thousand callers' pages, and what they cost those who ring meanwhile.

Calls come in as in the row of the arrival, in turns: with every page open, and with none. The wallboards listen to
their streams; each caller's page looks every thirty seconds, over kept-alive connections as a proxy has them. The
browsers run on the same machine, so their own processor time is in the ratio as well; the processor time of the web
and Redis while pages are open and nobody rings is told beside it.
"""

import json
import secrets
import subprocess
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import Any

from bench import wrk
from bench.carrier import Caller
from bench.figures import Figure, Target, compared
from bench.processes import answers, processor_s, python, running
from bench.rebuild import SLICE
from bench.stage import SUPPORT, Stage, stage
from callback import serve
from callback.adapters.store.callback_rows import all_values
from callback.adapters.store.tables import callbacks
from callback.domain.callback import Callback, Source
from callback.domain.ids import new_callback_id, token_hash
from callback.domain.lifecycle import State
from callback.domain.order import score
from callback.ports import ApiToken
from callback.web.credentials import new_token
from tests.support.tree import ROOT

KEPT = Target(0.9, at_least=True)
CONNECTIONS = 8


@dataclass(frozen=True)
class Effort:
    """How many of each, and how long: seconds a turn, and callers prepared for each second."""

    rounds: int = 7
    walls: int = 200
    pages: int = 5_000
    period_s: float = 30
    seconds: int = 4
    callers_per_s: int = 4000
    proxy_connections: int = 64


@dataclass(frozen=True)
class Round:
    """Calls a second with nothing open and with everything open, and of the latter, without calls, how much of one
    processor the web and Redis are at work."""

    alone: float
    beside: float
    busy: float


def measure(effort: Effort, tick: Callable[[], None]) -> list[Figure]:
    """The figures, on PostgreSQL with green threads. `tick` is called after each round."""
    with stage("postgresql") as ground, tempfile.TemporaryDirectory(prefix="bench-") as folder:
        ground.furnish()
        tokens = fill(ground, effort.pages)
        web = python("-m", *serve.server(ground.settings, serve.APPLICATION))
        with running(web, ground.env, answers(f"{ground.base}/healthz"), "web") as serving:
            cookie = admitted(ground)
            with browsers(ground, effort, cookie, tokens) as ask:
                callers = Callers(ground, Path(folder) / "calls", effort)
                one(ground, serving, callers, ask, effort)  # warms up
                rounds = []
                for _ in range(effort.rounds):
                    rounds.append(one(ground, serving, callers, ask, effort))
                    tick()
    return figures(rounds, effort)


def one(
    ground: Stage, web: subprocess.Popen[bytes], callers: "Callers", ask: Callable[[str], Any], effort: Effort
) -> Round:
    """A turn of each."""
    alone = callers.ring()
    ask("open")
    before, began = processor_used(ground, web), time.monotonic()
    time.sleep(effort.seconds)
    busy = (processor_used(ground, web) - before) / (time.monotonic() - began)
    beside = callers.ring()
    ask("close")
    return Round(alone, beside, busy)


def figures(rounds: list[Round], effort: Effort) -> list[Figure]:
    """The medians."""
    what = f"calls beside {effort.walls} wallboards and {effort.pages:,} callers' pages"
    beside, alone = [one.beside for one in rounds], [one.alone for one in rounds]
    busy = median(one.busy for one in rounds) * 100
    return [
        compared("pages", what, "req/s", beside, alone, KEPT),
        Figure("pages", "web and Redis at work for these pages", "% of one", busy),
    ]


def processor_used(ground: Stage, web: subprocess.Popen[bytes]) -> float:
    """Seconds of processor time that the web and Redis have used so far."""
    redis = ground.built.redis.info("cpu")
    return processor_s(web) + float(redis["used_cpu_user"]) + float(redis["used_cpu_sys"])


# --- who rings, who watches ---------------------------------------------------------------------------------------


@dataclass
class Callers:
    """Everybody who rings, each once in all the rounds."""

    ground: Stage
    file: Path
    effort: Effort
    rung: int = 0

    def ring(self) -> float:
        """Calls a second."""
        count = self.effort.seconds * self.effort.callers_per_s
        some = range(self.rung, self.rung + count)
        self.rung += count
        prepared = wrk.write(self.file, (Caller(number, self.ground.base).incoming() for number in some))
        load = wrk.load(
            self.ground.base, self.file, seconds=self.effort.seconds, connections=CONNECTIONS, most=prepared
        )
        return load.per_s


def fill(ground: Stage, count: int) -> list[str]:
    """So many promises that wait, in the record and in the line: the tokens of their pages."""
    store, line = ground.built.store, ground.built.house.line
    now = ground.built.house.clock.now()
    made = [
        Callback(
            id=new_callback_id(), queue=SUPPORT, state=State.WAITING, number=f"+1202{2_000_000 + at}", joined_at=now,
            score=score(now, 0) + at, language="en", source=Source.CALL, attempts_left=3, created_at=now,
            token=secrets.token_urlsafe(18),
        ) for at in range(count)
    ]  # fmt: skip
    rows = [all_values(one, store._sealer) | {"moved_at": now} for one in made]
    with store.engine.begin() as connection:
        for start in range(0, count, SLICE):
            connection.execute(callbacks.insert(), rows[start : start + SLICE])
        connection.exec_driver_sql("ANALYZE")
    with store.begin() as work:
        line.restore(work.placed(), now=now)
    return [one.token for one in made]


def admitted(ground: Stage) -> str:
    """The pass of a screen, by a viewer's token."""
    token = new_token()
    with ground.built.store.begin() as work:
        work.put_token(ApiToken("wall", "viewer", token_hash(token)))

    class Stay(urllib.request.HTTPRedirectHandler):
        def redirect_request(self, *_: Any) -> None:
            return None

    try:
        urllib.request.build_opener(Stay).open(f"{ground.base}/wall?token={token}", timeout=10)
    except urllib.error.HTTPError as sent:
        return str(sent.headers["Set-Cookie"]).partition(";")[0]
    raise AssertionError("the wallboard did not take the token")


@contextmanager
def browsers(ground: Stage, effort: Effort, cookie: str, tokens: list[str]) -> Iterator[Callable[[str], Any]]:
    """The browsers, closed at first: what they are asked (open, close), and what they counted."""
    process = subprocess.Popen(
        python("-m", "bench.browsers"), cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    if process.stdin is None or process.stdout is None:
        raise AssertionError("pipes were asked for")
    told, heard = process.stdin, process.stdout

    def tell(what: Any) -> None:
        told.write(json.dumps(what) + "\n")
        told.flush()

    def ask(word: str) -> Any:
        tell(word)
        answer = heard.readline()
        if not answer:
            raise AssertionError("the browsers ended")
        return json.loads(answer)

    tell({
        "base": ground.base, "cookie": cookie, "walls": effort.walls, "tokens": tokens, "period_s": effort.period_s,
        "connections": effort.proxy_connections,
    })  # fmt: skip
    try:
        yield ask
    finally:
        told.close()
        process.wait(10)
