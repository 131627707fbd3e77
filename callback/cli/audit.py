"""`callback audit`: who overtook whom and by which rule, and whether every invariant holds."""

import sys
from datetime import datetime
from typing import TYPE_CHECKING, Any

import click

from callback.cli.house import open_house
from callback.cli.output import as_json, show

if TYPE_CHECKING:
    from callback.domain.audit import Breach, Overtaking, Since
    from callback.flows.audit import Report

WHAT = {
    "lifecycle": "every state follows from the one before",
    "lost": "no caller with a promise is lost",
    "dialled_twice": "at most one live dial per callback and per number",
    "dialled_after_cancel": "no dial after a cancel",
    "place_lost": "no place is lost but by a named rule",
    "agent_booked_twice": "no agent is booked twice or kept for ever",
    "overtaken": "nobody is overtaken but by a named rule",
}
"""The invariants, in the order in which they are told."""


def moment_of(_: click.Context, __: click.Parameter, value: str | None) -> "Since | None":
    """A number of the journal, or a time. Raises BadParameter."""
    from callback.domain.audit import Since

    if value is None:
        return None
    if value.isdigit():
        return Since(seq=int(value))
    try:
        at = datetime.fromisoformat(value)
    except ValueError:
        raise click.BadParameter("give a number of the journal, or a time like 2026-03-02T09:00+01:00") from None
    return Since(at=at.astimezone() if at.tzinfo is None else at)


@click.command()
@click.option("--since", callback=moment_of, metavar="SEQ|TIME", help="Tell only what happened from there on.")
@click.option("--queue", metavar="KEY", help="Tell only what is of this queue, or of none.")
@click.option("--overtakings", is_flag=True, help="List each overtaking, with its rule.")
@as_json
def audit(since: "Since | None", queue: str | None, overtakings: bool, json_wanted: bool) -> None:
    """Prove fairness and the invariants from the journal; exit 1 on a breach.

    Reads the journal from its first row, replays the line, and compares the outcome with the record and with Redis.
    Changes nothing, and works while calls go on.
    """
    from callback.flows import audit as auditing

    with open_house(only_look=True) as built:
        with built.store.look() as work:
            last = work.last_seq()
        hidden = json_wanted or not sys.stderr.isatty()
        with click.progressbar(length=last, label="reading the journal", file=sys.stderr, hidden=hidden) as bar:
            report = auditing.audit(
                built.house,
                since=since,
                queue=queue,
                list_overtakings=overtakings,
                progress=lambda seq: bar.update(min(seq, last) - bar.pos),
            )
    show(report_json(report, listed=overtakings), json_wanted, report_text(report))
    if not report.holds:
        sys.exit(1)


# --- for programs -----------------------------------------------------------------------------------------------


def report_json(report: "Report", *, listed: bool) -> dict[str, Any]:
    """Everything that was found. `invariants` counts the breaches of each."""
    from callback.domain.audit import Invariant

    found = {
        "ok": report.holds,
        "at": report.at.isoformat(),
        "rows": report.rows,
        "seq": report.seq,
        "pairings": report.pairings,
        "promises": report.promises,
        "dials": report.dials,
        "line_compared": report.line_compared,
        "invariants": {kind.value: report.of(kind) for kind in Invariant},
        "overtakings": {rule.value: count for rule, count in report.overtakings.items()},
        "breaches": [breach_json(one) for one in report.breaches],
        "undecided": [breach_json(one) for one in report.undecided],
        "excused": [breach_json(one) for one in report.excused],
    }
    return found | {"listed": [overtaking_json(one) for one in report.listed]} if listed else found


def breach_json(breach: "Breach") -> dict[str, Any]:
    """One breach. `seq` is null where no row of the journal shows it."""
    return {
        "invariant": breach.kind.value,
        "subject": breach.subject,
        "queue": breach.queue,
        "at": breach.at.isoformat(),
        "seq": breach.seq or None,
        "text": breach.text,
    }


def overtaking_json(one: "Overtaking") -> dict[str, Any]:
    """Who passed whom, when, and by which rule."""
    return {
        "rule": one.rule.value,
        "queue": one.queue,
        "passer": one.passer,
        "passed": one.passed,
        "at": one.at.isoformat(),
        "seq": one.seq,
    }


# --- for people -------------------------------------------------------------------------------------------------


def report_text(report: "Report") -> str:
    """The verdict on each invariant, then what there is to see."""
    from callback.domain.audit import Invariant

    lines = [f"read {report.rows:,} rows of the journal, up to {report.seq:,}"]
    if not report.line_compared:
        lines.append("the line is away or being rebuilt: it was not compared")
    lines += [verdict(kind.value, report.of(kind)) for kind in Invariant]
    lines.append(f"{report.pairings:,} pairings, {report.dials:,} dials, {report.promises:,} open promises")
    lines.append(overtakings_text(report))
    for heading, found in (
        ("breaches", report.breaches),
        ("not decided yet: a rebuild may explain it, look again in a minute", report.undecided),
        ("explained by a line that was lost", report.excused),
    ):
        if found:
            lines += ["", heading, *(breach_text(one) for one in found)]
    if report.listed:
        lines += ["", "overtakings", *(overtaking_text(one) for one in report.listed)]
    return "\n".join(lines)


def verdict(kind: str, breaches: int) -> str:
    """One invariant in one line."""
    return f"  {'broken ' + format(breaches, ',') if breaches else 'holds':<10} {WHAT[kind]}"


def overtakings_text(report: "Report") -> str:
    """How many, by which rules."""
    total = sum(report.overtakings.values())
    if not total:
        return "no overtakings"
    rules = ", ".join(f"{rule.value} {count:,}" for rule, count in report.overtakings.items())
    return f"{total:,} overtakings, each by a rule: {rules}"


def breach_text(breach: "Breach") -> str:
    """When, where in the journal, and what."""
    where = f"row {breach.seq:,}" if breach.seq else "now"
    return f"  {breach.at:%Y-%m-%d %H:%M:%S}  {where}  {breach.text}"


def overtaking_text(one: "Overtaking") -> str:
    """When, who before whom, and why."""
    return f"  {one.at:%Y-%m-%d %H:%M:%S}  row {one.seq:,}  {one.passer} before {one.passed}: {one.rule.value}"
