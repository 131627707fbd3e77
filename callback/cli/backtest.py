"""`callback backtest`: how well waits would have been predicted, on recorded traffic."""

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

import click

from callback.cli.output import as_json, show, table
from callback.cli.sums import on_one_core

if TYPE_CHECKING:
    from callback.lab.backtest import Report
    from callback.lab.scores import Score


def zone_of(_: click.Context, __: click.Parameter, value: str) -> ZoneInfo:
    """A time zone by its name. Raises BadParameter."""
    try:
        return ZoneInfo(value)
    except (KeyError, ValueError, OSError):
        raise click.BadParameter("give the name of a time zone, like Europe/Berlin") from None


def credits_of(_: click.Context, __: click.Parameter, values: tuple[str, ...]) -> dict[str, float] | None:
    """`vip=300` as a mapping, None where nothing is given. Raises BadParameter."""
    try:
        return {key: float(seconds) for key, seconds in (value.rsplit("=", 1) for value in values)} or None
    except ValueError:
        raise click.BadParameter("give a priority and its seconds, like vip=300") from None


_FILE = click.Path(exists=True, dir_okay=False, path_type=Path)


@click.command()
@click.option("--train", required=True, type=_FILE, metavar="A.csv", help="The traffic to learn from.")
@click.option("--test", required=True, type=_FILE, metavar="B.csv", help="The traffic to predict.")
@click.option(
    "--out", required=True, type=click.Path(dir_okay=False, path_type=Path), metavar="OUT.csv", help="The predictions."
)
@click.option("--timezone", "zone", default="UTC", callback=zone_of, help="Of times without a zone. [default: UTC]")
@click.option(
    "--credit", "credit_s", multiple=True, callback=credits_of, metavar="KEY=SECONDS",
    help="What a priority is worth. [default: learnt]",
)  # fmt: skip
@as_json
def backtest(
    train: Path, test: Path, out: Path, zone: ZoneInfo, credit_s: dict[str, float] | None, json_wanted: bool
) -> None:
    """Predict the waits of recorded traffic, and say how well.

    Replays B in the order of time, shows the estimators only what they would have known at each arrival, and writes
    one row for each call that had to wait. Scored are answered calls that had to wait; errors are in seconds.
    """
    on_one_core()
    from callback.domain.policy import Policy
    from callback.lab import backtest as testing
    from callback.lab import trace

    past, future = trace.read(train, zone), trace.read(test, zone)
    hidden = json_wanted or not sys.stderr.isatty()
    with click.progressbar(length=len(past) + len(future), label="replaying", file=sys.stderr, hidden=hidden) as bar:
        report = testing.run(past, future, policy=Policy(), credit_s=credit_s, progress=bar.update)
    testing.write(report.predictions, out)
    show(report_json(report), json_wanted, report_text(report))


def report_json(report: "Report") -> dict[str, Any]:
    """Scores by estimator; null where there is nothing to score."""
    return {
        "predictions": len(report.predictions),
        "credit_s": dict(report.credit_s),
        "notes": list(report.notes),
        "scores": {name: score_json(score) for name, score in report.scores.items()},
    }


def score_json(score: "Score | None") -> dict[str, Any] | None:
    """One estimator's scores."""
    if score is None:
        return None
    return {
        "calls": score.calls,
        "rase": score.rase,
        "mae": score.mae,
        "bias": score.bias,
        "coverage": score.coverage,
        "width_s": score.width_s,
    }


def report_text(report: "Report") -> str:
    """The scores as a table, ours first."""
    rows = [score_cells(name, score) for name, score in report.scores.items() if score is not None]
    head = ("estimator", "RASE", "MAE", "bias", "in 80% range", "its width")
    scored = next((score.calls for score in report.scores.values() if score is not None), 0)
    lines = [f"{len(report.predictions):,} waits predicted, {scored:,} answered ones scored", *report.notes]
    return "\n".join([*lines, "", table(head, rows, "no answered call had to wait: there is nothing to score")])


def score_cells(name: str, score: "Score") -> tuple[str, ...]:
    """One line of the table."""
    honest = ("", "") if score.coverage is None else (f"{score.coverage:.1%}", f"{score.width_s:.1f}")
    return (name, f"{score.rase:.1f}", f"{score.mae:.1f}", f"{score.bias:+.1f}", *honest)
