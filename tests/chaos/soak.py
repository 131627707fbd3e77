"""`python -m tests.chaos.soak --callers 2000 --seed N`: the long soak, with what it is doing on one line.

The seed decides who rings when, what they are like, what dies when and how the carrier misbehaves. Ends with 1 when an
invariant was broken.
"""

import os
import statistics
import tempfile
import time
from pathlib import Path

import click

from callback.settings import Settings
from tests.support.chaos.building import Building
from tests.support.chaos.outcome import SOAK, Outcome, table
from tests.support.chaos.plan import draw
from tests.support.chaos.soak import QUEUES, Result, Soak

SHOWN = 40
"""So many breaches are told in full."""


@click.command()
@click.option("--callers", default=2000, show_default=True, help="how many people ring")
@click.option("--seed", type=int, default=None, help="which run it is; another one each time unless given")
@click.option("--rate", default=2.5, show_default=True, help="callers a second")
@click.option("--death-every", default=8.0, show_default=True, help="seconds between two deaths, on average")
@click.option("--prank-every", default=3.0, show_default=True, help="seconds between two faults of the carrier")
def main(callers: int, seed: int | None, rate: float, death_every: float, prank_every: float) -> None:
    """Thousands of callers while everything dies and comes back."""
    for name in Settings.model_fields:
        os.environ.pop(name.upper(), None)
    chosen = seed if seed is not None else int(time.time()) % 1_000_000
    click.echo(f"seed {chosen}: {callers} callers, {rate:g} a second")
    plan = draw(chosen, callers, queues=QUEUES, rate=rate, death_every_s=death_every, prank_every_s=prank_every)
    with tempfile.TemporaryDirectory(prefix="soak-") as folder:
        building = Building(Path(folder)).ready()
        try:
            result = Soak(plan, building, lambda line: click.echo(f"\r{line:<70}", nl=False)).run()
            logs = building.house.logs(100_000) if result.breaches else ""
        finally:
            building.close()
    click.echo(f"\n{report(result, chosen)}")
    if result.breaches:
        kept = Path(tempfile.mkdtemp(prefix="soak-breached-"))
        (kept / "logs.txt").write_text(logs, encoding="utf-8")
        (kept / "story.txt").write_text(result.story, encoding="utf-8")
        click.echo(f"what the witnesses saw, and the logs, are kept in {kept}")
        raise SystemExit(1)


def report(result: Result, seed: int) -> str:
    """The figures, and the same kind of table as for the faults."""
    recovered = result.recoveries_s
    rows = [Outcome(SOAK, at, seed, "", span, ()) for at, span in enumerate(recovered)]
    if rows and result.breaches:
        rows[0] = Outcome(SOAK, 0, seed, "", recovered[0], tuple(result.breaches))
    lines = [
        f"{result.seconds:.0f} s, seed {seed}",
        f"callers    {told(result.callers)}",
        f"died       {told(result.deaths)}",
        f"callbacks  {told(result.states)}",
        f"wishes     {told(result.wishes)}",
        f"documents  {result.documents}, the slowest {result.slowest_s:.2f} s",
        f"ready again after {statistics.median(recovered):.1f} s (median)" if recovered else "nothing died",
        table(rows).splitlines()[0],
        table(rows).splitlines()[1],
        table(rows).splitlines()[-1],
        *result.breaches[:SHOWN],
        f"{len(result.breaches)} breaches",
    ]
    return "\n".join(lines)


def told(counts: dict[str, int]) -> str:
    """As a sentence."""
    return ", ".join(f"{count} {what}" for what, count in sorted(counts.items(), key=lambda item: -item[1]))


if __name__ == "__main__":
    main()
