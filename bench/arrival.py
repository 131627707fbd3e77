"""The arrival: every webhook until the caller is in line, against a bare Flask view behind the same server.

The caller stands in line once the first webhook is answered; the first wait document makes them matchable and is told
beside it. wrk drives both with the same connections, in turns, each from an empty line.
"""

import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

from bench import carrier, wrk
from bench.figures import Figure, Target, compared
from bench.processes import answers, python, running
from bench.stage import Stage, stage
from callback import serve
from tests.support.ports import free_port

THROUGHPUT, TAIL = Target(0.45, at_least=True), Target(3)
CONNECTIONS = 8


@dataclass(frozen=True)
class Effort:
    """How long to measure: rounds, seconds a turn, and callers prepared for each second."""

    rounds: int = 7
    seconds: int = 2
    callers_per_s: int = 4000


@dataclass(frozen=True)
class Round:
    """One turn of each."""

    bare: wrk.Load
    line: wrk.Load
    hold: wrk.Load


def measure(database: str, effort: Effort, tick: Callable[[], None]) -> list[Figure]:
    """The figures of one database, with the worker class that serves on it. `tick` is called after each round."""
    with ExitStack() as stack:
        ground = stack.enter_context(stage(database))
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="bench-")))
        bare = stack.enter_context(_served(ground))
        most = _prepare(ground, folder, effort)
        rounds = list(_rounds(ground, bare, folder, effort, most, tick))
    return _figures(f"arrival, {database}", rounds)


def _served(ground: Stage) -> "_Servers":
    return _Servers(ground)


class _Servers:
    """Our web server and the bare one, with the same settings; gives the bare one's address."""

    def __init__(self, ground: Stage) -> None:
        self._ground = ground
        self._stack = ExitStack()

    def __enter__(self) -> str:
        self._ground.furnish()
        ours = self._ground.settings
        port = free_port()
        bare = ours.model_copy(update={"port": port})
        for known, program in ((ours, serve.APPLICATION), (bare, "bench.bare:application()")):
            argv = python("-m", *serve.server(known, program))
            ready = answers(f"http://127.0.0.1:{known.port}/healthz")
            self._stack.enter_context(running(argv, self._ground.env, ready, program))
        return f"http://127.0.0.1:{port}"

    def __exit__(self, *_: object) -> None:
        self._stack.close()


def _prepare(ground: Stage, folder: Path, effort: Effort) -> dict[str, int]:
    count = effort.seconds * effort.callers_per_s
    now_us = time.time_ns() // 1000
    return {
        "line": wrk.write(folder / "line", carrier.arrivals(ground.base, count)),
        "hold": wrk.write(folder / "hold", carrier.arrivals_on_hold(ground.base, count // 2, now_us)),
    }


def _rounds(
    ground: Stage, bare: str, folder: Path, effort: Effort, most: dict[str, int], tick: Callable[[], None]
) -> Iterator[Round]:
    def turn(base: str, name: str, limit: int | None, seconds: float = effort.seconds) -> wrk.Load:
        ground.furnish()
        return wrk.load(base, folder / name, seconds=seconds, connections=CONNECTIONS, most=limit)

    turn(bare, "line", None, 1)
    turn(ground.base, "line", most["line"], 1)
    for _ in range(effort.rounds):
        yield Round(
            bare=turn(bare, "line", None),
            line=turn(ground.base, "line", most["line"]),
            hold=turn(ground.base, "hold", most["hold"]),
        )
        tick()


def _figures(row: str, rounds: list[Round]) -> list[Figure]:
    bare = [one.bare.per_s for one in rounds]
    tail = [one.bare.p99_ms for one in rounds]
    return [
        compared(row, "in line", "arrivals/s", [one.line.per_s for one in rounds], bare, THROUGHPUT),
        compared(row, "in line, p99", "ms", [one.line.p99_ms for one in rounds], tail, TAIL),
        compared(row, "in line and on hold", "arrivals/s", [one.hold.per_s / 2 for one in rounds], bare, None),
        compared(row, "either webhook, p99", "ms", [one.hold.p99_ms for one in rounds], tail, None),
    ]
