"""Something that fails again and again is taken out, so that whoever is behind it is served.

Every loop over many things and every task does each of them through `guarded`. A house in trouble (a part of it cannot
be reached, the carrier refuses everybody) is nobody's poison: that failure goes on to whoever waits for the whole. Any
other is counted by its subject. Before the third time it is tried again after a pause; from the third on it is held,
which means that no loop picks it up until somebody has looked. What cannot be read is held at once: trying again would
not mend it. Where many fail alike, or many cannot be read, it is not their fault, and none of them is taken out.
"""

import re
import traceback
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TypeVar

import structlog

from callback.domain.callback import Entry
from callback.domain.errors import NotFound, Unreadable
from callback.domain.ids import CallbackId, CallSid, EntryId, QueueKey, is_callback
from callback.ports import CarrierBusy, CarrierError, CarrierStopped, Damaged, Failure, House, OutcomeUnknown, Work

Answer = TypeVar("Answer")

WHY = "it failed, and rests"
TRIES = 3
PAUSES = (timedelta(seconds=5), timedelta(seconds=30))
"""After the first failure, and after the second. Whoever was next in line meanwhile is served."""
FORGOTTEN = timedelta(minutes=10)
"""What has not failed for so long is counted afresh."""
MANY = 5
"""When so many others fail at the same step, that step is broken for everybody: none of them is taken out for it."""
NEVER = 2**31 - 1
LONGEST_REASON = 200

_IN_TROUBLE = (ConnectionError, TimeoutError, CarrierBusy, CarrierStopped, OutcomeUnknown)
_OF_THE_SERVER = re.compile(r"\b(?:MISCONF|OOM|READONLY|LOADING|BUSY|NOREPLICAS|CLUSTERDOWN|MASTERDOWN|TRYAGAIN)\b")
"""How a server of the line refuses everybody; any other answer of an error is about what it was asked."""
_PERSONAL = re.compile(r"""\+?\d[\d\s().-]{4,}\d | \S+@\S+ | '[^']*' | "[^"]*" """, re.VERBOSE)

_log = structlog.get_logger("callback.poison")


@dataclass(frozen=True)
class Item:
    """One thing among many: what it is, and what is being done with it."""

    kind: str
    subject: str
    queue: str
    step: str


def guarded(
    house: House,
    item: Item | Callable[[], Item],
    act: Callable[[], Answer],
    otherwise: Answer,
    aside: Callable[[Failure], object] | None = None,
    *,
    alone: bool = False,
) -> Answer:
    """Do it. Where it fails by its own fault, count that, call `aside` to bring it out of the way, and answer
    `otherwise`. Raises what a house in trouble raises. `alone`: the time limit of the task that ended it was there for
    nothing else."""
    try:
        return act()
    except Exception as fault:
        if excused(house, fault) and not (alone and out_of_time(fault)):
            raise
        failed(house, item() if callable(item) else item, fault, aside)
        return otherwise


def excused(house: House, fault: Exception) -> bool:
    """Whether it is the house that is in trouble, and not the one thing that was being done."""
    if isinstance(fault, _IN_TROUBLE) or any(backend.since is not None for backend in house.backends):
        return True
    if isinstance(fault, NotFound):
        return not house.line.configuration()[1]  # the line was lost, and everything in it with it
    return _of_the_machine(fault)


def _of_the_machine(fault: Exception) -> bool:
    """Errors of libraries that no flow knows are known by their home: the line's server, the workers' time limit."""
    about_the_question = type(fault).__name__ == "ResponseError" and not _OF_THE_SERVER.search(str(fault))
    return out_of_time(fault) or ("redis.exceptions" in _homes(fault) and not about_the_question)


def out_of_time(fault: Exception) -> bool:
    """Whether the workers ended the task, since it took too long."""
    return "billiard.exceptions" in _homes(fault)


def _homes(fault: Exception) -> set[str]:
    return {kind.__module__ for kind in type(fault).__mro__}


def failed(house: House, item: Item, fault: Exception, aside: Callable[[Failure], object] | None = None) -> Failure:
    """Count it, say so in full in the log, and bring it out of the way."""
    trace = "".join(traceback.format_exception(fault))
    _log.error("item.failed", **vars(item), trace=_without_numbers(trace))
    failure = note(house, item, fault)
    if aside is not None:
        _put_aside(house, item, failure, aside)
    return failure


def note(house: House, item: Item, fault: Exception) -> Failure:
    """One more failure in the record; the third, or one that no repetition mends, is the last, unless many others fail
    in the same way."""
    now = house.clock.now()
    hold_at = 1 if beyond_repair(house, item) else TRIES
    with house.store.begin() as work:
        if widespread(work, item, now):
            hold_at = NEVER
            work.note_failure("step", item.step, queue="", step=item.step, reason=reason(fault), at=now, hold_at=1)
        failure = work.note_failure(
            item.kind, item.subject, queue=item.queue, step=item.step, reason=reason(fault), at=now, hold_at=hold_at
        )
        if failure.held_at == now:
            tell(work, failure, "quarantined", failure.reason, cause=item.step, at=now)
    return failure


def widespread(work: Work, item: Item, now: datetime) -> bool:
    """Whether many others failed lately in doing the same: a defect of ours, which a mended version mends for all."""
    if item.kind in ("event", "step"):
        return False
    same = (item.kind, item.step)
    return (
        sum(
            (one.kind, one.step) == same and one.subject != item.subject and now - one.last_at < FORGOTTEN
            for one in work.failures()
        )
        >= MANY
    )


