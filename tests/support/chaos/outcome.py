"""What one trial came to, kept as a line of JSON, and the table that all of them make.

Trials run in several test processes at once; each appends to a file of its own in one folder, so that nothing has to
be passed between them and a run that was cut short still tells what it had found.
"""

import json
import os
import statistics
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path

FAULTS = {
    1: "web killed around the sign-up's commit",
    2: "worker killed after the reservation, before the dial",
    3: "worker killed after the carrier accepted, before the sid is known",
    4: "worker killed after the outcome, before the ack",
    5: "Redis emptied with hundreds waiting",
    6: "Redis away",
    7: "Redis restored from an older dump",
    8: "database restarted in mid-transition",
    9: "database away when a call arrives",
    10: "every webhook twice, at once",
    11: "webhooks in every order",
    12: "the last webhook never comes",
    13: "a webhook hours late",
    14: "a burst of 429",
    15: "503, hang or garbage 201: accepted or not",
    16: "one worker's clock ten minutes off",
    17: '"agent free" twice, or stale',
    18: "many workers, one free agent",
    19: "the caller rings in while being dialled",
    20: "cancel while dialling, or queued at the carrier",
    21: "the agent is gone",
    22: "daylight saving and closing time",
    23: "a poisoned row or task",
    24: "rolling deploy under load",
    25: "disk full",
}
"""The faults by the number under which they are known."""
SOAK = 0
"""Where the soak's figures stand in the table."""


@dataclass(frozen=True)
class Outcome:
    """One provocation: at which point it struck, what was broken, and seconds until all was well again."""

    fault: int
    trial: int
    seed: int
    point: str
    recovered_s: float | None
    breaches: tuple[str, ...] = field(default=())

    def invariants(self) -> set[str]:
        """The letters of what was broken."""
        return {breach.partition(":")[0] for breach in self.breaches}


class Record:
    """The outcomes of this process, appended to a file in the folder shared by all."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self._folder = folder
        self._path = folder / f"{os.getpid()}.jsonl"

    def add(self, outcome: Outcome) -> None:
        """One more."""
        with self._path.open("a", encoding="utf-8") as lines:
            lines.write(json.dumps(asdict(outcome), ensure_ascii=False) + "\n")

    def story(self, name: str, text: str) -> Path:
        """What the witnesses saw of a trial in which something broke."""
        path = self._folder / f"{name}.txt"
        path.write_text(text, encoding="utf-8")
        return path


def read(folder: Path) -> list[Outcome]:
    """Everything that was recorded there."""
    lines = [line for path in sorted(folder.glob("*.jsonl")) for line in path.read_text(encoding="utf-8").splitlines()]
    found = [json.loads(line) for line in lines]
    return [Outcome(**{**one, "breaches": tuple(one["breaches"])}) for one in found]


def table(outcomes: Iterable[Outcome]) -> str:
    """In Markdown: a row a fault, with how often it was provoked, what broke, and how long the recovery took."""
    by_fault: dict[int, list[Outcome]] = {}
    for outcome in outcomes:
        by_fault.setdefault(outcome.fault, []).append(outcome)
    head = ["# | fault | provoked | breaches | recovery, median | recovery, max", "--:|--|--:|--:|--:|--:"]
    rows = [_row(fault, by_fault.get(fault, [])) for fault in FAULTS]
    extra = [_row(fault, found) for fault, found in sorted(by_fault.items()) if fault not in FAULTS]
    return "\n".join(f"| {line} |" for line in [*head, *rows, *extra])


def _row(fault: int, found: Sequence[Outcome]) -> str:
    name = FAULTS.get(fault, "the soak")
    if not found:
        return f"{fault} | {name} | 0 | | | "
    took = [one.recovered_s for one in found if one.recovered_s is not None]
    broken = sorted({letter for one in found for letter in one.invariants()})
    count = sum(1 for one in found if one.breaches)
    breaches = f"{count} ({', '.join(broken)})" if broken else "0"
    spans = f"{statistics.median(took):.1f} s | {max(took):.1f} s" if took else "– | –"
    return f"{fault} | {name} | {len(found)} | {breaches} | {spans}"
