"""`callback rehearse`: recorded traffic under one policy and another, before callers meet either."""

import json
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

import click

from callback.cli.backtest import zone_of
from callback.cli.house import open_store
from callback.cli.output import as_json, show, table
from callback.domain.ids import QueueKey

if TYPE_CHECKING:
    from callback.domain.laws import Laws
    from callback.domain.policy import Policy
    from callback.lab.duty import Roster
    from callback.lab.engine import Habits
    from callback.lab.figures import Course, Difference, Played
    from callback.lab.rehearse import Rehearsal
    from callback.lab.trace import Row
    from callback.ports import Store

SHOWN: tuple[tuple[str, str, str], ...] = (
    ("callers in opening hours", "callers", "count"),
    ("callbacks offered", "offers", "count"),
    ("  taken", "taken", "count"),
    ("  take-up", "take_up", "share"),
    ("live: answered", "live", "count"),
    ("  time to agent, mean", "live_mean_s", "seconds"),
    ("  time to agent, p50", "live_p50_s", "seconds"),
    ("  time to agent, p90", "live_p90_s", "seconds"),
    ("callbacks: talked", "called_back", "count"),
    ("  time to agent, mean", "callback_mean_s", "seconds"),
    ("  time to agent, p50", "callback_p50_s", "seconds"),
    ("  time to agent, p90", "callback_p90_s", "seconds"),
    ("  never reached", "unreached", "count"),
    ("service level", "service_level", "share"),
    ("abandoned", "abandoned", "count"),
    ("  of all callers", "abandonment", "share"),
    ("unserved at closing", "unserved_at_closing", "count"),
    ("dials", "dials", "count"),
    ("  picked up", "picked_up", "count"),
    ("  ahead of an agent", "rung_ahead", "count"),
    ("  of these, waited beyond tolerance", "miss_share", "share"),
    ("agents idle", "idle", "share"),
    ("agents waiting for a phone to be answered", "ringing", "share"),
    ("turned away out of hours", "closed", "count"),
    ("breaches that the audit found", "breaches", "count"),
)
"""What is told, by which figure, as what."""

_FILE = click.Path(exists=True, dir_okay=False, path_type=Path)
_SHARE = click.FloatRange(0, 1)


NOW = "in force"
"""The heading of the policy that a day was lived under."""


@dataclass(frozen=True)
class Traffic:
    """What is played: the rows, who was there (None: to be read off the rows), the policies that were in force, and
    what is known of the house's own times."""

    rows: "Sequence[Row]"
    roster: "Roster | None" = None
    in_force: "Mapping[str, Policy]" = field(default_factory=dict)
    connect_s: float | None = None
    answer: float | None = None
    laws: "Laws | None" = None


@click.command()
@click.option("--trace", "trace_file", type=_FILE, metavar="A.csv", help="The traffic.")
@click.option(
    "--day", type=click.DateTime(["%Y-%m-%d"]), metavar="YYYY-MM-DD", help="The traffic of this day, instead."
)
@click.option("--policy", "policy_file", type=_FILE, metavar="P.json", help="Any policy fields.")
@click.option("--against", type=_FILE, metavar="Q.json", help="Another policy, to compare.")
@click.option("--queue", metavar="KEY", help="Only this queue has the policy; the figures are its own.")
@click.option("--timezone", "zone", default="UTC", callback=zone_of, help="Of times without a zone. [default: UTC]")
@click.option(
    "--service-level", default=20.0, show_default=True, help="Seconds within which a caller should be served."
)
@click.option("--seed", default=1, show_default=True, help="Which people are drawn; the same seed draws the same ones.")
@click.option(
    "--runs", default=1, show_default=True, type=click.IntRange(1, 1000), help="How often, each with other people."
)
@click.option("--take-up", type=_SHARE, help="Share of offers that is taken. [default: learnt, or 0.5]")
@click.option("--answer", type=_SHARE, help="Share of calls back that is picked up. [default: learnt, or 0.8]")
@click.option(
    "--agent-answers", type=click.FloatRange(0), help="Seconds until an agent is on the phone. [default: learnt, or 3]"
)
@click.option(
    "--calls-per-second", default=1.0, show_default=True, type=click.FloatRange(0.001), help="The carrier's pace."
)
@click.option("--prove", is_flag=True, help="Have the audit read every run: nobody overtaken without a rule.")
@as_json
def rehearse(
    trace_file: Path | None,
    day: datetime | None,
    policy_file: Path | None,
    against: Path | None,
    queue: str | None,
    zone: ZoneInfo,
    service_level: float,
    seed: int,
    runs: int,
    take_up: float | None,
    answer: float | None,
    agent_answers: float | None,
    calls_per_second: float,
    prove: bool,
    json_wanted: bool,
) -> None:
    """Play recorded traffic under a policy, and beside it under another.

    The same people ring at the same moments, and meet the product's own rules of offer, order, pacing and retry on a
    simulated clock. What the traffic does not tell is inferred and said below the figures.

    With --trace fields that P.json leaves out have their defaults; with --day and --queue they are as in force, and
    the policy in force is played as well.
    """
    from callback.lab import rehearse as rehearsing

    traffic = asked_for(trace_file, day, queue, zone)
    plans = plans_for(traffic, [path for path in (policy_file, against) if path is not None], queue)
    habits = habits_of(traffic, answer=answer, agent_answers_s=agent_answers, calls_per_second=calls_per_second)
    hidden = json_wanted or not sys.stderr.isatty()
    length = sum(not row.is_return for row in traffic.rows) * len(plans) * runs
    with click.progressbar(length=length, label="rehearsing", file=sys.stderr, hidden=hidden) as bar:
        played = rehearsing.rehearse(
            traffic.rows,
            plans,
            seed=seed,
            runs=runs,
            roster=traffic.roster,
            habits=habits,
            take_up=take_up,
            service_level_s=service_level,
            focus=queue,
            prove=prove,
            progress=bar.update,
        )
    show(rehearsal_json(played), json_wanted, rehearsal_text(played, service_level))


