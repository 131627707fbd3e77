"""Who is on duty when: read off the talks of recorded traffic, which names agents at best and never their shifts.

An agent is there from their first talk of a day to the end of their last. In between, somebody who takes nobody while
callers wait for them is not there: a short absence is counted as work on the talk before it (wrap-up that the trace
does not have), a long one as a break. Where a trace names no agents, there are in each quarter of an hour as many as
talked at once.
"""

from bisect import bisect_right
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import accumulate, pairwise

from callback.lab.trace import RETURN, Outcome, Row

QUARTER_S = 900.0
UNNOTICED_S = 5.0
"""Callers may wait so long beside somebody who is there: they are being connected, or the clocks differ."""
BREAK_S = 1800.0
"""A pause in which callers waited is work on the talk before up to this length, and a break beyond it. A break stays at
its hour, whatever the agent is doing then in a rehearsal; work moves with its talk, and so takes its full time."""
LONGEST_PAUSE_S = 3600.0
"""Nobody is taken to sit there for longer without a call, whether or not anybody waited."""

FEW = 0.2
"""Talks that name no agent, over those that do, up to which they are exceptions."""

Span = tuple[float, float]


@dataclass(frozen=True, slots=True)
class Seat:
    """An agent: the queues they serve, each with their level, and when they are there (epoch seconds, in order)."""

    agent: str
    queues: Mapping[str, int]
    shifts: Sequence[Span]


@dataclass(frozen=True)
class Roster:
    """Everybody on duty, the seconds of unrecorded wrap-up by call, and how that was found."""

    seats: Sequence[Seat]
    more_work_s: Mapping[str, float] = field(default_factory=dict)
    notes: Sequence[str] = ()


@dataclass(frozen=True, slots=True)
class _Talk:
    call: str
    queue: str
    start: float
    end: float


def infer(rows: Sequence[Row]) -> Roster:
    """From the agents that are named, and for talks without a name from how many there were at once."""
    named: defaultdict[str, list[_Talk]] = defaultdict(list)
    nameless: defaultdict[str, list[_Talk]] = defaultdict(list)
    for row in rows:
        if row.outcome is Outcome.ANSWERED:
            start = row.at + row.waited_s
            talk = _Talk(row.call_id.removesuffix(RETURN), row.queue, start, start + row.handled_s)
            (named[row.agent] if row.agent else nameless[row.queue]).append(talk)
    waiting = _Waiting(rows)
    more: dict[str, float] = {}
    seats = [_seat(agent, sorted(talks, key=lambda talk: talk.start), waiting, more) for agent, talks in named.items()]
    notes = [f"agents: {len(named)} are named; each is there from their first talk to their last"] if named else []
    if more:
        notes.append(
            f"agents: after {len(more):,} talks somebody took nobody while callers waited: {sum(more.values()):,.0f} s"
            " counted as wrap-up"
        )
    told = sum(map(len, named.values()))
    untold = sum(map(len, nameless.values()))
    for queue, talks in nameless.items():
        name = "" if named or len(nameless) > 1 else "agent "
        seats += _levels(queue, _exact(talks) if untold < FEW * told else _quarters(talks), name)
    if nameless and untold < FEW * told:
        notes.append(f"agents: {untold:,} talks name none; somebody is there for as long as each of them")
    elif nameless:
        notes.append("agents: where none is named there are as many in each quarter of an hour as talked at once")
    return Roster(sorted(seats, key=lambda seat: seat.agent), more, notes)


# --- agents that are named ----------------------------------------------------------------------------------------


def _seat(agent: str, talks: Sequence[_Talk], waiting: "_Waiting", more: dict[str, float]) -> Seat:
    queues = sorted({talk.queue for talk in talks})
    shifts: list[Span] = []
    began, until, last = talks[0].start, talks[0].end, talks[0]
    for talk in talks[1:]:
        pause = talk.start - until
        kind = _kind(until, talk.start, queues, waiting)
        if kind == "work":
            more[last.call] = pause
        elif kind == "away":
            shifts.append((began, until))
            began = talk.start
        if talk.end >= until:
            until, last = talk.end, talk
    shifts.append((began, until))
    return Seat(agent, dict.fromkeys(queues, 1), shifts)


