"""The journal, counted: each of its rows adds to the sums of an hour and a day (`reports.Sums`), once.

What goes on is kept in mind between two readings, one plain value for each call, promise and agent, so that whoever
reads on may stop anywhere: in whatever pieces a journal is read, the sums are the same. A correction that comes late
belongs to the hour it is about and is added there.

Hours and days are those of the queue's zone: a day on which the clock is set back has 25 hours. What agents do while no
queue has them counts for no queue (""), in the zone of the house.
"""

from collections import Counter, defaultdict
from collections.abc import Callable, Container, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta, tzinfo
from typing import Any, NamedTuple

from callback.domain.callback import Entry
from callback.domain.ids import EntryId, is_callback
from callback.domain.lifecycle import CALL_ENDS, ENDS, AgentStatus, CallState, State
from callback.domain.rating import is_good
from callback.domain.reports import SHORT_S, TARGETS, What, step_of
from callback.domain.workday import DECLINED, MISSED, only_asked

BACK_IN_LINE = "back_in_line"
"""The line's reason for whoever stands in it again: passed on, or after it was lost. They were counted before."""
PASSED_ON, NOTED, RATED = "passed_on", "noted", "rated"
_QUARTER = timedelta(minutes=15)
"""Every zone's hours begin at a whole number of these."""
AT_WORK = (AgentStatus.RESERVED, AgentStatus.BUSY, AgentStatus.WRAP_UP)
Open = dict[str, Any]
Amounts = defaultdict[str, float]


class HourOf(NamedTuple):
    """An hour of a queue: `at` is its beginning (aware UTC), `day` and `hour` what the clock says there."""

    queue: str
    at: datetime
    day: date
    hour: int


class DayOf(NamedTuple):
    """A day of a queue; `agent` "" for everybody together."""

    queue: str
    agent: str
    day: date


class SpreadOf(NamedTuple):
    """A spread of seconds of a queue's day; or of one hour of its clock, or one agent, of that day."""

    queue: str
    day: date
    what: What
    hour: int | None = None
    agent: str = ""


@dataclass(frozen=True)
class Facts:
    """What the journal does not tell: the zone of a queue ("": of the house), which of these calls were offered a
    callback, how long these talks (by token) were on hold, and since when the callers of these promises had waited."""

    zone: Callable[[str], tzinfo]
    offered: Container[str] = ()
    held_s: Mapping[str, float] = field(default_factory=dict)
    joined: Mapping[str, datetime] = field(default_factory=dict)


def _amounts() -> Amounts:
    return defaultdict(float)


