"""The learnt wait as the house serves it: how fast the journal is followed, a table made, and a place looked up.

The journal is that of synthetic traffic, with the rows that calls and agents leave. The reference for a look-up is the
simple rule, which is what a webhook computes where nothing was learnt.
"""

import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from statistics import median

from bench.figures import Figure, Target, compared
from callback.domain.callback import Entry
from callback.domain.estimator import Estimator
from callback.domain.floor import Event, Freed, Joined, Left, Served
from callback.domain.following import Following, Shape
from callback.domain.lifecycle import AgentStatus
from callback.domain.policy import Policy
from callback.domain.table import Table, read, written
from callback.domain.wait import NOTHING_MEASURED, Wait, estimate
from callback.lab import replay, scenarios

ROW = "expect"
CALLS, QUICK_CALLS = 4_000, 600
IN_LINE, TURNS = 60, 7
LOOKED_UP = 2_000
LEARN_EVERY = 1_000
QUEUE = "main"
MILLISECOND = Target(1_000)
TWENTY_A_SECOND = Target(200, at_least=True)
"""Journal rows a second: a house that takes twenty calls a second writes about eight of them for each."""


@dataclass(frozen=True)
class Followed:
    """A journal that was followed, and how many rows a second of processor time it took."""

    following: Following
    last: Entry
    rows_a_second: float


def measure(quick: bool, tick: Callable[[], None]) -> list[Figure]:
    """Rows a second, milliseconds a table, microseconds a look-up."""
    done = follow(QUICK_CALLS if quick else CALLS)
    tick()
    table, table_s = outlined(done)
    ours, simple = looked_up(table)
    return [
        Figure(ROW, "journal rows followed and learnt from", "rows/s", done.rows_a_second, target=TWENTY_A_SECOND),
        Figure(ROW, f"a table of {IN_LINE} in line", "ms", table_s * 1e3),
        Figure(ROW, "a place looked up", "µs", median(ours) * 1e6, target=MILLISECOND),
        compared(
            ROW, "against the simple rule", "µs", [one * 1e6 for one in ours], [one * 1e6 for one in simple], None
        ),
    ]


def follow(calls: int) -> Followed:
    """The journal of so many calls, read to its end by an estimator that learns."""
    rows, _ = scenarios.traffic(scenarios.SCENARIOS[0], calls, seed=1)
    journal = list(told(event for event, _ in replay.events(rows, {})))
    agents = {row.subject for row in journal if row.kind == "agent"}
    following = Following(
        Shape({QUEUE: QUEUE}, dict.fromkeys(agents, (QUEUE,))), lambda _: Estimator(Policy(), UTC), _given_up
    )
    begun = time.process_time()
    for number, row in enumerate(journal, 1):
        following.feed(row)
        if number % LEARN_EVERY == 0:
            following.learn()
    following.learn()
    return Followed(following, journal[-1], len(journal) / (time.process_time() - begun))


def _given_up(_: str, fault: Exception) -> None:
    raise fault


def told(events: Iterator[Event]) -> Iterator[Entry]:
    """What the line would have written down of these events, with agents by the names of seats."""
    seats: list[str] = []
    with_whom: dict[str, str] = {}
    joined: dict[str, float] = {}
    for event in events:
        match event:
            case Joined():
                joined[event.call] = event.at
                yield _call(event.at, event.call, event.at, None, "arrived")
                yield _call(event.at, event.call, event.at, "arrived", "waiting")
            case Served():
                seat = with_whom[event.call] = seats.pop() if seats else f"agent{len(with_whom)}"
                yield _call(event.at, event.call, joined[event.call], "waiting", "reserved")
                yield _agent(event.at, seat, "available", "reserved", event.call)
                yield _agent(event.at, seat, "reserved", "busy", event.call)
                yield _call(event.at, event.call, joined[event.call], "reserved", "bridged")
            case Left():
                yield _call(event.at, event.call, joined[event.call], "waiting", "abandoned")
            case Freed():
                seat = with_whom.pop(event.call)
                seats.append(seat)
                yield _call(event.at, event.call, joined[event.call], "bridged", "completed")
                yield _agent(event.at, seat, "busy", "wrap_up", event.call)
                yield _agent(event.at, seat, "wrap_up", "available", "")


def _call(at: float, call: str, joined: float, before: str | None, after: str) -> Entry:
    place = {"score": round(joined * 1e6), "joined": round(joined * 1e6)}
    return Entry(datetime.fromtimestamp(at, UTC), "call", call, before, after, "", call, QUEUE, place)


def _agent(at: float, seat: str, before: str, after: str, call: str) -> Entry:
    about = {"token": call, "entry": call} if call else {}
    return Entry(datetime.fromtimestamp(at, UTC), "agent", seat, before, after, "", call, QUEUE, about)


def outlined(done: Followed) -> tuple[Table, float]:
    """A table of a long line, read back, and the seconds of processor time that one takes. Raises ValueError where
    nothing was learnt."""
    at = done.last.at
    for number in range(IN_LINE):
        moment = at + timedelta(seconds=number)
        done.following.feed(_call(moment.timestamp(), f"late{number}", moment.timestamp(), None, "arrived"))
    now, taken = at + timedelta(seconds=IN_LINE), []
    table = None
    for _ in range(TURNS):
        begun = time.process_time()
        table = done.following.table(QUEUE, now, config=1)
        taken.append(time.process_time() - begun)
    if table is None:
        raise ValueError("nothing was learnt from so few calls")
    return read(written(table)), median(taken)


def looked_up(table: Table) -> tuple[Sequence[float], Sequence[float]]:
    """Seconds for each look-up with what is announced of it, and for the simple rule, in turns."""
    ours: list[float] = []
    simple: list[float] = []
    for _ in range(TURNS):
        ours.append(_seconds_each(lambda position: table.wait(position, _ruled)))
        simple.append(_seconds_each(lambda position: _ruled(position - 1)))
    return ours, simple


def _ruled(ahead: int) -> Wait:
    return estimate(ahead=ahead, agents={AgentStatus.BUSY: 5}, measured=NOTHING_MEASURED, policy=Policy())


def _seconds_each(look: Callable[[int], Wait]) -> float:
    begun = time.process_time()
    for number in range(LOOKED_UP):
        found = look(1 + number % IN_LINE)
        assert found.p10 is not None
        assert found.p80 is not None
        assert found.p90 is not None
    return (time.process_time() - begun) / LOOKED_UP
