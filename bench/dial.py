"""An agent becomes free: how long until the carrier is asked to ring the next caller, against a bare Celery task.

Ours is timed from the moment the agent's presence is sent over the API, so web, line, broker, worker, record and
carrier client are all in it. The reference has the same broker, worker settings and database, makes one commit and
the same request, and is timed from just before it is sent. The two take turns, one dial each.
"""

import json
import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from http.client import HTTPConnection
from statistics import median

from bench import bare_worker
from bench.figures import Figure, Target, compared, percentile
from bench.processes import answers, python, running, says
from bench.stage import ACCOUNT, NUMBER, SUPPORT, Stage, stage
from bench.stub import Stub, stub
from callback import serve
from callback.adapters.store.engine import make_engine
from callback.domain.callback import Source
from callback.flows import enrol
from callback.supervise import commands_from
from tests.support.tree import ROOT

MEDIAN, TAIL = Target(1.25), Target(2)


@dataclass(frozen=True)
class Effort:
    """How many rounds, and how many dials of each kind in one. The first round warms up and is not counted."""

    rounds: int = 7
    dials: int = 40

    @property
    def callers(self) -> int:
        """How many have to be rung in all."""
        return (self.rounds + 1) * self.dials


@dataclass(frozen=True)
class Round:
    """Seconds until the carrier was asked, dial by dial."""

    ours: list[float]
    bare: list[float]


def measure(database: str, effort: Effort, tick: Callable[[], None]) -> list[Figure]:
    """The figures of one database. `tick` is called after each round."""
    with stub() as carrier, stage(database, carrier.base) as ground, workplace(ground, effort) as place:
        rounds = list(_rounds(Dials(ground, carrier, place), effort, tick))
    return figures(f"dial-{database}", rounds)


def figures(row: str, rounds: list[Round]) -> list[Figure]:
    """The median of each round; the 99th percentile over all rounds, since one alone has too few."""
    ours, bare = [median(one.ours) * 1000 for one in rounds], [median(one.bare) * 1000 for one in rounds]
    tails = [[percentile([s * 1000 for one in rounds for s in side(one)], 0.99)] for side in (_ours, _bare)]
    return [
        compared(row, "agent free → carrier asked, p50", "ms", ours, bare, MEDIAN),
        compared(row, "agent free → carrier asked, p99", "ms", tails[0], tails[1], TAIL),
    ]


def _ours(one: Round) -> list[float]:
    return one.ours


def _bare(one: Round) -> list[float]:
    return one.bare


@contextmanager
def workplace(ground: Stage, effort: Effort) -> Iterator[HTTPConnection]:
    """Callers who wait to be rung, one idle agent for each, our web and worker, and the bare worker. Gives the
    connection to our web server."""
    ground.furnish(idle=effort.callers)
    bare_worker.metadata.create_all(make_engine(ground.env["DATABASE_URL"]))
    for number in range(effort.callers):
        enrol.request(
            ground.built.house, queue=SUPPORT, number=f"+1201{3_000_000 + number}", source=Source.API,
            idempotency=None, cause="bench",
        )  # fmt: skip
    worker = commands_from(ROOT / "Procfile", dict(ground.env))["worker"]
    shell, option, line = worker.argv
    bare = line.replace("-A workers", "-A bench.bare_worker").replace("-n worker@", "-n bare@")
    bare = bare.replace("dial,messages", bare_worker.QUEUE)
    with ExitStack() as stack:
        web = python("-m", *serve.server(ground.settings, serve.APPLICATION))
        stack.enter_context(running(web, ground.env, answers(f"{ground.base}/healthz"), "web"))
        for name, command in (("worker", line), ("bare worker", bare)):
            stack.enter_context(running((shell, option, command), worker.env or {}, says("ready."), name))
        yield stack.enter_context(_connected(ground))


@contextmanager
def _connected(ground: Stage) -> Iterator[HTTPConnection]:
    connection = HTTPConnection("127.0.0.1", ground.settings.port, timeout=30)
    try:
        yield connection
    finally:
        connection.close()


class Dials:
    """The two things that are timed."""

    def __init__(self, ground: Stage, carrier: Stub, web: HTTPConnection) -> None:
        self._ground, self._carrier, self._web = ground, carrier, web
        self._bare = bare_worker.make_app(ground.redis.url)
        self._agent = 0

    def ours(self) -> float:
        """The next agent becomes available; seconds until the carrier was asked."""
        path = f"/api/v1/agents/a{self._agent}/presence"
        self._agent += 1
        body = json.dumps({"status": "available"})
        headers = {"Authorization": f"Bearer {self._ground.token}", "Content-Type": "application/json"}
        begun = time.perf_counter()
        self._web.request("POST", path, body, headers)
        answer = self._web.getresponse()
        answer.read()
        if answer.status != 200:
            raise RuntimeError(f"{path} was answered with {answer.status}")
        return self._carrier.next() - begun

    def bare(self) -> float:
        """The bare task is sent; seconds until the carrier was asked."""
        url = f"{self._carrier.base}/2010-04-01/Accounts/{ACCOUNT}/Calls.json"
        begun = time.perf_counter()
        self._bare.send_task(
            bare_worker.TASK, args=[uuid.uuid4().hex, url, _form(self._ground.base)], queue=bare_worker.QUEUE
        )
        return self._carrier.next() - begun


def _form(base: str) -> dict[str, str]:
    """What our own request for a call says."""
    return {
        "To": "+12013000000",
        "From": NUMBER,
        "Url": f"{base}/voice/callback?a=at000000000000000000&x=abcdefghijkl",
        "StatusCallback": f"{base}/voice/status?a=at000000000000000000&x=abcdefghijkl",
        "StatusCallbackEvent": "completed",
        "FallbackUrl": f"{base}/voice/fallback?x=abcdefghijkl",
        "Timeout": "25",
    }


def _rounds(dials: Dials, effort: Effort, tick: Callable[[], None]) -> Iterator[Round]:
    def one() -> Round:
        times = Round([], [])
        for _ in range(effort.dials):
            times.ours.append(dials.ours())
            times.bare.append(dials.bare())
        return times

    one()
    for _ in range(effort.rounds):
        yield one()
        tick()
