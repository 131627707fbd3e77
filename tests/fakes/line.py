"""The line without Redis: plain lists, sorted and searched afresh for every answer, so that it is easy to believe.

It means the same as the scripts of `callback/adapters/line/lua`, written down a second time: the contract suite runs on
both, and the stateful test compares every answer of the one with the other's.
"""

import random
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta

from callback.domain.callback import Agent, Served
from callback.domain.errors import IllegalMove, NotFound, Stale
from callback.domain.ids import AgentKey, CallbackId, CallSid, EntryId, QueueKey, Token, is_callback
from callback.domain.lifecycle import AGENT_MOVES, CALL_ENDS, AgentStatus, CallState
from callback.domain.policy import Queue
from callback.domain.wait import Measured
from callback.domain.wording import Own
from callback.ports import AgentView, Appointment, Clock, Lapsed, LineAge, Placed, Reservation, Stand, Standing, Waiting

IN_LINE = ("menu", "hold", "due", "later")
STATE_OF = {
    "menu": CallState.ARRIVED,
    "hold": CallState.WAITING,
    "reserved": CallState.RESERVED,
    "busy": CallState.BRIDGED,
}
RUN = "this run"
"""The server never changes."""
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
KEEP = 0.5 ** (1 / 200)


@dataclass
class Person:
    """Somebody in line, in a pairing or in a talk."""

    id: EntryId
    queue: QueueKey
    score: int
    joined: datetime
    place: str = ""
    leg: CallSid | None = None
    token: Token | None = None
    number: str = ""
    language: str = ""
    seen: datetime | None = None
    expected_until: datetime | None = None
    measured: bool = False

    @property
    def order(self) -> tuple[int, str]:
        return self.score, self.id


@dataclass
class Seat:
    """An agent."""

    key: AgentKey
    since: datetime
    status: AgentStatus = AgentStatus.OFFLINE
    wanted: AgentStatus = AgentStatus.OFFLINE
    token: Token | None = None
    wrap_until: datetime | None = None
    reason: str = ""
    why: str = ""
    queues: tuple[Served, ...] = ()

    def level(self, queue: QueueKey) -> int | None:
        return next((served.level for served in self.queues if served.queue == queue), None)


@dataclass
class Pair:
    """A pairing, or a talk."""

    token: Token
    entry: EntryId
    agent: AgentKey
    queue: QueueKey
    at: datetime
    lease_until: datetime | None
    phase: str = "reserved"
    bridged_at: datetime | None = None
    agent_leg: CallSid | None = None


@dataclass
class Tally:
    """A queue's measured sums and whether it offers."""

    measured: Measured = field(default_factory=Measured)
    offering: bool = False


