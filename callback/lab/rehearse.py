"""Rehearsal: the same traffic under one policy and another, and what each would have come to.

Recorded traffic, or a forecast in the same form, is turned into people and agents once (`people`, `duty`); then each
policy plays the same day on a simulated clock (`engine`). With several runs the dice of the people change from run to
run and are the same for all policies in it, so the interval of a difference is that of the pairs.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from statistics import fmean

from callback.domain.policy import Policy
from callback.domain.promised import estimate
from callback.domain.wait import Measured
from callback.lab import duty
from callback.lab.duty import Roster
from callback.lab.engine import Engine, Estimates, Habits, Setting
from callback.lab.figures import Difference, Played, differences, measure, played, recorded
from callback.lab.journalled import Journal
from callback.lab.line import KEEP, Agent
from callback.lab.people import Census, Person
from callback.lab.tally import Tally
from callback.lab.trace import RETURN, Outcome, Row

SERVICE_LEVEL_S = 20.0
TAKE_UP = 0.5
"""The share that takes an offer where nothing tells."""
Plan = Policy | Mapping[str, Policy]
"""One policy for all queues, or one by queue (the defaults for those that are not named)."""


@dataclass(frozen=True)
class Rehearsal:
    """The policies in the order given, the differences of each later one from the first, what the traffic itself says
    (the figures that a trace has), and what was assumed."""

    played: Mapping[str, Played]
    differences: Mapping[str, Mapping[str, Difference]]
    recorded: Mapping[str, float | None]
    notes: Sequence[str]
    callers: int
    runs: int
    slice_s: float


@dataclass(frozen=True)
class Day:
    """What is the same for every policy: the traffic, the agents, the house's own times.

    `take_up` None is learnt where the trace tells, else `TAKE_UP`; `warm` lets the line begin with what it would have
    measured of such traffic, as a house that has been open before.
    """

    rows: Sequence[Row]
    roster: Roster
    habits: Habits
    take_up: float | None = None
    warm: bool = True
    service_level_s: float = SERVICE_LEVEL_S
    slice_s: float = 900.0
    estimator: Estimates = estimate


def rehearse(
    rows: Sequence[Row],
    policies: Mapping[str, Plan],
    *,
    seed: int = 1,
    runs: int = 1,
    roster: Roster | None = None,
    habits: Habits | None = None,
    take_up: float | None = None,
    warm: bool = True,
    service_level_s: float = SERVICE_LEVEL_S,
    slice_s: float = 900.0,
    focus: str | None = None,
    prove: bool = False,
    progress: Callable[[int], None] = lambda _: None,
) -> Rehearsal:
    """Plays `rows` under each of `policies` (by name; the first is what the others are compared with).

    The agents are read off the rows unless a `roster` is given. The same `seed` gives the same people; with `runs`
    there are so many casts of people, each met by every policy. With `focus` the figures are of that queue alone, but
    for those about the agents. `prove` has the audit read every run, which takes three times as long. `progress` hears
    of callers done, all of them for each policy and run.

    Raises ValueError without a policy or with fewer than one run.
    """
    if not policies or runs < 1:
        raise ValueError("a rehearsal needs a policy and at least one run")
    found = roster or duty.infer(rows)
    day = Day(_with_work(rows, found), found, habits or Habits(), take_up, warm, service_level_s, slice_s)
    queues = _queues(rows, found, policies.values(), focus)
    plans = {name: by_queue(plan, queues) for name, plan in policies.items()}
    first = next(iter(plans.values()))
    census = _census(day, first)
    tallies: dict[str, list[Tally]] = {name: [] for name in plans}
    proofs: dict[str, list[float]] = {name: [] for name in plans}
    for run in range(runs):
        people = census.crowd(seed + run).people
        for name, plan in plans.items():
            tally, breaches = _play(day, census, people, plan, first, prove, progress)
            tallies[name].append(tally)
            proofs[name] += breaches
    figures = {name: [measure(tally, service_level_s, focus) for tally in tallies[name]] for name in plans}
    for name, breaches in proofs.items():
        for figure, found_breaches in zip(figures[name], breaches, strict=False):
            figure["breaches"] = found_breaches
    reference, *others = plans
    return Rehearsal(
        played={name: played(figures[name], tallies[name], service_level_s, focus) for name in plans},
        differences={name: differences(figures[reference], figures[name]) for name in others},
        recorded=recorded([row for row in rows if focus in (None, row.queue)], service_level_s),
        notes=[*found.notes, *census.notes, *_assumed(day, plans)],
        callers=sum(not row.is_return and focus in (None, row.queue) for row in rows),
        runs=runs,
        slice_s=slice_s,
    )


def _queues(rows: Sequence[Row], roster: Roster, plans: Iterable[Plan], focus: str | None) -> list[str]:
    """Every queue that somebody rings, serves, has a policy for or asks about."""
    named = [plan for plan in plans if not isinstance(plan, Policy)]
    asked = {focus} if focus is not None else set()
    return sorted(asked.union((row.queue for row in rows), *(seat.queues for seat in roster.seats), *named))


def by_queue(plan: Plan, queues: Sequence[str]) -> dict[str, Policy]:
    """A policy for every queue."""
    if isinstance(plan, Policy):
        return dict.fromkeys(queues, plan)
    return {queue: plan.get(queue, Policy()) for queue in queues}


def _with_work(rows: Sequence[Row], roster: Roster) -> list[Row]:
    """The rows with the wrap-up that they do not have."""
    more = roster.more_work_s
    if not more:
        return list(rows)
    return [
        replace(row, handled_s=row.handled_s + more.get(row.call_id.removesuffix(RETURN), 0.0))
        if row.outcome is Outcome.ANSWERED
        else row
        for row in rows
    ]


def _census(day: Day, first: Mapping[str, Policy]) -> Census:
    prior_s = fmean(policy.prior_patience_s for policy in first.values()) if first else Policy().prior_patience_s
    return Census(day.rows, prior_patience_s=prior_s, take_up=day.take_up, usual=TAKE_UP)


def _play(
    day: Day,
    census: Census,
    people: Sequence[Person],
    plan: Mapping[str, Policy],
    first: Mapping[str, Policy],
    prove: bool,
    progress: Callable[[int], None],
) -> tuple[Tally, list[float]]:
    """One run, and with `prove` how many breaches its journal has."""
    wraps = {key: policy.wrap_up_s for key, policy in first.items()}
    setting = Setting(
        people=people,
        seats=day.roster.seats,
        policies=plan,
        take_up=census.take_up,
        habits=day.habits,
        measured=_measured(day.rows) if day.warm else None,
        recorded_wrap_up_s=wraps,
        estimator=day.estimator,
        slice_s=day.slice_s,
    )
    if not prove or not people:
        return Engine(setting, progress=progress).run(), []
    agents = [Agent(seat.agent, seat.queues) for seat in day.roster.seats]
    journal = Journal(plan, agents, people[0].at - 86400)
    tally = Engine(setting, journal, progress).run()
    return tally, [float(len(journal.findings().breaches))]


def _measured(rows: Sequence[Row]) -> dict[str, Measured]:
    """What a queue with such traffic remembers: as many observations as its memory holds, or as there are."""
    known: dict[str, Measured] = {}
    for queue in {row.queue for row in rows}:
        talks = [row.handled_s for row in rows if row.queue == queue and row.outcome is Outcome.ANSWERED]
        waits = [row for row in rows if row.queue == queue and not row.is_return]
        talked, waited = ((1 - KEEP ** len(seen)) / (1 - KEEP) for seen in (talks, waits))
        known[queue] = Measured(
            handled=talked,
            handled_s=talked * fmean(talks) if talks else 0.0,
            abandoned=waited * fmean(row.outcome is Outcome.ABANDONED for row in waits) if waits else 0.0,
            waited_s=waited * fmean(row.waited_s for row in waits) if waits else 0.0,
        )
    return known


# --- what was assumed ---------------------------------------------------------------------------------------------


def _assumed(day: Day, plans: Mapping[str, Mapping[str, Policy]]) -> list[str]:
    habits = day.habits
    notes = [
        f"a call back: {_reached(habits)}; an agent takes {habits.agent_answers_s:g} s to come to the phone",
        "the wait that is said and that decides is the simple rule on what the line would have measured"
        + ("; it begins with the means of this traffic" if day.warm else ""),
    ]
    known = {name for plan in plans.values() for policy in plan.values() for name in policy.priority_credit_s}
    strange = sorted({row.priority for row in day.rows if row.priority} - known)
    if strange:
        notes.append(f"priorities without a credit in any policy count for nothing: {', '.join(strange)}")
    if not day.roster.seats:
        notes.append("nobody talked in this traffic: there are no agents, and nobody can be served")
    if any(policy.quiet_hours for plan in plans.values() for policy in plan.values()):
        notes.append("quiet hours: the queue's own time zone stands for that of whoever is called")
    return notes


def _reached(habits: Habits) -> str:
    """Who picks up, in words."""
    share = f"{habits.answer:.0%} of those rung pick up" if habits.answer is not None else "four in five pick up"
    if habits.laws is None:
        return f"{share}, after 10 s, and nine in ten press the key, after 6 s"
    told = "as many pick up" if habits.answer is None else share
    return f"{told}, and rings and keys last, as this house has learnt"
