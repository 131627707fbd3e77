"""What is wrong with the house as a whole, since when, what it means for callers, and what to do: one look for all.

The console's banner, the wallboard, the desk, `/readyz`, `/metrics`, the log and `callback doctor` show what this
finds. It asks nobody who may be away: it goes by what is known already (the state of the way to the line and to the
record, the board, the disk of this machine), so it takes no time and never fails.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta

import structlog

from callback.domain.condition import Condition, Part, Severity
from callback.domain.policy import Queue
from callback.flows import account
from callback.flows.book import caller_id
from callback.ports import House, Notice, Picture

DIALERS = "dial"
LANES = ("dial", "messages", "sweep", "persist")
ESTIMATE = "estimate"
"""The estimator's sign of life. A house that never had one misses nothing."""
TICK = "tick"
EPOCH = "epoch"
HELD = "held"
"""The figure of the board that says how much is in quarantine."""
QUIET_S = 10.0
"""The least silence that means something."""
ESTIMATE_S = 30.0
"""An estimator that learns says nothing for seconds."""
FEW = 3
"""Refusals in a row from which on a busy or silent carrier is a condition of the house."""
RECENT = timedelta(seconds=60)
SPARE_BYTES, FULL_BYTES = 100_000_000, 1_000_000
"""Less space than this is worth a warning; less than that is none."""
_log = structlog.get_logger("callback.condition")


# --- the look ---------------------------------------------------------------------------------------------------


def look(house: House) -> list[Condition]:
    """Everything that is out of order, the worst first. Never raises; takes no time."""
    picture, now = house.board.read(), house.clock.now()
    away = {backend.name: backend for backend in house.backends if backend.since is not None}
    found = [Condition(Part(name), "away", Severity.BAD, one.since, one.why) for name, one in away.items()]
    if Part.LINE not in away:
        found += [*_epoch(house), *_workers(house, picture, now, record_away=Part.RECORD in away)]
    found += [*_carrier(picture, now), *_disk(house), *_quarantine(picture)]
    return sorted(found, key=lambda one: (one.severity is not Severity.BAD, list(Part).index(one.part)))


def _epoch(house: House) -> Iterator[Condition]:
    state = house.board.read().notice(EPOCH)
    if state is not None:
        yield Condition(Part.EPOCH, state.word, Severity.BAD, state.since, state.why)


def silence_s(house: House) -> float:
    """Silence of this many seconds means that nobody is there."""
    return max(QUIET_S, 5 * house.knobs.sweep_s)


def silent_since(picture: Picture, kind: str, now: datetime, for_s: float) -> datetime | None:
    """Since when nobody has done this kind of work, if that is longer than `for_s`."""
    heard = picture.beats.get(kind)
    return heard if heard is not None and now - heard > timedelta(seconds=for_s) else None


def _workers(house: House, picture: Picture, now: datetime, *, record_away: bool) -> Iterator[Condition]:
    limit_s = silence_s(house)
    gone = {lane: since for lane in LANES if (since := silent_since(picture, lane, now, limit_s))}
    if DIALERS in gone:
        yield Condition(Part.WORKERS, "gone", Severity.BAD, gone[DIALERS], ", ".join(gone))
    elif gone:
        yield Condition(Part.WORKERS, "lane", Severity.BAD, min(gone.values()), ", ".join(gone))
    late = silent_since(picture, TICK, now, limit_s)
    if late is not None and not picture.ticking:
        yield Condition(Part.BEAT, "gone", Severity.BAD, late)
    elif late is not None and not gone and not record_away:
        yield Condition(Part.SWEEP, "late", Severity.WARN, late)
    learning = silent_since(picture, ESTIMATE, now, ESTIMATE_S)
    if learning is not None:
        yield Condition(Part.ESTIMATOR, "gone", Severity.WARN, learning)


def _carrier(picture: Picture, now: datetime) -> Iterator[Condition]:
    for notice in picture.notices:
        if notice.word == account.STOPPED:
            number = notice.key.partition(":")[2]
            yield Condition(Part.CARRIER, notice.word, Severity.BAD, notice.since, f"{notice.why} {number}".strip())
        elif notice.key in (account.BUSY, account.SILENT) and _lasting(notice, now):
            yield Condition(Part.CARRIER, notice.word, Severity.WARN, notice.since, notice.why)


def _lasting(notice: Notice, now: datetime) -> bool:
    """More than a hiccup, and not long ago."""
    return notice.times >= FEW and now - notice.last < RECENT


def _disk(house: House) -> Iterator[Condition]:
    word = disk_word(house)
    if word:
        yield Condition(Part.DISK, word, Severity.BAD if word == "full" else Severity.WARN, None)


def disk_word(house: House) -> str:
    """How full the disk of this machine is: `full`, `filling`, or "" for what needs no word."""
    left = house.disk.free()
    if left is None:
        return ""
    free, total = left
    if free < FULL_BYTES:
        return "full"
    return "filling" if free < min(SPARE_BYTES, total // 20) else ""


def _quarantine(picture: Picture) -> Iterator[Condition]:
    held = picture.counts.get(HELD, 0)
    if held:
        yield Condition(Part.QUARANTINE, "held", Severity.WARN, None, str(held))


# --- what follows for the offer ---------------------------------------------------------------------------------


def can_ring(house: House, queue: Queue) -> bool:
    """Whether a promise of `queue` could be kept if it were its turn: somebody dials, and the carrier lets us."""
    picture, now = house.board.read(), house.clock.now()
    if silent_since(picture, DIALERS, now, house.knobs.gone_s) is not None:
        return False
    return account.stopped(house, caller_id(house, queue)) is None


# --- what the workers leave, and what the log says ----------------------------------------------------------------


@contextmanager
def round_of_the_sweep(house: House) -> Iterator[None]:
    """Around each round: who may be paired is, and that somebody sweeps is said, even of a round that failed."""
    try:
        account.tend(house)
        yield
        with house.store.begin() as work:
            house.board.count(**{HELD: work.held_count()})
    finally:
        house.board.beat(TICK)


def line_is(house: House, state: str) -> None:
    """What the guard of the line found, `whole` or not, for all to know."""
    hanging = house.board.read().notice(EPOCH)
    if state == "whole":
        if hanging is not None:
            house.board.clear(EPOCH)
    elif hanging is None or hanging.word != state:
        house.board.post(EPOCH, state, "", now=house.clock.now())


class Crier:
    """Says in the log, once in the whole house, that a condition began and that it ended. One a process."""

    def __init__(self) -> None:
        self._known: dict[str, Condition] = {}

    def cry(self, house: House) -> list[Condition]:
        """Look, and say what is news. Returns what was found."""
        found = look(house)
        now = {f"{one.part}.{one.word}": one for one in found}
        for name in now.keys() - self._known.keys():
            if house.board.tell(name):
                one = now[name]
                _log.error("condition.began", part=one.part, kind=one.word, detail=one.detail, title=one.words.title)
        for name in self._known.keys() - now.keys():
            if house.board.untell(name):
                one = self._known[name]
                _log.error("condition.ended", part=one.part, kind=one.word, lasted_s=_lasted_s(one, house))
        self._known = now
        return found


def _lasted_s(one: Condition, house: House) -> float | None:
    return None if one.since is None else round((house.clock.now() - one.since).total_seconds(), 1)
