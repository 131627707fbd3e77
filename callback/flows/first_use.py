"""How far a new house is: queue, hours, agent, number, test call, each verified by what there is.

Nothing of it is a wizard's memory: a step is done because of what the record and the line hold, so that whoever leaves
comes back to what is true now, whichever way it came about: in the console, on the command line, through the API. Only
what somebody said about a step (that it is right as it stands, or left for later) is kept, as acts in the audit log.
The command `doctor` asks here as well.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from itertools import takewhile

from callback.domain import hours
from callback.domain.acts import Act, Doer, What, act
from callback.domain.callback import Agent, Callback
from callback.domain.ids import CallSid, QueueKey
from callback.domain.lifecycle import CallState, State
from callback.domain.numbers import served
from callback.domain.policy import Queue
from callback.flows import ring_test
from callback.flows.ring_test import Ring
from callback.ports import House, Work

ALL = "all"
"""The subject of what is said about the whole of it."""
LOOKS_BACK = 200
TALKED = (State.COMPLETED, State.BRIDGED)


class Step(StrEnum):
    """The five, in order."""

    QUEUE = "queue"
    HOURS = "hours"
    AGENT = "agent"
    NUMBER = "number"
    CALL = "call"


class Mark(StrEnum):
    """How a step stands."""

    DONE = "done"
    OPEN = "open"
    WRONG = "wrong"  # something is there, and cannot work
    SKIPPED = "skipped"


class Said(StrEnum):
    """What somebody said about a step, or about all of them."""

    CONFIRMED = "confirmed"  # it is right as it stands
    SKIPPED = "skipped"
    RESUMED = "resumed"
    DISMISSED = "dismissed"
    WATCHING = "watching"  # their test call comes now


@dataclass(frozen=True)
class Progress:
    """Where a house stands. `queue` is the one that is set up: the first there is, unless another was asked for."""

    marks: Mapping[Step, Mark]
    queue: Queue | None = None
    agents: Sequence[Agent] = ()
    rings: Mapping[str, Ring] = field(default_factory=dict)
    dismissed: bool = False
    watching: datetime | None = None

    @property
    def done(self) -> int:
        """How many steps are."""
        return sum(mark is Mark.DONE for mark in self.marks.values())

    @property
    def finished(self) -> bool:
        """Whether nothing is left to be done, or to be come back to."""
        return self.done == len(Step)

    @property
    def at(self) -> Step | None:
        """The first step that is neither done nor put off; then the first that was put off. None: finished."""
        pending = [step for step in Step if self.marks[step] in (Mark.OPEN, Mark.WRONG)]
        return next(iter(pending or [step for step in Step if self.marks[step] is Mark.SKIPPED]), None)


def progress(house: House, key: str = "") -> Progress:
    """Looked up now. Asks the record and the line, never the carrier."""
    with house.store.look() as work:
        queues, agents, said = work.queues(), work.agents(), work.acts(what=What.FIRST_USE, limit=LOOKS_BACK)
        queue = next((one for one in queues if one.key == key), queues[0] if queues else None)
        serving = served(queue, agents) if queue else list(agents)
        rings = rings_of(work, serving)
        proved = bool(work.callbacks(states=TALKED, limit=1).items)
        number = queue is not None and number_proved(work, queue, said)
    marks = dict.fromkeys(Step, Mark.OPEN)
    if queue is not None:
        marks[Step.QUEUE] = Mark.DONE if published(house, queue) else Mark.WRONG
        marks[Step.HOURS] = hours_mark(queue, said, house.clock.now())
        marks[Step.NUMBER] = Mark.DONE if number else Mark.OPEN
    if serving and (proved or any(ring.proved for ring in rings.values())):
        marks[Step.AGENT] = Mark.DONE
    if proved:
        marks[Step.CALL] = Mark.DONE
    return Progress(
        {step: put_off(mark, latest(said, step)) for step, mark in marks.items()},
        queue,
        serving,
        rings,
        dismissed=said_last(said, ALL) == Said.DISMISSED,
        watching=watching_since(said, queue),
    )


def wanted(house: House) -> bool:
    """Whether first use is still to be shown: nobody dismissed it, and no callback has led to a talk yet. Two small
    questions, since every look at the console asks."""
    with house.store.look() as work:
        said = work.acts(subject=ALL, limit=1)
        return (
            not (said and said_last(said, ALL) == Said.DISMISSED) and not work.callbacks(states=TALKED, limit=1).items
        )


def say(house: House, subject: Step | str, said: Said, doer: Doer, *, queue: str = "") -> None:
    """Kept in the audit log."""
    with house.store.begin() as work:
        work.act(act(doer, What.FIRST_USE, str(subject), house.clock.now(), queue=queue, after={"state": str(said)}))


# --- one step after the other -----------------------------------------------------------------------------------


def published(house: House, queue: Queue) -> bool:
    """Whether the line has the queue as the record has it: calls are answered by the line's."""
    return queue in house.line.configuration()[1]


def hours_mark(queue: Queue, said: Sequence[Act], now: datetime) -> Mark:
    """Open some time; a queue that never closes is what a new one is, and has to be meant."""
    rules = queue.policy.hours
    if rules is None:
        mine = [one for one in said if one.queue == queue.key]
        return Mark.DONE if said_last(mine, Step.HOURS) == Said.CONFIRMED else Mark.OPEN
    return Mark.WRONG if never_open(queue, now) else Mark.DONE


