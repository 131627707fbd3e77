"""Another number for a callback: typed on its page, and rung only after one-time codes have proved it.

A code goes to the new telephone, so that nobody has us ring a stranger. Another goes to the old one, wherever it can
get texts, so that nobody who was shown the link takes over the callback (docs/decisions/0016). Place, attempts and link
stay as they are.
"""

import secrets
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum

from callback.domain import phone, proof
from callback.domain.callback import Callback, Text
from callback.domain.errors import CallbackError, DuplicateOpen, InvalidInput, NumberRefused
from callback.domain.ids import CallbackId, EntryId
from callback.domain.lifecycle import Event, State
from callback.domain.policy import Queue
from callback.domain.proof import NumberChange, Verdict
from callback.flows import account, enrol, said, settle
from callback.flows.book import caller_id
from callback.flows.text import compose, write
from callback.flows.wishes import movable
from callback.ports import House, Work


class No(StrEnum):
    """Why a number is not taken."""

    INVALID = "invalid"
    REFUSED = "refused"  # a country, a kind, or an owner that we do not ring
    NO_TEXTS = "no_texts"  # no code can reach it
    SAME = "same"
    TOO_MANY = "too_many"  # codes for this callback, or to this number
    TOO_SOON = "too_soon"  # after the last code
    NO_CHANGE = "no_change"  # nothing is open that could be sent again
    NOT_NOW = "not_now"  # the carrier takes no texts
    TAKEN = "taken"  # it has a callback of its own in this queue


class Unchanged(CallbackError):
    """The number stays as it is. `wait` is how long until it may be tried again, where that is known."""

    def __init__(self, why: No, wait: timedelta = timedelta(0)) -> None:
        super().__init__(f"the number is not changed: {why}")
        self.why = why
        self.wait = wait


@dataclass(frozen=True)
class Open:
    """A change that waits for its codes."""

    change: NumberChange
    to_both: bool  # whether the old telephone has a code, too
    again_in: timedelta
    sends_left: int


def find(house: House, callback: Callback) -> Open | None:
    """The change that is open for a callback."""
    now = house.clock.now()
    with house.store.look() as work:
        change = work.number_change(callback.id)
        sent = work.texts_about(callback.id, proof.TO_NEW) if change else 0
    if change is None:
        return None
    left = max(proof.MOST_FOR_A_CALLBACK - sent, 0)
    return Open(change, bool(change.old_hash), proof.wait_to_send(change.sent_at, now), left)


def read(house: House, callback: Callback, raw: str) -> str:
    """What they typed as a number that may be rung and texted; without a country code it is one of their own country.

    Raises Unchanged.
    """
    queue = house.book.queue(callback.queue)
    own = caller_id(house, queue)
    try:
        number = phone.normalise(raw, phone.region_of(callback.number))
        phone.check(number, allowed=queue.policy.allowed_countries, own=own)
        enrol.refuse_ours(house, number)
    except InvalidInput:
        raise Unchanged(No.INVALID) from None
    except NumberRefused:
        raise Unchanged(No.REFUSED) from None
    if number == callback.number:
        raise Unchanged(No.SAME)
    if not phone.can_text(number):
        raise Unchanged(No.NO_TEXTS)
    return number


def begin(house: House, callback: Callback, number: str) -> NumberChange:
    """Send codes for `number`, which `read` gave. Raises TooLate, Unchanged."""
    if account.stopped(house, None) is not None:
        raise Unchanged(No.NOT_NOW)
    queue, now = house.book.queue(callback.queue), house.clock.now()
    with house.store.begin() as work:
        callback = movable(work, callback.id)
        before = work.number_change(callback.id, lock=True)
        may_send(work, callback, number, before, now, lock=True)
        texts, change = codes(house, work, queue, callback, number, now)
        work.put_number_change(change)
    for text in texts:
        house.dispatch.text(text.id)
    return change


def again(house: House, callback: Callback) -> NumberChange:
    """The same once more, with other codes. Raises TooLate, Unchanged."""
    with house.store.look() as work:
        change = work.number_change(callback.id)
    if change is None:
        raise Unchanged(No.NO_CHANGE)
    return begin(house, callback, change.number)


def refuse(house: House, callback: Callback, number: str | None) -> None:
    """Raises Unchanged where no code would be sent now to `number`, or (None) to the one that was given last."""
    with house.store.look() as work:
        before = work.number_change(callback.id)
        wanted = number or (before.number if before is not None else "")
        if not wanted:
            raise Unchanged(No.NO_CHANGE)
        may_send(work, callback, wanted, before, house.clock.now())


