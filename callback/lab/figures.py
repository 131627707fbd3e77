"""The figures of a rehearsal: of one run, averaged over several, and the differences between policies.

Shares are from 0 to 1 and times in seconds; None stands where there was nothing to measure. Whatever was recorded is
measured by the same definitions.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from statistics import fmean, stdev

from callback.lab.tally import Counts, End, Slice, Tally
from callback.lab.trace import RETURN, Outcome, Row

_T = (12.71, 4.30, 3.18, 2.78, 2.57, 2.45, 2.36, 2.31, 2.26, 2.23, 2.20, 2.18, 2.16, 2.14, 2.13, 2.12, 2.11, 2.10)
"""Student's t for 95 % by degrees of freedom from 1; beyond them 1.96 (1 + 1.25 / freedom) is within 0.5 %."""


@dataclass(frozen=True)
class Course:
    """One interval of the day, all queues together, averaged over the runs. `at` is its beginning (epoch seconds);
    seconds are means over those who arrived in it, None where nobody did."""

    at: float
    arrived: float
    offers: float
    taken: float
    abandoned: float
    answered_s: float | None
    called_back_s: float | None
    live: float
    promised: float
    staffed: float
    idle: float


@dataclass(frozen=True)
class Played:
    """What one policy came to: figures by name (`MEASURES`; None: nothing to measure), what became of everybody, the
    course of the day, and the same figures by queue. Means over the runs."""

    figures: Mapping[str, float | None]
    ends: Mapping[End, float]
    course: Sequence[Course]
    queues: Mapping[str, Mapping[str, float | None]]


@dataclass(frozen=True)
class Difference:
    """A figure of one policy less that of the first; the 95 % interval of the pairs where there were several runs."""

    mean: float
    low: float | None = None
    high: float | None = None


def measure(tally: Tally, service_level_s: float, focus: str | None = None) -> dict[str, float | None]:
    """The figures of one run, of the queue `focus` or of all together; those about the agents are of all."""
    figures = _measure(_counts(tally, focus), service_level_s)
    figures["idle"] = _share(tally.idle_s, tally.staffed_s)
    figures["ringing"] = _share(tally.ringing_s, tally.staffed_s)
    return figures


def _counts(tally: Tally, focus: str | None) -> Counts:
    return tally.whole() if focus is None else tally.queues[focus]


def _measure(counts: Counts, service_level_s: float) -> dict[str, float | None]:
    ends, live, back = counts.ends, sorted(counts.live_s), sorted(counts.back_s)
    stayed = ends[End.ANSWERED] + ends[End.ABANDONED]
    return {
        "callers": counts.callers,
        "closed": ends[End.CLOSED],
        "offers": counts.offers,
        "taken": counts.taken,
        "take_up": _share(counts.taken, counts.offers),
        "live": ends[End.ANSWERED],
        "live_mean_s": fmean(live) if live else None,
        "live_p50_s": _quantile(live, 0.5),
        "live_p90_s": _quantile(live, 0.9),
        "called_back": ends[End.CALLED_BACK],
        "callback_mean_s": fmean(back) if back else None,
        "callback_p50_s": _quantile(back, 0.5),
        "callback_p90_s": _quantile(back, 0.9),
        "service_level": _share(sum(waited <= service_level_s for waited in live), stayed),
        "abandoned": ends[End.ABANDONED],
        "abandonment": _share(ends[End.ABANDONED], counts.callers),
        "unserved_at_closing": counts.unserved,
        "dials": counts.dials,
        "picked_up": counts.picked_up,
        "unreached": ends[End.UNREACHED],
        "rung_ahead": counts.ahead,
        "missed": counts.missed,
        "miss_share": _share(counts.missed, counts.ahead),
    }


