"""What is wrong with the house as a whole, since when, what it means for callers, and what to do: one look for all.

The console's banner, the wallboard, the desk, `/readyz`, `/metrics`, the log and `callback doctor` show what this
finds. It asks nobody who may be away: it goes by what is known already (the state of the way to the line and to the
record, the board, the disk of this machine), so it takes no time and never fails.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

import structlog

from callback.domain.policy import Queue
from callback.flows import account
from callback.flows.book import caller_id
from callback.ports import House, Notice, Picture

DIALERS = "dial"
LANES = ("dial", "messages", "sweep", "persist")
TICK = "tick"
HELD = "held"
"""The figure of the board that says how much is in quarantine."""
QUIET_S = 10.0
"""The least silence that means something."""
FEW = 3
"""Refusals in a row from which on a busy or silent carrier is a condition of the house."""
RECENT = timedelta(seconds=60)
SPARE_BYTES, FULL_BYTES = 100_000_000, 1_000_000
"""Less space than this is worth a warning; less than that is none."""
_log = structlog.get_logger("callback.condition")


class Part(StrEnum):
    """What can be out of order."""

    LINE = "line"
    RECORD = "record"
    EPOCH = "epoch"
    WORKERS = "workers"
    BEAT = "beat"
    SWEEP = "sweep"
    CARRIER = "carrier"
    DISK = "disk"
    QUARANTINE = "quarantine"


class Severity(StrEnum):
    """Whether callers notice now (`bad`), or will unless somebody looks (`warn`)."""

    WARN = "warn"
    BAD = "bad"


@dataclass(frozen=True)
class Condition:
    """One thing that is out of order. `word` names the kind, `detail` is a code, a figure or a machine."""

    part: Part
    word: str
    severity: Severity
    since: datetime | None
    detail: str = ""

    @property
    def meaning(self) -> str:
        """What it means for callers, in one sentence."""
        return SENTENCES[self.part, self.word][0]

    @property
    def remedy(self) -> str:
        """What to do about it."""
        return SENTENCES[self.part, self.word][1]


SENTENCES: dict[tuple[Part, str], tuple[str, str]] = {
    (Part.LINE, "away"): (
        "Redis cannot be reached: callers hold with music and keep their places, and nobody is connected or called.",
        "Start Redis, or mend the way to it; the line is whole again by itself a moment later.",
    ),
    (Part.RECORD, "away"): (
        "The database cannot be reached: callers are served live, and no callback is promised or called.",
        "Start the database, or mend the way to it; everything goes on by itself a moment later.",
    ),
    (Part.EPOCH, "lost"): (
        "The line was lost and will be rebuilt from the record: callers hold, and nobody is connected out of turn.",
        "Nothing: it is rebuilt by itself. If it does not begin within a minute, run `callback rebuild`.",
    ),
    (Part.EPOCH, "rebuilding"): (
        "The line is being rebuilt from the record: callers hold and keep their places until it is whole.",
        "Nothing: it is over in seconds.",
    ),
    (Part.WORKERS, "gone"): (
        "No worker dials: nobody is called back, new callbacks are not offered, and callers hold.",
        "Start the workers of the Procfile (`callback run` starts them again by itself) and look at their log.",
    ),
    (Part.WORKERS, "lane"): (
        "Some kinds of work are done by nobody: what was lost on the way is not found again, or texts are not sent.",
        "Start every worker of the Procfile, and look at its log.",
    ),
    (Part.BEAT, "gone"): (
        "The beat does not tick: nobody looks for lost work, and retries and appointments do not start.",
        "Start the beat of the Procfile (`callback run` starts it again by itself) and look at its log.",
    ),
    (Part.SWEEP, "late"): (
        "The workers do not keep up: retries start late, and what was lost is found late.",
        "Look at the workers' log and at the machine's load; start more of them.",
    ),
    (Part.CARRIER, "stopped"): (
        "The carrier refuses to dial: nobody is called back and no callback is offered; places and attempts are kept.",
        "Mend the account at the carrier, its credentials here, or the caller id; `callback doctor` says which.",
    ),
    (Part.CARRIER, "silent"): (
        "The carrier does not answer: callbacks start late, and each is checked before it is tried again.",
        "Look at the carrier's status page and at the way to the internet from here.",
    ),
    (Part.CARRIER, "busy"): (
        "The carrier takes no more calls at once: callbacks start late, and no attempt is spent.",
        "Lower CARRIER_CALLS_PER_SECOND to the pace of the account, or have the carrier raise it.",
    ),
    (Part.DISK, "filling"): (
        "The disk is nearly full: when it is, no callback can be promised.",
        "Free some space, or make the disk larger.",
    ),
    (Part.DISK, "full"): (
        "The disk is full: no callback can be promised, and callers hold.",
        "Free some space; everything goes on by itself.",
    ),
    (Part.QUARANTINE, "held"): (
        "Something failed again and again and was set aside: somebody may be waiting for a call that does not come.",
        "Open the console's page of what is set aside, mend the cause, and try it again or give it up there.",
    ),
}
"""Of each kind of condition: what it means for callers, and what to do."""


# --- the look ---------------------------------------------------------------------------------------------------


def look(house: House) -> list[Condition]:
    """Everything that is out of order, the worst first. Never raises; takes no time."""
    picture, now = house.board.read(), house.clock.now()
    away = {backend.name: backend for backend in house.backends if backend.since is not None}
    found = [Condition(Part(name), "away", Severity.BAD, one.since, one.why) for name, one in away.items()]
    if Part.LINE not in away:
        found += [*_epoch(house), *_workers(house, picture, now, record_away=Part.RECORD in away)]
    found += [*_carrier(picture, now), *_disk(house, picture, now), *_quarantine(picture)]
    return sorted(found, key=lambda one: (one.severity is not Severity.BAD, list(Part).index(one.part)))


def _epoch(house: House) -> Iterator[Condition]:
    state = house.board.read().notice("epoch")
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


def _disk(house: House, picture: Picture, now: datetime) -> Iterator[Condition]:
    here = disk_word(house)
    if here:
        yield Condition(Part.DISK, here, Severity.BAD if here == "full" else Severity.WARN, None, "this machine")
    for notice in picture.notices:
        if notice.key.startswith("disk:") and now - notice.last < RECENT:
            severity = Severity.BAD if notice.word == "full" else Severity.WARN
            yield Condition(Part.DISK, notice.word, severity, notice.since, notice.key.partition(":")[2])


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


class Crier:
    """Says in the log, once in the whole house, that a condition began and that it ended. One a process."""

    def __init__(self) -> None:
        self._known: dict[str, Condition] = {}

    def cry(self, house: House) -> list[Condition]:
        """Look, and say what is news. Returns what was found."""
        found = look(house)
        now = {f"{one.part}.{one.word}.{one.detail if one.part is Part.DISK else ''}": one for one in found}
        for name in now.keys() - self._known.keys():
            if house.board.tell(name):
                one = now[name]
                _log.error("condition.began", part=one.part, kind=one.word, detail=one.detail, meaning=one.meaning)
        for name in self._known.keys() - now.keys():
            if house.board.untell(name):
                one = self._known[name]
                _log.error("condition.ended", part=one.part, kind=one.word, lasted_s=_lasted_s(one, house))
        self._known = now
        return found


def _lasted_s(one: Condition, house: House) -> float | None:
    return None if one.since is None else round((house.clock.now() - one.since).total_seconds(), 1)
