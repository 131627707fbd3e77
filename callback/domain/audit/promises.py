"""Promises, as their own rows of the journal tell: every move legal, one dial at a time, none after a cancel.

The record writes these rows in the same transaction as the promise itself, so nothing excuses a gap. Where somebody
stands is checked here too, as far as the record decides it: a score changes by a named reason or not at all.
"""

from datetime import datetime, timedelta

from callback.domain.audit.findings import Findings, Invariant
from callback.domain.callback import Entry
from callback.domain.lifecycle import ENDS, MOVES, State

LEGAL = frozenset({(before and before.value, after.value) for (before, _), after in MOVES.items()})
ENDED = frozenset(state.value for state in ENDS)
RINGS = frozenset({State.DIALING.value, State.RECONCILING.value})
"""Their phone rings, or may ring."""
SERVES = frozenset({State.RESERVED.value, *RINGS, State.ANSWERED.value, State.BRIDGED.value})
AT_ONCE = timedelta(seconds=2)
"""A cancel and a key press within this may have crossed: which came first, the clock cannot tell."""


class Promises:
    """The last known state of each promise that has not ended."""

    def __init__(self, findings: Findings) -> None:
        self._findings = findings
        self.open: dict[str, Entry] = {}
        self._ended: dict[str, tuple[str, datetime]] = {}
        self._scores: dict[str, set[int]] = {}
        self._moved: dict[str, int] = {}
        self._dialled: dict[str, str] = {}
        self._ringing: dict[str, str] = {}
        self._numbers: dict[str, str] = {}

    def feed(self, row: Entry, number: str | None) -> None:
        """One row of a promise. `number` names the telephone it is about, where that is known."""
        self._check_chain(row)
        self._check_score(row)
        self._check_dial(row, number)
        if row.after in ENDED:
            self.open.pop(row.subject, None)
            self._scores.pop(row.subject, None)
            self._moved.pop(row.subject, None)
            self._dialled.pop(row.subject, None)
            self._ended[row.subject] = (row.after, row.at)
        else:
            self.open[row.subject] = row

    def state(self, id: str) -> str:
        """As the journal had it last; "" for a promise it has not heard of."""
        known = self.open.get(id)
        return known.after if known else self._ended.get(id, ("",))[0]

    def may_stand_at(self, id: str, score: int) -> bool:
        """Whether the record has placed this promise there: now, or a moment ago."""
        known = self._scores.get(id)
        return known is None or score in known

    def was_moved(self, id: str, score: int) -> bool:
        """Whether it stands there because somebody with the right to moved it: the line tells where, never why."""
        return self._moved.get(id) == score

    def talks(self, row: Entry, id: str) -> None:
        """The line says that this promise's caller talks."""
        state, at = self._ended.get(id, ("", row.at))
        if state == State.CANCELLED and row.at - at > AT_ONCE:
            told = f"{id} was bridged although it had been cancelled at {at.isoformat()}"
            self._findings.doubt(Invariant.CANCELLED, id, row, told)

    # --- one row -----------------------------------------------------------------------------------------------

    def _check_chain(self, row: Entry) -> None:
        known = self.state(row.subject) or None
        told = f"{row.subject} went from {row.before or 'nowhere'} to {row.after} ({row.reason})"
        if known == State.CANCELLED and row.after in SERVES:
            self._breach(Invariant.CANCELLED, row, f"{told} after it was cancelled")
        elif known in ENDED:
            self._breach(Invariant.LIFECYCLE, row, f"{told} although it had ended as {known}")
        elif row.before != known:
            self._breach(Invariant.LIFECYCLE, row, f"{told} when it was {known or 'not made yet'}")
        elif (row.before, row.after) not in LEGAL:
            self._breach(Invariant.LIFECYCLE, row, f"{told}: there is no such move")

    def _check_score(self, row: Entry) -> None:
        score = row.data.get("score")
        if not isinstance(score, int):
            return
        last = self.open.get(row.subject)
        before = last.data.get("score", score) if last else score
        if score > before and "outcome" not in row.data and not moved(row):
            told = f"{row.subject} lost its place: {(score - before) / 1e6:.3f} s back ({row.reason})"
            self._breach(Invariant.PLACE, row, told)
        elif score < before and not moved(row):
            told = f"{row.subject} was put {(before - score) / 1e6:.3f} s ahead ({row.reason})"
            self._breach(Invariant.PLACE, row, told)
        if moved(row):
            self._moved[row.subject] = score
        self._scores[row.subject] = {before, score}

    def _check_dial(self, row: Entry, number: str | None) -> None:
        attempt = str(row.data.get("attempt", ""))
        if row.after == State.DIALING:
            if attempt and self._dialled.get(row.subject) == attempt:
                self._breach(Invariant.TWICE, row, f"{row.subject} is dialled twice by its attempt {attempt}")
            self._dialled[row.subject] = attempt
            self._ring(row, number)
        elif row.after not in RINGS and (rang := self._numbers.pop(row.subject, None)):
            self._ringing.pop(rang, None)

    def _ring(self, row: Entry, number: str | None) -> None:
        if number is None:
            return
        other = self._ringing.get(number)
        if other is not None and other != row.subject:
            self._breach(Invariant.TWICE, row, f"{row.subject} rings a telephone that rings already for {other}")
        self._ringing[number] = row.subject
        self._numbers[row.subject] = number

    def _breach(self, kind: Invariant, row: Entry, text: str) -> None:
        self._findings.breach(kind, row.subject, row, text)


def moved(row: Entry) -> bool:
    """Whether somebody with the right to do so moved the promise to another place."""
    return row.reason.startswith("moved")
