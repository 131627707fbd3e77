"""The journal, the record and the line asked the same questions: whoever is promised a call must be known to all three.

Things move while they are looked at, so what differs is looked at again, after everything new has been read: only what
still differs in the same way is a breach. What the sweep mends by itself, it is given the time for.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from callback.domain.audit import Audit, Breach, Invariant
from callback.domain.ids import AgentKey, AttemptId, CallbackId, EntryId, QueueKey
from callback.domain.lifecycle import AgentStatus, State
from callback.flows import epoch
from callback.ports import AgentView, Dial, House, Promised

PAGE = 1_000
LOOKS, PAUSE_S = 3, 0.3
MENDED = timedelta(seconds=30)
"""A crash between the record and the line is found and mended within this (`stand_again`); a lapsed lease sooner."""
CROSSED = timedelta(seconds=10)
"""Two who act on one promise at once may write times that differ from their order by as long as one waits for the
other."""


@dataclass(frozen=True)
class Present:
    """What the comparison found."""

    breaches: tuple[Breach, ...]
    undecided: tuple[Breach, ...]
    promises: int
    dials: int
    line_compared: bool


@dataclass
class Differences:
    """What differs, each with what exactly, so that it is known again at the next look."""

    found: dict[tuple[str, str], Breach] = field(default_factory=dict)
    promises: int = 0

    def add(self, breach: Breach) -> None:
        """One of them."""
        self.found[breach.subject, breach.text] = breach


def line_is_there(house: House) -> bool:
    """Whether the line answers and is whole."""
    try:
        return epoch.state(house) is epoch.State.WHOLE
    except ConnectionError:
        return False


def compare(house: House, journal: Audit, read_on: Callable[[], int], *, line_there: bool) -> Present:
    """Look at everything; at what differs, again. Raises ConnectionError where the record is away."""
    differing = look(house, journal, line_there=line_there)
    looks = 1
    while differing.found and looks < LOOKS:
        house.pause(PAUSE_S)
        read_on()
        again = look(house, journal, line_there=line_there)
        again.found = {key: one for key, one in again.found.items() if key in differing.found}
        differing, looks = again, looks + 1
    dialled = Dials(house.clock.now())
    for dial in dials(house):
        dialled.look(dial)
    return Present((*differing.found.values(), *dialled.breaches), (), differing.promises, dialled.count, line_there)


def look(house: House, journal: Audit, *, line_there: bool) -> Differences:
    """One look at every open promise, and at the agents."""
    found, seen = Differences(), set()
    waiting: list[Promised] = []
    now = house.clock.now()
    for promised in promises(house):
        seen.add(str(promised.id))
        check_state(journal, promised, now, found)
        if stands(journal, promised, now):
            waiting.append(promised)
    found.promises = len(seen)
    for who, row in journal.promises.open.items():
        if who not in seen:
            told = f"{who} is {row.after} in the journal, and no open promise in the record"
            found.add(Breach(Invariant.LOST, who, row.queue, row.at, row.seq, told))
    if line_there:
        for missing in not_in_line(house, waiting):
            told = f"{missing.id} waits in the record, and stands nowhere in the line"
            found.add(Breach(Invariant.LOST, missing.id, missing.queue, now, 0, told))
        for breach in agents(house, now):
            found.add(breach)
    return found


# --- promises ---------------------------------------------------------------------------------------------------


def promises(house: House) -> Iterator[Promised]:
    """Every open promise of the record, a transaction a page."""
    after: CallbackId | None = None
    while True:
        with house.store.look() as work:
            page = work.promised(after=after, limit=PAGE)
        yield from page
        if len(page) < PAGE:
            return
        after = page[-1].id


def check_state(journal: Audit, promised: Promised, now: datetime, found: Differences) -> None:
    """The journal's last word against the row."""
    row = journal.promises.open.get(promised.id)
    if row is None or row.after != promised.state:
        told = f"{promised.id} is {promised.state} in the record, and {row.after if row else 'unknown'} in the journal"
        at, seq = (row.at, row.seq) if row else (now, 0)
        found.add(Breach(Invariant.LOST, promised.id, promised.queue, at, seq, told))


