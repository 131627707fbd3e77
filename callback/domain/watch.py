"""Whoever watches a floor to learn from it: the signals, the simple rule, and the questions whose answers come later.

A question is one moment of one wait: what the floor showed and what the simple rule said of the time that was left.
Its answer becomes known when an agent comes, or, for whoever left, when one would have come. The replay of recorded
traffic and the living house watch with this one class, so that both learn the very same thing.
"""

from collections.abc import Hashable, Sequence
from dataclasses import dataclass
from datetime import tzinfo

from callback.domain.floor import Event, Floor, Joined, Known, Served, Wait
from callback.domain.learner import Five, Said
from callback.domain.offered import LONGEST_S, Offered
from callback.domain.policy import Policy
from callback.domain.signals import Signals
from callback.domain.simple import SimpleRule

TIDY_EVERY = 2000
"""After so many questions those are forgotten to which no answer will come any more."""
HOPELESS_S = 4 * LONGEST_S


@dataclass(slots=True)
class Question:
    """One moment of a wait: the signals and what the simple rule says of the rest. `known_at` and `waited` (from this
    moment on) come later; a wait that was never known has none, and `whole` is False for one that was inferred.

    `kind` is the queue and the type of the call; `joining` is False for somebody who stood in line already, and `said`
    what was forecast, where anything was."""

    at: float
    signals: Sequence[float]
    simple: Five
    known_at: float | None = None
    waited: float = 0.0
    whole: bool = True
    joining: bool = True
    said: Said | None = None
    kind: Hashable = None


class Watch:
    """A floor as it goes, and who learns from it."""

    def __init__(self, policy: Policy, zone: tzinfo) -> None:
        self.floor = Floor()
        self.signals, self.offered = Signals(self.floor, zone), Offered(self.floor)
        self.simple = SimpleRule(self.floor, self.signals, policy)
        self.known: Known = None
        self._open: dict[str, list[Question]] = {}
        self._asked = 0

    def see(self, event: Event) -> list[Question]:
        """Moves everything on by one event; the questions that it answers."""
        answered: list[Question] = []
        for call, _ in self.offered.before(event):
            answered += self._answered(call, event.at, whole=False)
        self.known = self.floor.apply(event)
        self.simple.see(self.known)
        self.signals.see(self.known)
        if isinstance(event, Joined):
            self.signals.joined(event)
        elif isinstance(event, Served) and isinstance(self.known, Wait):
            answered += self._answered(event.call, event.at, whole=True)
        return answered

    def ask(self, call: str) -> Question:
        """What the floor shows now to somebody in line, to be answered later."""
        question = Question(self.floor.now, self.signals.row(call), self.five(call), kind=self.kind(call))
        self._open.setdefault(call, []).append(question)
        self._asked += 1
        if self._asked % TIDY_EVERY == 0:
            self._tidy()
        return question

    def forget(self) -> None:
        """No question will be answered any more."""
        self._open.clear()
        self.offered = Offered(self.floor)

    def five(self, call: str) -> Five:
        """What the simple rule says to somebody in line."""
        return self.simple.predict(call).numbers

    def kind(self, call: str) -> Hashable:
        """What sets the wait of somebody in line apart from others', but for their place and priority."""
        known = self.floor.place(call).joined.kind
        return known.queue, known.type

    def _answered(self, call: str, at: float, *, whole: bool) -> list[Question]:
        questions = self._open.pop(call, [])
        for question in questions:
            question.known_at, question.waited, question.whole = at, at - question.at, whole
        return questions

    def _tidy(self) -> None:
        since = self.floor.now - HOPELESS_S
        gone = [call for call, asked in self._open.items() if asked[-1].at < since and not self.floor.stands(call)]
        for call in gone:
            del self._open[call]
