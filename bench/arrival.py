"""The arrival: every webhook until the caller is in line, against a bare Flask view behind the same server.

The caller stands in line once the first webhook is answered; the first wait document makes them matchable and is told
beside it. wrk drives both with the same connections, in turns, each from an empty line.
"""

import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

from bench import carrier, wrk
from bench.figures import Figure, Target, compared
from bench.processes import answers, processor_s, python, running
from bench.stage import Stage, stage
from callback import serve
from tests.support.ports import free_port

THROUGHPUT, TAIL = Target(0.45, at_least=True), Target(3)
CONNECTIONS = 8


@dataclass(frozen=True)
class Effort:
    """How long to measure: rounds, seconds a turn, and callers prepared for each second. Before the first round
    comes one that warms up and is not counted, unless nobody wants to know."""

    rounds: int = 7
    seconds: int = 2
    callers_per_s: int = 4000
    warm_up: bool = True


@dataclass(frozen=True)
class Turn:
    """What wrk measured, and the processor time of web and Redis for a request, in milliseconds."""

    load: wrk.Load
    processor_ms: float


@dataclass(frozen=True)
class Round:
    """One turn of each."""

    bare: Turn
    line: Turn
    hold: Turn


def measure(database: str, effort: Effort, tick: Callable[[], None]) -> list[Figure]:
    """The figures of one database, with the worker class that serves on it. `tick` is called after each round."""
    with ExitStack() as stack:
        ground = stack.enter_context(stage(database))
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="bench-")))
        servers = stack.enter_context(served(ground))
        most = _prepare(ground, folder, effort)
        rounds = list(_rounds(servers, folder, effort, most, tick))
    return figures(f"arrival-{database}", rounds)


@dataclass(frozen=True)
class Servers:
    """Our web server and the bare one, with the same settings."""

    ground: Stage
    ours: subprocess.Popen[bytes]
    bare: subprocess.Popen[bytes]
    bare_base: str

    def turn(self, name: str, requests: Path, effort: Effort, most: int | None) -> Turn:
        """One load on one of the two, from an empty line."""
        self.ground.furnish()
        process, base = (self.bare, self.bare_base) if name == "bare" else (self.ours, self.ground.base)
        before = self._processor_s(process)
        load = wrk.load(base, requests, seconds=effort.seconds, connections=CONNECTIONS, most=most)
        return Turn(load, (self._processor_s(process) - before) / load.requests * 1000)

    def _processor_s(self, web: subprocess.Popen[bytes]) -> float:
        redis = self.ground.built.redis.info("cpu")
        return processor_s(web) + float(redis["used_cpu_user"]) + float(redis["used_cpu_sys"])


@contextmanager
def served(ground: Stage) -> Iterator[Servers]:
    """Both servers, up."""
    ground.furnish()
    port = free_port()
    bare = ground.settings.model_copy(update={"port": port})
    with ExitStack() as stack:
        up = [
            stack.enter_context(
                running(
                    python("-m", *serve.server(known, program)), ground.env,
                    answers(f"http://127.0.0.1:{known.port}/healthz"), program,
                )
            )
            for known, program in ((ground.settings, serve.APPLICATION), (bare, "bench.bare:application()"))
        ]  # fmt: skip
        yield Servers(ground, up[0], up[1], f"http://127.0.0.1:{port}")


def _prepare(ground: Stage, folder: Path, effort: Effort) -> dict[str, int]:
    count = effort.seconds * effort.callers_per_s
    now_us = time.time_ns() // 1000
    return {
        "line": wrk.write(folder / "line", carrier.arrivals(ground.base, count)),
        "hold": wrk.write(folder / "hold", carrier.arrivals_on_hold(ground.base, count // 2, now_us)),
    }


def _rounds(
    servers: Servers, folder: Path, effort: Effort, most: dict[str, int], tick: Callable[[], None]
) -> Iterator[Round]:
    def one() -> Round:
        return Round(
            bare=servers.turn("bare", folder / "line", effort, None),
            line=servers.turn("line", folder / "line", effort, most["line"]),
            hold=servers.turn("hold", folder / "hold", effort, most["hold"]),
        )

    if effort.warm_up:
        one()
    for _ in range(effort.rounds):
        yield one()
        tick()


def figures(row: str, rounds: list[Round]) -> list[Figure]:
    def each(value: Callable[[Turn], float], side: Callable[[Round], Turn]) -> list[float]:
        return [value(side(one)) for one in rounds]

    def figure(what: str, unit: str, value: Callable[[Turn], float], side: Callable[[Round], Turn], ours: float = 1,
               target: Target | None = None) -> Figure:  # fmt: skip
        measured = [ours * number for number in each(value, side)]
        return compared(row, what, unit, measured, each(value, lambda one: one.bare), target)

    return [
        figure("in line", "arrivals/s", _per_s, lambda one: one.line, target=THROUGHPUT),
        figure("in line, p99", "ms", _p99_ms, lambda one: one.line, target=TAIL),
        figure("in line, processor time", "ms", _processor_ms, lambda one: one.line),
        figure("in line and on hold", "arrivals/s", _per_s, lambda one: one.hold, ours=0.5),
        figure("in line and on hold, p99 of a webhook", "ms", _p99_ms, lambda one: one.hold),
        figure("in line and on hold, processor time", "ms", _processor_ms, lambda one: one.hold, ours=2),
    ]


def _per_s(turn: Turn) -> float:
    return turn.load.per_s


def _p99_ms(turn: Turn) -> float:
    return turn.load.p99_ms


def _processor_ms(turn: Turn) -> float:
    return turn.processor_ms
