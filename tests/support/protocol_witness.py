"""What an outsider can testify of a house: the carrier's list of calls, who talked with whom, what the API answered.

From these come the invariants: L no promise is lost, D at most one live dial per callback and number, X no dial or talk
after an acknowledged cancel, F a place never goes backwards, A no agent double-booked or leaked. The product's own
tables are read only to compare them with what was seen.
"""

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field

from callback.domain.callback import Callback
from callback.domain.ids import AttemptId, CallbackId, CallSid, QueueKey, Token
from callback.domain.lifecycle import MOVES, AgentStatus, State
from tests.fakes.carrier import ENDED
from tests.support.house import StagedHouse, fields_of
from tests.support.legs import Leg

LEGAL = {(before, after) for (before, _), after in MOVES.items()}
PAIRED = frozenset({AgentStatus.RESERVED, AgentStatus.BUSY})


@dataclass
class Witness:
    """Looks after every step, and raises AssertionError where something is wrong.

    Attributes:
        served: which callback each call that we created was for.
        talks: caller's and agent's legs that were together.
        talked: how often each callback's caller had an agent.
        cut_short: how often an agent took the call, and we died before they were told so, or had left the conference
            before the caller came, and we had not been told.
        rung: how many calls were created for each callback.
        wanted: cancels that somebody asked for.
        acknowledged: cancels that were answered, each with the number of calls created before.
        scores: the place of each promise, as first seen.
        excused: agents whose talk a lost Redis may have forgotten.
    """

    stage: StagedHouse
    served: dict[CallSid, CallbackId] = field(default_factory=dict)
    talks: dict[tuple[CallSid, CallSid], tuple[Leg, Leg]] = field(default_factory=dict)
    talked: Counter[CallbackId] = field(default_factory=Counter)
    cut_short: Counter[CallbackId] = field(default_factory=Counter)
    rung: Counter[CallbackId] = field(default_factory=Counter)
    promises: set[CallbackId] = field(default_factory=set)
    wanted: set[CallbackId] = field(default_factory=set)
    acknowledged: dict[CallbackId, int] = field(default_factory=dict)
    scores: dict[str, int] = field(default_factory=dict)
    excused: set[str] = field(default_factory=set)
    losses: int = 0

    # --- what is said to people -------------------------------------------------------------------------------

    def promised(self, callback: Callback) -> None:
        """The API, or the voice, promised a call."""
        self.promises.add(callback.id)

    def cancel_wanted(self, id: CallbackId) -> None:
        """Somebody asked for it."""
        self.wanted.add(id)

    def cancelled(self, id: CallbackId) -> None:
        """And was told that it is done."""
        self.acknowledged.setdefault(id, len(self.stage.carrier.created))

    def unwanted(self, leg: Leg, question: str, step: str, key: str) -> CallbackId | None:
        """The promise that a key says is no longer needed, when we call or when its caller rings in: it may have its
        effect although nobody is told so."""
        if key != "3" or step not in ("callback/key", "already"):
            return None
        given_up = self.served.get(leg.sid) if step == "callback/key" else CallbackId(fields_of(question)["cb"])
        if given_up is not None:
            self.wanted.add(given_up)
        return given_up

    def died(self, leg: Leg, step: str, key: str) -> None:
        """A key that may have had its effect although nobody heard so."""
        if key == "1" and step in ("agent/key", "callback/key"):
            for caller in [leg, *self.stage.legs.values()]:
                entry = self.entry_of(caller) if caller is leg or caller.peer is leg else None
                if entry is not None:
                    self.cut_short[entry] += 1

    def entry_of(self, leg: Leg) -> CallbackId | None:
        """The promise that a caller's leg is about."""
        if leg.dial is not None:
            entry = fields_of(leg.dial.get("action")).get("e", "")
            return CallbackId(entry) if entry.startswith("cb") else None
        return self.served.get(leg.sid)

    def pressed(self, leg: Leg, step: str, key: str, unwanted: CallbackId | None) -> None:
        """A key, and what was heard then; `unwanted` is the promise that it gave up."""
        if step == "confirm" and key == "1" and "Good" in leg.document.says:
            with self.stage.sql.begin() as work:
                made = work.callback_by_origin(leg.sid)
            if made is not None:
                self.promised(made)
        if unwanted is not None and "We will not call you again" in leg.document.says:
            self.cancelled(unwanted)

    def lost(self) -> None:
        """Redis forgets: a talk of this moment may have been known to it alone, and so may the arrival of a caller who
        has not been given a document yet, in whose URLs their place would be. Whose first answer was lost, and who came
        through the fallback while the line was away, has the place of then in their URLs."""
        self.losses += 1
        for leg in self.stage.legs.values():
            carried = re.search(rf"e={leg.sid}&(?:amp;)?j=\d+&(?:amp;)?s=(\d+)", leg.document.text)
            if not leg.document.text:
                self.scores.pop(leg.sid, None)
            elif carried and leg.sid in self.scores:
                self.scores[leg.sid] = max(self.scores[leg.sid], int(carried[1]))
        self.excused |= {agent.to for _, agent in self.talks.values() if agent.up}

    # --- what the carrier did ---------------------------------------------------------------------------------

    def created(self, leg: Leg) -> None:
        """We asked for a call: X and D."""
        with self.stage.sql.begin() as work:
            attempt = work.attempt(AttemptId(fields_of(leg.url)["a"]))
        if not leg.to.startswith("+"):
            return
        self.served[leg.sid] = attempt.callback
        self.rung[attempt.callback] += 1
        number = [sid for sid, _ in self.stage.carrier.created].index(leg.sid)
        before = self.acknowledged.get(attempt.callback, number + 1)
        assert number < before, f"X: {attempt.callback} is dialled after its cancel"
        others = [call for call in self.calls_up() if call.to == leg.to and call.sid != leg.sid]
        assert not others, f"D: {leg.sid} to {leg.to} beside {[call.sid for call in others]}"

    def calls_up(self) -> list[Leg]:
        """Calls to customers that the carrier has up."""
        found = [(self.stage.carrier.fetch(leg.sid), leg) for leg in self.stage.legs.values() if leg.sid in self.served]
        return [leg for call, leg in found if call is not None and call.status not in ENDED]

    # --- after every step -------------------------------------------------------------------------------------

    def look(self, legs: Sequence[Leg]) -> None:
        """Who talks with whom."""
        for leg in legs:
            if leg.peer is not None and leg.peer.bridged and leg.peer.up and leg.dial is not None:
                self.together(leg, leg.peer)
            elif leg.room and leg.to.startswith("+"):
                others = [other for other in legs if other.room == leg.room and other is not leg]
                for agent in others:
                    self.together(leg, agent)
                entry = None if others else self.entry_of(leg)
                if entry is not None:
                    self.cut_short[entry] += 1

    def together(self, leg: Leg, agent: Leg) -> None:
        """They talk: A and X."""
        if (leg.sid, agent.sid) in self.talks:
            return
        for caller, other in self.talks.values():
            busy = caller.up and other.up and other.to == agent.to and (caller.dial is not None)
            assert not busy or agent.to in self.excused, f"A: {agent.to} talks with {caller.sid} and {leg.sid}"
        self.talks[leg.sid, agent.sid] = (leg, agent)
        assert leg.dial is not None
        entry = fields_of(leg.dial.get("action")).get("e", "")
        if entry.startswith("cb"):
            served = CallbackId(entry)
            self.talked[served] += 1
            assert served not in self.acknowledged, f"X: {served} talks after its cancel"

    def check(self) -> None:
        """What can be compared at any time."""
        self.check_agents()
        callbacks = self.stage.callbacks()
        self.check_promises(callbacks)
        self.check_order(callbacks)

    def check_agents(self) -> None:
        """A: one token each, which is theirs."""
        tokens = []
        for view in self.stage.line.agents():
            assert (view.token is not None) == (view.status in PAIRED), f"A: {view}"
            if view.token is not None:
                pairing = self.stage.line.reservation(Token(view.token))
                assert pairing is not None, f"A: {view.key} is {view.status} under a token that is nobody's"
                assert pairing.agent == view.key, f"A: {view.token} is of {view.key} and {pairing.agent}"
                tokens.append(view.token)
        assert len(tokens) == len(set(tokens)), f"A: {tokens}"

    def check_promises(self, callbacks: list[Callback]) -> None:
        """L: an end has a cause that was seen from outside."""
        known = {callback.id for callback in callbacks}
        assert self.promises <= known, f"L: {self.promises - known} were promised and are nowhere"
        for callback in callbacks:
            why = f"{callback.id} is {callback.state}: {callback.end_reason}, {self.stage.path(callback.id)}"
            match callback.state:
                case State.COMPLETED:
                    talked = self.talked[callback.id] or self.cut_short[callback.id]
                    assert talked, f"L: nobody talked, and {why}"
                case State.CANCELLED:
                    assert callback.id in self.wanted, f"L: nobody asked, and {why}"
                case State.UNREACHED:
                    assert self.rung[callback.id] >= 3, f"L: rung {self.rung[callback.id]} times, and {why}"
                case State.EXPIRED | State.FAILED:
                    raise AssertionError(f"L: {why}")
            if callback.id in self.acknowledged:
                assert callback.state is State.CANCELLED, f"X: {why}"

    def check_order(self, callbacks: list[Callback]) -> None:
        """F: a promise's place is the one it had, and the line is in order."""
        for callback in callbacks:
            first = self.scores.setdefault(callback.id, callback.score)
            assert callback.score == first, f"F: {callback.id} moved from {first} to {callback.score}"
        for queue in ("support", "sales"):
            places = [(one.score, one.entry) for one in self.stage.line.listing(QueueKey(queue))]
            assert places == sorted(places), f"F: {places}"
            for score, entry in places:
                first = self.scores.setdefault(entry, score)
                assert score <= first, f"F: {entry} moved from {first} to {score}"

    # --- in the end -------------------------------------------------------------------------------------------

    def check_journal(self) -> None:
        """Every move is legal and begins where the one before ended. What a lost Redis had not told yet is missing for
        calls and agents."""
        if not self.losses:
            self.stage.check_journal()
            return
        states: dict[str, str] = {}
        for entry in self.stage.journal(kind="callback"):
            before = states.get(entry.subject)
            told = f"{entry.subject} from {entry.before} to {entry.after} ({entry.reason})"
            assert entry.before == before, f"a gap before {told}"
            assert (before, entry.after) in LEGAL, f"illegal: {told}"
            states[entry.subject] = entry.after

    def at_rest(self) -> bool:
        """Nobody waits, talks, rings or is kept."""
        return not self.unrest()

    def unrest(self) -> list[str]:
        """What still goes on."""
        found = [f"{callback.id} is {callback.state}" for callback in self.stage.callbacks() if not ended(callback)]
        found += [f"{entry} in line" for queue in ("support", "sales") for entry in self.stage.order(queue)]
        found += [f"{leg.sid} is {leg.status}" for leg in self.stage.legs.values() if leg.up]
        idle = (AgentStatus.AVAILABLE, AgentStatus.AWAY)
        return found + [f"{view.key} is {view.status}" for view in self.stage.line.agents() if view.status not in idle]


def ended(callback: Callback) -> bool:
    """Whether the promise has."""
    return callback.ended_at is not None
