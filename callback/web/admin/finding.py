"""Whom a waiting list shows: everybody, some of them, or those that somebody searches for.

The line knows places and no names, the record knows both and no order: so a page of the line is read in its order, and
each of its rows asks the record. Numbers are sealed there. A whole number is found by its hash, wherever it stands; its
last digits, and names, among so many of the promises that the answer stays quick.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from enum import StrEnum

from flask import current_app
from flask_login import current_user

from callback.domain import phone
from callback.domain.acts import What
from callback.domain.callback import Callback
from callback.domain.errors import CallbackError
from callback.domain.ids import QueueKey
from callback.domain.lifecycle import OPEN
from callback.domain.policy import Queue
from callback.ports import House, Waiting
from callback.web.acting import record
from callback.web.limits import EXTENSION, Limits

PAGE = 50
CHUNK = 500
"""So many places are asked of the line at once where not all of them are shown."""
LOOKED_AT = 2_000
"""Among so many open promises, the newest first, last digits and names are looked for."""
DIGITS_LEAST = 2
DIGITS_MOST = 4
"""As many as pages show of a number: else whoever asks digit by digit is told the hidden ones."""

SEARCHES = "10 per minute; 60 per hour; 120 per day"
"""So often may one person search for whole numbers."""


class Show(StrEnum):
    """Who of them."""

    ALL = "all"
    LIVE = "live"
    CALLBACKS = "callbacks"
    DUE = "due"  # callbacks that may be rung now
    RESTING = "resting"  # between attempts
    SCHEDULED = "scheduled"
    SERVED = "served"


FITS: dict[Show, Callable[[Waiting], bool]] = {
    Show.ALL: lambda _: True,
    Show.LIVE: lambda one: one.live,
    Show.CALLBACKS: lambda one: one.place in ("due", "later"),
    Show.DUE: lambda one: one.place == "due",
    Show.RESTING: lambda one: one.place == "later",
}


@dataclass(frozen=True)
class Places:
    """A page of a line: some places in their order, where the next page begins (None: nowhere), and for each place how
    far it lies before the one after it, in seconds."""

    rows: tuple[Waiting, ...]
    next: int | None
    gaps: dict[str, float]


def wanted(said: str) -> Show:
    """As an address has it; everybody where it names nothing."""
    return Show(said) if said in list(Show) else Show.ALL


def places(house: House, key: QueueKey, show: Show, offset: int) -> Places:
    """A page of those in line, from the place `offset` on (0 is the head)."""
    fits, rows, gaps = FITS.get(show, FITS[Show.ALL]), list[Waiting](), dict[str, float]()
    last: Waiting | None = None
    for at, one in _in_order(house, key, offset, PAGE + 1 if show is Show.ALL else CHUNK):
        if last is not None and last in rows[-1:]:
            gaps[last.entry] = (one.score - last.score) / 1e6
        if fits(one):
            if len(rows) == PAGE:
                return Places(tuple(rows), at, gaps)
            rows.append(one)
        last = one
    return Places(tuple(rows), None, gaps)


def _in_order(house: House, key: QueueKey, offset: int, chunk: int) -> Iterator[tuple[int, Waiting]]:
    while True:
        found = house.line.listing(key, offset=offset, limit=chunk)
        yield from enumerate(found, offset)
        if len(found) < chunk:
            return
        offset += chunk


@dataclass(frozen=True)
class Found:
    """Whom a search found, and whether there were more promises than it looked at. `wait_s`: it was not made, and may
    be in so many seconds."""

    callbacks: tuple[Callback, ...]
    partly: bool = False
    wait_s: float = 0


def search(house: House, queue: Queue, said: str) -> Found:
    """The open promises of this queue with that number, with a number that ends so, or with a name that holds it."""
    key = QueueKey(queue.key)
    if number := _whole_number(queue, said):
        return _with_number(house, queue, number)
    fits, found, looked_at = _like(said), list[Callback](), 0
    cursor: str | None = None
    while looked_at < LOOKED_AT and len(found) < PAGE:
        with house.store.look() as work:
            page = work.callbacks(queue=key, states=OPEN, cursor=cursor, limit=CHUNK)
        found += [one for one in page.items if fits(one)]
        looked_at, cursor = looked_at + len(page.items), page.next
        if cursor is None:
            break
    return Found(tuple(found[:PAGE]), partly=cursor is not None or len(found) > PAGE)


def _with_number(house: House, queue: Queue, number: str) -> Found:
    """The answer is a yes or a no, and pages hide a part of each number: so whoever tries one after the other is slowed
    down, and every one is in the audit log."""
    limits: Limits = current_app.extensions[EXTENSION]
    if wait_s := limits.spend(SEARCHES, "whole numbers", current_user.email):
        return Found((), wait_s=wait_s)
    with house.store.begin() as work:
        found = work.callbacks(queue=QueueKey(queue.key), states=OPEN, number=number, limit=PAGE).items
        record(work, What.CALLBACK_SEARCH, phone.mask(number), queue=queue.key, after={"found": len(found)})
    return Found(found)


def _whole_number(queue: Queue, said: str) -> str:
    """What was typed as a number that could be rung; "" for what is no number that could be rung."""
    try:
        return phone.normalise(said, phone.region_of(queue.numbers[0]) if queue.numbers else None)
    except CallbackError:
        return ""


def _like(said: str) -> Callable[[Callback], bool]:
    digits = "".join(filter(str.isdigit, said))
    if len(digits) >= DIGITS_LEAST and not any(map(str.isalpha, said)):
        return lambda one: one.number.endswith(digits[-DIGITS_MOST:])
    part = said.casefold()
    return lambda one: part in one.name.casefold()
