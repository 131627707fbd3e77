"""`callback forecast` and `callback staff`: how many callers a day will bring, and how many agents it needs."""

import os
import sys
from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from datetime import UTC, date, datetime, timedelta, tzinfo
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar
from zoneinfo import ZoneInfo

import click

from callback.cli.backtest import zone_of
from callback.cli.output import as_json, show, table
from callback.cli.rehearse import policy_in
from callback.cli.sums import on_one_core
from callback.domain import hours as opening
from callback.domain.uptake import LATELY, Uptake

if TYPE_CHECKING:
    from callback.domain.policy import Policy
    from callback.lab.forecasting import DayForecast, ForecastScore, History
    from callback.lab.manydays import Offering
    from callback.lab.staffing import Limits, Plan, Slot, Target, Whole

Command = TypeVar("Command", bound=Callable[..., Any])

OWN = "own"
"""Instead of a policy's file: that of the queue."""
WEEKS_READ = 27
"""So far back the record is read."""
_FILE = click.Path(exists=True, dir_okay=False, path_type=Path)
_SHARE = click.FloatRange(0, 1)


def day_of(_: click.Context, __: click.Parameter, value: str | None) -> date | None:
    """A day as YYYY-MM-DD. Raises BadParameter."""
    try:
        return None if value is None else date.fromisoformat(value)
    except ValueError:
        raise click.BadParameter("write a day like 2026-03-02") from None


def target_of(_: click.Context, __: click.Parameter, value: str) -> "Target":
    """What each quarter has to meet. Raises BadParameter."""
    from callback.lab.staffing import Target

    try:
        return Target.parse(value)
    except ValueError as wrong:
        raise click.BadParameter(str(wrong)) from None


def of_the_past(command: Command) -> Command:
    """The options that say what is forecast from what."""
    for option in (
        click.option("--hours", "hours_file", type=_FILE, metavar="P.json", help="A policy whose opening hours hold."),
        click.option("--timezone", "zone", callback=_zone, help="Of the day, and of times without a zone."),
        click.option("--day", callback=day_of, metavar="YYYY-MM-DD", help="[default: tomorrow, or after the trace]"),
        click.option("--queue", metavar="KEY", help="This queue: of the trace if one is given, else of the record."),
        click.option("--trace", "traces", multiple=True, type=_FILE, metavar="A.csv", help="The past (repeatable)."),
    ):
        command = option(command)
    return command


def _zone(context: click.Context, parameter: click.Parameter, value: str | None) -> ZoneInfo | None:
    return None if value is None else zone_of(context, parameter, value)


@dataclass(frozen=True)
class Known:
    """What is known of a queue: its past, the day in question, and its policy where it has one."""

    history: "History"
    day: date
    policy: "Policy | None"
    hours: Any
    uptake: Uptake = field(default_factory=Uptake)

    def forecast(self) -> "DayForecast":
        """Of the day. Raises ClickException where the past says nothing."""
        from callback.domain.policy import Policy
        from callback.lab.forecasting import forecast

        priors = self.policy or Policy()
        try:
            return forecast(
                self.history, self.day, hours=self.hours,
                prior_handle_s=priors.prior_handle_s, prior_patience_s=priors.prior_patience_s,
            )  # fmt: skip
        except ValueError as nothing:
            raise click.ClickException(f"{nothing}: give a trace with at least a few days before it") from None


def known(
    traces: tuple[Path, ...], queue: str | None, day: date | None, zone: ZoneInfo | None, hours_file: Path | None
) -> Known:
    """The past of a queue, from a trace or the record. Raises UsageError where neither is named."""
    if not traces and queue is None:
        raise click.UsageError("say what to look at: --trace A.csv for recorded traffic, or --queue KEY for the record")
    from callback.domain.policy import Policy

    hours = policy_in(hours_file, Policy()).hours if hours_file else None
    if traces:
        return _of_traces(traces, queue, day, zone, hours)
    return _of_record(str(queue), day, zone, hours)


def _of_traces(
    traces: tuple[Path, ...], queue: str | None, day: date | None, zone: ZoneInfo | None, hours: Any
) -> Known:
    from callback.lab import trace
    from callback.lab.forecasting import History

    rows = [row for file in traces for row in trace.read(file, zone or opening.zone_of(hours) or UTC)]
    queues = sorted({row.queue for row in rows})
    if queue is not None and queue not in queues:
        raise click.BadParameter(f"the trace has no queue {queue}; it has {', '.join(queues)}", param_hint="--queue")
    history = History.of(rows, zone or opening.zone_of(hours), queue)
    if not history.days:
        raise click.ClickException("the trace has no calls: there is nothing to learn from")
    return Known(history, day or max(history.days) + timedelta(days=1), None, hours)


