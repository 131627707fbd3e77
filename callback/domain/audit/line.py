"""The line replayed from the journal: live calls, agents and places, in the order in which Redis changed them.

The rows come from one stream, so each is judged against everything before it. What contradicts them is doubted, and
excused where the line was lost: then it is emptied and filled again, and begins anew here as well.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from callback.domain.audit.findings import Breach, Findings, Invariant
from callback.domain.audit.places import WAITING, Shelves, Stand
from callback.domain.audit.promises import Promises, moved
from callback.domain.audit.service import Service
from callback.domain.callback import Entry
from callback.domain.ids import EntryId, is_callback
from callback.domain.lifecycle import AGENT_MOVES, CALL_ENDS, CALL_MOVES, AgentStatus, CallState

PLACE_OF = {
    CallState.ARRIVED: "menu",
    CallState.WAITING: "hold",
    CallState.RESERVED: "reserved",
    CallState.BRIDGED: "busy",
}
PLACES = WAITING | {"gone"}
ENGAGED = (AgentStatus.RESERVED, AgentStatus.BUSY)
"""Of an agent; and the places of somebody in line that go with them."""
BUSY_MOST_S = 4 * 3600
"""The carrier ends a call after four hours, unless an account has been given more."""
BACK = "back_in_line"
RESUMED = "resumed"
"""A pairing that was made before the line was lost, and judged then."""
RESTORED = "restored"
"""Many places in one row, which does not say who stood elsewhere before."""


@dataclass(slots=True)
class Seat:
    """An agent. `serves` is None until the journal has said it."""

    key: str
    status: AgentStatus
    since: datetime
    seq: int
    token: str = ""
    entry: str = ""
    serves: dict[str, int] | None = field(default=None)


class LineReplay:
    """Everybody in line, and everybody who serves it, row by row."""

    def __init__(self, findings: Findings, promises: Promises) -> None:
        self._findings, self._promises = findings, promises
        self._stands: dict[str, Stand] = {}
        self._shelves = Shelves()
        self._service = Service(findings, self._shelves, self._stands)
        self._seats: dict[str, Seat] = {}
        self._calls: dict[str, CallState] = {}
        self._scores: dict[str, int] = {}  # of live calls: they keep their place even through a lost line
        self._tokens: dict[str, tuple[str, str, int]] = {}
        self._times_emptied = 0
        self._judging = True
        self._words: dict[str, Callable[[Entry], None]] = {
            "dialing": self._dialing,
            "resting": self._dialing,
            "serves": self._serves,
            RESTORED: self._restored,
            "clearing": self._clearing,
            "cleared": self._cleared,
        }

    # --- what happened -----------------------------------------------------------------------------------------

    def queue(self, row: Entry) -> None:
        """A promise's place, or what the order depends on besides. Other news of queues is passed over."""
        if row.after in PLACES and is_callback(EntryId(row.cause)):
            self._place(row, row.cause, row.queue, row.after, row.data)
        elif act := self._words.get(row.after):
            act(row)
        elif row.after == "quarantined" and row.cause.startswith("event "):
            self._findings.unread()

    def call(self, row: Entry) -> None:
        """A live call's change of state."""
        state, known = CallState(row.after), self._calls.get(row.subject)
        before = CallState(row.before) if row.before else None
        back = before is None and row.reason == BACK and (known is None or known in CALL_ENDS)
        if before != known and not back:
            told = f"{row.subject} went from {before or 'nowhere'} to {state} when it was {known or 'not in line'}"
            self._doubt(Invariant.LIFECYCLE, row, told)
        if (before, state) not in CALL_MOVES:
            self._doubt(Invariant.LIFECYCLE, row, f"no call goes from {before or 'nowhere'} to {state}: {row.subject}")
        self._calls[row.subject] = state
        if state in CALL_ENDS:
            self._gone(row.subject)
            self._scores.pop(row.subject, None)
        else:
            self._stand_call(row, state)

    def agent(self, row: Entry) -> None:
        """An agent's change of status, and of their pairing."""
        status, known = AgentStatus(row.after), self._seats.get(row.subject)
        before = AgentStatus(row.before) if row.before else None
        if before != (known.status if known else None):
            was = known.status if known else "not there"
            told = f"{row.subject} became {status} from {before or 'nothing'} when they were {was}"
            self._doubt(Invariant.LIFECYCLE, row, told)
        elif before is not None and (before, status) not in AGENT_MOVES:
            self._doubt(Invariant.LIFECYCLE, row, f"no agent goes from {before} to {status}: {row.subject}")
        seat = known or self._seats.setdefault(row.subject, new_seat(row, status))
        if status is AgentStatus.RESERVED:
            self._pair(row, seat)
        elif status is AgentStatus.BUSY:
            self._bridge(row, seat)
        else:
            self._free(row, seat)
        seat.status, seat.since, seat.seq = status, row.at, row.seq

    def promise(self, who: str) -> None:
        """The record has moved this promise: out of the line it may still be waited for."""
        stand, state = self._stands.get(who), self._promises.state(who)
        if stand is not None:
            stand.state = state if who in self._promises.open else ""
            if not stand.state:
                self._service.served(stand)
            self._settle(stand)

    def stuck(self, now: datetime, reserved_most_s: float) -> None:
        """Agents who are in a pairing or a talk for longer than there can be one."""
        for seat in self._seats.values():
            most = {AgentStatus.RESERVED: reserved_most_s, AgentStatus.BUSY: BUSY_MOST_S}.get(seat.status)
            if most is not None and (now - seat.since).total_seconds() > most:
                told = f"{seat.key} has been {seat.status} with {seat.entry} since {seat.since.isoformat()}"
                self._findings.add(Breach(Invariant.AGENT, seat.key, "", seat.since, seat.seq, told))

    def engaged(self) -> dict[str, Seat]:
        """The agents who are in a pairing or a talk."""
        return {key: seat for key, seat in self._seats.items() if seat.status in ENGAGED}

    # --- places ------------------------------------------------------------------------------------------------

    def _stand_call(self, row: Entry, state: CallState) -> None:
        score = int(row.data.get("score", 0))
        stood = self._scores.setdefault(row.subject, score)
        if score != stood:
            self._doubt(Invariant.PLACE, row, f"{row.subject} went {shift(score - stood)} ({row.reason})")
            self._scores[row.subject] = score
        stand = self._stands.get(row.subject)
        if stand is None:
            stand = Stand(row.subject, row.queue, score, int(row.data.get("joined", score)))
            self._stands[row.subject] = stand
        self._shelves.take(stand)
        stand.queue, stand.score = row.queue, score
        if state is CallState.RESERVED:
            return  # judged where they stood, with the row of the agent that follows
        stand.place = PLACE_OF[state]
        self._settle(stand)

    def _place(self, row: Entry, who: str, queue: str, place: str, data: dict[str, Any]) -> None:
        score = int(data["score"])
        stand = self._stands.get(who)
        if stand is None:
            stand = self._stands[who] = Stand(who, queue, score, score, state=self._state(who))
        self._check_before(row, stand, place)
        if not self._promises.may_stand_at(who, score):
            told = f"{who} went {shift(score - stand.score)}, to a place that the record never gave it ({row.reason})"
            self._doubt(Invariant.PLACE, row, told)
        self._shelves.take(stand)
        by_row = moved(row) if score != stand.score else stand.moved
        stand.moved = by_row or self._promises.was_moved(who, score)
        stand.queue, stand.score, stand.joined = queue, score, int(data.get("joined", score))
        if row.before == AgentStatus.RESERVED:
            self._service.back(row, stand)
        else:
            self._service.served(stand)
        stand.place, stand.reason = ("" if place == "gone" else place), row.reason
        self._settle(stand)

    def _check_before(self, row: Entry, stand: Stand, place: str) -> None:
        before = row.before or ""
        if row.after != RESTORED and before not in ENGAGED and before != stand.place:
            told = f"{stand.id} left {before or 'nowhere'} for {place} when it stood in {stand.place or 'no place'}"
            self._doubt(Invariant.LIFECYCLE, row, told)

    def _settle(self, stand: Stand) -> None:
        self._shelves.put(stand)
        if not stand.place and not stand.state and stand.shelf is None:
            self._stands.pop(stand.id, None)

    def _gone(self, who: str) -> None:
        stand = self._stands.get(who)
        if stand is not None:
            stand.place = ""
            self._settle(stand)

    def _state(self, who: str) -> str:
        return self._promises.state(who) if who in self._promises.open else ""

    # --- pairings ----------------------------------------------------------------------------------------------

    def _pair(self, row: Entry, seat: Seat) -> None:
        token, who = str(row.data.get("token", "")), str(row.data.get("entry", row.cause))
        stand = self._stands.get(who)
        self._check_token(row, seat, token, who, stand)
        seat.token, seat.entry = token, who
        self._tokens[token] = (seat.key, who, self._times_emptied)
        if stand is None:
            self._doubt(Invariant.ORDER, row, f"{seat.key} got {who}, who stood in no line")
            stand = self._stands[who] = Stand(who, row.queue, 0, 0, state=self._state(who))
        elif self._judging and row.reason != RESUMED:
            self._service.pair(row, stand, seat.serves)
        self._shelves.take(stand)
        stand.place, stand.token = "reserved", token

    def _check_token(self, row: Entry, seat: Seat, token: str, who: str, stand: Stand | None) -> None:
        if seat.token:
            self._doubt(Invariant.AGENT, row, f"{seat.key} got {who} while with {seat.entry}")
        if stand is not None and stand.token:
            self._doubt(Invariant.AGENT, row, f"{who} got {seat.key} while with another agent ({stand.token})")
        used = self._tokens.get(token)
        if used is not None and used != (seat.key, who, used[2]):
            told = f"{token} stood for {used[0]} with {used[1]}, and now for {seat.key} with {who}"
            self._doubt(Invariant.AGENT, row, told)
        elif used is not None and (used[2] == self._times_emptied or row.reason != RESUMED):
            told = f"{token} of {seat.key} with {who} came again, and the line was not rebuilt"
            self._doubt(Invariant.AGENT, row, told)

    def _bridge(self, row: Entry, seat: Seat) -> None:
        token, who = str(row.data.get("token", "")), str(row.data.get("entry", row.cause))
        if token != seat.token:
            told = f"{seat.key} talks under {token}, but was reserved under {seat.token or 'none'}"
            self._doubt(Invariant.AGENT, row, told)
            seat.token, seat.entry = token, who
        if is_callback(EntryId(who)):
            self._promises.talks(row, who)
        stand = self._stands.get(who)
        if stand is not None:
            stand.place = "busy"
            self._service.served(stand)

    def _free(self, row: Entry, seat: Seat) -> None:
        token = str(row.data.get("token", ""))
        if token and token != seat.token:
            self._doubt(Invariant.AGENT, row, f"{seat.key} was freed of {token}, but had {seat.token or 'no pairing'}")
        elif not token and seat.token:
            self._doubt(Invariant.AGENT, row, f"{seat.key} became {row.after} in the middle of {seat.token}")
        stand = self._stands.get(seat.entry) if seat.token else None
        if stand is not None and stand.token == seat.token:
            stand.token = ""
            if stand.place in ("reserved", "busy"):
                stand.place = ""  # where they stand again, if they do, is told next
                self._settle(stand)
        seat.token = seat.entry = ""

    # --- what the order depends on -----------------------------------------------------------------------------

    def _dialing(self, row: Entry) -> None:
        self._service.dialing[row.subject] = row.after == "dialing"

    def _serves(self, row: Entry) -> None:
        seat = self._seats.get(str(row.data["agent"]))
        if seat is not None:
            seat.serves = dict(row.data["serves"])

    def _restored(self, row: Entry) -> None:
        for queue, who, place, score, *joined in row.data["places"]:
            self._place(row, who, queue, place, {"score": score, "joined": joined[0] if joined else score})

    def _clearing(self, row: Entry) -> None:
        self._findings.rebuilding(row.at)
        self._judging = False

    def _cleared(self, row: Entry) -> None:
        self._findings.rebuilding(row.at)
        self._judging = True
        self._times_emptied += 1
        self._seats.clear()
        self._calls = {call: state for call, state in self._calls.items() if state in CALL_ENDS}
        self._service.forget()
        for stand in list(self._stands.values()):
            stand.place = stand.token = ""
            self._settle(stand)

    def _doubt(self, kind: Invariant, row: Entry, text: str) -> None:
        if self._judging:
            self._findings.doubt(kind, row.subject, row, text)


def new_seat(row: Entry, status: AgentStatus) -> Seat:
    """An agent of whom this is the first row: newly configured, they serve nothing yet."""
    return Seat(row.subject, status, row.at, row.seq, serves={} if row.before is None else None)


def shift(micros: int) -> str:
    """How far a place has moved."""
    return f"{abs(micros) / 1e6:.3f} s {'back' if micros > 0 else 'ahead'}"
