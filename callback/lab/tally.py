"""What is counted while a rehearsal runs: outcomes, times and dials of each queue, and the course of the day.

Everybody who rings ends in exactly one `End`. Times to an agent count from joining the line until the agent is on the
phone, for live callers and for those called back alike.
"""

from collections import Counter, defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field
from enum import StrEnum

from callback.lab.line import AVAILABLE, BUSY, RESERVED, WRAP_UP, Caller, Line


class End(StrEnum):
    """What became of somebody who rang."""

    ANSWERED = "answered"  # live
    CALLED_BACK = "called_back"  # and talked
    ABANDONED = "abandoned"  # hung up while they waited on the line
    UNREACHED = "unreached"  # promised, and never reached
    CLOSED = "closed"  # rang out of hours
    PROMISED = "promised"  # still promised when the traffic was over
    WAITING = "waiting"  # still on the line then


@dataclass(slots=True)
class Slice:
    """One interval of a queue's day. Sums of seconds are over those who arrived in it; levels are means."""

    arrived: int = 0
    offers: int = 0
    taken: int = 0
    abandoned: int = 0
    answered: int = 0
    answered_s: float = 0.0
    called_back: int = 0
    called_back_s: float = 0.0
    looks: int = 0
    live: int = 0
    promised: int = 0
    staffed: int = 0
    idle: int = 0


@dataclass(slots=True)
class Counts:
    """One queue, or all of them added up."""

    ends: Counter[End] = field(default_factory=Counter)
    offers: int = 0
    taken: int = 0
    live_s: list[float] = field(default_factory=list)
    back_s: list[float] = field(default_factory=list)
    unserved: int = 0
    dials: int = 0
    picked_up: int = 0
    ahead: int = 0
    missed: int = 0
    slices: defaultdict[int, Slice] = field(default_factory=lambda: defaultdict(Slice))

    @property
    def callers(self) -> int:
        """Who rang in opening hours."""
        return sum(self.ends.values()) - self.ends[End.CLOSED]


class Tally:
    """The book-keeping of one run."""

    def __init__(self, queues: Iterable[str], slice_s: float) -> None:
        self.slice_s = slice_s
        self.queues = {queue: Counts() for queue in queues}
        self.idle_s = self.ringing_s = self.staffed_s = 0.0

    def slice(self, queue: str, at: float) -> Slice:
        """The interval of that moment."""
        return self.queues[queue].slices[int(at // self.slice_s)]

    def arrived(self, queue: str, at: float) -> None:
        """In opening hours."""
        self.slice(queue, at).arrived += 1

    def offered(self, caller: Caller, now: float) -> None:
        """For the first time."""
        self.queues[caller.queue].offers += 1
        self.slice(caller.queue, now).offers += 1

    def took(self, caller: Caller, now: float) -> None:
        """And was promised it."""
        self.queues[caller.queue].taken += 1
        self.slice(caller.queue, now).taken += 1

    def answered(self, caller: Caller, now: float) -> None:
        """The agent is on the phone."""
        counts, waited = self.queues[caller.queue], now - caller.joined
        piece = self.slice(caller.queue, caller.joined)
        if caller.state is None:
            counts.ends[End.ANSWERED] += 1
            counts.live_s.append(waited)
            piece.answered += 1
            piece.answered_s += waited
        else:
            counts.ends[End.CALLED_BACK] += 1
            counts.back_s.append(waited)
            piece.called_back += 1
            piece.called_back_s += waited

    def abandoned(self, caller: Caller) -> None:
        """They hung up on the line."""
        self.queues[caller.queue].ends[End.ABANDONED] += 1
        self.slice(caller.queue, caller.joined).abandoned += 1

    def ended(self, queue: str, end: End) -> None:
        """Otherwise."""
        self.queues[queue].ends[end] += 1

    def look(self, line: Line, now: float) -> None:
        """A sample of the levels."""
        for queue in line.queues.values():
            piece = self.slice(queue.key, now)
            piece.looks += 1
            piece.live += queue.live
            piece.promised += queue.promised
            piece.staffed += queue.staffed
            piece.idle += queue.agents[AVAILABLE]

    def spent(self, line: Line) -> None:
        """The agents' time by what they did with it, once the day is over."""
        self.idle_s, self.ringing_s = line.spent[AVAILABLE], line.spent[RESERVED]
        self.staffed_s = sum(line.spent[status] for status in (AVAILABLE, RESERVED, BUSY, WRAP_UP))

    def whole(self) -> Counts:
        """All queues added up."""
        total = Counts()
        for counts in self.queues.values():
            _add(total, counts)
        return total


def _add(total: Counts, counts: Counts) -> None:
    total.ends.update(counts.ends)
    total.live_s += counts.live_s
    total.back_s += counts.back_s
    for name in ("offers", "taken", "unserved", "dials", "picked_up", "ahead", "missed"):
        setattr(total, name, getattr(total, name) + getattr(counts, name))
    for at, piece in counts.slices.items():
        whole = total.slices[at]
        for name in Slice.__slots__:
            setattr(whole, name, getattr(whole, name) + getattr(piece, name))
        whole.looks = max(piece.looks, whole.looks - piece.looks)
