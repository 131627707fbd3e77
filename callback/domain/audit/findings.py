"""What an audit finds: breaches of an invariant, overtakings by their rule, and what cannot be judged yet.

A line that was lost, or restored from an old dump, contradicts the journal for the moment until it is rebuilt. So what
contradicts it is doubted first, and is a breach unless the line was emptied for a rebuild soon after.
"""

from collections import Counter, deque
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from callback.domain.callback import Entry
from callback.domain.order import Rule

DOUBT = timedelta(seconds=60)
"""A lost line is noticed and rebuilt within this. What contradicts it for longer is a breach."""


class Invariant(StrEnum):
    """What must hold whatever fails."""

    LIFECYCLE = "lifecycle"  # only moves that the tables know, each beginning where the one before ended
    LOST = "lost"  # L: no caller with a promise is lost
    TWICE = "dialled_twice"  # D: at most one live dial per callback and per number
    CANCELLED = "dialled_after_cancel"  # X: no dial after an acknowledged cancel
    PLACE = "place_lost"  # F: a position never goes backwards but by a named rule
    AGENT = "agent_booked_twice"  # A: no agent double-booked or leaked
    ORDER = "overtaken"  # nobody is served before somebody of lower score but by a named rule


@dataclass(frozen=True)
class Breach:
    """An invariant that did not hold: of whom, when, and the journal's number of the row that shows it (0: none)."""

    kind: Invariant
    subject: str
    queue: str  # "" where it is of none
    at: datetime
    seq: int
    text: str


@dataclass(frozen=True)
class Overtaking:
    """`passer` was served before `passed`, who has the lower score or came first, by a rule that has a name."""

    rule: Rule
    queue: str
    passer: str
    passed: str
    at: datetime
    seq: int


@dataclass(frozen=True)
class Since:
    """From where on somebody wants to know: everything is read, and only this is told."""

    seq: int = 0
    at: datetime | None = None

    def holds(self, seq: int, at: datetime) -> bool:
        """Whether this row is of that time. What has no row (0) is of now."""
        return (not seq or seq >= self.seq) and (self.at is None or at >= self.at)


class Findings:
    """Collects while the journal is read. With `tell`, each overtaking is told as well as counted."""

    def __init__(self, tell: Callable[[Overtaking], None] | None = None, since: Since | None = None) -> None:
        self.tell = tell
        self.breaches: list[Breach] = []
        self.doubts: deque[Breach] = deque()
        self.excused: list[Breach] = []
        self.overtakings: Counter[tuple[str, Rule]] = Counter()
        self.pairings: Counter[str] = Counter()
        self._since = since or Since()
        self._unread = 0

    def asked(self, row: Entry) -> bool:
        """Whether anybody wants to know about the time of this row."""
        return self._since.holds(row.seq, row.at)

    def breach(self, kind: Invariant, subject: str, row: Entry, text: str) -> None:
        """For certain."""
        self._keep(self.breaches, Breach(kind, subject, row.queue, row.at, row.seq, text))

    def add(self, breach: Breach) -> None:
        """One that no row shows."""
        self._keep(self.breaches, breach)

    def doubt(self, kind: Invariant, subject: str, row: Entry, text: str) -> None:
        """Unless the line turns out to have been lost, or an event of it could not be read."""
        found = Breach(kind, subject, row.queue, row.at, row.seq, text)
        if self._unread:
            self._unread -= 1
            self._keep(self.excused, found)
        else:
            self.settle(row.at)
            self.doubts.append(found)

    def unread(self) -> None:
        """An event of the line is in quarantine: one contradiction comes of that."""
        self._unread += 1

    def settle(self, now: datetime) -> None:
        """Nothing explained what has been doubted for long."""
        while self.doubts and now - self.doubts[0].at > DOUBT:
            self._keep(self.breaches, self.doubts.popleft())

    def rebuilding(self, at: datetime) -> None:
        """The line is being rebuilt: that explains what was doubted a moment ago."""
        self.settle(at)
        for found in self.doubts:
            self._keep(self.excused, found)
        self.doubts.clear()

    def _keep(self, among: list[Breach], found: Breach) -> None:
        if self._since.holds(found.seq, found.at):
            among.append(found)
