"""The invariants, proved from the journal or refuted: what `callback audit` prints, and what the chaos tests believe.

The journal is read from its first row and replayed (`domain.audit`); then what it says of the present is compared with
the record and the line (`flows.witnesses`). All of it only reads, and works while calls go on.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime

from callback.domain.audit import Audit, Breach, Invariant, Overtaking, Since
from callback.domain.callback import Entry
from callback.domain.ids import CallbackId
from callback.domain.lifecycle import State
from callback.domain.order import Rule
from callback.flows import persist, witnesses
from callback.ports import House

PAGE = 2_000
RESERVED_MOST_S = 3_600
"""Nobody is reserved for this long, however slow the carrier's pace; the line knows it sooner (`witnesses.agents`)."""

Progress = Callable[[int], None]
"""Told after each page which row was read last."""


@dataclass(frozen=True)
class Report:
    """What an audit found. `undecided`: what a rebuild of the last minute may yet explain, and what moved while it was
    looked at; `excused`: what a lost line explains."""

    at: datetime
    rows: int
    seq: int
    pairings: int
    promises: int
    dials: int
    line_compared: bool
    overtakings: dict[Rule, int]
    breaches: tuple[Breach, ...]
    undecided: tuple[Breach, ...]
    excused: tuple[Breach, ...]
    listed: tuple[Overtaking, ...] = field(default=(), repr=False)

    @property
    def holds(self) -> bool:
        """Whether every invariant holds."""
        return not self.breaches

    def of(self, kind: Invariant) -> int:
        """How many breaches of one invariant there are."""
        return sum(breach.kind is kind for breach in self.breaches)


class Reader:
    """Feeds the journal to an audit, from where it stopped the last time."""

    def __init__(self, house: House, audit: Audit, progress: Progress) -> None:
        self._house, self._audit, self._progress = house, audit, progress

    def read(self) -> int:
        """All that is new; returns how many rows."""
        before = self._audit.rows
        while True:
            with self._house.store.look() as work:
                page = work.journal(after=self._audit.seq, limit=PAGE)
                dialled = {CallbackId(row.subject) for row in page if dials(row)}
                numbers = work.number_hashes(sorted(dialled)) if dialled else {}
            for row in page:
                self._audit.feed(row, numbers.get(CallbackId(row.subject)) if numbers else None)
            if page:
                self._progress(self._audit.seq)
            if len(page) < PAGE:
                return self._audit.rows - before


def dials(row: Entry) -> bool:
    """Whether somebody's telephone rings from here on."""
    return row.kind == "callback" and row.after == State.DIALING


def audit(
    house: House,
    *,
    since: Since | None = None,
    queue: str | None = None,
    list_overtakings: bool = False,
    progress: Progress = lambda _: None,
) -> Report:
    """Read everything, compare, and report: from `since` on, and of one queue, where that is asked for. What differs
    between the three of them at this moment is told in any case.

    Raises ConnectionError where the record cannot be reached. Where the line cannot, it is not compared.
    """
    listed: list[Overtaking] = []
    journal = Audit(listed.append if list_overtakings else None, since)
    reader = Reader(house, journal, progress)
    line_there = witnesses.line_is_there(house)
    if line_there:
        persist.persist(house)  # what the line has told and nobody has written down yet
    reader.read()
    present = witnesses.compare(house, journal, reader.read, line_there=line_there)
    found = journal.finish(house.clock.now(), reserved_most_s=RESERVED_MOST_S)
    asked = [*found.breaches, *present.breaches]
    return Report(
        at=house.clock.now(),
        rows=journal.rows,
        seq=journal.seq,
        pairings=sum(count for key, count in found.pairings.items() if queue in (None, key)),
        promises=present.promises,
        dials=present.dials,
        line_compared=present.line_compared,
        overtakings=by_rule(found.overtakings, queue),
        breaches=of_queue(asked, queue),
        undecided=of_queue([*found.doubts, *present.undecided], queue),
        excused=of_queue(found.excused, queue),
        listed=tuple(one for one in listed if queue in (None, one.queue)),
    )


def of_queue(breaches: list[Breach], queue: str | None) -> tuple[Breach, ...]:
    """Those of one queue, and those of none."""
    return tuple(one for one in breaches if queue is None or one.queue in ("", queue))


def by_rule(counted: dict[tuple[str, Rule], int], queue: str | None) -> dict[Rule, int]:
    """How many overtakings each rule allowed; rules that allowed none are left out."""
    found: dict[Rule, int] = {}
    for (where, rule), count in counted.items():
        if count and queue in (None, where):
            found[rule] = found.get(rule, 0) + count
    return dict(sorted(found.items()))
