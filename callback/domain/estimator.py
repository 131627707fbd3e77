"""The estimator of one pool of agents, as it runs: it follows the floor, forecasts every place, and learns.

Two things are learnt apart. Somebody who joins is forecast from what the floor shows at that moment. Somebody who
stands in line already is forecast from what it shows now, and that is learnt from moments drawn by dice during each
wait: a wait of which one asks at random times is not the wait of those who just came. Each has its own model, mixture
and calibration, so that neither spoils the other.
"""

import heapq
import math
import random
from array import array
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from datetime import UTC, datetime, tzinfo

import numpy as np

from callback.domain import basis, learnt, table
from callback.domain.calibrate import Calibration
from callback.domain.floor import Came, Event, Joined, Kind, Left, Served
from callback.domain.forecast import Forecast
from callback.domain.learner import Five, Learner, Said
from callback.domain.offered import LONGEST_S
from callback.domain.policy import Policy
from callback.domain.retelling import Place
from callback.domain.stored import Errors, Stored
from callback.domain.table import Row, Table
from callback.domain.watch import HOPELESS_S, Question, Watch

MOMENTS_S = 120.0
"""Somebody in line is asked about after so many seconds on average, and again after as many."""
LOOKS_BACK = 500.0
"""Errors are those of about so many of the latest waits."""
ME = "?"
"""The name on the floor of whoever might join now. No call and no promise is named so."""


class _Tally:
    """Fading sums of errors."""

    def __init__(self) -> None:
        self._sums = [0.0] * 5

    def met(self, said: Said, waited: float) -> None:
        """A forecast has met its wait."""
        announced, simple = said.announced, said.simple
        news = (
            (announced.mean - waited) ** 2,
            abs(announced.p50 - waited),
            (simple[0] - waited) ** 2,
            abs(simple[2] - waited),
            1.0,
        )
        keep = 1 - 1 / LOOKS_BACK
        self._sums = [old * keep + new for old, new in zip(self._sums, news, strict=True)]

    def errors(self) -> Errors:
        """As they are now."""
        squared, absolute, simple_squared, simple_absolute, count = self._sums
        if not count:
            return Errors()
        return Errors(
            math.sqrt(squared / count), absolute / count, math.sqrt(simple_squared / count), simple_absolute / count
        )


