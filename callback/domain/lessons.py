"""What a house learns for dialling ahead, from its journal: how long rings, key presses, talks and wrap-ups last, whom
it reaches, and how many waited too long after they were rung.

A `Pupil` reads the journal in order and keeps in mind what goes on; each queue has a `Lesson`. Both are plain values
that are stored between two readings, so that whoever reads on, reads on where the last one stopped.

- A ring lasts from the question to the carrier until somebody picks up; who never does was only watched for so long.
- The key counts for those who were rung before an agent was free: it puts them on hold, which the journal tells.
- A talk and the wrap-up after it are an agent's; a wrap-up that the line ended was only watched.
- A miss is somebody rung ahead who waited for an agent longer than the policy tolerates after their key, whether one
  came or they hung up. Whoever was rung while an agent was kept for them says nothing about epsilon.

The past fades: its weight halves in two weeks, and no law outweighs the latest `MOST` observations, so that a queue
that changes is followed within days, and a busy one within hours.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any

from callback.domain.callback import Entry
from callback.domain.ids import EntryId, is_callback
from callback.domain.laws import NOTHING_SEEN, End, Laws
from callback.domain.pacing import Calibration

VERSION = 1
"""Of the stored form."""
HALF_LIFE = timedelta(days=14)
MOST = 2000.0
"""Observations of each kind that weigh fully."""
ENOUGH, GROWN = 20, 0.05
"""A new version is worth its tables after so many more observations, and this share of those that weigh."""
BOUND_S = 7200.0
"""Whatever has lasted longer than this was missed in its end."""
_ENDED_BY_THE_LINE = "wrap_up_over"
_NOT_OF_THE_AGENT = frozenset({"configured", "rebuilt", "resumed"})
_UNDONE = frozenset({"never_placed", "refused", "undialable", "cancelled", "superseded", "agent_missed"})
"""Outcomes that say nothing about whether somebody picks up."""


Tolerance = Callable[[str], float]
"""The seconds that somebody may wait after their key, by queue."""


@dataclass(frozen=True)
class Lesson:
    """All that was learnt about one queue. `rung` calls ended, `reached` of which came to a person who pressed their
    key; of `served` who were rung ahead, `missed` waited too long. All of them fade."""

    laws: Laws = NOTHING_SEEN
    calibration: Calibration | None = None
    rung: float = 0
    reached: float = 0
    served: float = 0
    missed: float = 0
    seen: float = 0  # observations in all, without fading

    def saw(self, what: str, seconds: float, end: End = End.EVENT) -> "Lesson":
        """One more ring, key, talk or wrap-up."""
        seen = getattr(self.laws, what).add(min(max(seconds, 0.0), BOUND_S), end)
        return replace(self, laws=replace(self.laws, **{what: seen}), seen=self.seen + 1)

    def rang(self, *, reached: bool) -> "Lesson":
        """One more attempt has ended, or come to a key."""
        return replace(self, rung=self.rung + 1, reached=self.reached + reached)

    def met(self, *, missed: bool) -> "Lesson":
        """One more who was rung ahead met an agent, or gave up."""
        tuned = self.calibration.update(missed, 1) if self.calibration else None
        return replace(self, served=self.served + 1, missed=self.missed + missed, calibration=tuned)

    def aged(self, by: timedelta) -> "Lesson":
        """As the same weighs so much later, and no more than it may."""
        keep = 0.5 ** (max(by, timedelta(0)) / HALF_LIFE)
        parts = (part.faded(min(keep, MOST / part.count) if part.count else keep) for part in self.laws.parts)
        return replace(
            self,
            laws=Laws(*parts),
            **{name: keep * getattr(self, name) for name in _SUMS},
        )

    @property
    def count(self) -> float:
        """Observations, all kinds together."""
        return sum(part.count for part in self.laws.parts)

    def as_json(self) -> dict[str, Any]:
        """Plain values, which `from_json` reads."""
        calibration = self.calibration.as_json() if self.calibration else None
        sums = {name: round(getattr(self, name), 6) for name in (*_SUMS, "seen")}
        return {"version": VERSION, "laws": self.laws.as_json(), "calibration": calibration, **sums}

    @classmethod
    def from_json(cls, stored: Mapping[str, Any]) -> "Lesson":
        """Raises KeyError, TypeError or ValueError where it is of another version or damaged."""
        if stored["version"] != VERSION:
            raise ValueError(f"a lesson of version {stored['version']}, but only {VERSION} is known")
        calibration = Calibration.from_json(stored["calibration"]) if stored["calibration"] else None
        sums = {name: float(stored[name]) for name in (*_SUMS, "seen")}
        return cls(Laws.from_json(stored["laws"]), calibration, **sums)


NOTHING_LEARNT = Lesson()
"""A queue without a past."""
_SUMS = ("rung", "reached", "served", "missed")


def worth_a_version(before: Lesson, now: Lesson) -> bool:
    """Whether enough was seen since to make another forecast, of which one costs a moment to build."""
    return now.seen - before.seen >= max(ENOUGH, GROWN * now.count)


@dataclass
class Pupil:
    """What goes on while the journal is read: seconds since the epoch of what began. `lessons` are by queue."""

    lessons: dict[str, Lesson]
    tolerance: Tolerance
    agents: dict[str, list[Any]] = field(default_factory=dict)  # status, since, queue
    dials: dict[str, dict[str, Any]] = field(default_factory=dict)  # queue, ahead, asked, answered, keyed, waited

    def as_json(self) -> dict[str, Any]:
        """What goes on, as plain values."""
        return {"version": VERSION, "agents": self.agents, "dials": self.dials}

    def recall(self, stored: Mapping[str, Any] | None, *, now: datetime) -> None:
        """Go on where somebody stopped; what is too old to be going on is forgotten."""
        if not stored or stored.get("version") != VERSION:
            return
        since = now.timestamp() - BOUND_S
        self.agents = {key: one for key, one in stored["agents"].items() if one[1] > since}
        self.dials = {name: one for name, one in stored["dials"].items() if one["at"] > since}

    def queues(self) -> set[str]:
        """Those of what goes on."""
        return {one[2] for one in self.agents.values()} | {one["queue"] for one in self.dials.values()}

    def read(self, row: Entry) -> None:
        """One row of the journal."""
        if row.kind == "agent":
            self._agent(row)
        elif row.kind == "callback":
            self._callback(row)
        elif row.kind == "queue" and row.after == "hold" and row.cause in self.dials:
            self._keyed(self.dials[row.cause], row.at.timestamp())

    def _learn(self, queue: str, change: Callable[[Lesson], Lesson]) -> None:
        self.lessons[queue] = change(self.lessons.get(queue, Lesson()))

    # --- agents

    def _agent(self, row: Entry) -> None:
        at, began = row.at.timestamp(), self.agents.pop(row.subject, None)
        if began is not None and row.reason not in _NOT_OF_THE_AGENT:
            status, since, queue = began
            if status == "busy":
                self._learn(queue, lambda lesson: lesson.saw("talk", at - since))
            elif status == "wrap_up":
                end = End.OPEN if row.reason == _ENDED_BY_THE_LINE else End.EVENT
                self._learn(queue, lambda lesson: lesson.saw("wrap", at - since, end))
        if row.after == "busy" and row.queue:
            self.agents[row.subject] = [row.after, at, row.queue]
        elif row.after == "wrap_up" and began is not None:
            self.agents[row.subject] = [row.after, at, began[2]]
        elif row.after == "reserved":
            self._agent_for(str(row.data.get("entry", row.cause)), at)

    def _agent_for(self, entry: str, at: float) -> None:
        dial = self.dials.get(entry) if is_callback(EntryId(entry)) else None
        if dial is not None and dial["keyed"] is not None and dial["waited"] is None:
            dial["waited"] = at - dial["keyed"]

    # --- callbacks

    def _callback(self, row: Entry) -> None:
        at = row.at.timestamp()
        if row.after == "reserved":
            ahead = "epsilon" in row.data
            self.dials[row.subject] = _dial(row.queue, at, ahead=ahead)
        elif row.after == "dialing":
            dial = self.dials.setdefault(row.subject, _dial(row.queue, at, ahead=False))
            dial["asked"] = at
        elif row.after == "answered" and row.subject in self.dials:
            self._answered(self.dials[row.subject], at)
        elif row.after == "bridged":
            self._bridged(self.dials.pop(row.subject, None))
        else:
            self._over(self.dials.pop(row.subject, None), row, at)

    def _answered(self, dial: dict[str, Any], at: float) -> None:
        if dial["asked"] is not None and dial["answered"] is None:
            asked = dial["asked"]
            self._learn(dial["queue"], lambda lesson: lesson.saw("ring", at - asked))
        dial["answered"] = at

    def _keyed(self, dial: dict[str, Any], at: float) -> None:
        if dial["answered"] is None or dial["keyed"] is not None:
            return
        dial["keyed"], answered, ahead = at, dial["answered"], dial["ahead"]
        if ahead:
            self._learn(dial["queue"], lambda lesson: lesson.saw("key", at - answered))

    def _bridged(self, dial: dict[str, Any] | None) -> None:
        if dial is None:
            return
        self._learn(dial["queue"], lambda lesson: lesson.rang(reached=True))
        if dial["ahead"]:
            self._met(dial["queue"], dial["waited"] or 0.0)

    def _met(self, queue: str, waited: float) -> None:
        missed = waited > self.tolerance(queue)
        self._learn(queue, lambda lesson: lesson.met(missed=missed))

    def _over(self, dial: dict[str, Any] | None, row: Entry, at: float) -> None:
        """The attempt has ended without a talk, or nobody knows how (`reconciling`)."""
        outcome = str(row.data.get("outcome", ""))
        if dial is None or row.after == "reconciling" or outcome in _UNDONE:
            return
        queue, asked, answered, keyed = dial["queue"], dial["asked"], dial["answered"], dial["keyed"]
        if keyed is not None:
            self._learn(queue, lambda lesson: lesson.rang(reached=True))
            if dial["ahead"] and dial["waited"] is None and at - keyed > self.tolerance(queue):
                self._met(queue, at - keyed)
            return
        self._learn(queue, lambda lesson: lesson.rang(reached=False))
        if answered is not None and dial["ahead"]:
            end = End.OPEN if outcome == "no_key" else End.OTHER
            self._learn(queue, lambda lesson: lesson.saw("key", at - answered, end))
        elif answered is None and asked is not None:
            end = End.OPEN if outcome == "no_answer" else End.OTHER
            self._learn(queue, lambda lesson: lesson.saw("ring", at - asked, end))


def _dial(queue: str, at: float, *, ahead: bool) -> dict[str, Any]:
    return {"queue": queue, "at": at, "ahead": ahead, "asked": None, "answered": None, "keyed": None, "waited": None}
