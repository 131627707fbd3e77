"""`callback export`: what is held on one person, the record of some days, or the traffic of a queue."""

import csv
import json
import os
import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any, TextIO
from zoneinfo import ZoneInfo

import click

from callback.cli.backtest import zone_of
from callback.cli.house import open_store, who
from callback.cli.output import as_json, note, show

if TYPE_CHECKING:
    from callback.adapters.store.sql_store import SqlStore
    from callback.domain.erasure import Export
    from callback.flows.export import Wanted

PATIENCE_S = 3_600.0
"""A sheet may have to be sorted before its first row comes."""
_DAY = click.DateTime(["%Y-%m-%d"])
Span = tuple[datetime, datetime]


@click.command()
@click.option("--number", metavar="+1…", help="Everything held on whoever has this number.")
@click.option("--callback", "callback_id", metavar="ID", help="Everything held on whoever is behind this callback.")
@click.option("--from", "first", type=_DAY, metavar="DAY", help="The record from this day, as YYYY-MM-DD.")
@click.option("--to", "last", type=_DAY, metavar="DAY", help="To this day, with it. [default: the same day]")
@click.option(
    "--trace", type=click.Path(dir_okay=False, path_type=Path), metavar="A.csv",
    help="The traffic of these days, for `backtest` and `rehearse`.",
)  # fmt: skip
@click.option("--queue", metavar="KEY", help="Only this queue's traffic.")
@click.option("--out", type=click.Path(path_type=Path), metavar="PLACE", help="The file, or for days the folder.")
@click.option("--format", "kind", type=click.Choice(["csv", "jsonl"]), default="csv", show_default=True)
@click.option("--with-numbers", is_flag=True, help="With numbers, names and texts, which are masked or left out else.")
@click.option("--timezone", "zone", default="UTC", callback=zone_of, help="Of the days. [default: UTC]")
@click.option("--force", is_flag=True, help="Write over files that are there.")
@as_json
def export(
    number: str | None,
    callback_id: str | None,
    first: datetime | None,
    last: datetime | None,
    trace: Path | None,
    queue: str | None,
    out: Path | None,
    kind: str,
    with_numbers: bool,
    zone: ZoneInfo,
    force: bool,
    json_wanted: bool,
) -> None:
    """Take out one person's data, some days, or a trace.

    One person's data is JSON; days are a table for each kind of thing; a trace is what `backtest` and `rehearse` read.

    Files can be read by their owner alone. What was taken out is kept in a list, so that `callback erase` can say which
    files still have somebody.
    """
    if (number or callback_id) and not (number and callback_id) and first is None and trace is None:
        of_person(number, callback_id, out, force=force)
    elif first is not None and not number and not callback_id and (trace is None) != (out is None):
        days = span(first, last, zone)
        done = (
            of_traffic(trace, days, queue, force=force)
            if trace is not None
            else of_days(out or Path(), days, kind, numbers=with_numbers, force=force)
        )
        show(done, json_wanted, said(done))
    else:
        raise click.UsageError(
            "give --number or --callback; or --from DAY with --out FOLDER; or --from DAY with --trace A.csv"
        )


def span(first: datetime, last: datetime | None, zone: ZoneInfo) -> Span:
    """From the beginning of the one day to the end of the other. Raises BadParameter."""
    final = last or first
    if final < first:
        raise click.BadParameter("ends before it begins", param_hint="--to")
    return at_midnight(first.date(), zone), at_midnight(final.date() + timedelta(days=1), zone)


def at_midnight(day: date, zone: ZoneInfo) -> datetime:
    """The beginning of a day."""
    return datetime.combine(day, time.min, zone)


def said(done: dict[str, Any]) -> str:
    """For people."""
    rows = "\n".join(f"  {file['rows']:>12,}  {file['path']}" for file in done["files"])
    return f"{rows}\n{done['note']}"


# --- one person -----------------------------------------------------------------------------------------------------


def of_person(number: str | None, callback: str | None, out: Path | None, *, force: bool) -> None:
    """As JSON, to a file or to whoever asked."""
    from callback.flows import erase
    from callback.flows import export as exporting

    with open_store() as store:
        someone = erase.person(store, number=number, callback=callback)
        if out is not None:
            unless_there([out], force=force)
        wanted = exporting.Wanted("person", place_of(out), someone.number_hash, numbers=True)
        with taken_out(store, wanted) as taken:
            found = exporting.about(store, someone)
            told = {
                "number": someone.number or None,
                "at": stamped(datetime.now(UTC)),
                "held": {name: {"what": exporting.MEANT.get(name, name), "rows": rows} for name, rows in found.items()},
            }
            text = json.dumps(told, indent=2, ensure_ascii=False, default=stamped)
            if out is None:
                click.echo(text)
            else:
                with created(out, force=force) as file:
                    file.write(f"{text}\n")
            taken(sum(len(rows) for rows in found.values()))
    if out is not None:
        note(f"{sum(len(rows) for rows in found.values()):,} rows about one person: {out}")
    note("recordings and other systems that know this number are not part of it; so is what backups hold")


def stamped(value: Any) -> str:
    """A value that JSON has no word for."""
    if isinstance(value, datetime):
        return value.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
    return str(value)


# --- some days ------------------------------------------------------------------------------------------------------