@dataclass
class Tallying:
    """A reading: what is open when it begins, and what it has found to add."""

    facts: Facts
    open: dict[str, Open | None]  # by kind and subject; None: over
    hours: dict[HourOf, Amounts] = field(default_factory=lambda: defaultdict(_amounts))
    days: dict[DayOf, Amounts] = field(default_factory=lambda: defaultdict(_amounts))
    spreads: dict[SpreadOf, Counter[int]] = field(default_factory=lambda: defaultdict(Counter))

    def read(self, row: Entry) -> None:
        """One more row, in the order of their numbers."""
        match row.kind:
            case "call":
                self._call(row)
            case "callback":
                self._promise(row)
            case "agent":
                self._agent(row)
            case "queue" if row.after == PASSED_ON:
                passed = {"transfers": 1, "announced": int(bool(row.data.get("announced")))}
                self._add(row.queue, row.at, passed, str(row.data.get("agent", "")))
            case "queue" if row.after == NOTED:
                self._noted(row)
            case "queue" if row.after == RATED:
                self._rated(row)

    # --- calls

    def _call(self, row: Entry) -> None:
        key = key_of(row)
        call = self.open.get(key)
        if call is None:
            if row.before is not None or row.reason == BACK_IN_LINE:
                return
            began = moment(int(row.data["joined"])) if row.data.get("joined") else row.at
            call = self.open[key] = {"queue": row.queue, "at": micros(began)}
            self._add(row.queue, began, {"offered": 1})
        if row.after == CallState.BRIDGED and "answered" not in call:
            self.open[key] = call | {"answered": True}
            self._answered(call, row.at, str(row.data.get("agent", "")))
        elif row.after in CALL_ENDS:
            self.open[key] = None
            self._gone(call, row)

    def _answered(self, call: Open, at: datetime, agent: str) -> None:
        began = moment(call["at"])
        waited = max((at - began).total_seconds(), 0.0)
        within = {f"in_{target}": 1 for target in TARGETS if waited <= target}
        self._add(call["queue"], began, {"answered": 1, "wait_s": waited, **within})
        self._spread(call["queue"], began, What.LIVE, waited)
        self._had(agent, call["queue"], at, What.LIVE, waited)

    def _gone(self, call: Open, row: Entry) -> None:
        queue, began = call["queue"], moment(call["at"])
        if row.subject in self.facts.offered:
            self._add(queue, began, {"shown": 1})
        if "answered" in call:
            return
        if row.after == CallState.ABANDONED:
            waited = max((row.at - began).total_seconds(), 0.0)
            self._add(queue, began, {"abandoned": 1, "short": waited < SHORT_S, "left_s": waited})
            self._spread(queue, began, What.LEFT, waited)
        elif row.after == CallState.CALLBACK:
            self._add(queue, began, {"took": 1})
        elif row.after == CallState.REFUSED:
            self._add(queue, began, {"turned_away": 1})

    # --- promises

    def _promise(self, row: Entry) -> None:
        key = key_of(row)
        promise = self.open.get(key)
        if promise is None:
            if row.before is not None:
                return
            waits = self.facts.joined.get(row.subject, row.at)
            promise = self.open[key] = {"queue": row.queue, "at": micros(row.at), "waits": micros(waits)}
            self._add(row.queue, row.at, {"promised": 1})
        if row.after == State.SCHEDULED:
            self.open[key] = promise | {"later": True}
        elif row.after == State.BRIDGED and "met" not in promise:
            self.open[key] = promise | {"met": True}
            self._met(promise, row.at, str(row.data.get("agent", "")))
        elif row.after in ENDS:
            self.open[key] = None
            self._add(promise["queue"], moment(promise["at"]), {row.after: 1})

    def _met(self, promise: Open, at: datetime, agent: str) -> None:
        queue, made = promise["queue"], moment(promise["at"])
        self._add(queue, made, {"met": 1})
        if "later" not in promise:
            waited = max((at - moment(promise["waits"])).total_seconds(), 0.0)
            self._add(queue, made, {"back": 1, "back_s": waited})
            self._spread(queue, made, What.BACK, waited)
            self._had(agent, queue, at, What.BACK, waited)

    # --- agents

    def _agent(self, row: Entry) -> None:
        key = key_of(row)
        before = self.open.get(key)
        if before is not None:
            self._spent(row, before)
        self.open[key] = status_of(row, before)

    def _spent(self, row: Entry, was: Open) -> None:
        """Their time in the status before this row, and what it was the end of."""
        agent, since, status = row.subject, moment(was["at"]), was["is"]
        seconds = max((row.at - since).total_seconds(), 0.0)
        queue, what = (was["queue"], "work_s") if status in AT_WORK else ("", "free_s")
        for at, part in pieces(since, row.at):
            self._add(queue, at, {what: part}, agent)
        if status == AgentStatus.BUSY and not only_asked(was.get("token", ""), was.get("entry", ""), row):
            held = min(self.facts.held_s.get(was.get("token", ""), 0.0), seconds)
            rang = int(is_callback(EntryId(was.get("entry", ""))))
            counts = {"talks": 1, "back_talks": rang, "ring_s": was.get("ring", 0.0), "talk_s": seconds, "hold_s": held}
            self._add(queue, since, counts, agent)
        elif status == AgentStatus.WRAP_UP:
            self._add(queue, moment(was["began"] if "began" in was else was["at"]), {"wrap_s": seconds}, agent)
        elif status == AgentStatus.RESERVED and row.after == AgentStatus.AWAY:
            self._add(queue, row.at, {"missed": row.reason in MISSED, "declined": row.reason == DECLINED}, agent)

    def _noted(self, row: Entry) -> None:
        """Whether a matter was settled, said for the first time or anew."""
        now, was = row.data.get("resolved"), row.data.get("was")
        said, resolved = (now is not None) - (was is not None), bool(now) - bool(was)
        if said or resolved:
            about = {"said": said, "resolved": resolved}
            self._add(row.queue, moment(row.data["began"]), about, str(row.data.get("agent", "")))

    def _rated(self, row: Entry) -> None:
        """How it was, said for the first time or anew, in the hour in which the promise was made."""
        score, was = row.data["score"], row.data.get("was")
        about = {"rated": was is None, "satisfied": is_good(score) - (was is not None and is_good(was))}
        self._add(row.queue, moment(row.data["made"]), about, str(row.data.get("agent", "")))

    # --- sums

    def _add(self, queue: str, at: datetime, amounts: Mapping[str, float], agent: str = "") -> None:
        hour = hour_of(queue, at, self.facts.zone(queue))
        places = [self.hours[hour], self.days[DayOf(queue, "", hour.day)]]
        if agent:
            places.append(self.days[DayOf(queue, agent, hour.day)])
        for name, amount in amounts.items():
            for place in places:
                place[name] += amount

    def _spread(self, queue: str, at: datetime, what: What, seconds: float) -> None:
        hour, step = hour_of(queue, at, self.facts.zone(queue)), step_of(seconds)
        self.spreads[SpreadOf(queue, hour.day, what)][step] += 1
        self.spreads[SpreadOf(queue, hour.day, what, hour=hour.hour)][step] += 1

    def _had(self, agent: str, queue: str, at: datetime, what: What, seconds: float) -> None:
        """How long somebody had waited for this agent, on the day on which they talked."""
        if agent:
            day = hour_of(queue, at, self.facts.zone(queue)).day
            self.spreads[SpreadOf(queue, day, what, agent=agent)][step_of(seconds)] += 1


