"""What can be wrong with a house as a whole, in words: one vocabulary for the banner, the log, the figures and the
commands."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum


class Part(StrEnum):
    """What can be out of order."""

    LINE = "line"
    RECORD = "record"
    EPOCH = "epoch"
    WORKERS = "workers"
    BEAT = "beat"
    SWEEP = "sweep"
    ESTIMATOR = "estimator"
    CARRIER = "carrier"
    DISK = "disk"
    QUARANTINE = "quarantine"


class Severity(StrEnum):
    """Whether callers notice now (`bad`), or will unless somebody looks (`warn`)."""

    WARN = "warn"
    BAD = "bad"


@dataclass(frozen=True)
class Words:
    """A condition said to people: its name, what it means for callers, and what to do."""

    title: str
    meaning: str
    remedy: str


@dataclass(frozen=True)
class Condition:
    """One thing that is out of order, since when if that is known. `word` names the kind, `detail` is a code, a figure
    or a machine."""

    part: Part
    word: str
    severity: Severity
    since: datetime | None
    detail: str = ""

    @property
    def words(self) -> Words:
        """In English; `WORDS` is in the catalogue."""
        return WORDS[self.part, self.word]


def told(sentence: str) -> str:
    """Marks a sentence for the catalogue."""
    return sentence


WORDS: dict[tuple[Part, str], Words] = {
    (Part.LINE, "away"): Words(
        told("Redis cannot be reached"),
        told("Callers hold with music and keep their places. Nobody is connected or called back."),
        told("Start Redis, or mend the way to it. Everything goes on by itself a moment later."),
    ),
    (Part.RECORD, "away"): Words(
        told("The database cannot be reached"),
        told("Callers are served live. No callback is promised, and nobody is called back."),
        told("Start the database, or mend the way to it. Everything goes on by itself a moment later."),
    ),
    (Part.EPOCH, "lost"): Words(
        told("The line was lost"),
        told("Callers hold, and nobody is connected out of turn, until it is rebuilt from the record."),
        told("Nothing needs doing: it is rebuilt by itself. If not within a minute, run: callback rebuild"),
    ),
    (Part.EPOCH, "rebuilding"): Words(
        told("The line is being rebuilt"),
        told("Callers hold and keep their places until it is whole."),
        told("Nothing needs doing: it is over in seconds."),
    ),
    (Part.WORKERS, "gone"): Words(
        told("No worker is at work"),
        told("Nobody is called back, and no callback is offered. Callers on hold are still connected."),
        told("Start the workers of the Procfile, and look at their log."),
    ),
    (Part.WORKERS, "lane"): Words(
        told("Some work is done by nobody"),
        told("Retries and appointments may not start, texts may not go out, and what gets lost is not found again."),
        told("Start every worker of the Procfile, and look at its log."),
    ),
    (Part.BEAT, "gone"): Words(
        told("The beat does not tick"),
        told("Retries and appointments do not start, and what gets lost is not found again."),
        told("Start the beat of the Procfile, and look at its log."),
    ),
    (Part.SWEEP, "late"): Words(
        told("The workers do not keep up"),
        told("Retries and appointments start late, and what gets lost is found late."),
        told("Look at the workers' log and at the load of their machine, and start more of them."),
    ),
    (Part.ESTIMATOR, "gone"): Words(
        told("Nobody learns the waits"),
        told("Waits are announced by the simple rule, less exactly. Calls and callbacks go on as ever."),
        told("Start the estimator of the Procfile, and look at its log."),
    ),
    (Part.CARRIER, "stopped"): Words(
        told("The carrier refuses to dial"),
        told("Nobody is called back, and no callback is offered. Promises keep their places and their attempts."),
        told(
            "Mend the account at the carrier, its credentials here, or the caller id. This says which: callback doctor"
        ),
    ),
    (Part.CARRIER, "silent"): Words(
        told("The carrier does not answer"),
        told("Callbacks start late. Each is looked up at the carrier before it is tried again."),
        told("Look at the carrier's status page, and at the way to the internet from here."),
    ),
    (Part.CARRIER, "busy"): Words(
        told("The carrier takes no more calls"),
        told("Callbacks start late. No attempt is spent."),
        told("Set CARRIER_CALLS_PER_SECOND to the pace of the account, or have the carrier raise it."),
    ),
    (Part.DISK, "filling"): Words(
        told("The disk is nearly full"),
        told("Callers notice nothing yet. Once it is full, no callback can be promised."),
        told("Free some space, or make the disk larger."),
    ),
    (Part.DISK, "full"): Words(
        told("The disk is full"),
        told("No callback can be promised. Callers hold and keep their places."),
        told("Free some space. Everything goes on by itself."),
    ),
    (Part.QUARANTINE, "held"): Words(
        told("Something was set aside"),
        told("It failed again and again. Somebody may be waiting for a call that does not come."),
        told("Open the list of what was set aside, mend the cause, then try it again or give it up."),
    ),
}
"""Of each kind of condition: what people are told."""