def tell(work: Work, failure: Failure, after: str, why: str, *, cause: str, at: datetime) -> None:
    """In the journal: what was taken out, or let in again."""
    about = {"id": failure.id, "kind": failure.kind, "step": failure.step, "times": failure.times}
    told = f"{failure.kind} {failure.subject}: {why}"
    work.write(Entry(at, "queue", "quarantine", None, after, told, cause, failure.queue, about))


def beyond_repair(house: House, item: Item) -> bool:
    """Whether the row itself is gone or cannot be read."""
    if item.kind in ("event", "step"):
        return item.kind == "event"  # it was passed over, and does not come again
    try:
        with house.store.begin() as work:
            if is_callback(EntryId(item.subject)):
                work.callback(CallbackId(item.subject))
            elif item.kind == "text":
                work.text(item.subject)
            else:
                work.leg(CallSid(item.subject))
    except (NotFound, Unreadable):
        return True
    return False


def _put_aside(house: House, item: Item, failure: Failure, aside: Callable[[Failure], object]) -> None:
    try:
        aside(failure)
    except Exception as fault:
        if excused(house, fault):
            raise
        trace = "".join(traceback.format_exception(fault))
        _log.error("item.not_put_aside", **vars(item), trace=_without_numbers(trace))


def reason(fault: Exception) -> str:
    """What went wrong, without anybody's number or name: quoted things, numbers and addresses are left out."""
    said = _PERSONAL.sub("…", str(fault)).strip()
    return f"{type(fault).__name__}: {said}"[:LONGEST_REASON] if said else type(fault).__name__


def _without_numbers(text: str) -> str:
    return re.sub(r"\+?\d{7,}", "…", text)


def pause_after(failure: Failure) -> timedelta:
    """How long it rests."""
    return PAUSES[min(failure.times, len(PAUSES)) - 1]


def out_of_line(house: House, queue: QueueKey, entry: EntryId) -> None:
    """Whoever is held stands in no line, unless they are on a leg or being served."""
    if house.line.standing(queue, entry).place in ("due", "later"):
        house.line.leave(entry, reason=WHY, now=house.clock.now())


class Round:
    """One going-through of many things, each by itself: who is held or rests is passed by."""

    def __init__(self, house: House) -> None:
        """Reads what is failing, and forgets what no longer does."""
        self._house = house
        now = house.clock.now()
        with house.store.begin() as work:
            self.failing = work.failures()
            if self.failing and work.settle_failures(before=now - FORGOTTEN, at=now):
                self.failing = work.failures()
        self._resting = {(one.kind, one.subject) for one in self.failing if rests(one, now)}

    def rests(self, kind: str, subject: str) -> bool:
        """Whether nobody is to take this up now."""
        return (kind, subject) in self._resting

    def each(
        self,
        item: Item,
        act: Callable[[], Answer],
        otherwise: Answer,
        aside: Callable[[Failure], object] | None = None,
    ) -> Answer:
        """`guarded`, unless it rests. A carrier that did not answer for this one is asked again in another round.
        Raises where the line or the record is away, since nothing else could be done either."""
        if self.rests(item.kind, item.subject):
            return otherwise
        try:
            return guarded(self._house, item, act, otherwise, aside)
        except CarrierError as silent:
            _log.info("item.put_off", **vars(item), why=type(silent).__name__)
            return otherwise

    def step(self, name: str, act: Callable[[], int]) -> int:
        """A part of the round, which the parts after it do not depend on. It is never held."""
        try:
            return guarded(self._house, Item("step", name, "", name), act, 0)
        except CarrierError as silent:
            _log.info("step.put_off", step=name, why=type(silent).__name__)
            return 0

    def left_out(self, damaged: Sequence[Damaged], step: str) -> None:
        """Hold what a list could not read. Whoever stands in line with such a row stands there no more. Many at once
        are not damaged: we have the wrong key, or are of another version, and once that is mended everybody is to be
        where they were."""
        if not damaged:
            return
        now = self._house.clock.now()
        with self._house.store.begin() as work:
            new = [bad for bad in damaged if not work.is_held(bad.kind, bad.subject)]
            if new and len(new) + self._held_lately(now) > MANY:
                self._none_readable(work, len(new), step, now)
                return
            for bad in new:
                _log.error("row.unreadable", kind=bad.kind, id=bad.subject, why=bad.why)
                failure = work.note_failure(
                    bad.kind, bad.subject, queue=bad.queue, step=step, reason=bad.why, at=now, hold_at=1
                )
                tell(work, failure, "quarantined", failure.reason, cause=step, at=now)
        for bad in new:
            if bad.kind == "callback":
                out_of_line(self._house, QueueKey(bad.queue), EntryId(bad.subject))

    def _held_lately(self, now: datetime) -> int:
        return sum(
            one.kind not in ("event", "step") and one.held_at is not None and now - one.held_at < FORGOTTEN
            for one in self.failing
        )

    @staticmethod
    def _none_readable(work: Work, count: int, step: str, now: datetime) -> None:
        _log.error("rows.unreadable", step=step, count=count)
        work.note_failure("step", step, queue="", step=step, reason=f"{count} rows cannot be read", at=now, hold_at=1)


def rests(failure: Failure, now: datetime) -> bool:
    """Whether it is held, or its pause is not over."""
    if failure.kind in ("event", "step"):
        return False
    return failure.held_at is not None or now < failure.last_at + pause_after(failure)