def _of_record(key: str, day: date | None, zone: ZoneInfo | None, hours: Any) -> Known:
    from callback.cli.house import open_store
    from callback.domain.ids import QueueKey
    from callback.lab.forecasting import History

    now = datetime.now(UTC)
    with open_store() as store, store.look() as work:
        queue = work.queue(QueueKey(key))
        own: tzinfo = zone or opening.zone_of(hours or queue.policy.hours) or UTC
        wanted = day or now.astimezone(own).date() + timedelta(days=1)
        until = min(datetime(wanted.year, wanted.month, wanted.day, tzinfo=own), _midnight(now, own))
        uptake = work.uptake(QueueKey(key), since=now - LATELY)
        traffic = work.traffic(queue.key, since=until - timedelta(weeks=WEEKS_READ), until=until)  # type: ignore[arg-type]
    history = History.recorded(traffic, own, queue.policy.wrap_up_s)
    return Known(history, wanted, queue.policy, hours or queue.policy.hours, uptake)


def _midnight(now: datetime, zone: tzinfo) -> datetime:
    return now.astimezone(zone).replace(hour=0, minute=0, second=0, microsecond=0)


# --- forecast -----------------------------------------------------------------------------------------------------


@click.command()
@of_the_past
@click.option("--test", "tests", multiple=True, type=_FILE, metavar="B.csv", help="Predict its days, and say how well.")
@click.option(
    "--out", type=click.Path(dir_okay=False, path_type=Path), metavar="DAY.csv", help="Draw a day into a trace."
)
@click.option("--seed", default=1, show_default=True, help="Which day is drawn; the same seed draws the same one.")
@as_json
def forecast(
    traces: tuple[Path, ...], queue: str | None, day: date | None, zone: ZoneInfo | None, hours_file: Path | None,
    tests: tuple[Path, ...], out: Path | None, seed: int, json_wanted: bool,
) -> None:  # fmt: skip
    """Say how many callers a day will bring, by quarter of an hour.

    A season by weekday, at the level of the last days. `--test` predicts each day of another trace from the days before
    it; `--out` draws one such day as a trace, for `callback rehearse`.
    """
    if tests:
        _tested(traces, tests, queue, zone, hours_file, json_wanted)
        return
    seen = known(traces, queue, day, zone, hours_file)
    said = seen.forecast()
    if out is not None:
        from callback.lab.drawn import write

        write(said, out, seed, queue or "forecast")
    show(said.as_json(), json_wanted, forecast_text(said, seen.history.zone))


def _tested(
    traces: tuple[Path, ...], tests: tuple[Path, ...], queue: str | None, zone: ZoneInfo | None,
    hours_file: Path | None, json_wanted: bool,
) -> None:  # fmt: skip
    from callback.lab.forecasting import opens, scores

    if not traces:
        raise click.UsageError("--test needs the traffic before it: add --trace A.csv")
    seen = known(traces + tests, queue, None, zone, hours_file)
    later = known(tests, queue, None, zone, hours_file).history.days
    days = [one for one in sorted(later) if opens(seen.hours, one, seen.history.zone)]
    found = scores(seen.history, days, hours=seen.hours)
    show({name: asdict(score) for name, score in found.items()}, json_wanted, scores_text(found))


def scores_text(found: "dict[str, ForecastScore]") -> str:
    """A line for ours and for each simple one."""
    rows = [
        (name, f"{one.by_quarter:.1%}", f"{one.by_day:.1%}", "" if one.covered is None else f"{one.covered:.1%}")
        for name, one in found.items()
    ]
    first = next(iter(found.values()))
    head = ("forecast", "error by quarter", "by day", "quarters in their 80% range")
    return f"{first.days} days with {first.calls:,.0f} calls, each from the days before it\n\n" + table(head, rows, "")


def forecast_text(said: "DayForecast", zone: tzinfo) -> str:
    """A line for each quarter of an hour."""
    rows = [
        (f"{one.begins.astimezone(zone):%H:%M}", f"{one.calls:.1f}", f"{one.low:.0f} - {one.high:.0f}",
         f"{one.handle_s:.0f} s", f"{one.patience_s:.0f} s")
        for one in said.quarters
    ]  # fmt: skip
    head = ("from", "callers", "80% range", "talk and wrap-up", "patience")
    about = f"{said.day:%A} {said.day}: {said.calls:,.0f} callers ({said.low:,.0f} to {said.high:,.0f})"
    rests = f"rests on {said.rests_on} days; the last days are at {said.level:.0%} of their season"
    return "\n".join(
        [about, rests, *map(str, said.notes), "", table(head, rows, "nobody is expected: the queue is closed")]
    )


