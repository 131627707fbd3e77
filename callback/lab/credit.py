"""Which head start each priority has, learnt from who was served before whom.

A trace names priorities, not what they are worth. Whenever an agent takes a caller while another of the same queue and
type but another priority goes on waiting, the one who was taken had the lower score (joined - credit). So each such
pair says on which side of the difference of their times of joining the difference of their credits lies; the credit
that agrees with most pairs is taken. Pairs that disagree (skills, an agent's choice) do not matter as long as they are
the fewer.
"""

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence

from callback.domain.floor import Floor, Served, Waiting
from callback.lab import replay
from callback.lab.trace import Row

ENOUGH = 50
"""With fewer pairs nothing is learnt."""
LATEST = 1000
"""A house changes its mind about what a priority is worth: the latest so many pairs count that say anything."""

Pairs = list[tuple[float, bool]]
"""How much later the one of higher credit joined, and whether they were served first all the same."""


def learn(rows: Sequence[Row], known: Mapping[str, float]) -> dict[str, float]:
    """The credit in seconds of every priority in `rows`; `known` are the ones that are told, or kept for want of pairs.

    Most callers, or those without a priority, have none: credits are differences, and these are the base.
    """
    occurring = Counter(row.priority for row in rows)
    if len(occurring) < 2:
        return dict(known)
    base = "" if "" in occurring else occurring.most_common(1)[0][0]
    pairs = _pairs(rows, base)
    learnt = {priority: _best(_telling(found)) for priority, found in pairs.items() if len(found) >= ENOUGH}
    return {**known, **learnt}


def _pairs(rows: Sequence[Row], base: str) -> dict[str, Pairs]:
    floor = Floor()
    pairs: dict[str, Pairs] = defaultdict(list)
    for event, _ in replay.events(rows, {}):
        if isinstance(event, Served) and len(floor.line) > 1:
            taken = floor.place(event.call)
            for other in floor.line:
                _note(pairs, base, taken, other)
        floor.apply(event)
    return pairs


def _note(pairs: dict[str, Pairs], base: str, taken: Waiting, other: Waiting) -> None:
    """What it says that `taken` was served while `other` waited."""
    mine, theirs = taken.joined.kind, other.joined.kind
    if (mine.queue, mine.type) != (theirs.queue, theirs.type) or (mine.priority == base) == (theirs.priority == base):
        return
    later = taken.joined.since - other.joined.since
    if theirs.priority == base:
        pairs[mine.priority].append((later, True))
    else:
        pairs[theirs.priority].append((-later, False))


def _telling(pairs: Pairs) -> Pairs:
    """The latest of the pairs in which the one of higher credit came later: the others are served first anyway."""
    return [pair for pair in pairs if pair[0] > 0][-LATEST:]


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