def habits_of(
    traffic: Traffic,
    *,
    answer: float | None = None,
    agent_answers_s: float | None = None,
    calls_per_second: float = 1.0,
) -> "Habits":
    """The house's own times, as the traffic tells them unless they are given."""
    from callback.lab.engine import Habits

    return Habits(
        connect_s=traffic.connect_s or 0.0,
        agent_answers_s=first_known(agent_answers_s, traffic.connect_s, Habits().agent_answers_s),
        answer=answer if answer is not None else traffic.answer,
        laws=traffic.laws,
        calls_per_second=calls_per_second,
    )


def first_known(*values: float | None) -> float:
    """The first that is not None; the last always is one."""
    return next(value for value in values if value is not None)


# --- the traffic --------------------------------------------------------------------------------------------------


def asked_for(trace_file: Path | None, day: datetime | None, queue: str | None, zone: ZoneInfo) -> Traffic:
    """From a file or from the journal. Raises UsageError unless it is exactly one of them."""
    from callback.lab import trace

    if (trace_file is None) == (day is None):
        raise click.UsageError("give --trace A.csv, or --day YYYY-MM-DD with --queue KEY")
    if trace_file is not None:
        return Traffic(trace.read(trace_file, zone))
    if queue is None:
        raise click.UsageError("--day needs --queue KEY: whose thresholds are rehearsed?")
    assert day is not None  # noqa: S101 - one of the two is given
    return of_day(day.date(), QueueKey(queue), zone)


def of_day(day: date, queue: QueueKey, zone: ZoneInfo) -> Traffic:
    """A day of the journal, in the queue's own time zone if it has one. Raises NotFound for a queue that is not
    there."""
    with open_store() as store:
        return day_in(store, day, queue, zone)


def day_in(store: "Store", day: date, queue: QueueKey, zone: ZoneInfo) -> Traffic:
    """The same of a record that is open."""
    from callback.domain import hours
    from callback.domain.laws import first_guess
    from callback.flows import recorded
    from callback.lab.journal_trace import JournalTrace

    with store.look() as work:
        policies = {str(one.key): one.policy for one in work.queues()}
        agents, own, stored = work.agents(), work.queue(queue), work.lesson(queue)
    zone = hours.zone_of(own.policy.hours) or zone
    since = datetime.combine(day, time.min, zone)
    until = datetime.combine(day + timedelta(days=1), time.min, zone)
    reader = JournalTrace()
    for row in recorded.entries(store, since - BEFORE, until + AFTER):
        reader.feed(row)
    credits_s = {key: policy.priority_credit_s for key, policy in policies.items()}
    found = reader.recorded(since, until, agents=agents, credits_s=credits_s)
    laws = first_guess(own.policy).plus(stored.lesson.laws) if stored is not None else None
    return Traffic(found.rows, found.roster, policies, found.connect_s, found.answer, laws)


BEFORE, AFTER = timedelta(hours=12), timedelta(hours=6)
"""So much more of the journal is read: who was there already, and what became of the last of the day."""


# --- the policies -------------------------------------------------------------------------------------------------


def plans_for(traffic: Traffic, files: list[Path], queue: str | None) -> "dict[str, dict[str, Policy]]":
    """Each policy for every queue, or for the one that is named; the policy that was in force first, where it is known.
    Raises UsageError without any, BadParameter for a queue that is not there."""
    from callback.domain.policy import Policy

    known = {row.queue for row in traffic.rows} | set(traffic.in_force)
    if queue is not None and queue not in known:
        there = ", ".join(sorted(known)) or "none"
        raise click.BadParameter(f"the traffic has no queue {queue!r}; it has {there}", param_hint="--queue")
    base = {key: traffic.in_force.get(key, Policy()) for key in known}
    plans = {NOW: base} if traffic.in_force else {}
    for name, path in zip(named(files), files, strict=True):
        mine = known if queue is None else {queue}
        plans[name] = {key: policy_in(path, base[key]) if key in mine else base[key] for key in known}
    if not plans:
        raise click.UsageError("give --policy P.json: which policy is to be rehearsed?")
    return plans


