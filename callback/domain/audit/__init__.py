"""The journal read from its beginning by somebody who believes nothing: the invariants, proved or refuted.

Every change has a row, so whoever reads them in order knows who stood where at each moment, and can say of each pairing
whether somebody was passed over, and by which rule. Nothing here asks Redis or the record: `flows.audit` compares the
outcome with both.
"""

from collections.abc import Callable
from datetime import datetime

from callback.domain.audit.findings import DOUBT, Breach, Findings, Invariant, Overtaking, Since
from callback.domain.audit.line import LineReplay, Seat
from callback.domain.audit.promises import Promises
from callback.domain.callback import Entry

__all__ = ["DOUBT", "Audit", "Breach", "Findings", "Invariant", "Overtaking", "Seat", "Since"]


class Audit:
    """Feed it every row of the journal in order, then `finish`. `tell` hears of each overtaking; with `since` only what
    was found from there on is kept.

    Memory grows with those who are in line and with the number of pairings and promises, not with the rows.
    """

    def __init__(self, tell: Callable[[Overtaking], None] | None = None, since: Since | None = None) -> None:
        self.findings = Findings(tell, since)
        self.promises = Promises(self.findings)
        self.line = LineReplay(self.findings, self.promises)
        self.rows = 0
        self.seq = 0

    def feed(self, row: Entry, number: str | None = None) -> None:
        """The next row. `number` stands for the telephone that a promise is about, where it is known: equal for the
        same telephone."""
        self.rows += 1
        self.seq = row.seq
        try:
            self._feed(row, number)
        except (KeyError, ValueError, TypeError) as fault:
            told = f"a row that nothing of ours wrote: {type(fault).__name__}: {fault}"
            self.findings.breach(Invariant.LIFECYCLE, row.subject, row, told)

    def _feed(self, row: Entry, number: str | None) -> None:
        match row.kind:
            case "callback":
                self.promises.feed(row, number)
                self.line.promise(row.subject)
            case "call":
                self.line.call(row)
            case "agent":
                self.line.agent(row)
            case "queue":
                self.line.queue(row)

    def finish(self, now: datetime, *, reserved_most_s: float | None = None) -> Findings:
        """What came of it, with `now` the present. With `reserved_most_s`, agents who are reserved for longer than that
        many seconds, or talk for longer than a call lasts, are breaches."""
        self.findings.settle(now)
        if reserved_most_s is not None:
            self.line.stuck(now, reserved_most_s)
        return self.findings
