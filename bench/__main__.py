"""`python -m bench`: measure, and print each figure beside its reference and its target."""

import json
import sys
from logging import WARNING
from typing import Any

import click
import structlog
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table

from bench.figures import Figure
from bench.machine import machine
from bench.rows import QUICK_ROUNDS, ROWS, Row, named

WIDTH = 140
"""Of a table that goes into a file."""
MET = {True: "yes", False: "no", None: ""}


@click.command(context_settings={"help_option_names": ["-h", "--help"]})
@click.option("--only", multiple=True, metavar="ROW", help=f"Only this row (repeatable): {', '.join(ROWS)}.")
@click.option(
    "--quick", is_flag=True, help="A few requests each, to see that everything runs: the figures mean nothing."
)
@click.option("--json", "as_json", is_flag=True, help="Print the figures as JSON.")
def main(only: tuple[str, ...], quick: bool, as_json: bool) -> None:
    """Measure the hot paths, each in turns with a reference. Exits with 1 when a target is missed."""
    try:
        rows = named(only)
    except KeyError as unknown:
        raise click.BadParameter(
            f"there is no row {unknown}; there are {', '.join(ROWS)}", param_hint="--only"
        ) from None
    structlog.configure(  # what a house in this process has to say is no figure
        wrapper_class=structlog.make_filtering_bound_logger(WARNING),
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
    )
    figures = run(rows, quick, Console(stderr=True, quiet=as_json))
    show(figures, as_json)
    if not quick and any(figure.met is False for figure in figures):
        raise SystemExit(1)


def run(rows: list[Row], quick: bool, console: Console) -> list[Figure]:
    """All figures, with a bar for each row on a terminal."""
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    figures: list[Figure] = []
    with Progress(*columns, console=console) as progress:
        for row in rows:
            task = progress.add_task(row.about, total=QUICK_ROUNDS if quick else row.rounds)
            figures += row.measure(quick, lambda task=task: progress.advance(task))  # type: ignore[misc]
    return figures


def show(figures: list[Figure], as_json: bool) -> None:
    """The table, or the same as JSON."""
    if as_json:
        click.echo(json.dumps({"machine": machine(), "figures": [figure.as_json() for figure in figures]}, indent=1))
        return
    console = Console()
    console = console if console.is_terminal else Console(width=WIDTH)
    console.print(f"[dim]{machine()}[/]")
    console.print(table(figures))


def table(figures: list[Figure]) -> Table:
    """One line a figure."""
    shown = Table("row", "what", "ours", "reference", "ratio", "target", "met", title="Benchmarks")
    for figure in figures:
        unit = figure.unit
        shown.add_row(
            figure.row, figure.what, _number(figure.ours, unit), _number(figure.reference, unit),
            _number(figure.ratio), str(figure.target or ""), MET[figure.met],
        )  # fmt: skip
    return shown


def _number(value: Any, unit: str = "") -> str:
    return "" if value is None else f"{value:,.3g} {unit}".rstrip() if value < 1000 else f"{value:,.0f} {unit}"


if __name__ == "__main__":
    main()
