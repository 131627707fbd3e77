"""The people of recorded traffic, with what the record does not tell: the same for every policy that is rehearsed.

A row tells what somebody met with under the rules of that day. What they would have done under others is a property of
the person: how long they would wait, how long their talk takes, whether they would take an offer, whether their phone
is answered. What is known is kept (somebody who hung up after 90 s has a patience of 90 s); what is not is drawn from
those like them, by dice that belong to the person and the seed alone. So two policies meet the same people, and the
difference between their results is that of the policies.
"""

import math
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from hashlib import blake2b

from callback.lab.survival import Patience
from callback.lab.trace import RETURN, Outcome, Row

ENOUGH = 30
"""From so many talks or leavers on, a group has a law of its own."""
TYPE = "type"
OFFERED, QUOTED, PATIENCE_S = "offered", "quoted_s", "patience_s"
"""Extra columns, used where they are there: whether a callback was offered, what wait was said, and in a day that was
made up (`forecasting.day_rows`) how long its caller would wait."""
YES = frozenset({"1", "true", "yes"})

_MASK = (1 << 64) - 1
_GOLDEN = 0x9E3779B97F4A7C15
PATIENCE, TALK, TAKES, REACHED = range(4)
"""What a person's first dice are for; those of their attempts come after."""
DICE_AN_ATTEMPT = 4


def dice(key: int, n: int) -> float:
    """The n-th uniform number of a person: SplitMix64 (Steele, Lea and Flood 2014), so that any can be had at once."""
    z = (key + (n + 1) * _GOLDEN) & _MASK
    z = ((z ^ (z >> 30)) * 0xBF58476D1CE4E5B9) & _MASK
    z = ((z ^ (z >> 27)) * 0x94D049BB133111EB) & _MASK
    return ((z ^ (z >> 31)) >> 11) * 2.0**-53


def key_of(seed: int, call_id: str) -> int:
    """The person's own dice: another row elsewhere in the trace does not move them."""
    return int.from_bytes(blake2b(f"{seed}/{call_id}".encode(), digest_size=8).digest())


@dataclass(frozen=True, slots=True)
class Person:
    """Somebody who rings at `at` (epoch seconds). `patience_s` is how long they wait on the line, `handle_s` talk and
    wrap-up; `willing` is uniform: they take an offer whose chance of being taken is above it."""

    id: str
    queue: str
    priority: str
    arrived_at: datetime
    at: float
    patience_s: float
    handle_s: float
    willing: float
    key: int

    def draw(self, attempt: int, which: int) -> float:
        """Uniform; the `which`-th die of their `attempt`-th call back."""
        return dice(self.key, 4 + DICE_AN_ATTEMPT * attempt + which)


@dataclass(frozen=True, slots=True)
class TakeUp:
    """The chance that somebody takes an offer, from the wait that was said (seconds; None: not known):
    1 / (1 + exp(-(level + slope ln(1 + minutes))))."""

    level: float
    slope: float = 0.0

    @classmethod
    def constant(cls, share: float) -> "TakeUp":
        """The same for everybody. Raises ValueError outside 0 to 1."""
        if not 0 <= share <= 1:
            raise ValueError(f"a share of {share} is not between 0 and 1")
        return cls(_logit(share))

    def chance(self, said_s: float | None) -> float:
        """For a caller who heard this."""
        return _logistic(self.level + self.slope * _said(said_s))


def _logit(share: float) -> float:
    return math.inf if share >= 1 else -math.inf if share <= 0 else math.log(share / (1 - share))


def _logistic(x: float) -> float:
    return 1 / (1 + math.exp(-x)) if x > -700 else 0.0


def _said(seconds: float | None) -> float:
    return math.log1p(max(seconds or 0.0, 0.0) / 60)


@dataclass(frozen=True)
class Crowd:
    """Everybody, by arrival, and what was taken for granted about them."""

    people: Sequence[Person]
    take_up: TakeUp
    notes: Sequence[str]


class Census:
    """What a trace says about its people once; `crowd` draws the rest for a seed."""

    def __init__(self, rows: Sequence[Row], *, prior_patience_s: float, take_up: float | None, usual: float) -> None:
        self._rows = [row for row in rows if not row.is_return]
        self._talks = _talks(rows)
        self._pools = _pools(self._rows, self._talks)
        self._patience = _patience(self._rows, prior_patience_s)
        self.take_up, told = _take_up(self._rows, take_up, usual)
        self.notes = [*_told(self._rows, self._talks), told]

    def crowd(self, seed: int) -> Crowd:
        """The people of this seed."""
        people = [self._person(row, key_of(seed, row.call_id)) for row in self._rows]
        return Crowd(people, self.take_up, self.notes)

    def _person(self, row: Row, key: int) -> Person:
        return Person(
            id=row.call_id,
            queue=row.queue,
            priority=row.priority,
            arrived_at=row.arrived_at,
            at=row.at,
            patience_s=self._waits(row, dice(key, PATIENCE)),
            handle_s=self._handled(row, dice(key, TALK)),
            willing=self._willing(row, dice(key, TAKES)),
            key=key,
        )

    def _waits(self, row: Row, u: float) -> float:
        told = _number(row, PATIENCE_S)
        if told is not None:
            return told
        if row.outcome is Outcome.ABANDONED:
            return row.waited_s
        return self._patience[_patience_group(row, self._patience)].draw(u, row.waited_s)

    def _handled(self, row: Row, u: float) -> float:
        known = self._talks.get(row.call_id)
        if known is not None:
            return known
        pool = next(pool for group in _groups(row) if (pool := self._pools.get(group)))
        return pool[int(u * len(pool))]

    def _willing(self, row: Row, u: float) -> float:
        """Whoever took one would again; whoever was offered one and did not would not."""
        chance = self.take_up.chance(_number(row, QUOTED))
        if row.outcome is Outcome.CALLBACK:
            return u * chance
        return chance + u * (1 - chance) if row.extra.get(OFFERED, "").lower() in YES else u