def stands(journal: Audit, promised: Promised, now: datetime) -> bool:
    """Whether this promise must stand in the line by now."""
    row = journal.promises.open.get(promised.id)
    since = max(filter(None, (row.at if row else None, promised.next_attempt_at)), default=now)
    return promised.state is State.WAITING and not promised.held and now - since > MENDED


def not_in_line(house: House, waiting: list[Promised]) -> list[Promised]:
    """Whoever of these stands nowhere. Pages of a line that moves may pass somebody over, so those are asked for."""
    listed = {entry for queue in {promised.queue for promised in waiting} for entry in in_line(house, queue)}
    missing = [promised for promised in waiting if EntryId(promised.id) not in listed]
    return [one for one in missing if not house.line.standing(one.queue, EntryId(one.id)).place]


def in_line(house: House, queue: QueueKey) -> Iterator[EntryId]:
    """Everybody who waits in a queue."""
    offset = 0
    while True:
        page = house.line.listing(queue, offset=offset, limit=PAGE)
        yield from (waiting.entry for waiting in page)
        if len(page) < PAGE:
            return
        offset += len(page)


# --- agents -----------------------------------------------------------------------------------------------------


def agents(house: House, now: datetime) -> Iterator[Breach]:
    """Agents in a pairing that there is not, or that nobody has acted for although its lease is over."""
    for view in house.line.agents():
        fault = leaked(house, view, now) if view.status in (AgentStatus.RESERVED, AgentStatus.BUSY) else ""
        if fault:
            yield Breach(Invariant.AGENT, AgentKey(view.key), "", view.since, 0, f"{view.key} is {view.status} {fault}")


def leaked(house: House, view: AgentView, now: datetime) -> str:
    """Why this agent will not be free again; "" where they will."""
    pairing = house.line.reservation(view.token) if view.token else None
    if pairing is None:
        return "in no pairing"
    if pairing.agent != view.key:
        return f"in a pairing of {pairing.agent}"
    if pairing.lease_until is not None and now - pairing.lease_until > MENDED:
        return f"although the lease ended at {pairing.lease_until.isoformat()}"
    return ""


# --- dials ------------------------------------------------------------------------------------------------------


def dials(house: House) -> Iterator[Dial]:
    """Every dial of the record, in the order in which they were begun."""
    after: tuple[datetime, AttemptId] | None = None
    while True:
        with house.store.look() as work:
            page = work.dials(after=after, limit=PAGE)
        yield from page
        if len(page) < PAGE:
            return
        after = (page[-1].created_at, page[-1].id)


class Dials:
    """At most one at a time to a telephone, whatever its queue, and none after a cancel."""

    def __init__(self, now: datetime) -> None:
        self._now = now
        self._going: dict[str, list[Dial]] = {}
        self.breaches: list[Breach] = []
        self.count = 0

    def look(self, dial: Dial) -> None:
        """The next one, by the time it was begun."""
        self.count += 1
        if dial.cancelled_at is not None and dial.asked_at - dial.cancelled_at > CROSSED:
            told = f"the carrier was asked to ring {dial.callback} although it was cancelled at"
            self._breach(Invariant.CANCELLED, dial, f"{told} {dial.cancelled_at.isoformat()}")
        earlier = [one for one in self._going.get(dial.number_hash, ()) if self._end(one) > dial.created_at]
        for one in earlier:
            if self._end(one) - dial.asked_at > CROSSED and self._end(dial) - one.asked_at > CROSSED:
                told = f"{dial.callback} rang a telephone that was being rung, or talked on, for {one.callback} already"
                self._breach(Invariant.TWICE, dial, told)
        self._going[dial.number_hash] = [*earlier, dial]

    def _end(self, dial: Dial) -> datetime:
        return dial.ended_at or self._now

    def _breach(self, kind: Invariant, dial: Dial, text: str) -> None:
        self.breaches.append(Breach(kind, dial.callback, "", dial.asked_at, 0, text))
