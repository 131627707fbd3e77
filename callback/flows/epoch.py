"""How a line that was lost, or is not what it was, is noticed by itself.

Both sides keep a number. Twice a second somebody reads the record's, asks the line to take the next, and lets the
record follow: Redis first, so that in a healthy house the line is never behind. A line that is behind, or has no
number, was emptied or restored from a dump; one whose server has been started since may have lost its last second. All
three are rebuilt: that costs less than finding out what is missing. `docs/decisions/0007-a-line-that-knows-its-age.md`
says more.
"""

from datetime import datetime, timedelta
from enum import StrEnum

from callback.ports import Epoch, House, LineAge

STEP = timedelta(seconds=1)
"""The record's number grows by one this often at most: a dump older than this is known by its number."""


class State(StrEnum):
    """What can be said of the line."""

    WHOLE = "whole"
    REBUILDING = "rebuilding"
    LOST = "lost"


def judge(known: Epoch, line: LineAge, now: datetime) -> State:
    """What the record's number and the line's own tell."""
    if known.rebuilding_until is not None:
        return State.REBUILDING if known.rebuilding_until > now else State.LOST  # whoever rebuilt it has died
    behind = line.number is None or line.number < known.number
    restarted = bool(known.run and line.run) and known.run != line.run
    return State.LOST if line.unsure or behind or restarted else State.WHOLE


def state(house: House) -> State:
    """The line as it is now. Reads only. Raises what the line or the record raise when they are away."""
    with house.store.begin() as work:
        known = work.epoch()
        queues = known is None and bool(work.queues())
    line = house.line.age()
    if known is None:  # neither has a number yet: whatever is configured is as good as ever
        return State.WHOLE if line.configured or not queues else State.LOST
    return judge(known, line, house.clock.now())


def tick(house: House) -> State:
    """One step: both numbers grow, or somebody is asked to rebuild."""
    with house.store.begin() as work:
        known = work.epoch()
    if known is None:
        return adopt(house)
    now = house.clock.now()
    line = house.line.age(known.number)
    found = judge(known, line, now)
    if found is State.WHOLE and now - known.at >= STEP:
        advance(house, known, line, now)
    elif found is State.LOST:
        doubt(house, known)
        house.dispatch.rebuild()
    return found


def advance(house: House, known: Epoch, line: LineAge, now: datetime) -> None:
    """The record follows. The line may be further, where ticks overlapped or one died half way."""
    with house.store.begin() as work:
        work.advance_epoch(known.number, max(known.number + 1, line.number or 0), now)


def adopt(house: House) -> State:
    """A record that never had a line: the one it finds is its own, unless that is empty and should not be."""
    if state(house) is State.LOST:
        house.dispatch.rebuild()
        return State.LOST
    now = house.clock.now()
    found = house.line.age()
    number = (found.number or 0) + 1
    with house.store.begin() as work:
        mark = work.mark()
        first = work.first_epoch(number, found.run, now)
    if first:
        house.line.begin_rebuild(number, mark)
        house.line.end_rebuild(number)
    return state(house)


def doubt(house: House, known: Epoch) -> None:
    """Nobody is paired and no position is told from now on."""
    if known.rebuilding_until is None:
        house.line.doubt(known.number)


def doubt_if_lost(house: House) -> None:
    """Before a line that may be empty is given its configuration, from which it could not be told any more."""
    with house.store.begin() as work:
        known = work.epoch()
    if known is not None and judge(known, house.line.age(), house.clock.now()) is State.LOST:
        doubt(house, known)
        house.dispatch.rebuild()