def of_days(folder: Path, days: Span, kind: str, *, numbers: bool, force: bool) -> dict[str, Any]:
    """A file for each sheet."""
    from callback.flows import export as exporting

    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    files: list[dict[str, Any]] = []
    wanted = exporting.Wanted("record", place_of(folder), numbers=numbers, since=days[0], until=days[1])
    with open_store(PATIENCE_S) as store:
        with store.look() as work:
            sheets = work.sheets()
        paths = {name: folder / f"{name}.{kind}" for name in sheets}
        unless_there(paths.values(), force=force)
        with taken_out(store, wanted) as taken:
            for name, columns in sheets.items():
                with created(paths[name], force=force) as file:
                    write = writer(file, columns, kind)
                    rows = sum(1 for row in read(store, name, days, numbers=numbers) if write(row))
                files.append({"path": str(paths[name]), "rows": rows})
            taken(sum(file["rows"] for file in files))
    named = "with numbers, names and texts" if numbers else "numbers masked, names and texts left out"
    return {"files": files, "numbers": numbers, "note": named}


def read(store: "SqlStore", name: str, days: Span, *, numbers: bool) -> Iterator[tuple[Any, ...]]:
    """A sheet's rows, with how far it has come on a terminal."""
    since, until = days
    hidden = not sys.stderr.isatty()
    with store.look() as work:
        length = 0 if hidden else work.sheet_rows(name, since=since, until=until)
        rows = work.read_out(name, since=since, until=until, numbers=numbers)
        with click.progressbar(rows, length=length, label=f"{name:<12}", file=sys.stderr, hidden=hidden) as bar:
            yield from bar


def writer(file: TextIO, columns: Sequence[str], kind: str) -> Callable[[tuple[Any, ...]], bool]:
    """What writes a row; True, for whoever counts."""
    if kind == "jsonl":

        def line(row: tuple[Any, ...]) -> bool:
            told = dict(zip(columns, row, strict=True))
            file.write(json.dumps(told, ensure_ascii=False, separators=(",", ":"), default=stamped) + "\n")
            return True

        return line
    from callback.web.as_csv import cell

    table = csv.writer(file)
    table.writerow(columns)

    def cells(row: tuple[Any, ...]) -> bool:
        table.writerow([cell(json.dumps(one, ensure_ascii=False) if isinstance(one, dict) else one) for one in row])
        return True

    return cells


# --- the traffic of a queue -----------------------------------------------------------------------------------------


def of_traffic(path: Path, days: Span, queue: str | None, *, force: bool) -> dict[str, Any]:
    """A trace, in the one format of recorded traffic. Callers are named by their call alone."""
    from callback.cli.rehearse import AFTER, BEFORE
    from callback.flows import export as exporting
    from callback.flows import recorded
    from callback.lab import trace as traces
    from callback.lab.journal_trace import JournalTrace

    since, until = days
    unless_there([path], force=force)
    with open_store(PATIENCE_S) as store:
        with store.look() as work:
            credits_s = {str(one.key): one.policy.priority_credit_s for one in work.queues()}
            agents = work.agents()
            length = work.seq_before(until + AFTER) - work.seq_before(since - BEFORE)
        if queue is not None and queue not in credits_s:
            raise click.BadParameter(f"there is no queue {queue!r}", param_hint="--queue")
        with taken_out(store, exporting.Wanted("trace", place_of(path), since=since, until=until)) as taken:
            reader = JournalTrace()
            hidden = not sys.stderr.isatty()
            with click.progressbar(length=length, label="reading the journal", file=sys.stderr, hidden=hidden) as bar:
                for row in recorded.entries(store, since - BEFORE, until + AFTER, bar.update):
                    reader.feed(row)
            found = reader.recorded(since, until, agents=agents, credits_s=credits_s)
            with created(path, force=force) as file:
                rows = traces.write(file, (row for row in found.rows if queue in (None, row.queue)))
            taken(rows)
    return {"files": [{"path": str(path), "rows": rows}], "numbers": False, "note": "calls, and nobody's number"}


# --- files ----------------------------------------------------------------------------------------------------------


def place_of(path: Path | None) -> str:
    """Where it lies, for the list of what was taken out."""
    return "" if path is None else str(path.absolute())


@contextmanager
def taken_out(store: "SqlStore", wanted: "Wanted") -> Iterator[Callable[[int], "Export"]]:
    """Written down before it begins; what is given says afterwards how many rows there were."""
    from callback.domain.acts import Doer
    from callback.flows import export as exporting

    export = exporting.begin(store, wanted, Doer(who()), datetime.now(UTC))
    yield lambda rows: exporting.end(store, export, rows)


def unless_there(paths: Iterable[Path], *, force: bool) -> None:
    """Raises ClickException where a file would be lost."""
    there = [str(path) for path in paths if path.exists()]
    if there and not force:
        raise click.ClickException(f"there already: {', '.join(there)}. Choose another place, or add --force")


def created(path: Path, *, force: bool) -> TextIO:
    """A new file that its owner alone can read. Raises ClickException where it cannot be made."""
    unless_there([path], force=force)
    try:
        flags = os.O_WRONLY | os.O_CREAT | os.O_NOFOLLOW | (os.O_TRUNC if force else os.O_EXCL)
        descriptor = os.open(path, flags, 0o600)
        os.fchmod(descriptor, 0o600)
        return os.fdopen(descriptor, "w", encoding="utf-8", newline="")
    except OSError as refused:
        raise click.ClickException(f"{path} cannot be written: {refused.strerror}") from None
