"""How long a rehearsal takes: a day of 5,000 calls on twenty agents, one policy, with the start of the command."""

import json
import resource
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from statistics import median

from bench.figures import Figure, Target
from tests.support.traffic import crowd, save

CALLS, AGENTS = 5000, 20
MOST_S = 2.0
MODES = ("customer_first", "dial_ahead")
ROUNDS = 3


def measure(quick: bool, tick: Callable[[], None]) -> list[Figure]:
    """Seconds of processor time, the median of the rounds; the target is that of the usual mode."""
    rounds = 1 if quick else ROUNDS
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        save(crowd(200 if quick else CALLS, agents=AGENTS), folder / "A.csv")
        spent: dict[str, list[float]] = {mode: [] for mode in MODES}
        for _ in range(rounds):
            for mode in MODES:
                spent[mode].append(_play(folder, mode))
            tick()
    return [
        Figure("rehearse", f"a day of {CALLS:,} calls, {mode}", "s", median(spent[mode]), target=_target(mode))
        for mode in MODES
    ]


def _target(mode: str) -> Target | None:
    return Target(MOST_S) if mode == MODES[0] else None


def _play(folder: Path, mode: str) -> float:
    policy = folder / f"{mode}.json"
    policy.write_text(json.dumps({"offer_at_wait_s": 120, "dial_mode": mode}))
    command = [str(Path(sys.executable).with_name("callback")), "rehearse", "--trace", str(folder / "A.csv")]
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    subprocess.run([*command, "--policy", str(policy), "--json"], check=True, stdout=subprocess.DEVNULL)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime - before.ru_utime + after.ru_stime - before.ru_stime