def recorded(rows: Sequence[Row], service_level_s: float) -> dict[str, float | None]:
    """As it was, by the same definitions."""
    counts = Counts()
    promised = {row.call_id: row for row in rows if row.outcome is Outcome.CALLBACK}
    for row in rows:
        if row.is_return:
            first = promised.get(row.call_id.removesuffix(RETURN))
            counts.ends[End.CALLED_BACK if row.outcome is Outcome.ANSWERED else End.UNREACHED] += 1
            if row.outcome is Outcome.ANSWERED:
                counts.back_s.append(row.at + row.waited_s - (first or row).at)
        elif row.outcome is Outcome.ANSWERED:
            counts.ends[End.ANSWERED] += 1
            counts.live_s.append(row.waited_s)
        elif row.outcome is Outcome.ABANDONED:
            counts.ends[End.ABANDONED] += 1
    figures = _measure(counts, service_level_s)
    told = [name for name in figures if name.startswith(("live", "callback_"))]
    found = {name: figures[name] for name in (*told, "called_back", "service_level", "abandoned", "unreached")}
    callers = sum(not row.is_return for row in rows)
    shares = {"callers": callers, "taken": len(promised), "abandonment": _share(counts.ends[End.ABANDONED], callers)}
    return found | shares


def _share(part: float, whole: float) -> float | None:
    return part / whole if whole else None


def _quantile(ordered: Sequence[float], p: float) -> float | None:
    """The smallest that at least the share `p` do not exceed (nearest rank)."""
    return ordered[max(math.ceil(p * len(ordered)), 1) - 1] if ordered else None


def played(
    figures: Sequence[Mapping[str, float | None]], tallies: Sequence[Tally], level_s: float, focus: str | None = None
) -> Played:
    """The runs of one policy together."""
    queues = {
        queue: _averaged([_measure(tally.queues[queue], level_s) for tally in tallies]) for queue in tallies[0].queues
    }
    wholes = [_counts(tally, focus) for tally in tallies]
    return Played(
        figures=_averaged(figures),
        ends={end: fmean(whole.ends[end] for whole in wholes) for end in End},
        course=_course(wholes, tallies[0].slice_s),
        queues=queues,
    )


def _averaged(figures: Sequence[Mapping[str, float | None]]) -> dict[str, float | None]:
    """Over the runs in which there was something to measure."""
    found = {name: [value for one in figures if (value := one.get(name)) is not None] for name in figures[0]}
    return {name: fmean(values) if values else None for name, values in found.items()}


def _course(wholes: Sequence[Counts], slice_s: float) -> list[Course]:
    runs = len(wholes)
    ats = sorted({at for whole in wholes for at in whole.slices})
    course = []
    for at in ats:
        pieces = [whole.slices[at] for whole in wholes if at in whole.slices]
        total = {name: sum(getattr(piece, name) for piece in pieces) for name in Slice.__slots__}
        looks = total["looks"] or 1
        course.append(
            Course(
                at=at * slice_s,
                arrived=total["arrived"] / runs,
                offers=total["offers"] / runs,
                taken=total["taken"] / runs,
                abandoned=total["abandoned"] / runs,
                answered_s=_share(total["answered_s"], total["answered"]),
                called_back_s=_share(total["called_back_s"], total["called_back"]),
                live=total["live"] / looks,
                promised=total["promised"] / looks,
                staffed=total["staffed"] / looks,
                idle=total["idle"] / looks,
            )
        )
    return course


def differences(
    first: Sequence[Mapping[str, float | None]], other: Sequence[Mapping[str, float | None]]
) -> dict[str, Difference]:
    """The other policy's figures less the first one's, pair by pair of runs."""
    found: dict[str, Difference] = {}
    for name in first[0]:
        pairs = [
            theirs - ours
            for one, two in zip(first, other, strict=True)
            if (ours := one.get(name)) is not None and (theirs := two.get(name)) is not None
        ]
        if pairs:
            found[name] = paired(pairs)
    return found


def paired(differences: Sequence[float]) -> Difference:
    """Their mean, with Student's 95 % interval from two on."""
    mean, runs = fmean(differences), len(differences)
    if runs < 2:
        return Difference(mean)
    freedom = runs - 1
    t = _T[freedom - 1] if freedom <= len(_T) else 1.96 * (1 + 1.25 / freedom)
    half = t * stdev(differences) / math.sqrt(runs)
    return Difference(mean, mean - half, mean + half)