class Estimator:
    """Fed with the events of one pool of agents in the order of time."""

    def __init__(self, policy: Policy, zone: tzinfo, *, seed: int = 0, stored: Stored | None = None) -> None:
        self.watch = Watch(policy, zone)
        self.joining, self.standing = Learner(seed), Learner(seed + 1)
        self.version, self.learnt_to = 0, 0
        self.known = 0
        self._dice = random.Random(seed)  # noqa: S311 -- moments to ask at, no secret
        self._moments: list[tuple[float, str]] = []
        self._tally = _Tally()
        self._outside: dict[str, Joined] = {}
        self._rests_since: float | None = None
        self._closed = False
        if stored is not None:
            self.adopt(stored)

    # --- following ------------------------------------------------------------------------------------------------

    def see(self, event: Event, seq: int = 0) -> None:
        """One event, told by row `seq` of the journal. What a stored model has learnt already is not learnt twice."""
        learn = seq == 0 or seq > self.learnt_to
        self._look_around(min(event.at, self._rest_ends), learn=learn)
        for one in self._attended(event):
            for question in self.watch.see(one):
                self._meet(question, learn=learn)
            if isinstance(one, Joined):
                self._ask(one.call, learn=learn, joining=True)
                self._plan(one.call, one.at)

    def _attended(self, event: Event) -> Iterator[Event]:
        """The events of a floor on which somebody is served. A night is no wait: when nobody has been at work for long,
        or whoever is has let the line stand, whoever stands there waits outside. They join again with the next agent
        who comes, or who takes one of them."""
        if event.at > self._rest_ends:
            yield from self._close(event.at)
        if not self._closed:
            yield event
        elif isinstance(event, Came):
            yield event
            yield from self._open(event.at)
        elif isinstance(event, Served) and event.call in self._outside:
            yield from self._open(event.at)
            yield event
        elif isinstance(event, Joined):
            self._outside[event.call] = event
        elif self._outside.pop(getattr(event, "call", ""), None) is None:
            yield event
        self._look_whether_it_rests(event.at)

    @property
    def _rest_ends(self) -> float:
        """Until when a floor at rest counts as a pause; beyond it nobody waits."""
        return math.inf if self._closed or self._rests_since is None else self._rests_since + LONGEST_S

    def _look_whether_it_rests(self, at: float) -> None:
        floor = self.watch.floor
        if floor.talks or (floor.seen() and not floor.line):
            self._rests_since = None
        elif self._rests_since is None:
            self._rests_since = at

    def _close(self, at: float) -> Iterator[Event]:
        self._closed = True
        for place in list(self.watch.floor.line):
            self._outside[place.joined.call] = place.joined
            yield Left(at, place.joined.call, gave_up=False)
        self._moments.clear()
        self.watch.forget()

    def _open(self, at: float) -> list[Event]:
        self._closed, self._rests_since = False, None
        back: list[Event] = [replace(joined, at=at) for joined in self._outside.values()]
        self._outside.clear()
        return back

    def _plan(self, call: str, at: float) -> None:
        heapq.heappush(self._moments, (at + self._dice.expovariate(1 / MOMENTS_S), call))

    def _look_around(self, until: float, *, learn: bool) -> None:
        floor = self.watch.floor
        while self._moments and self._moments[0][0] < until:
            at, call = heapq.heappop(self._moments)
            if floor.stands(call):
                floor.now = at  # nothing has happened since then; a table may have looked further
                self._ask(call, learn=learn, joining=False)
                self._plan(call, at)

    def _ask(self, call: str, *, learn: bool, joining: bool) -> None:
        question = self.watch.ask(call)
        question.signals, question.joining = array("f", question.signals), joining
        learner = self._learner(joining)
        if learn:
            raw = self._raw(learner, [question.signals], [question.simple])[0]
            question.said = learner.say(question.simple, raw, question.kind)

    def _meet(self, question: Question, *, learn: bool) -> None:
        if not 0 < question.waited <= HOPELESS_S:
            return  # nothing goes on where this queue waits; or an agent was free
        learner, said = self._learner(question.joining), question.said
        self.known += question.joining
        if learn and said is not None and question.whole:
            learner.met(said, question.signals, question.waited)
            if question.joining:
                self._tally.met(said, question.waited)
        else:
            self._keep(learner, question, learn=learn)
        if question.joining:
            self._keep(self.standing, question, learn=learn)

    @staticmethod
    def _keep(learner: Learner, question: Question, *, learn: bool) -> None:
        keep = learner.remember if learn else learner.recall
        keep(question.signals, question.simple, question.waited, whole=question.whole)

    def _learner(self, joining: bool) -> Learner:
        return self.joining if joining else self.standing

    @staticmethod
    def _raw(learner: Learner, rows: Sequence[Sequence[float]], simple: Sequence[Five]) -> list[Five | None]:
        said = learner.raw(np.array(rows, np.float32), np.array(simple, np.float64))
        return [None] * len(rows) if said is None else [(a, b, c, d, e) for a, b, c, d, e in said.tolist()]

    # --- learning -------------------------------------------------------------------------------------------------

    @property
    def due(self) -> bool:
        """Whether enough is new to learn from."""
        return self.joining.due or self.standing.due

    def learn(self) -> bool:
        """Learns where enough is new. Takes seconds; True when there is something to store."""
        due = [learner for learner in (self.joining, self.standing) if learner.due]
        for learner in due:
            learner.learn()
        self.version += bool(due)
        return bool(due)

    def store(self, at: datetime, seq: int) -> Stored:
        """What is to be kept."""
        models = [learner.model for learner in (self.joining, self.standing)]
        joining, standing = (b"" if model is None else learnt.dump(model) for model in models)
        return Stored(
            version=self.version,
            at=at,
            seq=seq,
            waits=self.waits,
            joining=joining,
            standing=standing,
            calibration=(self.joining.calibration.offsets, self.standing.calibration.offsets),
            share=self.share,
            errors=self.errors,
        )

    def adopt(self, stored: Stored) -> None:
        """Goes on from what was stored. Raises InvalidInput for models of another version."""
        columns = signal_count()
        models = [learnt.load(model, columns) if model else None for model in (stored.joining, stored.standing)]
        for learner, model, offsets in zip((self.joining, self.standing), models, stored.calibration, strict=True):
            learner.resume(model, Calibration(tuple(offsets)))
        self.version, self.learnt_to = stored.version, stored.seq

    @property
    def ready(self) -> bool:
        """Whether anything was learnt."""
        return self.joining.model is not None

    @property
    def waits(self) -> int:
        """How many waits the model of those who join rests on."""
        return 0 if self.joining.model is None else self.joining.model.waits

    @property
    def share(self) -> float:
        """How much of the model is announced."""
        return self.joining.mixture.share if self.ready else 0.0

    @property
    def errors(self) -> Errors:
        """How far off it was lately."""
        return self._tally.errors()

    # --- saying ---------------------------------------------------------------------------------------------------

    def newcomer(self, kind: Kind, at: float, credit: float = 0.0) -> Said:
        """What is said to somebody of this kind who joins at this moment. The floor stays as it is."""
        floor = self.watch.floor
        floor.now = max(at, floor.now)
        joined = Joined(floor.now, ME, kind, since=floor.now, credit=credit)
        with floor.imagined(joined):
            return self._said(self.joining, [ME])[0]

    def table(
        self, queue: str, line: Sequence[Place], at: float, *, made: datetime, config: int, more_s: float
    ) -> Table:
        """What is said at each place of a queue whose `line` this is, first to last. `more_s` is added to every wait:
        the time from taking an agent for a caller until they talk."""
        floor = self.watch.floor
        floor.now = max(at, floor.now)
        places = table.grid(len(line) + 1)
        rows = [*self._standing(line[place - 1] for place in places[:-1]), self.newcomer(Kind(queue), at).announced]
        raised = [[number + more_s for number in _numbers(row)] for row in rows]
        return Table(
            at=made,
            config=config,
            places=tuple(places),
            rows=tuple(table.rising(raised)),
            basis=self.basis(),
            model=str(self.version) if self.share > 0 else "",
            share=self.share,
            waits=self.waits,
        )

    def _standing(self, line: Iterable[Place]) -> list[Forecast]:
        order = list(line)
        names = [one.name for one in order if one.name and self.watch.floor.stands(one.name)]
        forecasts = self._said(self.standing, names)
        said = {name: one.announced for name, one in zip(names, forecasts, strict=True)}
        return [said[one.name] if one.name in said else self._aside(one) for one in order]

    def _aside(self, one: Place) -> Forecast:
        """Of somebody who waits for their time: as if it were now."""
        floor = self.watch.floor
        credit = one.joined - one.score / 1e6
        joined = Joined(floor.now, ME, Kind(one.queue), since=one.joined, credit=credit, callback=True)
        with floor.imagined(joined):
            return self._said(self.standing, [ME])[0].announced

    def _said(self, learner: Learner, names: Sequence[str]) -> list[Said]:
        if not names:
            return []
        rows = [self.watch.signals.row(name) for name in names]
        simple = [self.watch.five(name) for name in names]
        raw = self._raw(learner, rows, simple)
        kinds = [self.watch.kind(name) for name in names]
        return [learner.say(*known) for known in zip(simple, raw, kinds, strict=True)]

    def basis(self) -> str:
        """What the numbers rest on, in words."""
        if not self.ready:
            return str(basis.Basis(basis.Ground.UNLEARNT, waits=self.known))
        return str(basis.learnt(self.waits, self.version, self.share))


def _numbers(forecast: Forecast) -> Row:
    return (forecast.mean, forecast.p10, forecast.p50, forecast.p80, forecast.p90)


def signal_count() -> int:
    """How many signals a row has in this version."""
    watch = Watch(Policy(), UTC)
    joined = Joined(0.0, ME, Kind(""), since=0.0)
    with watch.floor.imagined(joined):
        return len(watch.signals.row(ME))
