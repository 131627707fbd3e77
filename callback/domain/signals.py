"""What the floor says about the wait of somebody who joins now, as one row of numbers.

The learnt estimator (`domain.learnt`) is as good as what it is shown. Each number here is something a floor manager
would look at: who is ahead and how long they have waited, how long each talk has lasted and how soon that many talks
are usually over, which agents were there lately and which have just got free, what the last callers waited, how the
last minutes went, and what is usual at this time of the day. Counts of the recent past are kept as they pass, so that a
row costs a fraction of a millisecond.

Times are seconds since the epoch, durations seconds, rates per second.
"""

import math
from bisect import bisect_left, bisect_right
from collections import Counter, deque
from collections.abc import Iterable, Sequence
from datetime import datetime, tzinfo
from operator import mul

from callback.domain.floor import SEEN_S, Floor, Handled, Joined, Kind, Known, Talk, Wait, Waiting
from callback.domain.skills import Skills
from callback.domain.wait import qlm

WINDOWS_S = (60.0, 180.0, 300.0, 600.0, 900.0, 1800.0, 3600.0)
QUARTER_S = 900.0
"""Rates of the present are those of the last quarter of an hour."""
TIDY_AT = 500
"""So many moments older than all windows may lie about before they are thrown away."""
HORIZONS_S = (20.0, 60.0, 120.0, 240.0)
"""How many of the present talks will be over within these, by their ages."""
GROUPS, PRIORITIES = 8, 4
"""So many groups of calls (queue and type) and priorities are told apart; later ones count as others."""
SLOT_S = 900.0
"""What is usual is kept for each quarter of an hour of the day."""
_DAY_S = 86400.0
_EDGES = (0.0, 10.0, 20.0, 30.0, 45.0, 60.0, 90.0, 120.0, 180.0, 240.0, 360.0, 480.0, 720.0, 1080.0, 1800.0)
_JUST_FREED_S = (5.0, 15.0, 30.0, 60.0, 120.0, 300.0)
_LEAST_ABLE, _LEAST_PACE = 0.3, 1e-4
"""Where next to nobody present takes such calls, this stands for them: no number may run away."""
PRIOR_TALK_S, PRIOR_PATIENCE_S = 240.0, 600.0
_MEMORY = 3000.0
"""Talks and waits count less and less: after so many of the same kind by a factor e."""


_NO_PROSPECTS: list[tuple[float, ...]] = [()] * (2 + len(HORIZONS_S))
"""Of nobody who talks."""


class Tally:
    """How often something happened in each of the last `WINDOWS_S`."""

    __slots__ = ("_times",)

    def __init__(self) -> None:
        self._times: list[float] = []

    def add(self, at: float) -> None:
        """It happened now."""
        self._times.append(at)

    def within(self, now: float, window: float) -> int:
        """The count in one window up to now."""
        return len(self._times) - bisect_left(self._times, now - window)

    def counts(self, now: float) -> list[float]:
        """The count in each window up to now."""
        times, over = self._times, bisect_left(self._times, now - WINDOWS_S[-1])
        if over > TIDY_AT:
            del times[:over]
        return [float(len(times) - bisect_left(times, now - window)) for window in WINDOWS_S]


class Ages:
    """How soon talks end, by how long they have lasted: a hazard for each stretch of age, older talks fading."""

    __slots__ = ("_ended", "_exposed", "_rates", "_stale", "_survival")

    def __init__(self, prior_s: float = PRIOR_TALK_S, weight: float = 2.0) -> None:
        self._ended = [weight / len(_EDGES)] * len(_EDGES)
        self._exposed = [prior_s * weight / len(_EDGES)] * len(_EDGES)
        self._survival: list[float] = []
        self._rates: list[float] = []
        self._stale = 0

    def add(self, lasted: float) -> None:
        """A talk is over."""
        keep = 1 - 1 / _MEMORY
        last = bisect_right(_EDGES, lasted) - 1
        for i in range(len(_EDGES)):
            self._ended[i] *= keep
            self._exposed[i] *= keep
        for i in range(last):
            self._exposed[i] += _EDGES[i + 1] - _EDGES[i]
        self._exposed[last] += lasted - _EDGES[last]
        self._ended[last] += 1
        self._stale -= 1

    def hazard(self, age: float) -> float:
        """The rate at which a talk of this age ends."""
        i = bisect_right(_EDGES, age) - 1
        return self._ended[i] / self._exposed[i]

    def over_within(self, age: float, horizons: Sequence[float]) -> list[float]:
        """The probability that a talk of this age is over within each horizon."""
        if self._stale <= 0:
            self._tabulate()
        total = [self._cumulated(age + horizon) for horizon in (0.0, *horizons)]
        return [1 - math.exp(total[0] - until) for until in total[1:]]

    def _tabulate(self) -> None:
        """The hazard in each stretch and what has cumulated before it; renewed after every 20 talks."""
        self._rates = [ended / exposed for ended, exposed in zip(self._ended, self._exposed, strict=True)]
        total, self._survival, self._stale = 0.0, [], 20
        for edge, beyond, rate in zip(_EDGES, (*_EDGES[1:], math.inf), self._rates, strict=True):
            self._survival.append(total)
            total += (beyond - edge) * rate

    def _cumulated(self, age: float) -> float:
        i = bisect_right(_EDGES, age) - 1
        return self._survival[i] + (age - _EDGES[i]) * self._rates[i]