class FakeLine:
    """`callback.ports.Line` in memory. Without a `clock`, agents are new at the last time that was heard of."""

    def __init__(self, clock: Clock | None = None) -> None:
        self._clock = clock
        self._heard = datetime(2026, 1, 1, tzinfo=UTC)
        self._events: list[tuple[int, dict[str, str]]] = []
        self._told = 0
        self._languages: dict[str, str] = {}
        self._slots: dict[str, datetime] = {}
        self._published = 0
        self._gone: set[EntryId] = set()
        self._unsure = ""
        self._number: int | None = None
        self._empty()

    def clear(self) -> None:
        now = self._now()
        self._tell_setting("line", "clearing", now)
        self._empty()
        self._tell_setting("line", "cleared", now)

    def _empty(self) -> None:
        self._people: dict[EntryId, Person] = {}
        self._seats: dict[AgentKey, Seat] = {}
        self._booked: dict[EntryId, Appointment] = {}
        self._over: set[Token] = set()
        self._pairs: dict[Token, Pair] = {}
        self._tallies: dict[QueueKey, Tally] = {}
        self._queues: dict[str, Queue] = {}
        self._wording: list[Own] = []
        self._dialed: dict[str, bool] = {}
        self._agents: dict[AgentKey, Agent] = {}
        self._version = 0

    # --- callers and callbacks ---------------------------------------------------------------------------------

    def arrive(
        self,
        queue: QueueKey,
        call: CallSid,
        *,
        credit_s: float,
        number_hash: str,
        language: str,
        lease_s: float,
        token: Token,
        now: datetime,
        number: str = "",
    ) -> Standing:
        remembered = self._languages.get(number_hash, "") if number_hash else ""
        promise = self._open_promise(queue, number_hash)
        person = self._people.get(EntryId(call))
        if person is None and EntryId(call) in self._gone:
            return replace(self._standing(queue, None), open_callback=promise, language=remembered)
        if person is None:
            score = micros(now) - round(credit_s * 1_000_000)
            person = Person(EntryId(call), queue, score, now, leg=call, language=remembered or language, seen=now)
            self._people[person.id] = person
            self._tell_call(person, CallState.ARRIVED, now, "arrived", number=number)
            person.place = "menu"
            self._pair_newcomer(person, token, now, lease_s)
        standing = self._standing(person.queue, person, now)
        return replace(standing, open_callback=promise, language=remembered)

    def hold(
        self,
        queue: QueueKey,
        entry: EntryId,
        leg: CallSid,
        *,
        score: int,
        joined_at: datetime,
        language: str,
        lease_s: float,
        token: Token,
        now: datetime,
    ) -> Standing:
        person = self._people.setdefault(entry, Person(entry, queue, score, joined_at))
        person.number = person.number or self._unbook(entry)
        known = person.place != ""
        person.leg, person.seen = leg, now
        person.language = language or person.language
        if person.place not in ("reserved", "busy"):
            if person.place != "hold":
                self._tell_call(person, CallState.WAITING, now, "on_hold" if known else "back_in_line")
                self._tell_place(person, "hold", now, "on_hold" if known else "back_in_line")
            person.place, person.expected_until = "hold", None
            self._pair_newcomer(person, token, now, lease_s)
        return self._standing(person.queue, person, now)

    def enter(
        self,
        queue: QueueKey,
        entry: EntryId,
        *,
        score: int,
        joined_at: datetime,
        due: bool,
        number_hash: str,
        replaces: EntryId | None,
        now: datetime,
    ) -> Standing:
        reason = "entered"
        if replaces is not None and replaces in self._people:
            self._depart(self._people[replaces], CallState.CALLBACK, now)
            reason = "callback"
        person, moved = self._put(queue, entry, score, joined_at, "due" if due else "later", number_hash)
        if moved is not None:
            self._tell_place(moved, person.place, now, reason)
        return self._standing(person.queue, person)

    def _put(
        self, queue: QueueKey, entry: EntryId, score: int, joined_at: datetime, place: str, number_hash: str
    ) -> tuple[Person, Person | None]:
        """The one who stands there now, and as they are told of (None: they stood there already)."""
        person = self._people.setdefault(entry, Person(entry, queue, score, joined_at))
        if person.place in ("reserved", "busy"):
            return person, None
        stood = (person.queue, person.score, person.joined, person.place)
        person.queue, person.score, person.joined = queue, score, joined_at
        person.number = self._unbook(entry, number_hash[:24]) or person.number
        person.leg = person.seen = person.expected_until = None
        moved = replace(person) if stood != (queue, score, joined_at, place) else None
        person.place = place
        return person, moved

    def restore(self, promises: Iterable[Placed], *, now: datetime) -> int:
        rows, count = [], 0
        for one in promises:
            count += 1
            place = "due" if one.next_attempt_at is None or one.next_attempt_at <= now else "later"
            _, moved = self._put(one.queue, EntryId(one.id), one.score, one.joined_at, place, one.number_hash)
            if moved is not None:
                joined = micros(one.joined_at)
                row = [one.queue, one.id, place, str(one.score), *([str(joined)] if joined != one.score else [])]
                rows.append("\t".join(row))
        if rows:
            self._tell_setting("line", "restored", now, "\n".join(rows))
        return count

    def book(self, appointments: Iterable[Appointment]) -> int:
        rows = list(appointments)
        for one in rows:
            if EntryId(one.id) not in self._people:
                self._unbook(EntryId(one.id))
                if one.number_hash:
                    self._booked[EntryId(one.id)] = one._replace(number_hash=one.number_hash[:24])
        return len(rows)

    def booked(self, limit: int) -> list[EntryId]:
        known = list(self._booked)
        return random.sample(known, min(limit, len(known)))

    def _unbook(self, entry: EntryId, number: str = "") -> str:
        """The number that it goes on by: the one given, else the one it was booked by."""
        booked = self._booked.pop(entry, None)
        return number or (booked.number_hash if booked else "")

    def leave(self, entry: EntryId, *, reason: str, now: datetime) -> Standing:
        person = self._people.get(entry)
        if person is None:
            self._unbook(entry)
            return self._standing(QueueKey(""), None)
        pair = self._pairs.get(person.token) if person.token else None
        dissolved = self._reservation(pair) if pair else None
        self._depart(person, reason, now)
        standing = self._standing(person.queue, None)
        return replace(
            standing,
            place=person.place,
            score=person.score,
            joined_at=person.joined,
            reservation=dissolved,
        )

    def standing(self, queue: QueueKey, entry: EntryId | None) -> Standing:
        now = self._clock.now() if self._clock else self._heard
        if entry is None:
            standing = self._standing(queue, None, now)
            return replace(standing, position=1 + standing.live + standing.callbacks)
        person = self._people.get(entry)
        return self._standing(person.queue if person else queue, person, now)

    def due(self, entry: EntryId, *, now: datetime) -> bool:
        person = self._people.get(entry)
        if person is None or person.place not in ("later", "due"):
            return False
        if person.place == "later":
            self._tell_place(person, "due", now, "due")
            person.place, person.expected_until = "due", None
        return True

    def expect(self, entry: EntryId, *, until: datetime) -> bool:
        person = self._people.get(entry)
        if person is None or person.place != "later":
            return False
        person.expected_until = until
        return True

    def listing(self, queue: QueueKey, *, offset: int = 0, limit: int = 100) -> list[Waiting]:
        return [
            Waiting(person.id, person.place, position, person.score, person.joined, person.leg is not None)
            for position, person in enumerate(self._in_order(queue), start=1)
        ][offset : offset + limit]

    def silent(self, *, before: datetime) -> list[tuple[QueueKey, EntryId, CallSid]]:
        return [
            (queue, person.id, person.leg)
            for queue in sorted({person.queue for person in self._people.values()})
            for place in ("menu", "hold")
            for person in self._in_order(queue, (place,))
            if person.leg is not None and (person.seen is None or person.seen < before)
        ]

    # --- pairings ----------------------------------------------------------------------------------------------

    def match(self, queue: QueueKey, *, lease_s: float, token: Token, now: datetime) -> Reservation | None:
        if token in self._pairs:
            return self._reservation(self._pairs[token])
        free = self._free_agents(queue)
        for seat in free if free and self._first_for(free[0]) else []:
            pairing = self._pair_agent(seat, token, now, lease_s)
            if pairing is not None:
                return pairing
        return None

    def match_agent(self, agent: AgentKey, *, lease_s: float, token: Token, now: datetime) -> Reservation | None:
        if token in self._pairs:
            return self._reservation(self._pairs[token])
        seat = self._seat(agent)
        return self._pair_agent(seat, token, now, lease_s) if seat.status is AgentStatus.AVAILABLE else None

    def reservation(self, token: Token) -> Reservation | None:
        return self._reservation(self._pairs[token]) if token in self._pairs else None

    def take_up(
        self, token: Token, bucket: str, *, per_second: float, now: datetime
    ) -> tuple[Reservation, float] | None:
        pairing = self.reservation(token)
        if pairing is None:
            return None
        to_ring = pairing.phase == "reserved" and pairing.leg is None
        return pairing, self.take_pace(bucket, per_second=per_second, now=now) if to_ring else 0.0

    def extend(self, token: Token, *, until: datetime, phase: str | None = None) -> bool:
        pair = self._pairs.get(token)
        if pair is None:
            return False
        if pair.phase != "busy":
            pair.lease_until, pair.phase = until, phase or pair.phase
        return True

    def release(
        self,
        token: Token,
        *,
        entry_to: str,
        agent_to: AgentStatus | None,
        reason: str,
        now: datetime,
        score: int | None = None,
        again: Token | None = None,
        lease_s: float = 0,
    ) -> bool:
        pair = self._pairs.get(token)
        if pair is None or pair.phase == "busy":
            return False
        person = self._people[pair.entry]
        if agent_to in (AgentStatus.RESERVED, AgentStatus.BUSY, AgentStatus.WRAP_UP):
            raise IllegalMove("no such move")
        self._check_place(person, entry_to)
        del self._pairs[token]
        self._over.add(token)
        seat = self._seats[pair.agent]
        if agent_to:
            seat.wanted, seat.why = agent_to, ""
        self._free(pair, seat.wanted, now, reason)
        if entry_to == "gone":
            person.token = None
            self._depart(person, reason, now)
        else:
            person.score = person.score if score is None else score
            self._tell_call(person, STATE_OF.get(entry_to), now, reason, pair)
            self._stand_again(person, entry_to, now, reason)
            self._pair_again(person, again, now, lease_s)
        return True

    def bridge(self, token: Token, *, now: datetime, agent_leg: CallSid | None = None) -> bool:
        pair = self._pairs.get(token)
        if pair is None:
            return False
        if pair.phase != "busy":
            pair.phase, pair.lease_until, pair.bridged_at = "busy", None, now
            pair.agent_leg = agent_leg
            self._move_agent(self._seats[pair.agent], AgentStatus.BUSY, now, "bridged", pair)
            person = self._people[pair.entry]
            self._tell_call(person, CallState.BRIDGED, now, "bridged", pair)
            person.place = "busy"
            self._measure_wait(person, now, abandoned=False)
        return True

    def complete(
        self,
        token: Token,
        *,
        wrap_up_s: float,
        now: datetime,
        entry_to: str = "gone",
        leg: CallSid | None = None,
        again: Token | None = None,
        lease_s: float = 0,
    ) -> AgentView | None:
        pair = self._pairs.get(token)
        if pair is None or pair.phase != "busy":
            return None
        person = self._people[pair.entry]
        self._check_place(person, entry_to)
        del self._pairs[token]
        self._over.add(token)
        seat = self._seats[pair.agent]
        reason = "completed" if entry_to == "gone" else "cut_off"
        wraps = seat.wanted is AgentStatus.AVAILABLE and wrap_up_s > 0
        seat.wrap_until = now + timedelta(seconds=wrap_up_s) if wraps else None
        self._free(pair, AgentStatus.WRAP_UP if wraps else seat.wanted, now, reason)
        self._tell_call(person, STATE_OF.get(entry_to, CallState.COMPLETED), now, reason, pair)
        if entry_to == "gone":
            self._measure_talk(pair, now, wrap_up_s)
            self._forget(person)
        else:
            person.measured = True
            person.leg = person.leg or leg
            self._stand_again(person, entry_to, now, reason)
            self._pair_again(person, again, now, lease_s)
        return self._view(seat)

    def hand_on(self, token: Token, to: Token, stand: Stand, *, wrap_up_s: float, now: datetime) -> AgentView | None:
        second = self._pairs.get(to)
        if second is None or second.phase != "busy":
            return None
        view = self.complete(token, wrap_up_s=wrap_up_s, now=now)
        if view is None:
            return None
        own = self._people[second.entry]
        self._tell_call(own, CallState.COMPLETED, now, "completed", second)
        self._forget(own)
        person = Person(stand.entry, second.queue, stand.score, stand.joined_at, language=stand.language, seen=now)
        person.leg, person.measured = CallSid(stand.entry), True
        self._people[person.id] = person
        self._gone.discard(person.id)
        self._tell_call(person, CallState.RESERVED, now, "back_in_line", second)
        person.place, person.token = "reserved", to
        self._tell_call(person, CallState.BRIDGED, now, "handed_on", second)
        person.place = "busy"
        second.entry, second.bridged_at = person.id, now
        return view

    def lapsed(self, *, now: datetime) -> Lapsed:
        over = [seat for seat in self._seats.values() if seat.wrap_until is not None and seat.wrap_until <= now]
        over.sort(key=lambda seat: (seat.wrap_until, seat.key))
        for seat in over:
            self._move_agent(seat, seat.wanted, now, "wrap_up_over")
        late = [pair for pair in self._pairs.values() if pair.lease_until is not None and pair.lease_until <= now]
        late.sort(key=lambda pair: (pair.lease_until, pair.token))
        return Lapsed(tuple(self._reservation(pair) for pair in late), tuple(seat.key for seat in over))

    # --- agents ------------------------------------------------------------------------------------------------

    def presence(self, agent: AgentKey, wanted: AgentStatus, *, now: datetime, why: str = "") -> AgentView:
        seat = self._seat(agent)
        seat.wanted, seat.why = wanted, why if wanted is AgentStatus.AWAY else ""
        if seat.status not in (AgentStatus.RESERVED, AgentStatus.BUSY):
            self._move_agent(seat, wanted, now, "presence")
        return self._view(seat)

    def come_free(
        self, agent: AgentKey, *, lease_s: float, token: Token, now: datetime
    ) -> tuple[AgentView, Reservation | None]:
        if token not in self._pairs:
            self.presence(agent, AgentStatus.AVAILABLE, now=now)
        pairing = self.match_agent(agent, lease_s=lease_s, token=token, now=now)
        return self.agent(agent), pairing

    def wrap(self, agent: AgentKey, until: datetime) -> AgentView | None:
        seat = self._seat(agent)
        if seat.status is not AgentStatus.WRAP_UP:
            return None
        seat.wrap_until = until
        return self._view(seat)

    def agent(self, key: AgentKey) -> AgentView:
        return self._view(self._seat(key))

    def agents(self) -> list[AgentView]:
        return [self._view(self._seats[key]) for key in sorted(self._seats)]

    # --- configuration -----------------------------------------------------------------------------------------

    def configure(
        self,
        queues: Sequence[Queue],
        agents: Sequence[Agent],
        *,
        wording: Sequence[Own] = (),
        following: int | None = None,
    ) -> int:
        if following not in (None, self._version):
            raise Stale("another configuration has been published since")
        now = self._now()
        self._queues = {queue.key: queue for queue in queues}
        self._wording = list(wording)
        self._tell_dialing(queues, now)
        self._agents = {agent.key: agent for agent in agents}
        for agent in agents:
            if agent.key not in self._seats:
                self._seats[agent.key] = Seat(agent.key, now)
                self._tell_agent(self._seats[agent.key], None, now, "configured")
            self._serve(self._seats[agent.key], agent.queues, now)
        for key in sorted(set(self._seats) - set(self._agents)):
            self._dismiss(self._seats[key], now)
        self._published += 1
        self._version = self._published
        return self._version

    def _dismiss(self, seat: Seat, now: datetime) -> None:
        seat.wanted, seat.why = AgentStatus.OFFLINE, ""
        if seat.status not in (AgentStatus.RESERVED, AgentStatus.BUSY):
            self._move_agent(seat, AgentStatus.OFFLINE, now, "configured")
        self._serve(seat, (), now)

    def _serve(self, seat: Seat, queues: tuple[Served, ...], now: datetime) -> None:
        before, seat.queues = seat.queues, queues
        if before != queues:
            self._tell_setting(seat.key, "serves", now, "\n".join(f"{one.queue}\t{one.level}" for one in queues))

    def _tell_dialing(self, queues: Sequence[Queue], now: datetime) -> None:
        before, self._dialed = self._dialed, {queue.key: queue.policy.dialing for queue in queues}
        for queue in queues:
            if before.pop(queue.key, None) != queue.policy.dialing:
                self._tell_setting(queue.key, "dialing" if queue.policy.dialing else "resting", now)
        for key in sorted(key for key, dials in before.items() if dials):
            self._tell_setting(key, "resting", now)

    def set_dialing(self, queue: QueueKey, on: bool, *, now: datetime) -> bool:
        if self._dialed.get(queue) in (None, on):
            return False
        self._dialed[queue] = on
        self._tell_setting(queue, "dialing" if on else "resting", now)
        return True

    def _now(self) -> datetime:
        return self._clock.now() if self._clock else self._heard

    def configuration(self) -> tuple[int, list[Queue], list[Agent]]:
        queues = sorted(self._queues.values(), key=lambda queue: queue.key)
        return self._version, queues, sorted(self._agents.values(), key=lambda agent: agent.key)

    def wording(self) -> list[Own]:
        return list(self._wording)

    def set_offering(self, queue: QueueKey, offering: bool) -> None:
        self._tally(queue).offering = offering

    def remember_language(self, number_hash: str, language: str) -> None:
        self._languages[number_hash] = language

    def forget_person(self, number_hash: str) -> list[EntryId]:
        self._languages.pop(number_hash, None)
        for entry in [entry for entry, one in self._booked.items() if one.number_hash == number_hash[:24]]:
            self._unbook(entry)
        return [person.id for person in self._people.values() if number_hash and person.number == number_hash[:24]]

    # --- the stream, the pace ----------------------------------------------------------------------------------

    def drain(self, after: str, limit: int) -> list[tuple[str, dict[str, str]]]:
        first = int(after.partition("-")[0])
        return [(f"{number}-0", dict(fields)) for number, fields in self._events if number > first][:limit]

    def forget(self, upto: str) -> None:
        last = int(upto.partition("-")[0])
        self._events = [(number, fields) for number, fields in self._events if number > last]

    def take_pace(self, bucket: str, *, per_second: float, now: datetime) -> float:
        slot = max(now, self._slots.get(bucket, now))
        self._slots[bucket] = slot + timedelta(seconds=1 / per_second)
        return (slot - now).total_seconds()

    def pace_ahead(self, bucket: str, *, now: datetime) -> float:
        return max((self._slots.get(bucket, now) - now).total_seconds(), 0.0)

    # --- how old it is, and how it is filled again -------------------------------------------------------------

    def age(self, expected: int | None = None) -> LineAge:
        found = LineAge(self._number, RUN, self._unsure, self._version > 0)
        if not self._unsure and expected is not None and self._number in (expected, expected + 1):
            self._number = expected + 1
        return found

    def doubt(self, number: int) -> bool:
        if self._number is None or self._number < number:
            self._unsure = self._unsure or "lost"
        return bool(self._unsure)

    def begin_rebuild(self, number: int, mark: str) -> None:
        self._unsure = f"rebuilding {number} {RUN}"
        self._told = max(self._told, int(mark.partition("-")[0]))

    def end_rebuild(self, number: int) -> str | None:
        if self._unsure != f"rebuilding {number} {RUN}":
            return None
        self._number, self._unsure = number, ""
        return RUN

    def resume(self, stand: Stand, *, phase: str, lease_s: float, now: datetime) -> bool:
        person = self._people.get(stand.entry)
        if person is not None and person.token is not None:
            return person.token == stand.token
        seat = self._seats.get(stand.agent) if stand.token and stand.agent else None
        if stand.token and (seat is None or seat.token is not None or stand.token in self._over):
            return False
        known = person is not None
        if person is None:
            person = Person(stand.entry, stand.queue, stand.score, stand.joined_at, language=stand.language, seen=now)
            person.number = self._unbook(stand.entry, stand.number_hash[:24])
            person.leg = None if is_callback(stand.entry) else CallSid(stand.entry)
            self._people[person.id] = person
        person.leg = stand.leg or person.leg
        if seat is None:
            self._wait_again(person, "menu" if stand.in_menu else "hold", known, now)
        else:
            self._talk_again(person, seat, stand, phase, lease_s, now, known=known)
        return True

    def _wait_again(self, person: Person, place: str, known: bool, now: datetime) -> None:
        if known and not (is_callback(person.id) and person.place != "hold"):
            return
        self._tell_call(person, STATE_OF[place], now, "back_in_line")
        self._tell_place(person, place, now, "back_in_line")
        person.place = place

    def _talk_again(
        self, person: Person, seat: Seat, stand: Stand, phase: str, lease_s: float, now: datetime, *, known: bool
    ) -> None:
        assert stand.token is not None
        if not known:
            self._tell_place(person, "hold" if stand.leg else "due", now, "back_in_line")
        self._move_agent(seat, AgentStatus.AVAILABLE, now, "rebuilt")
        self._reserve(person, seat, stand.token, now, lease_s, "resumed")
        pair = self._pairs[stand.token]
        pair.phase = phase
        if stand.bridged_at is not None:
            pair.phase, pair.lease_until, pair.bridged_at = "busy", None, stand.bridged_at
            self._move_agent(seat, AgentStatus.BUSY, stand.bridged_at, "bridged", pair)
            self._tell_call(person, CallState.BRIDGED, stand.bridged_at, "bridged", pair)
            person.place = "busy"

    def seat(
        self,
        wishes: Mapping[AgentKey, tuple[AgentStatus, datetime]],
        *,
        now: datetime,
        wrapping: Mapping[AgentKey, tuple[datetime, datetime]] | None = None,
    ) -> None:
        for key, (status, since) in sorted(wishes.items()):
            seat = self._seats.get(key)
            if seat is not None and (seat.token or (seat.status is AgentStatus.OFFLINE and not seat.reason)):
                seat.wanted, seat.why = status, ""
                if not seat.token and status is not AgentStatus.OFFLINE:
                    seat.status, seat.since, seat.reason = status, since, "rebuilt"
                    if status is AgentStatus.AVAILABLE and key in (wrapping or {}):
                        seat.status = AgentStatus.WRAP_UP
                        seat.since, seat.wrap_until = (wrapping or {})[key]
                    self._tell_agent(seat, AgentStatus.OFFLINE, now, "rebuilt")

    # --- who is where ------------------------------------------------------------------------------------------

    def _in_order(self, queue: QueueKey, places: Iterable[str] = IN_LINE) -> list[Person]:
        here = [person for person in self._people.values() if person.queue == queue and person.place in places]
        return sorted(here, key=lambda person: person.order)

    def _standing(self, queue: QueueKey, person: Person | None, now: datetime | None = None) -> Standing:
        line = self._in_order(queue)
        tally = self._tally(queue)
        ahead = line[: line.index(person)] if person in line else line
        return Standing(
            due_ahead=sum(other.place == "due" for other in ahead),
            later_ahead=sum(other.place == "later" for other in ahead),
            place=person.place if person else "",
            position=line.index(person) + 1 if person in line else None,
            score=person.score if person else 0,
            joined_at=person.joined if person else None,
            live=sum(other.place in ("menu", "hold") for other in line),
            callbacks=sum(other.place in ("due", "later") for other in line),
            agents={status: self._count(queue, status) for status in AgentStatus},
            measured=tally.measured,
            offering=tally.offering,
            config=0 if self._unsure else self._version,
            language=person.language if person else "",
            reservation=self.reservation(person.token) if person and person.token else None,
            kept=self._kept_elsewhere(queue, person, now) if now is not None else 0,
        )

    def _kept_elsewhere(self, queue: QueueKey, person: Person | None, now: datetime) -> int:
        """How many free agents of this queue are kept for phones that ring in other queues of theirs."""
        if person is not None and person.place == "hold" and is_callback(person.id):
            return 0
        order = person.order if person is not None else (int(micros(now)), "")
        return sum(
            any(served.queue != queue and self._all_kept(served.queue, order, now) for served in seat.queues)
            for seat in self._free_agents(queue)
        )

    def _all_kept(self, queue: QueueKey, order: tuple[int, str], now: datetime) -> bool:
        rung = self._rung_before(queue, order, now)
        return rung > 0 and rung >= len(self._free_agents(queue))

    def _rung_before(self, queue: QueueKey, order: tuple[int, str], now: datetime) -> int:
        """How many phones ring for people who stand before. Whoever is found to have been rung for long enough is
        forgotten, and is not rung again where the clock goes back."""
        rung = 0
        for other in self._in_order(queue, ("later",)):
            if other.expected_until is not None and other.expected_until <= now:
                other.expected_until = None
            rung += other.expected_until is not None and other.order < order
        return rung

    def _count(self, queue: QueueKey, status: AgentStatus) -> int:
        return sum(seat.status is status and seat.level(queue) is not None for seat in self._seats.values())

    def _open_promise(self, queue: QueueKey, number_hash: str) -> CallbackId | None:
        for person in self._people.values():
            if number_hash and person.queue == queue and person.number == number_hash[:24]:
                return CallbackId(person.id)
        for one in self._booked.values():
            if number_hash and one.queue == queue and one.number_hash == number_hash[:24]:
                return one.id
        return None

    def _tally(self, queue: QueueKey) -> Tally:
        return self._tallies.setdefault(queue, Tally())

    def _seat(self, key: AgentKey) -> Seat:
        if key not in self._seats:
            raise NotFound(f"there is no agent {key}")
        return self._seats[key]

    def _view(self, seat: Seat) -> AgentView:
        kept = (seat.token, seat.wrap_until, seat.reason, seat.why)
        return AgentView(seat.key, seat.status, seat.since, seat.wanted, *kept)

    def _reservation(self, pair: Pair) -> Reservation:
        person = self._people[pair.entry]
        return Reservation(
            pair.token,
            pair.entry,
            pair.agent,
            pair.queue,
            live=person.leg is not None,
            leg=person.leg,
            phase=pair.phase,
            at=pair.at,
            lease_until=pair.lease_until,
            bridged_at=pair.bridged_at,
            score=person.score,
            joined_at=person.joined,
            language=person.language,
            agent_leg=pair.agent_leg,
        )

    # --- who takes whom ----------------------------------------------------------------------------------------

    def _free_agents(self, queue: QueueKey) -> list[Seat]:
        free = [
            (level, int(micros(seat.since) / 1000), seat.key)
            for seat in self._seats.values()
            if seat.status is AgentStatus.AVAILABLE and (level := seat.level(queue)) is not None
        ]
        return [self._seats[key] for _, _, key in sorted(free)]

    def _is_kept(self, seat: Seat, person: Person, now: datetime) -> bool:
        if person.place == "hold" and is_callback(person.id):
            return False
        phones, others = 0, set[str]()
        for served in seat.queues:
            rung = self._rung_before(served.queue, person.order, now)
            idle = {other.key for other in self._free_agents(served.queue)} - {seat.key} if rung else set()
            if rung > len(idle):
                return True
            phones, others = phones + rung, others | idle
        return phones > len(others)

    def _first_for(self, seat: Seat) -> Person | None:
        matchable = [
            person
            for person in self._people.values()
            if seat.level(person.queue) is not None
            and (person.place == "hold" or (person.place == "due" and self._dials(person.queue)))
        ]
        return min(matchable, key=lambda person: person.order, default=None)

    def _dials(self, queue: QueueKey) -> bool:
        return self._dialed.get(queue, False)

    def _pair_agent(self, seat: Seat, token: Token, now: datetime, lease_s: float) -> Reservation | None:
        person = None if self._unsure else self._first_for(seat)
        if person is None or self._is_kept(seat, person, now):
            return None
        return self._reserve(person, seat, token, now, lease_s)

    def _pair_newcomer(self, person: Person, token: Token, now: datetime, lease_s: float) -> None:
        for seat in [] if self._unsure else self._free_agents(person.queue):
            first = self._first_for(seat)
            if (first is None or first.order >= person.order) and not self._is_kept(seat, person, now):
                self._reserve(person, seat, token, now, lease_s)
                return

    def _pair_again(self, person: Person, again: Token | None, now: datetime, lease_s: float) -> None:
        if again is not None and person.place == "hold":
            self._pair_newcomer(person, again, now, lease_s)

    def _reserve(
        self, person: Person, seat: Seat, token: Token, now: datetime, lease_s: float, reason: str = "matched"
    ) -> Reservation:
        pair = Pair(token, person.id, seat.key, person.queue, now, now + timedelta(seconds=lease_s))
        self._pairs[token] = pair
        self._tell_call(person, CallState.RESERVED, now, reason, pair)
        person.place, person.token, seat.token = "reserved", token, token
        self._move_agent(seat, AgentStatus.RESERVED, now, reason, pair)
        return self._reservation(pair)

    # --- what changes ------------------------------------------------------------------------------------------

    def _check_place(self, person: Person, place: str) -> None:
        if place in ("due", "later") and not is_callback(person.id):
            raise IllegalMove("a caller who never hung up is not dialled")

    def _stand_again(self, person: Person, place: str, now: datetime, reason: str) -> None:
        person.token = None
        place = "menu" if place == "hold" and person.leg is None else place
        self._tell_place(person, place, now, reason)
        person.place = place
        person.seen = now
        if place in ("due", "later"):
            person.leg = person.seen = None

    def _depart(self, person: Person, reason: str, now: datetime) -> None:
        pair = self._pairs.pop(person.token, None) if person.token else None
        if person.token:
            self._over.add(person.token)
        talking = person.place == "busy"
        state = CallState.COMPLETED if talking else CallState.ABANDONED
        if reason in set(CALL_ENDS):
            state = CallState(reason)
        self._tell_call(person, state, now, reason, pair)
        if person.place in IN_LINE:
            self._tell_place(person, "gone", now, reason)
        if not talking:
            self._measure_wait(person, now, abandoned=state is CallState.ABANDONED)
        elif pair:
            self._measure_talk(pair, now, 0)
        if pair:
            self._free(pair, self._seats[pair.agent].wanted, now, reason)
        self._forget(person)

    def _free(self, pair: Pair, to: AgentStatus, now: datetime, reason: str) -> None:
        seat = self._seats[pair.agent]
        seat.token = None
        self._move_agent(seat, to, now, reason, pair)

    def _move_agent(self, seat: Seat, to: AgentStatus, now: datetime, reason: str, pair: Pair | None = None) -> None:
        if seat.status is to:
            return
        assert (seat.status, to) in AGENT_MOVES
        before, seat.status, seat.since, seat.reason = seat.status, to, now, reason
        if to is not AgentStatus.WRAP_UP:
            seat.wrap_until = None
        self._tell_agent(seat, before, now, reason, pair)

    def _measure_talk(self, pair: Pair, now: datetime, wrap_up_s: float) -> None:
        assert pair.bridged_at is not None
        talked = max(0, (now - pair.bridged_at).total_seconds()) + wrap_up_s
        tally = self._tally(pair.queue)
        seen = tally.measured
        tally.measured = replace(seen, handled=seen.handled * KEEP + 1, handled_s=seen.handled_s * KEEP + talked)

    def _measure_wait(self, person: Person, now: datetime, *, abandoned: bool) -> None:
        if is_callback(person.id) or person.measured:
            return
        waited = max(0, (now - person.joined).total_seconds())
        tally = self._tally(person.queue)
        seen = tally.measured
        tally.measured = replace(
            seen, abandoned=seen.abandoned * KEEP + abandoned, waited_s=seen.waited_s * KEEP + waited
        )

    # --- what is told ------------------------------------------------------------------------------------------

    def _forget(self, person: Person) -> None:
        del self._people[person.id]
        if not is_callback(person.id):
            self._gone.add(person.id)

    def _tell_call(
        self,
        person: Person,
        to: CallState | None,
        now: datetime,
        reason: str,
        pair: Pair | None = None,
        number: str = "",
    ) -> None:
        if is_callback(person.id) or to is None:
            return
        self._tell(
            now,
            kind="call",
            subject=person.id,
            **{"from": STATE_OF[person.place] if person.place else ""},
            to=to,
            reason=reason,
            queue=person.queue,
            joined=str(micros(person.joined)),
            score=str(person.score),
            lang=person.language,
            leg=person.leg or "",
            agent=pair.agent if pair else "",
            token=pair.token if pair else "",
            entry=person.id,
            number=number,
        )

    def _tell_place(self, person: Person, to: str, now: datetime, reason: str) -> None:
        if is_callback(person.id):
            self._tell(
                now,
                kind="place",
                subject=person.id,
                **{"from": person.place},
                to=to,
                reason=reason,
                queue=person.queue,
                joined=str(micros(person.joined)),
                score=str(person.score),
            )

    def _tell_setting(self, subject: str, to: str, now: datetime, rows: str = "") -> None:
        self._tell(now, kind="setting", subject=subject, to=to, rows=rows)

    def _tell_agent(
        self, seat: Seat, before: AgentStatus | None, now: datetime, reason: str, pair: Pair | None = None
    ) -> None:
        self._tell(
            now,
            kind="agent",
            subject=seat.key,
            **{"from": before or ""},
            to=seat.status,
            reason=reason,
            queue=pair.queue if pair else "",
            token=pair.token if pair else "",
            entry=pair.entry if pair else "",
            callback="1" if pair and is_callback(pair.entry) else "",
            why=seat.why if seat.status is AgentStatus.AWAY else "",
        )

    def _tell(self, now: datetime, **fields: str) -> None:
        self._heard = now
        self._told += 1
        told = {name: str(value) for name, value in fields.items()}
        self._events.append((self._told, {**told, "at": str(micros(now))}))


def micros(at: datetime) -> int:
    """Microseconds since 1970."""
    return (at - EPOCH) // timedelta(microseconds=1)