def _kind(since: float, until: float, queues: Iterable[str], waiting: "_Waiting") -> str:
    """What a pause was: `idle`, `work` that belongs to the talk before it, or `away`."""
    pause = until - since
    if pause > LONGEST_PAUSE_S:
        return "away"
    if pause <= 0 or max(waiting.seconds(queue, since, until) for queue in queues) <= UNNOTICED_S:
        return "idle"
    return "work" if pause <= BREAK_S else "away"


class _Waiting:
    """For how long somebody waited in each queue between two moments."""

    def __init__(self, rows: Iterable[Row]) -> None:
        spans: defaultdict[str, list[Span]] = defaultdict(list)
        for row in rows:
            if row.waited_s > 0 and not row.is_return:
                spans[row.queue].append((row.at, row.at + row.waited_s))
        self._merged = {queue: _merged(sorted(found)) for queue, found in spans.items()}
        self._starts = {queue: [start for start, _ in found] for queue, found in self._merged.items()}
        self._before = {
            queue: [0.0, *accumulate(end - start for start, end in found)] for queue, found in self._merged.items()
        }

    def seconds(self, queue: str, since: float, until: float) -> float:
        """Somebody waited for so much of this time."""
        return self._until(queue, until) - self._until(queue, since)

    def _until(self, queue: str, at: float) -> float:
        merged = self._merged.get(queue)
        if not merged:
            return 0.0
        found = bisect_right(self._starts[queue], at) - 1
        if found < 0:
            return 0.0
        start, end = merged[found]
        return self._before[queue][found] + min(at, end) - start


def _merged(spans: Iterable[Span]) -> list[Span]:
    merged: list[Span] = []
    for start, end in spans:
        if merged and start <= merged[-1][1]:
            merged[-1] = (merged[-1][0], max(merged[-1][1], end))
        else:
            merged.append((start, end))
    return merged


# --- agents that are not ------------------------------------------------------------------------------------------


def _levels(queue: str, levels: Sequence[Sequence[Span]], name: str) -> list[Seat]:
    """One seat for each level, which is there in its spans."""
    return [
        Seat(f"{name or queue + ' '}{number:03d}", {queue: 1}, spans) for number, spans in enumerate(levels, start=1)
    ]


def _exact(talks: Iterable[_Talk]) -> list[list[Span]]:
    """The talks' own times, on as few seats as hold them."""
    levels: list[list[Span]] = []
    for talk in sorted(talks, key=lambda one: one.start):
        free = next((spans for spans in levels if spans[-1][1] <= talk.start), None)
        if free is None:
            levels.append([(talk.start, talk.end)])
        else:
            free.append((talk.start, talk.end))
    return levels


def _quarters(talks: Iterable[_Talk]) -> list[list[Span]]:
    """As many as there ever were talks at once; the n-th is there in the quarters that had n."""
    counts = _most_at_once(talks)
    levels = []
    for number in range(1, max(counts.values(), default=0) + 1):
        quarters = sorted(quarter for quarter, most in counts.items() if most >= number)
        levels.append(_merged((quarter * QUARTER_S, (quarter + 1) * QUARTER_S) for quarter in quarters))
    return levels


def _most_at_once(talks: Iterable[_Talk]) -> dict[int, int]:
    """By quarter of an hour since the epoch."""
    changes = sorted(
        [(talk.start, 1) for talk in talks] + [(talk.end, -1) for talk in talks], key=lambda change: change
    )
    most: dict[int, int] = {}
    level = 0
    for (at, change), (after, _) in pairwise([*changes, (changes[-1][0], 0)] if changes else []):
        level += change
        if level > 0:
            for quarter in range(int(at // QUARTER_S), int(after // QUARTER_S) + 1):
                most[quarter] = max(most.get(quarter, 0), level)
    return most