class Usual:
    """What is usual at each quarter of an hour of a day: the mean over all days and over the same day of the week."""

    __slots__ = ("_all", "_weekday")

    def __init__(self) -> None:
        self._all: dict[int, list[float]] = {}
        self._weekday: dict[int, list[float]] = {}

    def add(self, slot: int, weekday: int, value: float) -> None:
        """One observation; earlier ones fade."""
        for table, key, slowest in ((self._all, slot, 2e-3), (self._weekday, weekday * 1000 + slot, 8e-3)):
            entry = table.setdefault(key, [0.0, 0.0])
            entry[0] += 1
            entry[1] += (value - entry[1]) * max(1 / entry[0], slowest)

    def at(self, slot: int, weekday: int) -> float:
        """The usual value; that of the same weekday counts the more the better it is known. 0 if nothing is known."""
        general = self._all.get(slot, (0.0, 0.0))
        special = self._weekday.get(weekday * 1000 + slot, (0.0, 0.0))
        weight = special[0] / (special[0] + 20)
        return weight * special[1] + (1 - weight) * general[1]


class Numbering:
    """Words numbered in the order in which they first occur, so many of them; None beyond."""

    def __init__(self, most: int) -> None:
        self.most = most
        self.of: dict[object, int] = {}

    def __call__(self, word: object) -> int | None:
        if word not in self.of and len(self.of) < self.most:
            self.of[word] = len(self.of)
        return self.of.get(word)


