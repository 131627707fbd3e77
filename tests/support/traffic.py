"""Small recorded traffic for tests: rows of a trace, and a little queue whose waits follow from its arrivals."""

import heapq
import random
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from pathlib import Path

from callback.lab.trace import Outcome, Row

MONDAY = datetime(2026, 3, 2, 9, tzinfo=UTC)
Standing = tuple[float, tuple[float, str, str]]
"""A score, and who has it: when they joined, their name and their priority."""
HEADER = "call_id,queue,priority,arrived_at,outcome,waited_s,handled_s,agent"


def row(
    call: str,
    at: float,
    waited: float = 0.0,
    handled: float = 60.0,
    outcome: Outcome = Outcome.ANSWERED,
    *,
    priority: str = "",
    agent: str = "ann",
    queue: str = "q",
    type: str = "",
) -> Row:
    """One wait, `at` seconds after a Monday's nine o'clock."""
    moment = datetime.fromtimestamp(MONDAY.timestamp() + at, UTC)
    answered = outcome is Outcome.ANSWERED
    return Row(
        call_id=call,
        queue=queue,
        priority=priority,
        arrived_at=moment,
        written=moment.isoformat(),
        at=moment.timestamp(),
        outcome=outcome,
        waited_s=waited,
        handled_s=handled if answered else 0.0,
        agent=agent if answered else "",
        extra={"type": type} if type else {},
    )


def crowd(calls: int, *, agents: int = 3, seed: int = 1, start: float = 0.0, credit: float = 0.0) -> list[Row]:
    """Traffic of a queue with patient callers at a load of 95 %, every fifth with a priority worth `credit` seconds."""
    dice = random.Random(seed)
    free = [(start, f"agent{number}") for number in range(agents)]
    heapq.heapify(free)
    joined, at = [], start
    for number in range(calls):
        at += dice.expovariate(0.95 * agents / 60)
        joined.append((at, f"{seed}-{number}", "vip" if number % 5 == 0 and credit else ""))
    rows: list[Row] = []
    line: list[Standing] = []
    for one in joined:
        _serve(rows, line, free, one[0], dice)
        heapq.heappush(line, (one[0] - (credit if one[2] else 0.0), one))
    _serve(rows, line, free, float("inf"), dice)
    return sorted(rows, key=lambda done: done.at)


def _serve(
    rows: list[Row], line: list[Standing], free: list[tuple[float, str]], until: float, dice: random.Random
) -> None:
    """Serves who can be served before `until`."""
    while line and max(free[0][0], line[0][1][0]) < until:
        ready, agent = heapq.heappop(free)
        _, (at, call, priority) = heapq.heappop(line)
        begins = max(ready, at)
        talk = dice.expovariate(1 / 60)
        rows.append(row(call, at, begins - at, talk, priority=priority, agent=agent))
        heapq.heappush(free, (begins + talk, agent))


def save(rows: Iterable[Row], path: Path, columns: Sequence[str] = HEADER.split(",")) -> Path:
    """The rows as a trace file with these columns."""
    lines = [",".join(columns)]
    for one in rows:
        cells = {name: str(getattr(one, name, "")) for name in columns} | {"arrived_at": one.written} | dict(one.extra)
        lines.append(",".join(cells[name] for name in columns))
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return path
