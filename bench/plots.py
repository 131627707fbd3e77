"""`python -m bench.plots FOLDER`: the pictures of `docs/waiting.md`, made anew.

    calibration.svg          how often waits stayed below what was said, against how often they should have
    error-by-hour.svg        mean absolute error by hour of the day, ours and the field's
    pacing-frontier.svg      idle seconds for each call served, against the share who wait too long

Without more words the first two are of synthetic traffic: a wave, a change of shifts and heavy talks. With `--train`
and `--test` they are of recorded traffic by its path, and their names begin with `recorded-`.
"""

import os
from collections.abc import Callable, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import replace
from pathlib import Path
from statistics import fmean
from zoneinfo import ZoneInfo

import click

from bench import pacing
from bench.svg import Axis, Chart, Series
from callback.domain.forecast import LEVELS
from callback.domain.policy import Policy
from callback.lab import backtest, scenarios, trace
from callback.lab.backtest import Prediction
from callback.lab.trace import Outcome, Row

HOUSE = replace(scenarios.SCENARIOS[0], name="a day", agents=10, talk_cv=1.2, swing=0.35, leaving=3, load=0.85)
LEARN, PREDICT = 8_000, 8_000
FIELD = ("asterisk", "qlm", "last10")
FEWEST = 30
"""An hour with fewer waits is not shown."""
MODES = {
    pacing.FIRST: ("agent first", (0.0,)),
    "rate-based": ("at a fixed rate", (0.4, 0.8, 1.0, 1.2, 1.4, 1.6)),
    pacing.TRUE: ("the rule, told all laws", (0.008, 0.015, 0.025, 0.035, 0.048, 0.065)),
    "the rule, knowing when talks end": ("who could see talks end", (0.001, 0.004, 0.008, 0.012, 0.02, 0.03)),
    pacing.RULE: ("the rule, as it learns", (0.0,)),
}
"""Each with its name in the picture and the tightnesses to try."""
TOLERANCE_S = 2.0


@click.command()
@click.argument("folder", type=click.Path(file_okay=False, path_type=Path))
@click.option("--train", type=click.Path(exists=True, dir_okay=False, path_type=Path), help="Recorded, to learn from.")
@click.option("--test", type=click.Path(exists=True, dir_okay=False, path_type=Path), help="Recorded, to predict.")
@click.option("--timezone", default="UTC", show_default=True, help="Of times without a zone.")
@click.option("--about", default="recorded traffic", show_default=True, help="Whose traffic it is, for the pictures.")
@click.option("--seeds", default=2, show_default=True, help="Runs behind each point of the frontier; 0 leaves it out.")
@click.option("--calls", default=1500, show_default=True, help="Calls of each of these runs.")
def main(
    folder: Path, train: Path | None, test: Path | None, timezone: str, about: str, seeds: int, calls: int
) -> None:
    """Draw the pictures of the method into FOLDER."""
    folder.mkdir(parents=True, exist_ok=True)
    zone = ZoneInfo(timezone)
    if train is not None and test is not None:
        prefix, past, future = "recorded-", trace.read(train, zone), trace.read(test, zone)
    else:
        prefix, about = "", "synthetic traffic"
        past, future = (scenarios.traffic(HOUSE, calls, seed)[0] for calls, seed in ((LEARN, 1), (PREDICT, 2)))
    answered = predicted(past, future)
    _save(folder / f"{prefix}calibration.svg", calibration(answered, about))
    _save(folder / f"{prefix}error-by-hour.svg", error_by_hour(answered, about))
    if seeds:
        _save(folder / "pacing-frontier.svg", frontier(pacing.Effort(seeds, calls, warm_up=200)))


def _save(path: Path, chart: Chart) -> None:
    path.write_text(chart.svg(), encoding="utf-8")
    click.echo(path)


def predicted(past: Sequence[Row], future: Sequence[Row]) -> list[Prediction]:
    """What was said of every wait of an answered caller."""
    report = backtest.run(past, future, policy=Policy())
    return [one for one in report.predictions if one.row.outcome is Outcome.ANSWERED]


def calibration(answered: Sequence[Prediction], about: str) -> Chart:
    """Said against happened: all waits, and the quarters of them with the shortest and the longest forecasts."""
    by_length = sorted(answered, key=lambda one: one.ours.p50)
    quarter = max(len(by_length) // 4, 1)
    shown = (
        ("all waits", answered),
        ("shortest quarter", by_length[:quarter]),
        ("longest quarter", by_length[-quarter:]),
    )
    series = [Series(name, [(100 * level, _below(ones, level)) for level in LEVELS]) for name, ones in shown]
    honest = Series("as said", [(0, 0), (100, 100)], quiet=True)
    return Chart(
        "A quantile is passed as often as it says",
        f"{about}, {len(answered):,} waits of answered callers",
        Axis("said: so many wait less", 0, 100, " %"),
        Axis("happened", 0, 100, " %"),
        [*series, honest],
    )


def _below(ones: Sequence[Prediction], level: float) -> float:
    """Per cent of the waits that stayed at or below this quantile."""
    quantile: Callable[[Prediction], float] = lambda one: getattr(one.ours, f"p{level * 100:.0f}")  # noqa: E731
    return 100 * fmean(one.row.waited_s <= quantile(one) for one in ones)


def error_by_hour(answered: Sequence[Prediction], about: str) -> Chart:
    """Mean absolute error for each hour of the day in which enough had to wait."""
    hours: dict[int, list[Prediction]] = {}
    for one in answered:
        hours.setdefault(one.row.arrived_at.hour, []).append(one)
    kept = {hour: ones for hour, ones in sorted(hours.items()) if len(ones) >= FEWEST}
    said: dict[str, Callable[[Prediction], float]] = {"ours": lambda one: one.ours.p50}
    said |= {name: lambda one, name=name: one.field[name] for name in FIELD}  # type: ignore[misc]
    series = [
        Series(name, [(hour, fmean(abs(guess(one) - one.row.waited_s) for one in ones)) for hour, ones in kept.items()])
        for name, guess in said.items()
    ]
    most = max((error for one in series for _, error in one.points), default=1.0)
    return Chart(
        "How far off, by hour of the day",
        f"{about}, {len(answered):,} waits of answered callers",
        Axis("hour at which the caller joined", min(kept, default=0), max(kept, default=23) + 0.001, ":00", step=3),
        Axis("mean absolute error, seconds", 0, most * 1.08),
        series,
    )


def frontier(effort: pacing.Effort) -> Chart:
    """Each mode of dialling at several tightnesses; two that have none are one point each."""
    with ProcessPoolExecutor(max_workers=os.cpu_count()) as pool:
        series = []
        for mode, (name, tightnesses) in MODES.items():
            jobs = [
                pacing.Job(mode, TOLERANCE_S, tightness, seed, effort)
                for tightness in tightnesses
                for seed in range(1, effort.seeds + 1)
            ]
            met = pacing.point(mode, TOLERANCE_S, list(zip(jobs, pool.map(pacing.Job.play, jobs), strict=True)))
            points = [(100 * misses, idle) for _, idle, misses in met.runs]
            series.append(Series(name, points, line=len(points) > 1))
    return Chart(
        "Dialling ahead: idle agents against callers who wait",
        f"20 agents on a simulated floor, {effort.seeds} × {effort.calls:,} calls a point; tolerance {TOLERANCE_S:g} s",
        Axis("callers who wait longer than the tolerance", 0, 8, " %"),
        Axis("idle seconds for each call served", 0, 16),
        series,
    )


if __name__ == "__main__":
    main()