# --- what a trace says --------------------------------------------------------------------------------------------


def _talks(rows: Iterable[Row]) -> dict[str, float]:
    """Talk and wrap-up of everybody who talked, on the first call or when called back."""
    return {row.call_id.removesuffix(RETURN): row.handled_s for row in rows if row.outcome is Outcome.ANSWERED}


Group = tuple[str, ...]


def _groups(row: Row) -> tuple[Group, ...]:
    """Who is like this caller, the nearest first; everybody at last."""
    kind = row.extra.get(TYPE, "")
    return (row.queue, kind, row.priority), (row.queue, kind), (row.queue,), ()


def _pools(rows: Sequence[Row], talks: Mapping[str, float]) -> dict[Group, list[float]]:
    """The talks of each group that has enough of them, and of all."""
    found: defaultdict[Group, list[float]] = defaultdict(list)
    for row in rows:
        if row.call_id in talks:
            for group in _groups(row):
                found[group].append(talks[row.call_id])
    pools = {group: pool for group, pool in found.items() if len(pool) >= ENOUGH or not group}
    return {**pools, (): pools.get(()) or [0.0]}


def _patience(rows: Sequence[Row], prior_s: float) -> dict[Group, Patience]:
    """Of each queue with enough leavers, and of all."""
    waits: defaultdict[Group, list[tuple[float, bool]]] = defaultdict(list)
    for row in rows:
        for group in ((row.queue,), ()):
            waits[group].append((row.waited_s, row.outcome is Outcome.ABANDONED))
    enough = {group for group, seen in waits.items() if not group or sum(gone for _, gone in seen) >= ENOUGH}
    return {group: Patience.learn(waits[group], prior_s) for group in enough} | (
        {} if waits else {(): Patience.learn((), prior_s)}
    )


def _patience_group(row: Row, known: Mapping[Group, Patience]) -> Group:
    return (row.queue,) if (row.queue,) in known else ()


def _number(row: Row, column: str) -> float | None:
    """What an extra column says, if it says anything."""
    try:
        return float(row.extra[column])
    except (KeyError, ValueError):
        return None


def _take_up(rows: Sequence[Row], told: float | None, usual: float) -> tuple[TakeUp, str]:
    """Told, or learnt where the trace has callbacks, or the usual; and a sentence about it."""
    if told is not None:
        return TakeUp.constant(told), f"{told:.0%} of those who are offered a callback take it: as told"
    offered = [row for row in rows if row.extra.get(OFFERED, "").lower() in YES or row.outcome is Outcome.CALLBACK]
    taken = sum(row.outcome is Outcome.CALLBACK for row in offered)
    if OFFERED in {name for row in rows[:1] for name in row.extra} and 0 < taken < len(offered) >= ENOUGH:
        learnt = fit([(_number(row, QUOTED), row.outcome is Outcome.CALLBACK) for row in offered])
        return learnt, f"take-up by the wait that is said: learnt from {taken:,} of {len(offered):,} offers taken"
    if taken:
        share = _among_those_who_waited(rows)
        return TakeUp.constant(share), (
            f"{share:.0%} of those who are offered a callback take it: {taken:,} did, of all who waited as long as"
            " those usually had when they did (the trace does not say to whom it was offered)"
        )
    return TakeUp.constant(usual), f"{usual:.0%} of those who are offered a callback take it: a guess (--take-up)"


def _among_those_who_waited(rows: Sequence[Row]) -> float:
    """Callbacks over everybody who waited at least the median time at which they were taken."""
    taken = sorted(row.waited_s for row in rows if row.outcome is Outcome.CALLBACK)
    usual = taken[len(taken) // 2]
    others = sum(row.outcome is not Outcome.CALLBACK and row.waited_s >= usual for row in rows)
    return len(taken) / (len(taken) + others)


def fit(offers: Sequence[tuple[float | None, bool]]) -> TakeUp:
    """The logistic law of greatest likelihood (Newton's method), with a ridge that keeps the slope at 0 unless the
    offers say otherwise: offers of one same wait tell no slope."""
    seen = [(_said(said), taken) for said, taken in offers]
    level, slope, ridge = 0.0, 0.0, 1.0
    for _ in range(30):
        chances = [_logistic(level + slope * x) for x, _ in seen]
        g0 = sum(taken - p for (_, taken), p in zip(seen, chances, strict=True)) - 1e-3 * level
        g1 = sum((taken - p) * x for (x, taken), p in zip(seen, chances, strict=True)) - ridge * slope
        h00 = sum(p * (1 - p) for p in chances) + 1e-3
        h01 = sum(p * (1 - p) * x for (x, _), p in zip(seen, chances, strict=True))
        h11 = sum(p * (1 - p) * x * x for (x, _), p in zip(seen, chances, strict=True)) + ridge
        whole = h00 * h11 - h01 * h01
        level += (h11 * g0 - h01 * g1) / whole
        slope += (h00 * g1 - h01 * g0) / whole
    return TakeUp(level, slope)


def _told(rows: Sequence[Row], talks: Mapping[str, float]) -> list[str]:
    left = sum(row.outcome is Outcome.ABANDONED for row in rows)
    untold = len(rows) - len(talks)
    stayed = len(rows) - left
    patience = f"patience: {left:,} hung up and are as patient as they were; of the other {stayed:,} it is drawn"
    notes = [f"{patience} beyond what they waited"]
    if untold:
        notes.append(f"talks: {len(talks):,} are as long as they were; of {untold:,} who did not talk they are drawn")
    return notes
