"""`callback reseal`: after the secret key was replaced, everything under the new one."""

import sys
from typing import TYPE_CHECKING, Any

import click

from callback.cli.house import open_store, settings, who
from callback.cli.output import as_json, note, show, table

if TYPE_CHECKING:
    from callback.flows.reseal import Done


COUNTING_S = 600
"""How long counting what is left may take: it reads everything."""


@click.command()
@click.option("--dry-run", is_flag=True, help="Only count what is sealed under older keys.")
@click.option("--number-key", is_flag=True, help="Then print what may replace the oldest key, which is a secret too.")
@as_json
def reseal(dry_run: bool, number_key: bool, json_wanted: bool) -> None:
    """Seal again, under SECRET_KEY, what the keys of SECRET_KEY_OLD sealed.

    Works in small steps while calls go on, and may be interrupted and run again. Exit code 1 while something is left
    that no key at hand opens, or that a process has sealed meanwhile which was not restarted with the new key: then
    none of the old keys may be thrown away.
    """
    from datetime import UTC, datetime

    from callback.domain.acts import Doer
    from callback.flows import reseal as sealing

    if number_key and (dry_run or json_wanted):
        raise click.UsageError("--number-key goes with neither --dry-run nor --json")
    with open_store(patience_s=COUNTING_S) as store:
        left = sealing.left(store)
        if dry_run:
            show({"left": left}, json_wanted, table(("TABLE", "ROWS"), list(left.items()), "nothing is left"))
            return
        hidden = json_wanted or not sys.stderr.isatty()
        with click.progressbar(length=sum(left.values()), label="sealed again", file=sys.stderr, hidden=hidden) as bar:
            done = sealing.reseal(store, Doer(who()), datetime.now(UTC), bar.update)
        show(done_json(done), json_wanted, done_text(done, old_keys=bool(settings().retired_keys)))
        if done.unreadable or done.meanwhile:
            sys.exit(1)
        if number_key:
            note("this may stand in place of the last key of SECRET_KEY_OLD: it opens nothing, and finds numbers")
            click.echo(store.number_key())


def done_json(done: "Done") -> dict[str, Any]:
    """Rows by table."""
    return {
        "resealed": dict(done.resealed), "unreadable": dict(done.unreadable), "meanwhile": dict(done.meanwhile),
    }  # fmt: skip


def done_text(done: "Done", *, old_keys: bool) -> str:
    """What was done, and which keys are still needed."""
    rows = [(name, f"{count:,}", "sealed again") for name, count in done.resealed.items()]
    rows += [(name, f"{count:,}", "cannot be read: no key at hand opens it") for name, count in done.unreadable.items()]
    rows += [(name, f"{count:,}", "sealed under an older key meanwhile") for name, count in done.meanwhile.items()]
    lines = [table(("TABLE", "ROWS", ""), rows, "nothing was sealed under an older key")]
    if done.meanwhile:
        lines.append("keep every old key: restart every process with the new SECRET_KEY, and run this again")
    if done.unreadable:
        lines.append("keep every old key: put the one that is missing into SECRET_KEY_OLD, and run this again")
    if old_keys and not done.unreadable and not done.meanwhile:
        lines.append("of SECRET_KEY_OLD only the last key is needed any more: numbers are found by it")
    return "\n".join(lines)