def policy_in(path: Path, base: "Policy | None" = None) -> "Policy":
    """`base` (the defaults unless given) with the fields in a file. Raises ClickException with every mistake and how to
    mend it."""
    from callback.domain.policies import DEFAULTS, InvalidPolicy, parse

    try:
        fields = json.loads(path.read_text(encoding="utf-8-sig"))
    except UnicodeDecodeError:
        raise click.ClickException(f"{path.name} is not text in UTF-8: save it again as such") from None
    except json.JSONDecodeError as error:
        where = f"line {error.lineno}, column {error.colno}"
        raise click.ClickException(f"{path.name} is not JSON: {error.msg} ({where})") from None
    if not isinstance(fields, dict):
        raise click.ClickException(
            f'{path.name} must be an object of policy fields, such as {{"offer_at_wait_s": 120}}'
        )
    try:
        return parse(fields, base or DEFAULTS)
    except InvalidPolicy as wrong:
        told = "\n".join(f"  {name} {message}" for name, message in wrong.mistakes)
        raise click.ClickException(f"{path.name} cannot be used:\n{told}") from None


def named(files: list[Path]) -> list[str]:
    """A heading for each file that tells them apart."""
    stems = [path.stem for path in files]
    return stems if len(set(stems)) == len(stems) else [str(path) for path in files]


# --- for programs -------------------------------------------------------------------------------------------------


def rehearsal_json(rehearsal: "Rehearsal") -> dict[str, Any]:
    """Everything. Seconds and shares from 0 to 1; null where there is nothing to measure."""
    return {
        "callers": rehearsal.callers,
        "runs": rehearsal.runs,
        "recorded": dict(rehearsal.recorded),
        "policies": {name: played_json(played) for name, played in rehearsal.played.items()},
        "differences": {
            name: {figure: difference_json(one) for figure, one in found.items()}
            for name, found in rehearsal.differences.items()
        },
        "notes": list(rehearsal.notes),
        "interval_s": rehearsal.slice_s,
    }


def played_json(played: "Played") -> dict[str, Any]:
    """What one policy came to."""
    return {
        **played.figures,
        "ends": {end.value: number for end, number in played.ends.items()},
        "queues": {queue: dict(figures) for queue, figures in played.queues.items()},
        "course": [course_json(piece) for piece in played.course],
    }


def course_json(piece: "Course") -> dict[str, Any]:
    """One interval of the day."""
    from dataclasses import asdict
    from datetime import UTC, datetime

    return {**asdict(piece), "at": datetime.fromtimestamp(piece.at, UTC).isoformat()}


def difference_json(difference: "Difference") -> dict[str, float | None]:
    """With its 95 % interval where there were several runs."""
    return {"mean": difference.mean, "low": difference.low, "high": difference.high}


# --- for people ---------------------------------------------------------------------------------------------------


def rehearsal_text(rehearsal: "Rehearsal", service_level: float) -> str:
    """One column for what was recorded and for each policy, and the difference of each later one from the first."""
    names = list(rehearsal.played)
    others = names[1:]
    head = ["", "recorded", *names, *(f"{name} - {names[0]}" for name in others)]
    rows = []
    for label, figure, kind in SHOWN:
        values = [rehearsal.played[name].figures.get(figure) for name in names]
        if any(values) or (figure in SAID_OF_NONE and figure in rehearsal.played[names[0]].figures):
            told = f"{label} (live, within {service_level:g} s)" if figure == "service_level" else label
            cells = [cell(rehearsal.recorded.get(figure), kind), *(cell(value, kind) for value in values)]
            cells += [difference_cell(rehearsal.differences[name].get(figure), kind) for name in others]
            rows.append([told, *cells])
    runs = f", {rehearsal.runs} runs, differences with their 95 % intervals" if rehearsal.runs > 1 else ""
    notes = [f"- {note}" for note in rehearsal.notes]
    said = table(head, rows, "nobody rang: there is nothing to rehearse")
    return "\n".join([f"{rehearsal.callers:,} callers{runs}", "", said, "", *notes])


SAID_OF_NONE = frozenset({"offers", "abandoned", "unserved_at_closing", "idle", "breaches"})
"""Figures whose zero is worth a line."""


def cell(value: float | None, kind: str) -> str:
    """A figure as people write it."""
    if value is None:
        return "-"
    if kind == "share":
        return f"{value:.1%}"
    if kind == "seconds":
        return f"{value:,.0f} s"
    return f"{value:,.0f}" if value == int(value) else f"{value:,.1f}"


def difference_cell(difference: "Difference | None", kind: str) -> str:
    """Signed; with several runs the interval after it."""
    if difference is None:
        return "-"
    told = signed(difference.mean, kind)
    if difference.low is None or difference.high is None:
        return told
    return f"{told} [{signed(difference.low, kind)}, {signed(difference.high, kind)}]"


def signed(value: float, kind: str) -> str:
    """With its sign; shares in points of a per cent."""
    if kind == "share":
        return f"{100 * value:+.1f}"
    return f"{value:+,.0f}" if kind == "seconds" or value == int(value) else f"{value:+,.1f}"