# --- staff --------------------------------------------------------------------------------------------------------


@click.command()
@of_the_past
@click.option(
    "--target",
    default="80/20",
    show_default=True,
    callback=target_of,
    metavar="80/20",
    help="80 % answered in 20 s; p90/60: 90 % of waits below 60 s; abandon/5: at most 5 % hang up.",
)
@click.option("--with-callbacks", metavar="P.json", help=f"Offer callbacks by this policy; {OWN}: by the queue's.")
@click.option("--take-up", type=_SHARE, help="Share of offers that is taken. [default: learnt from the record, or 0.5]")
@click.option("--promise", default=30.0, show_default=True, type=click.FloatRange(1), help="Minutes to call back in.")
@click.option(
    "--shrinkage", default=0.0, show_default=True, type=click.FloatRange(0, 0.95), help="Share of paid time away."
)
@click.option(
    "--max-occupancy",
    default=1.0,
    show_default=True,
    type=click.FloatRange(0.05, 1),
    help="Share of time agents are busy.",
)
@click.option(
    "--check", default=0, type=click.IntRange(0, 100), metavar="DAYS", help="Play so many days by the real rules."
)
@click.option("--seed", default=1, show_default=True, help="Which days are drawn.")
@click.option("--gently", is_flag=True, hidden=True, help="Let everything else on this machine go first.")
@as_json
def staff(
    traces: tuple[Path, ...], queue: str | None, day: date | None, zone: ZoneInfo | None, hours_file: Path | None,
    target: "Target", with_callbacks: str | None, take_up: float | None, promise: float, shrinkage: float,
    max_occupancy: float, check: int, seed: int, gently: bool, json_wanted: bool,
) -> None:  # fmt: skip
    """Say how many agents a day needs by quarter of an hour, and what callbacks save.

    From the forecast of the day, by Erlang A and then many simulated days, in which every quarter takes over the line
    of the one before.
    """
    if gently:
        os.nice(19)
    on_one_core()
    from callback.lab import staffing

    seen = known(traces, queue, day, zone, hours_file)
    policy = _offered(with_callbacks, seen.policy)
    share = seen.uptake.share if take_up is None else take_up
    offering = _offering(policy, share, promise) if policy else None
    limits = staffing.Limits(shrinkage, max_occupancy)
    said = seen.forecast()
    hidden = json_wanted or not sys.stderr.isatty()
    with click.progressbar(
        length=staffing.steps(said, offering), label="staffing", file=sys.stderr, hidden=hidden
    ) as bar:
        found = _planned(said, target, offering, limits, seed, bar.update)
    checked = _checked(said, found, policy, share, check, seed, hidden)
    learnt = None if take_up is not None else asdict(seen.uptake)
    data = {**found.as_json(), "forecast": said.as_json(), "checked": checked}
    data |= {"take_up": {"share": share, "learnt": learnt}} if offering else {}
    told = [uptake_text(share, seen.uptake if take_up is None else None)] if offering else []
    show(data, json_wanted, "\n".join([*told, plan_text(found, seen.history.zone, checked)]))


def uptake_text(share: float, learnt: Uptake | None) -> str:
    """What the take-up rests on."""
    told = f"{share:.0%} of those who are offered a callback take it"
    if learnt is None:
        return f"{told}: as told"
    return f"{told}: learnt from {learnt.offers:,} offers" if learnt.offers else f"{told}: a guess (--take-up)"


def _offered(named: str | None, own: "Policy | None") -> "Policy | None":
    from callback.domain.policy import Policy

    if named is None:
        return None
    if named != OWN:
        file = Path(named)
        if not file.is_file():
            raise click.BadParameter(f"there is no file {named}", param_hint="--with-callbacks")
        return policy_in(file, own or Policy())
    if own is None:
        raise click.BadParameter("a trace has no policy of its own: name a file", param_hint="--with-callbacks")
    return own


def _offering(policy: "Policy", take_up: float, promise: float) -> "Offering":
    from callback.lab.manydays import Offering

    try:
        return Offering.of(policy, take_up=take_up, promise_s=promise * 60)
    except ValueError as wrong:
        raise click.ClickException(str(wrong)) from None


def _planned(
    said: "DayForecast", target: "Target", offering: "Offering | None", limits: "Limits", seed: int,
    progress: Callable[[int], None],
) -> "Plan":  # fmt: skip
    from callback.lab.staffing import plan

    try:
        return plan(said, target, offering=offering, limits=limits, seed=seed, progress=progress)
    except ValueError as impossible:
        raise click.ClickException(str(impossible)) from None