def may_send(
    work: Work, callback: Callback, number: str, before: NumberChange | None, now: datetime, *, lock: bool = False
) -> None:
    """The limits that keep this from being used against a stranger's telephone. `lock`: nobody else sends to the number
    until the transaction ends. Raises Unchanged."""
    if work.suppressed(number):
        raise Unchanged(No.REFUSED)
    if work.opted_out(number):
        raise Unchanged(No.NO_TEXTS)
    last = before.sent_at if before is not None and before.number == number else None  # mistyped: at once
    wait = proof.wait_to_send(last, now)
    if wait:
        raise Unchanged(No.TOO_SOON, wait)
    if work.texts_about(callback.id, proof.TO_NEW) >= proof.MOST_FOR_A_CALLBACK:
        raise Unchanged(No.TOO_MANY)
    if work.texts_to(number, proof.TO_NEW, since=now - proof.PER, lock=lock) >= proof.MOST_TO_A_NUMBER:
        raise Unchanged(No.TOO_MANY)


def codes(
    house: House, work: Work, queue: Queue, callback: Callback, number: str, now: datetime
) -> tuple[list[Text], NumberChange]:
    """A fresh code to either telephone; none to an old one that cannot get texts."""
    to = [(proof.TO_NEW, number)]
    if phone.can_text(callback.number) and not work.opted_out(callback.number):
        to.append((proof.TO_OLD, callback.number))
    texts, hashes = [], {}
    for kind, target in to:
        code = f"{secrets.randbelow(10**proof.DIGITS):0{proof.DIGITS}}"
        body = house.words.code(kind, callback.language, queue.name, code, house.book.wording(queue.key))
        texts.append(write(work, callback, kind, target, body, now))
        hashes[kind] = hash_of(house, callback.id, kind, number, code)
    return texts, NumberChange(callback.id, number, hashes[proof.TO_NEW], hashes.get(proof.TO_OLD, ""), now)


def hash_of(house: House, id: CallbackId, kind: str, number: str, code: str) -> str:
    """A code is good for one callback, one number and one of the two telephones. Spaces in it do not count."""
    return house.store.code_hash(f"{id} {kind} {number}", "".join(code.split()))


def prove(house: House, callback: Callback, new_code: str, old_code: str, *, cause: str) -> tuple[Verdict, Callback]:
    """The codes that they typed: right, and the callback goes to the new number; or why not.

    Raises TooLate, Unchanged.
    """
    now = house.clock.now()
    try:
        with house.store.begin() as work:
            callback = movable(work, callback.id)
            change = work.number_change(callback.id, lock=True)
            if change is None:
                raise Unchanged(No.NO_CHANGE)
            hashes = [
                hash_of(house, callback.id, kind, change.number, code)
                for kind, code in ((proof.TO_NEW, new_code), (proof.TO_OLD, old_code))
            ]
            verdict, change = proof.judge(change, hashes[0], hashes[1], now)
            if verdict is not Verdict.RIGHT:
                work.put_number_change(change)
                return verdict, callback
            moved, text = carry_over(house, work, callback, change, cause, now)
    except DuplicateOpen:
        raise Unchanged(No.TAKEN) from None
    follow(house, moved, now)
    if text is not None:
        house.dispatch.text(text.id)
    return Verdict.RIGHT, moved


def carry_over(
    house: House, work: Work, callback: Callback, change: NumberChange, cause: str, now: datetime
) -> tuple[Callback, Text | None]:
    """The new number is theirs. Where the old telephone could not say so, whoever talks with them can see that.

    Raises Unchanged, DuplicateOpen.
    """
    if work.suppressed(change.number):
        raise Unchanged(No.REFUSED)
    context = callback.context if change.old_hash else {**callback.context, "number_changed": "on the caller's page"}
    changed = replace(callback, number=change.number, proved=True, context=context)
    reason = "another number, proved by code" if change.old_hash else "another number, proved by its own code alone"
    moved = work.move(changed, Event.RENUMBER, reason=reason, cause=cause, at=now) or callback
    work.drop_number_change(callback.id)
    return moved, compose(work, house, house.book.queue(callback.queue), moved, "status", now)


def follow(house: House, callback: Callback, now: datetime) -> None:
    """The line knows them by the new number from now on, in the same place."""
    if callback.state is State.SCHEDULED:
        settle.book(house, callback)
        said.moved(house, callback, now)
        return
    place = house.line.standing(callback.queue, EntryId(callback.id)).place
    if place in ("due", "later"):
        house.line.enter(
            callback.queue,
            EntryId(callback.id),
            score=callback.score,
            joined_at=callback.joined_at,
            due=place == "due",
            number_hash=house.store.number_hash(callback.number),
            replaces=None,
            now=now,
        )
