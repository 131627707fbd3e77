"""Somebody wants to be forgotten: their promises end, and the record, the line and the carrier lose what names them.

The wish is a row, committed before anything else is done. Every step may be done twice, and each tells in the row how
far it came. Whoever asked goes on with it at once; where something is away, or they are on the phone at this moment, a
keeper goes on later. What is blanked is found by the hash of a number, so that a damaged row is forgotten as well.

In the end the row names nobody. Once more, some minutes later, whatever was on its way when they were forgotten is
looked for; then their hash goes too.
"""

import html
import re
import secrets
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from functools import partial

import structlog

from callback.domain import phone
from callback.domain.acts import Doer, What, act
from callback.domain.erasure import LATE, Erasure, Export, Stage, next_try
from callback.domain.errors import AlreadyBridged, InvalidInput, NotFound, Unreadable
from callback.domain.ids import CallbackId, EntryId
from callback.domain.lifecycle import Event
from callback.flows import cancel, match, persist
from callback.flows.poison import Item, guarded
from callback.ports import CarrierError, House, StillGoing, Store, Work

WISH = "erased at their wish"
"""Why a promise of theirs ended."""
ON_THE_PHONE = "they are on the phone with us: this is finished when the call has ended"
GOING_ON = "the carrier keeps the record of a call or a text until it has ended"
MOST = 25
"""So many of the carrier's records go at one time, within a task's time limit: the rest when the keeper comes again."""
WISHES = 4
"""So many are gone on with in one round of the keeper."""
SLICE = 200
"""Rows of each kind that become too old to be kept at one time."""
KEEPER = "retention"
"""Who asks for what is too old."""
OF_OURS = "this is a number of this house, not of a caller"

_log = structlog.get_logger("callback.erase")


@dataclass(frozen=True)
class Person:
    """Somebody by their number, as far as it can be read."""

    number_hash: str
    number: str = ""


@dataclass(frozen=True)
class Holdings:
    """What is held on somebody: rows by place, open promises, calls that go on, exports that may have them, and whether
    the number is that of somebody who works here."""

    found: dict[str, int]
    promises: Sequence[CallbackId]
    calls: int
    exports: Sequence[Export]
    works_here: bool


# --- who, and what is held on them ------------------------------------------------------------------------------


def person(store: Store, *, number: str | None = None, callback: str | None = None) -> Person:
    """Whoever has this number, or is behind this callback. Raises InvalidInput, NotFound."""
    if number is not None:
        known = phone.of_ours(number)
        return Person(store.number_hash(known), known)
    with store.look() as work:
        found = Person(*work.number_of(CallbackId(callback or "")))
    if not found.number_hash:
        raise NotFound(f"{callback} names nobody any more: it was erased")
    return found


def own_numbers(house: House) -> set[str]:
    """The numbers that we call from and that callers ring."""
    with house.store.look() as work:
        numbers = {number for queue in work.queues() for number in queue.numbers}
    return numbers | ({house.knobs.caller_id} if house.knobs.caller_id else set())


def works_here(work: Work, number: str) -> bool:
    """Whether an agent takes calls at this number: then the carrier's records by it are about other callers too."""
    return bool(number) and any(agent.contact == number for agent in work.agents())


def holdings(house: House, someone: Person) -> Holdings:
    """What there is now, without changing it."""
    with house.store.look() as work:
        promises, calls = work.unfinished(someone.number_hash)
        return Holdings(
            work.holdings(someone.number_hash),
            promises,
            calls,
            work.exports_of(someone.number_hash),
            works_here(work, someone.number),
        )


# --- the wish -----------------------------------------------------------------------------------------------------


def ask(house: House, someone: Person, *, doer: Doer, protection: bool = False, at_carrier: bool = True) -> Erasure:
    """Write the wish down; one that is under way already is the answer, and does from then on whatever either asked
    for. `protection`: also forget that this number must not be rung or texted. Raises InvalidInput for a number of
    ours: every call would be about it."""
    if someone.number and someone.number in own_numbers(house):
        raise InvalidInput("number", OF_OURS)
    now = house.clock.now()
    with house.store.begin() as work:
        under_way = work.erasure_of(someone.number_hash, lock=True)
        if under_way is not None:
            return widen(work, under_way, someone, doer, protection=protection, at_carrier=at_carrier, now=now)
        erasure = Erasure(
            f"er{secrets.token_hex(9)}", someone.number_hash, now, doer.by, number=someone.number,
            protection=protection, at_carrier=at_carrier, next_at=now,
        )  # fmt: skip
        after = {"protection": protection, "at_carrier": at_carrier}
        work.act(act(doer, What.ERASE, erasure.id, now, after=after))
        return work.put_erasure(erasure)