class Signals:
    """Follows a floor that somebody else moves on, and says what it shows to whoever joins."""

    def __init__(self, floor: Floor, zone: tzinfo) -> None:
        self._floor, self._zone = floor, zone
        self._groups, self._priorities = Numbering(GROUPS), Numbering(PRIORITIES)
        self._joins, self._serves, self._losses, self._frees = Tally(), Tally(), Tally(), Tally()
        self._group_serves: dict[int | None, Tally] = {}
        self._urgent: dict[float, Tally] = {}
        self._ages: dict[int | None, Ages] = {}
        self._all_ages = Ages()
        self._pace: dict[str, tuple[float, float]] = {}
        self._skills = Skills()
        self._waits: deque[Wait] = deque(maxlen=20)
        self._by_priority: dict[int | None, deque[Wait]] = {}
        self._by_group: dict[int | None, deque[Wait]] = {}
        self._talks: deque[float] = deque(maxlen=20)
        self._handled = [PRIOR_TALK_S * 5, 5.0]
        self._patience = [PRIOR_PATIENCE_S * 5, 5.0]
        self._usual_agents, self._usual_wait, self._usual_joins = Usual(), Usual(), Usual()
        self._gone: deque[float] = deque(maxlen=20)
        self._looked: tuple[float, tuple[int, int, float]] = (math.nan, (0, 0, 0.0))

    # --- learning -----------------------------------------------------------------------------------------------

    def joined(self, event: Joined) -> None:
        """Somebody has joined the line of the floor."""
        self._joins.add(event.at)
        self._urgent.setdefault(event.credit, Tally()).add(event.at)
        slot, weekday, _ = self._clock(event.at)
        self._usual_agents.add(slot, weekday, float(self._floor.seen()))
        self._usual_joins.add(slot, weekday, float(self._joins.within(event.at, QUARTER_S)))

    def see(self, known: Known) -> None:
        """A wait or a talk is over."""
        if isinstance(known, Handled):
            self._talked(known)
        elif isinstance(known, Wait):
            self._waited(known)

    def _talked(self, talk: Handled) -> None:
        self._frees.add(talk.at)
        self._gone.append(talk.at)
        self._ages.setdefault(self._group(talk.kind), Ages()).add(talk.lasted)
        self._all_ages.add(talk.lasted)
        self._talks.append(talk.lasted)
        self._skills.took(talk.agent, self._group(talk.kind))
        _fade(self._handled, talk.lasted, 1.0)
        seconds, count = self._pace.get(talk.agent, (PRIOR_TALK_S * 3, 3.0))
        self._pace[talk.agent] = (seconds * 0.98 + talk.lasted, count * 0.98 + 1)

    def _waited(self, wait: Wait) -> None:
        _fade(self._patience, wait.waited, 0.0 if wait.served else 1.0)
        if not wait.served:
            self._losses.add(wait.at)
            return
        self._serves.add(wait.at)
        group = self._group(wait.kind)
        self._group_serves.setdefault(group, Tally()).add(wait.at)
        self._waits.append(wait)
        self._by_priority.setdefault(self._priorities(wait.kind.priority), deque(maxlen=10)).append(wait)
        self._by_group.setdefault(group, deque(maxlen=5)).append(wait)
        slot, weekday, _ = self._clock(wait.at)
        self._usual_wait.add(slot, weekday, wait.waited)

    def _group(self, kind: Kind) -> int | None:
        return self._groups((kind.queue, kind.type))

    def _clock(self, at: float) -> tuple[int, int, float]:
        """The quarter of the hour, the day of the week and the second of the day there. Asked for one moment often."""
        if at != self._looked[0]:
            moment = datetime.fromtimestamp(at, self._zone)
            second = moment.hour * 3600.0 + moment.minute * 60 + moment.second
            self._looked = at, (int(second // SLOT_S), moment.weekday(), second)
        return self._looked[1]

    # --- the row ------------------------------------------------------------------------------------------------

    def row(self, call: str) -> list[float]:
        """The numbers for a caller in line, always as many and in the same order; what is unknown is 0."""
        floor = self._floor
        now, ahead, behind = floor.now, floor.ahead(call), floor.behind(call)
        me = floor.place(call)
        talks, seen = list(floor.busy()), float(floor.seen())
        prospects = list(zip(*(self._prospect(now, talk) for talk in talks), strict=True)) or _NO_PROSPECTS
        return [
            *self._whose(me),
            *self._line(now, ahead, behind),
            *self._composition(me.joined.kind, ahead, talks),
            *self._work(now, talks, prospects),
            *self._agents(now, seen, len(talks)),
            *self._recent(now, me.joined.kind),
            *self._times(now),
            *self._structure(me, len(ahead), seen),
            *self._skilled(me.joined.kind, ahead, talks, prospects, seen),
        ]

    def _whose(self, me: Waiting) -> list[float]:
        kind = me.joined.kind
        return [
            *_one_hot(self._group(kind), GROUPS),
            *_one_hot(self._priorities(kind.priority), PRIORITIES),
            float(me.joined.callback),
            me.joined.credit,
            max(self._floor.now - me.joined.since, 0.0),
        ]

    def _line(self, now: float, ahead: Sequence[Waiting], behind: Sequence[Waiting]) -> list[float]:
        waited = [now - one.joined.at for one in ahead]
        passed = [now - one.joined.at for one in behind]
        longest, overtaken = max(waited, default=0.0), max(passed, default=0.0)
        mean = sum(waited) / len(waited) if waited else 0.0
        promised = sum(one.joined.callback for one in ahead)
        return [
            float(len(ahead)),
            float(len(behind)),
            longest,
            mean,
            overtaken,
            max(longest, overtaken),
            float(promised),
        ]

    def _composition(self, mine: Kind, ahead: Iterable[Waiting], talks: Iterable[Talk]) -> list[float]:
        groups, priorities, busy = [0.0] * GROUPS, [0.0] * PRIORITIES, [0.0] * GROUPS
        same = 0
        for one in ahead:
            kind = one.joined.kind
            same += (kind.queue, kind.type) == (mine.queue, mine.type)
            _count(groups, self._group(kind))
            _count(priorities, self._priorities(kind.priority))
        for talk in talks:
            _count(busy, self._group(talk.kind))
        return [float(same), *groups, *priorities, *busy]

    def _prospect(self, now: float, talk: Talk) -> list[float]:
        """How soon a talk is over: its hazard now, the usual pace of this agent, and the chance within each horizon."""
        law = self._ages.get(self._group(talk.kind), self._all_ages)
        seconds, count = self._pace.get(talk.agent, (PRIOR_TALK_S, 1.0))
        age = now - talk.began
        return [law.hazard(age), count / seconds, *law.over_within(age, HORIZONS_S)]

    def _work(self, now: float, talks: Sequence[Talk], prospects: Sequence[Sequence[float]]) -> list[float]:
        ages = sorted((now - talk.began for talk in talks), reverse=True)
        soon = [sum(column) for column in prospects]
        oldest = [*ages[:3], 0.0, 0.0, 0.0][:3]
        mean = sum(ages) / len(ages) if ages else 0.0
        return [float(len(talks)), *soon, *oldest, mean, ages[-1] if ages else 0.0]

    def _agents(self, now: float, seen: float, talking: int) -> list[float]:
        floor = self._floor
        slot, weekday, _ = self._clock(now)
        soon = [self._usual_agents.at((slot + ahead) % 96, weekday) for ahead in (0, 1, 2, 4)]
        talking_now = floor.talking()
        idle = sorted(
            now - at for agent, at in floor.last_seen.items() if at >= now - SEEN_S and agent not in talking_now
        )
        freed = [float(bisect_right(idle, age)) for age in _JUST_FREED_S]
        return [seen, seen - talking, float(floor.seen(300.0)), *freed, *soon, soon[1] - soon[0], soon[2] - soon[0]]

    def _recent(self, now: float, mine: Kind) -> list[float]:
        waits, like, group = self._waits, self._by_priority, self._by_group
        same = like.get(self._priorities(mine.priority), ())
        kin = group.get(self._group(mine), ())
        joined = [one.waited - (now - one.at) for one in list(waits)[-3:]]
        return [
            *_means_of_last(waits, (1, 2, 3, 5, 10, 20)),
            *_means_of_last(same, (1, 3, 10)),
            *_means_of_last(kin, (1, 3)),
            now - waits[-1].at if waits else 0.0,
            now - self._gone[-1] if self._gone else 0.0,
            now - kin[-1].at if kin else 0.0,
            max((one.waited for one in list(waits)[-10:]), default=0.0),
            max(joined, default=0.0),
            sum(self._talks) / len(self._talks) if self._talks else PRIOR_TALK_S,
            *self._joins.counts(now),
            *self._serves.counts(now),
            *self._losses.counts(now),
            *self._frees.counts(now)[:4],
            *(self._group_serves[self._group(mine)].counts(now)[2:6] if kin else (0.0,) * 4),
        ]

    def _times(self, now: float) -> list[float]:
        slot, weekday, second = self._clock(now)
        turn = 2 * math.pi * second / _DAY_S
        waves = [wave(k * turn) for k in (1, 2, 3, 4) for wave in (math.sin, math.cos)]
        usual = [self._usual_wait.at((slot + ahead) % 96, weekday) for ahead in (0, 1)]
        return [*waves, *_one_hot(weekday, 7), *usual, self._usual_joins.at(slot, weekday)]

    def _structure(self, me: Waiting, ahead: int, seen: float) -> list[float]:
        """The formula of the simple rule with agents seen lately, without and with those who will overtake."""
        service = max(seen, 1) * self._handled[1] / self._handled[0]
        impatience = self._patience[1] / self._patience[0]
        plain = qlm(ahead, service, impatience)[0]
        served = max(self._serves.within(self._floor.now, QUARTER_S), 0.5) / QUARTER_S
        overtaking = self.overtaking(me.joined.credit, plain)
        return [plain, (ahead + 1) / served, overtaking, qlm(ahead + round(overtaking), service, impatience)[0]]

    def _skilled(
        self,
        mine: Kind,
        ahead: Iterable[Waiting],
        talks: Iterable[Talk],
        prospects: Sequence[Sequence[float]],
        seen: float,
    ) -> list[float]:
        """What counts for calls of this kind: agents who take them, how soon those are free, and who wants the same."""
        group, skills, present = self._group(mine), self._skills, self._floor.present()
        able = sum(skills.able(agent, group) for agent in present) + seen - len(present)
        idle = sum(skills.able(agent, group) for agent in self._floor.idle(_JUST_FREED_S[3]))
        shares = [skills.able(talk.agent, group) for talk in talks]
        soon = [sum(map(mul, column, shares)) for column in prospects]
        groups = Counter(self._group(one.joined.kind) for one in ahead)
        rivals = skills.rivals(group, groups, present)
        least, pace = max(able, _LEAST_ABLE), max(soon[1], _LEAST_PACE)
        turns = [(rivals + 1) / least, (rivals + 1) / pace, (groups[group] + 1) / least]
        return [able, sum(shares), idle, *soon, rivals, *turns]

    def overtaking(self, credit: float, wait: float) -> float:
        """How many who join within `wait` will stand before somebody with this credit."""
        now = self._floor.now
        more = 0.0
        for theirs, tally in self._urgent.items():
            if theirs > credit:
                more += tally.within(now, QUARTER_S) / QUARTER_S * min(theirs - credit, wait)
        return more


def _fade(sums: list[float], seconds: float, count: float) -> None:
    keep = 1 - 1 / _MEMORY
    sums[0] = sums[0] * keep + seconds
    sums[1] = sums[1] * keep + count


def _one_hot(number: int | None, most: int) -> list[float]:
    row = [0.0] * most
    _count(row, number)
    return row


def _count(row: list[float], number: int | None) -> None:
    if number is not None:
        row[number] += 1


def _means_of_last(waits: Iterable[Wait], counts: Iterable[int]) -> list[float]:
    """The mean of the last so many waits, for each count; of all where there are fewer, 0 where there are none."""
    lengths = [one.waited for one in waits]
    return [sum(lengths[-count:]) / min(count, len(lengths)) if lengths else 0.0 for count in counts]