def key_of(row: Entry) -> str:
    """Under which what goes on is kept."""
    return f"{row.kind}:{row.subject}"


def status_of(row: Entry, was: Open | None) -> Open | None:
    """What is to be kept of an agent from this row on; None while they are not there."""
    status = AgentStatus(row.after)
    if status not in (*AT_WORK, AgentStatus.AVAILABLE):
        return None
    now: Open = {"is": status.value, "at": micros(row.at), "queue": row.queue or (was or {}).get("queue", "")}
    if status is AgentStatus.BUSY:
        ring = (row.at - moment(was["at"])).total_seconds() if was and was["is"] == AgentStatus.RESERVED else 0.0
        now |= {"ring": max(ring, 0.0), "token": str(row.data.get("token", ""))}
        now["entry"] = str(row.data.get("entry", row.cause))
    elif status is AgentStatus.WRAP_UP and was:
        now["began"] = was["at"]
    return now


def hour_of(queue: str, at: datetime, zone: tzinfo) -> HourOf:
    """The hour of the queue's own clock in which a moment lies. Twice the same hour on a day that has it twice."""
    local = at.astimezone(zone)
    begin = local.replace(minute=0, second=0, microsecond=0).astimezone(UTC)
    return HourOf(queue, begin, local.date(), local.hour)


def pieces(begin: datetime, end: datetime) -> Iterator[tuple[datetime, float]]:
    """A stretch of time in pieces that lie within one hour of any zone: where each begins, and its seconds."""
    at = begin
    while at < end:
        quarter = at.replace(minute=at.minute // 15 * 15, second=0, microsecond=0) + _QUARTER
        following = min(quarter, end)
        yield at, (following - at).total_seconds()
        at = following


def micros(at: datetime) -> int:
    """As it is kept: microseconds since 1970."""
    return round((at - _EPOCH) / timedelta(microseconds=1))


def moment(kept: float) -> datetime:
    """The moment that was kept so."""
    return _EPOCH + timedelta(microseconds=kept)


_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
