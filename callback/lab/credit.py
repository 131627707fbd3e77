"""Which head start each priority has, learnt from who was served before whom.

A trace names priorities, not what they are worth. Whenever an agent takes a caller while another of the same queue and
type but another priority goes on waiting, the one who was taken had the lower score (joined - credit). So each such
pair says on which side of the difference of their times of joining the difference of their credits lies; the credits
that agree with most pairs are taken, one after another until none changes. Pairs that disagree (skills, an agent's
choice) do not matter as long as they are the fewer.
"""

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

from callback.domain.floor import Floor, Served, Waiting
from callback.lab import replay
from callback.lab.trace import Row

ENOUGH = 50
"""With fewer pairs nothing is learnt."""
LATEST = 1000
"""A house changes its mind about what a priority is worth: the latest so many pairs count that say anything."""
ROUNDS = 10
"""The credits are gone through at most so often: each rests on those that it was compared with."""


class _Pair(NamedTuple):
    """How much later somebody joined than one of the priority `other`, and whether they were served first."""

    later: float
    first: bool
    other: str


def learn(rows: Sequence[Row], known: Mapping[str, float]) -> dict[str, float]:
    """The credit in seconds of every priority in `rows`; `known` are the ones that are told, or kept for want of pairs.

    Most callers, or those without a priority, have none: credits are differences, and these are the base.
    """
    occurring = Counter(row.priority for row in rows)
    if len(occurring) < 2:
        return dict(known)
    base = "" if "" in occurring else occurring.most_common(1)[0][0]
    pairs = {whose: found for whose, found in _pairs(rows).items() if whose != base and len(found) >= ENOUGH}
    worth = {**known, base: 0.0, **dict.fromkeys(pairs, 0.0)}
    for _ in range(ROUNDS):
        before = dict(worth)
        for whose, found in pairs.items():
            worth[whose] = _best(_telling(found, worth))
        if worth == before:
            break
    return {whose: credit for whose, credit in worth.items() if whose in known or whose in pairs}


def _pairs(rows: Sequence[Row]) -> Mapping[str, Sequence[_Pair]]:
    """By priority and in the order of time, one for each side."""
    floor = Floor()
    pairs: dict[str, list[_Pair]] = defaultdict(list)
    for event, _ in replay.events(rows, {}):
        if isinstance(event, Served) and len(floor.line) > 1:
            taken = floor.place(event.call)
            for other in floor.line:
                _note(pairs, taken, other)
        floor.apply(event)
    return pairs


def _note(pairs: Mapping[str, list[_Pair]], taken: Waiting, other: Waiting) -> None:
    """What it says that `taken` was served while `other` waited."""
    mine, theirs = taken.joined.kind, other.joined.kind
    if (mine.queue, mine.type) == (theirs.queue, theirs.type) and mine.priority != theirs.priority:
        later = taken.joined.since - other.joined.since
        pairs[mine.priority].append(_Pair(later, True, theirs.priority))
        pairs[theirs.priority].append(_Pair(-later, False, mine.priority))


def _telling(pairs: Iterable[_Pair], worth: Mapping[str, float]) -> list[tuple[float, bool]]:
    """The latest of the pairs that a credit of 0 or more decides: the least credit by which somebody would have been
    first, the other having theirs, and whether they were."""
    asked = ((pair.later + worth.get(pair.other, 0.0), pair.first) for pair in pairs)
    return [pair for pair in asked if pair[0] > 0][-LATEST:]


def _best(pairs: Iterable[tuple[float, bool]]) -> float:
    """The credit, 0 or more, with which most pairs agree: those served first joined less later, the others more."""
    ordered = sorted(pairs)
    agreeing = best = sum(not first for _, first in ordered)
    low = high = 0.0
    for at, (later, first) in enumerate(ordered):
        agreeing += 1 if first else -1
        if agreeing > best:
            best, low = agreeing, later
            high = ordered[at + 1][0] if at + 1 < len(ordered) else later
    return (low + high) / 2