def widen(
    work: Work, under_way: Erasure, someone: Person, doer: Doer, *, protection: bool, at_carrier: bool, now: datetime
) -> Erasure:
    """Whoever asks for more than was asked for before gets it, from the first step on where that one has been taken
    already. Nothing that was asked for is taken back."""
    wider = replace(
        under_way, protection=under_way.protection or protection, at_carrier=under_way.at_carrier or at_carrier
    )
    if wider == under_way:
        return under_way
    stage = under_way.stage if wider.protection == under_way.protection else Stage.ASKED
    before, after = ({"protection": one.protection, "at_carrier": one.at_carrier} for one in (under_way, wider))
    work.act(act(doer, What.ERASE, under_way.id, now, before=before, after=after))
    known_as = under_way.number or someone.number
    return work.put_erasure(replace(wider, stage=stage, number=known_as, next_at=now, tries=0, error=""))


def go_on(house: House, id: str, *, here_only: bool = False) -> Erasure:
    """As far as it goes now. What is away is told in `error`, and tried again by the keeper. `here_only`: the carrier
    is left to the keeper. Raises NotFound, and what the record raises when it is away."""
    erasure = claim(house, id)
    try:
        if erasure.stage is Stage.ASKED:
            erasure = forget_here(house, erasure)
        if erasure.stage is Stage.BLANKED and not here_only:
            erasure = forget_at_carrier(house, erasure)
        elif erasure.stage is Stage.DONE:
            erasure = look_again(house, erasure)
    except (ConnectionError, CarrierError) as away:
        return put_off(house, erasure, str(away) or type(away).__name__)
    return erasure


def claim(house: House, id: str) -> Erasure:
    """Whoever dies in the middle of it is followed by the keeper after a pause, which grows each time."""
    now = house.clock.now()
    with house.store.begin() as work:
        erasure = work.erasure(id, lock=True)
        if erasure.next_at is None:
            return erasure
        return work.put_erasure(replace(erasure, tries=erasure.tries + 1, next_at=next_try(erasure.tries + 1, now)))


def put_off(house: House, erasure: Erasure, why: str) -> Erasure:
    """It did not come to its end."""
    _log.warning("erasure.put_off", id=erasure.id, why=why)
    with house.store.begin() as work:
        known = work.erasure(erasure.id, lock=True)
        return work.put_erasure(replace(known, error=why))


# --- here ---------------------------------------------------------------------------------------------------------


def forget_here(house: House, erasure: Erasure) -> Erasure:
    """Their promises end; then what names them goes, unless they are on the phone."""
    persist.persist(house)
    with house.store.look() as work:
        promises, _ = work.unfinished(erasure.number_hash)
    for promise in promises:
        end(house, promise, erasure)
    forget_in_line(house, erasure)
    now = house.clock.now()
    with house.store.begin() as work:
        erasure = work.erasure(erasure.id, lock=True)
        if erasure.stage is not Stage.ASKED:
            return erasure
        if any(work.unfinished(erasure.number_hash)):
            return work.put_erasure(replace(erasure, error=ON_THE_PHONE, tries=0, next_at=next_try(1, now)))
        blanked = work.blank(erasure.number_hash, protection=erasure.protection)
        _log.info("erasure.blanked", id=erasure.id, rows=blanked.rows)
        return work.put_erasure(
            replace(
                erasure, stage=Stage.BLANKED, blanked_at=now, found=both(erasure.found, blanked.found),
                records=tuple(dict.fromkeys((*erasure.records, *blanked.records))), error="", tries=0, next_at=now,
            )
        )  # fmt: skip


def both(before: Mapping[str, int], more: Mapping[str, int]) -> dict[str, int]:
    """Rows by place, of two times that it was done."""
    return {place: before.get(place, 0) + more.get(place, 0) for place in (*before, *more)}


def end(house: House, id: CallbackId, erasure: Erasure) -> None:
    """No promise is kept to somebody who is to be forgotten. One about which they talk ends with the talk."""
    try:
        cancel.cancel(house, id, reason=WISH, cause=f"erasure {erasure.id}")
    except AlreadyBridged:
        return
    except Unreadable:
        now = house.clock.now()
        with house.store.begin() as work:
            work.write_off(id, Event.CANCEL, reason=WISH, cause=f"erasure {erasure.id}", at=now)
        house.line.leave(EntryId(id), reason=WISH, now=now)


def forget_in_line(house: House, erasure: Erasure) -> None:
    """What is remembered of the number, promises that ended and stand there still, since whoever ended them died, and
    documents in which it was read out, kept for a repeat."""
    for entry in house.line.forget_person(erasure.number_hash):
        if is_over(house, CallbackId(entry), erasure):
            left = house.line.leave(entry, reason=WISH, now=house.clock.now())
            if left.reservation is not None:
                match.run_agent(house, left.reservation.agent)
    if erasure.number:
        house.once.forget(told_of(erasure.number, names(house, erasure.number)))