def never_open(queue: Queue, now: datetime) -> bool:
    """Whether nobody can ever be served."""
    rules = queue.policy.hours
    return not hours.is_open(rules, now) and hours.next_opening(rules, now) is None


def rings_of(work: Work, agents: Sequence[Agent]) -> dict[str, Ring]:
    """The last test of each telephone, by agent."""
    found = {agent.key: ring_test.last_of(ring_test.of_agent(work, agent.key), agent) for agent in agents[:20]}
    return {key: ring for key, ring in found.items() if ring is not None}


def number_proved(work: Work, queue: Queue, said: Sequence[Act]) -> bool:
    """Whether a number leads here: somebody pointed it, or found that it does, or calls have come."""
    if not queue.numbers:
        return False
    mine = [one for one in said if one.queue == queue.key]
    if said_last(mine, Step.NUMBER) == Said.CONFIRMED or came(work):
        return True
    return any(work.acts(subject=number, what=What.NUMBER_POINT, limit=1) for number in queue.numbers)


def came(work: Work) -> bool:
    """Whether anybody has ever called."""
    return bool(work.journal(after=0, limit=1, kind="call"))


def put_off(mark: Mark, said: Act | None) -> Mark:
    """A step that was put off and is not done."""
    skipped = said is not None and state_of(said) == Said.SKIPPED
    return Mark.SKIPPED if skipped and mark is Mark.OPEN else mark


def latest(said: Sequence[Act], subject: str) -> Act | None:
    """The last word about a step."""
    return next((one for one in said if one.subject == subject), None)


def said_last(said: Sequence[Act], subject: str) -> str:
    """The same as a word, "" for none."""
    found = latest(said, subject)
    return state_of(found) if found else ""


def state_of(said: Act) -> str:
    """What was said."""
    return str((said.after or {}).get("state", ""))


# --- the test call ----------------------------------------------------------------------------------------------

WATCHED = timedelta(hours=1)
"""So long after somebody said that their test call comes, calls are taken for it."""


class Stage(StrEnum):
    """What a test call goes through, in order."""

    CAME = "came"
    OFFERED = "offered"
    PROMISED = "promised"
    RUNG = "rung"
    ANSWERED = "answered"
    CONNECTED = "connected"


@dataclass(frozen=True)
class Trial:
    """The latest call since the watch began. `at` holds when each stage was reached; `waiting` is the callback that it
    led to; `straight`: it was connected to an agent at once, so that no callback was needed; `left`: the caller hung
    up before one was promised; `outcome` is of the last attempt that came to nothing."""

    call: CallSid | None = None
    at: Mapping[Stage, datetime] = field(default_factory=dict)
    callback: Callback | None = None
    straight: bool = False
    left: bool = False
    outcome: str = ""
    reason: str = ""

    @property
    def next(self) -> Stage | None:
        """The first stage that was not reached. None: all were."""
        return next((stage for stage in Stage if stage not in self.at), None)

    @property
    def reached(self) -> int:
        """How many stages were."""
        return len(list(takewhile(lambda stage: stage in self.at, Stage)))


def watching_since(said: Sequence[Act], queue: Queue | None) -> datetime | None:
    """Since when a test call to this queue is waited for."""
    found = latest(said, Step.CALL)
    mine = found is not None and state_of(found) == Said.WATCHING and queue is not None and found.queue == queue.key
    return found.at if found is not None and mine else None


def trial(house: House, queue: QueueKey, since: datetime) -> Trial:
    """How far it has come: read from the record, where it is a second after it happened."""
    with house.store.look() as work:
        rows = work.journal(after=work.seq_before(since), limit=LOOKS_BACK, kind="call")
        mine = [row for row in rows if row.queue == queue and row.at >= since]
        if not mine:
            return Trial()
        call = CallSid(mine[-1].subject)
        told = [row for row in mine if row.subject == call]
        at = {Stage.CAME: told[0].at}
        told_waits = work.predictions_of([call])
        heard = [one for one in told_waits if one.offering]
        callback = work.callback_by_origin(call)
        if heard or callback is not None:
            at[Stage.OFFERED] = heard[0].at if heard else told[0].at
        states = {row.after for row in told}
        if callback is None:
            left = states & {CallState.ABANDONED, CallState.COMPLETED}
            reason = told_waits[-1].reason if told_waits else ""
            return Trial(call, at, None, CallState.BRIDGED in states, bool(left), "", reason)
        at[Stage.PROMISED] = callback.created_at
        outcome = follow(work, callback, at)
    return Trial(call, at, callback, outcome=outcome)


def follow(work: Work, callback: Callback, at: dict[Stage, datetime]) -> str:
    """Adds to `at` what became of its attempts; gives the outcome of the last where it came to nothing."""
    attempts = work.attempts(callback.id)
    fields = ((Stage.RUNG, "asked_at"), (Stage.ANSWERED, "answered_at"), (Stage.CONNECTED, "bridged_at"))
    for stage, name in fields:
        moments = [moment for attempt in attempts if (moment := getattr(attempt, name)) is not None]
        if moments:
            at[stage] = max(moments)
    last = attempts[-1].outcome if attempts else None
    return "" if last is None or Stage.CONNECTED in at else str(last)