def _checked(
    said: "DayForecast", found: "Plan", policy: "Policy | None", take_up: float, days: int, seed: int, hidden: bool
) -> dict[str, dict[str, float | None]]:
    """The figures of days played with these agents, without callbacks and with them; empty where none is asked for."""
    if not days:
        return {}
    from callback.domain.policy import Policy
    from callback.lab.staffed import played, seats

    silent = Policy(offer_at_wait_s=None, stop_offering_at_wait_s=None, accepting=False)
    plans = {"without": (silent, [slot.without for slot in found.slots])}
    if policy is not None:
        plans["with"] = (policy, [slot.callbacks or 0 for slot in found.slots])
    results = {}
    with click.progressbar(
        length=round(said.calls * days * len(plans)), label="playing", file=sys.stderr, hidden=hidden
    ) as bar:
        for name, (rules, agents) in plans.items():
            by_begin = dict(zip((slot.begins for slot in found.slots), agents, strict=True))
            seated = seats(found.slots, lambda slot, by_begin=by_begin: by_begin[slot.begins])  # type: ignore[misc]
            results[name] = dict(
                played(said, seated, rules, take_up=take_up, days=days, seed=seed,
                       within_s=found.target.within_s or 20.0, progress=bar.update)
            )  # fmt: skip
    return results


# --- what is told --------------------------------------------------------------------------------------------------


def plan_text(found: "Plan", zone: tzinfo, checked: dict[str, dict[str, float | None]]) -> str:
    """A line for each quarter of an hour, then the day as a whole."""
    both = found.with_callbacks is not None
    head = ["from", "callers", "talk", "Erlang A", "agents", "meets"]
    head += ["with callbacks", "meets", "called back", "after", "saved"] if both else []
    lines = [
        f"{found.day:%A} {found.day}, target {found.target} in every quarter of an hour",
        *map(str, found.notes),
        "",
    ]
    lines += [table(head, [_slot_cells(slot, zone, both) for slot in found.slots], "closed"), ""]
    lines += [_whole_text("without callbacks", found.without)]
    if found.with_callbacks is not None:
        lines += [_whole_text("with callbacks", found.with_callbacks)]
        lines += [f"callbacks save {found.saved_hours:,.2f} of {found.without.agent_hours:,.2f} agent hours"]
    lines += [_checked_text(name, figures) for name, figures in checked.items()]
    return "\n".join(lines)


def _slot_cells(slot: "Slot", zone: tzinfo, both: bool) -> list[str]:
    cells = [
        f"{slot.begins.astimezone(zone):%H:%M}", f"{slot.calls:.1f}", f"{slot.handle_s:.0f} s", str(slot.erlang),
        str(slot.paid_without), _share(slot.good_without),
    ]  # fmt: skip
    if not both:
        return cells
    fewer = slot.paid_callbacks if slot.paid_callbacks is not None else slot.paid_without
    after = "" if slot.called_s is None else f"{slot.called_s / 60:.1f} min"
    return [
        *cells, str(fewer), _share(slot.good_callbacks), f"{slot.took:.1f}" if slot.took else "", after,
        f"{slot.paid_without - fewer:d}" if slot.paid_without != fewer else "",
    ]  # fmt: skip


def _share(share: float | None) -> str:
    return "" if share is None else f"{share:.0%}"


def _whole_text(name: str, whole: "Whole") -> str:
    told = (
        f"{name}: {whole.agent_hours:,.2f} agent hours, {whole.good:.1%} meet the target, {whole.left:.1%} hang up, "
        f"{whole.waited_s:.0f} s on the line"
    )
    if not whole.took:
        return told
    after = f", an agent after {whole.called_s / 60:.1f} min on average" if whole.called_s is not None else ""
    kept = f", {whole.kept:.1%} in time" if whole.kept is not None else ""
    return f"{told} ({whole.stayed:.1%} of those who stay on it in time); {whole.took:.0f} called back{kept}{after}"


def _checked_text(name: str, figures: dict[str, float | None]) -> str:
    def said(figure: str, form: str) -> str:
        value = figures.get(figure)
        return "-" if value is None else format(value, form)

    called = f", {said('called_back', '.0f')} called back after {said('callback_mean_s', '.0f')} s"
    return (
        f"by the real rules, {name}: {said('service_level', '.1%')} of live callers in time, "
        f"{said('abandonment', '.1%')} hang up, {said('live_mean_s', '.0f')} s to an agent"
        + (called if figures.get("called_back") else "")
    )