def is_over(house: House, id: CallbackId, erasure: Erasure) -> bool:
    """Whether this promise, which stands in line by the number's hash, is theirs and nobody keeps it any more."""
    with house.store.look() as work:
        try:
            number_hash, _ = work.number_of(id)
        except NotFound:
            return True
        return number_hash in ("", erasure.number_hash) and id not in work.unfinished(erasure.number_hash)[0]


def names(house: House, number: str) -> set[str]:
    """The names by which we know them."""
    with house.store.look() as work:
        return {callback.name for callback in work.callbacks(number=number, limit=200).items if callback.name}


def told_of(number: str, known_as: set[str]) -> Callable[[str], bool]:
    """Finds them in a document: by the number as the carrier or a person would say it, or by a name."""
    plain, said = number.removeprefix("+"), "".join(phone.groups(number))

    def about(document: str) -> bool:
        text = html.unescape(document)
        pieces = (re.sub(r"\D", "", piece) for piece in re.split(r"[<>\"]", text))
        return any(plain in digits or said in digits for digits in pieces) or any(name in text for name in known_as)

    return about


# --- at the carrier -----------------------------------------------------------------------------------------------


def forget_at_carrier(house: House, erasure: Erasure) -> Erasure:
    """The carrier's records of their calls and texts: those we know by name, then all others by their number."""
    forget_in_line(house, erasure)
    left, waiting = delete(house, erasure.records) if erasure.at_carrier else ([], [])
    if not left and not waiting:
        left = others(house, erasure)
    now, at_carrier = house.clock.now(), erasure.at_carrier
    with house.store.begin() as work:
        erasure = work.erasure(erasure.id, lock=True)
        if erasure.stage is not Stage.BLANKED or erasure.at_carrier is not at_carrier:
            return erasure  # more was asked for meanwhile: a keeper goes on with it
        if left or waiting:
            again = now if left else next_try(erasure.tries, now)
            error = "" if left else GOING_ON
            tries = 0 if left else erasure.tries
            return work.put_erasure(
                replace(erasure, records=(*left, *waiting), error=error, tries=tries, next_at=again)
            )
        _log.info("erasure.done", id=erasure.id, rows=sum(erasure.found.values()))
        later = now + LATE if erasure.number_hash else None
        return work.put_erasure(
            replace(
                erasure, stage=Stage.DONE, done_at=now, number="", records=(), error="", tries=0, next_at=later
            )
        )  # fmt: skip


def others(house: House, erasure: Erasure) -> list[str]:
    """What the carrier has of them besides. By an agent's own number it would name other callers' calls."""
    if not erasure.at_carrier or not erasure.number:
        return []
    with house.store.look() as work:
        if works_here(work, erasure.number):
            return []
    return house.carrier.records_of(erasure.number)


def delete(house: House, sids: Sequence[str]) -> tuple[list[str], list[str]]:
    """What is left for another time, and what the carrier keeps until it is over. Raises CarrierError."""
    waiting: list[str] = []
    for sid in sids[:MOST]:
        try:
            house.carrier.delete_record(sid)
        except StillGoing:
            waiting.append(sid)
    return list(sids[MOST:]), waiting


# --- afterwards ---------------------------------------------------------------------------------------------------


def look_again(house: House, erasure: Erasure) -> Erasure:
    """A report of the carrier, or a text, may have been on its way: what it wrote down goes too, and then the hash."""
    if erasure.next_at is None:
        return erasure
    persist.persist(house)
    now = house.clock.now()
    with house.store.begin() as work:
        erasure = work.erasure(erasure.id, lock=True)
        blanked = work.blank(erasure.number_hash, until=erasure.blanked_at)
        late = bool(blanked.records) and erasure.at_carrier
        return work.put_erasure(
            replace(
                erasure, number_hash="", found=both(erasure.found, blanked.found), tries=0,
                records=blanked.records if late else (),
                stage=Stage.BLANKED if late else Stage.DONE, next_at=now if late else None,
            )
        )  # fmt: skip


# --- the keeper ---------------------------------------------------------------------------------------------------


def keep(house: House) -> int:
    """Go on with every wish whose time has come; returns how many."""
    with house.store.look() as work:
        due = work.erasures_due(house.clock.now(), WISHES)
    for one in due:
        guarded(house, Item("step", "erasing", "", "erasing"), partial(go_on, house, one), None)
    return len(due)


def forget_old(house: House) -> int:
    """Blank a slice of what was over so long ago that nobody is to be named in it; returns how many rows."""
    if house.knobs.retention_days is None:
        return 0
    now = house.clock.now()
    with house.store.begin() as work:
        blanked = work.blank_old(now - timedelta(days=house.knobs.retention_days), SLICE)
        if blanked.records and house.knobs.retention_at_carrier:
            work.put_erasure(
                Erasure(
                    f"er{secrets.token_hex(9)}", "", now, KEEPER, Stage.BLANKED, blanked_at=now, next_at=now,
                    found=blanked.found, records=blanked.records,
                )
            )  # fmt: skip
    return blanked.rows
