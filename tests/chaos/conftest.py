"""The harness: provoke a fault so many times at random points, judge each from outside, and print the table.

`CHAOS_TRIALS` says how often (1 unless told otherwise: the short version that `make test` runs), `CHAOS_SEED` which
dice, `CHAOS_FAULT` narrows to one fault, `CHAOS_RECORD` is the folder of the outcomes and `CHAOS_TABLE` a file for the
table. Tests marked `chaos` are too long for `make test` and run only where `CHAOS_TRIALS` is set.
"""

import os
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.support import scratch
from tests.support.chaos.building import Building
from tests.support.chaos.outcome import Outcome, Record, read, table
from tests.support.chaos.stage import Round

Play = Callable[[Round], None]
Provoke = Callable[..., None]
TRIAL_S = 120
"""Generous: what one round may take before the test is given up."""


def pytest_configure(config: pytest.Config) -> None:
    """One folder and one seed for all test processes, inherited by them."""
    config.addinivalue_line("markers", "fault(number): provokes that fault")
    config.addinivalue_line("markers", "chaos: too long for every day; runs where CHAOS_TRIALS is set")
    os.environ.setdefault("CHAOS_RECORD", tempfile.mkdtemp(prefix="chaos-", dir=scratch.DISK))
    os.environ.setdefault("CHAOS_SEED", str(int(time.time()) % 1_000_000))


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Take what was asked for, and give it time."""
    wanted = os.environ.get("CHAOS_FAULT", "")
    left = [item for item in items if not _asked_for(item, wanted)]
    if left:
        config.hook.pytest_deselected(items=left)
        items[:] = [item for item in items if item not in left]
    for item in items:
        if item.get_closest_marker("fault") is not None and item.get_closest_marker("timeout") is None:
            item.add_marker(pytest.mark.timeout(TRIAL_S * (1 + trials())))


def _asked_for(item: pytest.Item, wanted: str) -> bool:
    if not item.path.is_relative_to(Path(__file__).parent):
        return True
    if item.get_closest_marker("chaos") is not None and "CHAOS_TRIALS" not in os.environ:
        return False
    marker = item.get_closest_marker("fault")
    return not wanted or (marker is not None and str(marker.args[0]) == wanted)


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """The table, on the terminal and in the file asked for."""
    outcomes = read(Path(os.environ["CHAOS_RECORD"]))
    if not outcomes:
        return
    written = table(outcomes)
    terminalreporter.section(f"faults provoked (seed {os.environ['CHAOS_SEED']})")
    terminalreporter.line(written)
    for outcome in outcomes:
        for breach in outcome.breaches:
            terminalreporter.line(f"fault {outcome.fault}, trial {outcome.trial}, {outcome.point}: {breach}"[:400])
    if path := os.environ.get("CHAOS_TABLE"):
        Path(path).write_text(written + "\n", encoding="utf-8")


def trials() -> int:
    """How often each fault is provoked."""
    return int(os.environ.get("CHAOS_TRIALS", "1"))


@pytest.fixture(scope="session")
def record() -> Record:
    """Where this process writes its outcomes."""
    return Record(Path(os.environ["CHAOS_RECORD"]))


@pytest.fixture(scope="session")
def shared_building(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Building]:
    """Everything twice, shared by all tests of this process."""
    found = Building(tmp_path_factory.mktemp("chaos"))
    yield found
    found.close()


@pytest.fixture
def building(shared_building: Building, to_come: Counter[str]) -> Iterator[Building]:
    """The same, which is pulled down after the last test that uses it."""
    yield shared_building
    to_come["building"] -= 1
    if not to_come["building"]:
        shared_building.pull_down()


@pytest.fixture
def provoke(building: Building, record: Record, request: pytest.FixtureRequest) -> Provoke:
    """`provoke(play, together=n)` plays rounds of `n` stages until the fault was provoked often enough."""
    marker = request.node.get_closest_marker("fault")
    fault: int = marker.args[0]
    seed = int(os.environ["CHAOS_SEED"])

    def rounds(play: Play, *, together: int = 5, least: int = 1, at: Building = building) -> None:
        breaches: list[str] = []
        for first in range(0, max(trials(), least), together):
            number = min(together, max(trials(), least) - first)
            played = Round(at.ready(), fault, seed, range(first, first + number))
            try:
                outcomes = one_round(played, play)
            except BaseException:
                at.pull_down()
                raise
            for outcome in outcomes:
                record.add(outcome)
                breaches += [f"trial {outcome.trial} at {outcome.point}: {breach}" for breach in outcome.breaches]
            for trial, story in played.stories.items():
                breaches.append(f"trial {trial} in full: {record.story(f'fault-{fault}-trial-{trial}', story)}")
            if any(outcome.breaches for outcome in outcomes):
                logs = record.story(
                    f"fault-{fault}-trials-{first}-logs", f"revived: {at.revived}\n{at.house.logs(3000)}"
                )
                breaches.append(f"the processes' logs: {logs}")
                at.pull_down()
        assert not breaches, f"seed {seed}\n" + "\n".join(breaches)

    return rounds


def one_round(played: Round, play: Play) -> list[Outcome]:
    """Play and judge."""
    play(played)
    return played.close()
