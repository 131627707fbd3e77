"""What commands print: aligned lines for people, JSON for programs."""

import json
from collections.abc import Callable, Sequence
from typing import Any, TypeVar

import click

Command = TypeVar("Command", bound=Callable[..., Any])


def as_json(command: Command) -> Command:
    """Gives a command `--json`, as its argument `json_wanted`."""
    return click.option("--json", "json_wanted", is_flag=True, help="Print JSON, for programs.")(command)


def show(data: Any, wanted: bool, otherwise: str) -> None:
    """`data` as JSON if wanted, else the text."""
    click.echo(json.dumps(data, indent=2, ensure_ascii=False) if wanted else otherwise)


def table(head: Sequence[str], rows: Sequence[Sequence[object]], none: str) -> str:
    """Columns as wide as they need to be; `none` where there are no rows."""
    if not rows:
        return none
    lines = [[str(cell) for cell in row] for row in (head, *rows)]
    widths = [max(len(line[at]) for line in lines) for at in range(len(head))]
    return "\n".join(
        "  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip() for line in lines
    )


def note(text: str) -> None:
    """Something for the person, beside what the command prints."""
    click.echo(text, err=True)
