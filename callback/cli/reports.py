"""`callback reports`: what the reports' pages are counted from."""

import sys

import click

from callback.cli.house import open_house
from callback.cli.output import as_json, show


@click.group()
def reports() -> None:
    """See to what the reports are counted from."""


@reports.command()
@as_json
def rebuild(json_wanted: bool) -> None:
    """Count everything anew, from the first row of the journal.

    After a queue's time zone was changed, or a doubt. Works while calls go on; pages show what is counted so far.
    """
    from callback.flows import reports as counting

    with open_house(only_look=True) as built:
        with built.store.look() as work:
            last = work.last_seq()
        hidden = json_wanted or not sys.stderr.isatty()
        with click.progressbar(length=last, label="counting the journal", file=sys.stderr, hidden=hidden) as bar:
            rows = counting.rebuild(built.house, bar.update)
    show({"rows": rows}, json_wanted, f"counted {rows:,} rows of the journal")
