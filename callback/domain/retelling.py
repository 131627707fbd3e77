"""The journal told again as what happens on a floor: who joins, who is served, who leaves, who is free.

The rows of calls, agents and places come from one stream and are numbered in its order, so that whoever reads them one
by one sees the line as it was. Those of promises are written before the line is told, and so stand before its rows. A
wait is over when an agent is taken for the caller: that is when the agent is no longer free for others, and when the
telephone of somebody with a promise is about to ring. An agent is busy until their wrap-up is over. A caller who was
not reached, or was cut off, joins once more in the same place.

A line that was lost is told again from its beginning: whoever is told of goes on as if nothing had happened, whoever
is not is gone. Rows that nobody understands are passed over and counted.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass

from callback.domain.callback import Entry
from callback.domain.floor import Came, Event, Freed, Joined, Kind, Left, Served, Went
from callback.domain.ids import EntryId, is_callback
from callback.domain.lifecycle import CALL_ENDS, IN_FLIGHT, STAFFED, AgentStatus, CallState, State

WAITING = ("hold", "due", "menu", "later")
STANDS = {CallState.ARRIVED: "menu", CallState.WAITING: "hold"}
NOT_CHOSEN = ("configured", "rebuilt")
"""Reasons by which an agent is offline in a line that is filled again, and at work all the same."""
DOUBTED_S = 60.0
"""So long after the line was emptied whoever was not told of again is gone."""
SLOW_S = 60.0
"""An agent who takes longer than this to pick up tells nothing about how long it takes to connect somebody."""
_CONNECTED = 200.0


@dataclass(slots=True)
class Place:
    """Somebody who stands in a queue. `name` is theirs on the floor, "" while they wait for their time off it."""

    entry: str
    queue: str
    score: int
    joined: float
    place: str
    name: str
    since: float


@dataclass(frozen=True, slots=True)
class Taken:
    """Whom an agent is with: the entry, its name on the floor, and since when."""

    entry: str
    name: str
    at: float


class Retelling:
    """Follows the journal. `places` are all who stand, by entry, as the line counts positions."""

    def __init__(self) -> None:
        self.places: dict[str, Place] = {}
        self.changed: set[str] = set()
        self.unread = 0
        self.connect_s = 0.0
        self._times: dict[str, int] = {}
        self._taken: dict[str, Taken] = {}
        self._staff: set[str] = set()
        self._rung: set[str] = set()
        self._doubted: set[str] | None = None
        self._emptied_at = 0.0
        self._connects = 0
        self._kinds: dict[str, Callable[[Entry], Iterator[Event]]] = {
            "call": self._call,
            "callback": self._callback,
            "agent": self._agent,
            "queue": self._queue,
        }

    def feed(self, row: Entry) -> list[Event]:
        """What happened by this row, in order."""
        act = self._kinds.get(row.kind)
        if act is None:
            return []
        events = list(self._cleared_up(row.at.timestamp()))
        try:
            events += act(row)
        except (KeyError, ValueError, TypeError):
            self.unread += 1
        return events

    def line(self, queue: str) -> list[Place]:
        """Everybody who stands in a queue, first to last."""
        return sorted(
            (one for one in self.places.values() if one.queue == queue), key=lambda one: (one.score, one.entry)
        )

    def staffed(self) -> set[str]:
        """The agents who are at work."""
        return set(self._staff)

    # --- what the journal got wrong, or never said ----------------------------------------------------------------

    def correct(self, queue: str, there: Iterable[tuple[str, str, int, float]], at: float, old_s: float) -> list[Event]:
        """The line itself says who stands there (entry, place, score, joined): ghosts go, whoever was missed comes.
        What has changed in the last `old_s` seconds is left alone, since the journal may just be late."""
        seen = {entry: (place, score, joined) for entry, place, score, joined in there}
        events: list[Event] = []
        for ghost in [one for one in self.line(queue) if one.entry not in seen and at - one.since > old_s]:
            events += self._leave(ghost.entry, at, gave_up=False)
        for entry, (place, score, joined) in seen.items():
            if entry not in self.places and at - joined > old_s:
                events += self._stand(entry, queue, place, score, joined, at)
        return events

    def attend(self, staffed: set[str], at: float) -> list[Event]:
        """The line itself says who is at work."""
        came = [Came(at, agent) for agent in sorted(staffed - self._staff)]
        went = [Went(at, agent) for agent in sorted(self._staff - staffed)]
        self._staff = set(staffed)
        return [*came, *went]

    # --- calls and promises ---------------------------------------------------------------------------------------

    def _call(self, row: Entry) -> Iterator[Event]:
        state, at = CallState(row.after), row.at.timestamp()
        if state in STANDS:
            score, joined = int(row.data["score"]), int(row.data["joined"])
            yield from self._stand(row.subject, row.queue, STANDS[state], score, joined / 1e6, at)
        elif state in CALL_ENDS:
            yield from self._leave(row.subject, at, gave_up=state is CallState.ABANDONED)
            self._times.pop(row.subject, None)
        elif state is CallState.RESERVED:
            self._confirm(row.subject)

    def _callback(self, row: Entry) -> Iterator[Event]:
        """Whether their phone rings, or may ring. Who was rung ahead of an agent and did not come to talk stands aside
        for their next time, of which the line has nothing to tell."""
        if State(row.after) in IN_FLIGHT:
            self._rung.add(row.subject)
            return
        self._rung.discard(row.subject)
        place = self.places.get(row.subject)
        if place is not None and place.place == "later":
            yield from self._step_off(place, row.at.timestamp())

    def _queue(self, row: Entry) -> Iterator[Event]:
        if is_callback(EntryId(row.cause)) and row.after in (*WAITING, "gone"):
            yield from self._promise(row)
        elif row.after == "restored":
            for queue, entry, place, score, *joined in row.data["places"]:
                began = int(joined[0] if joined else score) / 1e6
                yield from self._stand(entry, queue, place, int(score), began, row.at.timestamp())
        elif row.after == "cleared":
            self._empty(row.at.timestamp())

    def _promise(self, row: Entry) -> Iterator[Event]:
        at = row.at.timestamp()
        if row.after == "gone":
            yield from self._leave(row.cause, at, gave_up=False)
            self._times.pop(row.cause, None)
        else:
            score, joined = int(row.data["score"]), int(row.data["joined"])
            yield from self._stand(row.cause, row.queue, row.after, score, joined / 1e6, at)

    def _stand(self, entry: str, queue: str, place: str, score: int, joined: float, at: float) -> Iterator[Event]:
        """They stand here. Who waits for their time is not on the floor until then; who is rung without an agent stands
        aside for a moment and stays on it."""
        self._confirm(entry)
        before = self.places.get(entry)
        if before is not None and (before.queue, before.score) != (queue, score):
            yield from self._leave(entry, at, gave_up=False)
            before = None
        if before is not None and place == "later" and entry not in self._rung:
            yield from self._step_off(before, at)
        on_floor = before is not None and bool(before.name)
        name = before.name if before is not None else ""
        since = before.since if before is not None else at
        if not on_floor and place != "later":
            name = self._named(entry)
        self.places[entry] = Place(entry, queue, score, joined, place, name, since)
        self.changed.add(queue)
        if name and not on_floor:
            credit = joined - score / 1e6
            kind = Kind(queue, f"{credit:g}" if credit > 0 else "")
            yield Joined(at, name, kind, since=joined, credit=credit, callback=is_callback(EntryId(entry)))

    def _step_off(self, place: Place, at: float) -> Iterator[Event]:
        """Their time is another one: until then they keep the place, and nobody waits."""
        if place.name:
            yield Left(at, place.name, gave_up=False)
            place.name = ""
            self.changed.add(place.queue)

    def _named(self, entry: str) -> str:
        """Their name on the floor: a new one each time they join it."""
        times = self._times.get(entry, 0) + 1
        self._times[entry] = times
        return entry if times == 1 else f"{entry}/{times}"

    def _leave(self, entry: str, at: float, *, gave_up: bool) -> Iterator[Event]:
        self._confirm(entry)
        place = self.places.pop(entry, None)
        if place is None:
            return
        self.changed.add(place.queue)
        if place.name:
            yield Left(at, place.name, gave_up=gave_up)

    # --- agents ---------------------------------------------------------------------------------------------------

    def _agent(self, row: Entry) -> Iterator[Event]:
        status, at = AgentStatus(row.after), row.at.timestamp()
        self._confirm(row.subject)
        if row.queue:
            self.changed.add(row.queue)
        if status is AgentStatus.RESERVED:
            yield from self._come(row.subject, at)
            yield from self._take(row.subject, str(row.data.get("entry", row.cause)), at)
        elif status is AgentStatus.BUSY:
            self._connected(row.subject, at)
        elif status is not AgentStatus.WRAP_UP:
            yield from self._idle(row, status, at)

    def _idle(self, row: Entry, status: AgentStatus, at: float) -> Iterator[Event]:
        if status is AgentStatus.OFFLINE and row.reason in NOT_CHOSEN:
            return
        yield from self._let_go(row.subject, at)
        if status in STAFFED:
            yield from self._come(row.subject, at)
        elif row.subject in self._staff:
            self._staff.discard(row.subject)
            yield Went(at, row.subject)

    def _come(self, agent: str, at: float) -> Iterator[Event]:
        if agent not in self._staff:
            self._staff.add(agent)
            yield Came(at, agent)

    def _take(self, agent: str, entry: str, at: float) -> Iterator[Event]:
        taken = self._taken.get(agent)
        if taken is not None and taken.entry == entry:
            return  # told again, by a rebuild
        yield from self._let_go(agent, at)
        place = self.places.pop(entry, None)
        if place is None:
            return
        self.changed.add(place.queue)
        if not place.name:  # taken before their time was told
            place = self._hurried(place)
            yield Joined(at, place.name, Kind(place.queue), since=place.joined, callback=True)
        self._taken[agent] = Taken(entry, place.name, at)
        yield Served(at, place.name, agent)

    def _hurried(self, place: Place) -> Place:
        return Place(place.entry, place.queue, place.score, place.joined, "due", self._named(place.entry), place.since)

    def _connected(self, agent: str, at: float) -> None:
        """How long it takes from taking an agent for a caller until they talk: of those who are on the line already."""
        taken = self._taken.get(agent)
        if taken is None or is_callback(EntryId(taken.entry)) or not 0 <= at - taken.at <= SLOW_S:
            return
        self._connects += 1
        self.connect_s += (at - taken.at - self.connect_s) / min(self._connects, _CONNECTED)

    def _let_go(self, agent: str, at: float) -> Iterator[Event]:
        taken = self._taken.pop(agent, None)
        if taken is None:
            return
        if taken.entry not in self.places:
            self._times.pop(taken.entry, None)
        yield Freed(at, taken.name)

    # --- a line that was emptied ----------------------------------------------------------------------------------

    def _empty(self, at: float) -> None:
        self._doubted = {*self.places, *self._taken}
        self._emptied_at = at

    def _confirm(self, who: str) -> None:
        if self._doubted is not None:
            self._doubted.discard(who)

    def _cleared_up(self, at: float) -> Iterator[Event]:
        if self._doubted is None or at < self._emptied_at + DOUBTED_S:
            return
        doubted, self._doubted = self._doubted, None
        for who in sorted(doubted):
            yield from self._leave(who, at, gave_up=False)
            yield from self._let_go(who, at)


def pools(serves: Iterable[tuple[str, Sequence[str]]], queues: Iterable[str]) -> dict[str, tuple[str, ...]]:
    """Each queue with all the queues whose agents it shares, itself among them, sorted: the connected components of
    queues through agents. `serves` are the agents, each with the queues they serve."""
    of: dict[str, set[str]] = {queue: {queue} for queue in queues}
    for _, served in serves:
        joined: set[str] = set().union(*(of.get(queue, {queue}) for queue in served))
        for queue in joined:
            of[queue] = joined
    return {queue: tuple(sorted(together)) for queue, together in of.items()}


def pool_key(queues: Iterable[str]) -> str:
    """The name of a pool in the record."""
    return " ".join(sorted(queues))
