"""Order: each time an agent is paired, nobody whom that agent could have served stands before the one they got.

Whoever stood before and could not be served was overtaken by a rule that has a name; those are counted, or listed.
"""

from collections import defaultdict

from callback.domain.audit.findings import Findings, Invariant, Overtaking
from callback.domain.audit.places import DUE, HOLD, MENU, Shelves, Stand
from callback.domain.audit.ranked import Key
from callback.domain.callback import Entry
from callback.domain.ids import EntryId, is_callback
from callback.domain.order import Rule

SET_ASIDE = (
    Rule.IN_MENU, Rule.NOT_DUE, Rule.QUIET_HOURS, Rule.UNREACHABLE, Rule.CALLERS_WISH,
)  # fmt: skip
"""The rules by which somebody who waits cannot be served at this moment, each with a shelf of its own."""
LOWEST = ""
"""Sorts before every id."""


class Service:
    """Judges each pairing against everybody who waits, and remembers who was served while somebody was being rung."""

    def __init__(self, findings: Findings, shelves: Shelves, stands: dict[str, Stand]) -> None:
        self._findings, self._shelves, self._stands = findings, shelves, stands
        self.dialing: dict[str, bool] = {}
        self._served: defaultdict[str, list[Key]] = defaultdict(list)
        self._ringing: defaultdict[str, dict[str, int]] = defaultdict(dict)

    def forget(self) -> None:
        """The line was emptied."""
        self.dialing.clear()
        self._served.clear()
        self._ringing.clear()

    def pair(self, row: Entry, stand: Stand, serves: dict[str, int] | None) -> None:
        """`stand`, still in their place, gets an agent who `serves` these queues (None: nobody knows)."""
        if fault := self._unservable(stand, serves):
            self._findings.doubt(Invariant.ORDER, stand.id, row, f"{stand.id} {fault}")
        self._shelves.take(stand)
        for queue in serves or (stand.queue,):
            self._look_for_passed(row, stand, queue)
        if self._findings.asked(row):
            self._findings.pairings[stand.queue] += 1
            self._name_passed(row, stand)
        self._served[stand.queue].append(stand.key)
        if is_callback(EntryId(stand.id)):
            self._ringing[stand.queue][stand.id] = len(self._served[stand.queue])

    def served(self, stand: Stand) -> None:
        """They talk, or are gone: being rung, if they were, cost them nothing."""
        ringing = self._ringing[stand.queue]
        ringing.pop(stand.id, None)
        if not ringing:
            self._served[stand.queue].clear()

    def back(self, row: Entry, stand: Stand) -> None:
        """Back in line after having been rung in vain: whoever was served meanwhile and stands behind passed them."""
        since = self._ringing[stand.queue].get(stand.id)
        if since is not None and self._findings.asked(row):
            for key in self._served[stand.queue][since:]:
                if key > stand.key:
                    self._note(Rule.UNREACHABLE, row, stand.queue, key[1], stand.id)
        self.served(stand)

    # --- one pairing -------------------------------------------------------------------------------------------

    def _unservable(self, stand: Stand, serves: dict[str, int] | None) -> str:
        """Why they could not have been paired at all."""
        if serves is not None and stand.queue not in serves:
            return f"got an agent who does not serve {stand.queue}"
        if stand.place == DUE and not self.dialing.get(stand.queue, False):
            return f"was served though {stand.queue} is not dialling"
        if stand.place in (HOLD, DUE) or (stand.place == MENU and not stand.state):
            return ""
        return f"was served from {stand.place or 'nowhere'}, where nobody can be"

    def _look_for_passed(self, row: Entry, stand: Stand, queue: str) -> None:
        for place in (HOLD, DUE):
            if place == DUE and not self.dialing.get(queue, False):
                continue
            first = self._shelves.first(queue, place)
            if first is not None and first < stand.key:
                others = self._shelves.count_below(queue, place, stand.key) - 1
                more = f" and {others} more" if others else ""
                where = "on hold" if place == HOLD else "due"
                told = f"{stand.id} was served before {first[1]}{more}, {where} in {queue}"
                self._findings.doubt(Invariant.ORDER, first[1], row, told)

    def _name_passed(self, row: Entry, stand: Stand) -> None:
        for rule in SET_ASIDE:
            self._pass_shelf(rule, rule, row, stand)
        if not self.dialing.get(stand.queue, False):
            self._pass_shelf(DUE, Rule.DIALING_OFF, row, stand)
        if stand.joined > stand.score:
            self._pass_by_credit(row, stand)

    def _pass_shelf(self, name: str, rule: Rule, row: Entry, stand: Stand) -> None:
        if self._findings.tell is None:
            self._findings.overtakings[stand.queue, rule] += self._shelves.count_below(stand.queue, name, stand.key)
            return
        for _, passed in self._shelves.between(stand.queue, name, None, stand.key):
            self._note(rule, row, stand.queue, stand.id, passed)

    def _pass_by_credit(self, row: Entry, stand: Stand) -> None:
        """Those who came first and stand behind by the credit of the other, or because somebody moved the other."""
        rule = Rule.MOVED if stand.moved else Rule.CREDIT
        for place in (HOLD, DUE) if self.dialing.get(stand.queue, False) else (HOLD,):
            for _, other in self._shelves.between(stand.queue, place, stand.key, (stand.joined, LOWEST)):
                if self._stands[other].joined < stand.joined:
                    self._note(rule, row, stand.queue, stand.id, other)

    def _note(self, rule: Rule, row: Entry, queue: str, passer: str, passed: str) -> None:
        self._findings.overtakings[queue, rule] += 1
        if self._findings.tell is not None:
            self._findings.tell(Overtaking(rule, queue, passer, passed, row.at, row.seq))
